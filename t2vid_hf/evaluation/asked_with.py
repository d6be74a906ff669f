"""What a model was asked with, besides its weights: two results whose lists differ are of two experiments."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.evaluation.fed_media import Fed
from t2vid_hf.evaluation.item import Item
from t2vid_hf.metrics.extractor import NAME, extractor_version
from t2vid_hf.models import adapter_for

_OF_A_COPY = ("_name_or_path", "transformers_version")  # where a model lies, and who wrote its file


def asked_with(
    model: Any,
    processor: Any,
    items: Sequence[Item],
    policy: VideoPolicy,
    *,
    fed: Mapping[str, Fed],
    media: Mapping[str, str],
) -> dict[str, Any]:
    """The settings of a model's answers, as plain values.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model.
        processor ([`~transformers.ProcessorMixin`]): Its processor; it is set, in place, to one block of tokens a page.
        items (`Sequence[Item]`): The questions, at least one.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
        fed (`Mapping[str, Fed]`): What is shown for each question, by its name; empty where that is not known.
        media (`Mapping[str, str]`): For each question a digest of what is shown.
    """
    adapter = adapter_for(model.config.model_type)
    adapter.configure(processor)
    first = RowEncoder(processor, adapter, policy=policy).prompt(items[0].row)
    runs = first.pixels if isinstance(first.pixels, list) else [first.pixels]
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "attention": model.config._attn_implementation,
        "frames": {**asdict(policy), "told": str(policy)},
        # what the processor made of the first question, to be compared with what another toolkit made of it
        "first_question": {
            "tokens": len(first),
            "pixels": [list(run.shape) for run in runs if len(run)] + [list(video.shape) for video in first.videos],
        },
        **questions_asked(items, fed=fed, media=media, chat_template=processor.chat_template),
    }


def questions_asked(
    items: Sequence[Item], *, fed: Mapping[str, Fed], media: Mapping[str, str], chat_template: str | None = None
) -> dict[str, Any]:
    """The part of the settings that does not depend on who is asked.

    Args:
        items (`Sequence[Item]`): The questions.
        fed (`Mapping[str, Fed]`): What is shown for each question, by its name; empty where that is not known.
        media (`Mapping[str, str]`): For each question a digest of what is shown.
        chat_template (`str`, *optional*): What makes a text of them; `None` where that is not known.
    """
    return {
        "media_fed": _hash([list(media.items()), [(name, shown.record()) for name, shown in fed.items()]]),
        "prompts": _hash([(item.id, prompt_hash(item)) for item in items]),
        "chat_template": None if chat_template is None else _hash(chat_template),
        "extractor": {"name": NAME, "version": extractor_version()},
    }


def depends_on(model: Any, asked: Mapping[str, Any], *, weights: str, max_new_tokens: int) -> dict[str, Any]:
    """What every reply of a model depends on, whichever the question.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model.
        asked (`Mapping[str, Any]`): What [`asked_with`] gives.
        weights (`str`): What [`~t2vid_hf.models.weights_hash.weights_hash`] gives.
        max_new_tokens (`int`): The most tokens of a reply.

    Returns:
        `dict[str, Any]`: plain values.
    """
    return {
        "weights": weights,
        "config": _without_place(model.config.to_dict()),
        "generation_config": _without_place(model.generation_config.to_dict()),
        **{key: asked[key] for key in ("dtype", "attention", "frames", "chat_template")},
        "max_new_tokens": max_new_tokens,
    }


def prompt_hash(item: Item) -> str:
    """A hash of what a question says, and of the part of its video that it is about.

    Args:
        item ([`~t2vid_hf.evaluation.item.Item`]): The question.
    """
    return _hash([item.row["messages"], item.row.get("take_span")])


def _without_place(config: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_place(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in _OF_A_COPY
    }


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()[:16]
