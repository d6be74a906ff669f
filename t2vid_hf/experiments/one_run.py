"""One run of an experiment: train, score, write down; whatever was done before it was killed is not done again.

Answers are written whole, and `run.json` behind them, so that a run is done where that file is. Training that has
ended is noted before the scores; training that was killed goes on from its last checkpoint where the recipe saves some,
and else begins anew.
"""

import gc
import json
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.data.repository import read_split
from t2vid_hf.evaluation.option_questions import OptionQuestion, read_option_questions
from t2vid_hf.evaluation.option_scores import EncodedQuestions, option_scores
from t2vid_hf.evaluation.resuming import write_whole
from t2vid_hf.experiments.planned_runs import PlannedRun
from t2vid_hf.experiments.run_answers import answer_line, of_all_ranks, share_right
from t2vid_hf.experiments.run_process import logged, one_at_a_time
from t2vid_hf.mixtures.mixing import Mixture, fetched
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.training.arguments import RecipeArguments, parse
from t2vid_hf.training.checkpoints import checkpoints_in
from t2vid_hf.training.fine_tuning import fine_tune
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.video_setup import set_up

RECORD, ANSWERS, LOG, CHECKPOINT = "run.json", "answers.jsonl", "log.txt", "checkpoint"
_TRAINED = "trained.json"


@dataclass(frozen=True)
class Setting:
    """What all runs of an experiment have in common.

    Args:
        recipe (`Mapping[str, Any]`): The training recipe, with what is set in place of its own.
        test (`tuple`): What [`~t2vid_hf.evaluation.option_questions.read_option_questions`] takes.
        at_most (`int` or `None`): How many questions are asked.
        keep_checkpoints (`bool`): Whether weights stay.
    """

    recipe: Mapping[str, Any]
    test: tuple[str, str | None, str]
    at_most: int | None
    keep_checkpoints: bool


def parse_recipe(recipe: Mapping[str, Any], options: Sequence[str]) -> tuple[RecipeArguments, T2VidSFTConfig]:
    """A recipe that is a mapping, with options that win over it; see [`~t2vid_hf.training.arguments.parse`].

    Args:
        recipe (`Mapping[str, Any]`): The settings.
        options (`Sequence[str]`): A command line.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.yaml"
        file.write_text(yaml.safe_dump(dict(recipe)), encoding="utf-8")
        return parse(["--config", str(file), *options])


@cache
def _rows(path: str, name: str | None, split: str, revision: str | None) -> Any:
    return read_split(path, name, split, revision=revision)


@cache
def questions_of(test: tuple[str, str | None, str], at_most: int | None) -> tuple[OptionQuestion, ...]:
    """The questions of a test set, read once in a process.

    Args:
        test (`tuple`): Path, config and split.
        at_most (`int` or `None`): How many, spread over it; `None` for all.
    """
    found = read_option_questions(*test)
    return tuple(found if at_most is None else found[:: max(1, len(found) // at_most)][:at_most])


def is_done(run: PlannedRun) -> bool:
    """Whether a run has been done, under its key."""
    return read_record(run.folder).get("key") == run.key


def read_record(folder: Path) -> dict[str, Any]:
    """What a run has written at its end; empty where it has not come to it.

    Args:
        folder (`Path`): The run's.
    """
    file = folder / RECORD
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


def conduct(run: PlannedRun, setting: Setting) -> dict[str, Any]:
    """Do a run, if it is not done.

    Args:
        run ([`~t2vid_hf.experiments.planned_runs.PlannedRun`]): The run.
        setting ([`Setting`]): What it has in common with the others.

    Returns:
        `dict[str, Any]`: its record.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it cannot be trained or scored; its log says how far it came.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(run.folder / ".lock"), logged(run.folder / LOG):
        if not is_done(run):
            began = time.perf_counter()
            recipe, config, trained = _train(run, setting)
            _score(run, setting, recipe, config, {**trained, "began": began})
        return read_record(run.folder)


