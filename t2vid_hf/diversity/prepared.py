"""Sets of instructions with all that a sample of them is measured by, worked out once; and clusters for the entropy.

Clusters are those of k-means (scikit-learn) over as many instructions of each set, so that no set decides alone what a
cluster is. They are made anew for each sample, of instructions that are not in it: clusters follow what they are made
of, and a set that is all in them looked more even than ten times as many of its kind. With that a sample of 2,000
takes 0.3 s of a processor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from t2vid_hf._optional import require
from t2vid_hf.diversity.measures import THRESHOLD, cluster_entropy, distinct_share, nearest_cosines, vendi_score
from t2vid_hf.diversity.ngrams import number_runs

CLUSTERS = 50
"""Clusters that all sets share, at most."""
_CLUSTERED = 500  # instructions of each set, at most
_OF_A_CLUSTER = 20  # on average, at least: of fewer it would follow single instructions


@dataclass(frozen=True)
class PreparedSets:
    """Instructions of several sets, one after another.

    Args:
        places (`dict[str, np.ndarray]`): For each set the places of its instructions in all that follows.
        vectors (`np.ndarray`): float32 `(instructions, dimensions)`.
        texts (`np.ndarray`): A number for each text; equal texts have one number.
        runs (`dict[int, list[np.ndarray]]`): For each number of words the runs of each, as numbers.
        threshold (`float`, *optional*, defaults to `THRESHOLD`): The cosine of near-duplicates.
    """

    places: dict[str, np.ndarray]
    vectors: np.ndarray
    texts: np.ndarray
    runs: dict[int, list[np.ndarray]]
    threshold: float = THRESHOLD

    def find_centres(self, drawn: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """The centres of clusters of what has not been drawn, as many instructions of each set.

        Args:
            drawn (`Mapping[str, np.ndarray]`): The sets that take part, each with the places that are not used.
            rng (`np.random.Generator`): What draws them.

        Returns:
            `np.ndarray`: `(clusters, dimensions)`.

        Raises:
            [`~t2vid_hf.errors.InputError`]: scikit-learn is not installed.
        """
        left = [np.setdiff1d(self.places[name], taken) for name, taken in drawn.items()]
        size = min([_CLUSTERED, *map(len, left)])
        pool = self.vectors[np.concatenate([rng.choice(places, size, replace=False) for places in left])]
        different = len(np.unique(pool.round(4), axis=0))
        clusters = min(CLUSTERS, different, max(2, len(pool) // _OF_A_CLUSTER))
        library, seed = require("sklearn.cluster", extra="diversity"), int(rng.integers(2**31))
        centres: np.ndarray = library.KMeans(clusters, n_init=1, random_state=seed).fit(pool).cluster_centers_
        return centres

    def measure(self, chosen: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """Measure some of the instructions.

        Args:
            chosen (`np.ndarray`): Their places; at least two.
            centres (`np.ndarray`): The centres of clusters, see [`~PreparedSets.find_centres`].

        Returns:
            `np.ndarray`: a value for each of `t2vid_hf.diversity.measures.MEASURES`.
        """
        vectors = self.vectors[chosen]
        cosines = nearest_cosines(vectors)
        # the nearest centre: all vectors have one length
        labels = (vectors @ centres.T - (centres**2).sum(axis=1) / 2).argmax(axis=1)
        return np.array(
            [
                vendi_score(vectors),
                1 - cosines.mean(),
                cluster_entropy(labels, len(centres)),
                *(distinct_share([self.runs[length][place] for place in chosen]) for length in (1, 2)),
                1 - len(np.unique(self.texts[chosen])) / len(chosen),
                (cosines >= self.threshold - 1e-6).mean(),
            ]
        )


def prepare(sets: Mapping[str, Sequence[str]], vectors: np.ndarray, *, threshold: float = THRESHOLD) -> PreparedSets:
    """Work out what samples are measured by.

    Args:
        sets (`Mapping[str, Sequence[str]]`): The instructions of each set.
        vectors (`np.ndarray`): Their vectors, those of one set after those of another.
        threshold (`float`, *optional*, defaults to `THRESHOLD`): The cosine of near-duplicates.
    """
    texts = [text for listed in sets.values() for text in listed]
    starts = np.cumsum([0, *map(len, sets.values())])
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return PreparedSets(
        {name: np.arange(starts[number], starts[number + 1]) for number, name in enumerate(sets)},
        vectors,
        np.array([numbers[text] for text in texts]),
        {length: number_runs(texts, length) for length in (1, 2)},
        threshold,
    )
