"""Fine-tuning: the only place that imports trl and peft, and that when one of its names is first used (8 s)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
    from t2vid_hf.training.sft_config import T2VidSFTConfig
    from t2vid_hf.training.trainer import T2VidSFTTrainer

__all__ = ["DataCollatorForVideoLanguageModeling", "T2VidSFTConfig", "T2VidSFTTrainer"]
_MODULES = {
    "DataCollatorForVideoLanguageModeling": "collator",
    "T2VidSFTConfig": "sft_config",
    "T2VidSFTTrainer": "trainer",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
