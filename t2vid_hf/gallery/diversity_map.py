"""A map of instructions to walk about in: one HTML page with everything in it, drawn on a canvas, for any browser.

Places have 14 bits a coordinate, finer than any screen; a page of 8,000 instructions has 0.7 MB, most of it their
texts. Whoever gets the page gets the texts.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from t2vid_hf.gallery.diversity_figure import COLOURS

_STEPS = 16383


def write_map(
    points: Mapping[str, np.ndarray], texts: Mapping[str, Sequence[str]], output: Path, *, title: str
) -> None:
    """Write the page.

    Args:
        points (`Mapping[str, np.ndarray]`): For each set the places of its instructions, `(n, 2)`.
        texts (`Mapping[str, Sequence[str]]`): For each set the instructions.
        output (`Path`): The HTML file.
        title (`str`): The page's title.
    """
    placed = np.concatenate(list(points.values()))
    low, span = placed.min(axis=0), max(float(np.ptp(placed, axis=0).max()), 1e-9)
    # the middle of the shorter side stays in the middle
    steps = np.rint((placed - low + (span - np.ptp(placed, axis=0)) / 2) / span * _STEPS).astype(int)
    data: dict[str, Any] = {
        "names": list(points),
        "colours": [COLOURS[number % len(COLOURS)] for number in range(len(points))],
        "sizes": [len(found) for found in points.values()],
        "x": steps[:, 0].tolist(),
        "y": (_STEPS - steps[:, 1]).tolist(),  # a canvas counts from the top, a figure from the bottom
        "texts": [text for listed in texts.values() for text in listed],
        "steps": _STEPS,
    }
    environment = Environment(
        loader=PackageLoader("t2vid_hf.gallery", "."), autoescape=select_autoescape(["j2"]), undefined=StrictUndefined
    )
    # "<" cannot end the script that the data stands in
    written = json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    page = environment.get_template("diversity_map.html.j2").render(title=title, data=written)
    output.write_text(page, encoding="utf-8")
