"""Pictures of a data set's card: how many pages its rows have, how long its texts are, and a sheet of its first rows.

They lie in `card/` beside the README, written anew with it. Histograms are matplotlib's, an extra; where it is missing
the card says so. A sheet decodes the first rows of a config alone, and the number of pages is read without any pages.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf._optional import require
from t2vid_hf.data.paths import resolve_inside
from t2vid_hf.errors import InputError
from t2vid_hf.hub.sheets import BACKGROUND, contact_sheet
from t2vid_hf.video.reading import read_frames

FOLDER = "card"
_DRAWN = re.compile(r".+-(pages|frames|lengths|sheet)\.png")
BINS = 20
SHOWN_ROWS, SHOWN_CELLS, CELL_PX = 4, 6, 160
LOOKED_AT = 200  # rows, of which many may ask about one text


@dataclass(frozen=True)
class Picture:
    """A picture beside a card.

    Args:
        path (`str`): Where it is, from the card.
        title (`str`): What it shows, as a sentence without its end.
    """

    path: str
    title: str


def binned(values: Iterable[float]) -> dict[str, list[float]]:
    """Count values in bins of one width, at most `BINS`, for a histogram in a file of JSON.

    Args:
        values (`Iterable[float]`): The values, at least one; whole numbers get bins of whole numbers.

    Returns:
        `dict`: "edges", one more than the bins, and "counts".

    Example:

    ```python
    >>> from t2vid_hf.hub.card_pictures import binned
    >>> binned([1, 1, 3])
    {'edges': [1.0, 2.0, 3.0, 4.0], 'counts': [2, 0, 1]}

    ```
    """
    given = np.fromiter(values, float)
    least, most = np.floor(given.min()), np.floor(given.max()) + 1
    width = max(1.0, np.ceil((most - least) / BINS))
    edges = np.arange(least, most + width, width)
    counts, _ = np.histogram(given, edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def draw_pictures(folder: Path, configs: Mapping[str, Mapping[str, Any]]) -> tuple[list[Picture], list[str]]:
    """Draw the pictures of a data set's card.

    Args:
        folder (`Path`): The data set's repository; pictures of before in `card/` are replaced,
            others stay.
        configs (`Mapping[str, Mapping[str, Any]]`): What [`~t2vid_hf.hub.dataset_facts.dataset_facts`] gives.

    Returns:
        `tuple[list[Picture], list[str]]`: the pictures, and a sentence for each kind that could not be drawn.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    for path in (folder / FOLDER).iterdir():
        if _DRAWN.fullmatch(path.name):
            path.unlink()
    pictures: list[Picture] = []
    left_out: list[str] = []
    for config, stats in configs.items():
        try:
            pictures += _histograms(folder, config, stats)
        except InputError as error:  # matplotlib is not installed
            left_out.append(f"Histograms are left out: {error}.")
        try:
            picture = _sheet(folder, config, stats)
        except InputError as error:
            left_out.append(f"A sheet of `{config}` is left out: {error}.")
        else:
            pictures += [picture] if picture else []
    return pictures, list(dict.fromkeys(left_out))


def _histograms(folder: Path, config: str, stats: Mapping[str, Any]) -> Iterator[Picture]:
    require("matplotlib", extra="plots")
    unit = "pages" if stats["kind"] == "synthetic" else "frames"
    numbers = _num_frames(folder, config)
    if len(numbers):
        title = f"Rows of `{config}` by their number of {unit}"
        yield _histogram(folder, f"{config}-{unit}", title, binned(numbers), of="rows", axis=unit)
    if stats.get("characters"):
        title = f"Texts of `{config}` by their length"
        yield _histogram(folder, f"{config}-lengths", title, stats["characters"], of="texts", axis="characters")


def _num_frames(folder: Path, config: str) -> np.ndarray:
    from pyarrow import parquet

    files = sorted((folder / config).glob("*.parquet"))
    columns = [parquet.read_table(file, columns=["num_frames"])["num_frames"].to_numpy() for file in files]
    return np.concatenate(columns) if columns else np.zeros(0)


def _histogram(folder: Path, name: str, title: str, bins: Mapping[str, list[float]], *, of: str, axis: str) -> Picture:
    figure = require("matplotlib.figure", extra="plots").Figure(figsize=(7, 2.6), layout="constrained", dpi=100)
    axes = figure.subplots()
    axes.stairs(bins["counts"], bins["edges"], fill=True, color="#2b6cb0")
    axes.set(xlabel=axis, ylabel=of)
    for each in (axes.xaxis, axes.yaxis):
        each.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    return _saved(folder, name, title, lambda path: figure.savefig(path, metadata={"Software": None}))


def _sheet(folder: Path, config: str, stats: Mapping[str, Any]) -> Picture | None:
    """The first pages or frames of the first rows that differ, a line each."""
    lines: list[list[Image.Image]] = []
    for row in _first_rows(folder, config, stats):
        shown = list(_shown(folder, row))
        if shown and all(shown[0].tobytes() != line[0].tobytes() for line in lines):
            lines.append(shown)
        if len(lines) == SHOWN_ROWS:
            break
    if not lines:
        return None
    columns = max(map(len, lines))
    empty = Image.new("RGB", (1, 1), BACKGROUND)
    cells = [cell for line in lines for cell in (*line, *[empty] * (columns - len(line)))]
    what = "Pages of the first texts" if stats["kind"] == "synthetic" else "Frames of the first clips"
    sheet = contact_sheet(cells, columns=columns, cell_px=CELL_PX)
    return _saved(folder, f"{config}-sheet", f"{what} of `{config}`", sheet.save)


def _first_rows(folder: Path, config: str, stats: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The first rows, as a stream: a set of 10 GB is not copied to the cache of `datasets` for a picture."""
    from datasets import Image as ImageColumn
    from datasets import List, load_dataset

    from t2vid_hf.data.page_columns import with_pages
    from t2vid_hf.data.pages import Pages

    split = next((split for split, rows in stats["rows"].items() if rows), None)
    if split is None:
        return ()
    files = sorted(str(file) for file in (folder / config).glob(f"{split}-*.parquet"))
    stream = load_dataset("parquet", data_files={split: files}, split=split, streaming=True)
    stream = with_pages(stream)
    if not isinstance(stream.features["images"], Pages):  # decoded, a path would be opened from the current folder
        stream = stream.cast_column("images", List(ImageColumn(decode=False)))
    return islice(stream, LOOKED_AT)


def _shown(folder: Path, row: Mapping[str, Any]) -> Iterator[Image.Image]:
    for image in row["images"][:SHOWN_CELLS]:
        yield image if isinstance(image, Image.Image) else _opened(folder, image)
    for video in row["videos"][:1]:
        # bytes in the row, or a path below the repository
        given = video["bytes"] or video["path"]
        frames = read_frames(given, SHOWN_CELLS, root=None if video["bytes"] else folder, name=video["path"])
        yield from (Image.fromarray(frame) for frame in frames.data)


def _opened(folder: Path, image: Mapping[str, Any]) -> Image.Image:
    held = image["bytes"] is not None
    try:
        opened = Image.open(BytesIO(image["bytes"]) if held else resolve_inside(image["path"], folder))
        opened.load()
    except OSError as error:
        raise InputError(f"an image of its rows does not open: {error}") from None
    return opened


def _saved(folder: Path, name: str, title: str, save: Any) -> Picture:
    path = f"{FOLDER}/{name}.png"
    save(folder / path)
    return Picture(path, title)
