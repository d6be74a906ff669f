"""Hooks and checkpointing settings that libraries put on a model, there only while a run lasts.

PEFT, TRL and `Trainer` register hooks and switch gradient checkpointing on, and leave both behind: whoever goes on with
the model pays for it, and a second run has each hook twice. Here they are taken away behind a block, also after an
exception, and put back at the next. Hooks that the user registers, also during a run, are left alone.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

# What sets hooks for a run. Not all of transformers: a model of theirs collects its outputs by hooks from its first
# forward on.
_HOMES = ("transformers.modeling_utils.", "transformers.debug_utils.", "transformers.integrations.", "peft.", "trl.")
# Makes embeddings require gradients; PEFT, TRL and transformers each add one, and transformers at every `train`.
_ADDED_ANEW = "make_inputs_require_grads"
_SETTINGS = ("gradient_checkpointing", "_gradient_checkpointing_func", "_require_grads_hooks", "_require_grads_hook")
_Hook = tuple[nn.Module, str, int, Any, bool]


class HooksAside:
    """Hooks of libraries on the modules of a model, inside of `in_place` blocks alone.

    Args:
        model (`nn.Module`): The model, with whatever hooks it came with.

    Example:

    ```python
    >>> from torch import nn
    >>> from t2vid_hf.training.hooks_aside import HooksAside
    >>> layer = nn.Identity()
    >>> with HooksAside(layer).in_place():
    ...     mine = layer.register_forward_hook(lambda *given: None)
    >>> len(layer._forward_hooks)
    1

    ```
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._aside: list[_Hook] = []
        self._depth = 0

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have the hooks of earlier blocks on the model inside, and behind it none, and no setting. Blocks may nest."""
        self._depth += 1
        before: dict[int, tuple[set[int], dict[str, Any]]] = {}
        if self._depth == 1:
            before = {id(module): (set(_hooks(module)), _settings(module)) for module in self._model.modules()}
            for module, kind, number, hook, with_kwargs in self._aside:
                vars(module)[kind][number] = hook
                if with_kwargs:
                    vars(module)[f"{kind}_with_kwargs"][number] = True
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                self._take_away(before)

    def _take_away(self, before: dict[int, tuple[set[int], dict[str, Any]]]) -> None:
        self._aside = []
        for module in self._model.modules():
            known, settings = before.get(id(module), (set(), None))
            for number, (kind, hook) in _hooks(module).items():
                if number in known or not _is_library_s(hook):
                    continue
                del vars(module)[kind][number]
                with_kwargs = vars(module)[f"{kind}_with_kwargs"].pop(number, False)
                if _ADDED_ANEW not in hook.__qualname__:
                    self._aside.append((module, kind, number, hook, with_kwargs))
            if settings is not None:
                for name in _SETTINGS:
                    module.__dict__.pop(name, None)
                module.__dict__.update(settings)


def _hooks(module: nn.Module) -> dict[int, tuple[str, Any]]:
    """A module's hooks on its forward by their numbers, which torch gives each once."""
    return {
        number: (kind, hook)
        for kind in ("_forward_hooks", "_forward_pre_hooks")
        for number, hook in vars(module)[kind].items()
    }


def _settings(module: nn.Module) -> dict[str, Any]:
    return {name: module.__dict__[name] for name in _SETTINGS if name in module.__dict__}


def _is_library_s(hook: Any) -> bool:
    home = inspect.getmodule(hook)
    return inspect.isroutine(hook) and home is not None and f"{home.__name__}.".startswith(_HOMES)
