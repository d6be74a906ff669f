"""The bases of an experiment: found or trained, hashed, and asked what they can do before anything is built on them."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from t2vid_hf._typed import names_of_fields
from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.evaluation.option_questions import read_option_questions
from t2vid_hf.evaluation.option_scores import EncodedQuestions, option_scores
from t2vid_hf.evaluation.resuming import write_whole
from t2vid_hf.experiments.comparisons import Gate
from t2vid_hf.experiments.experiment_file import Design
from t2vid_hf.experiments.one_run import parse_recipe
from t2vid_hf.experiments.planned_runs import Base
from t2vid_hf.experiments.pool_rows import digest
from t2vid_hf.experiments.run_answers import answer_line
from t2vid_hf.experiments.run_process import logged, one_at_a_time
from t2vid_hf.experiments.side_by_side import side_by_side
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.models.weights_hash import weights_hash
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.checkpoints import checkpoints_in
from t2vid_hf.training.fine_tuning import fine_tune
from t2vid_hf.training.recipe_file import read_yaml, recipe_file
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.video_setup import set_up

DONE = "trained.json"
_SEED = "{seed}"


@dataclass(frozen=True)
class PlannedBase:
    """A base that is trained, or is there.

    Args:
        name (`str`): Its name in tables.
        path (`str`): Where it is, or will be.
        recipe (`Mapping[str, Any]`, *optional*): What trains it; `None` where it is there.
        key (`str`, *optional*, defaults to `""`): A hash of that.
    """

    name: str
    path: str
    recipe: Mapping[str, Any] | None = None
    key: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it needs no training."""
        done = Path(self.path) / DONE
        return self.recipe is None or (done.is_file() and done.read_text("utf-8") == self.key)

    @property
    def described_by(self) -> str:
        """A checkpoint with its processor, before it is trained as well."""
        return self.path if self.recipe is None or self.is_done else str(self.recipe["model_name_or_path"])


def planned_bases(design: Design) -> list[PlannedBase]:
    """The bases that the file asks for.

    Args:
        design ([`~t2vid_hf.experiments.experiment_file.Design`]): The experiment.

    Raises:
        [`~t2vid_hf.errors.InputError`]: its recipe cannot be read, or gives what the experiment gives.
    """
    bases = design.bases
    if bases.recipe is None:
        several = len(bases.checkpoints) > 1
        return [
            PlannedBase(str(number) if several else Path(path).name, path)
            for number, path in enumerate(bases.checkpoints)
        ]
    given = read_yaml(recipe_file(bases.recipe), names_of_fields((RecipeArguments, T2VidSFTConfig)))
    for key in ("output_dir", "seed", "data_seed", "mixture_seed"):
        if key in given:
            raise InputError(f"base: {bases.recipe} has '{key}', which the experiment gives; leave it out")
    if not given.get("model_name_or_path"):
        raise InputError(f"base: {bases.recipe} names no model_name_or_path, which the bases begin with; give it")
    made = []
    for seed in bases.seeds:
        recipe = {**_filled(given, seed), "seed": seed, "data_seed": seed, "mixture_seed": seed}
        key = digest(recipe)
        folder = design.output_dir / "bases" / f"{seed}-{key[:16]}"
        made.append(PlannedBase(str(seed), str(folder), {**recipe, "output_dir": str(folder)}, key))
    return made


def _filled(given: Any, seed: int) -> Any:
    """A recipe with the seed in its texts."""
    if isinstance(given, dict):
        return {key: _filled(value, seed) for key, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, seed) for value in given]
    return given.replace(_SEED, str(seed)) if isinstance(given, str) else given


