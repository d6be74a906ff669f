"""Forms with a line a question, which every benchmark takes: lmms-eval's, the original's and ours."""

import json

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from tests.metrics.prediction_files import lines, prompt, write


def score(benchmark, path, mode="official", **options):
    return summary(score_file(benchmark, path, mode=mode, **options))


def right(benchmark, path, mode="official", **options):
    return [line["correct"] for line in item_lines(score_file(benchmark, path, mode=mode, **options))]


def lmms(metric, given, reply, number=0, **more):
    return {
        "doc_id": number,
        "target": "B",
        "filtered_resps": reply,
        "input": prompt("How?", ("slow", "fast")),
        metric: given,
        **more,
    }


@pytest.mark.parametrize("reply", ["B", ["B"], [["B"]]])
@pytest.mark.parametrize(
    ("benchmark", "metric", "given", "group"),
    [
        ("videomme", "videomme_perception_score",
         {"question_id": "1-1", "duration": "short", "category": "Knowledge", "sub_category": "Law",
          "task_category": "OCR Problems", "pred_answer": "B", "answer": "B", "videoID": "x"}, "OCR Problems"),
        ("mvbench", "mvbench_accuracy", {"pred_answer": "B", "gt_answer": "B", "score": 1}, "moving_count"),
        ("mlvu", "mlvu_percetion_score",
         {"question_id": "How does it go?\n(A) slow\n(B) fast", "task_type": "order", "answer": "B"}, "order"),
        ("longvideobench", "lvb_acc",
         {"id": "a_0", "duration_group": 60, "question_category": "S2E", "answer": "B", "parsed_pred": "B"}, "S2E"),
        ("tempcompass", "avg_accuracy",
         {"video_id": "12", "question": "How?\nA. slow\nB. fast", "gt-answer": "B. fast", "dim": "speed"}, "speed"),
        ("images", "seed_all", {"pred": "B", "answer": "B", "question_id": "9"}, "all"),
    ],
)  # fmt: skip
def test_lmms_samples_without_their_document(benchmark, metric, given, group, reply, tmp_path):
    path = write(tmp_path / f"2026_samples_{benchmark}_moving_count.jsonl", [lmms(metric, given, reply)])
    for mode in ("official", "t2vid_hf"):
        result = score(benchmark, path, mode)
        assert (result["form"], result["n"], result["correct"]) == ("lmms_eval", 1, 1)
        assert next(iter(result["groups"])) in (group, "moving_count")
    line = next(item_lines(score_file(benchmark, path, mode="t2vid_hf")))
    assert (line["choice"], line["answer"]) == ("B", "B")


@pytest.mark.parametrize(
    ("benchmark", "doc"),
    [
        ("mvbench", {"video": "v.mp4", "question": "How?", "candidates": ["slow", "fast"], "answer": "fast"}),
        ("mvbench", {"video": "v.mp4", "question": "Which letter?", "candidates": ["C", "A", "B"], "answer": "A"}),
        ("longvideobench", {"id": "a", "video_id": "v", "question": "How?", "option0": "slow", "option1": "fast",
                            "option2": "N/A", "correct_choice": 1, "question_category": "S2E", "duration_group": 15}),
        ("nextqa", {"video": 7, "qid": 1, "type": "TP", "question": "how", "answer": 1,
                    "a0": "slow", "a1": "fast", "a2": "x", "a3": "y", "a4": "z"}),
        ("tempcompass", {"video_id": "v", "dim": "speed", "question": "How?\nA. slow\nB. fast", "answer": "B. fast"}),
        ("tempcompass", {"video_id": "v", "dim": "speed", "question": "How?\nCaption A: It.\nCaption B: Them.",
                         "answer": "Caption B: Them."}),
        ("images", {"question_id": 1, "question": "How?", "choice_a": "slow", "choice_b": "fast", "choice_c": "x",
                    "choice_d": "y", "answer": "B", "data_type": "image"}),
        ("mlvu", {"video_name": "v", "question": "How?\n(A) slow\n(B) fast", "answer": "B", "task_type": "order"}),
    ],
)  # fmt: skip
def test_lmms_samples_with_their_document(benchmark, doc, tmp_path):
    path = write(tmp_path / "samples.jsonl", [{"doc_id": 0, "doc": doc, "filtered_resps": "B", "target": "B"}])
    result = score(benchmark, path)
    assert (result["n"], result["correct"]) == (1, 1)
    line = next(item_lines(score_file(benchmark, path, mode="t2vid_hf")))
    assert line["answer"] == "B" and line["video"] in ("", "7", "v", "v.mp4")


