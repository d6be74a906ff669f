"""The ids of a rendered text with its media filled in: where images and videos stand in it, and what each takes.

A tokenizer cuts a text at its added tokens before it merges anything, so a token of image features that is an added one
stands for as many as there are, and the others are arithmetic. What stands around it (delimiters, the seconds of a
video) is tokenised with the text. Where the token is no added one, all of them are written out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.models.media_text import ImageText, VideoText


@dataclass(frozen=True, eq=False)
class Filled:
    """The tokens of a row.

    Args:
        ids (`np.ndarray` of shape `(tokens,)`, int64): The ids, with those of media.
        offsets (`np.ndarray` of shape `(tokens, 2)`): Where each token begins and ends in the text as it was rendered,
            in which a medium is one placeholder. The tokens of a medium share the place of its beginning.
        of_media (`np.ndarray` of shape `(tokens,)`, bool): Which are a medium's.
    """

    ids: np.ndarray
    offsets: np.ndarray
    of_media: np.ndarray


class MediaPlaces:
    """Fills media into rendered texts, for a tokenizer.

    Args:
        image ([`~t2vid_hf.models.ImageText`]): What the processor writes for a page.
        tokenizer ([`~transformers.PreTrainedTokenizerBase`]): The model's tokenizer, a fast one.
        video_placeholder (`str`, *optional*): What the chat template writes for a video; `None` for a family without.
        video_token (`str`, *optional*): The token that stands for a vector of a video's features.
        media_ids (`Sequence[int]`, *optional*, defaults to `()`): Ids of placeholders and delimiters, never supervised.
    """

    def __init__(
        self,
        image: ImageText,
        tokenizer: Any,
        *,
        video_placeholder: str | None = None,
        video_token: str | None = None,
        media_ids: Sequence[int] = (),
    ) -> None:
        self._tokenizer, self._image, self._video = tokenizer, image.placeholder, video_placeholder
        known = [image.placeholder] + ([] if video_placeholder is None else [video_placeholder])
        self._split = re.compile("|".join(re.escape(each) for each in known))
        self._tokens = {image.token} | ({video_token} if video_token is not None else set())
        ids = {token: tokenizer.convert_tokens_to_ids(token) for token in self._tokens}
        self._feature_ids = np.array(sorted(ids.values()))
        added = {str(item) for item in tokenizer.added_tokens_decoder.values()}
        self._single = {token for token in self._tokens if token in added}
        self._media_ids = np.array(media_ids, np.int64)

    def fill(self, text: str, images: Sequence[ImageText], videos: Sequence[VideoText] = (), *, key: Any) -> Filled:
        """Tokenise a rendered text with its media filled in.

        Args:
            text (`str`): A rendered conversation, each medium as its placeholder.
            images (`Sequence[ImageText]`): What the processor writes for each image, in order.
            videos (`Sequence[VideoText]`, *optional*, defaults to `()`): What it writes for each video, in order.
            key (`Any`): The row's id, for errors.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the text has more or fewer placeholders than media, or a media token.
        """
        pieces, written = self._cut(text, images, videos, key)
        # A row has many images and few texts of them.
        known = {id(medium): self._runs(medium) for medium in {id(each): each for each in written}.values()}
        texts = {key: "".join(run.text(1 if single else None) for run, single in runs) for key, runs in known.items()}
        runs = [run for medium in written for run in known[id(medium)]]
        stand_ins = [texts[id(medium)] for medium in written]
        joined = "".join(each for pair in zip(["", *stand_ins], pieces, strict=True) for each in pair)
        encoding = self._tokenizer(joined, add_special_tokens=False, return_offsets_mapping=True)
        ids = np.array(encoding["input_ids"], np.int64)
        repeats = self._repeats(ids, runs, images, videos, key)
        offsets = np.array(encoding["offset_mapping"], np.int64).reshape(-1, 2)
        shown = [self._image if isinstance(each, ImageText) else each.placeholder for each in written]
        begins = np.cumsum([len(piece) + len(each) for piece, each in zip(pieces[:-1], stand_ins, strict=True)])
        lengths = np.array([len(each) for each in stand_ins], np.int64)
        begins = begins.astype(np.int64) - lengths
        of_media = _cover(offsets, begins, lengths) | np.isin(ids, self._media_ids)
        longer = lengths - np.array([len(each) for each in shown], np.int64)
        offsets = _rendered(offsets, begins, lengths, longer)
        return Filled(np.repeat(ids, repeats), np.repeat(offsets, repeats, axis=0), np.repeat(of_media, repeats))

    def count(self, text: str, images: Sequence[ImageText], videos: Sequence[VideoText] = (), *, key: Any) -> int:
        """How many tokens [`~MediaPlaces.fill`] makes; the arguments are the same."""
        return len(self.fill(text, images, videos, key=key).ids)

    def _cut(
        self, text: str, images: Sequence[ImageText], videos: Sequence[VideoText], key: Any
    ) -> tuple[list[str], list[ImageText | VideoText]]:
        """The pieces between the media, and the media in the order of the text."""
        found = self._split.findall(text)
        counts = found.count(self._image), found.count(self._video) if self._video is not None else 0
        for placeholder, count, given, kind in (
            (self._image, counts[0], len(images), "images"),
            (self._video, counts[1], len(videos), "videos"),
        ):
            if count != given:
                raise InputError(
                    f"row '{key}' has {given} {kind} and {count} times '{placeholder}' in its rendered text: take it "
                    f"out of the row's text, or mend the chat template"
                )
        left, clips = iter(images), iter(videos)
        ordered: list[ImageText | VideoText] = []
        for each in found:
            ordered.append(next(left) if each == self._image else next(clips))
        return self._split.split(text), ordered

    def _runs(self, medium: ImageText | VideoText) -> list[tuple[ImageText, bool]]:
        """The runs of tokens that a medium takes, and whether one token is written for each."""
        runs = medium.pieces if isinstance(medium, VideoText) else (medium,)
        return [(run, run.token in self._single) for run in runs]

    def _repeats(
        self,
        ids: np.ndarray,
        runs: Sequence[tuple[ImageText, bool]],
        images: Sequence[ImageText],
        videos: Sequence[VideoText],
        key: Any,
    ) -> np.ndarray:
        """How often each token stands in the row: a feature's token as often as its run says."""
        wanted = [count for run, single in runs for count in ([run.repeats] if single else [1] * run.repeats)]
        is_feature = np.isin(ids, self._feature_ids)
        if int(is_feature.sum()) != len(wanted):
            names = " or ".join(f"'{token}'" for token in sorted(self._tokens))
            raise InputError(
                f"row '{key}' has the image token {names} in its text; take it out, because it would be taken for an "
                f"image"
            )
        repeats = np.ones(len(ids), np.int64)
        repeats[is_feature] = wanted
        return repeats


def _cover(offsets: np.ndarray, begins: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Which tokens lie inside a stand-in; its delimiters may be plain text, as Idefics3-8B's `<global-img>` is."""
    if not len(begins):
        return np.zeros(len(offsets), bool)
    medium = np.searchsorted(begins, offsets[:, 0], side="right") - 1
    return (medium >= 0) & (offsets[:, 1] <= (begins + lengths)[medium])


def _rendered(offsets: np.ndarray, begins: np.ndarray, lengths: np.ndarray, longer: np.ndarray) -> np.ndarray:
    """Offsets in the text as it was rendered, in which a medium is one placeholder."""
    if not len(begins):
        return offsets
    before = np.searchsorted(begins + lengths, offsets, side="right")  # media that end at or before it
    inside = np.searchsorted(begins, offsets, side="left") > before
    place = np.where(inside, begins[np.minimum(before, len(begins) - 1)], offsets)
    return place - np.concatenate([[0], np.cumsum(longer)])[before]
