"""Rows of a mixture by where they are, and what reads them there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t2vid_hf.data.image_files import open_image
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.light_rows import to_columns
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import Row
from t2vid_hf.seeding import stable_hash


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


def drawn_first(names: Iterable[str], seed: int | str) -> list[str]:
    """Rows in the order in which they are drawn: a smaller draw of a seed is the beginning of a larger one.

    Args:
        names (`Iterable[str]`): The ids of the rows that may be drawn.
        seed (`int` or `str`): The seed of the draw.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.picks import drawn_first
    >>> drawn_first("abcd", 0), drawn_first("acd", 0)
    (['c', 'b', 'd', 'a'], ['c', 'd', 'a'])

    ```
    """
    return sorted(names, key=lambda name: stable_hash(f"draw/{seed}/{name}"))


def in_order(picks: Iterable[Pick], seed: int) -> list[Pick]:
    """Rows in the order in which they are trained on, whatever parts they come from.

    Args:
        picks (`Iterable[Pick]`): The rows.
        seed (`int`): The seed of the order.
    """
    return sorted(picks, key=lambda pick: (stable_hash(f"order/{seed}/{pick.id}"), pick.id))


@dataclass(frozen=True)
class PickReader:
    """Reads rows of a mixture where they are; `datasets` calls it with a batch of the index.

    Args:
        parts (`tuple[tuple[MixturePart, datasets.Dataset], ...]`): What the mixture is made of.
        opens (`bool`, *optional*, defaults to `True`): Whether images come open; else as `{"bytes", "path"}`.
    """

    parts: tuple[tuple[MixturePart, Any], ...]
    opens: bool = True

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        columns = (batch[name] for name in ("id", "part", "position", "take_frames"))
        rows = [self._row(Pick(*pick)) for pick in zip(*columns, strict=True)]
        return to_columns(rows)

    def _row(self, pick: Pick) -> Row:
        part, dataset = self.parts[pick.part]
        try:
            row = part.row(dataset[pick.position], pick.position, take_frames=pick.take_frames)
        except InputError:
            raise
        except (OSError, SyntaxError, ValueError) as error:  # of a picture that a transform decodes
            raise InputError(f"row '{pick.id}' of part '{part.label}': {error}") from error
        if self.opens:
            row["images"] = [open_image(image, name=row["id"]) for image in row["images"]]
        return row
