"""The pixels of a row's media at the size that the vision tower sees: as the family's processor fits them, or squares.

Pages of the model's own size go into one array as they were drawn. Only where images are seen at several sizes are
there several arrays.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from t2vid_hf.batches.pixels import equal_runs
from t2vid_hf.models import Adapter
from t2vid_hf.models.media_text import VideoTimes
from t2vid_hf.video.pictures import Frames
from t2vid_hf.video.resizing import Resize

Size = tuple[int, int]

# Squeezed one by one, 24 frames of 4K take 163 MB and 0.9 s in place of 1,865 MB and 3.5 s; those of 640 x 360, a tenth
# more time.
ALONE_PIXELS = 2**20


class Fitter:
    """Fits images and videos for a model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
    """

    def __init__(self, processor: Any, adapter: Adapter) -> None:
        self._processor, self._adapter = processor, adapter
        self.page_px = adapter.page_px(processor)
        self._native = adapter.frame_size(processor) == "native"

    def size(self, height: int, width: int) -> Size:
        """Height and width that an image is seen at.

        Args:
            height (`int`): Its height, in pixels.
            width (`int`): Its width.
        """
        if not self._native or (height, width) == (self.page_px, self.page_px):
            return self.page_px, self.page_px
        return self._adapter.fitted_size(self._processor, height, width)

    def times(self, frames: Any, *, height: int, width: int) -> VideoTimes:
        """When a video's frames are shown, and the size that they are seen at.

        Args:
            frames ([`~t2vid_hf.video.pictures.Timing`]): The timing of the frames taken.
            height (`int`): Height of a frame, in pixels.
            width (`int`): Its width.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the family takes no such video.
        """
        size = (self.page_px, self.page_px)
        if self._native:
            count = len(frames.seconds)
            size = self._adapter.fitted_video_size(self._processor, count, height=height, width=width)
        return VideoTimes(frames.seconds, frames.total, frames.fps, size)

    def frame_fit(self, native: bool) -> Resize | None:
        """What brings one frame of a video to the square, to the bit as all of them are brought there together.

        Small frames that are images stay as they are, for [`Fitter.images`], which squeezes them in less time.

        Args:
            native (`bool`): Whether it is a video for the model, and not images.

        Returns:
            `Callable[[np.ndarray], np.ndarray]` or `None`: `None` where frames keep their proportions, whose size the
            number of them may decide.
        """
        if self._native:
            return None
        fit = self._fit_video if native else self._squeeze

        def to_square(frame: np.ndarray) -> np.ndarray:
            height, width, _ = frame.shape
            if not native and (height * width < ALONE_PIXELS or height == width == self.page_px):
                return frame
            return np.ascontiguousarray(fit(frame[None])[0].transpose(1, 2, 0))

        return to_square

    def images(self, images: Sequence[np.ndarray]) -> np.ndarray | list[np.ndarray]:
        """Images at their sizes.

        Args:
            images (`Sequence[np.ndarray]` of shapes `(height, width)` or `(height, width, 3)`, uint8): All images of a
                row.

        Returns:
            `np.ndarray` of shape `(images, 1 or 3, height, width)`, uint8, one channel where all are grey; a list of
            such arrays, one for each run of images of one size, where they are seen at several.
        """
        square = (self.page_px, self.page_px)
        sizes = [square if image.shape[:2] == square else self.size(*image.shape[:2]) for image in images]
        grey = all(image.ndim == 2 for image in images)
        others: dict[tuple[int, ...], list[int]] = {}  # shape -> the images of it, which are resized together
        for number, (image, size) in enumerate(zip(images, sizes, strict=True)):
            if size != square or image.shape[:2] != square:
                others.setdefault(image.shape, []).append(number)
        fitted: dict[int, np.ndarray] = {}
        for numbers in others.values():
            made = self._fit([images[number] for number in numbers], alone=len(images) == 1)
            grey = grey and bool((made[:, :1] == made).all())  # bars may be of a colour
            fitted.update(zip(numbers, made, strict=True))
        runs = []
        for first, last in equal_runs(sizes):
            pixels = np.empty((last - first, 1 if grey else 3, *sizes[first]), np.uint8)
            for number in range(first, last):
                image = images[number]
                if number in fitted:
                    pixels[number - first] = fitted[number][: pixels.shape[1]]
                else:
                    pixels[number - first] = image if image.ndim == 2 else image.transpose(2, 0, 1)
            runs.append(pixels)
        if not runs:
            return np.empty((0, 1, self.page_px, self.page_px), np.uint8)
        return runs[0] if len(runs) == 1 else runs

    def video(self, frames: Frames) -> np.ndarray:
        """The frames of a video at their size.

        Args:
            frames ([`~t2vid_hf.video.pictures.Frames`]): The frames taken.

        Returns:
            `np.ndarray` of shape `(frames, 3, height, width)`, uint8.
        """
        if not self._native and frames.data.shape[1:3] == (self.page_px, self.page_px):
            return frames.data.transpose(0, 3, 1, 2)  # by `frame_fit`, as they were read
        return self._fit_video(frames.data)

    def _fit_video(self, frames: np.ndarray) -> np.ndarray:
        import torch

        values = torch.from_numpy(frames).permute(0, 3, 1, 2)
        if not self._native and self._adapter.keeps_proportions:
            return self._adapter.resize(self._processor, values).numpy()
        return self._adapter.fit_video(self._processor, values).numpy()

    def _squeeze(self, frames: np.ndarray) -> np.ndarray:
        import torch

        return self._adapter.resize(self._processor, torch.from_numpy(frames).permute(0, 3, 1, 2)).numpy()

    def _fit(self, images: Sequence[np.ndarray], *, alone: bool) -> np.ndarray:
        """Fit images of one shape; the result is of shape `(images, 3, height, width)`."""
        import torch

        frames = torch.from_numpy(np.stack(images))
        # (images, 3, height, width); a grey one is resized as three equal channels, as the processor does it
        frames = frames.unsqueeze(1).expand(-1, 3, -1, -1) if frames.ndim == 3 else frames.permute(0, 3, 1, 2)
        if self._native:
            return self._adapter.fit(self._processor, frames, alone=alone).numpy()
        return self._adapter.resize(self._processor, frames).numpy()


def interleave(pixels: np.ndarray | list[np.ndarray], clips: Sequence[np.ndarray], order: Sequence[str]) -> np.ndarray:
    """The images of a row and the frames of its videos as one array, in the order of the blocks.

    Args:
        pixels (`np.ndarray` of shape `(images, 1 or 3, page_px, page_px)`, uint8): The images, all of one size.
        clips (`Sequence[np.ndarray]` of shapes `(frames, 3, page_px, page_px)`, uint8): The videos.
        order (`Sequence[str]`): "image" or "video" for each of them.
    """
    images, videos = iter(pixels), iter(clips)
    shape = (3, *clips[0].shape[-2:])
    parts = [np.broadcast_to(next(images), shape)[None] if kind == "image" else next(videos) for kind in order]
    return np.concatenate(parts)
