"""TRL's `SFTConfig` with the few fields that video fine-tuning adds, and the defaults that it needs."""

import os
from dataclasses import dataclass, field

from trl import SFTConfig

from t2vid_hf._processors import available_processors
from t2vid_hf.batches.labels import LABELS
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.models.trained_with import FRAME_SIZES
from t2vid_hf.training.bad_rows import ON_BAD_ROW
from t2vid_hf.training.float32_weights import check_float32
from t2vid_hf.training.honoured_fields import check_fields
from t2vid_hf.training.rehearsal import check_ranges
from t2vid_hf.training.trackers import check_trackers


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
        video (`str`, *optional*): How videos are fed, where their part of the mixture does not say otherwise:
            `"native"`, as the family's own video, the default of families that have one; `"as_frames"`, as images, the
            paper's way and the default of the others.
        frame_size (`str`, *optional*): How images that are not square are shown: `"native"`, as the family's processor
            shows them, or `"square"`, squeezed, which is written into the checkpoint and served by this package alone;
            `None` leaves it as the checkpoint says, else to the family.
        image_max_pixels (`int`, *optional*): On Qwen-VL, the most pixels that an image or a frame among images is shown
            with; smaller ones than a page are enlarged to it. `None` takes as many as a page has, 448 x 448.
        video_max_pixels (`int`, *optional*): On Qwen-VL, the most pixels of a frame of native video, which is then not
            enlarged; `None` shows each with as many as a page has.
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
        on_bad_row (`str`, *optional*, defaults to `"error"`): What a row does whose picture or video does not decode,
            or that is otherwise not what it should be: `"error"` ends the run and names it; `"drop"` leaves it out,
            names it in `bad_rows.jsonl` of `output_dir` and counts it in the log.
        max_bad_share (`float`, *optional*): With `on_bad_row="drop"`, the most bad rows as a share of those that the
            run takes, 0.01 where it is not given; above it the run saves a checkpoint and stops with an error.
        tune_vision (`bool`, *optional*, defaults to `True`): Whether the vision tower trains.
        tune_connector (`bool`, *optional*, defaults to `True`): Whether the connector trains.
        tune_llm (`bool`, *optional*, defaults to `True`): Whether the language model trains; not asked with LoRA.
        vision_feature_cache (`str`, *optional*): Where a frozen vision tower's features are kept, so that each distinct
            picture is computed once: `"memory"`, of each rank its own, or a folder, which ranks, runs and evaluations
            may share. `None` keeps nothing. See [`~t2vid_hf.models.kept_features`].
        vision_feature_cache_gb (`float`, *optional*): With `vision_feature_cache`, the most that is kept, in GB, 4
            where it is not given; what was not asked for longest goes first.
        vision_learning_rate (`float`, *optional*): The vision tower's learning rate; `None` takes `learning_rate`, the
            language model's.
        connector_learning_rate (`float`, *optional*): The connector's learning rate; `None` takes `learning_rate`.
        eval_packing (`bool`, *optional*): Whether evaluations fill sequences, in the order of the rows; `False` pads
            the rows. `None` does as training does, and may be padding-free.
        per_device_eval_batch_size (`int`, *optional*): Rows of a batch of an evaluation, or sequences where it packs;
            `None` takes `per_device_train_batch_size`, because what training has memory for an evaluation has, too.
            Evaluations take every row once, whatever `dataloader_drop_last` and `train_sampling_strategy` say of
            training.
        greater_is_better (`bool`, *optional*): Whether `metric_for_best_model` is to rise; `None` is `False` for a
            loss, that of a source too (`eval_loss/<source>`), and else `True`.
        float32_weights (`bool`, *optional*, defaults to `True`): Whether what trains is kept in float32 while a bf16
            run lasts, at 8 bytes a weight more than without (16 instead of 8 with AdamW): a bfloat16 weight does not
            notice a step of the paper's 5e-6. See `t2vid_hf.training.float32_weights`.
        keep_float32 (`bool`, *optional*, defaults to `False`): Whether the model stays float32 behind the run, and is
            saved so (of LoRA, the adapter); else both have the types of the checkpoint that was loaded, and
            `checkpoint-N` alone has the float32 weights.
        dataloader_num_workers (`int`, *optional*): Processes that draw, decode and tokenise; one for each processor
            that the rank may use where it is not given, at most 4.
        hub_strategy (`str`, *optional*, defaults to `"end"`): When `push_to_hub` publishes: at the end of the run, one
            release with its card. TRL's other ways, which push checkpoints while training waits or goes on, are
            refused.
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
    video: str | None = field(
        default=None, metadata={"help": "as_frames or native; native where the family has video, if not given."}
    )
    frame_size: str | None = field(default=None, metadata={"help": "native or square; the family's way if not given."})
    image_max_pixels: int | None = field(
        default=None, metadata={"help": "Qwen-VL: the most pixels of an image or frame; a page's if not given."}
    )
    video_max_pixels: int | None = field(
        default=None, metadata={"help": "Qwen-VL: the most pixels of a frame of native video; a page's if not given."}
    )
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
    on_bad_row: str = field(
        default="error", metadata={"help": "A row that does not decode: error, or drop, which counts and names it."}
    )
    max_bad_share: float | None = field(
        default=None, metadata={"help": "With on_bad_row=drop, the most bad rows of a run's; 0.01 by default."}
    )
    tune_vision: bool = field(default=True, metadata={"help": "Train the vision tower."})
    tune_connector: bool = field(default=True, metadata={"help": "Train the connector."})
    tune_llm: bool = field(default=True, metadata={"help": "Train the language model."})
    vision_feature_cache: str | None = field(
        default=None, metadata={"help": "Keep the features of a frozen vision tower: memory, or a folder."}
    )
    vision_feature_cache_gb: float | None = field(
        default=None, metadata={"help": "With vision_feature_cache, the most GB that are kept; 4 by default."}
    )
    vision_learning_rate: float | None = field(
        default=None, metadata={"help": "Of the vision tower; learning_rate by default."}
    )
    connector_learning_rate: float | None = field(
        default=None, metadata={"help": "Of the connector; learning_rate by default."}
    )
    eval_packing: bool | None = field(
        default=None, metadata={"help": "Fill sequences in evaluations, or pad their rows; by default as in training."}
    )
    per_device_eval_batch_size: int | None = field(
        default=None, metadata={"help": "As per_device_train_batch_size by default."}
    )
    greater_is_better: bool | None = field(
        default=None, metadata={"help": "Of metric_for_best_model; by default false for a loss, a source's too."}
    )
    float32_weights: bool = field(
        default=True, metadata={"help": "Keep what trains in float32 while a bf16 run lasts."}
    )
    keep_float32: bool = field(
        default=False, metadata={"help": "Leave what trained in float32 behind the run, and save it so."}
    )
    dataloader_num_workers: int = field(
        default_factory=_workers, metadata={"help": "Processes that draw, decode and tokenise."}
    )
    hub_strategy: str = field(default="end", metadata={"help": "When push_to_hub publishes: end alone."})
    remove_unused_columns: bool | None = field(
        default=False, metadata={"help": "Must stay false: the collator needs every column of the row."}
    )

    def __post_init__(self) -> None:
        if self.per_device_eval_batch_size is None:
            self.per_device_eval_batch_size = self.per_device_train_batch_size
        if self.greater_is_better is None and "loss/" in (self.metric_for_best_model or ""):
            self.greater_is_better = False  # the loss of a source; `Trainer` goes by names that end with "loss"
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
        if self.eval_packing and self.max_length is None:
            raise InputError(
                "eval_packing fills sequences of max_length tokens; set max_length, or eval_packing: false"
            )
        if self.max_images is not None and not self.packing:
            raise InputError("max_images bounds packed sequences; set packing, or leave max_images out")
        if self.vision_feature_cache is None and self.vision_feature_cache_gb is not None:
            raise InputError(
                "vision_feature_cache_gb bounds what vision_feature_cache keeps; set that, or leave it out"
            )
        check_ranges(self)
        check_trackers(self.report_to)
        check_float32(self)
        check_fields(self)
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

    def video_policy(self) -> VideoPolicy:
        """How videos are taken, where their part of the mixture does not say it."""
        return VideoPolicy(self.video, self.num_frames, self.fps, self.max_frames)  # type: ignore[arg-type]  # checked
