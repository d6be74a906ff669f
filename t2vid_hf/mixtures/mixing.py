"""Mix data sets by share or count: seeded, independent of the order of rows and parts, no row left out uncounted.

Which rows of a part are taken, and in which order the mixture runs, depends on the seed and the rows' ids alone. The
mixture holds two numbers a row (part, position) and reads the rows where they are, so that parts of different columns
meet (lazy pages, PNG files, public chat sets), and 30,000 rows of pages are mixed without copying one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from t2vid_hf.data.page_columns import with_pages
from t2vid_hf.data.repository import read_split
from t2vid_hf.data.undecoded import keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.fetched_media import with_media
from t2vid_hf.mixtures.filters import HELD_OUT, NOT_SAMPLED, FilterPreset
from t2vid_hf.mixtures.held_out import check_share, is_held_out
from t2vid_hf.mixtures.light_rows import drop_media, light_dataset
from t2vid_hf.mixtures.part_sizes import rows_to_take
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.picks import Pick, PickReader, drawn_first, in_order
from t2vid_hf.schema import Row

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
class Mixture:
    """A mixture.

    Args:
        parts (`tuple[tuple[MixturePart, datasets.Dataset], ...]`): The parts that it is made of, each with its rows.
        picks (`tuple[Pick, ...]`): Its rows, in order.
        counts (`tuple[PartCount, ...]`): What became of the rows of each part.
        held_out (`tuple[Pick, ...]`, *optional*, defaults to `()`): Rows that are held out of it; see
            [`~t2vid_hf.mixtures.evaluation_rows.evaluation_mixture`].
    """

    parts: tuple[tuple[MixturePart, Any], ...]
    picks: tuple[Pick, ...]
    counts: tuple[PartCount, ...]
    held_out: tuple[Pick, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The rows' ids, in order."""
        return tuple(pick.id for pick in self.picks)

    @cached_property
    def dataset(self) -> Any:
        """The rows as a `datasets.Dataset`: the schema's columns, and how videos are taken."""
        return self._read(opens=True)

    @cached_property
    def undecoded(self) -> Any:
        """The same rows with images as `{"bytes", "path"}`, so that who decodes one knows whose it is."""
        return self._read(opens=False)

    def _read(self, *, opens: bool) -> Any:
        # Undecoded, so that a path is looked at before anything is opened.
        parts = tuple((part, keep_undecoded(dataset)) for part, dataset in self.parts)
        return self._index().with_transform(PickReader(parts, opens=opens))

    @cached_property
    def light(self) -> Any:
        """The rows without pages and clips, for prices and plans: the columns `LIGHT`, and how videos are taken."""
        parts = tuple((part, drop_media(dataset)) for part, dataset in self.parts)
        return light_dataset(self._index().with_transform(PickReader(parts, opens=False)))

    def _index(self) -> Any:
        from datasets import Dataset

        return Dataset.from_dict(
            {name: [getattr(pick, name) for pick in self.picks] for name in ("id", "part", "position", "take_frames")}
        )


def load_mixture(
    parts: Sequence[MixturePart], *, seed: int = 0, count_tokens: CountTokens | None = None, eval_share: float = 0.0
) -> Mixture:
    """Load the parts and mix them. See [`mix`].

    Args:
        parts (`Sequence[MixturePart]`): The parts.
        seed (`int`, *optional*, defaults to `0`): The seed that decides which rows are taken, and their order.
        count_tokens (`Callable[[str], int]`, *optional*): Tokens of a text; needed where a part has a `filter`.
        eval_share (`float`, *optional*, defaults to `0.0`): See [`mix`].
    """
    loaded = [(part, read_split(part.path, part.name, part.split, revision=part.revision)) for part in parts]
    mixture = mix(loaded, seed, count_tokens=count_tokens, eval_share=eval_share)
    return replace(mixture, parts=fetched(mixture.parts, [*mixture.picks, *mixture.held_out]))


def fetched(parts: Sequence[tuple[MixturePart, Any]], picks: Sequence[Pick]) -> tuple[tuple[MixturePart, Any], ...]:
    """Parts whose media are on this machine, see [`~t2vid_hf.mixtures.fetched_media.with_media`].

    Args:
        parts (`Sequence[tuple[MixturePart, datasets.Dataset]]`): The parts, each with its rows.
        picks (`Sequence[Pick]`): The rows that are read.
    """
    return tuple(
        (with_media(part, dataset, [pick for pick in picks if pick.part == number]), dataset)
        for number, (part, dataset) in enumerate(parts)
    )


