"""Which attention a recipe's "auto" stands for."""

from collections.abc import Callable

from transformers.utils.import_utils import (
    KERNELS_MAX_VERSION,
    KERNELS_MIN_VERSION,
    is_flash_attn_2_available,
    is_kernels_available,
    is_torch_cuda_available,
)

from t2vid_hf.errors import InputError
from t2vid_hf.models.packed_attention import SDPA_PACKED

FLASH = "flash_attention_2"
# Compiled code from the Hub, so one commit of it: PyTorch's stable ABI, torch >= 2.10. Builds before it, and this one's
# for CUDA 12.8, fail in the backward of grouped-query attention (huggingface/kernels-community#1085).
FLASH_KERNEL = "kernels-community/flash-attn2@0510be1e482269a46fadf30069aca3ede496ff9b"


def resolve_attention(name: str, *, show: Callable[[str], object] = print) -> str:
    """The attention to load a model with.

    Args:
        name (`str`): What the recipe says. `"auto"` is, on a CUDA device, flash attention 2 where the package
            flash_attn is there, or its kernel from the Hub where the package kernels is; else `"sdpa_packed"`. Any
            other name is taken as it is.
        show (`Callable[[str], object]`, *optional*, defaults to `print`): Where a line goes that says what `"auto"`
            became.

    Returns:
        `str`: for [`~t2vid_hf.models.loading.load_checkpoint`], or `from_pretrained(..., attn_implementation=...)`
        after `t2vid_hf.models.register()`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: flash attention 2, or a kernel from the Hub, is asked for and cannot run here.

    Example:

    ```python
    >>> from t2vid_hf.models.attention import resolve_attention
    >>> resolve_attention("eager")
    'eager'

    ```
    """
    compiled = is_flash_attn_2_available()  # the package, and a device that it runs on
    if name == FLASH and not compiled:
        raise InputError(
            f"attn_implementation: {FLASH} needs the package flash_attn and a CUDA device; give auto or sdpa_packed"
        )
    kernels = is_kernels_available()  # in a release that transformers knows
    if "/" in name and not kernels:
        raise InputError(
            f"attn_implementation: {name} is a kernel from the Hub, which needs the package kernels (>= "
            f"{KERNELS_MIN_VERSION}, < {KERNELS_MAX_VERSION}): pip install 't2vid-hf[kernels]'; or give auto"
        )
    if name != "auto":
        return name
    if compiled:
        show(f"attention: {FLASH}")
        return FLASH
    if kernels and is_torch_cuda_available():
        show(f"attention: {FLASH_KERNEL} (the package kernels is here, and flash_attn is not)")
        return FLASH_KERNEL
    show(f"attention: {SDPA_PACKED} ({FLASH} needs a CUDA device and the package flash_attn or kernels)")
    return SDPA_PACKED
