"""Mix data sets by share or count: seeded, independent of the order of rows and parts, no row left out uncounted.

Which rows of a part are taken, and in which order the mixture runs, depends on the seed and the rows' ids alone. The
mixture holds two numbers a row (part, position) and reads the rows where they are, so that parts of different columns
meet (lazy pages, PNG files, public chat sets), and 30,000 rows of pages are mixed without copying one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from t2vid_hf.data.image_files import open_image
from t2vid_hf.data.repository import read_split
from t2vid_hf.data.undecoded import keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.filters import NOT_SAMPLED, FilterPreset, reason_to_drop
from t2vid_hf.mixtures.light_rows import drop_media, light_dataset, to_columns
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import Row
from t2vid_hf.seeding import stable_hash

CountTokens = Callable[[str], int]


@dataclass(frozen=True)
class PartCount:
    """What became of a part's rows: `rows == sampled + sum(dropped.values())`.

    Args:
        part (`str`): The part's label.
        rows (`int`): Rows of its data set.
        sampled (`int`): Rows that the mixture takes.
        dropped (`dict[str, int]`, *optional*): How many of the others were left out, by reason
            (`t2vid_hf.mixtures.filters.REASONS`).
    """

    part: str
    rows: int
    sampled: int
    dropped: dict[str, int] = field(default_factory=dict)


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
class Mixture:
    """A mixture.

    Args:
        parts (`tuple[tuple[MixturePart, datasets.Dataset], ...]`): The parts that it is made of, each with its rows.
        picks (`tuple[Pick, ...]`): Its rows, in order.
        counts (`tuple[PartCount, ...]`): What became of the rows of each part.
    """

    parts: tuple[tuple[MixturePart, Any], ...]
    picks: tuple[Pick, ...]
    counts: tuple[PartCount, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The rows' ids, in order."""
        return tuple(pick.id for pick in self.picks)

    @cached_property
    def dataset(self) -> Any:
        """The rows as a `datasets.Dataset`: the schema's columns and `take_frames`."""
        # Undecoded, so that a path is looked at before anything is opened.
        parts = tuple((part, keep_undecoded(dataset)) for part, dataset in self.parts)
        return self._index().with_transform(_Reader(parts))

    @cached_property
    def light(self) -> Any:
        """The rows without pages and clips, for prices and plans: the columns `LIGHT` and `take_frames`."""
        parts = tuple((part, drop_media(dataset)) for part, dataset in self.parts)
        return light_dataset(self._index().with_transform(_Reader(parts, opens=False)))

    def _index(self) -> Any:
        from datasets import Dataset

        return Dataset.from_dict(
            {name: [getattr(pick, name) for pick in self.picks] for name in ("part", "position", "take_frames")}
        )


@dataclass(frozen=True)
class _Reader:
    """Reads rows of a mixture where they are; `datasets` calls it with a batch of the index."""

    parts: tuple[tuple[MixturePart, Any], ...]
    opens: bool = True

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        picks = zip(batch["part"], batch["position"], batch["take_frames"], strict=True)
        return to_columns([self._row(*pick) for pick in picks])

    def _row(self, number: int, position: int, take_frames: int | None) -> Row:
        part, dataset = self.parts[number]
        row = part.row(dataset[position], position, take_frames=take_frames)
        if self.opens:
            row["images"] = [open_image(image, name=row["id"]) for image in row["images"]]
        return row


def load_mixture(parts: Sequence[MixturePart], *, seed: int = 0, count_tokens: CountTokens | None = None) -> Mixture:
    """Load the parts and mix them. See [`mix`].

    Args:
        parts (`Sequence[MixturePart]`): The parts.
        seed (`int`, *optional*, defaults to `0`): The seed that decides which rows are taken, and their order.
        count_tokens (`Callable[[str], int]`, *optional*): Tokens of a text; needed where a part has a `filter`.
    """
    loaded = [(part, read_split(part.path, part.name, part.split, revision=part.revision)) for part in parts]
    return mix(loaded, seed, count_tokens=count_tokens)


