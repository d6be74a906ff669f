"""The paper's figure of instruction diversity: t-SNE coloured by source, as PNG and as PDF."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from t2vid_hf._optional import require

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7a5195", "#8a8a00")
"""Of the sets, in order (Okabe and Ito's, which colour-blind people tell apart, and two more); then from the first."""


def write_figure(points: Mapping[str, np.ndarray], output: Path) -> list[Path]:
    """Draw the figure.

    Args:
        points (`Mapping[str, np.ndarray]`): For each set the places of its instructions, `(n, 2)`.
        output (`Path`): The file without a suffix; `.png` and `.pdf` are written.

    Raises:
        [`~t2vid_hf.errors.InputError`]: matplotlib is not installed.
    """
    matplotlib = require("matplotlib", extra="diversity")
    figures = require("matplotlib.figure", extra="diversity")
    figure = figures.Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    placed = np.concatenate(list(points.values()))
    colours = np.repeat([COLOURS[n % len(COLOURS)] for n in range(len(points))], [len(p) for p in points.values()])
    # in any order, so that no set covers another
    order = np.random.default_rng(0).permutation(len(placed))
    axes.scatter(*placed[order].T, s=max(2, min(14, 20_000 / len(placed))), c=colours[order], alpha=0.65, linewidths=0)
    for number, name in enumerate(points):
        axes.scatter([], [], c=COLOURS[number % len(COLOURS)], s=40, label=name)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#999999")
    figure.legend(loc="outside upper center", ncols=min(len(points), 4), frameon=False)
    files = [output.with_name(f"{output.name}.{kind}") for kind in ("png", "pdf")]
    with matplotlib.rc_context({"pdf.fonttype": 42}):  # fonts that an editor of a paper can change
        figure.savefig(files[0], dpi=200, metadata={"Software": None})
        figure.savefig(files[1], metadata={"CreationDate": None})
    return files
