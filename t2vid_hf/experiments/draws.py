"""Which rows an arm takes with a seed, in the order in which it trains on them.

Ids and seed decide, as in a mixture: an arm of fewer rows holds the beginning of what a larger one draws from the same
pool, unless the experiment asks each arm to draw for itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.experiments.arms import Arm
from t2vid_hf.experiments.experiment_file import Design
from t2vid_hf.experiments.pool_rows import Drawn, PoolRows, joined_prices, rows_of
from t2vid_hf.experiments.yaml_parts import settled
from t2vid_hf.mixtures.mixing import PartCount
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.picks import Pick, in_order


@dataclass(frozen=True)
class ArmRows:
    """The rows of an arm with a seed.

    Args:
        parts (`tuple[MixturePart, ...]`, *optional*, defaults to `()`): Its pools as parts of a mixture.
        picks (`tuple[Pick, ...]`, *optional*, defaults to `()`): Its rows, in the order of training.
        counts (`tuple[PartCount, ...]`, *optional*, defaults to `()`): What became of the rows of each pool.
        prices ([`~t2vid_hf.batches.token_cost.Prices`], *optional*): What they cost; `None` where there are none.
        drawn (`tuple[Drawn, ...]`, *optional*, defaults to `()`): The same rows by their pools.
    """

    parts: tuple[MixturePart, ...] = ()
    picks: tuple[Pick, ...] = ()
    counts: tuple[PartCount, ...] = ()
    prices: Prices | None = None
    drawn: tuple[Drawn, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return 0 if self.prices is None else int(self.prices.tokens.sum())


def draw_arm(design: Design, name: str, seed: int, pools: Mapping[str, PoolRows]) -> ArmRows:
    """Draw the rows of an arm.

    Args:
        design ([`~t2vid_hf.experiments.experiment_file.Design`]): The experiment.
        name (`str`): The arm.
        seed (`int`): The seed.
        pools (`Mapping[str, PoolRows]`): The pools.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a pool has not as many, a row stands in two of the arm's pools, or the budget
            leaves a pool without a row.
    """
    arm = design.arms[name]
    if not arm.trains:
        return ArmRows()
    roles = design.roles_of(seed)
    ranked = {
        pool: pools[pool].ranked(settled(pools[pool].pool.where, roles), seed if design.nested else f"{seed}/{name}")
        for pool in (*arm.amounts, *arm.shares)
    }
    if arm.amounts:
        counts = {pool: rows_of(amount, len(ranked[pool]), arm=name, pool=pool) for pool, amount in arm.amounts.items()}
    else:
        counts = _by_shares(design, name, arm, pools, ranked)
    drawn = [Drawn(pool, ranked[pool][:count]) for pool, count in counts.items()]
    return _arranged(name, seed, drawn, pools)


def _by_shares(
    design: Design, name: str, arm: Arm, pools: Mapping[str, PoolRows], ranked: Mapping[str, np.ndarray]
) -> dict[str, int]:
    """How many rows of each pool: as many as shares and budget allow."""
    shares = {pool: Fraction(str(share)) for pool, share in arm.shares.items()}
    most = min(Fraction(len(ranked[pool])) / share for pool, share in shares.items())
    budget = arm.budget or design.budget or 0
    if design.equal == "rows":
        unit = Fraction(budget) / sum(shares.values())
        if unit > most:
            lacking = min(shares, key=lambda pool: len(ranked[pool]) / shares[pool])
            raise InputError(
                f"arm '{name}': {budget} rows by its shares take {int(unit * shares[lacking])} of pool '{lacking}', "
                f"and {len(ranked[lacking])} are usable; lower the budget, or give the pool more"
            )
        counts = {pool: int(unit * share) for pool, share in shares.items()}
        # What rounding leaves goes to the largest shares, so that arms are equal to the row.
        for pool in sorted(shares, key=lambda pool: -shares[pool])[: budget - sum(counts.values())]:
            counts[pool] += 1
    elif design.equal == "tokens":
        sums = {pool: pools[pool].prices.tokens[rows].cumsum() for pool, rows in ranked.items()}
        counts = _within_tokens(budget, shares, most, sums, name)
    else:
        counts = {pool: int(most * share) for pool, share in shares.items()}
    for pool, count in counts.items():
        if not count:
            raise InputError(
                f"arm '{name}': its shares leave pool '{pool}' without a row; raise the budget or its share"
            )
    return counts


def _within_tokens(
    budget: int, shares: Mapping[str, Fraction], most: Fraction, sums: Mapping[str, np.ndarray], name: str
) -> dict[str, int]:
    """The most rows by shares whose tokens are within a budget: found by halves."""

    def tokens(rows: int) -> int:
        unit = Fraction(rows) / whole
        counts = [int(unit * share) for share in shares.values()]
        return sum(int(each[count - 1]) for each, count in zip(sums.values(), counts, strict=True) if count)

    whole = sum(shares.values(), Fraction(0))
    low, high = 0, int(most * whole)
    if tokens(high) < budget:
        raise InputError(f"arm '{name}': its pools hold {tokens(high):,} tokens by its shares, and the budget is "
                         f"{budget:,}; lower it, or give the pools more")  # fmt: skip
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if tokens(middle) <= budget else (low, middle - 1)
    return {pool: int(Fraction(low) / whole * share) for pool, share in shares.items()}


def _arranged(name: str, seed: int, drawn: Sequence[Drawn], pools: Mapping[str, PoolRows]) -> ArmRows:
    """Rows of pools as one mixture, in the order of training."""
    picks: list[Pick] = []
    for part, each in enumerate(drawn):
        found = pools[each.pool].picks
        picks += [Pick(found[row].id, part, found[row].position, found[row].take_frames) for row in each.rows.tolist()]
    places = {pick.id: number for number, pick in enumerate(picks)}
    if len(places) < len(picks):
        twice = next(pick.id for number, pick in enumerate(picks) if places[pick.id] != number)
        raise InputError(f"arm '{name}': row '{twice}' stands in two of its pools; give the pools 'where'")
    ordered = in_order(picks, seed)
    prices = joined_prices(pools, drawn).taken([places[pick.id] for pick in ordered])
    return ArmRows(
        tuple(pools[each.pool].pool.part(len(each)) for each in drawn),
        tuple(ordered),
        tuple(_count(pools[each.pool], len(each)) for each in drawn),
        prices,
        tuple(drawn),
    )


def _count(pool: PoolRows, rows: int) -> PartCount:
    from t2vid_hf.mixtures.filters import NOT_SAMPLED

    left = len(pool.dataset) - rows
    return PartCount(pool.pool.part().label, len(pool.dataset), rows, {NOT_SAMPLED: left} if left else {})
