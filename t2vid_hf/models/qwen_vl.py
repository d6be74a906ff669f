"""Qwen2.5-VL and Qwen3-VL: pages and frames as images of 448 x 448 px worth, and real video; positions with M-RoPE.

256 tokens and 2 delimiters a page on Qwen2.5-VL, 196 and 2 on Qwen3-VL. The family takes images of any shape within a
budget of pixels; here the budget is that of one square, so that a page is not resized, and a frame of 640 x 360 is seen
at 588 x 336: 252 tokens. `image_max_pixels` raises it, and `video_max_pixels` is that of a frame of native video. With
`frame_size` "square" an image is squeezed before the processor sees it. Another square that a processor is set to
(`shortest_edge` and `longest_edge` both its pixels, its side a multiple of the patches that make a token) is kept.

A video takes as many tokens for two frames as an image for one. Packed rows need the positions that the models would
compute of one row (`get_rope_index`); they are computed by NumPy (`mrope.py`), where rows are encoded.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText, VideoText, VideoTimes
from t2vid_hf.models.mrope import GROUPED, TOKENS_PER_SECOND, find_media, mrope_positions
from t2vid_hf.models.qwen_sizes import check_shape, frame_size_of_video, image_size, whole_video_size
from t2vid_hf.models.sizes import size_dict
from t2vid_hf.models.trained_with import recorded

PAGE_PX = 448
MERGED = 2  # patches to a token along a side, on every published checkpoint
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
    keeps_proportions = True
    sized_tokens = True
    frames_a_group = GROUPED

    def __init__(self, patch_px: int, *, timestamps: bool) -> None:
        self.patch_px, self.timestamps = patch_px, timestamps
        self._side_px = patch_px * MERGED  # of a token
        # Qwen3-VL alone has learned places of patches, and taps its tower at three depths.
        visual = ("patch_embed", "pos_embed", "blocks") if timestamps else ("patch_embed", "blocks")
        mergers = ("merger", "deepstack_merger_list") if timestamps else ("merger",)
        self.parts = ModelParts(
            vision=tuple(f"model.visual.{name}" for name in visual),
            connector=tuple(f"model.visual.{name}" for name in mergers),
            language=("model.language_model", "lm_head"),
        )

    def configure(self, processor: Any) -> None:
        """Let the budget of an image be one square, and that of each frame of a video, too, unless others are set."""
        page_px, budgets = self.page_px(processor), recorded(processor)
        # Within a pixel of the square, because the processor's roots and roundings make 38 x 38 px into 448 x 476.
        least, most = page_px * (page_px - 1), page_px * (page_px + 1)
        longest = max(most, budgets.get("image_max_pixels") or 0)
        processor.image_processor.size = {"shortest_edge": least, "longest_edge": longest}
        video_processor, of_frame = processor.video_processor, budgets.get("video_max_pixels")
        if of_frame:
            least, most = min(least, self.least_pixels(processor)["video_max_pixels"]), of_frame
        if self.timestamps:  # Qwen3-VL bounds the pixels of a whole video, Qwen2.5-VL those of a frame
            # so low that it does not lift what a frame may have
            least, most = min(least, page_px**2 // 2), MAX_FRAMES * (of_frame or page_px**2)
            video_processor.max_video_tokens = (of_frame or page_px**2) // self._side_px**2  # of a frame
        video_processor.size = {"shortest_edge": least, "longest_edge": most}
        video_processor.cap_pixels_per_frame = self.timestamps

    def least_pixels(self, processor: Any) -> dict[str, int]:
        """What budgets may not be below: an image's a page, of which nothing may be lost; a frame's four tokens."""
        return {"image_max_pixels": self.page_px(processor) ** 2, "video_max_pixels": (MERGED * self._side_px) ** 2}

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

    def image_text(self, processor: Any, size: tuple[int, int] | None = None) -> ImageText:
        """The image's tokens between `<|vision_start|>` and `<|vision_end|>`."""
        if not self._fixed_px(processor):
            raise InputError(
                "the processor resizes images within a budget, so their tokens depend on their size: call "
                "adapter.configure(processor)"
            )
        token = processor.image_token
        # The chat template writes the delimiters, and the processor repeats what stands between them.
        rows, columns = self._grid(processor, size)
        return ImageText(START + token + END, token=token, repeats=rows * columns, before=START, after=END)

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

    def fitted_size(self, processor: Any, height: int, width: int) -> tuple[int, int]:
        """Within the budget, in whole tokens."""
        return image_size(processor, height, width, factor=self._side_px)

    def fit(self, processor: Any, frames: Any, *, alone: bool) -> Any:
        """Bring images to their size within the budget, by the processor itself."""
        check_shape(*frames.shape[-2:])
        image_processor = processor.image_processor
        return image_processor.resize(
            frames, size_dict(image_processor.size), image_processor.resample, factor=self._side_px
        )

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """The patches of the images, and their grids. An image is a group of frames that are all the same."""
        groups = values.unsqueeze(1).expand(-1, GROUPED, -1, -1, -1)
        patches, grid = self._patches(groups, [1] * len(values))
        return {"pixel_values": patches, "image_grid_thw": grid}

    def text_inputs(self, processor: Any, input_ids: np.ndarray) -> dict[str, np.ndarray]:
        """What each token is: 0 text, 1 image, 2 video."""
        types = np.where(input_ids == processor.image_token_id, 1, 0)
        return {"mm_token_type_ids": np.where(input_ids == processor.video_token_id, 2, types)}

    def position_ids(
        self,
        processor: Any,
        input_ids: np.ndarray,
        *,
        images: Sequence[tuple[int, int]] | None = None,
        videos: Sequence[VideoTimes] = (),
    ) -> np.ndarray:
        """What the models' own `get_rope_index` computes of the row alone."""
        image_places = np.flatnonzero(input_ids == processor.image_token_id)
        square = self._grid(processor, None)
        if images is None:
            grids = [square] * (len(image_places) // math.prod(square))
        else:
            grids = [self._grid(processor, size) for size in images]
        media = find_media(
            image_places,
            np.flatnonzero(input_ids == processor.video_token_id),
            grids=grids,
            videos=[(self._grid(processor, video.size), video) for video in videos],
            timestamps=self.timestamps,
        )
        return mrope_positions(len(input_ids), media)

    def fitted_video_size(self, processor: Any, frames: int, *, height: int, width: int) -> tuple[int, int]:
        """Within the budget of a frame, in whole tokens."""
        self._check_video(frames, height, width)
        find = whole_video_size if self.timestamps else frame_size_of_video
        return find(processor, frames, height=height, width=width, factor=self._side_px)

    def fit_video(self, processor: Any, frames: Any) -> Any:
        """Bring a video's frames to their size within the budget, by the video processor itself."""
        self._check_video(len(frames), *frames.shape[-2:])
        video_processor = processor.video_processor
        return video_processor.resize(
            frames.unsqueeze(0), size_dict(video_processor.size), video_processor.resample,
            factor=self._side_px, temporal_factor=GROUPED,
            cap_pixels_per_frame=video_processor.cap_pixels_per_frame,
        )[0]  # fmt: skip

    def _check_video(self, frames: int, height: int, width: int) -> None:
        check_shape(height, width)
        if self.timestamps and frames < GROUPED:
            raise InputError(
                f"a video of {frames} frame: the family's video processor takes at least {GROUPED}; take more frames "
                f"of it, or give its part video: as_frames"
            )

    def video_text(self, processor: Any, video: VideoTimes) -> VideoText:
        """The tokens of each group of frames behind its time (Qwen3-VL), or of all groups in one."""
        self.image_text(processor)  # is it configured?
        token, count = processor.video_token, math.prod(self._grid(processor, video.size))
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

    def video_inputs(self, videos: Sequence[Any]) -> dict[str, Any]:
        """The patches of the videos, and their grids; a group that is not full is filled with its last frame."""
        import torch

        made = []
        for frames in videos:
            repeated = frames[-1:].expand(-len(frames) % GROUPED, -1, -1, -1)
            groups = torch.cat([frames, repeated]).unflatten(0, (-1, GROUPED))
            made.append(self._patches(groups, [len(groups)]))
        patches, grids = zip(*made, strict=True)
        return {"pixel_values_videos": torch.cat(patches), "video_grid_thw": torch.cat(grids)}

    def _patches(self, groups: Any, counts: Sequence[int]) -> tuple[Any, Any]:
        """Groups of frames `(groups, GROUPED, 3, height, width)`, so many of each medium, cut into patches, those that
        become one token behind each other; and their grids.
        """
        import torch

        rows, columns = (side // self.patch_px for side in groups.shape[-2:])
        cut = groups.unflatten(4, (columns // MERGED, MERGED, self.patch_px))
        cut = cut.unflatten(3, (rows // MERGED, MERGED, self.patch_px))
        # (groups, frame, channel, row, row in token, y, column, column in token, x) -> a patch is channel, frame, y, x
        patches = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(len(groups) * rows * columns, -1)
        return patches, torch.tensor([[count, rows, columns] for count in counts], device=groups.device)

    def _grid(self, processor: Any, size: tuple[int, int] | None) -> tuple[int, int]:
        """Rows and columns of the tokens of an image of some size; of a page, where it has none."""
        height, width = size or (self.page_px(processor),) * 2
        return height // (self._side_px), width // (self._side_px)

    def _fixed_px(self, processor: Any) -> int | None:
        """The side of a page that a processor is set to, if it is."""
        size = processor.image_processor.size
        page_px = math.isqrt(size["shortest_edge"] - 1) + 1
        most = max(page_px * (page_px + 1), recorded(processor).get("image_max_pixels") or 0)
        fixed = size["shortest_edge"] >= page_px * (page_px - 1) and page_px**2 <= size["longest_edge"] <= most
        return page_px if fixed and page_px % self._side_px == 0 else None
