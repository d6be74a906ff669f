"""Fine-tuning: the only place that imports trl and peft."""

from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.config import T2VidSFTConfig
from t2vid_hf.training.trainer import T2VidSFTTrainer

__all__ = ["DataCollatorForVideoLanguageModeling", "T2VidSFTConfig", "T2VidSFTTrainer"]
