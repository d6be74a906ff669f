"""Can a page be read? Character errors of real OCR engines; an upper bound of what a model can read.

    cd tests/benchmarks && PYTHONPATH=. python ../slow/test_legibility.py --output results/render_legibility.json

Engines: Debian's tesseract (5.3, `eng`) and PyPI's rapidocr (its own models, Chinese and English). A page is enlarged
to twice its size with bilinear interpolation, read as one block, and compared with the part of the source on it.

rapidocr reads a line only up to some 45 characters: of longer lines it returns fragments, at 10 px as at 12 px (6 to
17 % wrong), which says nothing about the type. It is therefore given the same type on pages 180 px wide.

Before comparison runs of white space become one space (for rapidocr, which loses spaces, they go), typographic quotes
and dashes become ASCII, and a bar that the engine reads becomes the letter I: Arial draws both as one stroke, no text
here has a bar, and tesseract chooses it for half of the I's at any size. `error_raw` counts it as an error.
The error is Levenshtein's distance over the characters of the source, summed over all pages.

Render styles (tests/benchmarks/bench_styles.py): an engine that is told to read one block reads across columns, so each
column is cut out and read by itself; light type on dark paper is turned round first. What is tested is the type.

English: two pages each of four speeches and three stories. Chinese: the first pages of the Universal Declaration. For
the other scripts there is no engine here (Debian's tesseract brings `eng` alone).
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reading
from PIL import Image, ImageOps
from reading import distance, enlarged, tesseract_version

from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.styles import STYLES

pytestmark = pytest.mark.slow

SHARED = Path(__file__).resolve().parents[3] / "shared/data"
SPEECHES = ("2009-Obama", "1961-Kennedy", "2005-GWBush", "2021-Biden")
PAGES_OF_A_TEXT = 2
COLUMN_PX = 180
_ASCII = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u2014": "-", "\u2013": "-"})
_FULL_WIDTH = str.maketrans({chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})


def english() -> list[str]:
    """Speeches and stories with few odd words."""
    speeches = [(SHARED / f"texts/english/{name}.txt").read_text(encoding="utf-8") for name in SPEECHES]
    with (SHARED / "longqa/squality/v1-3_txt_dev.jsonl").open(encoding="utf-8") as file:
        stories = list(dict.fromkeys(json.loads(line)["document"] for line in file))
    # A story begins with its title and notes on its edition.
    return speeches + [stories[number][3000:] for number in (0, 7, 14)]


def chinese() -> list[str]:
    """Prose, without its heading."""
    return ["\n".join((SHARED / "texts/udhr/cmn_hans.txt").read_text(encoding="utf-8").splitlines()[5:])]


def tesseract(page: Image.Image, *, scale: int = 2) -> str:
    """What Debian's tesseract reads on a page at twice its size, or at another."""
    return reading.tesseract(enlarged(page, scale))


