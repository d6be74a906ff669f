"""The longest row that a trainer takes, in tokens and in images: each part's rows are held to it by its own policy.

Limits are applied once, before anything is planned; a planner and a collator only refuse what is still too long.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.mixtures.filters import TOO_LARGE
from t2vid_hf.mixtures.mixing import Mixture
from t2vid_hf.mixtures.parts import OVER_LIMIT, OverLimit


def apply_limits(mixture: Mixture, prices: Prices, *, max_tokens: int, max_images: int | None = None) -> Mixture:
    """Hold a mixture to limits, each part by its `over_limit`.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows, see [`~t2vid_hf.mixtures.mixing.mix`].
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost; those of `mixture.light`.
        max_tokens (`int`): The most tokens of a row: a trainer's `max_length`.
        max_images (`int`, *optional*): The most images of a row, which packed sequences may bound; `None` for no
            limit.

    Returns:
        [`~t2vid_hf.mixtures.mixing.Mixture`]: without the rows that were dropped, those that were thinned with their
        number of frames. It is the given one where nothing is above the limits.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a row is above the limits and its part's policy is an error, or cannot help;
            or no row of a part is left.
    """
    parts = [mixture.parts[pick.part][0] for pick in mixture.picks]
    names = [f"row '{pick.id}' of part '{part.label}'" for pick, part in zip(mixture.picks, parts, strict=True)]
    policies = [part.over_limit for part in parts]
    frames = frames_within(prices, max_tokens=max_tokens, max_images=max_images, over_limit=policies, names=names)
    if not frames:
        return mixture
    kept = _keep(mixture, frames)
    for before, after in zip(mixture.counts, kept.counts, strict=True):
        if before.sampled and not after.sampled:
            raise InputError(
                f"none of the {before.sampled} rows of part '{after.part}' fits into "
                f"{_name_limits(max_tokens, max_images)}, so the mixture would do without it: raise max_length or "
                f"max_images, or leave the part out"
            )
    return kept


def _keep(mixture: Mixture, frames: Mapping[int, int]) -> Mixture:
    """The mixture with other numbers of frames for some rows; those of 0 are dropped, and counted as too large."""
    picks = []
    dropped = [Counter(count.dropped) for count in mixture.counts]
    for number, pick in enumerate(mixture.picks):
        taken = frames.get(number, pick.take_frames)
        if taken == 0:
            dropped[pick.part][TOO_LARGE] += 1
        else:
            picks.append(replace(pick, take_frames=taken))
    counts = tuple(
        replace(count, sampled=count.rows - sum(reasons.values()), dropped=dict(reasons))
        for count, reasons in zip(mixture.counts, dropped, strict=True)
    )
    return replace(mixture, picks=tuple(picks), counts=counts)


def check_limits(prices: Prices, *, max_tokens: int, max_images: int | None = None) -> None:
    """Refuse rows above limits.

    Args:
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        max_tokens (`int`): The most tokens of a row.
        max_images (`int`, *optional*): The most images of a row; `None` for no limit.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a row is above them.
    """
    frames_within(prices, max_tokens=max_tokens, max_images=max_images)


def frames_within(
    prices: Prices,
    *,
    max_tokens: int,
    max_images: int | None = None,
    over_limit: OverLimit | Sequence[OverLimit] = "error",
    names: Sequence[str] | None = None,
) -> dict[int, int]:
    """How many frames the rows above limits may take of their video.

    Args:
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        max_tokens (`int`): The most tokens of a row.
        max_images (`int`, *optional*): The most images of a row; `None` for no limit.
        over_limit (`str` or `Sequence[str]`, *optional*, defaults to `"error"`): The policy, or one for each row:
            `"error"`; `"drop"`; `"thin"`, to take fewer frames. Pages are never thinned: losing a page loses text.
        names (`Sequence[str]`, *optional*): What an error calls each row; `None` calls it by its number.

    Returns:
        `dict[int, int]`: for each row above the limits its frames, of each video; 0 where it is dropped. They are not
        too few, and may be too many where videos differ: price the row with them, and ask again.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown policy, as many as there are not rows, a row whose policy is an
            error, or one that is to be thinned and has no video, or not a frame of it to spare.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.row_limits import frames_within
    >>> from t2vid_hf.batches.token_cost import Prices
    >>> prices = Prices(np.array([90, 250, 300]), np.array([1, 24, 20]), np.array([0, 24, 0]), tokens_per_image=10)
    >>> frames_within(prices, max_tokens=200, over_limit=["error", "thin", "drop"])
    {1: 19, 2: 0}

    ```
    """
    policies = [over_limit] * len(prices) if isinstance(over_limit, str) else list(over_limit)
    if len(policies) != len(prices):
        raise InputError(f"over_limit has {len(policies)} policies for {len(prices)} rows")
    for policy in set(policies) - set(OVER_LIMIT):
        raise unknown("policy over_limit", policy, OVER_LIMIT)
    above = prices.tokens > max_tokens
    if max_images is not None:
        above |= prices.images > max_images
    frames: dict[int, int] = {}
    for row in np.flatnonzero(above).tolist():
        name = f"row {row}" if names is None else names[row]
        given = f"{name} has {prices.tokens[row]} tokens and {prices.images[row]} images"
        told = f"{given}, and {_name_limits(max_tokens, max_images)} are allowed"
        if policies[row] == "error":
            raise InputError(
                f"{told}: raise max_length or max_images, or give its part of the mixture over_limit: drop, or thin "
                f"for video"
            )
        frames[row] = 0 if policies[row] == "drop" else _thin(prices, row, max_tokens, max_images, told)
    return frames


def _thin(prices: Prices, row: int, max_tokens: int, max_images: int | None, told: str) -> int:
    """How many frames a row may keep of its video."""
    frames = int(prices.frames[row])
    if not frames:
        raise InputError(f"{told}: it has no video to thin, and pages are never left out; give over_limit: drop")
    saved, at_once, videos = prices.saving(row)
    groups = -(-frames // at_once) + (max_tokens - int(prices.tokens[row])) // saved
    # A group that is left is kept whole: its frames cost nothing more, and Qwen3-VL takes no half of one.
    kept = min(frames, groups * at_once)
    if max_images is not None:
        kept = min(kept, frames + (max_images - int(prices.images[row])) // videos)
    if kept < 1:
        raise InputError(f"{told}: not even 1 frame of its video fits; raise the limits, or give over_limit: drop")
    return kept


def _name_limits(max_tokens: int, max_images: int | None) -> str:
    return f"{max_tokens} tokens" + (f" and {max_images} images" if max_images is not None else "")
