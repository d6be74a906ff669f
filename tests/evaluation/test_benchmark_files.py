"""Every benchmark's questions out of its authors' layout: items, prompts letter by letter, and media where they lie."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoProcessor

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.media_key import media_key
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.asking import is_whole_prompt
from t2vid_hf.evaluation.benchmarks import ASKINGS
from t2vid_hf.evaluation.media_folder import media_folder
from t2vid_hf.evaluation.question_files import read_questions
from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import text
from t2vid_hf.video.reading import read_frames
from tests.evaluation.benchmark_layouts import LAYOUTS, Layout, clip, long_video_bench, mvbench, shown, video_mme
from tests.hub_server import HubServer
from tests.metrics.prediction_files import write

GOLDEN = Path(__file__).parent / "prompts"
POLICY = VideoPolicy("as_frames", num_frames=4)


def prepare(benchmark: str, layout: Layout, **options):
    folder = media_folder(str(layout.videos))
    return read_questions(benchmark, layout.questions, folder, **options).prepare(POLICY)


def test_every_benchmark_that_is_scored_is_asked():
    assert {*ASKINGS, "clips"} == set(BENCHMARKS)
    assert {benchmark for benchmark, _, _ in LAYOUTS.values()} == set(ASKINGS)


@pytest.mark.parametrize("subtitles", [True, False])
@pytest.mark.parametrize("name", LAYOUTS)
def test_prompts_are_those_of_the_snapshots(name, subtitles, tmp_path):
    benchmark, task, build = LAYOUTS[name]
    if subtitles and ASKINGS[benchmark].subtitle_names is None:
        with pytest.raises(InputError, match=f"--subtitles: {benchmark} has none"):
            prepare(benchmark, build(tmp_path), task=task, subtitles=True)
        return
    layout = build(tmp_path)
    made = prepare(benchmark, layout, task=task, subtitles=subtitles)
    assert (len(made.items), made.missing) == (layout.n, [])
    item = made.items[0]
    content = [
        {key: value for key, value in block.items() if value is not None}
        for block in item.row["messages"][0]["content"]
    ]
    got = {"id": item.id, "group": item.group, "options": list(item.options), "answer": item.answer, "asked": content}
    path = GOLDEN / f"{name.replace(' ', '-')}{'-subtitles' if subtitles else ''}.json"
    assert shown(got) + "\n" == path.read_text("utf-8")
    media_inputs(item.row, POLICY)  # blocks and media agree


def test_each_task_of_mvbench_finds_its_own_video(tmp_path):
    made = prepare("mvbench", mvbench(tmp_path))
    by_task = {item.group: Path((item.row["videos"])[0]["path"]) for item in made.items}
    assert len(by_task) == 20 and by_task["episodic_reasoning"].is_dir()
    assert by_task["action_antonym"].suffix == ".webm" and by_task["fine_grained_pose"].suffix == ".avi"
    # the same name lies in several folders
    assert by_task["action_count"].parts[-3:-1] == ("perception", "videos")
    assert {item.id for item in made.items if "take_span" in item.row} == {"action_sequence-0", "episodic_reasoning-0"}


def test_a_part_of_a_video_is_shown_where_a_question_is_about_one(tmp_path):
    made = prepare("mvbench", mvbench(tmp_path))
    item = made.items[0]
    seconds = made.fed[item.id].seconds
    assert item.row["take_span"] == (0.5, 1.5) and 0.5 <= seconds[0] and seconds[-1] < 1.5
    whole = read_frames(item.row["videos"][0]["path"])
    wanted = [int(second * 8) for second in seconds]
    assert [frame.tolist() for frame in media_inputs(item.row, POLICY).images] == whole.data[wanted].tolist()


def test_a_part_that_the_video_does_not_have_is_missing(tmp_path):
    layout = mvbench(tmp_path)
    record = {"video": "clip_0.mp4", "question": "?", "candidates": ["a", "b"], "answer": "a", "start": 7, "end": 9}
    write(tmp_path / "json/action_sequence.json", [record])
    made = prepare("mvbench", layout)
    assert [each.id for each in made.missing] == ["action_sequence-0"] and "no frame from 7 to 9" in made.missing[
        0
    ].reason


def test_subtitles_stand_between_the_frames(tmp_path):
    made = prepare("longvideobench", long_video_bench(tmp_path))
    content = media_inputs(made.items[0].row, POLICY).messages[0]["content"]
    assert [block["text"] or "image" for block in content[:-1]] == ["image", "hello", "image", "image", "image", "stop"]
    native = {**made.items[0].row, "take_video": "native"}
    with pytest.raises(InputError, match="texts behind 4 frames of a video that is fed as a video"):
        media_inputs(native, POLICY)


def test_questions_that_share_a_video_are_what_they_are_alone(tiny_checkpoint, tmp_path):
    """Also with subtitles between its frames, and two parts of one video are two media."""
    processor = AutoProcessor.from_pretrained(tiny_checkpoint)
    adapter_for("idefics3").configure(processor)
    encoder = RowEncoder(processor, adapter_for("idefics3"), policy=POLICY)
    rows = [item.row for item in prepare("longvideobench", long_video_bench(tmp_path)).items]
    turn = rows[1]["messages"][0]
    rows[1] = {**rows[1], "messages": [{**turn, "content": [*turn["content"], text("!")]}]}
    assert len({media_key(row, POLICY) for row in rows}) == 1
    for together, alone in zip(encoder.prompts(rows), map(encoder.prompt, rows), strict=True):
        assert together.input_ids.tolist() == alone.input_ids.tolist()
    assert media_key(rows[0], POLICY) != media_key({**rows[0], "take_span": (0.5, 1.5)}, POLICY)


def test_videos_that_are_missing_or_damaged_are_named(tmp_path):
    layout = video_mme(tmp_path)
    whole = prepare("videomme", layout)
    path = layout.videos / "data/cD_2.mp4"
    path.write_bytes(path.read_bytes()[:-900])
    made = prepare("videomme", layout)
    assert [(each.id, each.video) for each in made.missing] == [("002-2", "cD_2"), ("002-3", "cD_2")]
    assert made.items[0].row == whole.items[0].row and len(made.items) == 2
    path.unlink()
    assert {each.reason for each in prepare("videomme", layout).missing} == {f"no such file in {layout.videos}"}


def test_a_name_that_stands_for_two_files_is_an_error(tmp_path):
    layout = video_mme(tmp_path)
    clip(layout.videos / "again/aB-1.mp4")
    with pytest.raises(InputError, match="'aB-1' may be .*aB-1.mp4 or .*aB-1.mp4; keep one"):
        prepare("videomme", layout)


def test_a_name_cannot_leave_the_folder(tmp_path):
    layout = long_video_bench(tmp_path / "set")
    clip(tmp_path / "secret.mp4")
    record = {"id": "1", "video_id": "../secret.mp4", "question": "?", "candidates": ["a", "b"], "correct_choice": 0}
    write(Path(layout.questions), [record])
    assert len(prepare("longvideobench", layout).missing) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"candidates": ["a"]}, "question 1: 1 option; a question has 2 to 10"),
        ({"candidates": ["a", " "]}, "question 1: option B is empty"),
        ({"video_id": ""}, "question 1: it names no video"),
        ({"correct_choice": 5}, "is none of its options"),
    ],
)
def test_questions_that_cannot_be_asked(change, told, tmp_path):
    record = {"id": "1", "video_id": "v", "question": "?", "candidates": ["a", "b"], "correct_choice": 0, **change}
    path = write(tmp_path / "q.json", [record])
    with pytest.raises(InputError, match=told):
        read_questions("longvideobench", path, media_folder(str(tmp_path)))
    with pytest.raises(InputError, match="unknown benchmark with --questions 'clips'"):
        read_questions("clips", path, media_folder(str(tmp_path)))
    with pytest.raises(InputError, match="unknown task of nextqa 'x'; known: none"):
        read_questions("nextqa", path, media_folder(str(tmp_path)), task="x")
    with pytest.raises(InputError, match="no such folder; give the folder of the videos, or hf://datasets/user/name"):
        media_folder(str(tmp_path / "nowhere"))


def test_a_folder_that_lacks_tasks(tmp_path):
    layout = mvbench(tmp_path)
    Path(layout.questions, "state_change.json").unlink()
    with pytest.raises(InputError, match=r"no state_change.json; the benchmark has 20 such files"):
        prepare("mvbench", layout)
    one = Layout(str(Path(layout.questions, "action_count.json")), layout.videos, 1)
    assert [item.id for item in prepare("mvbench", one).items] == ["action_count-0"]


FROM_THE_HUB = """
import json, sys
from huggingface_hub import HfApi
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.evaluation.media_folder import media_folder
from t2vid_hf.evaluation.question_files import read_questions
api, (questions, videos) = HfApi(), sys.argv[1:]
api.create_repo("alice/clips", repo_type="dataset")
api.upload_folder(repo_id="alice/clips", repo_type="dataset", folder_path=videos)
made = []
for name in ("alice/clips", "hf://datasets/alice/clips"):
    prepared = read_questions("mvbench", questions, media_folder(name)).prepare(VideoPolicy("as_frames", num_frames=2))
    made.append([len(prepared.items), len(prepared.missing)])
