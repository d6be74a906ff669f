"""The first capital letter of a reply once phrases are taken out: Video-MME's way, which several benchmarks copy.

It is the official way and no good one: "A man runs" is A, and "Can it be?" is C.
"""

import re
from collections.abc import Sequence


def first_letter(reply: str, phrases: Sequence[str], letters: str) -> str | None:
    """The first capital of a reply that names an option.

    Args:
        reply (`str`): What the model said.
        phrases (`Sequence[str]`): What is taken out wherever it stands, in this order.
        letters (`str`): The options' letters.

    Returns:
        `str` or `None`: the letter; `None` where there is none.

    Example:

    ```python
    >>> from t2vid_hf.metrics.first_letter import first_letter
    >>> [first_letter(reply, ("The answer is",), "ABCD") for reply in ("The answer is C.", "A man runs", "no")]
    ['C', 'A', None]

    ```
    """
    text = reply.strip()
    for phrase in phrases:
        text = text.replace(phrase, "")
    match = re.search(f"[{letters}]", text)
    return match[0] if match else None
