"""What `Trainer` and accelerate look up anew in every step, and what is the same in all of them.

Both walk over the modules of the model for it: 5 ms of a step together on a model of a million parameters, whose
forward takes 40, and more on one of many layers.
"""

from typing import Any

import torch
from trl import SFTTrainer

from t2vid_hf.training.model_parts import bare_model


class FoundOnce(SFTTrainer):
    """A trainer that keeps what it has found of its model."""

    _innermost: tuple[Any, Any] | None = None
    _ops_of_one: int | None = None

    def innermost_model(self) -> Any:
        """The model without what PEFT, DDP and FSDP put around it."""
        if self._innermost is None or self._innermost[0] is not self.model:
            self._innermost = self.model, bare_model(self.accelerator.unwrap_model(self.model))
        return self._innermost[1]

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """The operations of a step. Overridden because `Trainer` counts the model's parameters for each."""
        name = getattr(self.model, "main_input_name", "input_ids")
        if self._ops_of_one is None:
            self._ops_of_one = super().floating_point_ops({name: torch.empty(1)})
        return self._ops_of_one * (inputs[name].numel() if name in inputs else 0)
