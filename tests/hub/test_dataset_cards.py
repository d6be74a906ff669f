"""Cards of data sets: one default, licences that bind, pictures beside them, and how they were made."""

import json
import re
import sys
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from datasets import Dataset
from huggingface_hub import DatasetCard
from PIL import Image

from t2vid_hf.cli.script import made_by
from t2vid_hf.data.repository import write_config
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.hub import card_pictures
from t2vid_hf.hub.card_pictures import binned
from t2vid_hf.hub.cards import write_dataset_card
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import LongTextQA, conversation, features, media_block

TEXTS = ["The keeper wound the clock. " * 40, "A red circle moves to the left. " * 90]


def stats(**changes) -> dict:
    return {
        "kind": "synthetic", "license": "cc0-1.0", "sources": ["test"], "input": "x.jsonl", "documents": 2,
        "render": "eager", "render_preset": "paper", "render_config": "{}", "render_fingerprint": "0", "not_read": {},
        "dropped": {"train": {"too long": 3}}, "characters": binned(map(len, TEXTS)), **changes,
    }  # fmt: skip


def write_texts(folder: Path, name: str, **changes) -> None:
    asked = [LongTextQA(f"{name}-{n}", "test", text, "Who?", "He.") for n, text in enumerate(TEXTS)]
    rows = list(synthesize(asked, RenderConfig.preset("paper")))
    write_config(folder, name, {"train": lambda: iter(rows)}, features=features(), stats=stats(**changes))


def write_clips(folder: Path, rows: list[dict], **changes) -> None:
    given = {"kind": "video", "license": "other", "sources": ["sharegemini"], **changes}
    write_config(folder, "video", {"train": lambda: iter(rows[2:])}, features=features(), stats=given)


def metadata(folder: Path) -> dict:
    return DatasetCard.load(folder / "README.md").data.to_dict()


def test_two_configs_of_texts_have_one_default_and_load(tmp_path):
    from datasets import load_dataset

    write_texts(tmp_path, "long")
    write_texts(tmp_path, "short")
    write_dataset_card(tmp_path)
    assert [config.get("default") for config in metadata(tmp_path)["configs"]] == [True, None]
    first = load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert first["id"] == ["test/long-0", "test/long-1"]


def test_a_converted_set_of_clips_has_a_card(tmp_path, rows):
    """It counts no clips by split."""
    write_clips(tmp_path, rows)
    write_dataset_card(tmp_path, name="alice/set")
    card = (tmp_path / "README.md").read_text()
    assert "| `video` | train 1 | clips of sharegemini |" in card and "`kind`, `options`" not in card
    assert "\nQuestions about video.\n" in card
    assert '"other": whoever made the set named no licence' in card


def test_a_licence_against_commercial_use_is_named_and_must_be_accepted(tmp_path, rows):
    write_texts(tmp_path, "long", sources=["longalpaca"], source_licenses={"longalpaca": "cc-by-nc-4.0"})
    write_clips(tmp_path, rows)
    write_dataset_card(tmp_path)  # nobody else has it
    with pytest.raises(InputError, match=r"alone: long \(longalpaca: cc-by-nc-4.0, cc0-1.0\)\. .* --accept_license"):
        write_dataset_card(tmp_path, name="alice/set")
    write_dataset_card(tmp_path, name="alice/set", accept_license=True)
    assert metadata(tmp_path)["license"] == ["cc-by-nc-4.0", "cc0-1.0", "other"]
    assert "cc-by-nc-4.0, cc0-1.0: **not for commercial use** |" in (tmp_path / "README.md").read_text()


def test_the_licence_of_a_source_is_inherited(tmp_path):
    """Where none is given, it is the set's."""
    write_texts(tmp_path, "a", sources=["l"], license="other", source_licenses={"l": "cc-by-nc-4.0"})
    write_dataset_card(tmp_path)
    assert metadata(tmp_path)["license"] == "cc-by-nc-4.0"


def test_pictures_lie_beside_the_card(tmp_path, rows):
    write_texts(tmp_path, "long")
    write_clips(tmp_path, rows)
    (tmp_path / "card").mkdir()
    (tmp_path / "card/old-sheet.png").write_bytes(b"")
    write_dataset_card(tmp_path)
    card, drawn = (tmp_path / "README.md").read_text(), {path.name for path in (tmp_path / "card").iterdir()}
    assert drawn == {"long-pages.png", "long-lengths.png", "long-sheet.png", "video-frames.png", "video-sheet.png"}
    for name in drawn:
        assert f"](card/{name})" in card
        with Image.open(tmp_path / "card" / name) as picture:
            assert min(picture.size) > 100