def mix(parts: Sequence[tuple[MixturePart, Any]], seed: int, *, count_tokens: CountTokens | None = None) -> Mixture:
    """Mix loaded data sets.

    Args:
        parts (`Sequence[tuple[MixturePart, datasets.Dataset]]`): Each part and its rows, in our columns or in
            TRL's (see [`~t2vid_hf.mixtures.normalise.normalise`]).
        seed (`int`): The seed that decides which rows are taken, and their order.
        count_tokens (`Callable[[str], int]`, *optional*): Tokens of a text; needed where a part has a `filter`.

    Returns:
        [`Mixture`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part has no rows, an id stands twice, shares and counts are mixed, or a
            count is larger than what the part has.
    """
    if not parts:
        raise InputError("the mixture has no parts; give at least one")
    if len({part.share is None for part, _ in parts}) > 1:
        raise InputError("some parts of the mixture have a share and others a count; give all of them the same")
    usable = list(_find_usable(parts, count_tokens))
    picks: list[Pick] = []
    counts = []
    for number, wanted in enumerate(_rows_to_take(parts, [len(part.positions) for part in usable])):
        part, dataset = parts[number]
        positions, dropped = usable[number]
        ranked = sorted(positions, key=lambda name: stable_hash(f"draw/{seed}/{name}"))
        picks += [Pick(name, number, positions[name], part.frames) for name in ranked[:wanted]]
        if len(ranked) > wanted:
            dropped[NOT_SAMPLED] = len(ranked) - wanted
        counts.append(PartCount(part.label, len(dataset), wanted, dict(dropped)))
    picks.sort(key=lambda pick: (stable_hash(f"order/{seed}/{pick.id}"), pick.id))
    return Mixture(tuple(parts), tuple(picks), tuple(counts))


class _Usable(NamedTuple):
    """The rows of a part that may be taken, id -> position, and how many may not, by reason."""

    positions: dict[str, int]
    dropped: Counter[str]


def _find_usable(parts: Sequence[tuple[MixturePart, Any]], count_tokens: CountTokens | None) -> Iterator[_Usable]:
    seen: set[str] = set()
    for part, dataset in parts:
        usable = _Usable({}, Counter())
        for position, row in enumerate(_light_rows(part, dataset)):
            if row["id"] in seen:
                raise InputError(f"the id '{row['id']}' stands twice in the mixture, the second time in '{part.label}'")
            seen.add(row["id"])
            reason = _reason(part, row, count_tokens)
            if reason is None:
                usable.positions[row["id"]] = position
            else:
                usable.dropped[reason] += 1
        yield usable


def _reason(part: MixturePart, row: Row, count_tokens: CountTokens | None) -> str | None:
    reason = reason_to_drop(row, max_frames=part.max_frames)
    if reason is not None or part.filter is None:
        return reason
    if count_tokens is None:
        raise InputError(f"part '{part.label}' has the filter '{part.filter}', which counts tokens: give count_tokens")
    return FilterPreset.named(part.filter).reason(row, count_tokens)


def _light_rows(part: MixturePart, dataset: Any) -> Iterator[Row]:
    """The rows without their pages and clips."""
    for index, row in enumerate(drop_media(dataset)):
        yield part.row(row, index, take_frames=None)


def _rows_to_take(parts: Sequence[tuple[MixturePart, Any]], usable: Sequence[int]) -> list[int]:
    """How many rows to take of each part."""
    for (part, dataset), rows in zip(parts, usable, strict=True):
        if not rows or (part.count is not None and part.count > rows):
            raise InputError(
                f"part '{part.label}' has {rows} usable rows of {len(dataset)}"
                + (f", and {part.count} are asked for: lower its count" if part.count is not None else "")
            )
    if parts[0][0].count is not None:
        return [part.count or 0 for part, _ in parts]
    # Fractions, because 0.1 * 3 must not lose a row.
    shares = [Fraction(str(part.share)) for part, _ in parts]
    unit = min(Fraction(rows) / share for rows, share in zip(usable, shares, strict=True))
    counts = [int(unit * share) for share in shares]
    if 0 in counts:
        raise InputError(
            f"the shares {', '.join(str(part.share) for part, _ in parts)} leave a part without a row "
            f"({', '.join(str(rows) for rows in usable)} usable rows): give more rows or other shares"
        )
    return counts
