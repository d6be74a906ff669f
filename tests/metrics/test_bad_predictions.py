"""What cannot be scored is an error that names the file and the line or the question, and never a number."""

import json

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.score_file import score_file
from tests.metrics.prediction_files import SUFFIX, caption, counts, lines, template, write
from tests.metrics.test_forms import CSV

GOOD = lines(["B", "A", "C"])


def changed(index, **fields):
    return [{**line, **fields} if number == index else line for number, line in enumerate(GOOD)]


def without(field):
    return [{key: value for key, value in line.items() if key != field} for line in GOOD]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (changed(2, question_id=0), r"p.jsonl, line 3: question 0 is answered twice"),
        (changed(1, GT="D"), r"line 2, question 1: its right answer 'D' is none of its options, A to C"),
        (changed(1, GT=None), r"line 2, question 1: no right answer"),
        (changed(1, GT=["A"]), r"line 2, question 1: its right answer is list, not a letter"),
        (changed(1, prompt=f"How?\nA. slow\n{SUFFIX}", GT="A"), r"question 1: 1 option; a question has 2 to 10"),
        (changed(1, prompt=f"How?\nA. slow\nB. \n{SUFFIX}", GT="A"), r"question 1: option B is empty"),
        (changed(1, pred=7), r"line 2, question 1: 'pred' is int, and a prediction is a text"),
        (changed(1, pred=None), r"line 2, question 1: 'pred' is NoneType"),
        (without("question_id"), r"line 1: no question_id or id"),
        ([{"a": 1}], r"p.jsonl: predictions of an unknown form; known: .*auto_eval_results.*acc_dict.*lmms-eval"),
        ([*GOOD, {"a": 1}], r"line 4: no question_id or id"),
        (lines(["B"], key="orig_pred", pred="F"), r"question 0: parsed as 'F', and the parser writes A to E, or Z"),
    ],
)
def test_lines(listed, message, tmp_path):
    path = write(tmp_path / "p.jsonl", listed)
    for mode in ("official", "t2vid", "t2vid_hf"):
        with pytest.raises(InputError, match=message):
            score_file("mlvu", path, mode=mode)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"[]", "it holds no prediction"),
        (b"{}", "it holds no prediction"),
        (b"[1, 2]", "entry 1: int, not an object"),
        (b"nonsense", r"line 1: no JSON"),
        (b'{"a": 1, "a": 2}', "'a' stands there twice"),
        ((json.dumps(GOOD[0]) + "\n").encode() + b'{"pred": "\xe4"}\n', r"line 2: not UTF-8 \(byte \d+\)"),
        (
            (json.dumps(GOOD[0]) + "\n" + json.dumps(GOOD[1])[:40]).encode(),
            "line 2: no JSON .*: the file is cut off there",
        ),
        ((json.dumps(GOOD[0])[:40] + "\n" + json.dumps(GOOD[1])).encode(), "line 1: no JSON"),
        ((json.dumps(GOOD[0]) + "\n7\n").encode(), "line 2: int, not an object"),
        (json.dumps(template(["B", "C"]), indent=1)[:90].encode(), r"line \d+: no JSON .*; is the file cut off"),
    ],
)
def test_bytes(data, message, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as raised:
        score_file("mlvu", str(path), mode="official")
    assert str(raised.value).startswith(str(path))


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="none.json: no such file"):
        score_file("mlvu", str(tmp_path / "none.json"), mode="official")
    with pytest.raises(InputError, match="is a directory"):
        score_file("mlvu", str(tmp_path), mode="official")
    with pytest.raises(InputError, match="q.json: no such file"):
        score_file("mlvu", write(tmp_path / "p.jsonl", GOOD), mode="official", questions=str(tmp_path / "q.json"))


def test_names_that_are_not_known(tmp_path):
    path = write(tmp_path / "p.jsonl", GOOD)
    for options, message in (
        ({"benchmark": "mvbnch"}, "unknown benchmark 'mvbnch'; known: clips, images"),
        ({"mode": "ours"}, "unknown mode 'ours'; known: official, t2vid, t2vid_hf"),
        ({"task": "yes_no"}, "unknown task of mlvu 'yes_no'; known: none"),
        ({"benchmark": "tempcompass", "task": "counting"}, "unknown task of tempcompass 'counting'"),
    ):
        given = {"benchmark": "mlvu", "mode": "official", **options}
        with pytest.raises(InputError, match=message):
            score_file(given.pop("benchmark"), path, **given)


def test_another_benchmarks_file(tmp_path):
    mme = write(tmp_path / "out.json", template(["B", "C"]))
    with pytest.raises(InputError, match="out.json: predictions for videomme, not for nextqa, which takes .*val.csv"):
        score_file("nextqa", mme, mode="official", questions=write(tmp_path / "val.csv", CSV))
    aspects = [{**line, "category": kind} for line, kind in zip(GOOD, ("speed", "order", "action"), strict=True)]
    path = write(tmp_path / "p.jsonl", aspects)
    assert score_file("tempcompass", path, mode="official").scored
    with pytest.raises(InputError, match=r"p.jsonl: questions of tempcompass \(action, order, speed\), not of mvbench"):
        score_file("mvbench", path, mode="official")
    sample = {"doc_id": 0, "filtered_resps": "A", "lvb_acc": {"id": "a", "answer": "A", "question_category": "S2E"}}
    with pytest.raises(InputError, match="questions of longvideobench"):
        score_file("videomme", write(tmp_path / "s.jsonl", [sample]), mode="official")


