"""MiniCPM-Llama3-V-2.5 (`minicpmv`): an image is shown whole, without slices of its parts.

96 tokens and 2 delimiters a page of 448 px, as in the paper. A frame keeps its proportions, as in the paper's training
code (`--max_slice_nums 1`: 640 x 360 becomes 602 x 336), and takes as many tokens; with `frame_size` "square" it is
squeezed. Images of several sizes in a batch are padded, and the padding is masked (`mask_padded_patches`), so that
each is independent of the others.
"""

from collections.abc import Sequence
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText


class MiniCPMAdapter(Adapter):
    """MiniCPM-Llama3-V-2.5, in the implementation of `t2vid_hf.models.minicpm_llama3_v25`."""

    parts = ModelParts(vision=("model.vpm",), connector=("model.resampler",), language=("model.llm", "lm_head"))
    keeps_proportions = True
    _patch_px = 14  # of every published checkpoint

    def configure(self, processor: Any) -> None:
        """Show each image whole, in its proportions or squeezed."""
        processor.image_processor.max_slice_nums = 1
        processor.image_processor.keep_aspect_ratio = self.frame_size(processor) == "native"

    def configure_model(self, config: Any) -> None:
        """Let no image depend on the sizes of others."""
        config.mask_padded_patches = True

    def page_px(self, processor: Any) -> int:
        """Side of the square that a slice has as many pixels as."""
        return processor.image_processor.scale_resolution

    def image_text(self, processor: Any, size: tuple[int, int] | None = None) -> ImageText:
        """The image's tokens between `<image>` and `</image>`."""
        image_processor = processor.image_processor
        if image_processor.max_slice_nums != 1:
            raise InputError(
                "the processor cuts images into slices, so their tokens depend on their size: call "
                "adapter.configure(processor)"
            )
        from t2vid_hf.models.minicpm_llama3_v25.processing import IMAGE_END, IMAGE_START, IMAGE_TOKEN

        return ImageText(
            processor.image_token,
            token=IMAGE_TOKEN,
            repeats=image_processor.image_feature_size,
            before=IMAGE_START,
            after=IMAGE_END,
        )

    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of `<unk>` and of the delimiters of images and slices."""
        from t2vid_hf.models.minicpm_llama3_v25 import processing

        tokens = [processing.IMAGE_TOKEN, processing.IMAGE_START, processing.IMAGE_END]
        tokens += [processing.SLICES_START, processing.SLICES_END]
        return tuple(processor.tokenizer.convert_tokens_to_ids(tokens))

    def resize(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into the square, as the processor does."""
        from transformers.image_utils import SizeDict

        side = self.page_px(processor)
        image_processor = processor.image_processor
        return image_processor.resize(frames, SizeDict(height=side, width=side), image_processor.resample)

    def fitted_size(self, processor: Any, height: int, width: int) -> tuple[int, int]:
        """As many pixels as the square has, in whole patches and in the image's proportions."""
        from t2vid_hf.models.minicpm_llama3_v25.slicing import whole_size

        image_processor = processor.image_processor
        seen = whole_size(
            width, height, side=image_processor.scale_resolution, patch=image_processor.patch_size, enlarge=True
        )
        return seen[1], seen[0]

    def fit(self, processor: Any, frames: Any, *, alone: bool) -> Any:
        """Bring images to that size, as the processor does."""
        from transformers.image_utils import SizeDict

        height, width = self.fitted_size(processor, *frames.shape[-2:])
        image_processor = processor.image_processor
        return image_processor.resize(frames, SizeDict(height=height, width=width), image_processor.resample)

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """The pixels as they are, and how many patches each has."""
        import torch

        rows, columns = (side // self._patch_px for side in values.shape[-2:])
        # They are read by Python, so they stay here.
        return {"pixel_values": values, "target_sizes": torch.tensor([[rows, columns]] * len(values))}

    def join_inputs(self, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Pad images to the largest, at the bottom and on the right, as the processor does."""
        import torch

        if len(runs) == 1:
            return runs[0]
        pixels = [run["pixel_values"] for run in runs]
        height, width = (max(each.shape[side] for each in pixels) for side in (-2, -1))
        padded = [
            torch.nn.functional.pad(each, (0, width - each.shape[-1], 0, height - each.shape[-2])) for each in pixels
        ]
        return {"pixel_values": torch.cat(padded), "target_sizes": torch.cat([run["target_sizes"] for run in runs])}

    def tower(self, model: Any) -> Any:
        """The tower, which sees the patches of an image in a line."""
        from t2vid_hf.models.vision_towers import WholeTower

        return WholeTower(model.model.vpm, in_lines=True)
