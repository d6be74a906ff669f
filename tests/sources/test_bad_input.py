"""Bad files and bad rows: each is told by file, line and reason, and one bad row among 10,000 can be stepped over."""

import csv
import json
import pickle
import re
from pathlib import Path

import pytest

from t2vid_hf import sources
from t2vid_hf.errors import InputError
from t2vid_hf.sources import BadRow, ReadReport
from t2vid_hf.sources.refused_characters import bad_character

GOOD = {"context": "Snow melts in spring.", "question": "When?", "answer": "In spring."}


def good(number: int) -> bytes:
    return json.dumps(GOOD | {"id": f"row-{number}"}).encode()


def bad(**fields: object) -> bytes:
    return json.dumps(GOOD | {"id": "bad"} | fields).encode()


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in GOOD.items() if key != name}).encode()


def lines(path: Path, *rows: bytes) -> Path:
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


BAD_ROWS = {
    "invalid UTF-8": (b'{"context": "caf\xe9"}', "bad_encoding", r"byte \d+ is 0xe9, not UTF-8; .*encoding='latin-1'"),
    "not JSON": (b'{"context": ', "not_json", "not a JSON object on one line"),
    "deep JSON": (b"[" * 100_000, "not_json", "not a JSON object on one line"),
    "a number": (b"7", "not_a_record", "7 where an object is expected"),
    "a list": (b"[{}]", "not_a_record", "where an object is expected"),
    "no context": (without("context"), "missing_field", r"'context' is missing.*: answer, question\)"),
    "no question": (without("question"), "missing_field", r"'question' is missing.*: answer, context\)"),
    "no answer": (without("answer"), "missing_field", r"'answer' is missing.*: context, question\)"),
    "null answer": (bad(answer=None), "missing_field", "'answer' is null; it must be text"),
    "empty context": (bad(context=""), "empty_text", "'context' is \"\"; it must be text"),
    "blank context": (bad(context=" \n\t"), "empty_text", "'context' is"),
    "empty list of answers": (bad(answer=[]), "empty_text", "give at least one answer"),
    "empty answer in a list": (bad(answer=["Yes.", " "]), "empty_text", r"'answer\[1\]' is"),
    "number as a context": (bad(context=5), "wrong_type", "'context' is 5; it must be text"),
    "list as an id": (bad(id=[1]), "wrong_type", r"the id is \[1\]; it must be text or a whole number"),
    "NUL": (bad(context="a\0b"), "bad_character", r"the text: character 1 is U\+0000, a control character"),
    "NUL in an answer": (bad(answer="a\0"), "bad_character", r"the answer: character 1 is U\+0000"),
    "lone surrogate": (bad(context="a\ud83d"), "bad_character", r"U\+D83D, half of a surrogate pair"),
    "surrogate in a question": (bad(question="\udc00"), "bad_character", r"the question: character 0 is U\+DC00"),
    "surrogate in an id": (bad(id="x\udc00"), "bad_character", r"the id: character 1 is U\+DC00"),
    "duplicate id": (bad(id="row-3"), "duplicate_id", r"the id 'row-3' stands twice, first at .*rows\.jsonl:4;"),
    "questions that are no list": (bad(questions="Who?"), "wrong_type", "'questions' is \"Who\\?\""),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ROWS)
def test_one_bad_row_stops_the_reading(tmp_path: Path, name: str):
    row, reason, message = BAD_ROWS[name]
    path = lines(tmp_path / "rows.jsonl", *map(good, range(5)), row, good(5))
    report = ReadReport()
    with pytest.raises(BadRow, match=message) as error:
        list(sources.read(path, report=report))
    assert str(error.value).startswith(f"{path}:6")
    assert error.value.reason == reason in sources.REASONS
    assert report.read == 5
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("name", BAD_ROWS)
def test_one_bad_row_is_stepped_over(tmp_path: Path, name: str):
    row, reason, message = BAD_ROWS[name]
    path = lines(tmp_path / "rows.jsonl", *map(good, range(5)), row, good(5))
    report, rejects = ReadReport(), tmp_path / "new" / "rejects.jsonl"
    rows = list(sources.read(path, on_error="skip", rejects=rejects, report=report))
    assert [row.id for row in rows] == [f"row-{number}" for number in range(6)]
    assert (report.read, report.dropped) == (6, {reason: 1})
    (rejected,) = map(json.loads, rejects.read_text().splitlines())
    assert rejected["place"].startswith(f"{path}:6")
    assert rejected["reason"] == reason
    assert re.search(message, rejected["error"])
    assert rejected["error"] == report.first_bad
    assert rejected["row"]  # what stood there, so that it can be mended


@pytest.mark.parametrize("name", ["invalid UTF-8", "not JSON", "no answer", "lone surrogate", "duplicate id"])
def test_one_bad_row_among_ten_thousand(tmp_path: Path, name: str):
    row, reason, message = BAD_ROWS[name]
    rows = [good(number) for number in range(10_000)]
    rows[6_789] = row
    path = lines(tmp_path / "rows.jsonl", *rows)
    with pytest.raises(BadRow, match=message) as error:
        list(sources.read(path))
    assert str(error.value).startswith(f"{path}:6790: ")
    report, rejects = ReadReport(), tmp_path / "rejects.jsonl"
    assert sum(1 for _ in sources.read(path, on_error="skip", rejects=rejects, report=report)) == 9_999
    assert str(report) == f"9999 questions read; dropped: 1 {reason}"
    assert len(rejects.read_text().splitlines()) == 1


