"""How a run takes video and fits frames: set on the processor, and recorded there for whoever serves the checkpoint."""

from dataclasses import asdict
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter
from t2vid_hf.models.trained_with import record, recorded, set_frame_size


def set_up(processor: Any, adapter: Adapter, args: Any) -> None:
    """Set a processor, in place, to what a run trains with, and record it there.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the family takes no video, or no image in its proportions, and is asked to.
    """
    policy = args.video_policy().settled(adapter)
    if policy.video == "native" and not adapter.takes_video:
        raise InputError("video: native: the model's family takes no video; leave video out, or give as_frames")
    set_frame_size(
        processor, adapter, args.frame_size,
        image_max_pixels=args.image_max_pixels, video_max_pixels=args.video_max_pixels,
    )  # fmt: skip
    if not recorded(processor).get("parts"):  # what the parts of a mixture say is recorded already
        record(processor, videos=[asdict(policy)])
    adapter.configure(processor)


def forget_parts(processor: Any) -> None:
    """Let a processor's record be written anew; it is of an earlier run, whose checkpoint the model is.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor.
    """
    record(processor, parts=False)


def record_parts(processor: Any, adapter: Adapter, args: Any, mixture: Any) -> None:
    """Record in a processor how the parts of a mixture take their videos; a part without any says nothing.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part has native video and the family takes none.
    """
    kinds = mixture.light.select_columns("media").with_format(None)["media"]
    with_video = {pick.part for pick, media in zip(mixture.picks, kinds, strict=True) if media == "video"}
    ways: list[dict[str, Any]] = []
    for number in sorted(with_video):
        part = mixture.parts[number][0]
        policy = args.video_policy().settled(adapter).of_row(part.takes(part.take_frames))
        if policy.video == "native" and not adapter.takes_video:
            raise InputError(f"part '{part.label}': video: native: the model's family takes no video; give as_frames")
        if asdict(policy) not in ways:
            ways.append(asdict(policy))
    record(processor, videos=ways or [asdict(args.video_policy().settled(adapter))], parts=True)


def trains_native_video(processor: Any) -> bool:
    """Whether some of the videos of a run are native.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, which records it.
    """
    return any(way["video"] == "native" for way in recorded(processor).get("videos") or ())
