"""How a run takes video and fits frames: set on the processor, and recorded there for whoever serves the checkpoint."""

from dataclasses import asdict
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.video_ways import parts_with_video
from t2vid_hf.models import Adapter
from t2vid_hf.models.trained_with import record, recorded, set_frame_size


def set_up(processor: Any, adapter: Adapter, args: Any, dataset: Any = None) -> None:
    """Set a processor, in place, to what a run trains with, and record it there.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor. What it records of an earlier run's videos
            is written anew.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        dataset (`datasets.Dataset` or `datasets.IterableDataset`, *optional*): The rows; those of a mixture take their
            videos as its parts say. `None` takes all as the arguments say.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the tokenizer lacks `eos_token`; the family takes no video, or no image in its
            proportions, and is asked to.
    """
    if args.eos_token is not None and args.eos_token not in processor.tokenizer.get_vocab():
        raise InputError(f"eos_token is '{args.eos_token}', which the model's tokenizer has no token for")
    policy = args.video_policy().settled(adapter)
    if policy.video == "native" and not adapter.takes_video:
        raise InputError("video: native: the model's family takes no video; leave video out, or give as_frames")
    set_frame_size(
        processor, adapter, args.frame_size,
        image_max_pixels=args.image_max_pixels, video_max_pixels=args.video_max_pixels,
    )  # fmt: skip
    ways: list[dict[str, Any]] = []
    for part in parts_with_video(dataset) or () if dataset is not None else ():
        own = policy.of_row(part.takes(part.take_frames))
        if own.video == "native" and not adapter.takes_video:
            raise InputError(f"part '{part.label}': video: native: the model's family takes no video; give as_frames")
        if asdict(own) not in ways:
            ways.append(asdict(own))
    record(processor, videos=ways or [asdict(policy)])
    adapter.configure(processor)


def trains_native_video(processor: Any) -> bool:
    """Whether some of the videos of a run are native.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, which records it.
    """
    return any(way["video"] == "native" for way in recorded(processor).get("videos") or ())
