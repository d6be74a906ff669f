"""How many rows of each part a mixture takes."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.parts import MixturePart


def rows_to_take(parts: Sequence[tuple[MixturePart, Any]], usable: Sequence[int]) -> list[int]:
    """How many rows to take of each part: its count, or as many as its share of them allows.

    Args:
        parts (`Sequence[tuple[MixturePart, datasets.Dataset]]`): All with a count, or all with a share.
        usable (`Sequence[int]`): Rows of each that may be taken.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part has not as many as it is to give, or would give none.
    """
    for (part, dataset), rows in zip(parts, usable, strict=True):
        if not rows or (part.count is not None and part.count > rows):
            raise InputError(
                f"part '{part.label}' has {rows} usable rows of {len(dataset)}"
                + (f", and {part.count} are asked for: lower its count" if part.count is not None else "")
            )
    if parts[0][0].count is not None:
        return [part.count or 0 for part, _ in parts]
    # Fractions, because 0.1 * 3 must not lose a row.
    shares = [Fraction(str(part.share)) for part, _ in parts]
    unit = min(Fraction(rows) / share for rows, share in zip(usable, shares, strict=True))
    counts = [int(unit * share) for share in shares]
    if 0 in counts:
        raise InputError(
            f"the shares {', '.join(str(part.share) for part, _ in parts)} leave a part without a row "
            f"({', '.join(str(rows) for rows in usable)} usable rows): give more rows or other shares"
        )
    return counts
