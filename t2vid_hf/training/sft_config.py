"""TRL's `SFTConfig` with the few fields that video fine-tuning adds, and the defaults that it needs."""

import os
from dataclasses import dataclass, field

from trl import SFTConfig

from t2vid_hf._processors import available_processors
from t2vid_hf.batches.labels import LABELS
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.training.bad_rows import ON_BAD_ROW


def _workers() -> int:
    """One a processor that the rank may use, and 4 at the most: pages are drawn at 10,000 a second and processor."""
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(4, available_processors() // ranks))


@dataclass
class T2VidSFTConfig(SFTConfig):
    """Configuration of [`~t2vid_hf.training.T2VidSFTTrainer`].

    Args:
        num_frames (`int`): Frames taken of each video, by the paper's mid-segment rule, where its part of the mixture
            does not say otherwise. Pages are never thinned.
        labels (`str`): What is learned: `"assistant"`, its turns with their end-of-turn tokens; `"all_text"`,
            everything but the images' tokens, as the paper's Idefics3 code has it.
        packing (`bool`): Fill sequences of `max_length` tokens by a plan of the epoch; a batch is
            `per_device_train_batch_size` of them. Rows stay independent of each other.
        padding_free (`bool`): Put the rows of a batch one behind the other instead of padding them; `True` by
            default. Implied by `packing`.
        max_length (`int`, *optional*): A longer row is an error, never truncated. TRL's default of 1,024 is shorter
            than the paper's rows (24 frames x 169 tokens). With `packing` the tokens of a sequence.
        max_images (`int`, *optional*): With `packing`, the most images of a sequence: what the vision tower takes at
            a time bounds its memory.
        on_bad_row (`str`): What a row does whose picture or video does not decode, or that is otherwise not what it
            should be: `"error"` ends the run and names it; `"drop"` leaves it out, names it in `bad_rows.jsonl` of
            `output_dir` and counts it in the log.
        max_bad_share (`float`, *optional*): With `on_bad_row="drop"`, the most bad rows as a share of those that the
            run takes; above it the run saves a checkpoint and stops with an error. 0.01 by default.
        tune_vision (`bool`), tune_connector (`bool`), tune_llm (`bool`): The parts of the model that train.
        vision_learning_rate (`float`, *optional*), connector_learning_rate (`float`, *optional*): `learning_rate` by
            default, which is the language model's.
        dataloader_num_workers (`int`): Processes that draw, decode and tokenise; by default one a processor, at most 4.
        remove_unused_columns (`bool`): Must stay `False`: the collator needs every column of the row.
    """

    num_frames: int = field(default=24, metadata={"help": "Frames taken of each video. Pages are never thinned."})
    labels: str = field(default="assistant", metadata={"help": "What is learned: assistant or all_text."})
    padding_free: bool = field(
        default=True, metadata={"help": "Put the rows of a batch one behind the other instead of padding them."}
    )
    max_length: int | None = field(
        default=None, metadata={"help": "A longer row is an error, never truncated; with packing, of a sequence."}
    )
    max_images: int | None = field(default=None, metadata={"help": "With packing, the most images of a sequence."})
    on_bad_row: str = field(
        default="error", metadata={"help": "A row that does not decode: error, or drop, which counts and names it."}
    )
    max_bad_share: float | None = field(
        default=None, metadata={"help": "With on_bad_row=drop, the most bad rows of a run's; 0.01 by default."}
    )
    tune_vision: bool = field(default=True, metadata={"help": "Train the vision tower."})
    tune_connector: bool = field(default=True, metadata={"help": "Train the connector."})
    tune_llm: bool = field(default=True, metadata={"help": "Train the language model."})
    vision_learning_rate: float | None = field(
        default=None, metadata={"help": "Of the vision tower; learning_rate by default."}
    )
    connector_learning_rate: float | None = field(
        default=None, metadata={"help": "Of the connector; learning_rate by default."}
    )
    dataloader_num_workers: int = field(
        default_factory=_workers, metadata={"help": "Processes that draw, decode and tokenise."}
    )
    remove_unused_columns: bool | None = field(
        default=False, metadata={"help": "Must stay false: the collator needs every column of the row."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels not in LABELS:
            raise unknown("labels", self.labels, LABELS)
        if self.remove_unused_columns:
            raise InputError("remove_unused_columns=True would drop the videos of a row; leave it false")
        if self.packing and self.max_length is None:
            raise InputError("packing fills sequences of max_length tokens; set max_length")
        if self.max_images is not None and not self.packing:
            raise InputError("max_images bounds packed sequences; set packing, or leave max_images out")
        self._check_bad_rows()

    def _check_bad_rows(self) -> None:
        if self.on_bad_row not in ON_BAD_ROW:
            raise unknown("on_bad_row", self.on_bad_row, ON_BAD_ROW)
        if self.on_bad_row == "error":
            if self.max_bad_share is not None:
                raise InputError("max_bad_share counts rows that are left out; set on_bad_row: drop, or leave it out")
        elif self.max_bad_share is None:
            self.max_bad_share = 0.01
        elif not 0 <= self.max_bad_share <= 1:
            raise InputError(f"max_bad_share is {self.max_bad_share}; give a share of the rows, from 0 to 1")
