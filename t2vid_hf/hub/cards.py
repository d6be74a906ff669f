"""Cards of data sets and checkpoints, from Jinja templates and what the run recorded. No number is typed in by hand."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCard, DatasetCardData, ModelCard, ModelCardData

from t2vid_hf._packaged import packaged
from t2vid_hf.data.repository import configs
from t2vid_hf.errors import InputError

# Jinja templates, in model_cards/
DATASET_CARD, MODEL_CARD = "dataset_card.md.jinja", "model_card.md.jinja"


def write_dataset_card(repository: Path, *, name: str | None = None) -> None:
    """Write `README.md` of a data set's repository, from the stats of its configs.

    The metadata names each config and its files: `load_dataset(repository, config)` needs it.

    Args:
        repository (`Path`): The data set's folder, with at least one config (see
            [`~t2vid_hf.data.repository.write_config`]).
        name (`str`, *optional*): The data set's name on the Hub, `"user/name"`; `None` takes the folder's path.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no config in the folder.
    """
    stats = configs(repository)
    if not stats:
        raise InputError(f"{repository}: no such file or no config in it; build one with `t2vid build` first")
    licenses = sorted({item["license"] for item in stats.values()})
    data = DatasetCardData(
        license=licenses[0] if len(licenses) == 1 else licenses,
        task_categories=["video-text-to-text", "image-text-to-text"],
        tags=["t2vid", "synthetic", "video", "long-text"],
        configs=[
            {
                "config_name": name,
                "data_files": [{"split": split, "path": f"{name}/{split}-*.parquet"} for split in item["rows"]],
                **({"default": True} if len(stats) == 1 or item["kind"] == "synthetic" else {}),
            }
            for name, item in stats.items()
        ],
    )
    card = DatasetCard.from_template(
        data, template_path=str(packaged("model_cards") / DATASET_CARD), configs=stats, name=name or str(repository)
    )
    (repository / "README.md").write_text(str(card), encoding="utf-8")


def write_model_card(checkpoint: Path, *, facts: Mapping[str, Any], name: str | None = None) -> None:
    """Write `README.md` of a checkpoint.

    Args:
        checkpoint (`Path`): The folder that holds the weights.
        facts (`Mapping[str, Any]`): What [`run_facts`] gives.
        name (`str`, *optional*): The checkpoint's name on the Hub, `"user/name"`; `None` takes the folder's path.
    """
    on_hub = not Path(facts["base_model"]).exists()
    data = ModelCardData(
        base_model=facts["base_model"] if on_hub else None,
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        tags=["t2vid", "video", "sft", "trl"],
    )
    card = ModelCard.from_template(
        data,
        template_path=str(packaged("model_cards") / MODEL_CARD),
        name=name or str(checkpoint),
        on_hub=on_hub,
        **facts,
    )
    (checkpoint / "README.md").write_text(str(card), encoding="utf-8")


def run_facts(checkpoint: Path, scores: Path) -> dict[str, Any]:
    """What a run recorded, for its card.

    Args:
        checkpoint (`Path`): The folder that `t2vid train` wrote: `run.json` and `trainer_state.json`.
        scores (`Path`): What `t2vid evaluate` wrote about it.

    Returns:
        `dict`: "base_model", "parameters", "mixture", "training" (settings and steps), "video" (how a clip is given),
            "scores", "versions".

    Raises:
        [`~t2vid_hf.errors.InputError`]: one of the files is missing.
    """
    made_from, state = _read_json(checkpoint / "run.json"), _read_json(checkpoint / "trainer_state.json")
    return {
        "base_model": made_from["base_model"],
        "parameters": made_from["parameters"],
        "mixture": made_from["mixture"],
        "training": {**made_from["settings"], "steps": state["global_step"]},
        "video": made_from["video"],
        "scores": _read_json(scores),
        "versions": made_from["versions"],
    }


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file; run `t2vid train` and `t2vid evaluate` first")
    return json.loads(path.read_text("utf-8"))
