"""Idefics3 and SmolVLM: pages and frames as images, without splitting; real video on SmolVLM2.

Splitting off makes a page one block: 169 tokens and its delimiters, as in the paper. They are 3 tokens, or 6 on
Idefics3-8B, whose tokenizer has none for `<global-img>` and spells it (transformers pull request 32473). The default
`size` would enlarge each page to 1,456 px and shrink it again to 364, which blurs the text and takes four times as
long; the size the vision tower sees is asked for directly.

For the model a video of SmolVLM2 is its frames, as images behind a text each that tells their time. Its processor makes
the pixels of a row's images or of its videos, not of both (transformers 5.23); here a row may have both.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText, VideoText, VideoTimes
from t2vid_hf.models.sizes import size_dict

# Idefics3Processor calls it `global_image_tag` and SmolVLMProcessor `global_image_token`; the text is the same.
GLOBAL_IMAGE = "<global-img>"


class Idefics3Adapter(Adapter):
    """Idefics3 (`idefics3`) and its successor SmolVLM (`smolvlm`), which share their processing.

    Args:
        takes_video (`bool`, *optional*, defaults to `False`): Whether the processor has a video processor (SmolVLM).
        features_in_model_type (`bool`, *optional*, defaults to `False`): Whether the model turns images' features into
            its own type, as SmolVLM's does.
    """

    parts = ModelParts(
        vision=("model.vision_model",), connector=("model.connector",), language=("model.text_model", "lm_head")
    )

    def __init__(self, *, takes_video: bool = False, features_in_model_type: bool = False) -> None:
        self.takes_video = self.video_as_images = takes_video
        self.features_in_model_type = features_in_model_type

    def configure(self, processor: Any) -> None:
        """Show each image whole, at the size that the vision tower sees."""
        image_processor = processor.image_processor
        image_processor.do_image_splitting = False
        image_processor.size = dict(image_processor.max_image_size)

    def page_px(self, processor: Any) -> int:
        """Side of the square that the vision tower sees."""
        return processor.image_processor.max_image_size["longest_edge"]

    def image_text(self, processor: Any, size: tuple[int, int] | None = None) -> ImageText:
        """A border, `<global-img>`, the image's tokens, and the border again."""
        if processor.image_processor.do_image_splitting:
            raise InputError(
                "the processor splits images, so their tokens depend on their size: call adapter.configure(processor)"
            )
        border = processor.fake_image_token
        return ImageText(
            processor.image_token,
            token=processor.image_token,
            repeats=processor.image_seq_len,
            before=border + GLOBAL_IMAGE,
            after=border,
        )

    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of image, border and, where the tokenizer has it, `<global-img>`."""
        tokenizer = processor.tokenizer
        ids = [processor.image_token_id, tokenizer.convert_tokens_to_ids(processor.fake_image_token)]
        ids.append(tokenizer.convert_tokens_to_ids(GLOBAL_IMAGE))
        return tuple(token for token in ids if token is not None)

    def resize(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into the square, by the processor itself."""
        # Two steps, as the processor takes them: first the longer side, then both.
        made = processor.image_processor([list(frames)], do_rescale=False, do_normalize=False, return_tensors="pt")
        return made["pixel_values"][0].byte()  # whole numbers: padding has made them float

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """All images as those of one row."""
        # (1, images, 3, page_px, page_px): the model flattens both, so no row is padded with empty images
        return {"pixel_values": values.unsqueeze(0)}

    def fit_video(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into the square, by the video processor itself."""
        if not self.takes_video:
            return super().fit_video(processor, frames)
        video_processor = processor.video_processor
        fitted = video_processor.resize(
            frames.unsqueeze(0), size_dict(video_processor.size), resample=video_processor.resample
        )[0]
        page_px = self.page_px(processor)
        if fitted.shape[-2:] != (page_px, page_px):
            raise InputError(
                f"the video processor's max_image_size makes frames of {fitted.shape[-1]} px, and images are of "
                f"{page_px} px: set both to the same"
            )
        return fitted

    def video_text(self, processor: Any, video: VideoTimes) -> VideoText:
        """What the processor itself writes: how long the video is, and each frame behind its time."""
        from transformers.video_utils import VideoMetadata

        if not self.takes_video:
            return super().video_text(processor, video)
        image = self.image_text(processor)
        # At one frame a second a frame's number is its second.
        told = VideoMetadata(
            total_num_frames=video.total, fps=1.0, duration=video.duration, frames_indices=list(video.seconds)
        )
        frames = np.empty((1, len(video), 0))  # only their number is asked for
        written = processor.replace_video_token({"pixel_values": frames, "video_metadata": [told]}, video_idx=0)
        run = re.escape(image.token * image.repeats)
        before = re.split(run, written)
        pieces = [ImageText("", image.token, image.repeats, before=text) for text in before[:-1]]
        pieces[-1] = ImageText("", image.token, image.repeats, before=before[-2], after=before[-1])
        return VideoText(processor.video_token, tuple(pieces))

    def video_inputs(self, videos: Sequence[Any]) -> dict[str, Any]:
        """All frames as images: they stand among those of the batch, in the order of the text."""
        import torch

        return self.model_inputs(torch.cat(list(videos))) if self.takes_video else super().video_inputs(videos)
