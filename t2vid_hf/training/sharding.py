"""How the devices of a run share what a training step holds: DDP nothing, ZeRO by stages, FSDP all of it."""

import os
from dataclasses import dataclass
from typing import Any

from accelerate import FullyShardedDataParallelPlugin
from accelerate.utils import str_to_bool
from torch.distributed.fsdp import CPUOffload, CPUOffloadPolicy


@dataclass(frozen=True)
class Sharding:
    """What is divided among devices, and what is kept in host memory.

    Args:
        num_devices (`int`, *optional*, defaults to `1`): Devices that share.
        weights (`bool`, *optional*, defaults to `False`): Whether weights are divided during a step.
        gradients (`bool`, *optional*, defaults to `False`): Whether gradients are divided.
        optimizer (`bool`, *optional*, defaults to `False`): Whether the optimizer's states are divided.
        host_weights (`bool`, *optional*, defaults to `False`): Whether weights and gradients wait in host memory.
        host_optimizer (`bool`, *optional*, defaults to `False`): Whether the optimizer's states are in host memory.
        float32_copy (`bool`, *optional*, defaults to `False`): Whether a float32 copy of what trains stands with the
            optimizer, beside weights of the model's own type, as DeepSpeed has it.

    Example:

    ```python
    >>> from t2vid_hf.training.sharding import Sharding
    >>> zero2 = Sharding(num_devices=8, gradients=True, optimizer=True)
    >>> zero2.weights_on_device(800), zero2.optimizer_on_device(800)
    (800, 100)

    ```
    """

    num_devices: int = 1
    weights: bool = False
    gradients: bool = False
    optimizer: bool = False
    host_weights: bool = False
    host_optimizer: bool = False
    float32_copy: bool = False

    def weights_on_device(self, size: int) -> int:
        """How many bytes of weights are on one device, out of `size` of the whole model."""
        return self._share(size, divided=self.weights, in_host=self.host_weights)

    def gradients_on_device(self, size: int) -> int:
        """How many bytes of gradients are on one device, out of `size` of the whole model."""
        return self._share(size, divided=self.gradients, in_host=self.host_weights)

    def optimizer_on_device(self, size: int) -> int:
        """How many bytes of optimizer states are on one device, out of `size` of the whole model."""
        return self._share(size, divided=self.optimizer, in_host=self.host_optimizer)

    def _share(self, size: int, *, divided: bool, in_host: bool) -> int:
        return 0 if in_host else size // (self.num_devices if divided else 1)


def sharding_of(args: Any) -> Sharding:
    """The sharding of a run.

    Args:
        args ([`~transformers.TrainingArguments`]): The run's arguments, made in the environment that
            `accelerate launch` sets.
    """
    if args.deepspeed_plugin is not None:
        return deepspeed_sharding(args.deepspeed_plugin, args.world_size)
    if uses_fsdp(args):
        # How weights come to the devices is of no matter here, and asking for it needs a device.
        settings = {**(args.fsdp_plugin_args or {}), "sync_module_states": False, "cpu_ram_efficient_loading": False}
        return fsdp_sharding(FullyShardedDataParallelPlugin(**settings), args.world_size)
    return Sharding(num_devices=args.world_size)


def uses_fsdp(args: Any) -> bool:
    """Tell whether FSDP divides the model, by a run's own arguments or by `accelerate launch`.

    Args:
        args ([`~transformers.TrainingArguments`]): The run's arguments.
    """
    return args.fsdp_plugin_args is not None or bool(str_to_bool(os.environ.get("ACCELERATE_USE_FSDP", "false")))


def deepspeed_sharding(plugin: Any, num_devices: int) -> Sharding:
    """The sharding of a ZeRO stage: 1 divides the optimizer, 2 the gradients too, 3 the weights too.

    Args:
        plugin ([`~accelerate.DeepSpeedPlugin`]): The run's settings of DeepSpeed.
        num_devices (`int`): Processes that train together.
    """
    return Sharding(
        num_devices=num_devices,
        weights=plugin.zero_stage >= 3,
        gradients=plugin.zero_stage >= 2,
        optimizer=plugin.zero_stage >= 1,
        host_weights=plugin.zero_stage >= 3 and plugin.offload_param_device not in (None, "none"),
        host_optimizer=plugin.zero_stage >= 1 and plugin.offload_optimizer_device not in (None, "none"),
        float32_copy=True,
    )


def fsdp_sharding(plugin: FullyShardedDataParallelPlugin, num_devices: int) -> Sharding:
    """The sharding of FSDP. Weights that are not freed after the forward count as not divided.

    Args:
        plugin ([`~accelerate.FullyShardedDataParallelPlugin`]): The run's settings of FSDP, version 1 or 2.
        num_devices (`int`): Processes that train together.
    """
    if plugin.fsdp_version == 2:
        divided, weights = True, bool(plugin.reshard_after_forward)
        in_host = isinstance(plugin.cpu_offload, CPUOffloadPolicy)
    else:
        strategy = (plugin.sharding_strategy or plugin.reshard_after_forward).name  # as accelerate 1.15 chooses
        divided, weights = strategy != "NO_SHARD", "FULL" in strategy or strategy == "HYBRID_SHARD"
        in_host = isinstance(plugin.cpu_offload, CPUOffload) and plugin.cpu_offload.offload_params
    return Sharding(
        num_devices=num_devices,
        weights=weights,
        gradients=divided,
        optimizer=divided,
        host_weights=in_host,
        host_optimizer=in_host,
    )
