"""Images -> pixel values of MiniCPM-Llama3-V-2.5: resized, cut into slices if they are large, normalised.

On the torchvision backend, as the processors of transformers 5 are, but for the resizing of uint8 images in memory:
that is Pillow's bicubic, as published, to the bit. Torchvision's antialiased one differs from it by one or two levels
in 0.2 to 2.6 % of the pixels (noise and smooth images of five sizes). The price, on one core: 3.3 ms instead of 0.6 for
a frame of 640 x 360; a page of the model's own size costs nothing.
"""

from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers.image_processing_backends import TorchvisionBackend
from transformers.image_processing_utils import BatchFeature
from transformers.image_utils import PILImageResampling, SizeDict
from transformers.processing_utils import ImagesKwargs

from t2vid_hf.errors import InputError
from t2vid_hf.models.minicpm_llama3_v25.slicing import slice_grid, sliced_size, whole_size


class MiniCPMVImageProcessorKwargs(ImagesKwargs, total=False):  # type: ignore[call-arg]  # a TypedDict, untyped here
    """
    max_slice_nums (`int`): The most slices of an image; with 1 it is only shown whole.
    scale_resolution (`int`): Side, in pixels, of the square that has as many pixels as a slice.
    patch_size (`int`): Side of a patch, in pixels.
    keep_aspect_ratio (`bool`): Whether an image keeps its proportions (as published) or is squeezed into the square.
    image_feature_size (`int`): Tokens of an image or slice.
    """

    max_slice_nums: int
    scale_resolution: int
    patch_size: int
    keep_aspect_ratio: bool
    image_feature_size: int