def in_columns(config: RenderConfig, read: Callable[[Image.Image], str] = tesseract) -> Callable[[Image.Image], str]:
    """An engine for pages of a style: reads column by column, and dark on light."""
    step = config.text_width_px + config.gutter_px
    margin = min(config.margin_px, config.gutter_px // 2)

    def read_columns(page: Image.Image) -> str:
        page = ImageOps.invert(page) if config.ink > config.paper else page
        if config.columns == 1:
            return read(page)
        lefts = [config.margin_px + number * step for number in range(config.columns)]
        boxes = [(left - margin, 0, left + config.text_width_px + margin, page.height) for left in lefts]
        return "\n".join(read(page.crop(box)) for box in boxes)

    return read_columns


def rapidocr() -> Callable[[Image.Image], str]:
    """PyPI's rapidocr: reads lines, from top to bottom."""
    from rapidocr import RapidOCR

    engine = RapidOCR()

    def read(page: Image.Image) -> str:
        result: Any = engine(np.asarray(enlarged(page, 2).convert("RGB")))
        if result.boxes is None:
            return ""
        height = page.height / 50
        order = sorted(
            range(len(result.txts)),
            key=lambda k: (round(result.boxes[k][:, 1].mean() / height), result.boxes[k][:, 0].min()),
        )
        return "\n".join(result.txts[k] for k in order)

    return read


def errors(
    texts: list[str], config: RenderConfig, read: Callable[[Image.Image], str], *, spaces: bool
) -> dict[str, Any]:
    """Percent of characters read wrongly, and how much a page holds."""

    def plain(text: str) -> str:
        return re.sub(r"\s+", " " if spaces else "", text.translate(_ASCII).translate(_FULL_WIDTH)).strip()

    renderer = TextRenderer(config)
    wrong = wrong_raw = characters = words = pages = 0
    for text in texts:
        drawn = renderer.render(text)
        for image, (start, end) in list(zip(drawn.images(), drawn.char_spans, strict=True))[:PAGES_OF_A_TEXT]:
            source, seen = plain(text[start:end]), plain(read(image))
            wrong_raw += distance(source, seen)
            wrong += distance(source, seen.replace("|", "I"))
            characters += len(source)
            words += len(text[start:end].split())
            pages += 1
    return {
        "error": round(100 * wrong / characters, 3),
        "error_raw": round(100 * wrong_raw / characters, 3),
        "words_per_page": round(words / pages),
        "characters_per_page": round(characters / pages),
        "pages": pages,
    }


@pytest.fixture(scope="module")
def prose() -> list[str]:
    if not SHARED.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SHARED} is absent, and CI=true")
        pytest.skip(f"{SHARED} is absent")
    return english()


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed: apt install tesseract-ocr")
def test_tesseract_reads_a_dense_page(prose: list[str]) -> None:
    result = errors(prose, RenderConfig.preset("dense"), tesseract, spaces=True)
    assert result["words_per_page"] >= 600 and result["error"] <= 0.3, result


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed: apt install tesseract-ocr")
@pytest.mark.parametrize("preset", ["paper", "native"])
def test_tesseract_reads_the_other_presets(preset: str, prose: list[str]) -> None:
    result = errors(prose, RenderConfig.preset(preset), tesseract, spaces=True)
    assert result["error"] <= 0.3, result


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed: apt install tesseract-ocr")
@pytest.mark.parametrize("style", STYLES)
def test_tesseract_reads_each_style_at_the_smallest_type(style: str, prose: list[str]) -> None:
    config = RenderConfig.preset("dense").in_style(style)
    result = errors(prose, config, in_columns(config), spaces=True)
    assert result["error"] <= 0.3, result


@pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="pip install rapidocr onnxruntime")
@pytest.mark.parametrize("preset", ["paper", "dense", "native"])
def test_rapidocr_reads_the_type(preset: str, prose: list[str]) -> None:
    result = errors(prose, RenderConfig.preset(preset, width_px=COLUMN_PX), rapidocr(), spaces=False)
    assert result["error"] <= 0.5, result


def table() -> list[dict[str, Any]]:
    """Presets, then sizes of type on two sizes of page, with every engine that is here."""
    configs: list[tuple[str, RenderConfig]] = [
        (name, RenderConfig.preset(name)) for name in ("paper", "dense", "native", "native_448")
    ]
    dense = RenderConfig.preset("dense")
    for side in (364, 448):
        for font_px in (8, 9, 10, 11, 12, 14, 20):
            name = f"dense at {font_px} px on {side} px"
            sizes: dict[str, Any] = {
                "width_px": side,
                "height_px": side,
                "font_px": font_px,
                "line_px": round(1.12 * font_px),
            }
            configs.append((name, replace(dense, **sizes)))
    engines: list[tuple[str, str, list[str], Callable[[Image.Image], str], bool]]
    engines = [("tesseract", "english", english(), tesseract, True)]
    if importlib.util.find_spec("rapidocr") is not None:
        read = rapidocr()
        engines += [("rapidocr", "english", english(), read, False), ("rapidocr", "chinese", chinese(), read, False)]
    rows = []
    for engine, script, texts, reader, spaces in engines:
        for name, page in configs:
            config = page if engine == "tesseract" else replace(page, width_px=COLUMN_PX)
            numbers = errors(texts, config, reader, spaces=spaces)
            row = {"engine": engine, "script": script, "config": name, "width_px": config.width_px}
            rows.append(
                {**row, "height_px": config.height_px, "font_px": config.font_px, "line_px": config.line_px, **numbers}
            )
            print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=None, help="also write the table to this JSON file")
    arguments = parser.parse_args()
    packages = ("pillow", "rapidocr", "onnxruntime")
    result = {
        "benchmark": "percent of characters read wrongly at a 2x enlargement; see tests/slow/test_legibility.py",
        "versions": {"tesseract": tesseract_version(), **{name: metadata.version(name) for name in packages}},
        "rows": table(),
    }
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
