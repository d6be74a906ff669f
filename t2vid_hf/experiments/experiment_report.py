"""The report of an experiment, from its stored plan and answers alone: JSON, Markdown, a figure, a page.

Arms and differences are told in each group of questions and by both scores: by choice alone a model that has forgotten
how to answer looks well, by exact match alone one that has only learned to.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from t2vid_hf._optional import require
from t2vid_hf.evaluation.resuming import write_whole
from t2vid_hf.experiments.report_figure import draw_differences, draw_scores
from t2vid_hf.experiments.report_page import page
from t2vid_hf.experiments.report_table import markdown
from t2vid_hf.experiments.stored_results import StoredResults
from t2vid_hf.experiments.verdicts import NOT_SENSITIVE, NOT_SHOWN, RULE, ends, rises, told, verdict
from t2vid_hf.experiments.yaml_parts import SCORES
from t2vid_hf.metrics.crossed import Crossed, crossed_interval

JSON, MARKDOWN, PAGE, FIGURE, DIFFERENCES = (
    "report.json", "report.md", "report.html", "scores.png", "differences.png",
)  # fmt: skip


def write_report(folder: Path, *, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write the report of an experiment beside its runs, and print what it comes to.

    Args:
        folder (`Path`): The experiment's `output_dir`.
        given (`Mapping[str, Any]`, *optional*): What its file says now, which must be what was run; `None` asks for
            nothing.

    Returns:
        `dict`: what `report.json` holds.

    Raises:
        [`~t2vid_hf.errors.InputError`]: nothing was run there, the file is another, or matplotlib is not installed.
    """
    check_plots()
    stored = StoredResults(folder)
    if given is not None:
        stored.check_given(given)
    report = make_report(stored)
    write_whole(folder / JSON, json.dumps(report, indent=1, default=str) + "\n")
    write_whole(folder / MARKDOWN, markdown(report))
    pictures = {FIGURE: draw_scores(report), DIFFERENCES: draw_differences(report)}
    for name, (png, _) in pictures.items():
        (folder / name).write_bytes(png)
    write_whole(folder / PAGE, page(report, [svg for _, svg in pictures.values()]))
    print(f"{report['sentence']}\nreport: {folder / MARKDOWN}, {PAGE}, {JSON}")
    return report


def check_plots() -> None:
    """Refuse to begin without what figures are drawn with: the end of a night of runs is no time to learn it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: matplotlib is not installed.
    """
    require("matplotlib", extra="plots")


def make_report(stored: StoredResults) -> dict[str, Any]:
    """The numbers of a report.

    Args:
        stored ([`~t2vid_hf.experiments.stored_results.StoredResults`]): Plan and answers.
    """
    plan = stored.plan
    primary, control = plan["given"]["primary"], plan["given"].get("control")
    controlled = None if control is None else compared(stored, control["compare"], control)
    sensitive = None if control is None else rises(controlled)
    margin = primary["margin"]
    main = compared(stored, primary["compare"], primary)
    rose = None
    if control is not None:
        rose = {"score": "choice", **control, **_pair(controlled, margin, None), "rises": sensitive}
    cells = [(group, at, score) for score in SCORES for group, at in stored.cells()]
    report = {
        "primary": {"score": "choice", **primary, **_pair(main, margin, sensitive)},
        "control": rose,
        "rule": RULE,
        "margin": margin,
        "by": stored.test.by,
        "cells": [_cell(stored, group, at, score, margin, sensitive) for group, at, score in cells],
        "arms": plan["arms"],
        "pairs": plan["pairs"],
        "bases": plan["bases"],
        "seeds": plan["seeds"],
        "roles": plan["roles"],
        "missing": stored.missing,
        "fixed": plan["fixed"],
        "seconds": sum(record["seconds"] for record in stored.records),
        "questions": len(stored.questions),
    }  # fmt: skip
    return {**report, "sentence": sentence(report)}


def compared(stored: StoredResults, arms: Sequence[str], where: Mapping[str, Any]) -> Crossed | None:
    """The difference of two arms, the first minus the second, over what both have answered.

    Args:
        stored ([`~t2vid_hf.experiments.stored_results.StoredResults`]): Plan and answers.
        arms (`Sequence[str]`): The two.
        where (`Mapping[str, Any]`): `group`, and `at` and `score` if given.
    """
    score = where.get("score", "choice")
    first, second = (stored.values(arm, score) for arm in arms)
    return _interval(stored, first - second, where["group"], where.get("at"))


def _interval(stored: StoredResults, values: np.ndarray, group: str, at: Any) -> Crossed | None:
    asked = stored.asked(group, at)[None] & ~np.isnan(values)
    return crossed_interval(values, asked, stored.clusters)


def _pair(found: Crossed | None, margin: float, sensitive: bool | None) -> dict[str, Any]:
    if found is None:
        return {"verdict": "not run"}
    said = NOT_SENSITIVE if sensitive is False else verdict(found, margin)
    return {**told(found), "verdict": said, "not_worse_by_margin": ends(found)[0] > -margin}


def _cell(
    stored: StoredResults, group: str, at: Any, score: str, margin: float, sensitive: bool | None
) -> dict[str, Any]:
    """All arms and pairs in one group of questions, by one score."""
    arms = {arm: _interval(stored, stored.values(arm, score), group, at) for arm in stored.plan["arms"]}
    pairs = []
    for first, second in stored.plan["pairs"]:
        found = compared(stored, (first, second), {"group": group, "at": at, "score": score})
        pairs.append({"first": first, "second": second, **_pair(found, margin, sensitive)})
    return {
        "group": group,
        "at": at,
        "score": score,
        "chance": stored.chance(group, at) if score == "choice" else None,
        "arms": {arm: told(found) for arm, found in arms.items() if found is not None},
        "pairs": pairs,
    }


def sentence(report: Mapping[str, Any]) -> str:
    """What the primary comparison comes to, in words.

    Args:
        report (`Mapping[str, Any]`): The report.
    """
    primary = report["primary"]
    first, second = primary["compare"]
    at = "" if primary.get("at") is None else f", {report['by']} {primary['at']}"
    what = f"{first} - {second} on {primary['group']}{at} ({primary['score']})"
    if "mean" not in primary:
        return f"{what}: not run to the end yet"
    student, seeds = primary["student"], len(primary["by_seed"])
    by_t = f"{between(student)} by Student's t over {seeds} seeds" if student else "a single seed, so none over seeds"
    shown = primary["verdict"]
    if shown == NOT_SHOWN and primary["not_worse_by_margin"]:
        shown += f" to be better, but not worse by more than {100 * report['margin']:g} points"
    difference = f"{points(primary['mean'])} points {between(primary['crossed'])} by the crossed bootstrap, {by_t}"
    return f"{what}: {difference}; {primary['gains']} of {primary['runs']} runs gain: {shown}"


def points(value: float) -> str:
    """A difference in points, with its sign."""
    return f"{100 * value:+.1f}"


def between(interval: Sequence[float]) -> str:
    """An interval in points."""
    return f"[{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]"
