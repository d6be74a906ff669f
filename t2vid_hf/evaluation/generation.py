"""Ask a model questions about videos: greedy, so that a score is the same in every run."""

from collections.abc import Sequence
from typing import Any

import torch
from tqdm import tqdm

from t2vid_hf.data.inputs import image_inputs
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import Row


def answer(
    model: Any,
    processor: Any,
    rows: Sequence[Row],
    *,
    num_frames: int,
    max_new_tokens: int = 32,
    batch_size: int = 8,
    progress: str | None = None,
) -> list[str]:
    """Replies to rows that end in a user turn.

    Args:
        model ([`~transformers.PreTrainedModel`]): Left where it is, in evaluation mode.
        processor ([`~transformers.ProcessorMixin`]): Set, in place, to one block of tokens a page.
        rows (`Sequence[Row]`): Videos and questions.
        num_frames (`int`): Frames taken of each video.
        max_new_tokens (`int`): Longest reply. The paper: 32 for Idefics3, 128 for MiniCPM-V.
        batch_size (`int`): Rows at a time; the replies do not depend on it beyond float noise.
        progress (`str`, *optional*): Name of the progress bar; none by default.

    Returns:
        `list[str]`: one reply a row, without special tokens.
    """
    adapter_for(model.config.model_type).configure(processor)
    model.eval()
    replies: list[str] = []
    starts = range(0, len(rows), batch_size)
    for start in tqdm(starts, progress, unit=" batches", delay=1, disable=progress is None):
        inputs = [image_inputs(row, num_frames=num_frames) for row in rows[start : start + batch_size]]
        images = [row_images for _, row_images in inputs]
        batch = processor(
            text=[
                processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
                for messages, _ in inputs
            ],
            images=images if any(images) else None,
            add_special_tokens=False,
            padding=True,
            padding_side="left",  # the reply begins right behind the prompt
            return_tensors="pt",
        ).to(model.device, model.dtype)
        with torch.inference_mode():
            tokens = model.generate(**batch, max_new_tokens=max_new_tokens, do_sample=False)
        new = tokens[:, batch["input_ids"].shape[1] :]
        replies += [reply.strip() for reply in processor.batch_decode(new, skip_special_tokens=True)]
    return replies