def mix(
    parts: Sequence[tuple[MixturePart, Any]],
    seed: int,
    *,
    count_tokens: CountTokens | None = None,
    eval_share: float = 0.0,
) -> Mixture:
    """Mix loaded data sets.

    Args:
        parts (`Sequence[tuple[MixturePart, datasets.Dataset]]`): Each part and its rows, in our columns or in
            TRL's (see [`~t2vid_hf.mixtures.normalise.normalise`]).
        seed (`int`): The seed that decides which rows are taken, and their order.
        count_tokens (`Callable[[str], int]`, *optional*): Tokens of a text; needed where a part has a `filter`.
        eval_share (`float`, *optional*, defaults to `0.0`): The share of usable rows to hold out of training, of each
            part without an `eval_split`, whichever [`~t2vid_hf.mixtures.held_out.is_held_out`] says.

    Returns:
        [`Mixture`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part has no rows, or none to hold out, an id stands twice, shares and counts
            are mixed, or a count is larger than what the part has.
    """
    check_share(eval_share)
    if not parts:
        raise InputError("the mixture has no parts; give at least one")
    parts = [(part, with_pages(dataset)) for part, dataset in parts]
    if len({part.share is None for part, _ in parts}) > 1:
        raise InputError("some parts of the mixture have a share and others a count; give all of them the same")
    usable = list(find_usable(parts, count_tokens))
    held_out = [pick for number in range(len(parts)) for pick in _hold_out(parts, usable, number, eval_share)]
    picks: list[Pick] = []
    counts = []
    for number, wanted in enumerate(rows_to_take(parts, [len(part.positions) for part in usable])):
        part, dataset = parts[number]
        positions, dropped = usable[number]
        ranked = drawn_first(positions, seed)
        picks += [Pick(name, number, positions[name], part.take_frames) for name in ranked[:wanted]]
        if len(ranked) > wanted:
            dropped[NOT_SAMPLED] = len(ranked) - wanted
        counts.append(PartCount(part.label, len(dataset), wanted, dict(dropped)))
    return Mixture(tuple(parts), tuple(in_order(picks, seed)), tuple(counts), tuple(held_out))


def _hold_out(
    parts: Sequence[tuple[MixturePart, Any]], usable: Sequence["Usable"], number: int, share: float
) -> list[Pick]:
    """Take out of a part's usable rows, and count as dropped, what is held out."""
    part, (positions, dropped) = parts[number][0], usable[number]
    if not share or part.eval_split is not None:
        return []
    names = [name for name in positions if is_held_out(name, share)]
    if positions and not names:
        raise InputError(f"eval_share {share} holds out none of the {len(positions)} usable rows of part "
                         f"'{part.label}': give a greater share, or the part an eval_split")  # fmt: skip
    dropped[HELD_OUT] = len(names)
    return [Pick(name, number, positions.pop(name), part.take_frames) for name in names]


class Usable(NamedTuple):
    """The rows of a part that may be taken, id -> position, and how many may not, by reason."""

    positions: dict[str, int]
    dropped: Counter[str]


def find_usable(parts: Sequence[tuple[MixturePart, Any]], count_tokens: CountTokens | None) -> Iterator[Usable]:
    """The rows of each part that its filters keep.

    Args:
        parts (`Sequence[tuple[MixturePart, datasets.Dataset]]`): See [`mix`].
        count_tokens (`Callable[[str], int]` or `None`): See [`mix`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: an id stands twice, or a filter cannot count tokens.
    """
    seen: set[str] = set()
    for part, dataset in parts:
        usable = Usable({}, Counter())
        for position, row in enumerate(_light_rows(part, dataset)):
            if row["id"] in seen:
                raise InputError(f"the id '{row['id']}' stands twice in the mixture, the second time in '{part.label}'")
            seen.add(row["id"])
            reason = _reason(part, row, count_tokens)
            if reason is None:
                usable.positions[row["id"]] = position
            else:
                usable.dropped[reason] += 1
        missing = (part.picked or frozenset()) - seen
        if missing:
            raise InputError(f"part '{part.label}': {len(missing)} ids in {part.ids} are of none of its rows, such as "
                             f"'{min(missing)}': give the file that was made of this set")  # fmt: skip
        yield usable


def _reason(part: MixturePart, row: Row, count_tokens: CountTokens | None) -> str | None:
    reason = part.reason_to_drop(row)
    if reason is not None or part.filter is None:
        return reason
    if count_tokens is None:
        raise InputError(f"part '{part.label}' has the filter '{part.filter}', which counts tokens: give count_tokens")
    return FilterPreset.named(part.filter).reason(row, count_tokens)


def _light_rows(part: MixturePart, dataset: Any) -> Iterator[Row]:
    """The rows without their pages and clips."""
    for index, row in enumerate(drop_media(dataset)):
        yield part.row(row, index, take_frames=None)