def test_the_offset_of_a_bad_byte_is_the_files(tmp_path: Path):
    path = lines(tmp_path / "rows.jsonl", good(0), good(1), b'{"context": "\xff"}')
    with pytest.raises(BadRow) as error:
        list(sources.read(path))
    offset = int(re.search(r"byte (\d+) is 0xff", str(error.value))[1])
    assert path.read_bytes()[offset] == 0xFF


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "café"), ("cp1252", "“ça”"), ("utf-16", "雪 é"), ("utf-8-sig", "é")])  # fmt: skip # noqa: E501
@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_other_encodings(tmp_path: Path, encoding: str, text: str, suffix: str):
    rows = [GOOD | {"context": f"{text} {number}"} for number in range(3)]
    path = tmp_path / f"rows.{suffix}"
    if suffix == "csv":
        content = "\n".join(["context,question,answer", *(",".join(row.values()) for row in rows)])
    else:
        dumped = [json.dumps(row, ensure_ascii=False) for row in rows]
        content = "\n".join(dumped) if suffix == "jsonl" else f"[{','.join(dumped)}]"
    path.write_bytes(content.encode(encoding))
    assert [row.context for row in sources.read(path, encoding=encoding)] == [f"{text} {number}" for number in range(3)]
    if encoding != "utf-8-sig":  # a byte order mark is no mistake
        with pytest.raises(BadRow, match="not UTF-8; give the encoding that the file has"):
            list(sources.read(path))


