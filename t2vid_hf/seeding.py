"""Seeds by name: the same result in any order, on any number of workers, in any process.

Every random choice in this package is keyed by what it is about (a row id, a clip's name), never by when it is made:
`rng_for(seed, key)` costs about 20 us, and in return no loop order and no worker count can change a data set.
Python's own `hash` is salted per process and is never used.
"""

import hashlib

import numpy as np


def stable_hash(text: str) -> int:
    """A 64-bit hash of a string that is the same in every process and on every machine.

    Example:

    ```python
    >>> from t2vid_hf.seeding import stable_hash
    >>> stable_hash("page")
    2133315022587658555

    ```
    """
    # surrogatepass: a lone surrogate in an id must not stop a build
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def rng_for(seed: int, key: str) -> np.random.Generator:
    """A NumPy generator for one named choice.

    Args:
        seed (`int`): The seed of the whole.
        key (`str`): What the choice is about, such as a row's id.

    Example:

    ```python
    >>> from t2vid_hf.seeding import rng_for
    >>> rng_for(0, "clip-7").integers(0, 100, 3).tolist() == rng_for(0, "clip-7").integers(0, 100, 3).tolist()
    True

    ```
    """
    return np.random.default_rng([seed, stable_hash(key)])
