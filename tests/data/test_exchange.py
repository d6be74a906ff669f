"""Data for other trainers: each folder is read by the rules that its project documents, and gives the rows back."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.cli.build import build
from t2vid_hf.data.exchange import write_exchange
from t2vid_hf.data.exchange_formats import FORMATS_ELSEWHERE, StoredImage, build_exchange_sample
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.normalise import normalise
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import LongTextQA, conversation, media_block

IMAGE, VIDEO = media_block("image"), media_block("video")


@pytest.fixture
def made(clip_file) -> list[dict[str, Any]]:
    """Two questions about one text, one of one page, one of a clip, one of text alone; two turns and a system turn."""
    text = "The keeper wound the clock. " * 60
    texts = [
        ("a/ä", text, "Who wound it?", "Der Wärter."),
        ("b", text, "?", "!"),
        ("c", "漢字", "What?\nOne word.", ""),
    ]
    asked = [LongTextQA(key, "long_qa", *rest) for key, *rest in texts]
    common = {"source": "test", "images": [], "videos": [], "num_frames": 0}
    turns = [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
             *conversation([], "Who?", "He."), *conversation([], "When?", "At nine.")]  # fmt: skip
    return [
        *synthesize(asked, RenderConfig.preset("paper")),
        {**common, "id": "clip", "media": "video", "messages": conversation([VIDEO], "Where to?", "Left."),
         "videos": [{"bytes": clip_file.read_bytes(), "path": "clip.mp4"}], "num_frames": 16},
        {**common, "id": "text", "media": "text", "messages": turns},
    ]  # fmt: skip


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def read_ms_swift(folder: Path) -> list[dict[str, Any]]:
    """`--dataset FILE`: every line has `messages`; tags in all contents are filled from `images` and `videos`."""
    samples = records(folder / "train.jsonl")
    for sample in samples:
        assert set(sample) <= {"messages", "images", "videos", "audios", "tools", "objects"}
        assert all(set(turn) == {"role", "content"} and type(turn["content"]) is str for turn in sample["messages"])
        contents = "".join(turn["content"] for turn in sample["messages"])
        for tag, column in (("<image>", "images"), ("<video>", "videos"), ("<audio>", "audios")):
            assert contents.count(tag) == len(sample.get(column, []))
        assert all(os.path.isabs(path) and os.path.isfile(path) for path in sample["images"] + sample["videos"])
    return samples


def read_llama_factory(folder: Path) -> list[dict[str, Any]]:
    """`dataset: NAME` with `dataset_dir`: the sharegpt rules, media below `media_dir`, which is `dataset_dir`."""
    info = json.loads((folder / "dataset_info.json").read_text("utf-8"))
    described = info[folder.name]
    assert described["formatting"] == "sharegpt"
    columns, tags = described["columns"], described["tags"]
    samples = records(folder / described["file_name"])
    for sample in samples:
        turns = list(sample[columns["messages"]])
        if turns[0][tags["role_tag"]] == tags["system_tag"]:
            turns = turns[1:]
        assert turns and len(turns) % 2 == 0
        for number, turn in enumerate(turns):
            assert turn[tags["role_tag"]] == (tags["user_tag"], tags["assistant_tag"])[number % 2]
        contents = "".join(turn[tags["content_tag"]] for turn in turns)
        for tag, column in (("<image>", "images"), ("<video>", "videos"), ("<audio>", "audios")):
            media = sample[columns[column]] if column in columns else []
            assert contents.count(tag) == len(media)
            assert all(os.path.isfile(folder / path) for path in media)
        for column in set(columns) & {"images", "videos"}:
            sample[column] = [str(folder / path) for path in sample[columns[column]]]
    return samples


def read_internvl(folder: Path) -> list[dict[str, Any]]:
    """`--meta_path FILE`: a list under `image` is many images, a text one; sizes beside them; else `video`, or text."""
    (described,) = json.loads((folder / "meta.json").read_text("utf-8")).values()
    assert set(described) == {"root", "annotation", "data_augment", "repeat_time", "length"}
    samples = records(Path(described["annotation"]))
    assert len(samples) == described["length"]
    for sample in samples:
        spoken = sample["conversations"]
        spoken = spoken[1:] if spoken[0]["from"] == "system" else spoken
        assert [turn["from"] for turn in spoken] == ["human", "gpt"] * (len(spoken) // 2)
        asked = "".join(turn["value"] for turn in spoken if turn["from"] == "human")
        images, video = sample.get("image", []), sample.get("video")
        if isinstance(images, str):
            sizes, images = [(sample["width"], sample["height"])], [images]
        else:
            sizes = list(zip(sample.get("width_list", []), sample.get("height_list", []), strict=True))
        assert asked.count("<image>\n") == asked.count("<image>") == len(images)
        assert asked.count("<video>\n") == asked.count("<video>") == (video is not None)
        images = [os.path.join(described["root"], path) for path in images]
        assert [Image.open(path).size for path in images] == sizes
        sample["image"] = images
        if video is not None:
            sample["video"] = os.path.join(described["root"], video)
            assert os.path.isfile(sample["video"])
    return samples


READERS = {"ms-swift": read_ms_swift, "llama-factory": read_llama_factory, "internvl": read_internvl}


def turns(row: dict) -> list[tuple]:
    """Roles, media and texts; InternVL's tags have a line of their own, whose end is no text of the row's."""
    found = []
    for turn in row["messages"]:
        media = [block["type"] for block in turn["content"] if block["type"] != "text"]
        found.append((turn["role"], media, "".join(block["text"] or "" for block in turn["content"]).lstrip("\n")))
    return found


def pixels(image: Any) -> np.ndarray:
    content = image["bytes"] if image["bytes"] is not None else Path(image["path"]).read_bytes()
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("format", FORMATS_ELSEWHERE)
def test_each_project_reads_it_and_it_comes_back(tmp_path, made, format):
    written = write_exchange(tmp_path / "out", "pages", {"train": lambda: iter(made)}, format=format, about={"a": 1})
    assert written == {"a": 1, "format": format, "rows": {"train": 5}}
    folder = tmp_path / "out/pages"
    assert json.loads((folder / "about.json").read_text("utf-8")) == written
    samples = READERS[format](folder)
    back = [normalise(sample, source="back", index=index) for index, sample in enumerate(samples)]
    for row, read in zip(made, back, strict=True):
        assert turns(read) == turns(row)
        assert (read["media"], read["num_frames"]) == (row["media"], row["num_frames"])
        for before, after in zip(row["images"], read["images"], strict=True):
            assert np.array_equal(pixels(before), pixels(after))
        for before, after in zip(row["videos"], read["videos"], strict=True):
            assert before["bytes"] == Path(after["path"]).read_bytes()
    # Questions about one text share its pages, and so do pages that are alike.
    assert len(list(folder.rglob("*.png"))) == len({image["bytes"] for row in made for image in row["images"]})


def test_splits_have_names_of_their_own(tmp_path, made):
    splits = {"train": lambda: iter(made[:1]), "validation": lambda: iter(made[2:3])}
    write_exchange(tmp_path, "pages", splits, format="llama-factory", about={})
    info = json.loads((tmp_path / "pages/dataset_info.json").read_text("utf-8"))
    assert {name: each["file_name"] for name, each in info.items()} == {
        "pages": "train.jsonl", "pages_validation": "validation.jsonl"
    }  # fmt: skip


def test_what_fails_leaves_what_was_there(tmp_path, made):
    write_exchange(tmp_path, "pages", {"train": lambda: iter(made[:1])}, format="ms-swift", about={})
    before = sorted(path for path in tmp_path.rglob("*"))
    bad = {**made[0], "messages": conversation([IMAGE] * len(made[0]["images"]), "What is <image>?", "A tag.")}
    with pytest.raises(InputError, match="row 'long_qa/a/ä', as a sample of the format ms-swift: <image> stands in"):
        write_exchange(tmp_path, "pages", {"train": lambda: iter([made[2], bad])}, format="ms-swift", about={})
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_opened_pictures_and_files_are_written_too(tmp_path):
    picture = Image.new("RGB", (30, 20), (1, 2, 3))
    picture.save(tmp_path / "a.jpg")
    images = [picture, {"bytes": None, "path": f"{tmp_path}/a.jpg"}]
    row = {"id": "r", "source": "s", "media": "image_sequence", "messages": conversation([IMAGE, IMAGE], "?", "!"),
           "images": images, "videos": [], "num_frames": 2}  # fmt: skip
    write_exchange(tmp_path, "out", {"train": lambda: iter([row])}, format="internvl", about={})
    (sample,) = read_internvl(tmp_path / "out")
    assert sample["width_list"] == [30, 30] and [Path(path).suffix for path in sample["image"]] == [".png", ".jpeg"]
    gone = {**row, "images": [picture, {"bytes": None, "path": str(tmp_path / "none.jpg")}]}
    with pytest.raises(InputError, match="row 'r', image .*none.jpg"):
        write_exchange(tmp_path, "out", {"train": lambda: iter([gone])}, format="internvl", about={})


@pytest.mark.parametrize(
    ("row", "media", "message"),
    [
        ({"messages": conversation([], "?", "!")[::-1]}, (0, 0), "must alternate, and are assistant, user"),
        ({"messages": conversation([], "?", "!")[:1]}, (0, 0), "must alternate, and are user"),
        ({"messages": conversation([], "?", "!"), "tools": "[]x"}, (0, 0), "tools"),
        ({"messages": conversation([IMAGE], "?", "!")}, (2, 0), "2 images and 0 videos, and other blocks"),
        ({"messages": conversation([IMAGE, VIDEO], "?", "!")}, (1, 1), "has images or one video"),
        ({"messages": conversation([], "?", "<audio>")}, (0, 0), "<audio> stands in a text"),
    ],
)
def test_rows_that_a_format_cannot_hold(row, media, message):
    images, videos = [StoredImage("a.png", 1, 1)] * media[0], ["a.mp4"] * media[1]
    with pytest.raises(InputError, match=message):
        build_exchange_sample({"id": "r", **row}, "internvl", images=images, videos=videos)
    with pytest.raises(InputError, match="unknown format 'coco'; known: internvl, llama-factory, ms-swift"):
        build_exchange_sample({"id": "r", **row}, "coco", images=images, videos=videos)


@pytest.mark.parametrize("format", FORMATS_ELSEWHERE)
def test_the_build_command_writes_it(tmp_path, capsys, format):
    lines = [{"id": str(n), "context": "The clock. " * size, "question": "Who?", "answer": "He."}
             for n, size in enumerate((40, 900))]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    build(tmp_path / "out", [str(tmp_path / "a.jsonl")], format=format, max_frames=5)
    printed = capsys.readouterr().out
    assert "train: 1 rows kept; dropped: 1 (more frames than max_frames)" in printed
    assert f"{format}: {tmp_path}/out/long_qa" in printed
    assert len(READERS[format](tmp_path / "out/long_qa")) == 1
    about = json.loads((tmp_path / "out/long_qa/about.json").read_text("utf-8"))
    assert about["render_preset"] == "paper" and about["dropped"]["train"] == {"more frames than max_frames": 1}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"format": "coco"}, "unknown format 'coco'; known: internvl, llama-factory, ms-swift, parquet"),
        ({"format": "ms-swift", "render": "lazy"}, "leave --render lazy out"),
        ({"format": "ms-swift", "push": "a/b"}, "--push publishes data sets of the Hub"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, given, message):
    with pytest.raises(InputError, match=message):
        build(tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()
