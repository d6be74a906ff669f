"""Every form of input, told by its content, and what each benchmark's own rule makes of it: counted by hand."""

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from tests.metrics.prediction_files import caption, counts, template, write


def score(benchmark, path, mode="official", **options):
    return summary(score_file(benchmark, path, mode=mode, **options))


def right(benchmark, path, mode="official", **options):
    return [line["correct"] for line in item_lines(score_file(benchmark, path, mode=mode, **options))]


REPLIES = ["B", "The answer is C.", "a lamp", "Best answer: Option: B", "The best option is D", "Two lamps burn there."]


def test_videomme_what_does_not_parse_leaves_the_denominator(tmp_path):
    # B is right for the first question of a video, C for the second. "Best answer:" stands: its comma is missing, and
    # its B is right no more; "The best option is" likewise, where its T is no option. "Two ..." has no A to D at all.
    path = write(tmp_path / "out.json", template(REPLIES))
    result = score("videomme", path)
    assert result["form"] == "videomme_template"
    assert (result["n"], result["correct"], result["dropped"]) == (4, 2, ["001-1", "002-2"])
    assert (result["answered"], result["no_answer"], result["accuracy"]) == (4, 2, 0.5)
    assert result["headline"] == {"name": "Overall", "value": 0.5} and result["printed"]["Overall"] == "50.0%"
    assert result["printed"]["short"] == "100.0%" and result["printed"]["medium"] == "0.0%"
    assert result["groups"]["Counting Problem"] == {"n": 2, "correct": 1, "accuracy": 0.5, "no_answer": 1}
    assert result["groups"]["Life Record"]["n"] == 4 and result["clusters"] == 3
    assert [line["choice"] for line in item_lines(score_file("videomme", path, mode="official"))] == [
        "B", "C", None, "B", "D", None,
    ]  # fmt: skip


def test_videomme_by_our_rules_keeps_all_in_the_denominator(tmp_path):
    result = score("videomme", write(tmp_path / "out.json", template(REPLIES)), "t2vid_hf")
    assert (result["n"], result["dropped"]) == (6, [])
    assert result["no_answer"] + result["answered"] == 6


def test_mvbench_an_empty_reply_is_right(tmp_path):
    # the first word, without dots, stands in "(b)", or the other way
    replies = ["", "(", "B", "(b)", "b.", "(B) fast", "fast", "(A) slow", "x(b)x"]
    tasks = {"Speed": (7, [(reply, "(B) fast") for reply in replies]), "Place": (1, [("(C) up", "(C) up")])}
    path = write(tmp_path / "test.json", counts(tasks))
    result = score("mvbench", path)
    assert result["form"] == "acc_dict" and right("mvbench", path) == [*[True] * 6, False, False, True, True]
    assert list(result["groups"]) == ["Speed", "Place"] and result["groups"]["Speed"]["no_answer"] == 3
    assert result["headline"] == {"name": "Avg", "value": 0.8} and result["macro"] == (7 / 9 + 1) / 2
    assert result["printed"] == {"Speed": str(7 / 9 * 100), "Place": "100.0", "Avg": "80.0"}
    ours = score("mvbench", path, "t2vid_hf")
    assert right("mvbench", path, "t2vid_hf")[:3] == [False, False, True] and ours["no_answer"] >= 2


def test_mvbench_counts_must_come_out_again(tmp_path):
    tasks = {"Speed": (2, [("(B)", "(B) fast"), ("(A)", "(B) fast")])}
    path = write(tmp_path / "test.json", counts(tasks))
    for mode in ("official", "t2vid", "t2vid_hf"):
        with pytest.raises(InputError, match="acc_dict counts 2 of 2 right in task 'Speed', its replies 1 of 2"):
            score_file("mvbench", path, mode=mode)


