"""The texts of `<repository>/../shared`, and a second way of drawing a layout, in NumPy and without any bounds."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from t2vid_hf.rendering.atlas import Atlas, atlas_for
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.layout import Layout, lay_out
from t2vid_hf.rendering.slots import STRIP_PX, UNIT

SHARED = Path(__file__).resolve().parents[3] / "shared"
BORDER_PX = 200


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """A file or folder of the shared data; the test is skipped where it is absent, and fails where CI=true."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            if os.environ.get("CI") == "true":
                pytest.fail(f"{path} is absent, and CI=true")
            pytest.skip(f"{path} is absent")
        return path

    return find


@pytest.fixture(scope="session")
def texts(shared: Callable[[str], Path]) -> Callable[[str], list[tuple[str, str]]]:
    """All texts below a folder of the shared data, as (name, text)."""

    def read(folder: str) -> list[tuple[str, str]]:
        return [pair for path in sorted(shared(folder).rglob("*")) if path.is_file() for pair in _read(path)]

    return read


def _read(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".zip":
        return
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        for document in dict.fromkeys(json.loads(line)["document"] for line in text.splitlines()):
            yield f"{path.name}: {document[:20]!r}", document
    elif path.name.startswith("xquad"):
        paragraphs = [
            paragraph["context"] for article in json.loads(text)["data"] for paragraph in article["paragraphs"]
        ]
        yield path.name, "\n".join(paragraphs)
    else:
        yield path.name, text


@pytest.fixture(scope="session")
def checked() -> Callable[[str, RenderConfig], Layout]:
    """Lay a text out and check that nothing is lost and that all of it stands between the margins."""
    return _checked


def _checked(text: str, config: RenderConfig) -> Layout:
    atlas = atlas_for(config)
    layout = lay_out(text, config, atlas)
    starts, ends = zip(*layout.char_spans, strict=True)
    assert (starts[0], ends[-1]) == (0, len(text)) and starts[1:] == ends[:-1]
    assert layout.lines[0, 0] == 0 and (layout.lines[1:, 0] == layout.lines[:-1, 1]).all()
    assert layout.lines[-1, 1] == len(text) and (layout.lines[:, 0] < layout.lines[:, 1]).all()
    inked = atlas.glyphs[layout.slots, 1] > 0
    right = layout.x[inked] + atlas.advance[layout.slots[inked]]
    if inked.any():
        # in a column, and one that the page has
        step = (config.text_width_px + config.gutter_px) * UNIT
        columns = layout.x[inked] // step
        assert columns.min() >= 0 and columns.max() < config.columns
        assert (right - columns * step).max() <= config.text_width_px * UNIT
    _check_flow(layout, config, atlas)
    assert np.bincount(layout.lines[:, 2]).max() <= config.lines_per_page
    first, last = config.margin_px, config.height_px - config.margin_px
    assert layout.lines[:, 3].min() >= first and layout.lines[:, 3].max() <= last
    return layout


def _check_flow(layout: Layout, config: RenderConfig, atlas: Atlas) -> None:
    """Lines of a page fill one column from the top, then the next one, to the right or all to the left."""
    step = (config.text_width_px + config.gutter_px) * UNIT
    seen: dict[int, int] = {}
    for page in range(layout.pages):
        for number, (start, end, _, _) in enumerate(layout.lines[layout.lines[:, 2] == page].tolist()):
            ink = layout.x[start:end][atlas.glyphs[layout.slots[start:end], 1] > 0]
            if len(ink):
                assert len(set((ink // step).tolist())) == 1
                column = number // config.lines_per_column
                assert seen.setdefault(column, int(ink[0] // step)) == ink[0] // step
    places = [seen[key] for key in sorted(seen)]
    assert places == sorted(places) or places == sorted(places, reverse=True)
    assert len(set(places)) == len(places)


@pytest.fixture(scope="session")
def drawn() -> Callable[..., tuple[np.ndarray, int]]:
    """Draw a layout in NumPy on pages with a wide border: (pages, darkest pixel of the border, before it is inked)."""
    return _drawn


def _drawn(layout: Layout, config: RenderConfig, *, inside: bool = False) -> tuple[np.ndarray, int]:
    atlas = atlas_for(config)
    height, width = config.height_px, config.width_px
    pages = np.full((layout.pages, height + 2 * BORDER_PX, width + 2 * BORDER_PX), 255, np.uint8)
    for start, end, page, base in layout.lines.tolist():
        for i in range(start, end):
            offset, rows, strips, columns, left, top, phases = atlas.glyphs[layout.slots[i]].tolist()
            if not rows:
                continue
            size = rows * strips * STRIP_PX
            position = int(layout.x[i]) + config.margin_px * UNIT
            step = UNIT // phases
            column, phase = divmod((position + step // 2) // step, phases)
            pixels = atlas.bitmaps[offset + phase * size : offset + (phase + 1) * size]
            pixels = pixels.reshape(strips, rows, STRIP_PX).transpose(1, 0, 2).reshape(rows, -1)[:, :columns]
            x, y = column + left, base - top
            if inside:
                x, y = max(0, min(x, width - columns)), max(0, min(y, height - rows))
            place = pages[page, BORDER_PX + y :, BORDER_PX + x :][:rows, :columns]
            assert place.shape == pixels.shape
            np.minimum(place, pixels, out=place)
    inner = pages[:, BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX].copy()
    pages[:, BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = 255
    share = (255 - inner.astype(np.int64)) * abs(config.ink - config.paper)
    inked = config.paper + np.sign(config.ink - config.paper) * ((share + 127) // 255)
    return inked.astype(np.uint8), int(pages.min())
