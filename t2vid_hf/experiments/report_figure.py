"""The figures of an experiment's report: what each arm scores, and what one gains over another."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from t2vid_hf._optional import require
from t2vid_hf.experiments.report_table import SCORE_NAMES, cell_name

Picture = tuple[bytes, str]
"""PNG, and the same as an `svg` element."""
_BLUE, _INK, _RED = "#2b6cb0", "#1d2430", "#b3372f"


def draw_scores(report: Mapping[str, Any]) -> Picture:
    """A panel for each group of questions and score: a bar an arm, with its interval and what guessing scores.

    Args:
        report (`Mapping[str, Any]`): See [`~t2vid_hf.experiments.experiment_report.make_report`].
    """
    arms = list(report["arms"])

    def panel(axes: Any, cell: Mapping[str, Any]) -> None:
        for place, arm in enumerate(arms):
            told = cell["arms"].get(arm)
            if told is not None:
                low, high = told["crossed"]
                axes.barh(place, 100 * told["mean"], color=_BLUE, alpha=0.8, height=0.7)
                axes.plot([100 * max(low, 0), 100 * min(high, 1)], [place, place], color=_INK, linewidth=1.5)
        if cell["chance"] is not None:
            axes.axvline(100 * cell["chance"], color=_RED, linewidth=1)
        axes.set_xlim(0, 100)

    return _draw(report, arms, panel, "right, %: bars; 95 % intervals of the crossed bootstrap: lines; guessing: red")


def draw_differences(report: Mapping[str, Any]) -> Picture:
    """A panel for each group of questions and score: a line a pair of arms, with both intervals.

    Args:
        report (`Mapping[str, Any]`): See [`~t2vid_hf.experiments.experiment_report.make_report`].
    """
    pairs = [f"{first} - {second}" for first, second in report["pairs"]]
    ends = [abs(end) for cell in report["cells"] for pair in cell["pairs"] for end in pair.get("crossed", ())]
    reach = 100 * min(1.0, 1.1 * max([0.05, *ends]))  # what Student's t says of two seeds may lie outside

    def panel(axes: Any, cell: Mapping[str, Any]) -> None:
        axes.axvline(0, color=_INK, linewidth=0.8)
        axes.axvspan(-100 * report["margin"], 100 * report["margin"], color=_INK, alpha=0.08)
        for place, pair in enumerate(cell["pairs"]):
            if "mean" not in pair:
                continue
            axes.plot([100 * end for end in pair["crossed"]], [place, place], color=_BLUE, linewidth=3)
            if pair["student"] is not None:
                ends = [100 * end for end in pair["student"]]
                axes.plot(ends, [place + 0.25] * 2, color=_RED, linewidth=1)
            axes.plot(100 * pair["mean"], place, "o", color=_INK, markersize=4)
        axes.set_xlim(-reach, reach)

    told = "difference, points; crossed bootstrap: blue; Student's t over seeds: red; margin: grey"
    return _draw(report, pairs, panel, told)


def _draw(report: Mapping[str, Any], names: Sequence[str], panel: Any, told: str) -> Picture:
    matplotlib = require("matplotlib", extra="plots")
    figures = require("matplotlib.figure", extra="plots")
    scores = [
        score for score in SCORE_NAMES if any(cell["score"] == score and cell["arms"] for cell in report["cells"])
    ]
    rows = [[cell for cell in report["cells"] if cell["score"] == score] for score in scores]
    columns = max(map(len, rows), default=1)
    size = (2.2 + 2.1 * columns, max(1, len(rows)) * (0.9 + 0.26 * len(names)) + 0.5)
    # A figure of its own: pyplot would keep it, and asks for a window where there is one.
    figure = figures.Figure(figsize=size, layout="constrained")
    grid = figure.subplots(max(1, len(rows)), columns, squeeze=False, sharey=True)
    for line, cells in zip(grid, rows, strict=False):
        for axes, cell in zip(line, cells, strict=True):
            panel(axes, cell)
            axes.set_title(f"{cell_name(cell, report['by'])}: {cell['score']}", fontsize=9)
            axes.set_yticks(range(len(names)), names, fontsize=8)
            axes.tick_params(axis="x", labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)
    grid[0, 0].set_ylim(len(names) - 0.4, -0.6)
    figure.supxlabel(told, fontsize=8)
    png, svg = io.BytesIO(), io.StringIO()
    figure.savefig(png, format="png", dpi=120, metadata={"Software": None})
    with matplotlib.rc_context({"svg.hashsalt": "t2vid", "svg.fonttype": "none"}):
        figure.savefig(svg, format="svg", metadata={"Date": None})
    text = svg.getvalue()
    return png.getvalue(), text[text.index("<svg") :]
