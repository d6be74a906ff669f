"""What a run would train and take, told without training: `--dry_run`."""

from typing import Any

from peft import LoraConfig, get_peft_model
from rich.console import Console

from t2vid_hf.batches.packing import PackingPlan
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.models import Adapter
from t2vid_hf.training.memory import largest_step
from t2vid_hf.training.model_parts import show_parts, what_trains
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.tuning import freeze, freeze_unused


def dry_run(
    model: Any,
    processor: Any,
    adapter: Adapter,
    config: T2VidSFTConfig,
    *,
    peft_config: LoraConfig | None,
    prices: Prices,
    packing_plan: PackingPlan | None,
) -> None:
    """Print what would train, and what its largest batch would take of each device.

    Args:
        model ([`~transformers.PreTrainedModel`]): The base model; its weights may be on `meta`.
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        config ([`T2VidSFTConfig`]): The trainer's configuration.
        peft_config ([`~peft.LoraConfig`] or `None`): What PEFT would add to the model.
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        packing_plan ([`~t2vid_hf.batches.packing.PackingPlan`] or `None`): Which rows would share a sequence; `None`
            without `packing`.
    """
    if peft_config is None:
        tuned = {"vision": config.tune_vision, "connector": config.tune_connector, "language": config.tune_llm}
        freeze(model, adapter.parts, **tuned)
    else:
        model = get_peft_model(model, peft_config)
        freeze_unused(model, adapter.parts)
    step = largest_step(model, adapter, processor, config, prices=prices, packing_plan=packing_plan)
    if config.process_index == 0:
        show_parts(what_trains(model, adapter.parts), Console().print)
        print(
            f"each of {config.world_size} devices, at {step.tokens:,} tokens and {step.images} images: {step.memory} "
            f"(an estimate)"
        )
