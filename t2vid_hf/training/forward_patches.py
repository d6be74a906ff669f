"""Forwards of modules that a trainer replaces, in their place only while it runs.

TRL and accelerate set a `forward` on the model and leave it there, so that whoever goes on with the model after
training runs their code, and cannot pickle it. Here what they set is kept aside, put in place for as long as a block
lasts, and taken away behind it, also after an exception: outside the model is as it came.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

# A module's own forward, and what accelerate 1.15 keeps of the one before it wraps it for autocast.
_NAMES = ("forward", "_original_forward")


class ForwardPatches:
    """What is set as `forward` on modules inside of `in_place` blocks.

    Args:
        modules (`Sequence[nn.Module]`, *optional*, defaults to `()`): The first modules to watch; see
            [`~ForwardPatches.add`].

    Example:

    ```python
    >>> from torch import nn
    >>> from t2vid_hf.training.forward_patches import ForwardPatches
    >>> layer = nn.Identity()
    >>> patches = ForwardPatches([layer])
    >>> with patches.in_place():
    ...     layer.forward = lambda number: number + 1
    ...     layer(1)
    2
    >>> layer(1)
    1
    >>> with patches.in_place():
    ...     layer(1)
    2

    ```
    """

    def __init__(self, modules: Sequence[nn.Module] = ()) -> None:
        self._aside: list[tuple[nn.Module, dict[str, Any]]] = []
        self._depth = 0
        for module in modules:
            self.add(module)

    def add(self, module: nn.Module) -> None:
        """Watch a module from here on; outside of blocks. It begins with the forward that it has.

        Args:
            module (`nn.Module`): The module; one that is watched already is watched on.
        """
        if all(module is not known for known, _ in self._aside):
            self._aside.append((module, _own_forwards(module)))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Modules have, inside, the forwards that they had at the end of the last block; blocks may nest."""
        if not self._depth:
            self._swap()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._swap()

    def _swap(self) -> None:
        """Put in place what is kept aside, and keep aside what is in place."""
        swapped = []
        for module, aside in self._aside:
            swapped.append((module, _own_forwards(module)))
            for name in _NAMES:
                module.__dict__.pop(name, None)
            module.__dict__.update(aside)
        self._aside = swapped


def _own_forwards(module: nn.Module) -> dict[str, Any]:
    """What a module has in place of its class's forward."""
    return {name: module.__dict__[name] for name in _NAMES if name in module.__dict__}


def run_without_grad(modules: Sequence[nn.Module]) -> ForwardPatches:
    """Patches under which modules run without gradients.

    With gradient checkpointing transformers makes the output of every embedding require a gradient, a frozen tower's
    too (`enable_input_require_grads`, transformers 5.23), so that it would be recomputed and run backward in each step,
    for nothing.

    Args:
        modules (`Sequence[nn.Module]`): The modules that are called, as
            [`~t2vid_hf.training.tuning.frozen_vision`] finds them.

    Returns:
        [`ForwardPatches`]

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.training.forward_patches import run_without_grad
    >>> layer = torch.nn.Linear(2, 2)
    >>> with run_without_grad([layer]).in_place():
    ...     layer(torch.ones(2)).requires_grad
    False
    >>> layer(torch.ones(2)).requires_grad
    True

    ```
    """
    patches = ForwardPatches(modules)
    with patches.in_place():
        for module in modules:
            module.forward = torch.no_grad()(module.forward)
    return patches
