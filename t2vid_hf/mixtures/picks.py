"""Rows of a mixture by where they are, and what reads them there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import Row, features


@dataclass(frozen=True)
class Pick:
    """A row of a mixture: where it is, and how many frames of its video to take.

    Args:
        id (`str`): The row's id.
        part (`int`): Number of its part, from 0.
        position (`int`): Its number in the part's data set, from 0.
        take_frames (`int` or `None`): Frames to take of its video; `None` leaves it to the trainer.
    """

    id: str
    part: int
    position: int
    take_frames: int | None


@dataclass(frozen=True)
class PickReader:
    """Reads rows of a mixture where they are; `datasets` calls it with a batch of the index.

    Args:
        parts (`tuple[tuple[MixturePart, datasets.Dataset], ...]`): What the mixture is made of.
    """

    parts: tuple[tuple[MixturePart, Any], ...]

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        columns = (batch[name] for name in ("id", "part", "position", "take_frames"))
        rows = [self._row(Pick(*pick)) for pick in zip(*columns, strict=True)]
        # a rank whose bin is empty asks for no row
        return {name: [row[name] for row in rows] for name in (*features(), "take_frames")}  # type: ignore[literal-required]

    def _row(self, pick: Pick) -> Row:
        part, dataset = self.parts[pick.part]
        try:
            return part.row(dataset[pick.position], pick.position, take_frames=pick.take_frames)
        except (OSError, SyntaxError, ValueError) as error:  # of a picture that is decoded here, or a path of a video
            raise InputError(f"row '{pick.id}' of part '{part.label}': {error}") from error
