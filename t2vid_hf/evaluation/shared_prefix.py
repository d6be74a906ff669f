"""The questions about one video in one sequence: what they begin with, computed once, and behind it a branch for each.

The frames, the vision tower and the prefix's keys and values are computed once, and nothing of them is copied: all
branches stand behind the prefix in one row, and a mask keeps them apart. So 18 questions about 24 frames take 1.3
times the cache of one, where a batch of 18 rows takes 18 times. The price: a branch's attention passes over the
others' tokens, masked.

`generate` prepares everything and `custom_generate` only replaces its loop: end tokens, limits and processors of logits
are those of the generation config, over the ids of each question's own prompt.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled
from transformers.integrations.fsdp import is_fsdp_managed_module

from t2vid_hf.batches.encoding import Encoded
from t2vid_hf.batches.padding import pad
from t2vid_hf.evaluation.branch_cache import RoomyLayer, prompt_mask, reply_mask
from t2vid_hf.evaluation.usage import Usage
from t2vid_hf.models.cache_argument import CACHE
from t2vid_hf.models.packed_attention import SDPA_PACKED

MASKED = ("eager", "sdpa", SDPA_PACKED)
"""Attentions that take any mask."""
LEAST_AT_A_TIME = 256
"""Tokens of prompts that are read together however short the prefix is."""


def why_not(model: Any) -> str | None:
    """Why a model cannot share a prefix between branches, or `None` where it can.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model.

    Returns:
        `str` or `None`: the reason, for people.
    """
    config = model.config.get_text_config()
    if config._attn_implementation not in MASKED:
        return f"attention {config._attn_implementation} takes no mask of its own; load it with sdpa"
    if any(type(layer) is not DynamicLayer for layer in DynamicCache(config=config).layers):
        return "its language model has layers that do not keep every token (sliding windows or a state)"
    return None


def shared_tokens(rows: Sequence[np.ndarray], media: Sequence[int]) -> int:
    """How many tokens rows begin with alike, one at least left to each; 0 where there are media behind them.

    Args:
        rows (`Sequence[np.ndarray]` of shapes `(tokens,)`): The ids of prompts, at least one.
        media (`Sequence[int]`): Ids of tokens that stand for media.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.evaluation.shared_prefix import shared_tokens
    >>> rows = [np.array([1, 9, 5, 6]), np.array([1, 9, 5, 7, 8])]
    >>> shared_tokens(rows, [9]), shared_tokens([rows[0], rows[0][:3]], [9]), shared_tokens(rows, [7])
    (3, 2, 0)

    ```
    """
    most = min(map(len, rows)) - 1
    same = np.all([row[:most] == rows[0][:most] for row in rows], axis=0)
    tokens = most if same.all() else int(same.argmin())
    return 0 if any(np.isin(row[tokens:], media).any() for row in rows) else tokens


class SharedPrefix:
    """Prompts about the same media, answered together.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model, in evaluation mode.
        prompts (`Sequence[Encoded]`): The prompts.
        prefix (`int`): What [`shared_tokens`] gives, not 0.
        pixels (`dict[str, Any]`): What the model's forward takes for the media, on its device.
        max_new_tokens (`int`): The most tokens of a reply.
    """

    def __init__(
        self, model: Any, prompts: Sequence[Encoded], *, prefix: int, pixels: dict[str, Any], max_new_tokens: int
    ) -> None:
        self._model, self._prompts, self._prefix = model, prompts, prefix
        self._pixels, self._new = pixels, max_new_tokens

    def answer(self, *, max_batch_tokens: int, batch_size: int | None, usage: Usage) -> Iterator[list[list[int]]]:
        """The new tokens of the prompts in order, a batch at a time.

        Args:
            max_batch_tokens (`int`): The most tokens of a batch: prefix, what its prompts have behind it, and replies.
            batch_size (`int` or `None`): The most prompts of a batch.
            usage ([`Usage`]): Where the peak is noted.
        """
        longest = max(map(len, self._prompts)) - self._prefix + self._new
        most = max(1, (max_batch_tokens - self._prefix) // longest)
        most = min(most, batch_size or most)
        batches = np.array_split(np.arange(len(self._prompts)), -(-len(self._prompts) // most))  # of one size
        own = [sum(len(self._prompts[n]) - self._prefix + self._new for n in batch) for batch in batches]
        room = self._prefix + max(own)
        cache = Cache(layer_class_to_replicate=partial(RoomyLayer, room))
        for batch in batches:
            for layer in cache.layers:
                layer.rewind(self._prefix)
            yield self._generate([self._prompts[n] for n in batch], cache)
            kept = sum(layer.nbytes for layer in cache.layers)
            usage.tokens, usage.bytes = max(usage.tokens, room), max(usage.bytes, kept)

    def _generate(self, prompts: Sequence[Encoded], cache: Cache) -> list[list[int]]:
        # What fills them up is in each already, so that no penalty on tokens that were there changes by it.
        ids = [prompt.input_ids for prompt in prompts]
        padded = torch.from_numpy(pad(ids, int(ids[0][0]), side="left")).to(self._model.device)
        mask = torch.from_numpy(pad([np.ones_like(row) for row in ids], 0, side="left")).to(self._model.device)
        ends: list[int] = []
        tokens = self._model.generate(
            input_ids=padded,
            attention_mask=mask,
            position_ids=torch.zeros_like(padded),  # unused: without them Qwen-VL would keep some in the model
            max_new_tokens=self._new,
            do_sample=False,
            num_beams=1,
            custom_generate=self._loop(prompts, cache, ends),
        )
        return [row[:end] for row, end in zip(tokens.tolist(), ends, strict=True)]

    def _loop(self, prompts: Sequence[Encoded], cache: Cache, ends: list[int]) -> Callable[..., torch.Tensor]:
        """What `generate` calls in place of its own loop; it returns the new tokens, and notes how many are each's."""

        def loop(
            model: Any, input_ids: torch.Tensor, logits_processor: Any, stopping_criteria: Any, **_: Any
        ) -> torch.Tensor:
            rows, given = input_ids.shape
            ids = torch.cat([input_ids, input_ids.new_zeros(rows, self._new)], dim=1)
            alive = torch.ones(rows, dtype=torch.bool, device=ids.device)
            length = torch.zeros(rows, dtype=torch.long, device=ids.device)
            together, logits = _waits_for_others(model), self._read(model, prompts, cache)
            positions = self._tensor([prompt.position_ids[..., -1:] for prompt in prompts], ids.device)
            seen = reply_mask(self._prefix, self._own(prompts), self._new, like=cache.layers[0].keys)
            for end in range(given + 1, given + self._new + 1):
                scores = logits_processor(ids[:, : end - 1], logits[0].float())
                ids[:, end - 1] = scores.argmax(-1)
                length += alive
                alive &= ~stopping_criteria(ids[:, :end], scores)
                if end == given + self._new or not (together or alive.any()):
                    break
                positions = positions + 1
                columns = cache.get_seq_length() + rows
                logits = model(
                    input_ids=ids[:, end - 1][None], position_ids=positions, attention_mask=seen[..., :columns],
                    use_cache=True, **{CACHE: cache},
                ).logits  # fmt: skip
            ends.extend(length.tolist())
            return ids[:, given:]

        return loop

    def _read(self, model: Any, prompts: Sequence[Encoded], cache: Cache) -> torch.Tensor:
        """Run the prefix through the model, if it is not yet in the cache, and what each prompt has behind it."""
        prefix, first = self._prefix, self._prompts[0]
        if cache.get_seq_length() == 0:
            self._forward(model, cache, [first.input_ids[:prefix]], [first.position_ids[..., :prefix]], **self._pixels)
        logits, own = [], self._own(prompts)
        # Some at a time, each right behind the prefix: together they would pass over each other's tokens.
        parts = np.array_split(np.arange(len(own)), min(len(own), -(-sum(own) // max(prefix, LEAST_AT_A_TIME))))
        for part in parts:
            of_part = [own[n] for n in part]
            made = self._forward(
                model, cache, [prompts[n].input_ids[prefix:] for n in part],
                [prompts[n].position_ids[..., prefix:] for n in part],
                attention_mask=prompt_mask(prefix, of_part, like=cache.layers[0].keys),
                logits_to_keep=torch.tensor(of_part, device=model.device).cumsum(0) - 1,
            )  # fmt: skip
            logits.append(made)
            for layer in cache.layers if len(parts) > 1 else ():
                layer.put_aside(prefix)
        for layer in cache.layers:
            layer.put_back()
        return torch.cat(logits, dim=1)

    def _forward(
        self, model: Any, cache: Cache, ids: list[np.ndarray], positions: list[np.ndarray], **inputs: Any
    ) -> torch.Tensor:
        """Rows one behind the other as one row through the model."""
        inputs = {"logits_to_keep": 1, **inputs, CACHE: cache}
        at = self._tensor(positions, model.device)
        return model(input_ids=self._tensor(ids, model.device), position_ids=at, use_cache=True, **inputs).logits

    def _own(self, prompts: Sequence[Encoded]) -> list[int]:
        return [len(prompt) - self._prefix for prompt in prompts]

    def _tensor(self, rows: Sequence[np.ndarray], device: Any) -> torch.Tensor:
        """Rows one behind the other, as a batch of one."""
        return torch.from_numpy(np.concatenate(rows, axis=-1)[..., None, :]).to(device)


def _waits_for_others(model: Any) -> bool:
    """Whether other processes hold parts of the weights: then each must take every step of all."""
    distributed = torch.distributed
    several = distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
    return several and (is_deepspeed_zero3_enabled() or is_fsdp_managed_module(model))
