"""The report of an experiment as Markdown: arms, scores, differences, leaks, and how they were made."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def markdown(report: Mapping[str, Any]) -> str:
    """The whole report.

    Args:
        report (`Mapping[str, Any]`): See [`~t2vid_hf.experiments.experiment_report.make_report`].
    """
    blocks = [f"# Experiment\n\n**{report['sentence']}.**", notes(report)]
    for title, header, rows in tables(report):
        blocks.append(f"## {title}\n\n{_table(header, rows)}")
    blocks.append(how(report))
    return "\n\n".join(block for block in blocks if block) + "\n"


def tables(report: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """The tables of a report: title, header, rows.

    Args:
        report (`Mapping[str, Any]`): The report.
    """
    made = [("Arms", *_arms(report))]
    for score in ("choice", "exact"):
        cells = [cell for cell in report["cells"] if cell["score"] == score and cell["arms"]]
        if cells:
            made.append((f"Scores by {SCORE_NAMES[score]}, %", *_scores(cells, report)))
            made.append((f"Differences by {SCORE_NAMES[score]}, points", *_differences(cells, report)))
    made.append(("What of the test stands in which arm", *_leaks(report)))
    if any(base["gate"] for base in report["bases"]):
        made.append(("What the bases can do, %", *_gates(report)))
    return made


SHOWN_LEAKS = 6
SCORE_NAMES = {"choice": "choice (log-probability)", "exact": "exact match (greedy)"}


def cell_name(cell: Mapping[str, Any], by: str | None) -> str:
    """A group of questions in words."""
    return str(cell["group"]) if cell["at"] is None else f"{cell['group']}, {by} {cell['at']}"


def _arms(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for name, arm in report["arms"].items():
        amounts = [
            f"{value:,} {pool}" if isinstance(value, int) else f"{value} of {pool}"
            for pool, value in arm["amounts"].items()
        ]
        shares = " : ".join(f"{share:g} {pool}" for pool, share in arm["shares"].items())
        settings = ", ".join(f"{key} {value}" for key, value in arm["set"].items())
        rows.append(
            [
                name,
                ", ".join(amounts) or shares or "nothing",
                settings,
                *(_range(arm[key]) for key in ("rows", "tokens", "steps")),
            ]
        )
    return ["arm", "draws", "set", "rows", "tokens", "steps"], rows


def _scores(cells: Sequence[Mapping[str, Any]], report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for arm in report["arms"]:
        told = [cell["arms"].get(arm) for cell in cells]
        rows.append(
            [arm, *("-" if each is None else f"{100 * each['mean']:.1f} {_span(each['crossed'])}" for each in told)]
        )
    chance = [cell["chance"] for cell in cells]
    if any(each is not None for each in chance):
        rows.append(["*guessing*", *("" if each is None else f"{100 * each:.1f}" for each in chance)])
    return ["arm", *(cell_name(cell, report["by"]) for cell in cells)], rows


def _differences(cells: Sequence[Mapping[str, Any]], report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for number, (first, second) in enumerate(report["pairs"]):
        for cell in cells:
            pair = cell["pairs"][number]
            if "mean" not in pair:
                continue
            student = "-" if pair["student"] is None else _span(pair["student"], "+")
            crossed = _span(pair["crossed"], "+")
            rows.append([
                f"{first} - {second}", cell_name(cell, report["by"]), f"{100 * pair['mean']:+.1f}", crossed,
                student, f"{pair['gains']}/{pair['runs']}", pair["verdict"],
            ])  # fmt: skip
    return ["pair", "questions", "difference", "crossed bootstrap", "Student's t", "runs that gain", "verdict"], rows


def _leaks(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    columns = list(next(iter(report["arms"].values()))["leaks"])
    rows = []
    for name, arm in report["arms"].items():
        rows.append([name, *(_leak(arm["leaks"][column]) for column in columns)])
    return ["arm", *columns], rows


def _leak(leak: Mapping[str, Any]) -> str:
    """What of a column stands in an arm: the first few values, shortened, and how many more there are."""
    found = leak["found"]
    if not found:
        return f"none of {leak['of']}"
    if set(found) == {"rows"}:
        return f"{leak['questions']} questions: in {found['rows']:,} rows"
    named = [f"{_short(value)} in {count:,} rows" for value, count in found.items()]
    more = f" and {len(named) - SHOWN_LEAKS} more" if len(named) > SHOWN_LEAKS else ""
    return f"{leak['questions']} questions: {', '.join(named[:SHOWN_LEAKS])}{more}"


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:37] + "..."


def _gates(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    kinds = list(dict.fromkeys(kind for base in report["bases"] for kind in base["gate"] or ()))
    rows = [
        [base["name"], *(f"{100 * (base['gate'] or {}).get(kind, 0):.0f}" for kind in kinds)]
        for base in report["bases"]
    ]
    return ["base", *kinds], rows


def notes(report: Mapping[str, Any]) -> str:
    """What a reader must know before the tables: runs that are missing, a control that did not rise, a late change.

    Args:
        report (`Mapping[str, Any]`): The report.
    """
    lines = []
    control = report["control"]
    if control is None:
        lines.append("No positive control was planned: whether the test is sensitive is not known.")
    elif "mean" in control:
        rose = "rises" if control["rises"] else "does not rise, so no verdict is given"
        lines.append(
            f"Positive control {control['compare'][0]} - {control['compare'][1]} on {control['group']}: "
            f"{100 * control['mean']:+.1f} points {_span(control['crossed'], '+')}; it {rose}."
        )
    if report["missing"]:
        lines.append(f"{len(report['missing'])} runs are missing: {'; '.join(report['missing'][:5])}"
                     + ("; ..." if len(report["missing"]) > 5 else "."))  # fmt: skip
    late = [each for each in report["fixed"][1:] if each["runs_done"]]
    if late:
        lines.append(f"The primary comparison or its control was changed when {late[-1]['runs_done']} runs were done "
                     f"({late[-1]['at']}): what it shows was not fixed beforehand.")  # fmt: skip
    return "\n\n".join(lines)


def how(report: Mapping[str, Any]) -> str:
    """How the numbers were made.

    Args:
        report (`Mapping[str, Any]`): The report.
    """
    bases, seeds = len(report["bases"]), ", ".join(map(str, report["seeds"]))
    return (
        f"{bases} base{'s' * (bases > 1)}, seeds {seeds}, {report['questions']} questions; "
        f"{report['seconds'] / 60:.0f} minutes of runs. Intervals of 95 %: a bootstrap crossed over "
        f"{'bases, ' * (bases > 1)}seeds and clips, widened for few of them; and Student's t over the seeds' means. "
        f"Verdicts, fixed beforehand with a margin of {100 * report['margin']:g} points: {report['rule']} "
        f"All but the primary comparison is exploratory, and not corrected for their number."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def _span(interval: Sequence[float], sign: str = "") -> str:
    return f"[{100 * interval[0]:{sign}.1f}, {100 * interval[1]:{sign}.1f}]"


def _range(values: Sequence[int]) -> str:
    held = sorted(set(values))
    return f"{held[0]:,}" if len(held) == 1 else f"{held[0]:,} to {held[-1]:,}"
