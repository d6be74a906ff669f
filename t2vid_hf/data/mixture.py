"""Mix data sets by share or count: seeded, independent of the order of rows and parts, every dropped row counted.

Which rows of a part are drawn, and in which order the mixture runs, depends on the seed and the rows' ids alone. The
mixture holds two numbers a row (part, position) and reads the rows where they are, so that parts of different columns
meet (lazy pages, PNG files, public chat sets), and 30,000 rows of pages are mixed without copying one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from t2vid_hf.data.filters import NOT_DRAWN, FilterPreset, reason_to_drop
from t2vid_hf.data.normalise import normalise
from t2vid_hf.data.packing import PackingPlan, plan
from t2vid_hf.data.parts import Part
from t2vid_hf.data.repository import read_split, undecoded
from t2vid_hf.data.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.schema import Row, features
from t2vid_hf.seeding import stable_hash

CountTokens = Callable[[str], int]
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
class Pick:
    """A row of a mixture: where it is, and how many frames of its video to take (`None`: the trainer's number)."""

    id: str
    part: int
    position: int
    take_frames: int | None


@dataclass(frozen=True)
class Mixture:
    """A mixture.

    Args:
        parts (`tuple[tuple[Part, datasets.Dataset], ...]`): What it is made of.
        picks (`tuple[Pick, ...]`): Its rows, in order.
        drawn (`tuple[Drawn, ...]`): What became of each part.
    """

    parts: tuple[tuple[Part, Any], ...]
    picks: tuple[Pick, ...]
    drawn: tuple[Drawn, ...]

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
        from datasets import Dataset, Features, Value

        columns = Features({**{name: features()[name] for name in LIGHT}, "take_frames": Value("int32")})
        parts = tuple((part, _without_media(dataset)) for part, dataset in self.parts)
        rows = self._index().with_transform(_Reader(parts))
        return Dataset.from_list([{name: row[name] for name in columns} for row in rows], features=columns)

    def _index(self) -> Any:
        from datasets import Dataset

        return Dataset.from_dict(
            {name: [getattr(pick, name) for pick in self.picks] for name in ("part", "position", "take_frames")}
        )


@dataclass(frozen=True)
class _Reader:
    """Reads rows of a mixture where they are; `datasets` calls it with a batch of the index."""

    parts: tuple[tuple[Part, Any], ...]

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        rows = [self._row(*pick) for pick in zip(batch["part"], batch["position"], batch["take_frames"], strict=True)]
        return {name: [row[name] for row in rows] for name in rows[0]}  # type: ignore[literal-required]

    def _row(self, number: int, position: int, take_frames: int | None) -> Row:
        part, dataset = self.parts[number]
        return part.row(dataset[position], position, take_frames=take_frames)


def load_mixture(parts: Sequence[Part], *, seed: int = 0, count_tokens: CountTokens | None = None) -> Mixture:
    """Load the parts and mix them. See [`mix`]."""
    loaded = [(part, read_split(part.path, part.name, part.split, revision=part.revision)) for part in parts]
    return mix(loaded, seed, count_tokens=count_tokens)


def mix(parts: Sequence[tuple[Part, Any]], seed: int, *, count_tokens: CountTokens | None = None) -> Mixture:
    """Mix loaded data sets.

    Args:
        parts (`Sequence[tuple[Part, datasets.Dataset]]`): Each part and its rows, in our columns or in TRL's (see
            [`~t2vid_hf.data.normalise.normalise`]).
        seed (`int`): Another seed draws other rows and orders them otherwise.
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
            reason = _reason(part, row, count_tokens)
            if reason is None:
                kept[-1][row["id"]] = position
            else:
                dropped[-1][reason] += 1
    chosen: list[tuple[int, Pick]] = []  # by hash
    drawn = []
    for number, wanted in enumerate(_counts(parts, [len(rows) for rows in kept])):
        part, dataset = parts[number]
        ranked = sorted(kept[number], key=lambda name: stable_hash(f"draw/{seed}/{name}"))
        for name in ranked[:wanted]:
            pick = Pick(name, number, kept[number][name], part.frames)
            chosen.append((stable_hash(f"order/{seed}/{name}"), pick))
        if len(ranked) > wanted:
            dropped[number][NOT_DRAWN] = len(ranked) - wanted
        drawn.append(Drawn(part.label, len(dataset), wanted, dict(dropped[number])))
    chosen.sort(key=lambda item: (item[0], item[1].id))
    return Mixture(tuple(parts), tuple(pick for _, pick in chosen), tuple(drawn))


def fit(
    mixture: Mixture, prices: Prices, *, max_tokens: int, num_ranks: int = 1, seed: int = 0
) -> tuple[Mixture, PackingPlan]:
    """Fit a mixture to a limit of tokens, each part by its own policy, and plan it.

    Args:
        mixture ([`Mixture`]): See [`mix`].
        prices ([`~t2vid_hf.data.token_cost.Prices`]): Of `mixture.light`.
        max_tokens (`int`): Longest row that the trainer takes, and size of a bin.
        num_ranks (`int`), seed (`int`): Of the plan.

    Returns:
        `tuple[Mixture, PackingPlan]`: the mixture without the rows that were dropped, those that were thinned with
        their number of frames; and the plan of the mixture as it was given.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a row is too long and its part's policy is an error, or all rows of a part are.
    """
    policies = [mixture.parts[pick.part][0].over_limit for pick in mixture.picks]
    for pick, policy, tokens in zip(mixture.picks, policies, prices.tokens.tolist(), strict=True):
        if policy == "error" and tokens > max_tokens:
            raise InputError(
                f"row '{pick.id}' of part '{mixture.parts[pick.part][0].label}' has {tokens} tokens, and {max_tokens} "
                f"are allowed: raise max_length, or give the part over_limit: drop, or thin for video"
            )
    planned = plan(prices, max_tokens=max_tokens, num_ranks=num_ranks, seed=seed, over_limit=policies)
    picks = []
    dropped: list[Counter[str]] = [Counter(drawn.dropped) for drawn in mixture.drawn]
    for number, pick in enumerate(mixture.picks):
        if number in planned.dropped:
            dropped[pick.part][planned.dropped[number]] += 1
        else:
            picks.append(replace(pick, take_frames=planned.thinned.get(number, pick.take_frames)))
    drawn = tuple(
        replace(old, drawn=old.rows - sum(reasons.values()), dropped=dict(reasons))
        for old, reasons in zip(mixture.drawn, dropped, strict=True)
    )
    for old, new in zip(mixture.drawn, drawn, strict=True):
        if old.drawn and not new.drawn:
            raise InputError(
                f"none of the {old.drawn} rows of part '{new.part}' fits into {max_tokens} tokens, so the mixture "
                f"would do without it: raise max_length, or leave the part out"
            )
    return Mixture(mixture.parts, tuple(picks), drawn), planned


def _reason(part: Part, row: Row, count_tokens: CountTokens | None) -> str | None:
    reason = reason_to_drop(row, max_frames=part.max_frames)
    if reason is not None or part.filter is None:
        return reason
    if count_tokens is None:
        raise InputError(f"part '{part.label}' has the filter '{part.filter}', which counts tokens: give count_tokens")
    return FilterPreset.named(part.filter).reason(row, count_tokens)


def _light_rows(part: Part, dataset: Any) -> Iterator[Row]:
    """The rows without their pages and clips."""
    for index, row in enumerate(_without_media(dataset)):
        yield normalise(row, source=part.label, index=index)


def _without_media(dataset: Any) -> Any:
    """Only the columns `LIGHT`, where the data set has them all; else its images are at least not decoded."""
    return dataset.select_columns(list(LIGHT)) if set(LIGHT) <= set(dataset.column_names) else undecoded(dataset)


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
