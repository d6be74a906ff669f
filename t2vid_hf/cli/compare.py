"""`t2vid compare`: whether a second result is better than a first one, question by question."""

from pathlib import Path
from typing import Annotated, Any

import typer

from t2vid_hf.cli.score import print_json, show_rows
from t2vid_hf.metrics.comparison import differing_settings, paired_questions, paired_result, read_sides


def compare(
    a: Annotated[str, typer.Argument(help="The first result: --items of t2vid score, or answers.")],
    b: Annotated[str, typer.Argument(help="The second one.")],
    mode: Annotated[str | None, typer.Option(help="Whose rules judge answers: t2vid, or t2vid_hf.")] = None,
    models: Annotated[str | None, typer.Option(help="A,B: whose answers, where a file has several models'.")] = None,
    common: Annotated[bool, typer.Option("--common", help="Leave out questions that stand in one alone.")] = False,
    page: Annotated[Path | None, typer.Option(help="Both go side by side into this HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The comparison on stdout, as one line of JSON.")] = False,
) -> None:
    """Compare two results over the same questions: B minus A."""
    one, two = read_sides(a, b, mode=mode, models=models)
    result = paired_result(paired_questions(one, two, common=common))
    _show(result, differing_settings(one, two))
    if page is not None:
        from t2vid_hf.gallery.answers_page import write_page
        from t2vid_hf.gallery.page_runs import side_run

        runs = [
            side_run(f"{letter}: {side.model or Path(side.path).stem}", side)
            for letter, side in (("A", one), ("B", two))
        ]
        write_page(page, runs, title="Two results, question by question")
    if as_json:
        print_json(result)


def _show(result: dict[str, Any], settings: dict[str, tuple[Any, Any]]) -> None:
    rows = [
        ("questions", str(result["n"])),
        ("right in A alone", str(result["only_a"])),
        ("right in B alone", str(result["only_b"])),
        ("difference B - A", f"{result['difference']:+.2%}"),
        ("95 % interval", f"{result['low']:+.2%} to {result['high']:+.2%}, over {result['clusters']} videos"),
        ("p, exact", f"{result['p_exact']:.3g}"),
        ("p, chi square", f"{result['p_chi2']:.3g} ({result['chi2_with_continuity']:.3g})"),
    ]
    rows += [(f"setting {name}", f"{first} -> {second}") for name, (first, second) in settings.items()]
    show_rows("B against A", ("", ""), rows)
