"""What the arms of an experiment would take: rows, tokens, steps, and how long, by the runs that are done or by a rule.

Before any run is done the time is a guess: six operations a weight and token, at a third of what this device multiplies
matrices with, and 30 ms a step beside them. It has been right within a factor of two.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from t2vid_hf.experiments.one_run import is_done, read_record
from t2vid_hf.experiments.planned_runs import PlannedRun, Planner
from t2vid_hf.models.loading import load_checkpoint

SHARE_OF_PEAK, STEP_SECONDS, RUN_SECONDS = 0.33, 0.03, 5.0
_TOKENS_OF_OPTIONS = 1.3
"""Tokens of a question with its options, over those of a row that is trained on."""


def show_plan(
    planner: Planner, runs: Sequence[PlannedRun], described: str, *, dtype: str, jobs: int, questions: int
) -> None:
    """Print what an experiment would take.

    Args:
        planner ([`~t2vid_hf.experiments.planned_runs.Planner`]): It knows rows and steps.
        runs (`Sequence[PlannedRun]`): The runs.
        described (`str`): A checkpoint with the shapes of the bases.
        dtype (`str`): The type of the weights.
        jobs (`int`): Runs at a time.
        questions (`int`): How many are asked.
    """
    done = [read_record(run.folder) for run in runs if is_done(run)]
    seconds = _by_runs(done) if any(record["steps"] for record in done) else None
    if seconds is None:
        seconds = _by_rule(described, dtype, planner, questions)
    left = {name: 0.0 for name in planner.design.arms}
    table = Table("arm", "rows", "tokens", "steps", "tokens taken", "runs", "done", "time of a run", title="Arms")
    for name in planner.design.arms:
        own = [run for run in runs if run.arm == name]
        took = [seconds(name, run.steps, taken(planner, run)) for run in own]
        left[name] = sum(each for each, run in zip(took, own, strict=True) if not is_done(run))
        table.add_row(
            name, _range(len(run.rows.picks) for run in own), _range(run.rows.tokens for run in own),
            _range(run.steps for run in own), _range(taken(planner, run) for run in own), str(len(own)),
            str(sum(map(is_done, own))), _span(sum(took) / len(took)),
        )  # fmt: skip
    Console().print(table)
    by = (
        f"of {len(done)} runs that are done"
        if any(record["steps"] for record in done)
        else "guessed, within a factor of two"
    )
    print(f"{len(runs)} runs, {len(done)} done; {questions} questions each. Left: {_span(sum(left.values()) / jobs)}, "
          f"{jobs} at a time (times {by})")  # fmt: skip


def taken(planner: Planner, run: PlannedRun) -> int:
    """Tokens that a run trains on, rows that are taken again counted again."""
    if run.rows.prices is None or run.seed is None:
        return 0
    config = planner.config
    passes = (
        config.num_train_epochs if config.max_steps <= 0 else config.max_steps / max(1, _steps_of_pass(planner, run))
    )
    if "--max_steps" in run.options:
        passes = run.steps / max(1, _steps_of_pass(planner, run))
    return int(run.rows.tokens * passes)


def _steps_of_pass(planner: Planner, run: PlannedRun) -> float:
    """Steps of one pass over the rows, as a fraction where the last is not full."""
    from t2vid_hf.training.epoch_plan import plan_epoch
    from t2vid_hf.training.run_record import rows_of_step

    if planner.config.packing and run.rows.prices is not None:
        return plan_epoch(planner.config, run.rows.prices).num_steps
    return len(run.rows.picks) / rows_of_step(planner.config)


def _by_runs(done: Sequence[Mapping[str, Any]]) -> Any:
    """Seconds by the arm's own runs, else by steps of the others."""
    own: dict[str, list[float]] = {}
    for record in done:
        own.setdefault(record["arm"], []).append(record["seconds"])
    trained = [record for record in done if record["steps"]]
    a_step = sum(record["train_seconds"] for record in trained) / sum(record["steps"] for record in trained)
    beside = sum(record["seconds"] - record["train_seconds"] for record in done) / len(done)

    def seconds(arm: str, steps: int, tokens: int) -> float:
        return sum(own[arm]) / len(own[arm]) if arm in own else beside + a_step * steps

    return seconds


def _by_rule(described: str, dtype: str, planner: Planner, questions: int) -> Any:
    model, _, _ = load_checkpoint(described, weights=False, dtype=dtype)
    weights = sum(parameter.numel() for parameter in model.parameters())
    rate = SHARE_OF_PEAK * _operations_a_second(planner.config, dtype)
    rows = [pool.prices.tokens for pool in planner.pools.values()]
    asked = _TOKENS_OF_OPTIONS * questions * sum(each.mean() for each in rows) / len(rows)

    def seconds(arm: str, steps: int, tokens: int) -> float:
        return RUN_SECONDS + (6 * weights * tokens + 2 * weights * asked) / rate + STEP_SECONDS * steps

    return seconds


def _operations_a_second(config: Any, dtype: str) -> float:
    """What this device multiplies matrices with, measured for a moment."""
    import torch

    kind = getattr(torch, dtype, torch.float32) if config.device.type != "cpu" else torch.float32
    side = 4096 if config.device.type != "cpu" else 512
    matrix = torch.ones(side, side, dtype=kind, device=config.device)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        float((matrix @ matrix)[0, 0])  # read, so that it is waited for
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def _range(values: Any) -> str:
    held = sorted(set(values))
    return f"{held[0]:,}" if len(held) == 1 else f"{held[0]:,} to {held[-1]:,}"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
