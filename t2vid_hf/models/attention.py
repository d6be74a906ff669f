"""Which attention a recipe's "auto" stands for."""

from collections.abc import Callable

from transformers.utils import is_flash_attn_2_available

from t2vid_hf.errors import InputError

FLASH = "flash_attention_2"


def resolve_attention(name: str, *, show: Callable[[str], object] = print) -> str:
    """The attention to load a model with.

    Args:
        name (`str`): What the recipe says. `"auto"` is flash attention 2 where the package flash_attn and a CUDA device
            are there, else sdpa; any other name is taken as it is.
        show (`Callable[[str], object]`, *optional*, defaults to `print`): Where a line goes that says what `"auto"`
            became.

    Returns:
        `str`: for `from_pretrained(..., attn_implementation=...)`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: flash attention 2 is asked for and cannot run here.

    Example:

    ```python
    >>> from t2vid_hf.models.attention import resolve_attention
    >>> resolve_attention("eager")
    'eager'

    ```
    """
    there = is_flash_attn_2_available()  # the package, and a device that it runs on
    if name == FLASH and not there:
        raise InputError(
            f"attn_implementation: {FLASH} needs the package flash_attn and a CUDA device; give auto or sdpa"
        )
    if name != "auto":
        return name
    show(
        f"attention: {FLASH}" if there else f"attention: sdpa ({FLASH} needs the package flash_attn and a CUDA device)"
    )
    return FLASH if there else "sdpa"
