"""What is true of a checkpoint and may stand in its card: read from the files beside its weights, and checked.

A card is believed, so what does not belong to these weights is refused: scores of other weights, the record of another
run, an adapter whose base nobody else has. Nothing is guessed, the licence neither: it is told, or it is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.scoring import Score
from t2vid_hf.models.weights_hash import weights_hash

RUN, SCORES, ADAPTER, CONFIG = "run.json", "scores.json", "adapter_config.json", "config.json"


@dataclass(frozen=True)
class Base:
    """The model that a checkpoint was trained from.

    Args:
        name (`str` or `None`): Its folder, or its name on the Hub; `None` for a new model.
        revision (`str` or `None`): Its revision on the Hub.
        on_hub (`bool`): Whether it is a name on the Hub.
    """

    name: str | None
    revision: str | None
    on_hub: bool

    def told(self) -> str:
        """What it is, in Markdown; of a path only the folder's name, which is all that another reader can use."""
        if self.name is None:
            return "a new model"
        if not self.on_hub:
            return f"a local checkpoint (`{Path(self.name).name}`, not on the Hub)"
        return f"[{self.name}](https://huggingface.co/{self.name})"


def read_run(folder: Path) -> dict[str, Any]:
    """What a run recorded beside its weights.

    Args:
        folder (`Path`): The checkpoint's folder.

    Returns:
        `dict[str, Any]`: `run.json`; see [`~t2vid_hf.training.run_facts.RunFacts.write`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not there, was written by an older version, or is of another run.
    """
    run: dict[str, Any] = read_json(folder / RUN, "a checkpoint of `t2vid train` or of T2VidSFTTrainer has one")
    if "video_ways" not in run:
        raise InputError(f"{folder / RUN} was written by an older t2vid_hf, and lacks what a card says: train again")
    if run["adapter"] != is_adapter(folder) and "merged" not in run:
        kinds = ("an adapter", "a whole model")
        of, are = kinds if run["adapter"] else reversed(kinds)
        raise InputError(f"{folder / RUN} is of {of}, and the weights beside it are {are}: they are of two runs")
    return run


def is_trained_on(folder: Path, data: Path) -> bool:
    """Whether a checkpoint's run names a folder of data as a part of its mixture.

    Args:
        folder (`Path`): The checkpoint's folder.
        data (`Path`): The data set's folder.
    """
    parts = [part["part"] for part in read_run(folder)["mixture"]]
    named = {Path(place).resolve() for part in parts for place in (part, part.rpartition(":")[0]) if place}
    return data.resolve() in named


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no whole model."""
    return (folder / ADAPTER).is_file() and not (folder / CONFIG).is_file()


def base_of(folder: Path, run: Mapping[str, Any], name: str | None, revision: str | None) -> Base:
    """The base model, as the card names it.

    Args:
        folder (`Path`): The checkpoint's folder. An adapter is made to name the base that is given.
        run (`Mapping[str, Any]`): What [`read_run`] gives.
        name (`str` or `None`): The base's name on the Hub, in place of what the run recorded.
        revision (`str` or `None`): Its revision, with `name`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a revision without a name.
    """
    if name is None and revision is not None:
        raise InputError(f"base_revision {revision} is of no base_model: give both, or neither")
    if name is None:
        return Base(run["base_model"], run["base_revision"], run["base_on_hub"])
    if is_adapter(folder):
        config = read_json(folder / ADAPTER)
        named = {**config, "base_model_name_or_path": name, "revision": revision}
        (folder / ADAPTER).write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")
    return Base(name, revision, True)


def read_scores(folder: Path, given: Path | None) -> dict[str, Any] | None:
    """The scores of a checkpoint's weights, and of what was asked beside it.

    Args:
        folder (`Path`): The checkpoint's folder.
        given (`Path` or `None`): What `t2vid evaluate` wrote; `None` takes `scores.json` of the folder, where it is of
            these weights, and else says that it is left out.

    Returns:
        `dict[str, Any]` or `None`: the file's content, each model with "own", whether it is this one; own ones first.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the scores that are given are of other weights.
    """
    path = folder / SCORES if given is None else given
    if given is None and not path.is_file():
        return None
    scores: dict[str, Any] = read_json(path, "run `t2vid evaluate` first")
    try:
        models = [(model["name"], model.get("weights"), model) for model in scores["models"]]
        _check_scores(scores)
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path} is not what `t2vid evaluate` writes: it has no scores of models") from None
    own = weights_hash(folder)
    if own not in [weights for _, weights, _ in models]:
        names = ", ".join(f"'{name}'" for name, _, _ in models)
        told = f"{path}: its scores are of other weights than those in {folder} ({names})"
        if given is not None:
            raise InputError(f"{told}; ask these with `t2vid evaluate`, or leave the scores out")
        print(f"{told}; they are left out of the card")
        return None
    marked = [{**model, "own": weights == own} for _, weights, model in models]
    return {**scores, "models": sorted(marked, key=lambda model: not model["own"])}


def _check_scores(scores: Mapping[str, Any]) -> None:
    """That everything is there that a card says, and numbers are numbers; what is not raises as Python does."""
    numbers = [scores["questions"], scores["chance"]]
    for model in scores["models"]:
        groups = {score.group: score for score in (Score(**score) for score in model["scores"])}
        numbers += [found["headline"]["value"] for found in model.get("headlines", {}).values()]
        for score in (groups["all"], *groups.values()):
            numbers += [score.n, score.clusters, score.accuracy, score.low, score.high, score.no_answer]
    if not all(isinstance(number, int | float) for number in numbers):
        raise TypeError


def read_json(path: Path, hint: str = "") -> Any:
    """The content of a file of JSON.

    Args:
        path (`Path`): The file.
        hint (`str`, *optional*, defaults to `""`): What to do where it is not there.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not there, or is no JSON.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file{'; ' * bool(hint)}{hint}")
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); it was damaged or written by hand") from None