try:
    media_folder("alice/nothing")
except ValueError as error:
    print(error, file=sys.stderr)
print(json.dumps(made))
"""


def test_videos_of_a_repository_are_fetched_one_by_one(tmp_path):
    layout = mvbench(tmp_path / "set")
    clip(layout.videos / "not/asked_for.mp4")
    with HubServer() as hub:
        environment = {**os.environ, **hub.environment(tmp_path / "home")}
        command = [sys.executable, "-c", FROM_THE_HUB, layout.questions, str(layout.videos)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        fetched = [request.path for request in hub.requests if "/resolve/" in request.path]
    assert json.loads(done.stdout.splitlines()[-1]) == [[20, 0], [20, 0]]
    assert "videos of 'alice/nothing': no such folder, and not on the Hub" in done.stderr
    assert fetched and not [path for path in fetched if "asked_for" in path]


@pytest.mark.parametrize(
    ("benchmark", "path", "task", "n"),
    [
        ("mvbench", "t2vid/mvbench.jsonl", None, 3985),
        ("mlvu", "t2vid/mlvu.jsonl", None, 2174),
        ("tempcompass", "t2vid/TempCompass.jsonl", None, 1580),
        *(
            ("tempcompass", f"tempcompass/questions/{task}.json", task, n)
            for task, n in (("multi-choice", 1580), ("yes_no", 2453), ("caption_matching", 1503), ("captioning", 2004))
        ),
        ("nextqa", "nextqa/val.csv", None, 4996),
    ],
)
def test_real_questions(benchmark, path, task, n, shared, tmp_path):
    """Every one is read, with the prompt that it is asked with, and its video is looked for by its name."""
    read = read_questions(benchmark, str(shared / "data/bench" / path), media_folder(str(tmp_path)), task=task)
    made = read.prepare(POLICY)
    assert (len(read.asked), len(made.missing), made.items) == (n, n, [])
    assert all(is_whole_prompt(each) == (".jsonl" in path) for each in read.asked)