class MiniCPMVImageProcessor(TorchvisionBackend):
    """Makes pixel values, with the defaults of the published `preprocessor_config.json`.

    Args:
        max_slice_nums (`int`, *optional*, defaults to `9`): The most slices of an image; with 1 it is only shown whole.
        scale_resolution (`int`, *optional*, defaults to `448`): Side, in pixels, of the square that has as many pixels
            as a slice.
        patch_size (`int`, *optional*, defaults to `14`): Side of a patch, in pixels.
        keep_aspect_ratio (`bool`, *optional*, defaults to `True`): Whether an image keeps its proportions, as
            published. If not, the whole image is one square of `scale_resolution`, and there must be no slices.
        image_feature_size (`int`, *optional*, defaults to `96`): Tokens of an image or slice: the model's `query_num`.
        norm_mean (`list[float]`, *optional*): The published name of `image_mean`.
        norm_std (`list[float]`, *optional*): The published name of `image_std`.

    Returns (by calling it with images, flat or by text):
        `pixel_values` of shape `(images and slices, 3, height, width)`, padded to the largest at the bottom and on the
        right; `target_sizes` `(images and slices, 2)`: rows and columns of patches without the padding; `grids`
        `(images, 2)`: columns and rows of each image's slices, which come right behind it, or zeros.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.models.minicpm_llama3_v25.image_processing import MiniCPMVImageProcessor
    >>> made = MiniCPMVImageProcessor()([np.zeros((700, 500, 3), np.uint8)], return_tensors="pt")
    >>> made["grids"].tolist(), made["target_sizes"].tolist()
    ([[1, 2]], [[38, 27], [27, 38], [27, 38]])

    ```
    """

    resample = PILImageResampling.BICUBIC
    image_mean = [0.5, 0.5, 0.5]
    image_std = [0.5, 0.5, 0.5]
    size = {"height": 448, "width": 448}  # upstream's checks ask for one; the sizes used come of the fields below
    do_resize = True
    do_rescale = True
    do_normalize = True
    do_convert_rgb = True
    max_slice_nums = 9
    scale_resolution = 448
    patch_size = 14
    keep_aspect_ratio = True
    image_feature_size = 96
    valid_kwargs = MiniCPMVImageProcessorKwargs
    model_input_names = ["pixel_values", "target_sizes"]

    def __init__(self, **kwargs: Any) -> None:
        for published, name in (("norm_mean", "image_mean"), ("norm_std", "image_std")):
            if published in kwargs:
                kwargs[name] = kwargs.pop(published)
        kwargs.pop("auto_map", None)  # names files of the published repository, which none saved here has
        version = kwargs.get("version", 2.5)
        if float(version) != 2.5:
            raise InputError(f"an image processor of MiniCPM-V {version}: only version 2.5 is supported")
        super().__init__(**kwargs)

    def resize(self, image: torch.Tensor, size: SizeDict, resample: Any = None, **kwargs: Any) -> torch.Tensor:
        """Resize an image, or several; nothing is done to one of the size wanted.

        Args:
            image (`torch.Tensor` of shape `(..., 3, height, width)`): The image or images.
            size ([`~transformers.image_utils.SizeDict`]): The height and width wanted, in pixels.
            resample (`PILImageResampling`, *optional*): The filter; `None` takes Pillow's default.
            **kwargs (`Any`): Arguments of the backend's own resizing.
        """
        if tuple(image.shape[-2:]) == (size.height, size.width):
            return image
        if image.dtype != torch.uint8 or image.device.type != "cpu":
            return super().resize(image, size, resample=resample, **kwargs)
        frames = image.reshape(-1, *image.shape[-3:]).permute(0, 2, 3, 1).numpy()
        made = [
            np.asarray(Image.fromarray(np.ascontiguousarray(frame)).resize((size.width, size.height), resample))
            for frame in frames
        ]
        resized = torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).contiguous()
        return resized.reshape(*image.shape[:-2], size.height, size.width)

    def _preprocess(
        self,
        images: list[torch.Tensor],
        do_resize: bool,
        resample: Any,
        do_rescale: bool,
        rescale_factor: float,
        do_normalize: bool,
        image_mean: Any,
        image_std: Any,
        max_slice_nums: int,
        scale_resolution: int,
        patch_size: int,
        keep_aspect_ratio: bool,
        return_tensors: Any,
        **kwargs: Any,
    ) -> BatchFeature:
        if not keep_aspect_ratio and max_slice_nums > 1:
            raise InputError("keep_aspect_ratio=False needs max_slice_nums=1: only whole images are made square")
        pieces: list[torch.Tensor] = []
        grids = []
        for image in images:
            grid = (0, 0)
            if not do_resize:
                pieces.append(image)
            elif not keep_aspect_ratio:
                pieces.append(self.resize(image, _size(scale_resolution, scale_resolution), resample))
            else:
                shown, grid = self._slice(image, resample, max_slice_nums, side=scale_resolution, patch=patch_size)
                pieces += shown
            grids.append(grid)
        sizes = torch.tensor([[side // patch_size for side in piece.shape[-2:]] for piece in pieces])
        height, width = (max(piece.shape[side] for piece in pieces) for side in (-2, -1))
        values = torch.zeros(len(pieces), pieces[0].shape[0], height, width)
        for number, piece in enumerate(pieces):
            values[number, :, : piece.shape[-2], : piece.shape[-1]] = self.rescale_and_normalize(
                piece[None], do_rescale, rescale_factor, do_normalize, image_mean, image_std
            )[0]
        data = {"pixel_values": values, "target_sizes": sizes, "grids": torch.tensor(grids)}
        return BatchFeature(data, tensor_type=return_tensors)

    def _slice(
        self, image: torch.Tensor, resample: Any, max_slices: int, *, side: int, patch: int
    ) -> tuple[list[torch.Tensor], tuple[int, int]]:
        """An image as a whole, then its slices row by row, and their columns and rows: zeros where it is not cut."""
        height, width = image.shape[-2:]
        grid = slice_grid(width, height, side=side, max_slices=max_slices)
        size = whole_size(width, height, side=side, patch=patch, enlarge=grid is None)
        whole = self.resize(image, _size(*size), resample)
        if grid is None:
            return [whole], (0, 0)
        large = self.resize(image, _size(*sliced_size(width, height, grid, side=side, patch=patch)), resample)
        columns, rows = grid
        slices = [piece for row in large.chunk(rows, dim=-2) for piece in row.chunk(columns, dim=-1)]
        return [whole, *slices], grid


def _size(width: int, height: int) -> SizeDict:
    return SizeDict(height=height, width=width)
