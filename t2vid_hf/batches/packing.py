"""A plan of an epoch: which rows share a sequence, and which rank takes it at which step. From prices alone.

Rows are packed into bins (`t2vid_hf.batches.bins`), bins of like cost are taken at the same time by all ranks, so that
none waits, and those steps run in a random order (`t2vid_hf.batches.balance`). The plan is a function of its arguments:
every rank computes it for itself (0.4 s for 200,000 rows, tests/benchmarks/bench_packing.py), and a run that resumes
at a step computes it again and goes on from there.

Every row is taken once, and every rank gets as many bins as every other.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from t2vid_hf.batches.balance import balance, rows_of_bins
from t2vid_hf.batches.row_limits import check_limits
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.seeding import rng_for


@dataclass(frozen=True, eq=False)
class PackingPlan:
    """The bins of an epoch, in the order (step, rank, bin of the step).

    Args:
        rows (`np.ndarray` of shape `(packed,)`): Indices of rows, bin after bin.
        ends (`np.ndarray` of shape `(bins,)`): Where each bin ends in `rows`.
        tokens (`np.ndarray` of shape `(bins,)`): How many tokens each bin holds.
        costs (`np.ndarray` of shape `(bins,)`): What each bin costs in time, in any unit.
        num_ranks (`int`): Processes that train together.
        bins_per_step (`int`): Bins that a rank takes at a step.
        max_tokens (`int`): The most tokens of a bin.
    """

    rows: np.ndarray
    ends: np.ndarray
    tokens: np.ndarray
    costs: np.ndarray
    num_ranks: int
    bins_per_step: int
    max_tokens: int

    @property
    def num_steps(self) -> int:
        """Steps of the epoch, the same for every rank."""
        return len(self.ends) // (self.num_ranks * self.bins_per_step)

    @property
    def fill(self) -> float:
        """Tokens over the tokens that the bins could hold."""
        return float(self.tokens.sum() / (len(self.tokens) * self.max_tokens))

    @property
    def rank_spread(self) -> float:
        """Share of the time that ranks wait: the costliest of the bins that run together over their mean, less 1."""
        together = self.costs.reshape(-1, self.num_ranks, self.bins_per_step)
        return float(together.max(1).sum() / together.mean(1).sum() - 1)

    @property
    def empty_bins(self) -> int:
        """Bins without a row: a rank that gets one must run a step without a loss."""
        return int((np.diff(self.ends, prepend=0) == 0).sum())

    def steps(self, rank: int, start_step: int = 0) -> Iterator[list[list[int]]]:
        """The steps of a rank: for each the rows of its bins.

        Args:
            rank (`int`): The rank's number, counted from 0.
            start_step (`int`, *optional*, defaults to `0`): The first step to take; a resumed run gives the number of
                steps that it has taken.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is no such rank or step.
        """
        if not 0 <= rank < self.num_ranks:
            raise InputError(f"rank {rank}: the plan is for ranks 0 to {self.num_ranks - 1}")
        if not 0 <= start_step <= self.num_steps:
            raise InputError(f"step {start_step}: the plan has steps 0 to {self.num_steps - 1}")
        starts = np.concatenate([[0], self.ends])
        for step in range(start_step, self.num_steps):
            first = (step * self.num_ranks + rank) * self.bins_per_step
            yield [
                self.rows[starts[bin_] : starts[bin_ + 1]].tolist() for bin_ in range(first, first + self.bins_per_step)
            ]

    def rows_of_step(self, step: int) -> np.ndarray:
        """The rows that all ranks together take at a step."""
        per_step = self.num_ranks * self.bins_per_step
        start = self.ends[step * per_step - 1] if step else 0
        return self.rows[start : self.ends[(step + 1) * per_step - 1]]

    def dealt(self, num_ranks: int) -> "PackingPlan":
        """The same steps for another number of ranks: each holds the bins that it held, and more or fewer a rank.

        A run that goes on with other ranks takes it: what is left of an epoch is then exactly the rows not yet taken.
        Bins that cost alike still run together where the ranks are fewer; where they are more, ranks wait longer for
        each other than by a plan that was made for them.

        Args:
            num_ranks (`int`): Divides the bins of a step.

        Raises:
            [`~t2vid_hf.errors.InputError`]: it does not.
        """
        per_step = self.num_ranks * self.bins_per_step
        if num_ranks < 1 or per_step % num_ranks:
            raise InputError(f"{per_step} bins a step cannot be dealt to {num_ranks} ranks: give a divisor of them")
        if num_ranks == self.num_ranks:
            return self
        order = self._together().reshape(self.num_steps, -1, num_ranks).transpose(0, 2, 1).reshape(-1)
        starts = np.concatenate([[0], self.ends])
        bins = [self.rows[starts[index] : starts[index + 1]] for index in order]
        return replace(
            self,
            rows=np.concatenate(bins),
            ends=np.cumsum([len(rows) for rows in bins]),
            tokens=self.tokens[order],
            costs=self.costs[order],
            num_ranks=num_ranks,
            bins_per_step=per_step // num_ranks,
        )

    def _together(self) -> np.ndarray:
        """Bins in the order (step, bin of the rank, rank), which is the same for any number of ranks."""
        bins = np.arange(len(self.ends)).reshape(self.num_steps, self.num_ranks, self.bins_per_step)
        return bins.transpose(0, 2, 1).reshape(-1)

    def fingerprint(self) -> str:
        """Equal where the steps are, on any number of ranks: a checkpoint keeps it, and a run resumes on its plan."""
        state = hashlib.blake2b(digest_size=16)
        sizes = np.diff(self.ends, prepend=0)
        starts = self.ends - sizes
        order = self._together()
        rows = [self.rows[start : start + size] for start, size in zip(starts[order], sizes[order], strict=True)]
        for part in (np.concatenate(rows), np.cumsum(sizes[order]), [self.num_ranks * self.bins_per_step]):
            state.update(np.asarray(part, np.int64).tobytes() + b"/")
        return state.hexdigest()


def plan_packing(
    prices: Prices,
    *,
    max_tokens: int,
    max_images: int | None = None,
    num_ranks: int = 1,
    bins_per_step: int = 1,
    seed: int = 0,
    epoch: int = 0,
    costs: np.ndarray | None = None,
) -> PackingPlan:
    """Plan an epoch.

    Args:
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost in tokens and images.
        max_tokens (`int`): The most tokens of a bin.
        max_images (`int`, *optional*): The most images of a bin; `None` for no limit.
        num_ranks (`int`, *optional*, defaults to `1`): Processes that train together.
        bins_per_step (`int`, *optional*, defaults to `1`): Bins that a rank takes at a step, one after another
            (gradient accumulation).
        seed (`int`, *optional*, defaults to `0`): What the draws follow from; another seed packs and orders otherwise.
        epoch (`int`, *optional*, defaults to `0`): The epoch's number; another epoch packs and orders otherwise, too.
        costs (`np.ndarray` of shape `(rows,)`, *optional*): What a row costs in time, in any unit, to balance ranks
            by; `None` takes its tokens.

    Returns:
        [`PackingPlan`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: a limit below 1, arrays of different lengths, no row, or a row above the
            limits: [`~t2vid_hf.batches.row_limits.apply_limits`] says what becomes of those.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.packing import plan_packing
    >>> from t2vid_hf.batches.token_cost import Prices
    >>> tokens = np.array([60, 50, 40, 50, 30, 70])
    >>> none = np.zeros(6, int)
    >>> packed = plan_packing(Prices(tokens, none, none, tokens_per_image=1), max_tokens=100, num_ranks=3)
    >>> sorted(sorted(tokens[bin_].tolist()) for rank in range(3) for bins in packed.steps(rank) for bin_ in bins)
    [[30, 70], [40, 60], [50, 50]]

    ```
    """
    counts = {"max_tokens": max_tokens, "num_ranks": num_ranks, "bins_per_step": bins_per_step}
    _check_counts({**counts, **({} if max_images is None else {"max_images": max_images})}, epoch)
    _check_prices(prices, costs)
    # numba, 0.4 s: only where a plan is made
    from t2vid_hf.batches.bins import pack

    image_limit = max(1, int(prices.images.sum())) if max_images is None else max_images
    tokens, images = prices.tokens.astype(np.int64), prices.images.astype(np.int64)
    check_limits(prices, max_tokens=max_tokens, max_images=max_images)
    costs = tokens.astype(float) if costs is None else costs
    random = rng_for(seed, f"packing/{epoch}")
    order = random.permutation(len(prices))
    # What is scarcer fills the bins, the other is kept below its limit.
    if images[order].sum() * max_tokens > tokens[order].sum() * image_limit:
        bin_of = pack(order, images, tokens, image_limit, max_tokens)
    else:
        bin_of = pack(order, tokens, images, max_tokens, image_limit)
    bins = balance(rows_of_bins(order, bin_of), costs, num_ranks=num_ranks, bins_per_step=bins_per_step, random=random)
    return PackingPlan(
        rows=np.concatenate(bins),
        ends=np.cumsum([len(rows) for rows in bins]),
        tokens=np.array([tokens[rows].sum() for rows in bins]),
        costs=np.array([costs[rows].sum() for rows in bins]),
        num_ranks=num_ranks,
        bins_per_step=bins_per_step,
        max_tokens=max_tokens,
    )


def _check_counts(counts: Mapping[str, int], epoch: int) -> None:
    for name, number in counts.items():
        if number < 1:
            raise InputError(f"{name} is {number}; it must be at least 1")
    if epoch < 0:
        raise InputError(f"epoch is {epoch}; it must not be negative")


def _check_prices(prices: Prices, costs: np.ndarray | None) -> None:
    if not len(prices):
        raise InputError("there are no rows to pack")
    columns = {"images": prices.images, "frames": prices.frames, **({} if costs is None else {"costs": costs})}
    for name, column in columns.items():
        if len(column) != len(prices):
            raise InputError(f"{len(prices)} rows have a price in tokens, and {len(column)} in {name}")
    if prices.tokens.min() < 1 or min(column.min() for column in columns.values()) < 0:
        raise InputError("prices must not be negative, and every row has a token at least")
    if (prices.frames > prices.images).any():
        raise InputError("a row has more frames than images; frames of a video count as images too")
