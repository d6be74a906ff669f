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

from t2vid_hf.data.image_sizes import image_sizes, undecoded
from t2vid_hf.data.repository import keep_undecoded, read_split
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.columns import LIGHT, light_columns
from t2vid_hf.mixtures.filters import NOT_SAMPLED, FilterPreset, reason_to_drop
from t2vid_hf.mixtures.normalise import normalise
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
        return self._index().with_transform(_Reader(self.parts))

    @cached_property
    def light(self) -> Any:
        """The rows without pages and clips, for prices and plans: the columns `LIGHT` and `take_frames`."""
        from datasets import Dataset

        parts = tuple((part, _drop_media(dataset)) for part, dataset in self.parts)
        rows = self._index().with_transform(_Reader(parts))
        columns = light_columns()
        return Dataset.from_list([{name: row[name] for name in columns} for row in rows], features=columns)

    def measured(self, measure: Callable[[Row], str]) -> Any:
        """The rows of `light`, each with its `facts`: what prices need to know of its media.

        Args:
            measure (`Callable[[Row], str]`): What finds it of a row with its images' sizes.
        """
        from datasets import Dataset, Features, Value

        parts = tuple((part, undecoded(dataset)) for part, dataset in self.parts)
        reader, columns = _Reader(parts, sizes=True), light_columns()
        rows = []
        for row in (reader.read(pick.part, pick.position, pick.take_frames) for pick in self.picks):
            rows.append({**{name: row[name] for name in columns}, "facts": measure(row)})  # type: ignore[literal-required]
        return Dataset.from_list(rows, features=Features({**columns, "facts": Value("string")}))

    def _index(self) -> Any:
        from datasets import Dataset

        return Dataset.from_dict(
            {name: [getattr(pick, name) for pick in self.picks] for name in ("part", "position", "take_frames")}
        )


@dataclass(frozen=True)
class _Reader:
    """Reads rows of a mixture where they are; `datasets` calls it with a batch of the index."""

    parts: tuple[tuple[MixturePart, Any], ...]
    sizes: bool = False

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        rows = [self.read(*pick) for pick in zip(batch["part"], batch["position"], batch["take_frames"], strict=True)]
        return {name: [row[name] for row in rows] for name in rows[0]}  # type: ignore[literal-required]

    def read(self, number: int, position: int, take_frames: int | None) -> Row:
        """A row, by the number of its part and its place in it."""
        part, dataset = self.parts[number]
        row = dataset[position]
        if self.sizes:  # in place of images; one image is a column of TRL's
            one = [] if row.get("image") is None else [row["image"]]
            row = {**row, "image": None, "images": image_sizes(row.get("images") or one)}
        return part.row(row, position, take_frames=take_frames)


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
        picks += [Pick(name, number, positions[name], part.take_frames) for name in ranked[:wanted]]
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
    reason = reason_to_drop(row, max_frames=part.most_pages)
    if reason is not None or part.filter is None:
        return reason
    if count_tokens is None:
        raise InputError(f"part '{part.label}' has the filter '{part.filter}', which counts tokens: give count_tokens")
    return FilterPreset.named(part.filter).reason(row, count_tokens)


def _light_rows(part: MixturePart, dataset: Any) -> Iterator[Row]:
    """The rows without their pages and clips."""
    for index, row in enumerate(_drop_media(dataset)):
        yield normalise(row, source=part.label, index=index)


def _drop_media(dataset: Any) -> Any:
    """Only the columns `LIGHT`, where the data set has them all; else its images are at least not decoded."""
    return dataset.select_columns(list(LIGHT)) if set(LIGHT) <= set(dataset.column_names) else keep_undecoded(dataset)


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
