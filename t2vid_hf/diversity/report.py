"""Sets of instructions -> all that is told of them, as one JSON object: measures, what a part adds, what repeats.

A set's size, and what the model could not read of it, stand beside its measures: they decide what these are worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from t2vid_hf.diversity.embedding import Embedder
from t2vid_hf.diversity.matched_samples import DRAWS, Estimate, added_sizes, matched_size, measure_added, measure_sets
from t2vid_hf.diversity.measures import THRESHOLD
from t2vid_hf.diversity.prepared import prepare
from t2vid_hf.diversity.redundancy import find_redundancy
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.seeding import rng_for

REPEATS = 10
"""Groups of repeated instructions that are listed of a set."""


def check_request(
    sets: Mapping[str, Sequence[str]],
    *,
    size: int | None = None,
    draws: int = DRAWS,
    threshold: float = THRESHOLD,
    against: tuple[str, str] | None = None,
) -> None:
    """Refuse what cannot be measured, before a model is loaded.

    Args:
        sets (`Mapping[str, Sequence[str]]`): The instructions of each set.
        size (`int`, *optional*): See [`diversity_report`].
        draws (`int`, *optional*, defaults to `DRAWS`): See [`diversity_report`].
        threshold (`float`, *optional*, defaults to `THRESHOLD`): See [`diversity_report`].
        against (`tuple[str, str]`, *optional*): See [`diversity_report`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: too few instructions, or a number that cannot be taken.
    """
    if draws < 2:
        raise InputError(f"--draws {draws}: an interval needs 2 samples or more")
    if not 0 < threshold <= 1:
        raise InputError(f"--threshold {threshold}: a cosine of near-duplicates is above 0 and at most 1")
    matched_size(sets, size)
    if against is None:
        return
    for name in against:
        if name not in sets:
            raise unknown("set in --against", name, sets)
    if against[0] == against[1]:
        raise InputError(f"--against {against[0]} {against[1]}: give two sets; a set is measured beside itself anyway")
    added_sizes(len(sets[against[0]]), len(sets[against[1]]))


def diversity_report(
    sets: Mapping[str, Sequence[str]],
    embedder: Embedder,
    vectors: np.ndarray,
    *,
    size: int | None = None,
    draws: int = DRAWS,
    threshold: float = THRESHOLD,
    against: tuple[str, str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure sets of instructions. What [`check_request`] refuses is refused here as well.

    Args:
        sets (`Mapping[str, Sequence[str]]`): The instructions of each set.
        embedder ([`~t2vid_hf.diversity.embedding.Embedder`]): What embedded them.
        vectors (`np.ndarray`): Their vectors, those of one set after those of another.
        size (`int`, *optional*): Instructions of a sample; `None` takes half of the smallest set, at most 2,000.
        draws (`int`, *optional*, defaults to `DRAWS`): How many samples are drawn of each set.
        threshold (`float`, *optional*, defaults to `THRESHOLD`): The cosine from which two ask the same.
        against (`tuple[str, str]`, *optional*): A mixture's set, and the part that is added to it.
        seed (`int`, *optional*, defaults to `0`): The seed of samples and clusters.

    Raises:
        [`~t2vid_hf.errors.InputError`]: too few instructions, or a number that cannot be taken.
    """
    check_request(sets, size=size, draws=draws, threshold=threshold, against=against)
    size = matched_size(sets, size)
    prepared = prepare(sets, vectors, threshold=threshold)
    measured = measure_sets(prepared, size, draws=draws, seed=seed)
    told = {
        name: {
            "instructions": len(texts),
            **asdict(embedder.reading(texts)),
            "measures": _listed(measured[name]),
            "redundancy": _repeats(texts, vectors[prepared.places[name]], threshold),
        }
        for name, texts in sets.items()
    }
    report: dict[str, Any] = {"sample": size, "draws": draws, "seed": seed, "threshold": threshold, "sets": told}
    if against is not None:
        added = measure_added(prepared, *against, draws=draws, seed=seed)
        report["against"] = {
            "mixture": against[0],
            "part": against[1],
            "sample": added.size,
            "added": added.added,
            **{name: _listed(getattr(added, name)) for name in ("alone", "mixed", "difference")},
        }
    return report


def _listed(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: asdict(estimate) for name, estimate in estimates.items()}


def _repeats(texts: Sequence[str], vectors: np.ndarray, threshold: float) -> dict[str, Any]:
    found = find_redundancy(texts, vectors, threshold=threshold)
    return {
        "distinct": found.distinct,
        "groups": len(found.groups),
        "redundant": found.redundant,
        "largest": [asdict(group) for group in found.groups[:REPEATS] if group.count > 1],
    }


def draw_points(sets: Mapping[str, Sequence[str]], most: int, *, seed: int = 0) -> dict[str, np.ndarray]:
    """As many instructions of each set, for a map.

    Args:
        sets (`Mapping[str, Sequence[str]]`): The instructions of each set.
        most (`int`): The most of a set.
        seed (`int`, *optional*, defaults to `0`): The seed.

    Returns:
        `dict[str, np.ndarray]`: for each set places in all instructions, those of one set after those of another.

    """
    size = min([most, *map(len, sets.values())])
    starts = np.cumsum([0, *map(len, sets.values())])
    return {
        name: starts[number] + np.sort(rng_for(seed, f"points/{name}").choice(len(texts), size, replace=False))
        for number, (name, texts) in enumerate(sets.items())
    }
