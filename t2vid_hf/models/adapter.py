"""The seam between model families: what the collator, the trainer and the generation loop must know of one.

A page is one square of `page_px` pixels, so that all pages take as many tokens, prices are arithmetic, and a batch's
pixels are one uint8 tensor whatever the family: `model_inputs` lays it out as the model wants it, on the device. A
frame that is not square is shown as the family's own processor shows it, so that what is trained is what is served:
squeezed, as Idefics3 and InternVL do and the paper did, or in its proportions (`keeps_proportions`), unless it is asked
to be squeezed (`frame_size` "square").

A family that takes real video besides (`takes_video`) has it as an extension: pages stay images.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.models.media_text import ImageText, VideoText, VideoTimes
from t2vid_hf.models.modules import LLAMA_LINEAR, ModelParts
from t2vid_hf.models.trained_with import FrameSize, recorded

__all__ = ["LLAMA_LINEAR", "Adapter", "ModelParts", "VideoTimes"]


class Adapter(ABC):
    """What is particular to one family of vision-language models.

    Attributes:
        parts ([`ModelParts`]): The modules of the family's model.
        takes_video (`bool`): Whether a video block can be fed as a video, not only as its frames: the methods
            `video_text`, `fit_video` and `video_inputs`, and `position_ids` with `videos`.
        features_in_model_type (`bool`): Whether the model turns images' features into its own `dtype`, not into that
            of the embeddings among which it puts them.
        keeps_proportions (`bool`): Whether the family's processor shows an image in its proportions; then that is the
            default, and `frame_size` may be "square".
        sized_tokens (`bool`): Whether an image in its proportions takes as many tokens as its size says. Then its
            pixels have a budget, which `image_max_pixels` and `video_max_pixels` set.
        frames_a_group (`int`): How many frames of a video share their tokens.
        video_as_images (`bool`): Whether the frames of a video stand among the images for the model, which tells only
            by the text that they are a video's.
    """

    parts: ModelParts
    takes_video: bool = False
    features_in_model_type: bool = False
    keeps_proportions: bool = False
    sized_tokens: bool = False
    frames_a_group: int = 1
    video_as_images: bool = False

    @abstractmethod
    def configure(self, processor: Any) -> None:
        """Set a processor, in place, to one image token block a page or frame.

        The settings are attributes of the processor, so that `save_pretrained` writes them beside the checkpoint and
        whoever loads it sees pages as they were seen in training.

        Args:
            processor ([`~transformers.ProcessorMixin`]): The model's processor.
        """

    def frame_size(self, processor: Any) -> FrameSize:
        """How images that are not square are shown: what the processor records, or the family's own way."""
        told: FrameSize | None = recorded(processor).get("frame_size")
        return told or ("native" if self.keeps_proportions else "square")

    def configure_model(self, config: Any) -> None:
        """Set a model's configuration, in place, to what `configure` sets of its processor.

        Only where the model counts tokens by itself; by default nothing. It is saved with the model.

        Args:
            config ([`~transformers.PreTrainedConfig`]): The model's configuration, `model.config`.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the model is not built as its adapter expects of the family.
        """
        return None

    @abstractmethod
    def page_px(self, processor: Any) -> int:
        """Side, in pixels, of the square that the vision tower sees: a page of this size is not resized."""

    @abstractmethod
    def image_text(self, processor: Any, size: tuple[int, int] | None = None) -> ImageText:
        """What a configured processor writes for one page or frame.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            size (`tuple[int, int]`, *optional*): What `fitted_size` gives, where tokens depend on it (`sized_tokens`);
                `None` for a square page.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the processor is not configured, so that the number of tokens would
                depend on an image's size.
        """

    @abstractmethod
    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of the placeholders and delimiters of images; they are never supervised."""

    @abstractmethod
    def resize(self, processor: Any, frames: Any) -> Any:
        """Resize frames to the square that the vision tower sees, exactly as the processor does.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            frames (`torch.Tensor` of shape `(frames, 3, height, width)`, uint8): Frames of one size.

        Returns:
            `torch.Tensor` of shape `(frames, 3, page_px, page_px)`, uint8.
        """

    def fitted_size(self, processor: Any, height: int, width: int) -> tuple[int, int]:
        """Height and width that the vision tower sees an image at, which the family's processor fits by itself."""
        page_px = self.page_px(processor)
        return page_px, page_px

    def fit(self, processor: Any, frames: Any, *, alone: bool) -> Any:
        """Fit images exactly as the family's processor does by itself.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            frames (`torch.Tensor` of shape `(images, 3, height, width)`, uint8): Images of one size.
            alone (`bool`): Whether it is the only image of its row.

        Returns:
            `torch.Tensor` of shape `(images, 3, *fitted_size)`, uint8.
        """
        return self.resize(processor, frames)

    @abstractmethod
    def model_inputs(self, values: Any) -> dict[str, Any]:
        """Lay out normalised pixels as the model's forward takes them.

        Args:
            values (`torch.Tensor` of shape `(images, 3, height, width)`, floating): The images of the whole batch in
                the order of their placeholders, all of one size; on any device.

        Returns:
            `dict[str, torch.Tensor]`: keyword arguments of the model's forward: `pixel_values` and what goes with it.
        """

    def join_inputs(self, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Put together what `model_inputs` made of runs of images of one size each, in order."""
        import torch

        return {name: torch.cat([run[name] for run in runs]) for name in runs[0]} if len(runs) > 1 else runs[0]

    def text_inputs(self, processor: Any, input_ids: np.ndarray) -> dict[str, np.ndarray]:
        """What a model that is given no `position_ids` (in `generate`, or with padded rows) needs beside the ids.

        By default nothing. Without it Qwen2.5-VL takes the positions of text for its images, and does not say so.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            input_ids (`np.ndarray` of shape `(..., tokens)`): The tokens of rows.

        Returns:
            `dict[str, np.ndarray]`: keyword arguments, of the shape of `input_ids`.
        """
        return {}

    def position_ids(
        self,
        processor: Any,
        input_ids: np.ndarray,
        *,
        images: Sequence[tuple[int, int]] | None = None,
        videos: Sequence[VideoTimes] = (),
    ) -> np.ndarray:
        """Positions of a row alone, which make it independent of the rows that it is packed with.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            input_ids (`np.ndarray` of shape `(tokens,)`): The row's tokens.
            images (`Sequence[tuple[int, int]]`, *optional*): Height and width that each image is seen at, in order;
                `None` where all are square pages.
            videos (`Sequence[VideoTimes]`, *optional*, defaults to `()`): When the frames of its videos are shown, for
                those that are fed as videos, in order.

        Returns:
            `np.ndarray` of shape `(tokens,)`, int64; for models with M-RoPE `(4, tokens)`: the positions in the text,
            then time, height and width.
        """
        return np.arange(len(input_ids))

    def fitted_video_size(self, processor: Any, frames: int, *, height: int, width: int) -> tuple[int, int]:
        """Height and width that the tower sees the frames of a video at, which the processor fits by itself."""
        page_px = self.page_px(processor)
        return page_px, page_px

    def fit_video(self, processor: Any, frames: Any) -> Any:
        """Fit the frames of one video, `(frames, 3, height, width)`, exactly as the family's video processor does."""
        raise _no_video(self)

    def video_text(self, processor: Any, video: VideoTimes) -> VideoText:
        """What a configured processor writes for a video.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            video ([`~t2vid_hf.models.media_text.VideoTimes`]): When its frames are shown, and at what size.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the family takes no video, or the processor is not configured.
        """
        raise _no_video(self)

    def video_inputs(self, videos: Sequence[Any]) -> dict[str, Any]:
        """Lay out normalised frames of videos as the model's forward takes them, beside `model_inputs`.

        Args:
            videos (`Sequence[torch.Tensor]` of shapes `(frames, 3, height, width)`, floating): The videos of the batch,
                in the order of their blocks; on any device.

        Returns:
            `dict[str, Any]`: keyword arguments of the model's forward.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the family takes no video.
        """
        raise _no_video(self)

    def tower(self, model: Any) -> Any:
        """The vision tower, as its features are kept: a [`~t2vid_hf.models.vision_towers.VisionTower`].

        Args:
            model ([`~transformers.PreTrainedModel`]): The bare model.
        """
        from t2vid_hf.models.block_tower import BlockTower
        from t2vid_hf.models.vision_towers import WholeTower

        first, *more = self.parts.vision
        if not more:
            return WholeTower(model.get_submodule(first))
        return BlockTower(model.get_submodule(first.rpartition(".")[0]), inside=(first, *more))

    @contextmanager
    def while_running(self, model: Any) -> Iterator[None]:
        """What a model needs around its forwards to take every batch that is made here; by default nothing."""
        yield


def _no_video(adapter: Adapter) -> InputError:
    return InputError(f"{type(adapter).__name__} takes no video: give its frames as images, video: as_frames")