def test_without_matplotlib_the_card_says_what_it_lacks(tmp_path, monkeypatch):
    def absent(module: str, *, extra: str) -> None:
        raise InputError(f"this needs the package '{module}', which is not installed: pip install 't2vid-hf[{extra}]'")

    monkeypatch.setattr(card_pictures, "require", absent)
    write_texts(tmp_path, "long")
    write_texts(tmp_path, "short")
    write_dataset_card(tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert card.count("Histograms are left out: this needs the package 'matplotlib'") == 1
    assert {path.name for path in (tmp_path / "card").iterdir()} == {"long-sheet.png", "short-sheet.png"}


def test_an_empty_set_has_a_card_without_pictures(tmp_path):
    write_config(tmp_path, "long", {"train": lambda: iter(())}, features=features(), stats=stats(characters=None))
    write_dataset_card(tmp_path)
    assert not list((tmp_path / "card").iterdir()) and "| `long` | train 0 |" in (tmp_path / "README.md").read_text()


def test_how_it_was_made(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/t2vid", "build", "--output", "/home/me/set", "--data_files",
                                      "train=/home/me/x.jsonl", "--preset", "paper"])  # fmt: skip
    made = made_by()
    assert made["command"] == "t2vid build --output set --data_files train=x.jsonl --preset paper"
    write_texts(tmp_path, "long", **made)
    write_dataset_card(tmp_path, name="alice/set", tag="v1")
    card = (tmp_path / "README.md").read_text()
    assert f"`long`: `{made['command']}` with t2vid-hf {made['versions']['t2vid-hf']}" in card
    assert "Left out, by reason: 3 of train, too long." in card and "/home/me" not in card
    assert 'load_dataset("alice/set", "long", revision="v1")' in card
    assert json.loads((tmp_path / "long/stats.json").read_text())["command"] == made["command"]


def test_what_lets_in_to_an_address_is_not_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["t2vid", "build", "--data_files", "test=https://me:pass@h:1/q.jsonl?sig=/SECRET",
                                      "zip://q.jsonl::https://me:pass@h/q.zip"])  # fmt: skip
    made = "t2vid build --data_files test=https://h:1/q.jsonl zip://q.jsonl::https://h/q.zip"
    assert made_by()["command"] == made


def test_images_that_rows_name_by_path_and_pictures_of_a_person(tmp_path):
    """A path is below the repository, not below the current folder; what a person put into card/ stays."""
    for name in ("a.png", "card/mine.png", "card/gone-sheet.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), (90, 0, 0)).save(tmp_path / name)
    turns = conversation([media_block("image")], "What?", "A shade.")
    row = {"id": "a", "source": "s", "media": "image_sequence", "messages": turns, "videos": [], "num_frames": 1,
           "images": [{"bytes": None, "path": "a.png"}]}  # fmt: skip
    (tmp_path / "texts").mkdir()
    table = Dataset.from_list([row], features=features()).data.table
    parquet.write_table(table, tmp_path / "texts/train-00000-of-00001.parquet")
    stats = {"kind": "video", "sources": ["s"], "license": "other", "rows": {"train": 1}}
    (tmp_path / "texts/stats.json").write_text(json.dumps(stats))
    for _ in range(2):
        write_dataset_card(tmp_path)
        names = sorted(path.name for path in (tmp_path / "card").iterdir())
        assert names == ["mine.png", "texts-frames.png", "texts-sheet.png"]
    (tmp_path / "a.png").write_bytes(b"no image")
    write_dataset_card(tmp_path)
    assert "A sheet of `texts` is left out: an image of its rows" in (tmp_path / "README.md").read_text()


def test_a_folder_without_a_config(tmp_path):
    with pytest.raises(InputError, match="no config in it; build one"):
        write_dataset_card(tmp_path)


def test_a_bar_in_a_name_does_not_end_a_cell(tmp_path):
    write_texts(tmp_path, "texts", sources=["a|b"], input="x|\ny.jsonl", license="other")
    write_dataset_card(tmp_path)
    card = (tmp_path / "README.md").read_text("utf-8")
    tables = [line for line in card.splitlines() if line.startswith("| `texts` |")]
    assert len(tables) == 2 and all(r"a\|b" in line for line in tables) and r"x\| y.jsonl" in tables[0]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {4}
