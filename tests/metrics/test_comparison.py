"""Two results, question by question: counts, tests, the interval over videos, and what may not be compared."""

import math

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.comparison import compare_files
from t2vid_hf.metrics.paired import Pair, chi_square, clustered_interval, exact_p
from tests.metrics.prediction_files import lines, prompt, write


def items(pattern, *, per_video=1, start=0):
    return [
        {"id": f"q{n}", "video": f"v{n // per_video}", "group": "g", "choice": "A", "answer": "A",
         "correct": sign == "+", "by": "rule", "dropped": sign == "d"}
        for n, sign in enumerate(pattern, start)
    ]  # fmt: skip


def test_the_exact_p_is_the_binomials():
    for n in range(1, 40):
        total = [exact_p(k, n - k) for k in range(n + 1)]
        assert total == total[::-1] and all(0 < p <= 1 for p in total)
        assert total[0] == min(1, 2 / 2**n)
    assert exact_p(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert 0 < exact_p(900, 700) < 1e-6  # whole numbers of 480 digits, and no overflow


def test_chi_square():
    assert chi_square(5, 5) == (0.0, 1.0)
    value, p = chi_square(9, 25)
    assert value == 15**2 / 34 and p == pytest.approx(math.erfc(math.sqrt(value / 2)))


def test_b_minus_a(tmp_path):
    a, b = write(tmp_path / "a.jsonl", items("++--+")), write(tmp_path / "b.jsonl", items("+-+++"))
    result, settings = compare_files(a, b)
    assert list(result) == [
        "n", "only_a", "only_b", "difference", "p_exact", "chi2_with_continuity", "p_chi2", "low", "high", "clusters",
    ]  # fmt: skip
    assert (result["n"], result["only_a"], result["only_b"], result["difference"]) == (5, 1, 2, 0.2)
    assert (result["p_exact"], result["chi2_with_continuity"], result["clusters"]) == (1.0, 0.0, 5)
    assert result["low"] <= 0.2 <= result["high"] and settings == {}
    assert compare_files(a, b)[0] == result  # seeded
    back = compare_files(b, a)[0]
    assert back["difference"] == -0.2 and (back["only_a"], back["only_b"]) == (2, 1)


def test_questions_of_a_video_count_as_one():
    signs = [(0, 1), (0, 0), (1, 1), (0, 1), (1, 0)] * 8
    alone = clustered_interval([Pair(f"v{n}", *map(bool, pair)) for n, pair in enumerate(signs * 4)])
    shared = clustered_interval([Pair(f"v{n // 4}", *map(bool, signs[n // 4])) for n in range(4 * len(signs))])
    assert shared[1] - shared[0] > 1.8 * (alone[1] - alone[0])  # twice, for four that always agree
    assert alone[1] - alone[0] == pytest.approx(2 * 1.96 * math.sqrt((0.6 - 0.2**2) / 160), rel=0.1)


def test_all_alike():
    assert clustered_interval([Pair("v", True, True)] * 3) == (0.0, 0.0)


def test_questions_that_stand_in_one_alone(tmp_path):
    a, b = write(tmp_path / "a.jsonl", items("+++")), write(tmp_path / "b.jsonl", items("++++", start=1))
    with pytest.raises(InputError, match=r"1 questions stand in .*a.jsonl alone and 2 in .*b.jsonl alone \(q0, q3, q4"):
        compare_files(a, b)
    assert compare_files(a, b, common=True)[0]["n"] == 2
    c = write(tmp_path / "c.jsonl", items("+", start=9))
    with pytest.raises(InputError, match="have no question in common"):
        compare_files(a, c, common=True)


def test_what_both_have_dropped_is_in_neither(tmp_path):
    a, b = write(tmp_path / "a.jsonl", items("+dd")), write(tmp_path / "b.jsonl", items("-d+"))
    result = compare_files(a, b)[0]
    assert (result["n"], result["only_a"], result["only_b"]) == (2, 1, 1)


def test_bad_items(tmp_path):
    a = write(tmp_path / "a.jsonl", items("+++"))
    for listed, message in (
        (items("++") + items("+"), "line 3: question q0 stands there twice"),
        ([*items("++"), {"id": "q2"}], "line 3: no 'id' and 'correct'"),
        ([{**line, "answer": "B"} for line in items("+++")], "question q0: right is A in .*a.jsonl and B in "),
    ):
        with pytest.raises(InputError, match=message):
            compare_files(a, write(tmp_path / "b.jsonl", listed))
    with pytest.raises(InputError, match="its items are judged"):
        compare_files(a, a, mode="t2vid")


def answers(model, replies, **more):
    asked = prompt("How?", ("slow", "fast"))
    return [
        {
            "model": model,
            "id": f"c{n}",
            "kind": "speed",
            "clip": f"v{n}",
            "question": asked,
            "expected": "B",
            "reply": reply,
        }
        | more
        for n, reply in enumerate(replies)
    ]


def test_answers_are_judged_by_a_mode(tmp_path):
    said = answers("base", ["B", "Both", "slow"]) + answers("tuned", ["B", "fast", "A"])
    path = write(tmp_path / "answers.jsonl", said)
    with pytest.raises(InputError, match="say whose"):
        compare_files(path, path)
    result = compare_files(path, path, models="base,tuned")[0]
    assert (result["n"], result["only_a"], result["only_b"]) == (3, 0, 1)
    # the original finds the B of "Both", and no letter in "fast"
    assert compare_files(path, path, models="base,tuned", mode="t2vid")[0]["difference"] == pytest.approx(-1 / 3)
    for options, message in (
        ({"models": "base"}, "give two names"),
        ({"models": "base,best"}, "unknown model .* 'best'"),
        ({"models": "base,tuned", "mode": "official"}, "unknown mode for answers 'official'; known: t2vid, t2vid_hf"),
    ):
        with pytest.raises(InputError, match=message):
            compare_files(path, path, **options)
    original = write(tmp_path / "pred.jsonl", lines(["B", "A"]))
    assert compare_files(original, original)[0]["difference"] == 0
    with pytest.raises(InputError, match="score it with `t2vid score --items`"):
        compare_files(write(tmp_path / "t.json", {"acc_dict": {}, "res_list": []}), path)


def test_settings_that_differ_are_named(tmp_path):
    sides = []
    for name, settings in (
        ("a", {"frames": 8, "video": {"fps": 1}, "dtype": "float32"}),
        ("b", {"frames": 24, "video": {"fps": 2}, "dtype": "float32"}),
    ):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "results.json", {**settings, "models": [name]})
        sides.append(write(tmp_path / name / "answers.jsonl", answers("m", ["B"])))
    assert compare_files(*sides)[1] == {"frames": ("8", "24"), "video.fps": ("1", "2")}
    one = write(tmp_path / "one.jsonl", answers("m", ["B"], settings={"frames": 8}))
    two = write(tmp_path / "two.jsonl", answers("m", ["B"], settings={"frames": 16, "seed": 1}))
    assert compare_files(one, two)[1] == {"frames": ("8", "16"), "seed": ("null", "1")}
