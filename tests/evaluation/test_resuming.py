"""A run that is killed goes on where it was, and a file of another run is refused."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.asked_with import asked_with, depends_on
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.resuming import AnswersFile
from t2vid_hf.evaluation.runs import judge
from t2vid_hf.schema import conversation

ITEMS = [Item(f"q{number}", {"messages": [], "num_frames": 0}, "?", ("a", "b"), "A", "k", "c") for number in range(4)]
SETTINGS = {"weights": "0a", "config": {"text_config": {"hidden_size": 64}}, "frames": {"num_frames": 8}}


def begun(folder, replies=("A", "B"), model="tuned", settings=SETTINGS, items=ITEMS, media=None):
    file = AnswersFile(folder)
    file.begin(model, settings, items, media)
    for answer in judge(ITEMS[: len(replies)], replies):
        file.append(answer.record(model))
    return folder / "answers.jsonl"


def test_what_is_there_is_taken_up(tmp_path):
    begun(tmp_path)
    file = AnswersFile(tmp_path, resume=True)
    file.begin("tuned", SETTINGS, ITEMS)
    assert file.replies("tuned") == {"q0": "A", "q1": "B"} and file.replies("base") == {}


def test_a_line_that_was_cut_short_is_answered_again(tmp_path):
    answers = begun(tmp_path)
    whole = answers.read_bytes()
    answers.write_bytes(whole[:-9])
    file = AnswersFile(tmp_path, resume=True)
    assert file.replies("tuned") == {"q0": "A"}
    file.begin("tuned", SETTINGS, ITEMS)
    file.append(judge(ITEMS[1:2], ["B"])[0].record("tuned"))
    assert answers.read_bytes() == whole


def test_nothing_is_there_yet(tmp_path):
    file = AnswersFile(tmp_path, resume=True)
    file.begin("tuned", SETTINGS, ITEMS)
    assert file.replies("tuned") == {}


def test_without_resume_a_run_begins_anew_when_it_can_answer(tmp_path):
    answers = begun(tmp_path)
    file = AnswersFile(tmp_path)
    assert answers.read_bytes()
    file.begin("base", SETTINGS, ITEMS)
    assert not answers.read_bytes() and list(json.loads((tmp_path / "answers.settings.json").read_text())) == ["base"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"weights": "0b"}, "weights 0a there, 0b now"),
        ({"config": {"text_config": {"hidden_size": 65}}}, "config.text_config.hidden_size 64 there, 65 now"),
        ({"frames": {"num_frames": 9}}, "frames.num_frames 8 there, 9 now"),
        ({"attention": "sdpa"}, "attention null there"),
    ],
)
def test_answers_of_other_settings_are_refused(tmp_path, changed, told):
    begun(tmp_path)
    with pytest.raises(InputError, match=f"answers.jsonl was made with other settings of 'tuned': {told}"):
        AnswersFile(tmp_path, resume=True).begin("tuned", {**SETTINGS, **changed}, ITEMS)


def test_files_that_cannot_be_taken_up(tmp_path):
    answers = begun(tmp_path)
    with pytest.raises(InputError, match="answers 'q1', which the benchmark does not ask"):
        AnswersFile(tmp_path, resume=True).begin("tuned", SETTINGS, ITEMS[:1])
    with pytest.raises(InputError, match="answers of 'tuned'; give it in --models"):
        AnswersFile(tmp_path, resume=True).check_names(["base"])
    with pytest.raises(InputError, match="two questions of the id 'q0'"):
        AnswersFile(tmp_path).begin("tuned", SETTINGS, [ITEMS[0], ITEMS[0]])
    whole = answers.read_text()
    answers.write_text(whole + whole)
    with pytest.raises(InputError, match="line 3 answers 'q0' a second time"):
        AnswersFile(tmp_path, resume=True)
    for line in ("{}", '"a"', "\x00"):
        answers.write_text(f"{whole}{line}\n")
        with pytest.raises(InputError, match="line 3 is no answer"):
            AnswersFile(tmp_path, resume=True)
    (tmp_path / "answers.settings.json").unlink()
    with pytest.raises(InputError, match="has no answers.settings.json beside it"):
        AnswersFile(tmp_path, resume=True)


def test_settings_are_those_of_the_weights_not_of_their_place(tiny_checkpoint, tmp_path):
    import shutil

    from transformers import AutoModelForImageTextToText, AutoProcessor

    copy = tmp_path / "copy"
    shutil.copytree(tiny_checkpoint, copy)
    made = []
    for folder in (tiny_checkpoint, copy):
        model, processor = AutoModelForImageTextToText.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
        made.append(depended_on(model, processor))
    assert made[0] == made[1] and str(tiny_checkpoint) not in json.dumps(made[0])
    processor.chat_template += " "
    other = depended_on(model, processor)
    assert {key for key in other if other[key] != made[0][key]} == {"chat_template"}


def depended_on(model, processor):
    row = {"id": "a", "source": "s", "media": "text", "messages": conversation([], "?", "A")[:1], "images": [],
           "videos": [], "num_frames": 0}  # fmt: skip
    items = [replace(item, row=row) for item in ITEMS]
    asked = asked_with(model, processor, items, VideoPolicy("as_frames", num_frames=8), fed={}, media={})
    return depends_on(model, asked, weights="0a", max_new_tokens=4)


def test_a_question_whose_video_was_replaced_is_refused(tmp_path):
    media = {item.id: "0f" for item in ITEMS}
    answers = begun(tmp_path, media=media)
    whole = answers.read_bytes()
    for changed in ({"q1": "1f"}, {"q3": "1f"}):
        file = AnswersFile(tmp_path, resume=True)
        if "q3" in changed:  # it is not answered yet
            file.begin("tuned", SETTINGS, ITEMS, {**media, **changed})
            continue
        with pytest.raises(InputError, match="video 'c' shows other pixels than when .*answers.jsonl answered 'q1'"):
            file.begin("tuned", SETTINGS, ITEMS, {**media, **changed})
    asked = [replace(ITEMS[0], row={"messages": [1], "num_frames": 0}), *ITEMS[1:]]
    with pytest.raises(InputError, match="answers 'q0' to another prompt"):
        AnswersFile(tmp_path, resume=True).begin("tuned", SETTINGS, asked, media)
    assert answers.read_bytes() == whole


def test_what_could_not_be_asked_before_is_asked_now(tmp_path):
    begun(tmp_path, items=ITEMS[:3])
    file = AnswersFile(tmp_path, resume=True)
    file.begin("tuned", SETTINGS, ITEMS)
    assert file.replies("tuned") == {"q0": "A", "q1": "B"}


def test_the_files_of_other_processes_are_taken_in(tmp_path):
    answers = begun(tmp_path)
    first = answers.read_bytes()
    file = AnswersFile(tmp_path, resume=True)
    other = judge(ITEMS[2:], ["B", "A"])
    for number, answer in enumerate(other):
        file.append(answer.record("tuned"), rank=number + 1)
    third = tmp_path / "answers.rank-2.jsonl"
    third.write_bytes(third.read_bytes()[:-3])
    beside = {path.name: path.read_bytes() for path in tmp_path.glob("answers.rank-*")}
    assert list(AnswersFile(tmp_path, resume=True).replies("tuned")) == ["q0", "q1", "q2"]
    joined = answers.read_bytes()
    assert joined == first + beside["answers.rank-1.jsonl"] and not list(tmp_path.glob("answers.rank-*"))
    # killed when they were joined, and not yet removed
    for name, held in beside.items():
        (tmp_path / name).write_bytes(held)
    assert list(AnswersFile(tmp_path, resume=True).replies("tuned")) == ["q0", "q1", "q2"]
    assert answers.read_bytes() == joined and not list(tmp_path.glob("answers.rank-*"))
    # a run that begins anew begins without them
    third.write_bytes(beside["answers.rank-2.jsonl"])
    AnswersFile(tmp_path).begin("tuned", SETTINGS, ITEMS)
    assert not third.exists()


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    from t2vid_hf.cli.make_clips import make_clips

    folder = tmp_path_factory.mktemp("made")
    make_clips(folder / "set", None, 4, None, 0.5, "video", 0)
    return folder / "set"


def evaluate(dataset, checkpoint, output, *more):
    command = [sys.executable, "-m", "t2vid_hf", "evaluate", "--models", f"tiny={checkpoint}", "--dataset", dataset]
    command += ["--output", output, "--num_frames", "4", "--max_new_tokens", "4", "--batch_size", "1", *more]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(word) for word in command], env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )


def test_killed_at_random_times_and_resumed(questions, tiny_checkpoint, tmp_path):
    straight = evaluate(questions, tiny_checkpoint, tmp_path / "straight/scores.json")
    assert straight.wait() == 0, straight.stderr.read().decode()
    whole = (tmp_path / "straight/answers.jsonl").read_bytes()
    total, draw, answers = whole.count(b"\n"), random.Random(14), tmp_path / "killed/answers.jsonl"
    for _ in range(3):
        run = evaluate(questions, tiny_checkpoint, tmp_path / "killed/scores.json", "--resume")
        there = answers.read_bytes().count(b"\n") if answers.is_file() else 0
        wanted = min(there + draw.randrange(0, 3), total - 1)
        while run.poll() is None and (not answers.is_file() or answers.read_bytes().count(b"\n") < wanted):
            time.sleep(0.002)
        time.sleep(draw.random() / 50)
        run.send_signal(signal.SIGKILL)
        run.wait()
    run = evaluate(questions, tiny_checkpoint, tmp_path / "killed/scores.json", "--resume")
    assert run.wait() == 0, run.stderr.read().decode()
    assert answers.read_bytes() == whole
    scores = [json.loads((tmp_path / name / "scores.json").read_text()) for name in ("straight", "killed")]
    assert scores[0] == scores[1]
    other = evaluate(questions, tiny_checkpoint, tmp_path / "killed/scores.json", "--resume", "--num_frames", "5")
    assert other.wait() == 2
    assert "frames.num_frames 4 there, 5 now" in other.stderr.read().decode().splitlines()[-1]
