"""The seam between model families: what the collator, the trainer and the generation loop must know of one.

Every page and frame is one square of `page_px` pixels, so that all of them take as many tokens, prices are arithmetic,
and a batch's pixels are one uint8 tensor whatever the family: `model_inputs` lays it out as the model wants it, on the
device. The price: a frame that is not square is squeezed, as Idefics3 and InternVL do by themselves and the paper did.

A family that takes real video besides (`takes_video`) has it as an extension: pages stay images.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.models.media_text import ImageText, VideoText, VideoTimes

LLAMA_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Last names of the linear layers of Llama, and of the language models that are built as it is."""


@dataclass(frozen=True)
class ModelParts:
    """A model's modules by the part they belong to, as paths in `model.named_modules()` of the loaded class.

    Vision, connector and language together cover every parameter, each once.

    Args:
        vision (`tuple[str, ...]`): The vision tower.
        connector (`tuple[str, ...]`): What turns the tower's output into tokens. A path may also be that of a parameter
            which is no submodule's.
        language (`tuple[str, ...]`): The language model, its embeddings and its head.
        lora (`tuple[str, ...]`, *optional*, defaults to `LLAMA_LINEAR`): Last names of the linear layers of the
            language model that LoRA adapts. Vision towers have layers of these names too: take those below `language`.
        unused (`tuple[str, ...]`, *optional*, defaults to `()`): What of these no forward uses, so that it never has a
            gradient.
    """

    vision: tuple[str, ...]
    connector: tuple[str, ...]
    language: tuple[str, ...]
    lora: tuple[str, ...] = LLAMA_LINEAR
    unused: tuple[str, ...] = ()


class Adapter(ABC):
    """What is particular to one family of vision-language models.

    Attributes:
        parts ([`ModelParts`]): The modules of the family's model.
        takes_video (`bool`): Whether a video block can be fed as a video, not only as its frames: the methods
            `video_text` and `video_inputs`, and `position_ids` with `videos`.
        features_in_model_type (`bool`): Whether the model turns images' features into its own `dtype`, not into that
            of the embeddings among which it puts them.
    """

    parts: ModelParts
    takes_video: bool = False
    features_in_model_type: bool = False

    @abstractmethod
    def configure(self, processor: Any) -> None:
        """Set a processor, in place, to one image token block a page or frame.

        The settings are attributes of the processor, so that `save_pretrained` writes them beside the checkpoint and
        whoever loads it sees pages as they were seen in training.

        Args:
            processor ([`~transformers.ProcessorMixin`]): The model's processor.
        """

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
    def image_text(self, processor: Any) -> ImageText:
        """What a configured processor writes for one page or frame, the same for each of them.

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

    @abstractmethod
    def model_inputs(self, values: Any) -> dict[str, Any]:
        """Lay out normalised pixels as the model's forward takes them.

        Args:
            values (`torch.Tensor` of shape `(images, 3, page_px, page_px)`, floating): The images of the whole batch in
                the order of their placeholders; on any device.

        Returns:
            `dict[str, torch.Tensor]`: keyword arguments of the model's forward: `pixel_values` and what goes with it.
        """

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

    def position_ids(self, processor: Any, input_ids: np.ndarray, *, videos: Sequence[VideoTimes] = ()) -> np.ndarray:
        """Positions of a row alone, which make it independent of the rows that it is packed with.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            input_ids (`np.ndarray` of shape `(tokens,)`): The row's tokens.
            videos (`Sequence[VideoTimes]`, *optional*, defaults to `()`): When the frames of its videos are shown, for
                those that are fed as videos, in order.

        Returns:
            `np.ndarray` of shape `(tokens,)`, int64; for models with M-RoPE `(4, tokens)`: the positions in the text,
            then time, height and width.
        """
        return np.arange(len(input_ids))

    def video_text(self, processor: Any, video: VideoTimes) -> VideoText:
        """What a configured processor writes for a video of square frames of `page_px`.

        Args:
            processor ([`~transformers.ProcessorMixin`]): A configured processor.
            video ([`~t2vid_hf.models.media_text.VideoTimes`]): When its frames are shown.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the family takes no video, or the processor is not configured.
        """
        raise _no_video(self)

    def video_inputs(self, values: Any, num_frames: Sequence[int]) -> dict[str, Any]:
        """Lay out normalised frames of videos as the model's forward takes them, beside `model_inputs`.

        Args:
            values (`torch.Tensor` of shape `(frames, 3, page_px, page_px)`, floating): The frames of all videos of the
                batch, in the order of their blocks; on any device.
            num_frames (`Sequence[int]`): How many frames each video has.

        Returns:
            `dict[str, torch.Tensor]`: keyword arguments of the model's forward.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the family takes no video, or not such a batch of them.
        """
        raise _no_video(self)


def _no_video(adapter: Adapter) -> InputError:
    return InputError(f"{type(adapter).__name__} takes no video: give its frames as images")
