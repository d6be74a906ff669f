"""An experiment from its file: bases, rows, runs, report. `t2vid experiment` is this.

What is written first is the plan (`experiment.json`): arms, rows, steps, leaks, and the comparison with its margin, so
that a report needs nothing but it and the answers. A plan whose comparison changes when runs are there says so.
"""

import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import datasets
from filelock import FileLock, Timeout

from t2vid_hf._processors import available_processors
from t2vid_hf._typed import names_of_fields
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.option_questions import OptionQuestion
from t2vid_hf.evaluation.resuming import write_whole
from t2vid_hf.experiments.experiment_file import Design, check_recipe, read_experiment
from t2vid_hf.experiments.experiment_report import check_plots, write_report
from t2vid_hf.experiments.leak_table import Leaks, clip_key
from t2vid_hf.experiments.one_run import Setting, conduct, is_done, parse_recipe, questions_of, read_record
from t2vid_hf.experiments.planned_runs import Base, PlannedRun, Planner
from t2vid_hf.experiments.pool_rows import PoolRows, digest
from t2vid_hf.experiments.run_times import show_plan
from t2vid_hf.experiments.side_by_side import side_by_side
from t2vid_hf.experiments.stored_results import PLAN, QUESTIONS
from t2vid_hf.experiments.trained_bases import PlannedBase, pass_gate, planned_bases, train_bases
from t2vid_hf.experiments.yaml_parts import settled
from t2vid_hf.models.loading import load_processor
from t2vid_hf.models.weights_hash import weights_hash
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.recipe_file import read_yaml, recipe_file
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.video_setup import set_up

# What changes nothing of what a run learns or answers.
_NO_MATTER = (
    "dataloader_num_workers", "dataloader_pin_memory", "dataloader_prefetch_factor", "logging_steps", "report_to",
    "save_strategy", "save_steps", "save_total_limit", "vision_feature_cache", "vision_feature_cache_gb",
)  # fmt: skip


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
    datasets.disable_progress_bars()
    laboratory = Laboratory(design, jobs, dry_run=dry_run)
    if dry_run:
        laboratory.show()
        return None
    return laboratory.run()


