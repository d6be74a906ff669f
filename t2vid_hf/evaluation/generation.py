"""Ask a model questions about videos: greedy, so that a score is the same in every run."""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from tqdm import tqdm

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.padding import padded_inputs
from t2vid_hf.batches.pixels import model_pixels, normalisation_table, pixel_tensors
from t2vid_hf.batches.video_policy import VideoPolicy, trained_policy
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import Row


def answer(
    model: Any,
    processor: Any,
    rows: Sequence[Row],
    *,
    num_frames: int | None = None,
    policy: VideoPolicy | None = None,
    max_new_tokens: int = 32,
    batch_size: int = 8,
    progress: str | None = None,
) -> list[str]:
    """Replies to rows that end in a user turn.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model, left where it is, in evaluation mode.
        processor ([`~transformers.ProcessorMixin`]): The model's processor; it is set, in place, to one block of tokens
            a page.
        rows (`Sequence[Row]`): Videos and questions.
        num_frames (`int`, *optional*): Frames taken of each video, where the row has no `take_frames` of its own;
            `None` takes as many as the checkpoint was trained with.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`], *optional*): How videos are taken; `None` takes them as
            the checkpoint was trained, but for `num_frames`, which it goes without.
        max_new_tokens (`int`, *optional*, defaults to `32`): The most tokens of a reply. The paper: 32 for Idefics3,
            128 for MiniCPM-V.
        batch_size (`int`, *optional*, defaults to `8`): Rows at a time; the replies do not depend on it beyond float
            noise.
        progress (`str`, *optional*): The name of a progress bar; `None` shows none.

    Returns:
        `list[str]`: one reply a row, without special tokens.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the model's family is unknown, or a row cannot be encoded.

    Example:

    ```python
    >>> import tempfile
    >>> from transformers import AutoModelForImageTextToText, AutoProcessor
    >>> from t2vid_hf.evaluation.generation import answer
    >>> from t2vid_hf.models import tiny
    >>> from t2vid_hf.schema import conversation
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["What is it? A clock."])
    >>> model = AutoModelForImageTextToText.from_pretrained(folder)
    >>> row = {"id": "a", "source": "s", "media": "text", "messages": conversation([], "What is it?", "A clock.")[:1],
    ...        "images": [], "videos": [], "num_frames": 0}
    >>> len(answer(model, AutoProcessor.from_pretrained(folder), [row], num_frames=8, max_new_tokens=2))
    1

    ```
    """
    adapter = adapter_for(model.config.model_type)
    adapter.configure(processor)
    adapter.configure_model(model.config)
    if policy is None:
        policy, num_frames = trained_policy(processor, adapter, num_frames=num_frames), None
    encoder = RowEncoder(processor, adapter, policy=policy, num_frames=num_frames)
    table = normalisation_table(processor).to(model.device, model.dtype)
    model.eval()
    replies: list[str] = []
    starts = range(0, len(rows), batch_size)
    for start in tqdm(starts, progress, unit=" batches", delay=1, disable=progress is None):
        batch = _prompt_batch(encoder, rows[start : start + batch_size], table)
        # `generate` runs without gradients by itself; inference mode would break FSDP2's buffers
        with adapter.while_running(model), autocast_mixed(model):
            tokens = model.generate(**batch, max_new_tokens=max_new_tokens, do_sample=False)
        replies += [
            reply.strip()
            for reply in processor.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        ]
    return replies


def _prompt_batch(encoder: RowEncoder, rows: Sequence[Row], table: Any) -> dict[str, Any]:
    """What `generate` takes of rows, on the device of the table."""
    prompts = [encoder.prompt(row) for row in rows]
    # on the left: the reply begins right behind the prompt
    inputs = padded_inputs(prompts, encoder.processor, encoder.adapter, side="left")
    batch = {name: tensor.to(table.device) for name, tensor in inputs.items()}
    pixels = {name: _to(given, table.device) for name, given in pixel_tensors(prompts).items()}
    return batch | model_pixels(encoder.adapter, pixels, table)


def _to(given: Any, device: Any) -> Any:
    return [each.to(device) for each in given] if isinstance(given, list) else given.to(device)


def autocast_mixed(model: Any) -> contextlib.AbstractContextManager[Any]:
    """Make an autocast where a model has weights of 16 bits beside float32, which do not mix by themselves.

    LoRA's own do: PEFT has them in float32 in any model, and converts what comes to them.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model that is to generate.

    Returns:
        `AbstractContextManager`: to generate in; without effect where all weights are of one type.
    """
    types = {weight.dtype for name, weight in model.named_parameters() if "lora_" not in name}
    halves = sorted(types & {torch.bfloat16, torch.float16}, key=str)
    if not halves or torch.float32 not in types:
        return contextlib.nullcontext()
    return torch.autocast(model.device.type, dtype=halves[0])
