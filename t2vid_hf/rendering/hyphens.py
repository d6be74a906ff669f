"""Soft hyphens (U+00AD): a line that ends with one shows a hyphen there; elsewhere they are nothing.

The loop that breaks lines keeps room for the hyphen; see `kernels.wrap`.
"""

import numpy as np

from t2vid_hf.rendering.atlas import Atlas
from t2vid_hf.rendering.characters import SOFT_HYPHEN
from t2vid_hf.rendering.slots import CONTINUED, EMPTY, INK


def show_hyphens(slots: np.ndarray, x: np.ndarray, lines: np.ndarray, atlas: Atlas, width: int) -> None:
    """Give a hyphen's slot to the soft hyphens that break a word.

    Args:
        slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character; written over.
        x (`np.ndarray` of shape `(n,)`, int32): Where each character stands, in `UNIT`s from the left margin.
        lines (`np.ndarray` of shape `(lines, 4)`, int32): Start and end of each line in the text, and more.
        atlas ([`~t2vid_hf.rendering.atlas.Atlas`]): What has been drawn; it learns the hyphen.
        width (`int`): Width of a line in `UNIT`s.
    """
    soft = atlas.slot_of[ord(SOFT_HYPHEN)]
    inside = lines[:-1][lines[:-1, 1] - lines[:-1, 0] > 1]
    last = inside[:, 1] - 1
    ends = last[(slots[last] == soft) & np.isin(atlas.kind[slots[last - 1]], (INK, CONTINUED, EMPTY))]
    ends = ends[x[ends] + atlas.advance[soft] <= width]
    if len(ends):
        atlas.learn([ord("-")])
        slots[ends] = atlas.slot_of[ord("-")]
