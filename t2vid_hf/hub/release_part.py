"""A folder and the repository that it goes to; and the tag that a release has by its content."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from huggingface_hub.utils import HFValidationError, validate_repo_id

from t2vid_hf.errors import InputError
from t2vid_hf.hub.release_files import CARD, RepoType, files_to_release
from t2vid_hf.hub.remote import LocalFile
from t2vid_hf.hub.told_records import told_record

# An interrupted upload through Xet is found again from the last whole batch.
BATCH_BYTES = 64 << 20
CARD_FOLDERS = ("card/", ".eval_results/")


@dataclass(frozen=True)
class ReleasePart:
    """A folder and the repository that it goes to.

    Args:
        folder (`Path`): A checkpoint, an adapter, or the repository of a data set; with its card.
        repo_id (`str`): The repository, `"user/name"`.
        repo_type (`str`): `"model"` or `"dataset"`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: that is no repository's name.
    """

    folder: Path
    repo_id: str
    repo_type: RepoType

    def __post_init__(self) -> None:
        check_name(self.repo_id)

    @cached_property
    def files(self) -> dict[str, LocalFile]:
        """What is released, by path in the repository: see [`~t2vid_hf.hub.release_files.files_to_release`]."""
        kept = files_to_release(self.folder, self.repo_type)
        return {name: LocalFile(path, told_record(path)) for name, path in kept.items()}

    @property
    def left_here(self) -> list[str]:
        """Files of the folder that are not released."""
        there = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}
        return sorted(there - set(self.files))

    def batches(self, paths: Iterable[str]) -> Iterator[list[str]]:
        """Paths of its files in groups of about `BATCH_BYTES`.

        Args:
            paths (`Iterable[str]`): Paths in the repository.
        """
        batch: list[str] = []
        size = 0
        for path in paths:
            batch.append(path)
            size += self.files[path].size
            if size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    @property
    def title(self) -> str:
        """What the part is called."""
        return f"{'data set' if self.repo_type == 'dataset' else 'model'} {self.repo_id}"


def check_name(repo_id: str) -> None:
    """Refuse what is no repository's name.

    Args:
        repo_id (`str`): The repository.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not of the form `"user/name"`, or has characters that the Hub refuses.
    """
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise InputError(f"'{repo_id}' is no repository's name: {error}") from None
    if repo_id.count("/") != 1:
        raise InputError(f"'{repo_id}' is no repository's name; give user/name")


def content_tag(parts: Sequence[ReleasePart]) -> str:
    """A tag that is made of what is released: equal where every file is, the cards among them as they are now.

    A card names the tag, so it is written twice: without a tag, of which the tag is made, and then with it.

    Args:
        parts (`Sequence[ReleasePart]`): The release, with cards that name no tag.

    Returns:
        `str`: `"t2vid-"` and 12 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for part in sorted(parts, key=lambda part: (part.repo_type, part.repo_id)):
        for name, file in part.files.items():
            # of a card the hash is not kept: it is written again
            known = LocalFile(file.path) if name == CARD or name.startswith(CARD_FOLDERS) else file
            digest.update(f"{part.repo_type} {name} {known.sha256}\n".encode())
    return f"t2vid-{digest.hexdigest()[:12]}"
