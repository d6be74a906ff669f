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


def asked_with(
    model: Any, processor: Any, items: Sequence[Item], policy: VideoPolicy, fed: Mapping[str, Fed]
) -> dict[str, Any]:
    """The settings of a model's answers, as plain values.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model.
        processor ([`~transformers.ProcessorMixin`]): Its processor; it is set, in place, to one block of tokens a page.
        items (`Sequence[Item]`): The questions, at least one.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
        fed (`Mapping[str, Fed]`): What is shown for each question, by its name; empty where that is not known.
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
        "media_fed": _hash([(name, shown.record()) for name, shown in fed.items()]) if fed else None,
        "prompts": _hash([(item.id, item.row["messages"]) for item in items]),
        "chat_template": _hash(processor.chat_template),
        "extractor": {"name": NAME, "version": extractor_version()},
    }


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]
