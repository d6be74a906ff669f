"""MiniCPM-Llama3-V-2.5 (`minicpmv`): a page is one square, without slices of its parts.

96 tokens and 2 delimiters a page of 448 px, as in the paper. Its training code kept the proportions of a frame
(`--max_slice_nums 1`: 640 x 360 became 602 x 336); here a frame is squeezed into the square, as for every family.
"""

from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText


class MiniCPMAdapter(Adapter):
    """MiniCPM-Llama3-V-2.5, in the implementation of `t2vid_hf.models.minicpm_llama3_v25`."""

    parts = ModelParts(vision=("model.vpm",), connector=("model.resampler",), language=("model.llm", "lm_head"))

    def configure(self, processor: Any) -> None:
        """Squeeze each image into the square, and cut none into slices."""
        processor.image_processor.max_slice_nums = 1
        processor.image_processor.keep_aspect_ratio = False

    def page_px(self, processor: Any) -> int:
        """Side of the square that a slice has as many pixels as."""
        return processor.image_processor.scale_resolution

    def image_text(self, processor: Any) -> ImageText:
        """The image's tokens between `<image>` and `</image>`."""
        image_processor = processor.image_processor
        if image_processor.max_slice_nums != 1 or image_processor.keep_aspect_ratio:
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

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """The pixels as they are."""
        return {"pixel_values": values}
