"""The tower of Qwen-VL, whose module has the connector in it.

The module runs as it is written, with kept features in place of what its blocks compute: what transformers changes
in it is changed here too. The price is that positions are computed for blocks that do not run.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from t2vid_hf.errors import InputError
from t2vid_hf.models.vision_towers import Forward, TowerCall, VisionTower, bytes_of_each


class BlockTower(VisionTower):
    """A module that takes patches of pictures of any size one behind the other, with their grids: Qwen-VL.

    The connector is in it. So the module runs as it is written: `patch_embed` and the blocks are passed by, and the
    blocks whose outputs are read return what was kept of them.

    Args:
        module (`nn.Module`): The module, with `patch_embed` and `blocks`.
        inside (`Sequence[str]`): The paths of those of its modules that are the tower's; only their last names count.
    """

    def __init__(self, module: nn.Module, *, inside: Sequence[str]) -> None:
        super().__init__(module)
        self._inside = tuple(f"{path.rpartition('.')[2]}." for path in inside)
        blocks: Any = module.blocks
        taps = getattr(module, "deepstack_visual_indexes", ())
        # the blocks whose outputs go to the connector
        self.read = tuple(sorted({*taps, len(blocks) - 1}))

    def weights(self) -> list[tuple[str, nn.Parameter]]:
        """Those of the module without the connector's."""
        return [(name, weight) for name, weight in super().weights() if name.startswith(self._inside)]

    def told(self) -> str:
        """What of the tower is kept."""
        return f"{super().told()} {self.read}"

    def call(self, forward: Forward, args: Sequence[Any], kwargs: Mapping[str, Any]) -> "_BlockCall":
        """Take a call apart."""
        named = dict(kwargs)
        patches, *rest = args if args else [named.pop("hidden_states")]
        grids = rest[0] if rest else named.pop("grid_thw")
        strange = [name for name, value in named.items() if isinstance(value, torch.Tensor)]
        if len(rest) > 1 or strange:
            raise InputError(
                f"{type(self.module).__name__} is given {', '.join(strange) or 'more than patches'}, on which its "
                f"features would depend: leave vision_feature_cache out"
            )
        return _BlockCall(self, forward, patches, grids, named)


class _BlockCall(TowerCall):
    def __init__(
        self, tower: BlockTower, forward: Forward, patches: torch.Tensor, grids: torch.Tensor, named: Any
    ) -> None:
        self._tower, self._forward, self._patches, self._grids, self._named = tower, forward, patches, grids, named
        # of each group of frames its rows and columns: groups of one video do not see each other
        self._sizes = [(rows, columns) for groups, rows, columns in grids.tolist() for _ in range(groups)]
        self._parts = patches.split([rows * columns for rows, columns in self._sizes])

    def pictures(self) -> tuple[list[str], list[list[np.ndarray]]]:
        rows = bytes_of_each(self._patches)
        ends = list(itertools.accumulate((r * c for r, c in self._sizes), initial=0))
        told = [f"{self._patches.dtype} {size}" for size in self._sizes]
        return told, [[rows[first:last]] for first, last in itertools.pairwise(ends)]

    def compute(self, numbers: Sequence[int]) -> list[torch.Tensor]:
        grids = self._grids.new_tensor([[1, *self._sizes[number]] for number in numbers])
        patches = torch.cat([self._parts[number] for number in numbers])
        outputs: dict[int, torch.Tensor] = {}
        blocks = self._blocks()

        def noting(number: int, forward: Forward) -> Forward:
            def run(*args: Any, **kwargs: Any) -> Any:
                outputs[number] = forward(*args, **kwargs)
                return outputs[number]

            return run

        with _replaced({blocks[number]: noting(number, blocks[number].forward) for number in self._tower.read}):
            self._forward(patches, grid_thw=grids, **self._named)
        stacked = torch.stack([outputs[number] for number in self._tower.read])  # (read, patches, width)
        return list(stacked.split([rows * columns for rows, columns in (self._sizes[n] for n in numbers)], dim=1))

    def result(self, features: Sequence[torch.Tensor]) -> Any:
        joined = torch.cat(list(features), dim=1).to(self._patches.device)
        kept = dict(zip(self._tower.read, joined.unbind(0), strict=True))
        last = kept[self._tower.read[-1]]
        embed: Any = self._tower.module.patch_embed
        replaced: dict[nn.Module, Forward] = {embed: lambda *_, **__: last}  # for its shape alone
        for number, block in enumerate(self._blocks()):
            replaced[block] = _returning(kept.get(number))
        with _replaced(replaced):
            return self._forward(self._patches, grid_thw=self._grids, **self._named)

    def _blocks(self) -> list[nn.Module]:
        blocks: Any = self._tower.module.blocks
        return list(blocks)


def _returning(kept: torch.Tensor | None) -> Forward:
    return lambda hidden_states, *_, **__: hidden_states if kept is None else kept


@contextmanager
def _replaced(forwards: Mapping[nn.Module, Forward]) -> Iterator[None]:
    """Modules have other forwards inside."""
    before = {module: vars(module).get("forward") for module in forwards}
    for module, forward in forwards.items():
        module.forward = forward
    try:
        yield
    finally:
        for module, own in before.items():
            if own is None:
                del module.forward
            else:
                module.forward = own