def train_bases(bases: Sequence[PlannedBase], *, jobs: int, threads: int, show: Callable[[str], Any]) -> list[Base]:
    """Train the bases that are not there, and hash all.

    Args:
        bases (`Sequence[PlannedBase]`): The bases.
        jobs (`int`): How many at a time.
        threads (`int`): Threads of each.
        show (`Callable[[str], Any]`): Told of each that is done.
    """
    for base, _ in side_by_side(_train, [base for base in bases if not base.is_done], jobs=jobs, threads=threads):
        show(f"base {base.name}: trained, {base.path}")
    return [Base(base.name, base.path, weights_hash(base.path)) for base in bases]


def _train(base: PlannedBase) -> None:
    folder = Path(base.path)
    folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder.with_name(f"{folder.name}.lock")), logged(folder.with_name(f"{folder.name}.txt")):
        if base.is_done:
            return
        how = ("--resume_from_checkpoint", "--overwrite_output_dir")[not checkpoints_in(folder)]
        recipe, config = parse_recipe(base.recipe or {}, [how, "true"])
        fine_tune(recipe, config)
        if config.process_index == 0:
            for checkpoint in checkpoints_in(folder):
                shutil.rmtree(checkpoint)
            write_whole(folder / DONE, base.key)
        config.distributed_state.wait_for_everyone()


def pass_gate(
    gate: Gate, bases: Sequence[Base], folder: Path, *, recipe: Mapping[str, Any], jobs: int, threads: int
) -> dict[str, dict[str, float]]:
    """Ask each base what it must be able to do.

    Args:
        gate ([`~t2vid_hf.experiments.comparisons.Gate`]): What that is.
        bases (`Sequence[Base]`): The bases.
        folder (`Path`): Where what they can do is kept.
        recipe (`Mapping[str, Any]`): The training recipe: how models are loaded and videos are taken.
        jobs (`int`): How many are asked at a time.
        threads (`int`): Threads of each.

    Returns:
        `dict[str, dict[str, float]]`: for each base's name what it scores, by the values of the gate's column.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one is below the gate.
    """
    ask = partial(_ask, gate=gate, folder=folder, recipe=recipe)
    told = {base.name: scores for base, scores in side_by_side(ask, bases, jobs=min(jobs, len(bases)), threads=threads)}
    for name, scores in told.items():
        below = {kind: score for kind, score in scores.items() if score < gate.at_least}
        if below:
            listed = ", ".join(f"{kind} {score:.0%}" for kind, score in sorted(below.items()))
            raise InputError(f"gate: base {name} has {gate.score} below {gate.at_least:.0%} on {listed}; take a better "
                             f"base, or leave these questions out of the experiment")  # fmt: skip
    return {base.name: told[base.name] for base in bases}


def _ask(base: Base, *, gate: Gate, folder: Path, recipe: Mapping[str, Any]) -> dict[str, float]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"gate-{digest([asdict(gate), base.weights, dict(recipe)])[:16]}.json"
    if file.is_file():
        return json.loads(file.read_text("utf-8"))
    recipe_, config = parse_recipe(recipe, ["--model_name_or_path", base.path, "--output_dir", str(folder / "gate")])
    questions = read_option_questions(gate.path, gate.name, gate.split)
    with logged(folder / "gate.txt"):
        model, processor, adapter = load_checkpoint(base.path, dtype=recipe_.dtype, attn_implementation="sdpa")
        model.to(config.device)
        set_up(processor, adapter, config)
        encoder = RowEncoder(processor, adapter, policy=config.video_policy())
        scores = option_scores(model, EncodedQuestions(questions, encoder))
    by: dict[str, list[bool]] = {}
    for question, score in zip(questions, scores, strict=True):
        if gate.by is not None and gate.by not in question.columns:
            raise unknown("column of the gate's questions", gate.by, question.columns)
        kind = "all" if gate.by is None else str(question.columns[gate.by])
        by.setdefault(kind, []).append(bool(answer_line(question, score)[gate.score]))
    told = {kind: sum(each) / len(each) for kind, each in by.items()}
    write_whole(file, json.dumps(told, indent=1) + "\n")
    return told
