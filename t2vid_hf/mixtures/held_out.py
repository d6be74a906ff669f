"""Rows that are held out of training, chosen by their ids alone.

Neither seed nor share of a mixture, nor what other rows there are, changes the choice: what one run held out, no other
run with that share or a greater one trains on.
"""

from t2vid_hf.errors import InputError
from t2vid_hf.seeding import stable_hash


def is_held_out(key: str, share: float) -> bool:
    """Whether a row is held out for evaluation.

    Args:
        key (`str`): Its id.
        share (`float`): Which share of all rows is, from 0 to below 1.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.held_out import is_held_out
    >>> [number for number in range(20) if is_held_out(f"row-{number}", 0.1)]
    [3, 12]

    ```
    """
    return stable_hash(f"held out/{key}") < share * 2**64


def check_share(share: float) -> None:
    """Refuse a share that leaves nothing to train on.

    Args:
        share (`float`): How much of the rows is held out.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is below 0, or 1 or above.
    """
    if not 0 <= share < 1:
        raise InputError(f"eval_share is {share}; give the share of rows to hold out, at least 0 and below 1")
