"""What the media of a row take of it, for one model: texts, sizes and places. Prices and encoding share it."""

from collections.abc import Sequence
from typing import Any

from t2vid_hf.batches.fitting import Fitter
from t2vid_hf.batches.media import MediaError
from t2vid_hf.batches.media_filling import MediaPlaces
from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter, ImageText
from t2vid_hf.models.media_text import VideoText, VideoTimes
from t2vid_hf.video.pictures import Frames
from t2vid_hf.video.probing import Probe

MOST_SIZES = 256
"""Sizes of images whose texts are remembered."""


class MediaLayout:
    """Lays media out for a model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.

    Attributes:
        image ([`~t2vid_hf.models.ImageText`]): What the processor writes for a page.
        fitter ([`~t2vid_hf.batches.fitting.Fitter`]): What fits pixels.
        places ([`~t2vid_hf.batches.media_filling.MediaPlaces`]): What fills media into texts.
    """

    def __init__(self, processor: Any, adapter: Adapter) -> None:
        self._processor, self._adapter = processor, adapter
        self.image, self.fitter = adapter.image_text(processor), Fitter(processor, adapter)
        placeholder = token = None
        if adapter.takes_video:
            written = adapter.video_text(processor, VideoTimes((0.0, 1.0), 2, 1.0))
            placeholder, token = written.placeholder, written.pieces[0].token
        self.places = MediaPlaces(
            self.image,
            processor.tokenizer,
            video_placeholder=placeholder,
            video_token=token,
            media_ids=adapter.media_token_ids(processor),
        )

        # A row has many images of few sizes. A dict, because a loader's workers that are spawned take it along.
        self._sized: dict[tuple[int, int], ImageText] = {}

    def image_texts(self, shapes: Sequence[tuple[int, ...]], *, key: Any) -> list[ImageText]:
        """What the processor writes for images.

        Args:
            shapes (`Sequence[tuple[int, int]]`): Height and width of each.
            key (`Any`): The row's id, for errors.

        Raises:
            [`~t2vid_hf.batches.media.MediaError`]: the family takes no image of such a size.
        """
        if not self._adapter.sized_tokens:
            return [self.image] * len(shapes)
        try:
            return [self._image_text(self.fitter.size(*shape)) for shape in shapes]
        except InputError as error:
            raise MediaError(f"row '{key}': {error}", "picture") from None

    def _image_text(self, size: tuple[int, int]) -> ImageText:
        if size not in self._sized:
            if len(self._sized) >= MOST_SIZES:
                self._sized.clear()
            self._sized[size] = self._adapter.image_text(self._processor, size)
        return self._sized[size]

    def times(self, video: Frames | Probe, *, key: Any) -> VideoTimes:
        """When the frames of a video are shown, and the size that they are seen at.

        Args:
            video ([`~t2vid_hf.video.pictures.Frames`] or [`~t2vid_hf.video.probing.Probe`]): The video.
            key (`Any`): The row's id, for errors.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the family takes no video, or a
                [`~t2vid_hf.batches.media.MediaError`] no such video.
        """
        self.check_video(key=key)
        height, width = (video.height, video.width) if isinstance(video, Probe) else video.data.shape[1:3]
        try:
            return self.fitter.times(video.timing, height=height, width=width)
        except InputError as error:
            raise MediaError(f"row '{key}': {error}", "video") from None

    def check_video(self, *, key: Any) -> None:
        """Refuse native video where the family takes none.

        Args:
            key (`Any`): The row's id, for errors.

        Raises:
            [`~t2vid_hf.errors.InputError`]: it takes none.
        """
        if not self._adapter.takes_video:
            raise InputError(
                f"row '{key}': video: native: the model's family takes no video; give its part video: as_frames"
            )

    def video_text(self, video: VideoTimes) -> VideoText:
        """What the processor writes for a video.

        Args:
            video ([`~t2vid_hf.models.media_text.VideoTimes`]): What `times` gives.
        """
        return self._adapter.video_text(self._processor, video)
