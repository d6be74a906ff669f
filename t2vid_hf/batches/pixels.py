"""uint8 pixels -> the floating-point values that a vision tower takes, by a table.

A processor's rescaling and normalising is a function of one pixel at a time, and there are 256 of them. The table is
what the processor itself makes of the 256 levels, so the values are the processor's to the bit; pixels travel to the
device as uint8, a quarter of float32, and a grey page as one channel, a twelfth.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from t2vid_hf.batches.encoding import Encoded
    from t2vid_hf.models import Adapter

LEVELS = 256


def normalisation_table(processor: Any) -> Any:
    """What a processor makes of each level of each channel.

    Args:
        processor ([`~transformers.ProcessorMixin`]): A processor with a torchvision image processor, as all have in
            transformers 5.

    Returns:
        `torch.Tensor` of shape `(3, 256)`, float32.

    Example:

    ```python
    >>> import tempfile
    >>> from transformers import AutoProcessor
    >>> from t2vid_hf.models import tiny
    >>> from t2vid_hf.batches.pixels import normalisation_table
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["a"])
    >>> normalisation_table(AutoProcessor.from_pretrained(folder))[:, [0, 255]].tolist()
    [[-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]]

    ```
    """
    import torch

    image_processor = processor.image_processor
    every = torch.arange(LEVELS, dtype=torch.uint8).expand(1, 3, 1, LEVELS)
    made = image_processor.rescale_and_normalize(
        every,
        image_processor.do_rescale,
        image_processor.rescale_factor,
        image_processor.do_normalize,
        image_processor.image_mean,
        image_processor.image_std,
    )
    return made.reshape(3, LEVELS).float()


def apply_table(pixels: Any, table: Any) -> Any:
    """The values that a vision tower takes for pixels.

    Args:
        pixels (`torch.Tensor` of shape `(images, 1 or 3, height, width)`, uint8): Grey pages, or colours.
        table (`torch.Tensor` of shape `(3, 256)`): What [`normalisation_table`] gives, on the device of the pixels and
            in the type wanted.

    Returns:
        `torch.Tensor` of shape `(images, 3, height, width)`, in the type of the table.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.batches.pixels import apply_table
    >>> table = torch.arange(256).expand(3, -1) / 255
    >>> apply_table(torch.full((1, 1, 2, 2), 255, dtype=torch.uint8), table).unique()
    tensor([1.])

    ```
    """
    import torch

    images, channels, height, width = pixels.shape
    index = pixels.to(torch.int32).reshape(images, channels, -1)
    if channels == 1 and torch.equal(table[0], table[1]) and torch.equal(table[0], table[2]):
        values = table[0].index_select(0, index.flatten()).reshape(images, 1, height, width)
        return values.expand(images, 3, height, width)
    made = [table[channel].index_select(0, index[:, channel if channels == 3 else 0].flatten()) for channel in range(3)]
    return torch.stack([values.reshape(images, height, width) for values in made], dim=1)


def stack_images(pixels: Sequence[np.ndarray | list[np.ndarray]]) -> Any:
    """Put the images of several rows into one tensor; grey ones get three equal channels where another has colours.

    Args:
        pixels (`Sequence[np.ndarray]` of shapes `(images, 1 or 3, height, width)`, uint8): The images of each row, or a
            list of such arrays; at least one row.

    Returns:
        `torch.Tensor` of shape `(images of all, 1 or 3, height, width)`, uint8; a list of such tensors, one for each
        run of images of one size, where there are several sizes.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.pixels import stack_images
    >>> page, frames = np.zeros((1, 1, 4, 4), np.uint8), np.zeros((2, 3, 4, 4), np.uint8)
    >>> stack_images([page, frames]).shape
    torch.Size([3, 3, 4, 4])
    >>> [run.shape[0] for run in stack_images([page, frames, np.zeros((1, 3, 2, 8), np.uint8)])]
    [3, 1]

    ```
    """
    import torch

    arrays = [each for row in pixels for each in (row if isinstance(row, list) else [row])]
    runs = equal_runs([each.shape[2:] for each in arrays])
    made = [torch.from_numpy(_stack(arrays[first:last])) for first, last in runs]
    return made[0] if len(made) == 1 else made


def equal_runs(sizes: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Stretches of equal sizes, half-open, in order.

    Args:
        sizes (`Sequence[tuple[int, int]]`): The sizes of images.

    Example:

    ```python
    >>> from t2vid_hf.batches.pixels import equal_runs
    >>> equal_runs([(4, 4), (4, 4), (2, 8)]), equal_runs([])
    ([(0, 2), (2, 3)], [])

    ```
    """
    starts = [number for number, size in enumerate(sizes) if number == 0 or size != sizes[number - 1]]
    return list(zip(starts, [*starts[1:], len(sizes)], strict=False))  # of nothing there is no end either


def _stack(pixels: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of images of one size as one."""
    channels = max(images.shape[1] for images in pixels)
    whole = np.empty((sum(len(images) for images in pixels), channels, *pixels[0].shape[2:]), np.uint8)
    start = 0
    for images in pixels:
        whole[start : start + len(images)] = images  # broadcasts one channel to three
        start += len(images)
    return whole


def model_pixels(adapter: "Adapter", batch: dict[str, Any], table: Any) -> dict[str, Any]:
    """What a model's forward takes for the pixels of a batch, which are taken out of it.

    Args:
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        batch (`dict[str, Any]`): A collator's batch: `pixels` and `video_pixels`, if there, on the model's device.
        table (`torch.Tensor` of shape `(3, 256)`): What [`normalisation_table`] gives, in the type wanted.

    Returns:
        `dict[str, Any]`: keyword arguments of the model's forward.
    """
    import torch

    made: dict[str, Any] = {}
    if (pixels := batch.pop("pixels", None)) is not None:
        runs = [pixels] if isinstance(pixels, torch.Tensor) else pixels
        device = runs[0].device
        made |= adapter.join_inputs([adapter.model_inputs(apply_table(run, table.to(device))) for run in runs])
    if (videos := batch.pop("video_pixels", None)) is not None:
        made |= adapter.video_inputs([apply_table(video, table.to(video.device)) for video in videos])
    return made


def pixel_tensors(encoded: "Sequence[Encoded]") -> dict[str, Any]:
    """The pixels of rows as a batch has them: `pixels` and `video_pixels`, where there are any.

    Args:
        encoded (`Sequence[Encoded]`): The rows.
    """
    import torch

    made: dict[str, Any] = {}
    images = [each.pixels for each in encoded if len(each.pixels)]
    if images:
        made["pixels"] = stack_images(images)
    videos = [torch.from_numpy(np.ascontiguousarray(video)) for each in encoded for video in each.videos]
    if videos:
        made["video_pixels"] = videos
    return made
