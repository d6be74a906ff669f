"""`t2vid score` and `t2vid compare` as commands: JSON on stdout, tables on stderr, one line for what cannot be."""

import json
import subprocess
import sys

import pytest

from tests.metrics.prediction_files import lines, write


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "t2vid_hf", *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture
def predictions(tmp_path):
    return write(tmp_path / "pred.jsonl", lines(["B", "A. slow", "none"]))


def test_the_score_is_one_line_of_json_and_a_table_beside_it(predictions, tmp_path):
    items = tmp_path / "deep/items.jsonl"
    done = run("score", "mlvu", predictions, "--mode", "t2vid_hf", "--json", "--items", items)
    assert done.returncode == 0 and done.stdout.count("\n") == 1
    result = json.loads(done.stdout)
    assert (result["benchmark"], result["mode"], result["n"], result["correct"]) == ("mlvu", "t2vid_hf", 3, 1)
    assert "mlvu, mode t2vid_hf: M-Avg" in done.stderr and "speed" in done.stderr
    written = [json.loads(line) for line in items.read_text().splitlines()]
    assert [(line["id"], line["correct"]) for line in written] == [("0", True), ("1", False), ("2", False)]
    assert list(written[0]) == ["id", "video", "group", "choice", "answer", "correct", "by", "dropped"]
    samples = tmp_path / "run_samples_mlvu.jsonl"
    plain = run(
        "score", "mlvu", predictions, "--mode", "t2vid_hf", "--lmms", samples, "--inspect", tmp_path / "log.json"
    )
    assert json.loads((tmp_path / "log.json").read_text())["eval"]["model"] == "pred"
    assert json.loads(samples.read_text().splitlines()[1])["filtered_resps"] == "A. slow"
    assert plain.stdout == "" and "M-Avg" in plain.stderr


def test_what_is_dropped_is_told(tmp_path):
    path = write(tmp_path / "pred.jsonl", lines(["B", "none"]))
    done = run("score", "videomme", path, "--mode", "official")
    assert done.returncode == 0 and "1 dropped, not in any figure: 1" in done.stderr


def test_names_are_texts_whatever_they_hold(tmp_path):
    for kind in ("[red]", "[/b]", "\ud83d", "速度"):
        path = write(tmp_path / "pred.jsonl", lines(["B", "A"], category=kind))
        done = run("score", "clips", path, "--mode", "official", "--json", "--items", tmp_path / "items.jsonl")
        assert done.returncode == 0 and json.loads(done.stdout)["groups"][kind]["n"] == 2, done.stderr
        assert done.stdout.isascii() and ("[" not in kind or kind in done.stderr)


def test_compare(predictions, tmp_path):
    better = write(tmp_path / "better.jsonl", lines(["B", "B", "none"]))
    sides = []
    for name, path in (("a", predictions), ("b", better)):
        sides.append(tmp_path / f"{name}.items.jsonl")
        assert run("score", "mlvu", path, "--mode", "official", "--items", sides[-1]).returncode == 0
    done = run("compare", *sides, "--json")
    result = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1 and (result["n"], result["only_a"], result["only_b"]) == (3, 0, 1)
    assert "difference B - A" in done.stderr and "over 2 videos" in done.stderr


def test_wrong_input_is_one_line_and_status_2(predictions, tmp_path):
    (tmp_path / "cut.jsonl").write_text(open(predictions).read()[:-20])
    for arguments, message in (
        (("score", "mlvu", tmp_path / "cut.jsonl", "--mode", "official"), "cut.jsonl, line 3: no JSON"),
        (("score", "mlvu", predictions, "--mode", "mine"), "unknown mode 'mine'"),
        (("score", "mvbnch", predictions, "--mode", "official"), "unknown benchmark 'mvbnch'"),
        (("compare", predictions, tmp_path / "none.jsonl"), "none.jsonl: no such file"),
    ):
        done = run(*arguments)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("error: ") and message in done.stderr
    assert run("score", "mlvu", predictions).returncode == 2  # the mode is never taken for granted
