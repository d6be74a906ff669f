"""Mix data sets by share or count: seeded, independent of the order of rows and parts, every dropped row counted.

Which rows of a part are drawn, and in which order the mixture runs, depends on the seed and the rows' ids alone. The
mixture holds two numbers a row (part, position) and reads the rows where they are, so that parts of different columns
meet (lazy pages, PNG files, public chat sets), and 30,000 rows of pages are mixed without copying one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from t2vid_hf.data.filters import NOT_DRAWN, reason_to_drop
from t2vid_hf.data.normalise import normalise
from t2vid_hf.data.parts import Part
from t2vid_hf.data.repository import read_split
from t2vid_hf.errors import InputError
from t2vid_hf.schema import Row
from t2vid_hf.seeding import stable_hash

# What a filter reads; the pages and clips of a row are never touched by it.
LIGHT = ("id", "source", "media", "messages", "num_frames")


@dataclass(frozen=True)
class Drawn:
    """What became of a part's rows: `rows == drawn + sum(dropped.values())`."""

    part: str
    rows: int
    drawn: int
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Mixture:
    """A mixture.

    Args:
        dataset (`datasets.Dataset`): Rows of the schema, with one column more: `take_frames`, the frames to take of a
            video (`None`: the trainer's own number).
        ids (`tuple[str, ...]`): The rows' ids, in the data set's order.
        drawn (`tuple[Drawn, ...]`): What became of each part.
    """

    dataset: Any
    ids: tuple[str, ...]
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True)
class _Reader:
    """Reads rows of a mixture where they are; `datasets` calls it with a batch of (part, position)."""

    parts: tuple[tuple[Part, Any], ...]

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[Any]]:
        rows = [self._row(part, position) for part, position in zip(batch["part"], batch["position"], strict=True)]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def _row(self, number: int, position: int) -> dict[str, Any]:
        part, dataset = self.parts[number]
        row = normalise(dataset[position], source=part.label, index=position)
        return {**row, "take_frames": part.frames}


def load_mixture(parts: Sequence[Part], *, seed: int = 0) -> Mixture:
    """Load the parts and mix them. See [`mix`]."""
    return mix([(part, read_split(part.path, part.name, part.split, revision=part.revision)) for part in parts], seed)


def mix(parts: Sequence[tuple[Part, Any]], seed: int) -> Mixture:
    """Mix loaded data sets.

    Args:
        parts (`Sequence[tuple[Part, datasets.Dataset]]`): Each part and its rows, in our columns or in TRL's (see
            [`~t2vid_hf.data.normalise.normalise`]).
        seed (`int`): Another seed draws other rows and orders them otherwise.

    Returns:
        [`Mixture`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part has no rows, an id stands twice, shares and counts are mixed, or a
            count is larger than what the part has.
    """
    from datasets import Dataset

    if not parts:
        raise InputError("the mixture has no parts; give at least one")
    if len({part.share is None for part, _ in parts}) > 1:
        raise InputError("some parts of the mixture have a share and others a count; give all of them the same")
    kept: list[dict[str, int]] = []  # by part: id -> position
    dropped: list[Counter[str]] = []
    seen: set[str] = set()
    for part, dataset in parts:
        kept.append({})
        dropped.append(Counter())
        for position, row in enumerate(_light_rows(part, dataset)):
            if row["id"] in seen:
                raise InputError(f"the id '{row['id']}' stands twice in the mixture, the second time in '{part.label}'")
            seen.add(row["id"])
            reason = reason_to_drop(row, max_frames=part.max_frames)
            if reason is None:
                kept[-1][row["id"]] = position
            else:
                dropped[-1][reason] += 1
    chosen: list[tuple[int, str, int, int]] = []  # (hash, id, part, position)
    drawn = []
    for number, wanted in enumerate(_counts(parts, [len(rows) for rows in kept])):
        part, dataset = parts[number]
        ranked = sorted(kept[number], key=lambda name: stable_hash(f"draw/{seed}/{name}"))
        chosen += [(stable_hash(f"order/{seed}/{name}"), name, number, kept[number][name]) for name in ranked[:wanted]]
        if len(ranked) > wanted:
            dropped[number][NOT_DRAWN] = len(ranked) - wanted
        drawn.append(Drawn(part.label, len(dataset), wanted, dict(dropped[number])))
    chosen.sort()
    index = Dataset.from_dict({"part": [item[2] for item in chosen], "position": [item[3] for item in chosen]})
    return Mixture(index.with_transform(_Reader(tuple(parts))), tuple(item[1] for item in chosen), tuple(drawn))


def _light_rows(part: Part, dataset: Any) -> Iterator[Row]:
    """The rows without their pages and clips."""
    if set(LIGHT) <= set(dataset.column_names):
        yield from dataset.select_columns(list(LIGHT))
        return
    for index, row in enumerate(_undecoded(dataset)):
        yield normalise(row, source=part.label, index=index)


def _undecoded(dataset: Any) -> Any:
    """The data set with its images as files: counting them must not decode them."""
    from datasets import Features, Image, List

    undecoded = {
        name: List(Image(decode=False)) if isinstance(kind, List) and isinstance(kind.feature, Image) else kind
        for name, kind in dataset.features.items()
    }
    undecoded = {name: Image(decode=False) if isinstance(kind, Image) else kind for name, kind in undecoded.items()}
    return dataset.cast(Features(undecoded)) if undecoded != dict(dataset.features) else dataset


def _counts(parts: Sequence[tuple[Part, Any]], usable: Sequence[int]) -> list[int]:
    """How many rows to draw of each part."""
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
