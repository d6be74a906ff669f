"""The same bytes: in any process, in any order, in threads, and as they were when the renderer was released."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering import atlas as atlas_module
from t2vid_hf.rendering.atlas import atlas_for

GOLDEN = Path(__file__).with_name("golden_pages.json")
SAMPLES = {
    "english": 'The keeper wound the clock -- "twice," he said; well-known AVATAR To. ' * 30,
    "code": "def f(x):\n\treturn {\n\t\t'a': [1, 2.5],  # note\n\t}\n" * 12,
    "arabic": "\u0627\u0644\u0645\u0627\u062f\u0629 12 \u0645\u0646 (\u0627\u0644\u0625\u0639\u0644\u0627\u0646). abc "
    * 20,
    "hindi": "\u0938\u092d\u0940 \u092e\u0928\u0941\u0937\u094d\u092f\u094b\u0902 \u0915\u094b " * 20,
    "chinese": "\u4eba\u4eba\u751f\u800c\u81ea\u7531,\u5728\u5c0a\u4e25\u548c\u6743\u5229\u4e0a\u4e00\u5f8b\u3002" * 9,
    "thai": "\u0e21\u0e19\u0e38\u0e29\u0e22\u0e4c\u0e17\u0e31\u0e49\u0e07\u0e2b\u0e25\u0e32\u0e22 " * 30,
}
PROGRAM = """
import hashlib, json, sys
from t2vid_hf.rendering import RenderConfig, TextRenderer
texts = json.load(sys.stdin)
for preset in ("paper", "dense", "native"):
    for name in sorted(texts, reverse=%r):
        pages = TextRenderer(RenderConfig.preset(preset)).render(texts[name])
        print(preset, name, hashlib.sha256(pages.frames.tobytes()).hexdigest(), pages.char_spans[-1])
"""


def digests() -> dict[str, str]:
    return {
        f"{preset} {name}": hashlib.sha256(
            TextRenderer(RenderConfig.preset(preset)).render(text).frames.tobytes()
        ).hexdigest()
        for preset in ("paper", "dense", "native")
        for name, text in SAMPLES.items()
    }


def test_another_process_another_hash_seed_another_order() -> None:
    outputs = []
    for seed, reverse in (("1", False), ("7", True)):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM % reverse],
            input=json.dumps(SAMPLES),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(sorted(result.stdout.splitlines()))
    assert outputs[0] == outputs[1]
    here = digests()
    assert {" ".join(line.split()[:2]): line.split()[2] for line in outputs[0]} == here


def test_what_was_drawn_before_changes_nothing() -> None:
    config = RenderConfig.preset("paper", max_missing=1.0)
    before = TextRenderer(config).render(SAMPLES["english"]).frames
    for text in SAMPLES.values():
        TextRenderer(config).render(text)
    atlas_for(config).clear()
    assert (TextRenderer(config).render(SAMPLES["english"]).frames == before).all()


def test_an_atlas_at_its_bounds_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RenderConfig(max_missing=1.0, margin_px=13)
    expected = [TextRenderer(config).render(text).frames for text in SAMPLES.values()]
    monkeypatch.setattr(atlas_module, "MOST_BYTES", 1000)
    for _ in range(3):
        for text, frames in zip(SAMPLES.values(), expected, strict=True):
            assert (TextRenderer(config).render(text).frames == frames).all()
    assert atlas_for(config).bitmaps.nbytes < 2**20


def test_threads_take_turns() -> None:
    renderer = TextRenderer(RenderConfig.preset("native", font_px=13))
    texts = [text[start:] for text in SAMPLES.values() for start in range(6)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(renderer.render, texts))
    for text, pages in zip(texts, together, strict=True):
        assert (renderer.render(text).frames == pages.frames).all()


@settings(max_examples=25, deadline=None)
@given(st.text("abc AVTo.,\u0416\u4e2d", min_size=1, max_size=60).filter(str.strip))
def test_kept_frames_are_not_written_over(text: str) -> None:
    renderer = TextRenderer(RenderConfig.preset("native"))
    pages = renderer.render(text)
    copy = pages.frames.copy()
    renderer.render("something else " * 50)
    assert np.array_equal(pages.frames, copy) and pages.frames.flags["C_CONTIGUOUS"] and pages.frames.flags.writeable
    assert np.array_equal(np.asarray(Image.fromarray(pages.frames[0])), copy[0])


def test_golden_pages() -> None:
    """`T2VID_WRITE_GOLDEN=1 pytest tests/rendering/test_same_bytes.py` writes them anew: raise RENDERER_VERSION too."""
    packages = ("uharfbuzz", "fontpkg-arimo", "manimgx-fonts", "manimgx-fonts-cjk")
    versions = {name: metadata.version(name) for name in packages}
    if os.environ.get("T2VID_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps({"versions": versions, "pages": digests()}, indent=1) + "\n")
    golden = json.loads(GOLDEN.read_text())
    if golden["versions"] != versions:
        pytest.skip(f"drawn with {golden['versions']}, here is {versions}")
    assert digests() == golden["pages"]
