"""TRL's `SFTConfig` with the few fields that video fine-tuning adds, and the defaults that it needs."""

import os
from dataclasses import dataclass, field

from trl import SFTConfig

from t2vid_hf._processors import available_processors
from t2vid_hf.batches.labels import LABELS
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.models.trained_with import FRAME_SIZES


def _workers() -> int:
    """One for each processor that the rank may use, at most 4: pages are drawn at 10,000 a second and processor."""
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(1, min(4, available_processors() // ranks))


@dataclass
class T2VidSFTConfig(SFTConfig):
    """Configuration of [`~t2vid_hf.training.T2VidSFTTrainer`].

    Args:
        num_frames (`int`, *optional*): Frames taken of each video, by the paper's mid-segment rule, where its part of
            the mixture does not say otherwise; `None` takes 24, or `fps`. Pages are never thinned.
        fps (`float`, *optional*): Frames a second taken of each video, in place of `num_frames`; needs `max_frames`.
        max_frames (`int`, *optional*): With `fps`, the most frames taken of a video.
        video (`str`, *optional*, defaults to `"as_frames"`): How videos are fed, where their part of the mixture does
            not say otherwise: `"as_frames"`, as images, the paper's way; `"native"`, as the family's own video.
        frame_size (`str`, *optional*): How images that are not square are shown: `"native"`, as the family's processor
            shows them, or `"square"`, squeezed, which is written into the checkpoint and served by this package alone;
            `None` leaves it as the checkpoint says, else to the family.
        labels (`str`, *optional*, defaults to `"assistant"`): What is learned: `"assistant"`, its turns with their
            end-of-turn tokens; `"all_text"`, everything but the images' tokens, as the paper's Idefics3 code has it.
        packing (`bool`, *optional*, defaults to `False`): Whether sequences of `max_length` tokens are filled by a plan
            of the epoch; a batch is `per_device_train_batch_size` of them. Rows stay independent of each other.
        padding_free (`bool`, *optional*, defaults to `True`): Whether the rows of a batch stand one behind the other
            and are not padded. Implied by `packing`.
        max_length (`int`, *optional*): The most tokens of a row, with `packing` of a sequence; `None` takes any. A
            longer row is an error, never truncated. TRL's default of 1,024 is shorter than the paper's rows (24 frames
            x 169 tokens).
        max_images (`int`, *optional*): With `packing`, the most images of a sequence: what the vision tower takes at
            a time bounds its memory. `None` is no limit.
        tune_vision (`bool`, *optional*, defaults to `True`): Whether the vision tower trains.
        tune_connector (`bool`, *optional*, defaults to `True`): Whether the connector trains.
        tune_llm (`bool`, *optional*, defaults to `True`): Whether the language model trains; not asked with LoRA.
        vision_learning_rate (`float`, *optional*): The vision tower's learning rate; `None` takes `learning_rate`, the
            language model's.
        connector_learning_rate (`float`, *optional*): The connector's learning rate; `None` takes `learning_rate`.
        dataloader_num_workers (`int`, *optional*): Processes that draw, decode and tokenise; one for each processor
            that the rank may use where it is not given, at most 4.
        remove_unused_columns (`bool`, *optional*, defaults to `False`): Must stay `False`: the collator needs every
            column of the row.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the fields contradict each other, or `labels` is unknown.
    """

    num_frames: int | None = field(
        default=None, metadata={"help": "Frames taken of each video, 24 if not given. Pages are never thinned."}
    )
    fps: float | None = field(default=None, metadata={"help": "Frames a second in place of num_frames."})
    max_frames: int | None = field(default=None, metadata={"help": "With fps, the most frames of a video."})
    video: str = field(default="as_frames", metadata={"help": "How videos are fed: as_frames or native."})
    frame_size: str | None = field(default=None, metadata={"help": "native or square; the family's way if not given."})
    labels: str = field(default="assistant", metadata={"help": "What is learned: assistant or all_text."})
    packing: bool = field(
        default=False, metadata={"help": "Fill sequences of max_length tokens by a plan of the epoch."}
    )
    padding_free: bool = field(
        default=True, metadata={"help": "Put the rows of a batch one behind the other instead of padding them."}
    )
    max_length: int | None = field(
        default=None, metadata={"help": "A longer row is an error, never truncated; with packing, of a sequence."}
    )
    max_images: int | None = field(default=None, metadata={"help": "With packing, the most images of a sequence."})
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
        self.video_policy()  # what contradicts itself ends here
        if self.frame_size not in (None, *FRAME_SIZES):
            raise unknown("frame_size", self.frame_size, FRAME_SIZES)
        if self.remove_unused_columns:
            raise InputError("remove_unused_columns=True would drop the videos of a row; leave it false")
        if self.packing and self.max_length is None:
            raise InputError("packing fills sequences of max_length tokens; set max_length")
        if self.max_images is not None and not self.packing:
            raise InputError("max_images bounds packed sequences; set packing, or leave max_images out")

    def video_policy(self) -> VideoPolicy:
        """How videos are taken, where their part of the mixture does not say it."""
        return VideoPolicy(self.video, self.num_frames, self.fps, self.max_frames)  # type: ignore[arg-type]  # checked
