"""Ask a model questions about videos: greedy, so that a score is the same in every run."""

import contextlib
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from tqdm import tqdm

from t2vid_hf.batches.encoding import Encoded, RowEncoder
from t2vid_hf.batches.media_key import media_key
from t2vid_hf.batches.padding import padded_inputs
from t2vid_hf.batches.pixels import model_pixels, normalisation_table, pixel_tensors
from t2vid_hf.batches.video_policy import VideoPolicy, trained_policy
from t2vid_hf.evaluation.shared_prefix import SharedPrefix, shared_tokens, why_not
from t2vid_hf.evaluation.usage import MAX_BATCH_TOKENS, Usage
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import Row


def answer(model: Any, processor: Any, rows: Sequence[Row], **options: Any) -> list[str]:
    """Replies to rows that end in a user turn.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model, left where it is, in evaluation mode.
        processor ([`~transformers.ProcessorMixin`]): The model's processor; it is set, in place, to one block of tokens
            a page.
        rows (`Sequence[Row]`): Videos and questions.
        **options (`Any`): What [`replies`] takes besides: `num_frames` and others.

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
    by_row = dict(replies(model, processor, rows, **options))
    return [by_row[number] for number in range(len(rows))]


def replies(
    model: Any,
    processor: Any,
    rows: Sequence[Row],
    *,
    num_frames: int | None = None,
    policy: VideoPolicy | None = None,
    max_new_tokens: int = 32,
    batch_size: int | None = None,
    max_batch_tokens: int = MAX_BATCH_TOKENS,
    shared: bool = True,
    progress: str | None = None,
    usage: Usage | None = None,
) -> Iterator[tuple[int, str]]:
    """Replies to rows as they come, those about the same video together, each as if it were asked alone.

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
        batch_size (`int`, *optional*): The most questions of a video at a time; `None` takes as many as
            `max_batch_tokens` lets. The replies do not depend on it beyond float noise.
        max_batch_tokens (`int`, *optional*, defaults to `MAX_BATCH_TOKENS`): The most tokens that a cache of keys and
            values has room for, but for a single question, which takes what it needs.
        shared (`bool`, *optional*, defaults to `True`): Whether questions about a video share its frames and its
            cache; else each is a row of its own, `batch_size` of them in a call of `generate`, or one.
        progress (`str`, *optional*): The name of a progress bar; `None` shows none.
        usage ([`~t2vid_hf.evaluation.usage.Usage`], *optional*): Where it is noted what this takes.

    Yields:
        `tuple[int, str]`: the number of a row, and the reply, without special tokens.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the model's family is unknown, or a row cannot be encoded.
    """
    adapter = adapter_for(model.config.model_type)
    adapter.configure(processor)
    adapter.configure_model(model.config)
    if policy is None:
        policy, num_frames = trained_policy(processor, adapter, num_frames=num_frames), None
    encoder = RowEncoder(processor, adapter, policy=policy, num_frames=num_frames)
    table = normalisation_table(processor).to(model.device, model.dtype)
    usage = Usage() if usage is None else usage
    options: dict[str, Any] = {"max_batch_tokens": max_batch_tokens, "batch_size": batch_size, "usage": usage}
    model.eval()
    groups = _by_media(rows, encoder.policy) if shared else _in_turn(len(rows), batch_size or 1)
    with tqdm(total=len(rows), desc=progress, unit=" questions", delay=1, disable=progress is None) as bar:
        for numbers in groups:
            asked = [rows[number] for number in numbers]
            if shared:
                made = _answer_of_media(model, encoder, asked, table, max_new_tokens, options)
            else:
                made = iter([_generate(model, encoder, [encoder.prompt(row) for row in asked], table, max_new_tokens)])
            waiting = iter(numbers)
            for batch in made:
                bar.update(len(batch))
                yield from zip(islice(waiting, len(batch)), _texts(processor, batch), strict=True)


def _by_media(rows: Sequence[Row], policy: VideoPolicy) -> list[list[int]]:
    """The numbers of rows about the same media; a row without media is by itself."""
    groups: dict[Hashable, list[int]] = {}
    for number, row in enumerate(rows):
        key = media_key(row, policy)
        groups.setdefault(("alone", number) if key is None else key, []).append(number)
    return list(groups.values())


def _in_turn(count: int, batch_size: int) -> list[list[int]]:
    return [list(range(start, min(start + batch_size, count))) for start in range(0, count, batch_size)]


def _answer_of_media(
    model: Any, encoder: RowEncoder, rows: Sequence[Row], table: Any, max_new_tokens: int, options: dict[str, Any]
) -> Iterator[list[list[int]]]:
    """The new tokens of rows about the same media, a batch at a time."""
    prompts, usage = encoder.prompts(rows), options["usage"]
    reason, prefix = why_not(model), 0
    if len(rows) > 1 and reason is None:
        media = encoder.adapter.media_token_ids(encoder.processor)
        prefix = shared_tokens([prompt.input_ids for prompt in prompts], media)
        reason = None if prefix else "the video stands behind the question"
    if prefix:
        pixels = _pixels(encoder, prompts[:1], table)
        together = SharedPrefix(model, prompts, prefix=prefix, pixels=pixels, max_new_tokens=max_new_tokens)
        answers = together.answer(**options)
        while True:
            with encoder.adapter.while_running(model), autocast_mixed(model), torch.no_grad():
                batch = next(answers, None)
            if batch is None:
                return
            yield batch
    if reason is not None and len(rows) > 1:
        usage.plain[reason] = usage.plain.get(reason, 0) + len(rows)
    for prompt in prompts:
        usage.tokens = max(usage.tokens, len(prompt) + max_new_tokens)
        yield _generate(model, encoder, [prompt], table, max_new_tokens)


def _generate(
    model: Any, encoder: RowEncoder, prompts: Sequence[Encoded], table: Any, max_new_tokens: int
) -> list[list[int]]:
    """The new tokens of prompts, each a row of its own."""
    # on the left: the reply begins right behind the prompt
    inputs = padded_inputs(prompts, encoder.processor, encoder.adapter, side="left")
    batch = {name: tensor.to(table.device) for name, tensor in inputs.items()} | _pixels(encoder, prompts, table)
    # `generate` runs without gradients by itself; inference mode would break FSDP2's buffers
    with encoder.adapter.while_running(model), autocast_mixed(model):
        tokens = model.generate(**batch, max_new_tokens=max_new_tokens, do_sample=False, num_beams=1)
    return tokens[:, batch["input_ids"].shape[1] :].tolist()


def _texts(processor: Any, tokens: list[list[int]]) -> list[str]:
    return [reply.strip() for reply in processor.batch_decode(tokens, skip_special_tokens=True)]


def _pixels(encoder: RowEncoder, prompts: Sequence[Encoded], table: Any) -> dict[str, Any]:
    """What the forward takes of the prompts' media, on the device of the table."""
    pixels = {name: _to(given, table.device) for name, given in pixel_tensors(prompts).items()}
    return model_pixels(encoder.adapter, pixels, table)


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