def test_longvideobench_unparsed_replies_are_a_range(tmp_path):
    path = write(tmp_path / "pred.jsonl", lines(["B", "The answer is A", "no idea", "none"]))
    result = score("longvideobench", path)
    assert (result["accuracy"], result["no_answer"], result["n"]) == (0.25, 2, 4)
    assert result["printed"] == {
        "speed": "0.25",
        "Overall": "0.25",
        "unparsed": "2",
        "lowest": "0.25",
        "highest": "0.75",
    }
    assert score("longvideobench", path) == result  # nothing is guessed
    assert result["low"] < 0.25 and result["high"] > 0.75  # the interval holds both ends
    found = [line["by"] for line in item_lines(score_file("longvideobench", path, mode="official"))]
    assert found == ["rule", "rule", "unparsed", "unparsed"]


def test_the_originals_lines_and_what_its_parser_made_of_them(tmp_path):
    replies = ["B. fast", "The answer is A", "Can it be?", "slow"]
    path = write(tmp_path / "pred.jsonl", lines(replies))
    result = score("mlvu", path, "t2vid")
    assert [line["choice"] for line in item_lines(score_file("mlvu", path, mode="t2vid"))] == ["B", "A", "C", "Z"]
    assert result["printed"] == {"speed": "25.00", "Total Score": "25.00"} and result["clusters"] == 2
    parsed = [
        {**line, "orig_pred": line["pred"], "pred": letter} for line, letter in zip(lines(replies), "BACA", strict=True)
    ]
    path = write(tmp_path / "parsed.jsonl", parsed)
    result = score("mlvu", path, "t2vid")
    assert (result["form"], result["by"]) == ("t2vid_parsed", {"rule": 3, "judge": 1, "stored": 0})
    assert score("mlvu", path, "t2vid_hf")["correct"] == 1  # from what was said, not from what was made of it


def test_the_original_drops_what_does_not_fall_in_two_at_A(tmp_path):
    twice = lines(["B"], options=("vitamin A. or so", "fast"))
    path = write(tmp_path / "pred.jsonl", [*lines(["B", "A"]), {**twice[0], "question_id": 9}])
    result = score("mlvu", path, "t2vid")
    assert (result["n"], result["dropped"], result["answered"], result["no_answer"]) == (2, ["9"], 2, 0)
    assert score("mlvu", path)["n"] == 3


def test_our_answers_and_whose(tmp_path):
    said = [
        {"model": model, "id": f"c-{n}", "kind": "speed", "clip": "c", "question": prompt("How?", ("slow", "fast")),
         "expected": "B", "reply": reply, "choice": None, "correct": False}
        for model, replies in (("base", "AA"), ("tuned", "BA"))
        for n, reply in enumerate(replies)
    ]  # fmt: skip
    path = write(tmp_path / "answers.jsonl", said)
    with pytest.raises(InputError, match="answers of base, tuned; say whose to take with --model"):
        score_file("clips", path, mode="official")
    result = score("clips", path, model="tuned")
    assert (result["form"], result["correct"], result["clusters"]) == ("answers", 1, 1)
    assert result["printed"] == {"speed": "50.0%", "all": "50.0%"}


def test_images_take_the_first_character(tmp_path):
    path = write(tmp_path / "pred.jsonl", lines(["b", "Bad light", "It is B", ""]))
    assert right("images", path) == [True, True, False, False]


def test_a_score_is_one_object_of_plain_values(tmp_path):
    result = score("mlvu", write(tmp_path / "pred.jsonl", lines(["B", "A"])))
    assert json.loads(json.dumps(result)) == result
    assert list(result) == [
        "benchmark", "task", "mode", "form", "n", "answered", "no_answer", "dropped", "correct", "accuracy", "macro",
        "headline", "low", "high", "clusters", "groups", "printed", "by",
    ]  # fmt: skip


def test_yes_and_no_in_lines(tmp_path):
    said = [
        {
            "model": "m",
            "id": str(n),
            "kind": "speed",
            "clip": "c",
            "question": "Does it go?",
            "expected": "no",
            "reply": r,
        }
        for n, r in enumerate(("No.", "Yes."))
    ]
    path = write(tmp_path / "answers.jsonl", said)
    for mode in ("official", "t2vid_hf"):
        file = score_file("tempcompass", path, mode=mode)
        assert (file.task, [line["choice"] for line in item_lines(file)]) == ("yes_no", ["no", "yes"])