def test_a_utf_16_file_cut_in_half(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(good(0).decode().encode("utf-16")[:-1])
    with pytest.raises(InputError, match="not UTF-16"):
        list(sources.read(path, encoding="utf-16"))


def test_a_long_line_and_a_long_word(tmp_path: Path):
    sentence, word = "Snow melts. " * 900_000, "m" * 100_000
    path = lines(tmp_path / "rows.jsonl", bad(context=sentence), good(1), bad(context=word, id="word"))
    assert path.stat().st_size > 10_000_000
    rows = list(sources.read(path))
    assert [row.context for row in rows] == [sentence, GOOD["context"], word]
    # A message about it stays short
    path = lines(tmp_path / "long.jsonl", bad(context=[sentence]))
    with pytest.raises(BadRow) as error:
        list(sources.read(path))
    assert len(str(error.value)) < 500


def test_lines_are_read_one_at_a_time(tmp_path: Path):
    path = lines(tmp_path / "rows.jsonl", good(0), good(1), b"not JSON")
    rows = sources.read(path)
    assert next(rows).id == "row-0"
    assert next(rows).id == "row-1"
    with pytest.raises(BadRow):
        next(rows)


def test_all_white_space_of_a_text_is_kept(tmp_path: Path):
    context = " \tOne\r\n\x0bTwo\x0c\x85Three\u2028\u00a0Four \n"
    assert next(sources.read(lines(tmp_path / "rows.jsonl", bad(context=context)))).context == context
    # A font cannot draw a backspace, and a tokenizer takes it: SQuALITY has one in an answer
    assert next(sources.read(lines(tmp_path / "rows.jsonl", bad(answer="a\b")))).answer == "a\b"


@pytest.mark.parametrize("code", range(0x20))
def test_control_characters(code: int):
    assert (bad_character(f"a{chr(code)}", controls=False) is None) == (code in range(0x9, 0xE))
    assert (bad_character(f"a{chr(code)}") is None) == (code != 0)


@pytest.mark.parametrize("sign", ["\x1b", "\x7f", "\x93", "\x9f"])
def test_a_control_character_refuses_no_question_of_its_article(tmp_path: Path, sign: str):
    context = f"The {sign}keeper. " + "He wound the clock. " * 40
    asked = list(sources.read(lines(tmp_path / "rows.jsonl", *(bad(id=f"q{n}", context=context) for n in range(24)))))
    assert len(asked) == 24 and {qa.context for qa in asked} == {context}


FILES = {
    "absent.jsonl": (None, "no such file; give a .json"),
    "empty.jsonl": (b"", "the file is empty"),
    "blank.jsonl": (b"\n \n", r"no question in it \(0 questions read; dropped: none\)"),
    "none.json": (b"[]", "no question in it"),
    "list.jsonl": (b"[" + good(0) + b"]\n", "name the file .json"),
    "pretty.jsonl": (json.dumps([GOOD], indent=1).encode(), "one JSON document, not one JSON object a line"),
    "object.jsonl": (json.dumps({"data": [GOOD]}, indent=1).encode(), "name it .json"),
    "lines.json": (good(0) + b"\n" + good(1), r":2: not JSON \(Extra data\); .* named .jsonl"),
    "broken.json": (b'[\n{"context": \n', ":3: not JSON"),
    "bytes.json": (b'["\xe9"]', "byte 2 is 0xe9, not UTF-8"),
    "deep.json": (b"[" * 100_000, "not JSON that can be read"),
    "other.jsonl": (b'{"text": "a", "label": 1}', "keys label, text, the shape of no known source.*column map"),
    "fake.parquet": (b"PAR2", "not a Parquet file"),
    "bytes.csv": (b"context,caf\xe9\n", "byte 11 is 0xe9"),
    "twice.csv": (b"context,question,context\n", "two columns of one name"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_bad_files_are_refused_whatever_is_asked(tmp_path: Path, name: str, on_error: str):
    content, message = FILES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        list(sources.read(tmp_path / name, on_error=on_error))
    assert str(error.value).startswith(str(tmp_path / name))


def test_a_file_of_bad_rows_alone_says_what_was_wrong(tmp_path: Path):
    path = lines(tmp_path / "rows.jsonl", without("answer"), without("question"))
    with pytest.raises(InputError, match=r"0 questions read; dropped: 2 missing_field.*first bad row was .*:1: "):
        list(sources.read(path, on_error="skip"))


def test_ids_do_not_move_when_a_bad_row_is_mended(tmp_path: Path):
    row = json.dumps(GOOD).encode()
    broken = sources.read(lines(tmp_path / "rows.jsonl", row, b"{", row), on_error="skip")
    assert [row.id for row in broken] == ["0", "2"]
    assert [row.id for row in sources.read(lines(tmp_path / "rows.jsonl", row, row, row))] == ["0", "1", "2"]


def test_bad_csv_rows(tmp_path: Path):
    path = tmp_path / "rows.csv"
    path.write_bytes(
        b"id,context,question,answer\n"
        b'a,"Two\nlines.",When?,Now.\n'
        b"b,Snow,When?\n"
        b"\n"
        b'c,"Sn"ow,When?,Now.\n'
        b'd,"caf\xe9\nau lait",What?,Coffee.\n'
        b"e,Snow,When?,Now.\n"
        b'f,"open,When?,Now.\n'
    )
    report, rejects = ReadReport(), tmp_path / "rejects.jsonl"
    rows = list(sources.read(path, on_error="skip", rejects=rejects, report=report))
    assert [(row.id, row.context) for row in rows] == [("a", "Two\nlines."), ("e", "Snow")]
    assert report.dropped == {"not_a_record": 3, "bad_encoding": 1}
    errors = [json.loads(line)["error"] for line in rejects.read_text().splitlines()]
    assert [re.search(r":(\d+): ", error)[1] for error in errors] == ["4", "6", "7", "10"]
    assert "3 cells where the header has 4 (id, context, question, answer)" in errors[0]
    assert path.read_bytes()[int(re.search(r"byte (\d+)", errors[2])[1])] == 0xE9
    with pytest.raises(BadRow, match=r"rows\.csv:4: 3 cells"):
        list(sources.read(path))


def test_the_limit_of_a_csv_cell_is_put_back(tmp_path: Path):
    limit, text = 131_072, "Snow melts. " * 50_000
    csv.field_size_limit(limit)  # Python's own: whatever ran before
    path = tmp_path / "rows.csv"
    path.write_text(f"context,question,answer\n{text},When?,Now.\n{text},Where?,Here.\n")
    for row in sources.read(path):
        assert row.context == text
        assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "longalpacca"}, "unknown source 'longalpacca'; known: auto, booksum, long_qa"),
        ({"encoding": "latin-one"}, "unknown encoding 'latin-one'"),
        ({"encoding": "base64"}, "unknown encoding 'base64'"),
        ({"answers": "second"}, "unknown answers 'second'; known: all, first"),
        ({"on_error": "ignore"}, "unknown on_error 'ignore'; known: raise, skip"),
        ({"columns": {"text": "context"}}, "unknown name in the column map 'text'; known: answer, context, id"),
        ({"columns": {"context": "a", "question": "a"}}, "one column under two names"),
        ({"columns": {"context": "a"}, "source": "squad"}, "for the source 'long_qa', not for 'squad'"),
        ({"rejects": "rejects.jsonl"}, "with on_error='skip' alone"),
        ({"split": "test"}, "a file has neither"),
    ],
)
def test_bad_options(tmp_path: Path, options: dict, message: str):
    path = lines(tmp_path / "rows.jsonl", good(0))
    with pytest.raises(InputError, match=message):
        list(sources.read(path, **options))


def test_the_rejects_file_never_replaces_the_input(tmp_path: Path):
    path = lines(tmp_path / "rows.jsonl", good(0))
    with pytest.raises(InputError, match="name another"):
        list(sources.read(path, on_error="skip", rejects=path))
    assert path.read_bytes() == good(0) + b"\n"


def test_a_bad_row_travels_between_processes():
    error = BadRow("a.jsonl:3", "not_json", "not JSON", {"a": 1})
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.place, copy.reason, copy.content) == (
        "a.jsonl:3: not JSON",
        "a.jsonl:3",
        "not_json",
        {"a": 1},
    )
