"""Video question answering rows, from generated clips and from folders of real ones."""

import json
import shutil
from pathlib import Path

import pytest
from datasets import Dataset

from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.clips.rows import clip_features, clip_rows, first_version, folder_clips, generate_clips, split_clips
from t2vid_hf.clips.shapes import KINDS
from t2vid_hf.data.repository import configs, read_split
from t2vid_hf.errors import InputError


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return list(generate_clips(tmp_path_factory.mktemp("clips"), 20, seed=0))


def test_generated_clips_ask_every_kind(clips):
    assert {question.kind for clip in clips for question in clip.questions} == set(KINDS)


def test_no_clip_is_in_both_splits(clips):
    splits = split_clips(clips, test_share=0.3)
    names = {split: {clip.path.name for clip in part} for split, part in splits.items()}
    assert len(names["test"]) == 6 and len(names["train"]) == 14
    assert not names["train"] & names["test"]


def test_rows_are_whole_and_have_the_right_answer(clips):
    rows = list(clip_rows(clips[:3]))
    dataset = Dataset.from_list(rows, features=clip_features())
    for row in dataset:
        right = row["options"]["ABCD".index(row["answer"])]
        assert row["messages"][-1]["content"][0]["text"] == f"{row['answer']}. {right}"
        assert row["videos"][0]["bytes"][4:8] == b"ftyp"
    assert len(set(dataset["id"])) == len(dataset)


def test_a_clip_that_is_there_is_kept(tmp_path):
    first = [clip.path.stat().st_mtime_ns for clip in generate_clips(tmp_path, 2)]
    assert [clip.path.stat().st_mtime_ns for clip in generate_clips(tmp_path, 2)] == first


def test_a_folder_with_written_questions(tmp_path, clip_file):
    shutil.copy(clip_file, tmp_path / "one.mp4")
    shutil.copy(clip_file, tmp_path / "two.mp4")
    asked = [
        {"video": "one.mp4", "question": "Where to?", "options": ["left", "right"], "answer": "right", "kind": "way"},
        {"video": "two.mp4", "question": "Where to?", "options": ["left", "right"], "answer": "A"},
    ]
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, asked)))
    found = {clip.path.name: clip.questions for clip in folder_clips(tmp_path)}
    assert [found[name][0].answer for name in ("one.mp4", "two.mp4")] == ["B", "A"]
    assert [found[name][0].kind for name in ("one.mp4", "two.mp4")] == ["way", "other"]


def test_versions_of_a_real_clip_stay_in_one_split(shared):
    splits = split_clips(folder_clips(shared / "data/videos/mdn"), test_share=0.3)
    groups = [{clip.group for clip in part} for part in splits.values()]
    assert all(groups) and not groups[0] & groups[1]
    assert sum(len(part) for part in splits.values()) >= 9


def named(*names: str) -> list[set[str]]:
    """The groups of a folder's files."""
    found: dict[str, set[str]] = {}
    stems = {Path(name).stem for name in names}
    for name in names:
        found.setdefault(first_version(Path(name).stem, stems), set()).add(name)
    return sorted(found.values(), key=min)


def test_a_number_behind_a_hyphen_makes_another_clip(tmp_path, clip_file):
    for number in range(1, 7):
        shutil.copy(clip_file, tmp_path / f"scene-{number}.mp4")
    asked = [
        {"video": f"scene-{n}.mp4", "question": "Where to?", "options": ["a", "b"], "answer": "A"} for n in range(1, 7)
    ]
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, asked)))
    splits = split_clips(folder_clips(tmp_path), test_share=0.5)
    assert {split: len(part) for split, part in splits.items()} == {"train": 3, "test": 3}


def test_what_is_a_version_of_what():
    assert named("flower.mp4", "flower.webm", "flower-small.mp4", "flowers.mp4", "flower.1080p.mkv") == [
        {"flower.mp4", "flower.webm", "flower-small.mp4", "flower.1080p.mkv"}, {"flowers.mp4"}
    ]  # fmt: skip
    assert named("a.1.mp4", "a.2.mp4") == [{"a.1.mp4"}, {"a.2.mp4"}]
    assert named("a-b-c.mp4", "a-b.mp4", "a.mp4") == [{"a-b-c.mp4", "a-b.mp4", "a.mp4"}]


@pytest.mark.parametrize(("share", "kept"), [(0, {"train": 20}), (1, {"test": 20}), (0.01, {"train": 19, "test": 1})])
def test_a_share_of_nothing_is_nothing(clips, share, kept):
    assert {split: len(part) for split, part in split_clips(clips, test_share=share).items()} == kept


def test_a_set_without_a_test_split(tmp_path, capsys):
    make_clips(tmp_path / "set", count=2, test_share=0.0)
    assert configs(tmp_path / "set")["video"]["clips"] == {"train": 2}
    assert len(read_split(str(tmp_path / "set"), None, "train")) > 2
    with pytest.raises(InputError, match="test"):
        read_split(str(tmp_path / "set"), "video", "test")


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"video": "none.mp4", "question": "?", "options": ["a", "b"], "answer": "A"}, "no 'none.mp4' beside"),
        (
            {"video": "one.mp4", "options": ["a", "b"], "answer": "A"},
            "l:1: the field 'question' is missing",
        ),
        ({"video": "one.mp4", "question": "?", "options": ["a"], "answer": "A"}, "list of 2 to 4"),
        ({"video": "one.mp4", "question": "?", "options": ["a", "b"], "answer": "C"}, "neither an option nor"),
    ],
)
def test_bad_questions(tmp_path, clip_file, question, message):
    shutil.copy(clip_file, tmp_path / "one.mp4")
    (tmp_path / "questions.jsonl").write_text(json.dumps(question))
    with pytest.raises(InputError, match=message):
        list(folder_clips(tmp_path))


def test_bad_folders(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        list(folder_clips(tmp_path / "none"))
    with pytest.raises(InputError, match="no video in it"):
        list(folder_clips(tmp_path))
    (tmp_path / "broken.mp4").write_text("not a video")
    with pytest.raises(InputError, match="broken.mp4: .* after 0 frames"):
        list(folder_clips(tmp_path))
    with pytest.raises(InputError, match="0 clip with questions; at least 2 are needed"):
        split_clips([], test_share=0.5)
    with pytest.raises(InputError, match="0 clip with questions; at least 1 is needed"):
        split_clips([], test_share=0)
    with pytest.raises(InputError, match=r"test_share 1\.5"):
        split_clips([], test_share=1.5)
