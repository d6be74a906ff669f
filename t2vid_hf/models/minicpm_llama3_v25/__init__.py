"""MiniCPM-Llama3-V-2.5, native: transformers 5 has no class for it, and its published code was written for 4.40.

`register()` makes `AutoConfig`, `AutoModelForImageTextToText`, `AutoImageProcessor` and `AutoProcessor` load
checkpoints in the published layout, without remote code. Nothing heavy is imported before it is called.
"""


def register() -> None:
    """Make transformers' Auto classes know `model_type` "minicpmv"; a second call does nothing new.

    Example:

    ```python
    >>> from transformers import AutoConfig
    >>> from t2vid_hf.models.minicpm_llama3_v25 import register
    >>> register()
    >>> type(AutoConfig.for_model("minicpmv")).__name__
    'MiniCPMVConfig'

    ```
    """
    from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor
    from transformers.conversion_mapping import register_checkpoint_conversion_mapping

    from t2vid_hf.models.minicpm_llama3_v25.checkpoint import RENAMINGS
    from t2vid_hf.models.minicpm_llama3_v25.configuration import MiniCPMVConfig
    from t2vid_hf.models.minicpm_llama3_v25.image_processing import MiniCPMVImageProcessor
    from t2vid_hf.models.minicpm_llama3_v25.modeling import MiniCPMV
    from t2vid_hf.models.minicpm_llama3_v25.processing import MiniCPMVProcessor

    AutoConfig.register("minicpmv", MiniCPMVConfig, exist_ok=True)
    AutoModelForImageTextToText.register(MiniCPMVConfig, MiniCPMV, exist_ok=True)
    AutoImageProcessor.register(
        MiniCPMVConfig, image_processor_classes={"torchvision": MiniCPMVImageProcessor}, exist_ok=True
    )
    AutoProcessor.register(MiniCPMVConfig, MiniCPMVProcessor, exist_ok=True)
    register_checkpoint_conversion_mapping(MiniCPMV.__name__, RENAMINGS, overwrite=True)


__all__ = ["register"]
