"""A vision tower's call, taken apart into pictures and put together again from their features.

What is kept of a picture is what leaves the tower: behind it the connector may train. Pictures do not see each other in
any tower here, nor do the groups of frames of a video, so each is kept by itself: a video of 24 frames that are shown
anew in another order costs nothing. Where tower and connector are one module, see block_tower.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from t2vid_hf.errors import InputError
from t2vid_hf.models.feature_store import memory_order

Forward = Callable[..., Any]


class TowerCall(ABC):
    """One call of a tower: what it was given, picture by picture."""

    @abstractmethod
    def pictures(self) -> tuple[list[str], list[list[np.ndarray]]]:
        """What the features of each picture depend on beside the weights: its type and shape in words, and bytes."""

    @abstractmethod
    def compute(self, numbers: Sequence[int]) -> list[torch.Tensor]:
        """The features of some of the pictures, one tensor each."""

    @abstractmethod
    def result(self, features: Sequence[torch.Tensor]) -> Any:
        """What the call returns, given the features of all pictures, on the CPU."""


class VisionTower(ABC):
    """A tower whose features can be kept.

    Args:
        module (`nn.Module`): The module whose call is taken apart.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def weights(self) -> list[tuple[str, nn.Parameter]]:
        """The weights that the features are of, by name."""
        return list(self.module.named_parameters())

    @abstractmethod
    def call(self, forward: Forward, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TowerCall:
        """Take a call of the module apart; `forward` is the module's own."""

    def told(self) -> str:
        """What of the tower is kept, as a part of its key."""
        return type(self).__name__


class WholeTower(VisionTower):
    """A module that takes pictures of one size and returns their hidden states: SigLIP and its like.

    Args:
        module (`nn.Module`): The module.
        layers (`Sequence[int]`, *optional*, defaults to `()`): Which of its `hidden_states` are read; none where it
            is `last_hidden_state`.
        in_lines (`bool`, *optional*, defaults to `False`): Whether a picture is a line of patches that is filled up to
            the longest, as its mask tells (MiniCPM-V).
    """

    def __init__(self, module: nn.Module, *, layers: Sequence[int] = (), in_lines: bool = False) -> None:
        super().__init__(module)
        self.layers, self.in_lines = tuple(layers), in_lines

    def told(self) -> str:
        """What of the tower is kept."""
        return f"{super().told()} {self.layers}"

    def call(self, forward: Forward, args: Sequence[Any], kwargs: Mapping[str, Any]) -> "_WholeCall":
        """Take a call apart."""
        named = dict(kwargs)
        pixels = args[0] if args else named.pop("pixel_values")
        mask = named.pop("patch_attention_mask", None)
        strange = [name for name, value in named.items() if isinstance(value, torch.Tensor)]
        if len(args) > 1 or strange or not isinstance(pixels, torch.Tensor):
            raise InputError(
                f"{type(self.module).__name__} is given {', '.join(strange) or 'more than pixels'}, on which its "
                f"features would depend: leave vision_feature_cache out"
            )
        return _WholeCall(self, forward, pixels, mask, named)


class _WholeCall(TowerCall):
    def __init__(
        self, tower: WholeTower, forward: Forward, pixels: torch.Tensor, mask: torch.Tensor | None, named: Any
    ) -> None:
        self._tower, self._forward, self._pixels, self._mask, self._named = tower, forward, pixels, mask, named
        lines = tower.in_lines and mask is not None
        self._counts = mask.flatten(1).sum(1).tolist() if lines and mask is not None else None
        self._patch = 0 if self._counts is None else pixels.shape[-1] // mask.shape[-1]  # type: ignore[union-attr]

    def pictures(self) -> tuple[list[str], list[list[np.ndarray]]]:
        if self._counts is None:
            given = [part for part in (self._pixels, self._mask) if part is not None]
            words = " ".join(f"{part.dtype} {tuple(part.shape[1:])}" for part in given)
            return [words] * len(self._pixels), [list(each) for each in zip(*map(bytes_of_each, given), strict=True)]
        lines = [
            pixels[..., : count * self._patch] for pixels, count in zip(self._pixels.cpu(), self._counts, strict=True)
        ]
        told = [f"{line.dtype} {tuple(line.shape)}" for line in lines]
        return told, [list(bytes_of_each(line[None])) for line in lines]

    def compute(self, numbers: Sequence[int]) -> list[torch.Tensor]:
        made: dict[int, torch.Tensor] = {}
        # Those of one length together, without what fills them up: a picture's features are its own to the last bit.
        for count in dict.fromkeys(self._counts[number] for number in numbers) if self._counts else [None]:
            some = [number for number in numbers if count is None or self._counts[number] == count]  # type: ignore[index]
            made |= dict(zip(some, self._run(some, count), strict=True))
        return [made[number] for number in numbers]

    def _run(self, numbers: list[int], count: int | None) -> torch.Tensor:
        pixels, mask = self._pixels[numbers], None if self._mask is None else self._mask[numbers]
        if count is not None and mask is not None:
            pixels, mask = pixels[..., : count * self._patch], mask[..., :count]
        masks = {} if mask is None else {"patch_attention_mask": mask}
        made = self._forward(pixels, **masks, **{**self._named, "return_dict": True})
        read = [made.hidden_states[number] for number in self._tower.layers] or [made.last_hidden_state]
        return read[0] if len(read) == 1 else torch.stack(read, dim=1)

    def result(self, features: Sequence[torch.Tensor]) -> Any:
        if self._counts is None:
            stacked = _stack(features).to(self._pixels.device)
        else:  # what fills a line up is read by nobody
            stacked = nn.utils.rnn.pad_sequence(list(features), batch_first=True).to(self._pixels.device)
            missing = self._mask.shape[-1] - stacked.shape[1]  # type: ignore[union-attr]
            stacked = nn.functional.pad(stacked, (0, 0, 0, missing)) if missing else stacked
        layers = self._tower.layers
        if not layers:
            return BaseModelOutputWithPooling(last_hidden_state=stacked)
        kept = dict(zip(layers, [stacked] if len(layers) == 1 else stacked.unbind(1), strict=True))
        return BaseModelOutputWithPooling(hidden_states=kept)


def bytes_of_each(tensor: torch.Tensor) -> np.ndarray:
    """The bytes of a tensor, whatever its type, a row for each entry of its first dimension."""
    flat = tensor.detach().cpu().contiguous().reshape(len(tensor), -1)
    return flat.view(torch.uint8).numpy()


def _stack(features: Sequence[torch.Tensor]) -> torch.Tensor:
    """Features as one tensor that lies in memory as the tower's own does: a connector in bfloat16 rounds by that."""
    order = memory_order(features[0])
    stacked = torch.stack([feature.permute(order) for feature in features])
    return stacked.permute(0, *(order.index(dim) + 1 for dim in range(len(order))))
