"""The rows of a pool: filtered, held to the limits and priced once, whatever number of arms and seeds draws from it.

Limits come before draws, so that an arm of 3,840 rows has 3,840. Reading, filtering and pricing 57,600 rows takes 16 s
of a core: 84 runs that each did so would take 20 minutes. What comes of it is kept beside the runs, for the next time.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from t2vid_hf import __version__
from t2vid_hf.batches.token_cost import Prices, TokenCost
from t2vid_hf.data.repository import read_split
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.experiments.arms import Amount, Pool
from t2vid_hf.mixtures.mixing import Mixture, PartCount, find_usable
from t2vid_hf.mixtures.picks import Pick, drawn_first
from t2vid_hf.training.fine_tuning import hold_to_limits
from t2vid_hf.training.sft_config import T2VidSFTConfig


@dataclass(frozen=True)
class Drawn:
    """Rows that an arm takes of a pool.

    Args:
        pool (`str`): The pool's name.
        rows (`np.ndarray` of shape `(rows,)`, int64): Which of the pool's usable rows, in the order of the draw.
    """

    pool: str
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class PoolRows:
    """The usable rows of a pool.

    Args:
        name (`str`): The pool's name, for errors.
        pool ([`~t2vid_hf.experiments.arms.Pool`]): What it is.
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices rows.
        config ([`T2VidSFTConfig`]): The limits of training.
        count_tokens (`Callable[[str], int]`): Tokens of a text, for filters.
        kept (`Path`, *optional*): The folder where what was read is kept and taken from; `None` keeps nothing.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such data set or column, or no usable row.
    """

    def __init__(
        self,
        name: str,
        pool: Pool,
        *,
        cost: TokenCost,
        config: T2VidSFTConfig,
        count_tokens: Callable[[str], int],
        kept: Path | None = None,
    ) -> None:
        self.name, self.pool = name, pool
        part = pool.part()
        self.dataset = read_split(part.path, part.name, part.split, revision=part.revision)
        limits = [config.max_length, config.max_images, config.on_bad_row]
        key = digest([__version__, self.stamp(), len(self.dataset), dict(pool.settings), cost.fingerprint(), limits])
        file = None if kept is None else kept / f"{key}.npz"
        if file is not None and file.is_file():
            self.picks, self.prices = _read(file)
        else:
            self.picks, self.prices = self._find(cost, config, count_tokens)
            if file is not None:
                _write(file, self.picks, self.prices)
        self._columns: dict[str, list[Any]] = {}
        self._ranked: dict[Any, np.ndarray] = {}

    def _find(
        self, cost: TokenCost, config: T2VidSFTConfig, count_tokens: Callable[[str], int]
    ) -> tuple[tuple[Pick, ...], Prices]:
        part = self.pool.part()
        (usable,) = find_usable([(part, self.dataset)], count_tokens)
        count = PartCount(part.label, len(self.dataset), len(usable.positions), dict(usable.dropped))
        if not usable.positions:
            raise InputError(f"pool '{self.name}': none of its {count.rows} rows can be used ({count.dropped})")
        picks = tuple(Pick(row, 0, position, part.take_frames) for row, position in usable.positions.items())
        mixture, prices = hold_to_limits(Mixture(((part, self.dataset),), picks, (count,)), cost, config)
        return mixture.picks, prices

    def values(self, column: str) -> list[Any]:
        """What a column holds for each usable row.

        Args:
            column (`str`): The column.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the data set has none of that name.
        """
        if column not in self._columns:
            if column not in self.dataset.column_names:
                raise unknown(f"column of pool '{self.name}'", column, self.dataset.column_names)
            held = self.dataset.select_columns([column]).with_format(None)[column]
            whole = list(held)
            self._columns[column] = [whole[pick.position] for pick in self.picks]
        return self._columns[column]

    def ranked(self, where: Mapping[str, tuple[Any, ...]], seed: int | str) -> np.ndarray:
        """The rows that columns ask for, in the order in which they are drawn.

        Args:
            where (`Mapping[str, tuple]`): What columns must hold, without roles.
            seed (`int` or `str`): The seed of the draw.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is no such column, or no such row.
        """
        key = (json.dumps(where, sort_keys=True), seed)
        if key not in self._ranked:
            kept = [
                number for number in range(len(self.picks))
                if all(self.values(column)[number] in wanted for column, wanted in where.items())
            ]  # fmt: skip
            if not kept:
                raise InputError(f"pool '{self.name}': no usable row has {_told(where)}")
            numbers = {self.picks[number].id: number for number in kept}
            self._ranked[key] = np.array([numbers[name] for name in drawn_first(numbers, seed)], np.int64)
        return self._ranked[key]

    def stamp(self) -> list[Any]:
        """What changes where the pool's files do: names and sizes of those that lie here, else the revision."""
        part = self.pool.part()
        if not Path(part.path).is_dir():
            return [part.path, part.name, part.revision]
        files = sorted(Path(part.path).glob(f"{part.name or '*'}/*"))
        return [[file.name, file.stat().st_size] for file in files if file.is_file()]


