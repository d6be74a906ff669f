"""Vectors -> points of a map: t-SNE as in the paper's figure (two dimensions, from PCA, by cosine; scikit-learn).

A map shows which instructions are alike, not how far apart two groups are: distances between groups mean little. 2,500
points take 20 s on two cores, 20,000 some minutes.
"""

import numpy as np

from t2vid_hf._optional import require

PERPLEXITY = 30  # scikit-learn's default, which the paper's notebook leaves


def place_points(vectors: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Place vectors on a map.

    Args:
        vectors (`np.ndarray`): `(n, dimensions)`.
        seed (`int`, *optional*, defaults to `0`): The seed.

    Returns:
        `np.ndarray`: float32 `(n, 2)`; vectors that are all equal have one place.
    """
    if np.ptp(vectors, axis=0).max() < 1e-6:  # PCA has no direction to begin with
        return np.zeros((len(vectors), 2), np.float32)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    made = require("sklearn.manifold", extra="diversity").TSNE(
        2, init="pca", metric="cosine", perplexity=perplexity, random_state=seed
    )
    points: np.ndarray = made.fit_transform(vectors)
    return points.astype(np.float32)