class Laboratory:
    """Runs an experiment.

    Args:
        design ([`~t2vid_hf.experiments.experiment_file.Design`]): The experiment.
        jobs (`int` or `None`): See [`run_experiment`].
        dry_run (`bool`): Whether nothing is to be run.
    """

    def __init__(self, design: Design, jobs: int | None, *, dry_run: bool) -> None:
        self.design, self._dry_run = design, dry_run
        self.recipe = training_recipe(design)
        self.planned = planned_bases(design)
        described = self.planned[0].described_by
        options = ["--model_name_or_path", described, "--output_dir", str(design.output_dir)]
        given, self.config = parse_recipe(self.recipe, [*options, *(("--dry_run", "true") if dry_run else ())])
        if self.config.eval_strategy != "no" or self.config.load_best_model_at_end:
            raise InputError("train: the recipe evaluates while it trains (eval_strategy), and in an experiment test "
                             "asks; leave it out")  # fmt: skip
        self.dtype, self.described = given.dtype, described
        self.ranks, self.first = self.config.world_size, self.config.process_index == 0
        self.jobs = self._jobs(jobs)
        self.threads = max(1, available_processors() // self.jobs)
        test = design.test
        self.setting = Setting(self.recipe, (test.path, test.name, test.split), test.at_most, design.keep_checkpoints)
        self.questions = questions_of(self.setting.test, test.at_most)
        self._check_questions()
        self.pools = self._load_pools()
        self.planner = Planner(
            design, self.pools, config=self.config,
            recipe={key: value for key, value in self.recipe.items() if key not in _NO_MATTER},
            questions=digest([question_line(question) | {"clip_key": clip_key(question.row)} for question in self.questions]),
        )  # fmt: skip

    def _jobs(self, given: int | None) -> int:
        alone = self.ranks > 1 or self.config.device.type != "cpu"
        if alone and given not in (None, 1):
            raise InputError(f"--jobs {given}: a run takes all of the GPUs, and of the ranks that accelerate has "
                             f"launched; leave it out")  # fmt: skip
        return given or (1 if alone else available_processors())

    def _load_pools(self) -> dict[str, PoolRows]:
        processor, adapter = load_processor(self.described)
        set_up(processor, adapter, self.config)
        cost = TokenCost(processor, adapter, policy=self.config.video_policy(), on_bad_row=self.config.on_bad_row)

        def count_tokens(text: str) -> int:
            return len(processor.tokenizer(text)["input_ids"])

        output = self.design.output_dir
        kept = output / "pools" if self.first and (output.is_dir() or not self._dry_run) else None
        return {
            name: PoolRows(name, pool, cost=cost, config=self.config, count_tokens=count_tokens, kept=kept)
            for name, pool in self.design.pools.items()
        }

    def _check_questions(self) -> None:
        """Refuse a group, or a cell of a comparison, that no question is in."""
        test, lines = self.design.test, [question_line(question) for question in self.questions]
        columns = {name for line in lines for name in line["columns"]}
        for seed in self.design.seeds:
            for group in test.groups:
                where = settled(test.where(group), self.design.roles_of(seed))
                for name in where:
                    if name not in columns:
                        raise InputError(f"test: group '{group}' asks for the column '{name}', and the questions have "
                                         f"{', '.join(sorted(columns)) or 'none'}")  # fmt: skip
                if not any(all(line["columns"].get(name) in wanted for name, wanted in where.items()) for line in lines):
                    raise InputError(f"test: no question is in group '{group}' with seed {seed} ({where})")
        if test.by is not None and test.by not in columns:
            raise InputError(f"test: by is '{test.by}', and the questions have {', '.join(sorted(columns)) or 'none'}")
        for told in (self.design.primary, self.design.control):
            if told is not None and told.at is not None:
                there = sorted({line["columns"].get(test.by) for line in lines}, key=str)
                if told.at not in there:
                    raise InputError(f"at: no question has {test.by} {told.at!r}; there are {', '.join(map(str, there))}")

    def show(self) -> None:
        """Tell what the experiment would take."""
        bases = [Base(base.name, base.described_by, _hash_if_there(base)) for base in self.planned]
        runs = list(self.planner.runs(bases))
        self._check_folders(runs)
        untrained = [base.name for base in self.planned if not base.is_done]
        if untrained:
            print(f"bases to train first, whose time is not in the table: {', '.join(untrained)}")
        show_plan(self.planner, runs, self.described, dtype=self.dtype, jobs=self.jobs, questions=len(self.questions))

    def run(self) -> dict[str, Any] | None:
        """Run what is not done, and report."""
        output = self.design.output_dir
        output.mkdir(parents=True, exist_ok=True)
        try:
            # Of a launch all ranks are one; the first holds the folder for them.
            with FileLock(output / f".lock{'' if self.first else self.config.process_index}", timeout=5):
                return self._run(output)
        except Timeout:
            raise InputError(f"{output}: another process runs this experiment; wait for its end") from None

    def _run(self, output: Path) -> dict[str, Any] | None:
        began = time.perf_counter()
        bases = train_bases(self.planned, jobs=min(self.jobs, len(self.planned)), threads=self.threads, show=self._show)
        gates = {}
        if self.design.gate is not None:
            gates = pass_gate(
                self.design.gate, bases, output / "bases", recipe=self.recipe, jobs=self.jobs, threads=self.threads
            )
        runs = list(self.planner.runs(bases))
        self._check_folders(runs)
        if self.first:
            self._write_plan(output, bases, runs, gates)
        left = [run for run in runs if not is_done(run)]
        self._show(f"{len(runs)} runs, {len(runs) - len(left)} of them done; {min(self.jobs, len(left) or 1)} at a time")
        # The longest first, so that none is alone at the end; what they are worth they are worth in any order.
        left.sort(key=lambda run: -run.steps)
        work = partial(conduct, setting=self.setting)
        for number, (run, record) in enumerate(side_by_side(work, left, jobs=self.jobs, threads=self.threads), 1):
            told = ", ".join(f"{name} {record[name]:.1%}" for name in ("choice", "exact") if record[name] is not None)
            self._show(f"{number}/{len(left)} {run.name}: {run.steps} steps, {record['seconds']:.0f} s; {told}")
        self._show(f"all runs are done, {time.perf_counter() - began:.0f} s")
        return write_report(output, given=self.design.given) if self.first else None

    def _show(self, line: str) -> None:
        if self.first:
            print(line, flush=True)

    def _check_folders(self, runs: Sequence[PlannedRun]) -> None:
        for run in runs:
            there = read_record(run.folder).get("key", run.key)
            if there != run.key:
                raise InputError(f"{run.folder} holds another run ({there}); give another output_dir")

    def _write_plan(
        self, output: Path, bases: Sequence[Base], runs: Sequence[PlannedRun], gates: Mapping[str, Mapping[str, float]]
    ) -> None:
        design = self.design
        before = json.loads((output / PLAN).read_text("utf-8")) if (output / PLAN).is_file() else {}
        done = sum(is_done(run) for run in runs)
        fixed = {key: design.given.get(key) for key in ("primary", "control")}
        history = before.get("fixed", [])
        if not history or {key: history[-1].get(key) for key in fixed} != fixed:
            history = [*history, {**fixed, "at": time.strftime("%Y-%m-%d %H:%M:%S"), "runs_done": done}]
        leaks = Leaks(self.questions, design.test.leaks, self.pools)
        arms = {}
        for name, arm in design.arms.items():
            rows = [self.planner.rows(name, seed) for seed in design.seeds]
            arms[name] = {
                **arm.told(),
                "rows": [len(each.picks) for each in rows],
                "tokens": [each.tokens for each in rows],
                "steps": [self.planner.steps(name, seed) for seed in design.seeds],
                "leaks": leaks.table(drawn for each in rows for drawn in each.drawn),
            }
        plan = {
            "given": design.given,
            "fixed": history,
            "seeds": design.seeds,
            "roles": {str(seed): design.roles_of(seed) for seed in design.seeds},
            "bases": [{"name": base.name, "path": base.path, "weights": base.weights, "gate": gates.get(base.name)} for base in bases],
            "arms": arms,
            "pairs": design.pairs(),
            "recipe": self.recipe,
            "runs": [
                {"arm": run.arm, "base": run.base.name, "seed": run.seed, "key": run.key, "folder": run.folder.relative_to(output).as_posix()}
                for run in runs
            ],
        }  # fmt: skip
        lines = "".join(json.dumps(question_line(each), ensure_ascii=False) + "\n" for each in self.questions)
        write_whole(output / QUESTIONS, lines)
        write_whole(output / PLAN, json.dumps(plan, indent=1, default=str) + "\n")


def training_recipe(design: Design) -> dict[str, Any]:
    """The training recipe of an experiment, with what is set in place of its own.

    Args:
        design ([`~t2vid_hf.experiments.experiment_file.Design`]): The experiment.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it cannot be read, a key is unknown, or is given by the experiment.
    """
    known = names_of_fields((RecipeArguments, T2VidSFTConfig))
    given = read_yaml(recipe_file(design.recipe), known)
    for key in design.settings:
        if key not in known:
            raise InputError(f"train: unknown key '{key}'; give 'recipe' and settings of a training recipe")
    recipe = {**given, **design.settings}
    check_recipe(recipe)
    return recipe


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


def _hash_if_there(base: PlannedBase) -> str:
    """The hash of a base's weights; of what is not there yet, nothing."""
    try:
        return weights_hash(base.path)
    except InputError:
        return ""
