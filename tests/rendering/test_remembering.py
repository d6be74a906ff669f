"""What a process has drawn the next one finds drawn: the same pixels, and nothing of a damaged or an older file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from t2vid_hf import _object_cache
from t2vid_hf.rendering import RenderConfig, TextRenderer, remembering
from t2vid_hf.rendering import atlas as atlas_module
from t2vid_hf.rendering.atlas import Atlas, atlas_for

TEXTS = [
    "The keeper wound the clock; AVATAR To. " * 20,
    "\u4eba\u4eba\u751f\u800c\u81ea\u7531,\u5728\u5c0a\u4e25\u548c\u6743\u5229\u4e0a\u4e00\u5f8b\u3002" * 9,
    "\u0938\u092d\u0940 \u092e\u0928\u0941\u0937\u094d\u092f\u094b\u0902 \u0915\u094b " * 20,
    "\u0627\u0644\u0645\u0627\u062f\u0629 12 \u0645\u0646 (\u0627\u0644\u0625\u0639\u0644\u0627\u0646). abc " * 20,
    "\u0627" * 300 + " \U0001f600 \u0f40",  # a word in parts, an emoji, a box
]
CONFIG = RenderConfig.preset("paper", max_missing=1.0)
DRAW = """
import hashlib, json, sys
from t2vid_hf.rendering import RenderConfig, TextRenderer, raster
from t2vid_hf.rendering import atlas
drawn, fill = [], atlas.fill
atlas.fill = lambda shapes, *rest: drawn.append(len(shapes)) or fill(shapes, *rest)
renderer = TextRenderer(RenderConfig.preset("paper", max_missing=1.0))
pages = [hashlib.sha256(renderer.render(text).frames).hexdigest() for text in json.load(sys.stdin)]
renderer.render("end")  # what is new is written before the next text
print(json.dumps([pages, sum(drawn)]))
"""


def start(home: Path, texts: list[str]) -> subprocess.Popen:
    environment = {**os.environ, "HF_HOME": str(home)}
    environment.pop("HF_ASSETS_CACHE", None)
    process = subprocess.Popen(
        [sys.executable, "-c", DRAW], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(texts))
    process.stdin.close()
    return process


def told(process: subprocess.Popen) -> tuple[list[str], int]:
    assert process.stdout is not None
    output = process.stdout.read()
    assert process.wait(300) == 0
    pages, drawn = json.loads(output)
    return pages, drawn


def atlases(home: Path) -> list[Path]:
    return list(home.rglob("atlas-*.bin"))


def test_the_next_process_draws_the_same_and_fills_next_to_nothing(tmp_path: Path) -> None:
    pages, drawn = told(start(tmp_path, TEXTS))
    again, filled = told(start(tmp_path, TEXTS))
    assert again == pages and filled < drawn / 10
    backwards, _ = told(start(tmp_path, TEXTS[::-1]))
    assert backwards[::-1] == pages


def test_processes_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    processes = [start(tmp_path, TEXTS[number % 2 :: 1 + number % 2]) for number in range(4)]
    together = [told(process)[0] for process in processes]
    assert together[0] == together[2] and together[1] == together[3]
    assert len(atlases(tmp_path)) == 1 and told(start(tmp_path, TEXTS))[0] == together[0]


def test_a_damaged_file_is_drawn_anew(tmp_path: Path) -> None:
    pages, drawn = told(start(tmp_path, TEXTS))
    (path,) = atlases(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert told(start(tmp_path, TEXTS)) == (pages, drawn)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder where files are kept."""
    monkeypatch.setattr(_object_cache, "folders", lambda: [tmp_path])
    return tmp_path


def draw(config: RenderConfig) -> None:
    atlas_for.cache_clear()
    for text in [*TEXTS, "end"]:
        TextRenderer(config).render(text)
    atlas_for.cache_clear()


def test_an_atlas_goes_by_all_that_its_pixels_depend_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(CONFIG)
    draw(RenderConfig.preset("paper", max_words=7, vertical="top", max_missing=1.0))  # the same glyphs
    assert len(list(folder.glob("atlas-*"))) == 1
    for number, change in enumerate(({"font_px": 19}, {"width_px": 300}, {"whitespace": "keep"}), start=2):
        draw(RenderConfig.preset("paper", max_missing=1.0, **change))
        assert len(list(folder.glob("atlas-*"))) == number
    monkeypatch.setattr(remembering, "_drawing", lambda: ["other code"])
    draw(CONFIG)
    assert len(list(folder.glob("atlas-*"))) == 5


def test_a_large_atlas_stays_with_its_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST_BYTES", 1000)
    draw(CONFIG)
    assert not list(folder.glob("atlas-*"))


def test_an_atlas_begun_anew_goes_on_from_its_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(CONFIG)
    atlas = Atlas(CONFIG)
    held = atlas.count
    monkeypatch.setattr(atlas_module, "MOST_SLOTS", held + 1)
    atlas.words(["\u0e01\u0e02", "\u0e02\u0e01"], "ltr", most_px=400)
    atlas.make_room()
    assert atlas.count == held
