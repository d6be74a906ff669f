"""Ask a model questions about videos: greedy, so that a score is the same in every run."""

from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.padding import padded_inputs
from t2vid_hf.batches.pixels import apply_table, normalisation_table, stack_images
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
    adapter = adapter_for(model.config.model_type)
    adapter.configure(processor)
    adapter.configure_model(model.config)
    encoder = RowEncoder(processor, adapter, num_frames=num_frames)
    table = normalisation_table(processor).to(model.device, model.dtype)
    model.eval()
    replies: list[str] = []
    starts = range(0, len(rows), batch_size)
    for start in tqdm(starts, progress, unit=" batches", delay=1, disable=progress is None):
        prompts = [encoder.prompt(row) for row in rows[start : start + batch_size]]
        # on the left: the reply begins right behind the prompt
        inputs = padded_inputs(prompts, processor, adapter, side="left")
        batch = {name: tensor.to(model.device) for name, tensor in inputs.items()}
        images = [prompt.pixels for prompt in prompts if len(prompt.pixels)]
        if images:
            pixels = stack_images(images).to(model.device)
            batch.update(adapter.model_inputs(apply_table(pixels, table)))
        # `generate` runs without gradients by itself; inference mode would break FSDP2's buffers
        tokens = model.generate(**batch, max_new_tokens=max_new_tokens, do_sample=False)
        replies += [
            reply.strip()
            for reply in processor.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        ]
    return replies
