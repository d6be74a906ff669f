"""What answering has taken so far: the room of caches, and the questions that could not share theirs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_BATCH_TOKENS = 32_768
"""Room of a cache in tokens, where nothing is said: 4 GB of an 8B model's in bfloat16."""


@dataclass
class Usage:
    """What answering has taken so far.

    Args:
        tokens (`int`, *optional*, defaults to `0`): The most tokens that a cache had room for.
        bytes (`int`, *optional*, defaults to `0`): The most bytes of keys and values, of shared prefixes.
        plain (`dict[str, int]`, *optional*): Questions that shared nothing although others are about
            the same video, by the reason.
    """

    tokens: int = 0
    bytes: int = 0
    plain: dict[str, int] = field(default_factory=dict)


def joined_usage(usages: Sequence[Usage]) -> Usage:
    """What the ranks of a run have taken: the most of any, and the questions of all.

    Args:
        usages (`Sequence[Usage]`): A rank's each.
    """
    plain: Counter[str] = Counter()
    for usage in usages:
        plain.update(usage.plain)
    return Usage(max(usage.tokens for usage in usages), max(usage.bytes for usage in usages), dict(plain))