def test_mvbench_questions_are_joined_by_order(tmp_path):
    asked = [{"video": f"{n}.mp4", "question": "How?", "candidates": ["slow", "fast"], "answer": "fast"} for n in "ab"]
    questions = write(tmp_path / "q.json", asked)
    path = write(tmp_path / "test.json", counts({"Speed": (1, [("(B)", "(B) fast"), ("It is slow.", "(B) fast")])}))
    found = list(item_lines(score_file("mvbench", path, mode="t2vid_hf", questions=questions)))
    assert [(line["id"], line["video"], line["choice"]) for line in found] == [("0", "a.mp4", "B"), ("1", "b.mp4", "A")]
    wrong = write(tmp_path / "q.json", [{**asked[0], "answer": "slow"}, asked[1]])
    with pytest.raises(InputError, match="entry 1: its answer .* contradicts"):
        score_file("mvbench", path, mode="official", questions=wrong)


def test_mlvu_a_dot_is_wrong_and_the_average_is_over_tasks(tmp_path):
    replies = ["B", "B)", "(B)", "B.", "The answer (B) it is", "b", "", ")"]
    listed = [
        {
            "pred": reply,
            "gt": "(B) fast",
            "question": "How?\n(A) slow\n(B) fast",
            "question_type": "order",
            "video": "v",
        }
        for reply in replies
    ]
    listed.append({**listed[0], "pred": "A", "question_type": "count"})
    path = write(tmp_path / "test.json", {"acc_dict": {"order": [4, 8], "count": [0, 1]}, "res_list": listed})
    result = score("mlvu", path)
    assert right("mlvu", path) == [True, True, True, False, True, False, False, False, False]
    assert result["headline"] == {"name": "M-Avg", "value": 0.25} and result["accuracy"] == 4 / 9
    assert result["printed"] == {"order": "50.0", "count": "0.0", "Avg": "25.0"}
    ours = right("mlvu", path, "t2vid_hf")
    assert ours[:5] == [True] * 5 and ours[6:] == [False] * 3


MATCHING = [
    (caption("It falls.", "It flies.", 1), "Option 2: It flies.", True),
    (caption("It falls.", "It flies.", 1), "It flies.", True),
    (caption("It falls.", "It flies.", 1), "2.", True),
    (caption("It falls.", "It flies.", 1, "Sentence"), "Sentence B", True),
    (caption("It falls.", "It flies.", 1, "Caption"), "B</s>", True),
    (caption("It falls.", "It flies.", 1, "Caption"), "Caption A", False),
    (caption("It falls.", "It flies.", 1, "Caption"), "B) It flies.", True),
    (caption("It falls.", "It flies.", 1, "Caption"), "The second one", False),
    (caption("It falls.", "It flies.", 1), None, False),
]


def test_tempcompass_caption_matching(tmp_path):
    records = [{**asked, "prediction": reply} for asked, reply, _ in MATCHING]
    path = write(tmp_path / "caption_matching.json", {"12": {"order": records[:5]}, "13": {"order": records[5:]}})
    assert right("tempcompass", path) == [is_right for *_, is_right in MATCHING]
    result = score("tempcompass", path)
    assert (result["task"], result["printed"]["avg"], result["printed"]["match_rate"]) == (
        "caption_matching",
        "66.7",
        "77.8",
    )
    assert result["no_answer"] == 2 and result["clusters"] == 2
    first = next(item_lines(score_file("tempcompass", path, mode="official")))
    assert first == {
        "id": "12/order/0", "video": "12", "group": "order", "choice": "B", "answer": "B", "correct": True,
        "by": "rule", "dropped": False,
    }  # fmt: skip


def test_tempcompass_multiple_choice_and_response_for_prediction(tmp_path):
    asked = {"question": "How does it go?\nA. slow\nB. fast", "answer": "B. fast"}
    replies = ["B. fast", "B", "B) fast", " B.\n", "fast", "(B)", "A. fast", "Bfast"]
    records = [{**asked, "response": reply} for reply in replies]
    path = write(tmp_path / "any name.json", {"12": {"speed": records}})
    assert right("tempcompass", path) == [True, True, True, True, False, False, False, False]
    assert score("tempcompass", path)["by"] == {"rule": 5, "judge": 0, "stored": 0}
    ours = right("tempcompass", path, "t2vid_hf")
    assert ours[:6] == [True] * 6


