"""LLaVA-OneVision: a page is one block of tokens, also where it is the only image of its row.

The family cuts the only image of a row into tiles (at least one, beside the whole: 1,485 tokens) and leaves each of
several whole (730). Nothing switches that off, so the grids of tiles are set to degenerate ones, for which the
processor's and the model's own arithmetic counts 730 for an only image too (transformers 5.23):

- processor, `image_grid_pinpoints = [[px, px - 1]]`: a grid of 1 x 0 tiles, which is no feature and one line break;
- model, `[[0, 0]]`: no tile, so it looks at the whole alone.

The processor still makes the pixels of a tile, which the model drops. It holds for towers whose side in patches is odd
(27 in every published checkpoint); for others `image_text` raises.

A row's only image is squeezed into the square and each of several gets bars, by the processor itself; with `frame_size`
"square" all are squeezed.

A video takes 196 tokens a frame (the model pools them) and one for all. The model's forward takes videos of one length;
within `while_running` it takes those of several, in one pass of the tower, so that every rank calls it as often.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText, VideoText, VideoTimes
from t2vid_hf.models.sizes import size_dict

# A row's only image has one tile more than none: nothing is left of it but the line break.
NO_TILE = [[0, 0]]


class LlavaOnevisionAdapter(Adapter):
    """LLaVA-OneVision (`llava_onevision`)."""

    parts = ModelParts(
        vision=("model.vision_tower",),
        connector=("model.multi_modal_projector", "model.image_newline"),
        language=("model.language_model", "lm_head"),
        # The features are those of the last layer, before it.
        unused=("model.vision_tower.post_layernorm",),
    )
    takes_video = True
    keeps_proportions = True

    def configure(self, processor: Any) -> None:
        """Cut no image into tiles, not even the only one of a row."""
        processor.image_processor.image_grid_pinpoints = _one_line_break(self.page_px(processor))

    def configure_model(self, config: Any) -> None:
        """Let the model look at whole images alone."""
        config.image_grid_pinpoints = NO_TILE

    def page_px(self, processor: Any) -> int:
        """Side of the square that the vision tower sees."""
        return processor.image_processor.size["height"]

    def image_text(self, processor: Any, size: tuple[int, int] | None = None) -> ImageText:
        """The features of a whole image and one line break, without delimiters."""
        if processor.image_processor.image_grid_pinpoints != _one_line_break(self.page_px(processor)):
            raise InputError(
                "the processor cuts a row's only image into tiles, so its tokens depend on its size: call "
                "adapter.configure(processor)"
            )
        if math.isqrt(processor.num_image_tokens) % 2 == 0:
            raise InputError(
                f"an image has {processor.num_image_tokens} features, a square of an even side, for which a row's only "
                f"image cannot be kept whole; published checkpoints have 729"
            )
        # a class token that the model leaves out, and the line break
        features = processor.num_image_tokens - (processor.vision_feature_select_strategy == "default")
        return ImageText(processor.image_token, token=processor.image_token, repeats=features + 1)

    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of image and video."""
        return processor.image_token_id, processor.video_token_id

    def resize(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into the square, as the processor does with a row's only image."""
        image_processor = processor.image_processor
        return image_processor.resize(frames, image_processor.size, image_processor.resample)

    def fit(self, processor: Any, frames: Any, *, alone: bool) -> Any:
        """Squeeze a row's only image; put bars beside each of several."""
        if alone:
            return self.resize(processor, frames)
        image_processor = processor.image_processor
        color = tuple(int(value * 255) for value in image_processor.image_mean)
        return self.resize(processor, image_processor.pad_to_square(images=frames, background_color=color))

    def fit_video(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into the square, by the video processor itself."""
        video_processor = processor.video_processor
        return video_processor.resize(frames, size_dict(video_processor.size), video_processor.resample)

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """The pixels of whole images, and the images' sizes."""
        import torch

        # (images, 1, 3, page_px, page_px): the whole, and no tile. The sizes are read by Python, so they stay here.
        return {
            "pixel_values": values.unsqueeze(1),
            "image_sizes": torch.tensor([list(values.shape[-2:])] * len(values)),
        }

    def video_text(self, processor: Any, video: VideoTimes) -> VideoText:
        """The pooled features of all frames, and one token more."""
        pooled = math.ceil(math.isqrt(processor.num_image_tokens) / 2)
        token = processor.video_token
        return VideoText(token, (ImageText("", token=token, repeats=len(video) * pooled**2 + 1),))

    def video_inputs(self, videos: Sequence[Any]) -> dict[str, Any]:
        """The frames as one array; as a list where videos are of several lengths."""
        import torch

        equal = len({len(video) for video in videos}) == 1
        # (videos, frames, 3, page_px, page_px)
        return {"pixel_values_videos": torch.stack(list(videos)) if equal else list(videos)}

    def tower(self, model: Any) -> Any:
        """The tower, of which one layer is read, or several."""
        from t2vid_hf.models.vision_towers import WholeTower

        layer = model.config.vision_feature_layer
        return WholeTower(model.model.vision_tower, layers=layer if isinstance(layer, list) else [layer])

    @contextmanager
    def while_running(self, model: Any) -> Iterator[None]:
        """Let the model's forward take videos of several lengths."""
        inner = model.model
        own = inner.get_video_features

        def of_any_length(pixel_values_videos: Any, **settings: Any) -> Any:
            if not isinstance(pixel_values_videos, list):
                return own(pixel_values_videos, **settings)
            return _in_one_pass(own, pixel_values_videos, settings)

        nested = "get_video_features" in vars(inner)
        if not nested:
            inner.get_video_features = of_any_length
        try:
            yield
        finally:
            if not nested:
                del inner.get_video_features


def _in_one_pass(own: Any, videos: Sequence[Any], settings: dict[str, Any]) -> Any:
    """The features of videos of several lengths, one behind the other, each with its line break."""
    import torch

    made = own(torch.cat(list(videos)).unsqueeze(0), **settings)
    features = made.pooler_output[0]  # (tokens of all frames and one, hidden_size)
    a_frame = (len(features) - 1) // sum(len(video) for video in videos)
    parts = features[:-1].split([len(video) * a_frame for video in videos])
    made.pooler_output = torch.cat([row for part in parts for row in (part, features[-1:])]).unsqueeze(0)
    return made


def _one_line_break(page_px: int) -> list[list[int]]:
    return [[page_px, page_px - 1]]
