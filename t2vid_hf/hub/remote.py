"""What a repository on the Hub holds, and what a release would change in it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BufferedIOBase, BytesIO
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile

from t2vid_hf.hub.release_files import RepoType, superseded


@dataclass(frozen=True)
class LocalFile:
    """A file that is released. Its hashes are made when they are first asked for.

    Args:
        path (`Path`): The file.
        told (`bytes`, *optional*): What is sent in place of its content.
    """

    path: Path
    told: bytes | None = None

    @property
    def source(self) -> str | bytes:
        """What is sent, as huggingface_hub takes it."""
        return str(self.path) if self.told is None else self.told

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size if self.told is None else len(self.told)

    @cached_property
    def sha256(self) -> str:
        """What the Hub knows large files by."""
        with self._open() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def git_sha1(self) -> str:
        """What the Hub, like git, knows other files by."""
        digest = hashlib.sha1(f"blob {self.size}\0".encode())
        with self._open() as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def _open(self) -> BufferedIOBase:
        return self.path.open("rb") if self.told is None else BytesIO(self.told)


@dataclass(frozen=True)
class Remote:
    """A repository at a revision.

    Args:
        private (`bool`): Whether it is.
        head (`str`): The commit.
        files (`Mapping[str, RepoFile]`): Its files by path.
    """

    private: bool
    head: str
    files: Mapping[str, RepoFile]

    def holds(self, path: str, file: LocalFile) -> bool:
        """Whether a file is there, byte for byte.

        Args:
            path (`str`): Its path in the repository.
            file ([`LocalFile`]): The file.
        """
        there = self.files.get(path)
        if there is None or there.size != file.size:
            return False
        return there.blob_id == file.git_sha1 if there.lfs is None else there.lfs.sha256 == file.sha256


@dataclass(frozen=True)
class Changes:
    """What one commit does to a repository.

    Args:
        send (`list[str]`, *optional*): Paths of files that are new or differ.
        same (`list[str]`, *optional*): Paths of files that are there already.
        delete (`list[str]`, *optional*): Paths of files that the release supersedes.
        stay (`list[str]`, *optional*): Paths of the repository's other files.
    """

    send: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    stay: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is something to commit."""
        return bool(self.send or self.delete)


def look(api: HfApi, repo_id: str, repo_type: RepoType, revision: str | None = None) -> Remote | None:
    """What a repository holds; `None` where it, or the revision, is not there.

    Args:
        api (`HfApi`): The Hub's client.
        repo_id (`str`): The repository.
        repo_type (`str`): `"model"` or `"dataset"`.
        revision (`str`, *optional*): Branch, tag or commit; `None` is the main branch.
    """
    try:
        info = api.repo_info(repo_id, repo_type=repo_type, revision=revision)
        tree = api.list_repo_tree(repo_id, recursive=True, revision=info.sha, repo_type=repo_type)
        files = {item.path: item for item in tree if isinstance(item, RepoFile)}
    except (RepositoryNotFoundError, RevisionNotFoundError):
        return None
    return Remote(private=bool(info.private), head=str(info.sha), files=files)


def changes(remote: Remote | None, files: Mapping[str, LocalFile], repo_type: RepoType) -> Changes:
    """What a release changes.

    Args:
        remote ([`Remote`] or `None`): The repository; `None` where there is none yet.
        files (`Mapping[str, LocalFile]`): The release, by paths in the repository.
        repo_type (`str`): `"model"` or `"dataset"`.
    """
    if remote is None:
        return Changes(send=list(files))
    same = [path for path, file in files.items() if remote.holds(path, file)]
    delete = superseded(remote.files, files, repo_type)
    return Changes(
        send=[path for path in files if path not in set(same)],
        same=same,
        delete=delete,
        stay=sorted(set(remote.files) - set(files) - set(delete)),
    )
