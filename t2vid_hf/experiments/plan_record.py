"""What an experiment writes before its runs: the plan, with the comparison and its margin, and the questions.

A report needs nothing but these and the answers. A plan whose comparison changes when runs are there says so.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from t2vid_hf.evaluation.option_questions import OptionQuestion
from t2vid_hf.evaluation.resuming import write_whole
from t2vid_hf.experiments.leak_table import Leaks
from t2vid_hf.experiments.one_run import is_done
from t2vid_hf.experiments.planned_runs import Base, PlannedRun, Planner
from t2vid_hf.experiments.stored_results import PLAN, QUESTIONS


def write_plan(
    planner: Planner,
    bases: Sequence[Base],
    runs: Sequence[PlannedRun],
    questions: Sequence[OptionQuestion],
    *,
    recipe: Mapping[str, Any],
    gates: Mapping[str, Mapping[str, float]],
) -> None:
    """Write the plan into the experiment's folder.

    Args:
        planner ([`~t2vid_hf.experiments.planned_runs.Planner`]): It knows rows and steps.
        bases (`Sequence[Base]`): The bases.
        runs (`Sequence[PlannedRun]`): The runs.
        questions (`Sequence[OptionQuestion]`): The test set.
        recipe (`Mapping[str, Any]`): The training recipe.
        gates (`Mapping[str, Mapping[str, float]]`): What each base has scored at the gate.
    """
    design, output = planner.design, planner.design.output_dir
    before = json.loads((output / PLAN).read_text("utf-8")) if (output / PLAN).is_file() else {}
    leaks = Leaks(questions, design.test.leaks, planner.pools)
    arms = {}
    for name, arm in design.arms.items():
        rows = [planner.rows(name, seed) for seed in design.seeds]
        arms[name] = {
            **arm.told(),
            "rows": [len(each.picks) for each in rows],
            "tokens": [each.tokens for each in rows],
            "steps": [planner.steps(name, seed) for seed in design.seeds],
            "leaks": leaks.table(drawn for each in rows for drawn in each.drawn),
        }
    plan = {
        "given": design.given,
        "fixed": _history(before, design.given, sum(map(is_done, runs))),
        "seeds": design.seeds,
        "roles": {str(seed): design.roles_of(seed) for seed in design.seeds},
        "bases": [
            {"name": base.name, "path": base.path, "weights": base.weights, "gate": gates.get(base.name)}
            for base in bases
        ],
        "arms": arms,
        "pairs": design.pairs(),
        "recipe": dict(recipe),
        "runs": [
            {"arm": run.arm, "base": run.base.name, "seed": run.seed, "key": run.key,
             "folder": run.folder.relative_to(output).as_posix()}
            for run in runs
        ],
    }  # fmt: skip
    lines = "".join(json.dumps(question_line(each), ensure_ascii=False) + "\n" for each in questions)
    write_whole(output / QUESTIONS, lines)
    write_whole(output / PLAN, json.dumps(plan, indent=1, default=str) + "\n")


def _history(before: Mapping[str, Any], given: Mapping[str, Any], done: int) -> list[dict[str, Any]]:
    """What was fixed when, and how many runs were done then; the last entry holds."""
    fixed = {key: given.get(key) for key in ("primary", "control")}
    history = list(before.get("fixed", []))
    if history and {key: history[-1].get(key) for key in fixed} == fixed:
        return history
    return [*history, {**fixed, "at": time.strftime("%Y-%m-%d %H:%M:%S"), "runs_done": done}]


def question_line(question: OptionQuestion) -> dict[str, Any]:
    """A question as a report needs it.

    Args:
        question ([`~t2vid_hf.evaluation.option_questions.OptionQuestion`]): The question.
    """
    return {
        "id": question.id,
        "question": question.text,
        "candidates": list(question.candidates),
        "right": question.right,
        "cluster": question.cluster,
        "columns": dict(question.columns),
    }
