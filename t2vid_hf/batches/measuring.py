"""Prices of rows whose tokens depend on the media: native or several videos, frames by the second, image sizes.

Videos whose frames nobody has counted are such, too. Exact, and nothing is decoded but a frame of each video: sizes
come of the headers of images, the frames' times of the packets of a video (`t2vid_hf.video.probing`).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from t2vid_hf.batches.chat_rendering import renderer
from t2vid_hf.batches.frame_blocks import with_image_blocks
from t2vid_hf.batches.media import image_sizes, probe_video
from t2vid_hf.batches.media_layout import MediaLayout
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter, ImageText
from t2vid_hf.models.media_text import VideoText
from t2vid_hf.schema import Message


class Measuring:
    """Measures and prices such rows for a model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken, where a row does not say it.

    Attributes:
        shaped (`bool`): Whether an image takes as many tokens as its size says.
    """

    def __init__(self, processor: Any, adapter: Adapter, policy: VideoPolicy) -> None:
        self._processor, self._adapter, self._policy = processor, adapter, policy
        self.shaped = adapter.sized_tokens and adapter.frame_size(processor) == "native"
        self._made: MediaLayout | None = None

    @property
    def _layout(self) -> MediaLayout:
        if self._made is None:
            self._made = MediaLayout(self._processor, self._adapter)
        return self._made

    def needed(self, row: Mapping[str, Any]) -> bool:
        """Whether a row must be measured to be priced.

        Args:
            row (`Mapping[str, Any]`): The row; its blocks and its policy are looked at.
        """
        kinds = [block["type"] for message in row["messages"] for block in message["content"]]
        videos = kinds.count("video")
        if self.shaped and (videos or "image" in kinds):
            return True
        # How many frames a row has is known of all its videos together.
        policy = self._policy.of_row(row)
        counted = row.get("num_frames") and policy.video == "as_frames" and policy.fps is None
        return videos > 1 or (videos == 1 and not counted)

    def price(self, row: Any) -> tuple[int, ...]:
        """Measure and price a row.

        Args:
            row ([`~t2vid_hf.schema.Row`]): The row, with its media; they are not decoded.

        Returns:
            `tuple[int, ...]`: its tokens; its images and frames; the frames of its longest video; how many tokens some
            frames of that take, and how many frames these are; how many it saves, at the most, by as many frames less
            of all its videos, and how many videos these are.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the row comes without its media, or its blocks and media do not agree;
                a [`~t2vid_hf.batches.media.MediaError`] where one of them does not open.
        """
        key = row.get("id")
        if not {"images", "videos"} <= set(row):
            raise InputError(
                f"row '{key}' cannot be priced without its media: give TokenCost.prices the mixture itself, or rows "
                f"with images and videos"
            )
        blocks = sum(block["type"] == "video" for message in row["messages"] for block in message["content"])
        if blocks != len(row["videos"] or []):
            raise InputError(
                f"row '{key}' has {len(row['videos'] or [])} videos and {blocks} video blocks; a row needs as many of "
                f"both"
            )
        policy = self._policy.of_row(row)
        native = policy.video == "native"
        clips = [probe_video(row, video, policy) for video in row["videos"] or []]
        frames = [len(clip.timing.seconds) for clip in clips]
        pages = self._layout.image_texts(image_sizes(row), key=key)
        texts = [self._layout.video_text(self._layout.times(clip, key=key)) for clip in clips] if native else []
        shown = [] if native else self._layout.image_texts([(clip.height, clip.width) for clip in clips], key=key)
        messages = row["messages"] if native else with_image_blocks(row["messages"], frames)[0]
        images = _in_order(row["messages"], pages, [] if native else list(zip(shown, frames, strict=True)))
        rendered = renderer(self._processor, row.get("tools"), key=key)(messages, False)
        tokens = self._layout.places.count(rendered, images, texts, key=key)
        longest = max(range(len(frames)), key=lambda number: frames[number], default=None)
        if longest is None:
            return tokens, len(pages), 0, 0, 1, 0, 1
        group = self._adapter.frames_a_group if native else 1
        if native:
            groups = [math.ceil(count / group) for count in frames]
            saved = [self._group_tokens(text, count) for text, count in zip(texts, groups, strict=True)]
        else:
            saved = [each.repeats + self._text_tokens(each) for each in shown]
        return tokens, len(pages) + sum(frames), frames[longest], saved[longest], group, sum(saved), len(frames)

    def _group_tokens(self, video: VideoText, groups: int) -> int:
        """Tokens of a group of frames of a video, at the most: features, and the text before them."""
        if len(video.pieces) == 1 or groups == 1:
            return sum(piece.repeats for piece in video.pieces) // groups
        return video.pieces[-1].repeats + max(map(self._text_tokens, video.pieces[1:-1]), default=0)

    def _text_tokens(self, piece: ImageText) -> int:
        """Tokens of what stands around the features of an image or a group of frames."""
        return len(self._processor.tokenizer(piece.text(0), add_special_tokens=False)["input_ids"])


def _in_order(
    messages: Sequence[Message], pages: Sequence[ImageText], videos: Sequence[tuple[ImageText, int]]
) -> list[ImageText]:
    """Texts of pages and of frames in the order of the blocks."""
    left, clips, texts = list(pages), list(videos), []
    for message in messages:
        for block in message["content"]:
            if block["type"] == "image":
                texts += [left.pop(0)] if left else []
            elif block["type"] == "video" and clips:
                shown, frames = clips.pop(0)
                texts += [shown] * frames
    return texts + left
