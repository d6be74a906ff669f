"""How large Qwen-VL's processors show an image or a video: their own arithmetic, with the budgets that they are set to.

They tell it of pixels only, so it is called here as they call it; `tests/models` holds both to the same sizes.
"""

from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models.mrope import GROUPED

MAX_ASPECT = 200  # the processors' own


def check_shape(height: int, width: int) -> None:
    """Refuse in one line what the processors refuse.

    Args:
        height (`int`): Height of an image, in pixels.
        width (`int`): Its width.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is too long for its width.
    """
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise InputError(
            f"an image of {width} x {height} pixels: the family takes no image that is over {MAX_ASPECT} times as long "
            f"as wide; cut it, or give frame_size: square"
        )


def image_size(processor: Any, height: int, width: int, *, factor: int) -> tuple[int, int]:
    """Height and width that an image is shown at.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The processor, whose budget is read.
        height (`int`): Height of the image, in pixels.
        width (`int`): Its width.
        factor (`int`): Side of a token, in pixels.
    """
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    check_shape(height, width)
    budget = processor.image_processor.size
    return smart_resize(height, width, factor, min_pixels=budget["shortest_edge"], max_pixels=budget["longest_edge"])


def frame_size_of_video(processor: Any, frames: int, *, height: int, width: int, factor: int) -> tuple[int, int]:
    """Height and width that the frames of a video are shown at on Qwen2.5-VL, which bounds the pixels of a frame.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The processor, whose budget is read.
        frames (`int`): How many frames there are; the budget does not depend on it.
        height (`int`): Height of a frame, in pixels.
        width (`int`): Its width.
        factor (`int`): Side of a token, in pixels.
    """
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import smart_resize

    budget = processor.video_processor.size
    return smart_resize(height, width, factor, min_pixels=budget["shortest_edge"], max_pixels=budget["longest_edge"])


def whole_video_size(processor: Any, frames: int, *, height: int, width: int, factor: int) -> tuple[int, int]:
    """Height and width that the frames of a video are shown at on Qwen3-VL, which bounds the pixels of a whole video.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The processor, whose budget is read.
        frames (`int`): How many frames there are.
        height (`int`): Height of a frame, in pixels.
        width (`int`): Its width.
        factor (`int`): Side of a token, in pixels.
    """
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize

    budget, of_a_frame = processor.video_processor.size, processor.video_processor.max_video_tokens * factor**2
    share = max(min(of_a_frame, budget["longest_edge"] // frames), int(budget["shortest_edge"] * 1.05))
    return smart_resize(
        num_frames=frames,
        height=height,
        width=width,
        temporal_factor=GROUPED,
        factor=factor,
        min_pixels=budget["shortest_edge"],
        max_pixels=share * frames,
    )
