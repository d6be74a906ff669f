"""`long_qa` reads any table of texts, questions and answers; SQuAD and SQuALITY in their written shapes."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from t2vid_hf import sources
from t2vid_hf.errors import InputError
from t2vid_hf.sources import BadRow, ReadReport, tables

TEXTS = ["Snow melts, in spring.", 'A river "bends"\nwhere the bank is soft.', "雪が溶ける。"]
ROWS = [{"uid": f"r{n}", "body": text, "ask": f"What, of {n}?", "reply": f"It is {n}."} for n, text in enumerate(TEXTS)]
MAP = {"id": "uid", "context": "body", "question": "ask", "answer": "reply"}
EXPECTED = [(row["uid"], row["body"], row["ask"], row["reply"]) for row in ROWS]


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def write(folder: Path, suffix: str, rows: list[dict]) -> Path:
    path = folder / f"table.{suffix}"
    if suffix == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif suffix in ("csv", "tsv"):
        comma = "\t" if suffix == "tsv" else ","
        cells = [list(rows[0]), *(map(str, row.values()) for row in rows)]
        path.write_text("".join(comma.join(map(quoted, row)) + "\r\n" for row in cells), encoding="utf-8", newline="")
    elif suffix == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    else:
        path.write_text(json.dumps({"data": rows} if suffix == "data.json" else rows), encoding="utf-8")
    return path


def quadruples(*args: object, **options: object) -> list[tuple[str, str, str, str]]:
    return [(row.id, row.context, row.question, row.answer) for row in sources.read(*args, **options)]


@pytest.mark.parametrize("suffix", ["json", "data.json", "jsonl", "csv", "tsv", "parquet"])
def test_any_file_with_a_column_map(tmp_path: Path, suffix: str):
    path = write(tmp_path, suffix, ROWS)
    assert quadruples(path, columns=MAP) == quadruples(str(path), columns=MAP, source="long_qa") == EXPECTED
    with pytest.raises(InputError, match=r"\(ask, body, reply, uid\)"):  # the columns that there are
        list(sources.read(path, columns=MAP | {"answer": "replies"}))
    with pytest.raises(InputError, match="keys ask, body, reply, uid, the shape of no known source"):
        list(sources.read(path))


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "parquet"])
def test_our_own_names_need_no_map(tmp_path: Path, suffix: str):
    rows = [{ours: row[theirs] for ours, theirs in MAP.items()} for row in ROWS]
    path = write(tmp_path, suffix, rows)
    assert quadruples(path) == EXPECTED
    assert {row.source for row in sources.read(path)} == {"long_qa"}


def test_a_map_may_swap_names(tmp_path: Path):
    rows = [{"question": "In spring.", "answer": "When?", "context": "label", "text": "Snow melts."}]
    path = write(tmp_path, "jsonl", rows)
    columns = {"question": "answer", "answer": "question", "context": "text"}
    assert quadruples(path, columns=columns) == [("0", "Snow melts.", "When?", "In spring.")]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_folder_is_a_data_set(tmp_path: Path, suffix: str):
    write(tmp_path, suffix, ROWS)
    assert quadruples(tmp_path, columns=MAP) == EXPECTED


def test_a_data_set_with_configs_and_splits(tmp_path: Path):
    for config, split, rows in (("one", "train", ROWS[:1]), ("two", "train", ROWS[1:2]), ("two", "test", ROWS[2:])):
        (tmp_path / config).mkdir(exist_ok=True)
        parquet.write_table(pa.Table.from_pylist(rows), tmp_path / config / f"{split}-00000-of-00001.parquet")
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n"
        "- config_name: one\n  data_files:\n  - split: train\n    path: one/train-*\n"
        "- config_name: two\n  data_files:\n  - split: train\n    path: two/train-*\n"
        "  - split: test\n    path: two/test-*\n---\n"
    )
    assert quadruples(tmp_path, columns=MAP, config="one") == EXPECTED[:1]
    assert quadruples(tmp_path, columns=MAP, config="two") == EXPECTED[1:2]
    assert quadruples(tmp_path, columns=MAP, config="two", split="test") == EXPECTED[2:]
    with pytest.raises(InputError, match=r"(?i)split.*test"):
        list(sources.read(tmp_path, columns=MAP, config="two", split="dev"))
    with pytest.raises(InputError, match="three"):
        list(sources.read(tmp_path, columns=MAP, config="three"))
    with pytest.raises(BadRow, match=r"\[train\]\[0\]: no column 'nothing'"):
        list(sources.read(tmp_path, columns={"context": "nothing"}, config="one"))


def test_a_folder_without_data(tmp_path: Path):
    with pytest.raises(InputError, match="no data set that can be read"):
        list(sources.read(tmp_path))


def test_names_of_hub_data_sets():
    assert tables.hub_name("hf://datasets/someone/texts") == ("someone/texts", None)
    assert tables.hub_name(Path("hf://datasets/someone/texts@main")) == ("someone/texts", "main")
    assert tables.hub_name("hf://datasets/squad/") == ("squad", None)
    assert tables.hub_name("datasets/someone/texts") is None


def test_a_hub_data_set_is_loaded_by_its_name(monkeypatch: pytest.MonkeyPatch):
    asked: list = []

    def load_dataset(name: str, config: str | None, **options: object) -> list[dict]:
        asked.append((name, config, options))
        return ROWS

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    assert quadruples("hf://datasets/someone/texts@v2", columns=MAP, split="test") == EXPECTED
    assert asked == [("someone/texts", None, {"split": "test", "revision": "v2", "streaming": True})]


def test_no_connection_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch):
    def load_dataset(*args: object, **options: object) -> None:
        raise ConnectionError("Couldn't reach 'someone/texts' on the Hub")

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    with pytest.raises(InputError, match="someone/texts: no data set that can be read .Couldn't reach"):
        list(sources.read("hf://datasets/someone/texts"))


def test_questions_of_one_document(tmp_path: Path):
    document = {
        "id": "d",
        "context": TEXTS[0],
        "questions": [
            {"question": "When?", "answers": ["In spring.", "Later."]},
            {"question": "What?", "answer": "Snow.", "id": "own"},
            {"question": "", "answer": "Nothing."},
            {"question": "Who?", "answers": ["Nobody."]},
        ],
    }
    path = write(tmp_path, "jsonl", [document])
    report = ReadReport()
    rows = list(sources.read(path, on_error="skip", report=report))
    assert [(row.id, row.answer) for row in rows] == [("d-0", "In spring."), ("own", "Snow."), ("d-3", "Nobody.")]
    assert report.dropped == {"empty_text": 1}
    every = sources.read(path, on_error="skip", answers="all")
    assert [row.id for row in every] == ["d-0", "d-0-answer1", "own", "d-3"]
    with pytest.raises(BadRow, match=r"table\.jsonl:1 questions\[2\]: the field 'question'"):
        list(sources.read(path))


def test_the_hubs_form_of_squad(tmp_path: Path):
    rows = [
        {"id": "a", "context": TEXTS[0], "question": "When?", "answers": {"text": ["spring", "in spring"]}},
        {"id": "b", "context": TEXTS[0], "question": "Where?", "answers": {"text": []}},
    ]
    report = ReadReport()
    path = write(tmp_path, "parquet", rows)
    assert [(row.id, row.answer) for row in sources.read(path, report=report)] == [("a", "spring")]
    assert report.dropped == {"unanswerable": 1}


def article(*questions: dict) -> dict:
    paragraphs = [{"context": text, "qas": []} for text in TEXTS[:2]]
    paragraphs[1]["qas"] = list(questions)
    return {"title": "Snow", "paragraphs": paragraphs}


def question(id: str, *answers: str) -> dict:
    return {"id": id, "question": f"What of {id}?", "answers": [{"text": text, "answer_start": 0} for text in answers]}


def test_squad(tmp_path: Path):
    path = write(tmp_path, "data.json", [article(question("a", "snow", "the snow"), question("b")), article(question("c", "bank"))])  # fmt: skip # noqa: E501
    report = ReadReport()
    rows = list(sources.read(path, report=report))
    assert [(row.id, row.source, row.answer) for row in rows] == [("a", "squad", "snow"), ("c", "squad", "bank")]
    assert {row.context for row in rows} == {"\n\n".join(TEXTS[:2])}
    assert report.dropped == {"unanswerable": 1}
    assert [row.answer for row in sources.read(path, answers="all")] == ["snow", "the snow", "bank"]


def test_squad_malformed(tmp_path: Path):
    broken = article(question("a", "snow"))
    del broken["paragraphs"][0]["context"]
    path = write(tmp_path, "json", [article(question("b", "")), broken, article(question("c", "bank"))])
    report = ReadReport()
    assert [row.id for row in sources.read(path, on_error="skip", report=report)] == ["c"]
    assert report.dropped == {"empty_text": 1, "missing_field": 1}
    with pytest.raises(BadRow, match=r"table\.json\[0\] paragraphs\[1\] qas\[0\] answers\[0\]: the field 'text' is"):
        list(sources.read(path))


def story(passage: str | None, *answers: str) -> dict:
    responses = [{"worker_id": "1", "response_text": answer} for answer in answers]
    return {
        "metadata": {"passage_id": passage} if passage else {},
        "document": TEXTS[1],
        "questions": [{"question_text": "What is the plot?", "question_number": 1, "responses": responses}],
    }


def test_squality(tmp_path: Path):
    path = write(tmp_path, "jsonl", [story("52", "A river. \n", "Water."), story(None, "Banks.")])
    rows = list(sources.read(path))
    assert [(row.id, row.source, row.answer) for row in rows] == [
        ("52-1", "squality", "A river."),
        ("1-1", "squality", "Banks."),
    ]
    assert [row.id for row in sources.read(path, answers="all")] == ["52-1", "52-1-answer1", "1-1"]
    with pytest.raises(BadRow, match=r":2 questions\[0\]: 'responses' is empty"):
        list(sources.read(write(tmp_path, "jsonl", [story("52", "A river."), story("53")])))


def test_sources_are_listed_under_their_names():
    assert all(name == source.name for name, source in sources.SOURCES.items())
    assert set(sources.SOURCES) == {
        "long_qa", "squad", "squality", "longalpaca", "longqlora", "booksum", "natural_questions"
    }  # fmt: skip
