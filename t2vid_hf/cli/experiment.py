"""`t2vid experiment`: arms that differ in their rows alone, run over bases and seeds, and what they are worth."""

from typing import Annotated

import typer


def experiment(
    config: Annotated[str, typer.Option(help="The experiment's YAML file, or one that is shipped.")],
    dry_run: Annotated[bool, typer.Option("--dry_run", help="Tell rows, tokens, steps and time; run nothing.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Report what was run; run nothing.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Runs at a time; one for each processor by default.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The smaller experiment that the file describes.")] = False,
) -> None:
    """Run an experiment on data, or go on with it, and report paired differences with their intervals."""
    from t2vid_hf.experiments.conducting import run_experiment

    run_experiment(config, dry_run=dry_run, report=report, jobs=jobs, quick=quick)
