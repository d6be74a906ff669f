"""Prices of rows whose tokens depend on the media themselves: native video, frames by the second, shapes of images.

Exact, and still nothing is decoded but a frame of each video: sizes come of the headers of images, the frames' times of
the packets of a video (`t2vid_hf.video.probing`). What was found goes into a row as a text, its *facts*, so that it is
read once and priced without the media.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from t2vid_hf.batches.media import video_name, with_image_blocks
from t2vid_hf.batches.media_layout import MediaLayout
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.data.image_sizes import image_sizes
from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter
from t2vid_hf.models.media_text import VideoText
from t2vid_hf.video.pictures import Timing
from t2vid_hf.video.probing import Probe


class Measuring:
    """Measures and prices such rows for a model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken, where a row does not say it.
    """

    def __init__(self, processor: Any, adapter: Adapter, policy: VideoPolicy) -> None:
        self._processor, self._adapter, self._policy = processor, adapter, policy
        self._shaped = adapter.sized_tokens and adapter.frame_size(processor) == "native"
        self._made: MediaLayout | None = None

    @property
    def _layout(self) -> MediaLayout:
        if self._made is None:
            self._made = MediaLayout(self._processor, self._adapter)
        return self._made

    def reads(self, dataset: Any) -> bool:
        """Whether rows of a data set may need to be measured.

        Args:
            dataset ([`~datasets.Dataset`]): The rows; only its columns are looked at.
        """
        own = {"take_video", "take_fps"} & set(dataset.column_names)
        return self._shaped or self._policy.fps is not None or self._policy.video == "native" or bool(own)

    def needed(self, row: Mapping[str, Any]) -> bool:
        """Whether a row must be measured to be priced.

        Args:
            row (`Mapping[str, Any]`): The row; its blocks and its policy are looked at.
        """
        kinds = {block["type"] for message in row["messages"] for block in message["content"]}
        policy = self._policy.of_row(row)
        if "video" in kinds and (policy.video == "native" or policy.fps is not None):
            return True
        return self._shaped and bool(kinds & {"image", "video"})

    def facts(self, row: Mapping[str, Any]) -> str:
        """What is measured of a row, as JSON; empty where nothing need be.

        Args:
            row (`Mapping[str, Any]`): A row with its media; they are not decoded.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a video that cannot be read.
        """
        if not self.needed(row):
            return ""
        policy = self._policy.of_row(row)
        videos = []
        for video in row["videos"] or []:
            found = policy.probe(video["bytes"] or video["path"], name=video_name(row, video))
            timing = found.timing
            videos.append([timing.seconds, timing.total, timing.fps, found.height, found.width])
        return json.dumps({"images": image_sizes(row["images"]), "videos": videos, "policy": str(policy)})

    def price(self, row: Mapping[str, Any]) -> tuple[int, int, int, int, int]:
        """Tokens of a measured row; its images and frames; the frames alone; what it saves by how many frames less.

        Args:
            row (`Mapping[str, Any]`): The row, with `facts`, or with its media.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there are neither facts nor media, several videos, or blocks without media.
        """
        key, told = row.get("id"), row.get("facts")
        policy = self._policy.of_row(row)
        if not told:
            if not {"images", "videos"} <= set(row):
                raise InputError(
                    f"row '{key}' cannot be priced without its media: give TokenCost rows with images and videos, or "
                    f"those of Mixture.measured"
                )
            told = self.facts(row)
        facts = json.loads(told)
        if facts["policy"] != str(policy):
            raise InputError(
                f"row '{key}' was measured for {facts['policy']}, and {policy} is asked for: measure again"
            )
        clips = [
            Probe(Timing(tuple(seconds), total, fps), height, width)
            for seconds, total, fps, height, width in facts["videos"]
        ]
        if len(clips) > 1:
            raise InputError(f"row '{key}' has {len(clips)} videos, and num_frames tells of one: make a row of each")
        frames = sum(len(clip.timing.seconds) for clip in clips)
        native = policy.video == "native" and bool(clips)
        pages = [self._layout.image_texts([size])[0] for size in facts["images"]]
        texts = [self._layout.video_text(self._layout.times(clip)) for clip in clips] if native else []
        shown = [] if native else [self._layout.image_texts([(clip.height, clip.width)])[0] for clip in clips]
        messages = list(row["messages"]) if native else with_image_blocks(row["messages"], frames)[0]
        images = _in_order(row["messages"], pages, [] if native else [each for each in shown for _ in range(frames)])
        rendered = self._processor.apply_chat_template(messages, tokenize=False)
        tokens = self._layout.places.count(rendered, images, texts, key=key)
        group = self._adapter.frames_a_group if native else 1
        if native:
            saved = self._saved_by_a_group(texts[0], math.ceil(frames / group))
        else:
            saved = shown[0].repeats if shown else 0
        return tokens, len(pages) + frames, frames, saved, group

    def _saved_by_a_group(self, video: VideoText, groups: int) -> int:
        """Tokens that a video saves, at the least, by a group of frames less: features, and the text before them."""
        if len(video.pieces) == 1 or groups == 1:
            return sum(piece.repeats for piece in video.pieces) // groups
        tokenizer = self._processor.tokenizer
        lengths = [len(tokenizer(piece.text(0), add_special_tokens=False)["input_ids"]) for piece in video.pieces[1:-1]]
        return video.pieces[-1].repeats + min(lengths, default=0)

    def fingerprint(self) -> str:
        """Equal where rows of the same facts have the same price."""
        video = vars(self._processor).get("video_processor")
        return str([self._shaped, self._processor.image_processor.to_dict(), video.to_dict() if video else None])


def _in_order(messages: Any, pages: list[Any], frames: list[Any]) -> list[Any]:
    """Texts of pages and of frames in the order of the blocks."""
    left, texts = list(pages), []
    for message in messages:
        for block in message["content"]:
            if block["type"] == "image":
                texts += [left.pop(0)] if left else []
            elif block["type"] == "video":
                texts += frames
    return texts + left
