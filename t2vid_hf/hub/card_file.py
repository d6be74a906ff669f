"""The file of a card: it names itself ours in its last line, so that what a person wrote is never written over.

The line is a comment, which the Hub does not show, with a digest of all above it. A `README.md` that was edited, or
that came with a checkpoint, is moved aside, and the move is told.
"""

import hashlib
from itertools import count
from pathlib import Path

from huggingface_hub import RepoCard

from t2vid_hf.hub.release_files import CARD


def write_card(folder: Path, card: str, kind: type[RepoCard]) -> None:
    """Write a card that reads back, beside what a person wrote in its place.

    Args:
        folder (`Path`): The repository's folder.
        card (`str`): The card.
        kind (`type`): `ModelCard` or `DatasetCard`, whose metadata it has.

    Raises:
        `ValueError`: its metadata are not of the kind.
    """
    kind(card)
    path, content = folder / CARD, card.encode()
    if path.is_file() and not _is_ours(path.read_bytes()):
        names = (f"README.by_hand{number or ''}.md" for number in count())
        aside = next(folder / name for name in names if not (folder / name).exists())
        path.replace(aside)
        print(f"{path} was not as `t2vid push` writes it; what stood there is now {aside}, and is not released")
    path.write_bytes(content + _mark(content))


def _is_ours(content: bytes) -> bool:
    """Whether a card is as it was written here."""
    start = content.rfind(b"\n<!--") + 1
    return content[start:] == _mark(content[:start])


def _mark(content: bytes) -> bytes:
    return f"<!-- t2vid_hf wrote what is above: {hashlib.sha256(content).hexdigest()[:16]} -->\n".encode()
