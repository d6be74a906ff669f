"""Question files as their authors publish them, held against predictions that say less."""

import pyarrow
import pytest
from pyarrow import parquet

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from tests.metrics.prediction_files import template, write
from tests.metrics.test_forms import CSV


def said(names, replies, right="B"):
    return [
        {"question_id": name, "prompt": "", "pred": reply, "GT": right, "category": "all"}
        for name, reply in zip(names, replies, strict=True)
    ]


def test_parquet(tmp_path):
    rows = [
        {"video_id": "001", "question_id": f"001-{n}", "question": "Which?", "options": "A. x\nB. y", "answer": "B",
         "group_type": "logic", "group_structure": "[1, 2, 3, 4]", "level": 2, "third_head": "Cause"}
        for n in range(1, 5)
    ]  # fmt: skip
    path = tmp_path / "test.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    predictions = write(tmp_path / "p.jsonl", said([row["question_id"] for row in rows], "BBAB"))
    file = score_file("videomme_v2", predictions, mode="official", questions=str(path))
    result = summary(file)
    assert (result["headline"]["value"], result["printed"]["level_2"], result["clusters"]) == (0.25, "25.00", 1)
    assert [line["video"] for line in item_lines(file)] == ["001"] * 4 and list(result["groups"]) == ["Cause", "logic"]
    path.write_bytes(b"PAR1 is not enough")
    with pytest.raises(InputError, match="test.parquet: no Parquet file that can be read"):
        score_file("videomme_v2", predictions, mode="official", questions=str(path))


def test_a_template_without_responses(tmp_path):
    questions = write(tmp_path / "q.json", template(["", ""]))
    predictions = write(tmp_path / "p.jsonl", [*said(["000-1"], "B"), *said(["000-2"], "B", right="C")])
    result = summary(score_file("videomme", predictions, mode="official", questions=questions))
    assert (result["accuracy"], result["clusters"]) == (0.5, 1)
    assert result["groups"]["short"]["n"] == 2 and result["groups"]["Counting Problem"]["correct"] == 1


def test_a_list_below_questions(tmp_path):
    asked = {"data_id": "i.jpg", "question": "What?", "choice_a": "x", "choice_b": "y", "answer": "B"}
    questions = write(tmp_path / "q.json", {"questions": [{**asked, "question_id": "1", "question_type_id": 3}]})
    predictions = write(tmp_path / "p.jsonl", said(["1"], "B"))
    line = next(item_lines(score_file("images", predictions, mode="t2vid_hf", questions=questions)))
    assert (line["video"], line["group"], line["correct"]) == ("i.jpg", "3", True)
    with pytest.raises(InputError, match="q.json: dict, not a list of questions"):
        score_file("images", predictions, mode="t2vid_hf", questions=write(tmp_path / "q.json", asked))


def test_lmms_samples_that_hold_no_question_take_it_by_its_place(tmp_path):
    questions = write(tmp_path / "val.csv", CSV)
    samples = [{"doc_id": n, "target": "x", "filtered_resps": reply} for n, reply in ((2, "E"), (0, "A"), (1, "A"))]
    path = write(tmp_path / "run_samples_nextqa_mc_test.jsonl", samples)
    file = score_file("nextqa", path, mode="official", questions=questions)
    assert [(line["id"], line["correct"]) for line in item_lines(file)] == [
        ("8_2", True),
        ("7_0", False),
        ("7_1", True),
    ]
    assert summary(file)["printed"]["Acc_D"] == "100.00"
    far = write(tmp_path / "far.jsonl", [{**samples[0], "doc_id": 3}])
    with pytest.raises(InputError, match="doc_id 3: the question file has 3 questions"):
        score_file("nextqa", far, mode="official", questions=questions)