@pytest.mark.parametrize("mode", ["official", "t2vid", "t2vid_hf"])
def test_questions_that_do_not_fit(mode, tmp_path):
    questions = write(tmp_path / "q.jsonl", [{k: v for k, v in line.items() if k != "pred"} for line in GOOD])
    for listed, message in (
        (GOOD[:1], r"p.jsonl: no prediction for 2 of 3 questions: 1, 2"),
        ([*GOOD, {**GOOD[0], "question_id": 99}], r"p.jsonl, question 99: .*q.jsonl has no such question"),
        (changed(1, GT="A"), r"p.jsonl, question 1: its answer A contradicts B of .*q.jsonl"),
    ):
        with pytest.raises(InputError, match=message):
            score_file("mlvu", write(tmp_path / "p.jsonl", listed), mode=mode, questions=questions)
    twice = write(tmp_path / "q.jsonl", [*GOOD, GOOD[0]])
    with pytest.raises(InputError, match="q.jsonl: question 0 stands there twice"):
        score_file("mlvu", write(tmp_path / "p.jsonl", GOOD), mode=mode, questions=twice)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"7_0": {"prediction": 5, "answer": 1}}, "question 7_0: prediction 5; it is the number of an option, 0 to 4"),
        ({"7_0": {"prediction": "B", "answer": 1}}, "question 7_0: prediction 'B'"),
        ({"7_0": {"prediction": 1, "answer": 2}}, "question 7_0: its answer 2 contradicts the question file's B"),
        ({"9_9": {"prediction": 1, "answer": 1}}, "question 9_9: the question file has no such question"),
        ({"7_0": {"prediction": 1, "answer": 1}}, "no prediction for 2 of 3 questions: 7_1, 8_2"),
        ({"7_0": {"prediction": 1, "answer": 1}, "7_1": 3}, "question 7_1: int, not an object"),
    ],
)
def test_nextqa(said, message, tmp_path):
    questions = write(tmp_path / "val.csv", CSV)
    with pytest.raises(InputError, match=message):
        score_file("nextqa", write(tmp_path / "r.json", said), mode="official", questions=questions)
    short = write(tmp_path / "val.csv", CSV.replace(",heat,snow\n8", "\n8"))
    with pytest.raises(InputError, match="val.csv, line 3: not the 13 values"):
        score_file("nextqa", write(tmp_path / "r.json", said), mode="official", questions=short)
    broken = write(tmp_path / "val.csv", CSV.replace("qid", "number"))
    with pytest.raises(InputError, match="val.csv: no column qid"):
        score_file("nextqa", write(tmp_path / "r.json", said), mode="official", questions=broken)


ASKED = {"question": "How?\nA. slow\nB. fast", "answer": "B. fast"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"1": {"speed": [{**ASKED, "prediction": 3}]}}, "question 1/speed/0: 'prediction' is int"),
        ({"1": {"speed": [{**ASKED, "prediction": "A"}, ASKED]}}, "question 1/speed/1: no 'response'"),
        ({"1": {"speed": [{**ASKED, "prediction": "A"}], "colour": []}}, "unknown aspect of video 1 .* 'colour'"),
        (
            {"1": {"speed": [{**ASKED, "prediction": "A", "answer": "C. x"}]}},
            "right answer 'C. x' is none of its options",
        ),
        ({"1": {"speed": [{**ASKED, "prediction": "A"}, 3]}}, "question 1/speed/1: int, not an object"),
        (
            {"1": {"speed": [{**ASKED, "prediction": "A"}, {**caption("a", "b", 0), "prediction": "A"}]}},
            "several tasks",
        ),
        ({"1": {"speed": [{"gt-answer": "A. x", "video-llm-prediction": "x", "rating": 2}]}}, "rating 2"),
    ],
)
def test_tempcompass(said, message, tmp_path):
    with pytest.raises(InputError, match=message):
        score_file("tempcompass", write(tmp_path / "p.json", said), mode="official")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"acc_dict": {"a": [1, 3]}, "res_list": [{"pred": "(A)", "gt": "(A) x"}]},
            "counts 3 replies, and res_list holds 1",
        ),
        ({"acc_dict": {"a": [2, 1]}, "res_list": []}, r"task a: \[2, 1\] is no \[right, of how many\]"),
        ({"acc_dict": {"a": [0, 1]}, "res_list": [{"pred": 3, "gt": "(A) x"}]}, "entry 1: 'pred' is int"),
        ({"acc_dict": {"a": [0, 1]}, "res_list": [{"pred": "(A)", "gt": "x"}]}, "entry 1: its right answer 'x'"),
        ({"acc_dict": [], "res_list": []}, "acc_dict: list, not an object"),
        (counts({"a": (1, [])}), "is no"),
    ],
)
def test_counts(value, message, tmp_path):
    with pytest.raises(InputError, match=message):
        score_file("mvbench", write(tmp_path / "t.json", value), mode="official")


def test_samples_of_lmms_eval(tmp_path):
    sample = {"doc_id": 0, "target": "B", "input": "How?\nA. slow\nB. fast"}
    for reply, message in ((["A", "B"], "doc_id 0: filtered_resps holds no single text"), ([], "no single text")):
        with pytest.raises(InputError, match=message):
            score_file("mlvu", write(tmp_path / "s.jsonl", [{**sample, "filtered_resps": reply}]), mode="official")
    with pytest.raises(InputError, match="question 0 is answered twice"):
        score_file("mlvu", write(tmp_path / "s.jsonl", [{**sample, "filtered_resps": "A"}] * 2), mode="official")
