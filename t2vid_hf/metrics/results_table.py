"""`results.md`: what a run scores, beside the paper's figures and zero-shot, and what of it may be held against them.

A table invites to compare any two of its rows. So each of ours says in its last column whether it is made as the
paper's are (rules, frames, all questions), and if not, what differs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from t2vid_hf.metrics.paper_figures import FRAMES, RULES, PaperFigure, paper_figures

COLUMNS = (
    "model", "trained on", "frames", "rules", "n", "no answer", "right, %", "95 % interval", "headline",
    "beside the paper",
)  # fmt: skip
_NOTE = f"""The paper's figures (arXiv 2411.19951) are shares of all questions, of {FRAMES} frames a video, by the \
original's rules (mode `{RULES}`) with Llama-3.1-8B-Instruct as judge of what no rule reads; we run no judge. Their \
number of questions is not told. MiniCPM's replies to all but Video-MME were sampled at temperature 0.7, those here \
are greedy. Hold a row of ours against them only where its last column says "as the paper's"."""


def results_table(results: Mapping[str, Any]) -> str:
    """The table of a run, in Markdown.

    Args:
        results (`Mapping[str, Any]`): What `t2vid evaluate` has written, `results.json`.
    """
    benchmark = results["benchmark"]
    quoted = [found for model in results["models"] for found in model.get("headlines", {}).values()]
    task = quoted[0]["task"] if quoted else None
    figures = paper_figures(benchmark, task)
    rows = [row for model in results["models"] for row in _rows(results, model, compared=bool(figures))]
    told = " ".join(filter(None, (benchmark, task)))
    lines = [f"# Scores on {told}", "", *_table(COLUMNS, [*rows, *map(paper_row, figures)]), ""]
    missing = {model["name"]: len(model["missing"]) for model in results["models"] if model.get("missing")}
    for name, count in missing.items():
        lines += [f"{_cell(name)}: {count} questions could not be asked, and are in no figure of its.", ""]
    if figures:
        lines += [_NOTE, "", *(f"- {source}" for source in dict.fromkeys(figure.source for figure in figures))]
    else:
        lines.append("The paper (arXiv 2411.19951) has no figure for this.")
    return "\n".join(lines) + "\n"


def paper_row(figure: PaperFigure) -> tuple[str, ...]:
    """A figure of the paper as a row of the table.

    Args:
        figure ([`~t2vid_hf.metrics.paper_figures.PaperFigure`]): The figure.
    """
    part = f"of {figure.part} alone" if figure.part else ""
    return (
        figure.model, figure.trained_on, str(FRAMES), f"{RULES}, and a judge", "not told", "", f"{figure.accuracy:.1f}",
        "not told", part, "the paper's",
    )  # fmt: skip


def _rows(results: Mapping[str, Any], model: Mapping[str, Any], *, compared: bool) -> list[tuple[str, ...]]:
    """A row for each mode; of clips, which have one way to be scored, one."""
    video = results["video"][model["name"]]
    (all_,) = [score for score in model["scores"] if score["group"] == "all"]
    scored = model.get("headlines") or {
        "t2vid_hf": {**all_, "no_answer": round(all_["no_answer"] * all_["n"]), "headline": None}
    }
    checkpoint = f"checkpoint {Path(model['checkpoint']).name}"
    rows: list[tuple[str, ...]] = []
    for mode, found in scored.items():
        headline = found["headline"]
        rows.append(
            (
                model["name"], checkpoint, video["told"], mode, f"{found['n']:,}", f"{found['no_answer']:,}",
                f"{100 * found['accuracy']:.1f}", f"{100 * found['low']:.1f} to {100 * found['high']:.1f}",
                f"{headline['name']} {100 * headline['value']:.1f}" if headline else "",
                (_differing(results, model, video, mode) or "as the paper's") if compared else "",
            )
        )  # fmt: skip
    return rows


def _differing(results: Mapping[str, Any], model: Mapping[str, Any], video: Mapping[str, Any], mode: str) -> str:
    """What of a row is not as the paper's figures are; empty where nothing is known to differ."""
    reasons = []
    if mode != RULES:
        reasons.append(f"other rules ({mode})")
    if video.get("fps") is not None or video.get("num_frames") not in (None, FRAMES):
        reasons.append("other frames")
    if video.get("video") != "as_frames":
        reasons.append("native video")
    if results.get("subtitles") and results["benchmark"] == "videomme":
        reasons.append("with subtitles")
    if model.get("missing"):
        reasons.append(f"{len(model['missing'])} questions missing")
    return f"no: {', '.join(reasons)}" if reasons else ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines]


def _cell(text: str) -> str:
    """Text that stays in its cell, whatever a model is called."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
