"""The model of a recipe: how it is loaded, with what PEFT adds to it; in a dry run its shapes alone."""

from typing import Any

from peft import LoraConfig

from t2vid_hf._optional import require
from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter
from t2vid_hf.models.attention import resolve_attention
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.tuning import lora_config, quantization_config, shape_4bit


def check_loads(recipe: RecipeArguments, config: T2VidSFTConfig) -> str:
    """Refuse a way of loading the model that this machine does not have; a dry run needs no 4 bits.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): How the model is loaded.
        config ([`T2VidSFTConfig`]): The trainer's configuration.

    Returns:
        `str`: the attention to load it with.

    Raises:
        [`~t2vid_hf.errors.InputError`]: 4 bits without `bf16` or bitsandbytes, or an attention that cannot run here.
    """
    if recipe.load_in_4bit and not config.bf16:
        # TRL keeps what trains over 4 bits in bfloat16, and without autocast the two do not mix
        raise InputError("load_in_4bit: needs bf16 as well; set bf16: true")
    if recipe.load_in_4bit and not recipe.dry_run:
        require("bitsandbytes", extra="gpu")
    return resolve_attention(recipe.attn_implementation, show=print if config.process_index == 0 else str)


def load_model(recipe: RecipeArguments, attention: str) -> Any:
    """Load the model that a recipe names.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): The model's name, and how it is loaded. In a dry run
            its weights stay on `meta`, of 4 bits too.
        attention (`str`): The attention, see [`check_loads`].

    Returns:
        `PreTrainedModel`

    Raises:
        [`~t2vid_hf.errors.InputError`]: a checkpoint that cannot be loaded.
    """
    model, _, adapter = load_checkpoint(
        recipe.model_name_or_path,
        revision=recipe.model_revision,
        weights=not recipe.dry_run,
        quantization=quantization_config if recipe.load_in_4bit and not recipe.dry_run else None,
        dtype=recipe.dtype,
        attn_implementation=attention,
    )
    if recipe.load_in_4bit and recipe.dry_run:
        shape_4bit(model, adapter.parts)
    return model


def choose_lora(model: Any, adapter: Adapter, recipe: RecipeArguments, config: T2VidSFTConfig) -> LoraConfig | None:
    """What PEFT adds to the model; `None` where the recipe is without LoRA.

    Args:
        model ([`~transformers.PreTrainedModel`]): The base model.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): `lora`, and what goes with it.
        config ([`T2VidSFTConfig`]): The trainer's configuration: the parts that train in full.
    """
    if not recipe.lora:
        return None
    made = lora_config(
        model,
        adapter.parts,
        r=recipe.lora_r,
        alpha=recipe.lora_alpha,
        dropout=recipe.lora_dropout,
        tune_vision=config.tune_vision,
        tune_connector=config.tune_connector,
    )
    made.revision = recipe.model_revision  # whoever loads or merges the adapter takes the base that it was trained on
    return made
