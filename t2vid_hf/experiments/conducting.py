"""An experiment from its file: what it would take, its runs, or its report. `t2vid experiment` is this.

A report is made without torch, in a second and on any machine.
"""

from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.experiments.experiment_file import read_experiment
from t2vid_hf.experiments.experiment_report import check_plots, write_report


def run_experiment(
    path: str, *, dry_run: bool = False, report: bool = False, jobs: int | None = None, quick: bool = False
) -> dict[str, Any] | None:
    """Run an experiment, or go on with it, and report it.

    Args:
        path (`str`): Its YAML file.
        dry_run (`bool`, *optional*, defaults to `False`): Whether to tell what it would take, and run nothing.
        report (`bool`, *optional*, defaults to `False`): Whether to report what was run, and run nothing.
        jobs (`int`, *optional*): Runs at a time; `None` takes one for each processor, with a GPU or under
            `accelerate launch` one.
        quick (`bool`, *optional*, defaults to `False`): Whether the file's `quick` is laid over it.

    Returns:
        `dict` or `None`: the report, as `report.json` has it; `None` in a dry run.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the file, or something that it names, cannot be taken.
    """
    if dry_run and report:
        raise InputError("--dry_run and --report: give one of them")
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs is {jobs}; give a number of runs at a time, at least 1")
    design = read_experiment(path, quick=quick)
    if report:
        return write_report(design.output_dir, given=design.given)
    check_plots()
    from t2vid_hf.experiments.laboratory import Laboratory  # brings torch and TRL, 5 s

    laboratory = Laboratory(design, jobs, dry_run=dry_run)
    if dry_run:
        laboratory.show()
        return None
    return laboratory.run()
