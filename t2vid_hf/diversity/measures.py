"""Measures of diversity: pure functions of vectors, labels or numbers of words. Each depends on how many are measured.

- `vendi`: the Vendi score (Friedman and Dieng, arXiv 2210.02410), how many wholly different instructions would be as
  diverse: the exponential of the entropy of the eigenvalues of their similarities. 1 where all are equal.
- `nearest`: the mean cosine distance of an instruction to the one that is most like it.
- `entropy`: how evenly instructions fall into clusters that all sets share; 1 is evenly, 0 all into one.
- `distinct_1`, `distinct_2`: different words, and pairs of neighbouring words, over all of them.
- `repeated`: the share of instructions that say, letter for letter, what an earlier one says.
- `near_duplicates`: the share that has another one within a cosine of `THRESHOLD`.

Near-duplicates are counted exactly, where semhash (0.5, ten more packages) asks an approximate index: the similarities
are there already, for `nearest`.
"""

from collections.abc import Sequence

import numpy as np

THRESHOLD = 0.9
"""A cosine from which two instructions ask the same: semhash's default. MiniLM gives a paraphrase 0.74 at times."""
_BLOCK = 1024
MEASURES = ("vendi", "nearest", "entropy", "distinct_1", "distinct_2", "repeated", "near_duplicates")


def vendi_score(vectors: np.ndarray) -> float:
    """The Vendi score of unit vectors, with the cosine as their similarity.

    Args:
        vectors (`np.ndarray`): `(n, dimensions)`, each of length 1.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.diversity.measures import vendi_score
    >>> round(vendi_score(np.eye(4)), 6), round(vendi_score(np.ones((4, 1))), 6)
    (4.0, 1.0)

    ```
    """
    exact = vectors.astype(np.float64)
    # X Xᵀ, the similarities, and Xᵀ X have the same eigenvalues, but for zeros: the smaller is decomposed
    products = exact @ exact.T if len(exact) < exact.shape[1] else exact.T @ exact
    shares = np.linalg.eigvalsh(products / len(exact))
    shares = shares[shares > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def nearest_cosines(vectors: np.ndarray) -> np.ndarray:
    """For each vector its cosine to the one that is most like it.

    Args:
        vectors (`np.ndarray`): `(n, dimensions)`, each of length 1; at least two.

    Returns:
        `np.ndarray`: `(n,)`, at most 1.
    """
    nearest = np.empty(len(vectors), vectors.dtype)
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        own = np.arange(len(cosines))
        cosines[own, own + start] = -np.inf
        nearest[start : start + _BLOCK] = cosines.max(axis=1)
    return np.minimum(nearest, 1.0)


def cluster_entropy(labels: np.ndarray, clusters: int) -> float:
    """How evenly labels are spread over clusters: their entropy over the greatest that there could be.

    Args:
        labels (`np.ndarray`): The cluster of each, from 0.
        clusters (`int`): How many clusters there are.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.diversity.measures import cluster_entropy
    >>> cluster_entropy(np.array([0, 1, 2, 3]), 4), cluster_entropy(np.array([2, 2]), 4)
    (1.0, 0.0)

    ```
    """
    if clusters < 2:
        return 0.0
    shares = np.bincount(labels, minlength=clusters) / len(labels)
    shares = shares[shares > 0]
    return abs(float((shares * np.log(shares)).sum() / np.log(clusters)))


def distinct_share(runs: Sequence[np.ndarray]) -> float:
    """Distinct-n (Li et al., arXiv 1510.03055): different runs of words over all of them; 0 where there is none.

    Args:
        runs (`Sequence[np.ndarray]`): For each text the numbers of its runs, see
            [`~t2vid_hf.diversity.ngrams.number_runs`].
    """
    all_of_them = np.concatenate(runs)
    return len(np.unique(all_of_them)) / max(len(all_of_them), 1)
