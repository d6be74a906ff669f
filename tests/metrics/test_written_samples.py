"""lmms-eval's form, written: what is read of it again is what was scored."""

import pytest

from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from t2vid_hf.metrics.written_samples import sample_lines
from tests.metrics.prediction_files import lines, write
from tests.metrics.test_forms import CSV
from tests.metrics.test_mutated_files import FILES


@pytest.mark.parametrize("number", range(len(FILES)))
def test_what_is_written_is_read_again(number, tmp_path):
    benchmark, value = FILES[number]
    if benchmark == "tempcompass" and "rating" in value["1"]["speed"][0]:
        pytest.skip("lmms-eval has no place for a stored rating")
    questions = write(tmp_path / "val.csv", CSV) if benchmark == "nextqa" else None
    if benchmark == "nextqa":
        value = {**value, "8_2": {"prediction": 4, "answer": 4}}
    path = write(tmp_path / f"p.{'jsonl' if 'doc_id' in str(value) or 'GT' in str(value) else 'json'}", value)
    for mode in ("official", "t2vid_hf"):
        first = score_file(benchmark, path, mode=mode, questions=questions)
        again = score_file(benchmark, write(tmp_path / "x_samples_y.jsonl", list(sample_lines(first))), mode=mode)
        assert list(item_lines(again)) == list(item_lines(first))
        one, other = summary(first), summary(again)
        assert {**one, "form": None} == {**other, "form": None}


def test_a_line(tmp_path):
    path = write(tmp_path / "p.jsonl", lines(["B"], category="order"))
    (line,) = sample_lines(score_file("mlvu", path, mode="official"))
    assert (line["doc_id"], line["target"], line["filtered_resps"], line["correct"]) == (0, "B", "B", True)
    assert (line["doc"]["question_type"], line["doc"]["options"]) == ("order", ["slow", "fast", "still"])