def _told(where: Mapping[str, tuple[Any, ...]]) -> str:
    return " and ".join(f"{name} {' or '.join(map(str, values))}" for name, values in where.items())


def rows_of(amount: Amount, there: int, *, arm: str, pool: str) -> int:
    """How many rows an arm takes.

    Args:
        amount ([`~t2vid_hf.experiments.arms.Amount`]): What the file says.
        there (`int`): How many there are.
        arm (`str`): The arm, for errors.
        pool (`str`): The pool, for errors.

    Raises:
        [`~t2vid_hf.errors.InputError`]: more than there are, or none.
    """
    rows = amount.rows if amount.rows is not None else int(there * (amount.share or 0) + 0.5)
    if rows > there or not rows:
        raise InputError(f"arm '{arm}': {rows} rows of pool '{pool}' are asked for, and {there} are usable; ask for "
                         f"fewer, or give the pool more")  # fmt: skip
    return rows


def digest(value: Any) -> str:
    """A hash of what JSON can hold.

    Args:
        value (`Any`): The value.

    Example:

    ```python
    >>> from t2vid_hf.experiments.pool_rows import digest
    >>> digest([1, "a"])[:8]
    '7b0096e2'

    ```
    """
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


def _write(file: Path, picks: Sequence[Pick], prices: Prices) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: value for name, value in vars(prices).items() if value is not None}
    beside = file.with_name(f"{file.name}.part")
    with beside.open("wb") as opened:
        np.savez(
            opened, ids=np.array([pick.id for pick in picks]), positions=np.array([pick.position for pick in picks]),
            frames_taken=np.array([-1 if pick.take_frames is None else pick.take_frames for pick in picks]), **arrays,
        )  # fmt: skip
    beside.replace(file)


def _read(file: Path) -> tuple[tuple[Pick, ...], Prices]:
    with np.load(file) as held:
        arrays = {name: held[name] for name in held.files}
    ids, positions, taken = (arrays.pop(name).tolist() for name in ("ids", "positions", "frames_taken"))
    rows = zip(ids, positions, taken, strict=True)
    picks = tuple(Pick(name, 0, place, None if frames < 0 else frames) for name, place, frames in rows)
    return picks, Prices(**{**arrays, "tokens_per_image": int(arrays["tokens_per_image"])})


def joined_prices(pools: Mapping[str, PoolRows], drawn: Sequence[Drawn]) -> Prices:
    """What rows of several pools cost, one pool behind the other.

    Args:
        pools (`Mapping[str, PoolRows]`): The pools.
        drawn (`Sequence[Drawn]`): The rows, of one pool at least.
    """
    prices = [pools[each.pool].prices.taken(each.rows.tolist()) for each in drawn]
    whole = prices[0]
    for other in prices[1:]:
        whole = whole.joined(other)
    return whole
