"""Sets compared on samples of one size, with intervals: every measure depends on how many instructions it sees.

Samples are drawn without replacement. The usual bootstrap draws with it, and then 37 % of a sample are copies, which
every measure takes for the set's own: on NExT-QA's questions none of its 95 % intervals held the truth, but for the
entropy. Ours are those of the delete-d jackknife (Shao and Wu 1989), and 91 to 98 % held it: of a set of N, samples of
m vary as the set itself would, but for the factor m / (N - m), and m is at most half of the smallest set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from t2vid_hf.diversity.measures import MEASURES
from t2vid_hf.diversity.prepared import PreparedSets
from t2vid_hf.errors import InputError
from t2vid_hf.seeding import rng_for

MOST = 2000
"""Instructions of a sample, at most."""
FEWEST = 4
"""Instructions that a set must have: a sample is half of it, and a nearest one needs two."""
DRAWS = 50
ADDED_SHARE = 1 / 3  # the paper mixes video and synthetic rows 2 : 1


@dataclass(frozen=True)
class Estimate:
    """A measure and its 95 % interval.

    Args:
        value (`float`): The mean over the samples.
        low (`float`): Lower end.
        high (`float`): Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Added:
    """What a part adds to a mixture, beside as many more rows of the mixture.

    Args:
        size (`int`): Instructions of either sample.
        added (`int`): How many of them are the part's, or more of the mixture's.
        alone (`dict[str, Estimate]`): The mixture with more of itself, by measure.
        mixed (`dict[str, Estimate]`): The mixture with the part.
        difference (`dict[str, Estimate]`): The second minus the first, in pairs that share the mixture's other rows.
    """

    size: int
    added: int
    alone: dict[str, Estimate]
    mixed: dict[str, Estimate]
    difference: dict[str, Estimate]


def matched_size(sets: Mapping[str, Any], wanted: int | None = None) -> int:
    """The size of the samples: as asked for, or half of the smallest set and at most `MOST`.

    Args:
        sets (`Mapping[str, Sequence]`): The instructions of each set.
        wanted (`int`, *optional*): The size that is asked for.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a set has fewer than `FEWEST`, or less than twice what is asked for.
    """
    name = min(sets, key=lambda name: len(sets[name]))
    smallest = len(sets[name])
    if smallest < FEWEST:
        raise InputError(f"'{name}' has too few instructions ({smallest}); give at least {FEWEST}, or leave it out")
    if wanted is not None and not 2 <= wanted <= smallest // 2:
        raise InputError(f"--sample {wanted}: give 2 to {smallest // 2}, half of the smallest set, which is '{name}'")
    return wanted or min(MOST, smallest // 2)


def measure_sets(sets: PreparedSets, size: int, *, draws: int = DRAWS, seed: int = 0) -> dict[str, dict[str, Estimate]]:
    """Measure each set on samples of one size.

    Args:
        sets ([`~t2vid_hf.diversity.prepared.PreparedSets`]): The sets.
        size (`int`): The size, at most half of the smallest set.
        draws (`int`, *optional*, defaults to `DRAWS`): How many samples are drawn of each.
        seed (`int`, *optional*, defaults to `0`): Their seed.

    Returns:
        `dict[str, dict[str, Estimate]]`: for each set an [`Estimate`] of each measure.
    """
    rngs = {name: rng_for(seed, f"samples/{name}") for name in sets.places}
    clusters = rng_for(seed, "clusters")
    values: dict[str, list[np.ndarray]] = {name: [] for name in sets.places}
    for _ in tqdm(range(draws), "measuring", unit=" draws", delay=1):
        drawn = {name: rngs[name].choice(places, size, replace=False) for name, places in sets.places.items()}
        centres = sets.find_centres(drawn, clusters)
        for name, chosen in drawn.items():
            values[name].append(sets.measure(chosen, centres))
    return {
        name: _estimates(np.array(values[name]), size / (len(places) - size)) for name, places in sets.places.items()
    }


def measure_added(
    sets: PreparedSets, mixture: str, part: str, *, draws: int = DRAWS, seed: int = 0, share: float = ADDED_SHARE
) -> Added:
    """How much more diverse a mixture gets by a part than by as many more rows of its own.

    Args:
        sets ([`~t2vid_hf.diversity.prepared.PreparedSets`]): The sets.
        mixture (`str`): Name of the mixture's.
        part (`str`): Name of the part's.
        draws (`int`, *optional*, defaults to `DRAWS`): How many pairs of samples are drawn.
        seed (`int`, *optional*, defaults to `0`): Their seed.
        share (`float`, *optional*, defaults to `ADDED_SHARE`): The part's share of the sample.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one of them has too few instructions for the share.
    """
    own, others = sets.places[mixture], sets.places[part]
    size, added = added_sizes(len(own), len(others), share)
    rng = rng_for(seed, f"against/{mixture}/{part}")
    alone, mixed = [], []
    for _ in tqdm(range(draws), f"{part} added to {mixture}", unit=" pairs", delay=1):
        drawn, more = rng.choice(own, size, replace=False), rng.choice(others, added, replace=False)
        centres = sets.find_centres({mixture: drawn, part: more}, rng)
        alone.append(sets.measure(drawn, centres))
        mixed.append(sets.measure(np.concatenate([drawn[added:], more]), centres))
    # of the two factors the larger, so that the interval is rather too wide
    factor = max(size / (len(own) - size), added / (len(others) - added))
    first, second = np.array(alone), np.array(mixed)
    difference = _estimates(second - first, factor, least=-np.inf)
    return Added(size, added, _estimates(first, factor), _estimates(second, factor), difference)


def added_sizes(mixture: int, part: int, share: float = ADDED_SHARE) -> tuple[int, int]:
    """How many instructions a sample of a mixture has, and how many of them are a part's.

    Args:
        mixture (`int`): Instructions of the mixture.
        part (`int`): Instructions of the part.
        share (`float`, *optional*, defaults to `ADDED_SHARE`): The part's share of the sample.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there are too few.

    Example:

    ```python
    >>> from t2vid_hf.diversity.matched_samples import added_sizes
    >>> added_sizes(5000, 375), added_sizes(100, 375)
    ((562, 187), (50, 17))

    ```
    """
    size = min(MOST, mixture // 2, int(part / 2 / share))
    added = min(round(size * share), part // 2)
    if not 0 < added < size:
        raise InputError(f"--against: sets of {mixture} and {part} instructions are too few for samples of which "
                         f"{share:.0%} are the part's")  # fmt: skip
    return size, added


def _estimates(values: np.ndarray, factor: float, *, least: float = 0.0) -> dict[str, Estimate]:
    """For each measure the mean of its samples, and the interval of the delete-d jackknife; no share is below 0."""
    means = values.mean(axis=0)
    errors = 1.96 * np.sqrt(factor * values.var(axis=0))
    return {
        name: Estimate(float(mean), float(max(mean - error, least)), float(mean + error))
        for name, mean, error in zip(MEASURES, means, errors, strict=True)
    }
