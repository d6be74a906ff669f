"""What a run would train and take, told without training: `--dry_run`."""

from typing import Any

from peft import LoraConfig, get_peft_model
from rich.console import Console
from transformers.utils import is_bitsandbytes_available, is_torch_bf16_gpu_available

from t2vid_hf.batches.packing import PackingPlan
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.models import Adapter
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.memory import largest_step
from t2vid_hf.training.model_parts import show_parts, what_trains
from t2vid_hf.training.rehearsal import rehearse
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.tuning import freeze, freeze_unused


def dry_run(
    model: Any,
    processor: Any,
    adapter: Adapter,
    recipe: RecipeArguments,
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
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): How the model is loaded.
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
        for line in what_is_lacking(recipe, config):
            print(f"this machine cannot train it: {line}")


def what_is_lacking(recipe: RecipeArguments, config: T2VidSFTConfig) -> list[str]:
    """What a run needs that this machine does not have, and its dry run does without.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): How the model is loaded.
        config ([`T2VidSFTConfig`]): The trainer's configuration.
    """
    lines = rehearse(config)
    if config.bf16 and not is_torch_bf16_gpu_available():
        lines.append("bf16, in which it is counted, needs a GPU that has it (or use_cpu: true)")
    if recipe.load_in_4bit and not is_bitsandbytes_available():
        lines.append("load_in_4bit needs bitsandbytes: pip install 't2vid-hf[gpu]'")
    return lines