def test_tempcompass_yes_no(tmp_path):
    replies = ["Yes, it does.", "no", "NO!", "Nothing", "It does.", None]
    records = [{"question": "Does it go?", "answer": "no", "prediction": reply} for reply in replies]
    path = write(tmp_path / "yes_no.json", {"12": {"speed": records}})
    assert right("tempcompass", path) == [False, True, True, True, False, False]  # "Nothing" starts with "no"
    found = list(item_lines(score_file("tempcompass", path, mode="official")))
    assert [line["choice"] for line in found] == ["yes", "no", "no", "no", None, None] and found[0]["answer"] == "no"
    with pytest.raises(InputError, match="mode t2vid scores multiple choice"):
        score_file("tempcompass", path, mode="t2vid")
    with pytest.raises(InputError, match="questions of the task yes_no, not of multi-choice"):
        score_file("tempcompass", path, mode="official", task="multi-choice")


def test_tempcompass_ratings_are_counted_as_they_are(tmp_path):
    rating = {"video-llm-prediction": "It flies.", "gt-answer": "B. up", "chatgpt-reasoning": "so"}
    records = [
        {**rating, "chatgpt-answer": "B. up", "rating": 1},
        {**rating, "chatgpt-answer": "A. down", "rating": 0},
        {**rating, "chatgpt-answer": "A. down, B. up", "rating": 0},
        {**rating, "chatgpt-answer": None, "rating": -1},
        {"question": "?", "gt-answer": "x", "video-llm-prediction": None, "match_success": False, "rating": 0},
    ]
    records[4]["gt-answer"] = "B. up"
    path = write(tmp_path / "captioning.json", {"12": {"direction": records}})
    for mode in ("official", "t2vid_hf"):
        result = score("tempcompass", path, mode)
        assert (result["task"], result["correct"], result["n"], result["no_answer"]) == ("captioning", 1, 5, 2)
    assert result["by"]["stored"] == 5
    assert score("tempcompass", path)["printed"] == {"direction": "0.0", "avg": "0.0", "match_rate": "0.0"}  # 1 + -1
    captions = write(
        tmp_path / "p.json",
        {"12": {"speed": [{"question": "A. x\nGenerated Caption:", "answer": "A. x", "prediction": "It goes."}]}},
    )
    with pytest.raises(InputError, match="captions are judged by a language model"):
        score_file("tempcompass", captions, mode="official")


def test_tempcompass_finer_aspects_of_the_authors_file(tmp_path):
    folder = tmp_path / "predictions/mine"
    folder.mkdir(parents=True)
    asked = {"question": "How?\nA. slow\nB. fast", "answer": "B. fast"}
    said = {
        "12": {"speed": [{**asked, "prediction": "B"}]},
        "13": {"speed": [{**asked, "prediction": "A"}], "order": []},
    }
    path = write(folder / "multi-choice.json", said)
    meta = {
        video: {"eval_dim": {"speed": {"type": f"{kind} speed"}}}
        for video, kind in (("12", "absolute"), ("13", "relative"))
    }
    write(tmp_path / "meta_info.json", meta)
    printed = score("tempcompass", path)["printed"]
    assert printed == {
        "speed": "50.0", "absolute speed": "100.0", "relative speed": "0.0", "avg": "50.0", "match_rate": "100.0",
    }  # fmt: skip
    write(tmp_path / "meta_info.json", {"12": meta["12"]})
    with pytest.raises(InputError, match="nothing about the speed of video '13'"):
        score_file("tempcompass", path, mode="official")


CSV = """video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4
7,10,4,4,why did it stop,1,0,CW,rain,night,wind,heat,snow
7,10,4,4,what came before,0,1,TP,rain,night,wind,heat,snow
8,10,4,4,where is it,4,2,DL,rain,night,wind,heat,snow
"""


