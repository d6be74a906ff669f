"""TRL's `SFTConfig` with the few fields that video fine-tuning adds, and the defaults that it needs."""

from dataclasses import dataclass, field

from trl import SFTConfig


@dataclass
class T2VidSFTConfig(SFTConfig):
    """Configuration of [`~t2vid_hf.training.T2VidSFTTrainer`].

    Args:
        num_frames (`int`): Frames taken of each video, by the paper's mid-segment rule. Pages are never thinned.
        max_length (`int`, *optional*): A longer row is an error, never truncated. TRL's default of 1,024 is shorter
            than the paper's rows (24 frames x 169 tokens).
        remove_unused_columns (`bool`): Must stay `False`: the collator needs every column of the row.
    """

    num_frames: int = field(default=24, metadata={"help": "Frames taken of each video. Pages are never thinned."})
    max_length: int | None = field(
        default=None, metadata={"help": "A longer row is an error, never truncated. None: no limit."}
    )
    remove_unused_columns: bool | None = field(
        default=False, metadata={"help": "Must stay false: the collator needs every column of the row."}
    )
