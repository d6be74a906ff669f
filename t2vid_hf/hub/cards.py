"""Cards of checkpoints and data sets, from Jinja templates and what was recorded. No number is typed in by hand.

The snippets of a card name the tag of its release, so that they work as long as it is there, whatever `main` becomes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import (
    DatasetCard,
    DatasetCardData,
    EvalResultEntry,
    ModelCard,
    ModelCardData,
    eval_result_entries_to_yaml,
)
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from t2vid_hf._packaged import packaged
from t2vid_hf.errors import InputError
from t2vid_hf.hub.card_file import write_card
from t2vid_hf.hub.card_pictures import draw_pictures
from t2vid_hf.hub.checkpoint_facts import base_of, is_adapter, read_run, read_scores
from t2vid_hf.hub.dataset_facts import check_licenses, dataset_facts, default_config
from t2vid_hf.hub.eval_results import model_index, result_entries

# Jinja templates, in model_cards/
DATASET_CARD, MODEL_CARD = "dataset_card.md.jinja", "model_card.md.jinja"
EVAL_RESULTS = ".eval_results/t2vid_hf.yaml"
# Families that transformers has no class for, so that a reader has to register them.
REGISTERED = ("minicpmv",)


def write_model_card(
    folder: Path,
    *,
    name: str | None = None,
    title: str | None = None,
    tag: str | None = None,
    datasets: Mapping[str, str | None] | None = None,
    scores: Path | None = None,
    eval_results: Sequence[EvalResultEntry] = (),
    license: str | None = None,
    base_model: str | None = None,
    base_revision: str | None = None,
    tags: Sequence[str] = (),
) -> None:
    """Write `README.md` of a checkpoint or an adapter, from the `run.json` beside its weights.

    Args:
        folder (`Path`): The folder that holds the weights.
        name (`str`, *optional*): The repository on the Hub, `"user/name"`; `None` takes the folder's path.
        title (`str`, *optional*): The card's title; `None` takes the name.
        tag (`str`, *optional*): The release's tag, which the snippets name; `None` names none.
        datasets (`Mapping[str, str | None]`, *optional*): Data sets of the release, name on the Hub -> tag, beside
            those of the mixture that are on the Hub.
        scores (`Path`, *optional*): What `t2vid evaluate` wrote about it; `None` takes `scores.json` of the folder,
            where it is of these weights.
        eval_results (`Sequence[EvalResultEntry]`, *optional*, defaults to `()`): Results on the Hub's benchmarks, for
            `.eval_results/t2vid_hf.yaml`, which is written anew, or deleted where there are none; where none are given,
            those of the scores on a benchmark that the Hub registers.
        license (`str`, *optional*): The checkpoint's licence; `None` states none, because it is not ours to say.
        base_model (`str`, *optional*): The base's name on the Hub; `None` takes what the run recorded. An adapter's
            `adapter_config.json` is made to name it, too.
        base_revision (`str`, *optional*): The base's revision, with `base_model`.
        tags (`Sequence[str]`, *optional*, defaults to `()`): Tags of the metadata beside the card's own.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a file is missing, a fact is not of these weights, or an adapter is published
            whose base is not on the Hub.
    """
    run, adapter, merged = read_run(folder), is_adapter(folder), None
    if not adapter:
        merged = run.get("merged")
    base, found = base_of(folder, run, base_model, base_revision), read_scores(folder, scores)
    if adapter and name is not None and not base.on_hub:
        raise InputError(
            f"{folder} is an adapter of a base that is not on the Hub, so that nobody could load it: publish the base "
            f"and give its name there (--base_model of `t2vid push`), or merge both with `t2vid merge`"
        )
    of_mixture = {part["dataset"]: part["revision"] for part in run["mixture"] if part.get("dataset")}
    data_sets = {**(datasets or {}), **of_mixture}  # those of the mixture at the revision that was trained on
    relation: dict[str, Any] = {"base_model_relation": _relation(adapter, merged)} if base.on_hub else {}
    data = ModelCardData(
        license=license,
        base_model=base.name if base.on_hub else None,
        datasets=list(data_sets) or None,
        library_name="peft" if adapter else "transformers",
        pipeline_tag="image-text-to-text",
        tags=["t2vid", "video", "sft", "trl", *(["lora"] if adapter else []), *tags],
        model_name=name or folder.name,
        eval_results=model_index(found),
        **relation,
    )
    if data.eval_results is None:
        data.model_name = None  # it is for the model-index alone
    way = run["video_ways"][0]
    card = _render(
        MODEL_CARD,
        card_data=data.to_yaml(),
        title=title or name or folder.name,
        repo=name or str(folder),
        tag=tag,
        run=run,
        adapter=adapter,
        merged=merged,
        base=base.name,
        base_revision=base.revision,
        base_told=base.told(),
        registers=run["model_type"] in REGISTERED,
        way=way,
        given=way["told"],
        most=way["most"],
        sampling=_sampling(way, run["frame_px"]),
        datasets=data_sets,
        mixture=[{**part, "part": _short(part["part"])} for part in run["mixture"]],
        time=_told_time(run["seconds"]),
        scores=found,
        asked=_asked(found),
        license=license,
    )
    write_card(folder, card, ModelCard)
    _write_eval_results(folder, [*eval_results] or result_entries(found))


def write_dataset_card(
    folder: Path, *, name: str | None = None, tag: str | None = None, accept_license: bool = False
) -> None:
    """Write `README.md` of a data set's repository, from the stats of its configs.

    The metadata names each config and its files: `load_dataset(repository, config)` needs it.

    Args:
        folder (`Path`): The data set's folder, with at least one config (see
            [`~t2vid_hf.data.repository.write_config`]).
        name (`str`, *optional*): The repository on the Hub, `"user/name"`; `None` takes the folder's path.
        tag (`str`, *optional*): The release's tag, which the snippets name; `None` names none.
        accept_license (`bool`, *optional*, defaults to `False`): Whether to publish what is licensed for
            non-commercial use alone; the card says so.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no config in the folder, or a licence must be accepted.
    """
    facts = dataset_facts(folder)
    if name is not None:
        check_licenses(facts, accept_license=accept_license)
    licenses = sorted({license for config in facts.values() for license in config["licenses"]})
    default = default_config(facts)
    pictures, left_out = draw_pictures(folder, facts)
    data = DatasetCardData(
        license=licenses[0] if len(licenses) == 1 else licenses,
        task_categories=["video-text-to-text", "image-text-to-text"],
        tags=["t2vid", "synthetic", "video", "long-text"],
        configs=[
            {
                "config_name": config,
                "data_files": [{"split": split, "path": f"{config}/{split}-*.parquet"} for split in stats["rows"]],
                **({"default": True} if config == default else {}),
            }
            for config, stats in facts.items()
        ],
    )
    card = _render(
        DATASET_CARD,
        card_data=data.to_yaml(),
        configs=facts,
        pictures=pictures,
        left_out=left_out,
        title=name or folder.name,
        repo=name or str(folder),
        tag=tag,
    )
    write_card(folder, card, DatasetCard)


def _render(template: str, **facts: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(packaged("model_cards")), undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["cell"] = _cell
    return environment.get_template(template).render(**facts)


def _cell(value: Any) -> str:
    """A value as a cell of a table: names are as people give them, and a bar or a new line would end the cell."""
    return " ".join(str(value).replace("|", "\\|").split())


def _write_eval_results(folder: Path, entries: Sequence[EvalResultEntry]) -> None:
    path = folder / EVAL_RESULTS
    path.unlink(missing_ok=True)
    if entries:
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(eval_result_entries_to_yaml(list(entries)), sort_keys=False), encoding="utf-8")


def _relation(adapter: bool, merged: Any) -> str:
    """What the Hub calls the relation to the base."""
    if adapter:
        return "adapter"
    return "merge" if merged else "finetune"


def _sampling(way: Mapping[str, Any], frame_px: int | None) -> str:
    """Further arguments of `read_frames` that give a clip as it was given in training."""
    by_rate = f', sampling="fps", fps={way["fps"]:g}' if way["fps"] else ""
    return by_rate + (f", size=({frame_px}, {frame_px})" if frame_px else "")


def _asked(scores: Mapping[str, Any] | None) -> str | None:
    """How a clip was given in the benchmark."""
    if scores is None or not isinstance(scores.get("video"), Mapping):
        return None
    told: str | None = scores["video"].get(scores["models"][0]["name"], {}).get("told")
    return told


def _short(part: str) -> str:
    """A part's label, without the folders above a data set that is here."""
    path, colon, config = part.partition(":")
    return f"{Path(path).name}{colon}{config}" if Path(path).is_absolute() or path.count("/") > 1 else part


def _told_time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:.1f} hours"
