"""What a checkpoint was trained with, written into its processor: how frames are fitted, and how video is fed.

It stands among the attributes of the image processor, so that every way of saving a processor keeps it, also beside a
LoRA adapter, and transformers alone loads it and leaves it as it is.
"""

from typing import Any, Literal

from t2vid_hf.errors import unknown

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
