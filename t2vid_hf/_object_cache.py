"""Files that processes make once and share: object code of loops, by key. Small, and bounded to `MOST_FILES`.

They lie where Hugging Face's libraries keep theirs, `HF_ASSETS_CACHE` or `HF_HOME`/assets; where that cannot be
written, in the user's own folder below the temporary one; where neither can, each process makes its own. Processes
that want the same file at once wait for the first: a lock of the system's, which ends with the process that holds it.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST_FILES = 24
# How long to wait for another process before making the file all the same. Compiling takes 2 to 4 s.
WAIT_S = 60.0
_DIGEST = 32


def folders() -> list[Path]:
    """Where files are kept, in the order of preference."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or os.path.join(home, "huggingface")
    assets = os.environ.get("HF_ASSETS_CACHE") or os.path.join(home, "assets")
    found = [Path(os.path.expanduser(assets)) / "t2vid_hf" / "kernels" / "default"]
    if hasattr(os, "getuid"):  # not on Windows, where the temporary folder is the user's own
        found.append(Path(tempfile.gettempdir()) / f"t2vid_hf-{os.getuid()}")
    return found


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """The content of a file; it is made, and kept for other processes, where it is absent or damaged.

    Args:
        name (`str`): The file's name, which says all that its content depends on.
        make (`Callable`): Makes the content.
    """
    content = find(name)
    if content is not None:
        return content
    for path in _places(name):
        with _alone(path.parent) as writable:
            if not writable:
                continue
            content = _read(path)
            if content is None:
                content = make()
                _write(path, content)
            return content
    return make()


def find(name: str) -> bytes | None:
    """The content of a file; `None` where it is absent or damaged."""
    return next((content for path in _places(name) if (content := _read(path)) is not None), None)


def keep(name: str, content: bytes) -> None:
    """Put a file where other processes find it, unless a larger one is there, or no folder can be written."""
    for path in _places(name):
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_ours(path.parent) and _write(path, content):
                return


def _places(name: str) -> list[Path]:
    return [folder / name for folder in folders()]


def _read(path: Path) -> bytes | None:
    """What a file holds; `None` if it is absent, damaged, or could be someone else's."""
    try:
        if not _is_ours(path.parent):
            return None
        data = path.read_bytes()
        if _digest(data[_DIGEST:]) != data[:_DIGEST]:
            return None
        with suppress(OSError):
            os.utime(path)  # the files that are dropped are those unused for longest
    except OSError:
        return None
    return data[_DIGEST:]


def _write(path: Path, content: bytes) -> bool:
    """Put a file in its place at once, unless a larger one is there, and drop what has not been used for longest."""
    with suppress(OSError):
        if path.exists() and path.stat().st_size >= _DIGEST + len(content) and _read(path) is not None:
            return True
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(content) + content)
            os.replace(temporary, path)
        except BaseException:  # a full disk, or Ctrl-C
            Path(temporary).unlink(missing_ok=True)
            raise
        files = sorted(path.parent.glob("[!.]*"), key=lambda each: each.stat().st_mtime, reverse=True)
        for each in files[MOST_FILES:]:
            each.unlink()
        return True
    return False


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can have put a file into a folder below the temporary one, where all may write."""
    if folder.parent != Path(tempfile.gettempdir()):
        return True
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock, and say whether the folder can be written."""
    # 0.05 s, and only needed where something is made
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=WAIT_S)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(folder):
            raise PermissionError
        lock.acquire()
    except Timeout:
        # Who holds it is stopped, or on a machine that died: nobody is waited for.
        pass
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