def test_nextqa(tmp_path):
    questions = write(tmp_path / "val.csv", CSV)
    said = {
        "7_0": {"prediction": 1, "answer": 1},
        "8_2": {"prediction": 3, "answer": 4},
        "7_1": {"prediction": 0, "answer": 0},
    }
    path = write(tmp_path / "r.json", said)
    result = score("nextqa", path, questions=questions)
    assert result["printed"] == {
        "CW": "100.00", "TN": "100.00", "DL": "0.00", "Acc_C": "100.00", "Acc_T": "100.00", "Acc_D": "0.00",
        "Acc": "66.67",
    }  # fmt: skip
    assert result["clusters"] == 2 and result["groups"]["TN"]["n"] == 1
    for mode in ("t2vid", "t2vid_hf"):
        assert score("nextqa", path, mode, questions=questions)["correct"] == 2
    with pytest.raises(InputError, match="--questions val.csv"):
        score_file("nextqa", path, mode="official")


def four(number, kind, order, marks, level):
    """A video of Video-MME-v2: B is right; "+" says it, "-" says another, "?" says nothing."""
    return [
        {
            "doc_id": 4 * number + index,
            "filtered_resps": {"+": "Final Answer: B", "-": "A", "?": "none of it"}[mark],
            "doc": {
                "video_id": f"{number:03}", "question_id": f"{number:03}-{index + 1}", "question": "Which?",
                "options": "\n".join(f"{letter}. {letter.lower()}x" for letter in "ABCDEFGH"), "answer": "B",
                "group_type": kind, "group_structure": order, "level": level,
                "second_head": "Plot", "third_head": "Cause",
            },
        }
        for index, mark in enumerate(marks)
    ]  # fmt: skip


def test_videomme_v2(tmp_path):
    samples = [
        *four(0, "relevance", "[1, 2, 3, 4]", "+++-", 1),  # 9/16
        *four(1, "relevance", "[1, 2, 3, 4]", "+++?", 2),  # 3 - 1 = 2: 4/16
        *four(2, "logic", "[1, 2, 3, 4]", "++-+", 3),  # 2: 4/16
        *four(3, "logic", "[1, [2, 3], 4]", "+-+-", 3),  # 1, and 3 in place of 2: 4/12
        *four(4, "logic", "[[1, 2], 3, 4]", "-+++", None),  # 2 in place of 1: 1/10
        *four(5, "logic", "[1, 2, 3, 4]", "?+++", None),  # -1 passes for right: 1
    ]
    path = write(tmp_path / "run_samples_videomme_v2.jsonl", samples)
    result = score("videomme_v2", path)
    total = (9 / 16 + 4 / 16 + 4 / 16 + 4 / 12 + 1 / 10 + 1) / 6
    assert result["headline"]["name"] == "total" and result["headline"]["value"] == pytest.approx(total)
    printed = result["printed"]
    assert (printed["level_1"], printed["level_2"], printed["level_3"]) == ("56.25", "25.00", "29.17")
    assert (printed["relevance_score"], printed["relevance_linear_score"]) == ("40.62", "62.50")
    assert printed["logic_score"] == f"{100 * (4 / 16 + 4 / 12 + 1 / 10 + 1) / 4:.2f}"
    assert printed["total"] == printed["Plot"] == f"{100 * total:.2f}"
    assert printed["Simple accuracy (valid only)"] == f"{100 * 17 / 22:.2f}%"
    ours = score("videomme_v2", path, "t2vid_hf")["headline"]["value"]
    assert ours == pytest.approx((9 / 16 + 9 / 16 + 4 / 16 + 4 / 12 + 1 / 10 + 0) / 6)
    samples[3]["doc"]["level"] = "high"
    with pytest.raises(InputError, match="question 000-4: level 'high'; levels are 1, 2 and 3"):
        summary(score_file("videomme_v2", write(tmp_path / "a.jsonl", samples[:4]), mode="official"))
    with pytest.raises(InputError, match="four questions of a video"):
        summary(score_file("videomme_v2", write(tmp_path / "a.jsonl", samples[:3]), mode="official"))
