"""What differs between model families, as data and a few small methods. No training, no I/O.

A new family is one file here and one line in `ADAPTERS`, keyed by the configuration's `model_type`.
"""

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.idefics3 import Idefics3Adapter
from t2vid_hf.models.internvl import InternVLAdapter
from t2vid_hf.models.llava_onevision import LlavaOnevisionAdapter
from t2vid_hf.models.media_text import ImageText
from t2vid_hf.models.minicpm import MiniCPMAdapter
from t2vid_hf.models.qwen_vl import QwenVLAdapter

ADAPTERS: dict[str, Adapter] = {
    "idefics3": Idefics3Adapter(),
    "internvl": InternVLAdapter(),
    "llava_onevision": LlavaOnevisionAdapter(),
    "minicpmv": MiniCPMAdapter(),
    "qwen2_5_vl": QwenVLAdapter(patch_px=14, timestamps=False),
    "qwen3_vl": QwenVLAdapter(patch_px=16, timestamps=True),
    "smolvlm": Idefics3Adapter(takes_video=True, features_in_model_type=True),
}


def adapter_for(model_type: str) -> Adapter:
    """The adapter of a model family.

    Args:
        model_type (`str`): The family, `model.config.model_type`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no adapter is written for the family.

    Example:

    ```python
    >>> from t2vid_hf.models import adapter_for
    >>> type(adapter_for("idefics3")).__name__
    'Idefics3Adapter'

    ```
    """
    if model_type not in ADAPTERS:
        raise InputError(
            f"no adapter for model_type '{model_type}'; known: {', '.join(sorted(ADAPTERS))}. "
            f"For a vision-language model of another family write t2vid_hf/models/{model_type}.py and its line in "
            f"ADAPTERS: recipes/README.md, 'Adding a model family'"
        )
    return ADAPTERS[model_type]


def register() -> None:
    """Make transformers know the families that it lacks, and `sdpa_packed`; a second call does nothing.

    The recipes call it. In a program of your own, call it before `AutoModelForImageTextToText.from_pretrained`.

    Example:

    ```python
    >>> from transformers import AutoConfig
    >>> from t2vid_hf import models
    >>> models.register()
    >>> AutoConfig.for_model("minicpmv").model_type
    'minicpmv'

    ```
    """
    from t2vid_hf.models import minicpm_llama3_v25, packed_attention

    minicpm_llama3_v25.register()
    packed_attention.register()


__all__ = ["ADAPTERS", "Adapter", "ImageText", "ModelParts", "adapter_for", "register"]
