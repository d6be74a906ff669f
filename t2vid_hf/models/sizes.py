"""A processor's size as its own methods take it."""

from typing import Any


def size_dict(size: Any) -> Any:
    """A `SizeDict` of what a processor is set to: a mapping where it was set here, a `SizeDict` where it was loaded.

    Args:
        size (`Mapping` or [`~transformers.image_utils.SizeDict`]): The size.
    """
    from transformers.image_utils import SizeDict

    return size if isinstance(size, SizeDict) else SizeDict(**size)