def _train(run: PlannedRun, setting: Setting) -> tuple[RecipeArguments, T2VidSFTConfig, dict[str, Any]]:
    """Train, unless that is done; the recipe as it names the model that is to be scored."""
    folder = run.folder / CHECKPOINT
    options = ["--model_name_or_path", run.base.path, "--output_dir", str(folder), *run.options]
    done = run.folder / _TRAINED
    if run.seed is not None and not done.is_file():
        goes_on = bool(checkpoints_in(folder))
        how = ("--resume_from_checkpoint", "true") if goes_on else ("--overwrite_output_dir", "true")
        recipe, config = parse_recipe(setting.recipe, [*options, *how])
        sources = tuple((part, _rows(part.path, part.name, part.split, part.revision)) for part in run.rows.parts)
        mixture = Mixture(fetched(sources, run.rows.picks), run.rows.picks, run.rows.counts)
        began = time.perf_counter()
        fine_tune(recipe, config, mixture=mixture, prices=run.rows.prices)
        gc.collect()  # a trainer is a ring, and its weights would stand beside those that are scored
        if config.process_index == 0:
            trained = json.loads((folder / RECORD).read_text("utf-8"))
            facts = {"train_seconds": trained["seconds"], "fine_tune_seconds": round(time.perf_counter() - began, 3)}
            write_whole(done, json.dumps(facts))
        config.distributed_state.wait_for_everyone()
    model = run.base.path if run.seed is None else str(folder)
    recipe, config = parse_recipe(setting.recipe, [*options, "--model_name_or_path", model])
    return recipe, config, json.loads(done.read_text("utf-8")) if done.is_file() else {}


def _score(
    run: PlannedRun, setting: Setting, recipe: RecipeArguments, config: T2VidSFTConfig, trained: Mapping[str, Any]
) -> None:
    """Ask, write answers and the record, and take the weights away."""
    began = time.perf_counter()
    model, processor, adapter = load_checkpoint(
        recipe.model_name_or_path, lora=True, dtype=recipe.dtype, attn_implementation="sdpa"
    )
    model.to(config.device)
    set_up(processor, adapter, config)
    questions = questions_of(setting.test, setting.at_most)
    mine = questions[config.process_index :: config.world_size]
    asked = encoded_once(run.base.path, mine, lambda: RowEncoder(processor, adapter, policy=config.video_policy()))
    loaded = time.perf_counter()
    scores = option_scores(model, asked)
    ended = time.perf_counter()
    lines = of_all_ranks(
        [answer_line(question, score) for question, score in zip(mine, scores, strict=True)], run.folder, config
    )
    if config.process_index:
        return
    record = {
        "key": run.key, "arm": run.arm, "base": run.base.name, "base_weights": run.base.weights, "seed": run.seed,
        "rows": len(run.rows.picks), "tokens": run.rows.tokens, "steps": run.steps, "options": list(run.options),
        "questions": len(lines), **{name: share_right(lines, name) for name in ("choice", "exact")},
        "train_seconds": trained.get("train_seconds", 0.0), "fine_tune_seconds": trained.get("fine_tune_seconds", 0.0),
        "load_seconds": round(loaded - began, 3), "score_seconds": round(ended - loaded, 3),
        "seconds": round(time.perf_counter() - trained["began"], 3),
    }  # fmt: skip
    write_whole(run.folder / ANSWERS, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    write_whole(run.folder / RECORD, json.dumps(record, indent=1) + "\n")
    if not setting.keep_checkpoints:
        shutil.rmtree(run.folder / CHECKPOINT, ignore_errors=True)


_ENCODED: dict[str, EncodedQuestions] = {}


def encoded_once(base: str, questions: Sequence[OptionQuestion], make: Any) -> EncodedQuestions:
    """The questions as a base's processor encodes them, which no fine-tuning changes; one base's at a time.

    Args:
        base (`str`): The base.
        questions (`Sequence[OptionQuestion]`): The questions.
        make (`Callable[[], RowEncoder]`): What makes the encoder.
    """
    if base not in _ENCODED:
        _ENCODED.clear()
        _ENCODED[base] = EncodedQuestions(questions, make())
    return _ENCODED[base]
