"""Qwen2.5-VL and Qwen3-VL: pages and frames as images of 448 px, and real video; positions with M-RoPE.

256 tokens and 2 delimiters a page on Qwen2.5-VL, 196 and 2 on Qwen3-VL. The family takes images of any shape within a
budget of pixels; here the budget is that of one square, so that a page is not resized, and a frame that is not square
is squeezed before the processor sees it. Another square that a processor is set to (`shortest_edge` and `longest_edge`
both its pixels, its side a multiple of the patches that make a token) is kept.

A video takes as many tokens for two frames as an image for one. Packed rows need the positions that the models would
compute of one row (`get_rope_index`); they are computed here, by NumPy, where rows are encoded.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText, VideoText, VideoTimes

PAGE_PX = 448
# Of every published checkpoint: patches to a token along a side, frames to a group, positions a second (Qwen2.5-VL).
MERGED, GROUPED, TOKENS_PER_SECOND = 2, 2, 2
# Qwen2.5-VL's processor does not name them, Qwen3-VL's does; they are the same.
START, END = "<|vision_start|>", "<|vision_end|>"
MAX_FRAMES = 768  # what the family's own sampling takes at the most


class QwenVLAdapter(Adapter):
    """Qwen2.5-VL (`qwen2_5_vl`) and Qwen3-VL (`qwen3_vl`).

    Args:
        patch_px (`int`): Side of a patch in pixels: 14 on Qwen2.5-VL, 16 on Qwen3-VL.
        timestamps (`bool`): Whether a video's time is written into the text (Qwen3-VL), or told by the positions.
    """

    takes_video = True

    def __init__(self, patch_px: int, *, timestamps: bool) -> None:
        self.patch_px, self.timestamps = patch_px, timestamps
        # Qwen3-VL alone has learned places of patches, and taps its tower at three depths.
        visual = ("patch_embed", "pos_embed", "blocks") if timestamps else ("patch_embed", "blocks")
        mergers = ("merger", "deepstack_merger_list") if timestamps else ("merger",)
        self.parts = ModelParts(
            vision=tuple(f"model.visual.{name}" for name in visual),
            connector=tuple(f"model.visual.{name}" for name in mergers),
            language=("model.language_model", "lm_head"),
        )

    def configure(self, processor: Any) -> None:
        """Let the budget of an image be one square, and that of a video as many as it has frames."""
        page_px = self.page_px(processor)
        # Within a pixel of the square, because the processor's roots and roundings make 38 x 38 px into 448 x 476.
        least, most = page_px * (page_px - 1), page_px * (page_px + 1)
        processor.image_processor.size = {"shortest_edge": least, "longest_edge": most}
        if self.timestamps:  # Qwen3-VL bounds the pixels of a video, Qwen2.5-VL those of a frame
            least, most = GROUPED * page_px**2, MAX_FRAMES * page_px**2
        processor.video_processor.size = {"shortest_edge": least, "longest_edge": most}
        processor.video_processor.cap_pixels_per_frame = False

    def configure_model(self, config: Any) -> None:
        """Refuse a model with other sizes of patches and groups than published checkpoints have."""
        vision = config.vision_config
        found = [vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size]
        expected = [self.patch_px, MERGED, GROUPED]
        if not self.timestamps:
            found, expected = [*found, vision.tokens_per_second], [*expected, TOKENS_PER_SECOND]
        if found != expected:
            raise InputError(
                f"the model's patch_size, spatial_merge_size, temporal_patch_size and, on Qwen2.5-VL, "
                f"tokens_per_second are {found}; the adapter is written for {expected}, as in published checkpoints"
            )

    def page_px(self, processor: Any) -> int:
        """Side of the square that the processor is set to; 448 where it is set to none."""
        return self._fixed_px(processor) or PAGE_PX

    def image_text(self, processor: Any) -> ImageText:
        """The image's tokens between `<|vision_start|>` and `<|vision_end|>`."""
        if not self._fixed_px(processor):
            raise InputError(
                "the processor resizes images within a budget, so their tokens depend on their size: call "
                "adapter.configure(processor)"
            )
        token = processor.image_token
        # The chat template writes the delimiters, and the processor repeats what stands between them.
        return ImageText(START + token + END, token=token, repeats=self._side(processor) ** 2, before=START, after=END)

    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of image, video and the delimiters."""
        delimiters = processor.tokenizer.convert_tokens_to_ids([START, END])
        return processor.image_token_id, processor.video_token_id, *delimiters

    def resize(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into the square, with the processor's own arithmetic."""
        from transformers.image_processing_backends import TorchvisionBackend
        from transformers.image_utils import SizeDict

        image_processor, page_px = processor.image_processor, self.page_px(processor)
        # The family's own resize keeps the shape; this is what it calls with the size that it has found.
        square = SizeDict(height=page_px, width=page_px)
        return TorchvisionBackend.resize(image_processor, frames, square, image_processor.resample)

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """The patches of the images, and their grids. An image is a group of frames that are all the same."""
        groups = values.unsqueeze(1).expand(-1, GROUPED, -1, -1, -1)
        patches, grid = self._patches(groups, [1] * len(values))
        return {"pixel_values": patches, "image_grid_thw": grid}

    def text_inputs(self, processor: Any, input_ids: np.ndarray) -> dict[str, np.ndarray]:
        """What each token is: 0 text, 1 image, 2 video."""
        types = np.where(input_ids == processor.image_token_id, 1, 0)
        return {"mm_token_type_ids": np.where(input_ids == processor.video_token_id, 2, types)}

    def position_ids(self, processor: Any, input_ids: np.ndarray, *, videos: Sequence[VideoTimes] = ()) -> np.ndarray:
        """What the models' own `get_rope_index` computes of the row alone."""
        side = self._side(processor)
        positions = np.empty((4, len(input_ids)), np.int64)
        positions[0] = np.arange(len(input_ids))
        done = reached = 0  # tokens; the position of the next
        for begin, times in self._find_media(processor, input_ids, videos):
            positions[1:, done:begin] = np.arange(reached, reached + begin - done)
            reached += begin - done
            places = np.indices((len(times), side, side)).reshape(3, -1)  # time, height, width
            places[0] = times[places[0]]
            done = begin + places.shape[1]
            positions[1:, begin:done] = reached + places
            reached += side  # whatever the time has reached: it is the models' own arithmetic
        positions[1:, done:] = np.arange(reached, reached + len(input_ids) - done)
        return positions

    def _find_media(
        self, processor: Any, input_ids: np.ndarray, videos: Sequence[VideoTimes]
    ) -> list[tuple[int, np.ndarray]]:
        """For each medium, in order: where its tokens begin, and how far time advances from group to group of them."""
        tokens, still = self._side(processor) ** 2, np.zeros(1, np.int64)
        image_begins = np.flatnonzero(input_ids == processor.image_token_id)[::tokens]
        group_begins = np.flatnonzero(input_ids == processor.video_token_id)[::tokens]
        groups = [math.ceil(len(video) / GROUPED) for video in videos]
        if sum(groups) != len(group_begins):
            raise InputError(
                f"a row has {len(group_begins)} groups of video frames, and videos of {groups} groups are told of it"
            )
        media = [(begin, still) for begin in image_begins]
        if self.timestamps:
            media += [(begin, still) for begin in group_begins]  # a group of frames is an image behind its time
        else:
            firsts = np.cumsum([0, *groups])[:-1]
            media += [(group_begins[first], _group_times(video)) for first, video in zip(firsts, videos, strict=True)]
        return sorted(media, key=lambda medium: medium[0])

    def video_text(self, processor: Any, video: VideoTimes) -> VideoText:
        """The tokens of each group of frames behind its time (Qwen3-VL), or of all groups in one."""
        self.image_text(processor)  # is it configured?
        token, count = processor.video_token, self._side(processor) ** 2
        placeholder = START + token + END
        if not self.timestamps:
            tokens = math.ceil(len(video) / GROUPED) * count
            return VideoText(placeholder, (ImageText("", token, tokens, before=START, after=END),))
        seconds = [*video.seconds, *video.seconds[-1:] * (-len(video) % GROUPED)]
        groups = zip(seconds[::GROUPED], seconds[GROUPED - 1 :: GROUPED], strict=True)
        before = [f"<{(first + last) / 2:.1f} seconds>{START}" for first, last in groups]
        # The processor (transformers >= 5.12) puts them between the template's own delimiters, which it keeps; versions
        # before that, and vLLM, put them in their place: vllm-project/vllm#46817.
        before[0] = START + before[0]
        after = [END] * (len(before) - 1) + [END + END]
        pieces = [ImageText("", token, count, before=b, after=a) for b, a in zip(before, after, strict=True)]
        return VideoText(placeholder, tuple(pieces))

    def video_inputs(self, values: Any, num_frames: Sequence[int]) -> dict[str, Any]:
        """The patches of the videos, and their grids; a group that is not full is filled with its last frame."""
        import torch

        groups = []
        for frames in values.split(list(num_frames)):
            repeated = frames[-1:].expand(-len(frames) % GROUPED, -1, -1, -1)
            groups.append(torch.cat([frames, repeated]).unflatten(0, (-1, GROUPED)))
        patches, grid = self._patches(torch.cat(groups), [len(group) for group in groups])
        return {"pixel_values_videos": patches, "video_grid_thw": grid}

    def _patches(self, groups: Any, counts: Sequence[int]) -> tuple[Any, Any]:
        """Groups of frames cut into patches, those that become one token behind each other, and their grids.

        Args:
            groups (`torch.Tensor` of shape `(groups, GROUPED, 3, page_px, page_px)`): The groups of all media.
            counts (`Sequence[int]`): How many groups each medium has.
        """
        import torch

        grid = groups.shape[-1] // self.patch_px
        cut = groups.unflatten(4, (grid // MERGED, MERGED, self.patch_px))
        cut = cut.unflatten(3, (grid // MERGED, MERGED, self.patch_px))
        # (groups, frame, channel, row, row in token, y, column, column in token, x) -> a patch is channel, frame, y, x
        patches = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(len(groups) * grid**2, -1)
        return patches, torch.tensor([[count, grid, grid] for count in counts], device=groups.device)

    def _side(self, processor: Any) -> int:
        """Tokens along a side of a page."""
        return self.page_px(processor) // (self.patch_px * MERGED)

    def _fixed_px(self, processor: Any) -> int | None:
        """The side of the one square that a processor is set to, if it is."""
        size = processor.image_processor.size
        page_px = math.isqrt(size["longest_edge"])
        fixed = page_px * (page_px - 1) <= size["shortest_edge"] <= page_px**2
        return page_px if fixed and page_px % (self.patch_px * MERGED) == 0 else None


def _group_times(video: VideoTimes) -> np.ndarray:
    """Positions in time of the groups of a video on Qwen2.5-VL, from its first."""
    groups = math.ceil(len(video) / GROUPED)
    seconds_a_group = GROUPED / (len(video) / video.duration)
    # float32, as in the model: another rounding would be another position
    step = np.float32(TOKENS_PER_SECOND) * np.float32(seconds_a_group)
    return (np.arange(groups, dtype=np.float32) * step).astype(np.int64)
