"""What a checkpoint was trained with, written into its processor: how frames are fitted, and how video is fed.

It stands among the attributes of the image processor, so that every way of saving a processor keeps it, also beside a
LoRA adapter, and transformers alone loads it and leaves it as it is.
"""

from typing import Any, Literal

from t2vid_hf.errors import InputError, unknown

FrameSize = Literal["native", "square"]
FRAME_SIZES: tuple[FrameSize, ...] = ("native", "square")
"""How an image that is not square is shown: in its proportions, as the family's processor does, or squeezed."""
_RECORD = "t2vid"


def recorded(processor: Any) -> dict[str, Any]:
    """What a processor's checkpoint was trained with; empty where it was not trained here.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The processor.
    """
    return dict(vars(processor.image_processor).get(_RECORD) or {})


def record(processor: Any, **settings: Any) -> None:
    """Write into a processor what its model is trained with, beside what is written already.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The processor.
        **settings (`Any`): What can be written as JSON, by name.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown `frame_size`.

    Example:

    ```python
    >>> from types import SimpleNamespace
    >>> from t2vid_hf.models.trained_with import record, recorded
    >>> processor = SimpleNamespace(image_processor=SimpleNamespace())
    >>> record(processor, frame_size="square")
    >>> recorded(processor)
    {'frame_size': 'square'}

    ```
    """
    if settings.get("frame_size") not in (None, *FRAME_SIZES):
        raise unknown("frame_size", settings["frame_size"], FRAME_SIZES)
    setattr(processor.image_processor, _RECORD, {**recorded(processor), **settings})


def set_frame_size(
    processor: Any,
    adapter: Any,
    frame_size: FrameSize | None = None,
    *,
    image_max_pixels: int | None = None,
    video_max_pixels: int | None = None,
) -> None:
    """Record in a processor, before it is configured, how images that are not square are shown.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        frame_size (`str`, *optional*): "native" or "square"; `None` leaves it as it is.
        image_max_pixels (`int`, *optional*): The most pixels of an image or frame; at least those of a page. `None`
            leaves it as it is.
        video_max_pixels (`int`, *optional*): The most pixels of a frame of native video; `None` leaves it as it is.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is unknown, or the family cannot do it.
    """
    if frame_size == "native" and not adapter.keeps_proportions:
        raise InputError("frame_size: native: the family's processor squeezes images by itself; leave it out")
    if frame_size is not None:
        record(processor, frame_size=frame_size)
    budgets = {"image_max_pixels": image_max_pixels, "video_max_pixels": video_max_pixels}
    for name, pixels in budgets.items():
        if pixels is None:
            continue
        if not adapter.sized_tokens:
            raise InputError(f"{name}: the family shows every image at one size; leave it out")
        if name == "image_max_pixels" and adapter.frame_size(processor) == "square":
            raise InputError(f"{name}={pixels} with frame_size: square, which shows every image as a page; give one")
        least = adapter.least_pixels(processor)[name]
        if pixels < least:
            raise InputError(f"{name} is {pixels}, and the family needs at least {least}; give more, or leave it out")
        record(processor, **{name: pixels})
