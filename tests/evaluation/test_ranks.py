"""Several processes give the files of one, and end together."""

import collections
import json
import re
import shutil
import subprocess
import sys

import pytest

from t2vid_hf.evaluation.ranks import Ranks, all_ranks, deal
from tests.evaluation.benchmark_layouts import video_mme
from tests.launching import ROOT, launch


def test_videos_are_dealt_by_what_they_cost():
    videos = {f"{video}{number}": video for video, count in (("a", 90), ("b", 1), ("c", 1), ("d", 18)) for number in
              range(count)}  # fmt: skip
    owner = deal(videos, [], 2)
    by_video = {video: {owner[name] for name in videos if videos[name] == video} for video in "abcd"}
    assert by_video == {"a": {0}, "d": {1}, "b": {1}, "c": {1}}
    # what is answered is decoded and no more
    settled = [name for name in videos if name[0] == "a"]
    assert collections.Counter(deal(videos, settled, 3).values()) == {0: 18, 1: 1 + 90, 2: 1}
    assert set(deal(videos, [], 9).values()) == {0, 1, 2, 3} and deal({}, [], 2) == {}


def test_one_process_has_all():
    with all_ranks() as ranks:
        assert ranks.each(lambda: "a") == ["a"] and ranks.is_first and ranks.owns("q") and ranks.tells()
        ranks.check()
    shared = Ranks(1, 2).sharing({"q": "a", "r": "b"}, [])
    assert (shared.number, shared.count, shared.owns("q"), shared.owns("r")) == (1, 2, False, True)


@pytest.mark.parametrize(
    ("how", "told", "statuses"),
    [
        ("all", "of all", {"2"}),
        ("alone", "of one alone", {"2", "-15"}),  # the launcher ends the other, which waits for it
        ("middle", "in the middle", {"2"}),
        ("end", "at the end", {"1"}),
    ],
)
def test_an_error_is_told_once_and_ends_all(how, told, statuses):
    run = launch(["-m", "tests.evaluation.rank_work", how], 2)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 1  # the launcher's
    assert [line for line in err.splitlines() if line.startswith("error: ")] == [f"error: {told}"]
    assert set(re.findall(r"exitcode +: (-?\d+)", err)) == statuses


@pytest.mark.parametrize("how", ["defect", "killed"])
def test_a_rank_that_dies_ends_all(how):
    run = launch(["-m", "tests.evaluation.rank_work", how], 2)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 1 and "error: " not in err
    assert err.count("KeyError: 'defect'") == (how == "defect")


def test_models_that_are_split_are_refused():
    run = launch(["-m", "tests.evaluation.rank_work", "all"], 2, ACCELERATE_USE_FSDP="true")
    _, err = run.communicate(timeout=120)
    assert err.count("error: each process answers with a whole model; launch without FSDP") == 1


FILES = ("answers.jsonl", "results.json", "results.md", "fed.jsonl", "frames.jsonl", "answers.settings.json",
         "answers.html")  # fmt: skip


def test_two_processes_give_the_files_of_one(tiny_checkpoint, tmp_path):
    """Two models; a video of 18 questions, one of two, one that is missing, one damaged; and then one is replaced."""
    layout = video_mme(tmp_path / "set")
    questions = tmp_path / "questions.jsonl"
    videos = ["aB-1"] * 18 + ["cD_2", "gone", "cD_2", "bad"]
    questions.write_text("".join(json.dumps(
        {"video_id": video, "duration": "short", "domain": "Life Record", "sub_category": "Food", "videoID": video,
         "question_id": f"q{number}", "task_type": "Counting Problem", "question": f"How many {number}?",
         "options": ["A. One.", "B. Two.", "C. Three.", "D. None."], "answer": "B"}) + "\n"
        for number, video in enumerate(videos)))  # fmt: skip
    (layout.videos / "data/bad.mp4").write_bytes(b"no video")
    command = ["--benchmark", "videomme", "--questions", questions, "--videos", layout.videos, "--num_frames", 2]
    command += ["--max_new_tokens", 3, "--models", f"one={tiny_checkpoint}", "--models", f"two={tiny_checkpoint}"]

    def run(name, processes, *more, script=(ROOT / "recipes/eval_video.py",)):
        started = launch([*script, *command, "--output", tmp_path / name, *more], processes)
        out, err = started.communicate(timeout=300)
        return started.returncode, out, err

    module = ("-m", "t2vid_hf", "evaluate")
    status, out, err = run("a", 1, "--max_missing", 1)
    assert status == 1 and err.count("error: 2 questions could not be asked, and --max_missing is 1") == 1
    made = [run("b", 2, "--max_missing", 1), run("c", 3, "--max_missing", 2, script=module)]
    assert [status for status, _, _ in made] == [1, 0]
    assert made[0][2].count("error: ") == 1 and set(re.findall(r"exitcode +: (\d+)", made[0][2])) == {"1"}
    for name, (_, told, err) in zip("bc", made, strict=True):
        assert told.replace(f"{tmp_path / name}/", f"{tmp_path / 'a'}/") == out
        assert err.count("one: keys and values of at most") == 1
        for file in FILES:
            assert (tmp_path / name / file).read_bytes() == (tmp_path / "a" / file).read_bytes(), file
    shutil.copy(layout.videos / "data/aB-1.mp4", layout.videos / "data/cD_2.mp4")
    status, _, err = run("b", 2, "--resume", "--max_missing", 2)
    assert err.count("error: ") == 1 and "the video 'cD_2' shows other pixels than when" in err
    assert (tmp_path / "b/answers.jsonl").read_bytes() == (tmp_path / "a/answers.jsonl").read_bytes()


def killed(kills: int, processes: str) -> dict:
    command = [sys.executable, "-m", "tests.evaluation.killed_evaluation", "--kills", str(kills), "--processes"]
    done = subprocess.run([*command, processes], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_killed_on_two_processes_and_resumed_on_one_and_two():
    found = killed(3, "2,1,2")
    assert found["kills"] == 3 and found["ends"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "2"])
def test_thirty_kills(processes):
    found = killed(30, processes)
    assert found["kills"] == 30 and found["ends"] >= 1
