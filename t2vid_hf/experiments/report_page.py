"""The report of an experiment as one self-contained HTML page."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from t2vid_hf.experiments.report_table import how, notes, tables


def page(report: Mapping[str, Any], figures: Sequence[str]) -> str:
    """The page.

    Args:
        report (`Mapping[str, Any]`): See [`~t2vid_hf.experiments.experiment_report.make_report`].
        figures (`Sequence[str]`): The figures as `svg` elements.
    """
    environment = Environment(
        loader=PackageLoader("t2vid_hf.experiments", "."),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
    )
    return environment.get_template("experiment_report.html.j2").render(
        sentence=report["sentence"],
        notes=notes(report).split("\n\n"),
        tables=tables(report),
        how=how(report),
        figures=figures,
        roles=report["roles"] if any(report["roles"].values()) else {},
    )
