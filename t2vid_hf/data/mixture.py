"""Mix data sets by share or count: seeded, independent of the order of rows and parts, every dropped row counted.

Which rows of a part are drawn, and in which order the mixture runs, depends on the seed and the rows' ids alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any

from t2vid_hf.data.filters import NOT_DRAWN, reason_to_drop
from t2vid_hf.data.repository import read_split
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Row, features
from t2vid_hf.seeding import stable_hash


@dataclass(frozen=True)
class Part:
    """One data set of a mixture.

    Args:
        path (`str`): A folder that holds a data set, or its name on the Hub.
        name (`str`, *optional*): The config.
        split (`str`): The split.
        revision (`str`, *optional*): On the Hub.
        share (`float`, *optional*): Relative to the shares of the other parts; as many rows are drawn as the shares
            allow. The paper's is 2 (video) to 1 (synthetic).
        count (`int`, *optional*): Exactly this many rows. Give `share` or `count`, the same for all parts.
        max_frames (`int`, *optional*): Rows with more pages are dropped. Real video is thinned by the collator
            instead, and has no such limit.
    """

    path: str
    name: str | None = None
    split: str = "train"
    revision: str | None = None
    share: float | None = None
    count: int | None = None
    max_frames: int | None = None

    @classmethod
    def from_dict(cls, given: Any) -> "Part":
        """A part from a YAML mapping; an unknown key is an error."""
        if not isinstance(given, dict) or "path" not in given:
            raise InputError(f"a part of a mixture must be a mapping with at least 'path', not {given!r}")
        known = {item.name for item in fields(cls)}
        for key in given:
            if key not in known:
                raise unknown("key of a mixture's part", key, known)
        return cls(**given)

    def __post_init__(self) -> None:
        if (self.share is None) == (self.count is None):
            raise InputError(f"part '{self.label}': give either share or count")
        if (self.share is not None and self.share <= 0) or (self.count is not None and self.count <= 0):
            raise InputError(f"part '{self.label}': share and count must be above 0; leave the part out instead")

    @property
    def label(self) -> str:
        """The part's data set and config, for tables."""
        return f"{self.path}:{self.name}" if self.name else self.path


@dataclass(frozen=True)
class Drawn:
    """What became of a part's rows: `rows == drawn + sum(dropped.values())`."""

    part: str
    rows: int
    drawn: int
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Mixture:
    """A mixture: the rows, and what became of each part."""

    dataset: Any
    drawn: tuple[Drawn, ...]


def load_mixture(parts: Sequence[Part], *, seed: int = 0) -> Mixture:
    """Load the parts and mix them. See [`mix`]."""
    return mix([(part, read_split(part.path, part.name, part.split, revision=part.revision)) for part in parts], seed)


def mix(parts: Sequence[tuple[Part, Any]], seed: int) -> Mixture:
    """Mix loaded data sets.

    Args:
        parts (`Sequence[tuple[Part, datasets.Dataset]]`): Each part and its rows. Columns beyond the schema are left
            out.
        seed (`int`): Another seed draws other rows and orders them otherwise.

    Returns:
        [`Mixture`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part lacks columns or rows, an id stands twice, shares and counts are
            mixed, or a count is larger than what the part has.
    """
    from datasets import concatenate_datasets

    if not parts:
        raise InputError("the mixture has no parts; give at least one")
    if len({part.share is None for part, _ in parts}) > 1:
        raise InputError("some parts of the mixture have a share and others a count; give all of them the same")
    columns = features()
    kept: list[list[int]] = []
    ids: list[list[str]] = []
    dropped: list[Counter[str]] = []
    for part, dataset in parts:
        missing = sorted(set(Row.__annotations__) - set(dataset.column_names))
        if missing:
            raise InputError(f"part '{part.label}' lacks the columns {', '.join(missing)}; see t2vid_hf.schema.Row")
        light = dataset.select_columns(["messages", "num_frames"])
        reasons = [reason_to_drop(row, max_frames=part.max_frames) for row in light]
        ids.append(list(dataset["id"]))
        kept.append([index for index, reason in enumerate(reasons) if reason is None])
        dropped.append(Counter(reason for reason in reasons if reason is not None))
    _refuse_duplicates(ids)
    chosen, drawn = [], []
    for (part, dataset), rows, keys, reasons_of, wanted in zip(
        parts, kept, ids, dropped, _counts(parts, kept), strict=True
    ):
        ranked = sorted(rows, key=lambda index: stable_hash(f"draw/{seed}/{keys[index]}"))
        chosen.append(dataset.select_columns(list(columns)).cast(columns).select(ranked[:wanted]))
        if len(rows) > wanted:
            reasons_of[NOT_DRAWN] = len(rows) - wanted
        drawn.append(Drawn(part.label, len(dataset), wanted, dict(reasons_of)))
    mixture = concatenate_datasets(chosen)
    names = list(mixture["id"])
    order = sorted(range(len(names)), key=lambda index: stable_hash(f"order/{seed}/{names[index]}"))
    return Mixture(mixture.select(order), tuple(drawn))


def _counts(parts: Sequence[tuple[Part, Any]], kept: list[list[int]]) -> list[int]:
    """How many rows to draw of each part."""
    for (part, dataset), rows in zip(parts, kept, strict=True):
        if not rows or (part.count is not None and part.count > len(rows)):
            raise InputError(
                f"part '{part.label}' has {len(rows)} usable rows of {len(dataset)}"
                + (f", and {part.count} are asked for: lower its count" if part.count is not None else "")
            )
    if parts[0][0].count is not None:
        return [part.count or 0 for part, _ in parts]
    # Fractions, because 0.1 * 3 must not lose a row.
    shares = [Fraction(str(part.share)) for part, _ in parts]
    unit = min(Fraction(len(rows)) / share for rows, share in zip(kept, shares, strict=True))
    counts = [int(unit * share) for share in shares]
    if 0 in counts:
        raise InputError(
            f"the shares {', '.join(str(part.share) for part, _ in parts)} leave a part without a row "
            f"({', '.join(str(len(rows)) for rows in kept)} usable rows): give more rows or other shares"
        )
    return counts


def _refuse_duplicates(ids: list[list[str]]) -> None:
    counts = Counter(key for part in ids for key in part)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        raise InputError(f"{len(twice)} ids stand more than once in the mixture, '{twice[0]}' among them")
