"""Runs an experiment: bases, pools, plan, runs side by side, report.

Everything that can be wrong is looked at before the first run: the pools are read, all arms are drawn with all seeds,
and each group has questions. The price is half a minute for 100,000 rows, the first time.
"""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import datasets
from filelock import FileLock, Timeout

from t2vid_hf._processors import available_processors
from t2vid_hf._typed import names_of_fields
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.experiments.experiment_file import Design, check_recipe
from t2vid_hf.experiments.experiment_report import write_report
from t2vid_hf.experiments.leak_table import clip_key
from t2vid_hf.experiments.one_run import Setting, conduct, is_done, parse_recipe, questions_of, read_record
from t2vid_hf.experiments.plan_record import question_line, write_plan
from t2vid_hf.experiments.planned_runs import Base, PlannedRun, Planner
from t2vid_hf.experiments.pool_rows import PoolRows, digest
from t2vid_hf.experiments.run_times import show_plan
from t2vid_hf.experiments.side_by_side import side_by_side
from t2vid_hf.experiments.trained_bases import PlannedBase, pass_gate, planned_bases, train_bases
from t2vid_hf.experiments.yaml_parts import SCORES, settled
from t2vid_hf.models.loading import load_processor
from t2vid_hf.models.weights_hash import weights_hash
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.recipe_file import did_you_mean, read_yaml, recipe_file
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.video_setup import set_up

# What changes nothing of what a run learns or answers.
_NO_MATTER = (
    "dataloader_num_workers", "dataloader_pin_memory", "dataloader_prefetch_factor", "logging_steps", "report_to",
    "save_strategy", "save_steps", "save_total_limit", "vision_feature_cache", "vision_feature_cache_gb",
)  # fmt: skip


class Laboratory:
    """Runs an experiment.

    Args:
        design ([`~t2vid_hf.experiments.experiment_file.Design`]): The experiment.
        jobs (`int` or `None`): See [`run_experiment`].
        dry_run (`bool`): Whether nothing is to be run.
    """

    def __init__(self, design: Design, jobs: int | None, *, dry_run: bool) -> None:
        datasets.disable_progress_bars()
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
        asked = [[question_line(question), clip_key(question.row)] for question in self.questions]
        decides = {key: value for key, value in self.recipe.items() if key not in _NO_MATTER}
        self.planner = Planner(design, self.pools, config=self.config, recipe=decides, questions=digest(asked))

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
                if not any(
                    all(line["columns"].get(name) in wanted for name, wanted in where.items()) for line in lines
                ):
                    raise InputError(f"test: no question is in group '{group}' with seed {seed} ({where})")
        if test.by is not None and test.by not in columns:
            raise InputError(f"test: by is '{test.by}', and the questions have {', '.join(sorted(columns)) or 'none'}")
        for told in (self.design.primary, self.design.control):
            if told is not None and told.score == "choice" and all(len(line["candidates"]) < 2 for line in lines):
                raise InputError("score: choice is among options, and no question has any; give score: exact")
            if told is not None and told.at is not None:
                there = sorted({line["columns"].get(test.by) for line in lines}, key=str)
                if told.at not in there:
                    raise InputError(
                        f"at: no question has {test.by} {told.at!r}; there are {', '.join(map(str, there))}"
                    )

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
            write_plan(self.planner, bases, runs, self.questions, recipe=self.recipe, gates=gates)
        left = [run for run in runs if not is_done(run)]
        self._show(
            f"{len(runs)} runs, {len(runs) - len(left)} of them done; {min(self.jobs, len(left) or 1)} at a time"
        )
        # The longest first, so that none is alone at the end; what they are worth they are worth in any order.
        left.sort(key=lambda run: -run.steps)
        work = partial(conduct, setting=self.setting)
        for number, (run, record) in enumerate(side_by_side(work, left, jobs=self.jobs, threads=self.threads), 1):
            if self.first:  # for other ranks there is no record yet
                told = ", ".join(f"{name} {record[name]:.1%}" for name in SCORES if record[name] is not None)
                print(
                    f"{number}/{len(left)} {run.name}: {run.steps} steps, {record['seconds']:.0f} s; {told}", flush=True
                )
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


def training_recipe(design: Design) -> dict[str, Any]:
    """The training recipe of an experiment, with what is set in place of its own.

    Args:
        design ([`~t2vid_hf.experiments.experiment_file.Design`]): The experiment.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it cannot be read, a key is unknown, or is given by the experiment.
    """
    known = names_of_fields((RecipeArguments, T2VidSFTConfig))
    given = {} if design.recipe is None else read_yaml(recipe_file(design.recipe), known)
    for key in design.settings:
        if key not in known:
            raise InputError(f"train: unknown key '{key}'; {did_you_mean(key, known)}")
    recipe = {**given, **design.settings}
    check_recipe(recipe)
    return recipe


def _hash_if_there(base: PlannedBase) -> str:
    """The hash of a base's weights; of what is not there yet, nothing."""
    try:
        return weights_hash(base.path)
    except InputError:
        return ""
