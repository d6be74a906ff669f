"""Where a benchmark's videos lie: a folder as its authors pack it, or a data set repository on the Hub.

A question names a video without the folder, or without the suffix, or with another one than it was packed with; so the
tree is listed once (a second for 100,000 files), and a name is looked up by its end. Of a repository the listing is one
request, and a file is fetched when it is asked for: archives in it are not opened.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from t2vid_hf.errors import InputError
from t2vid_hf.video.folders import FRAME_SUFFIXES
from t2vid_hf.video.limits import VIDEO_SUFFIXES

Kind = Literal["video", "image", "subtitles"]
SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "video": VIDEO_SUFFIXES,
    "image": (*FRAME_SUFFIXES, ""),  # SEED-Bench's pictures have none
    "subtitles": (".srt", ".json", ".jsonl"),
}
_HUB = "hf://datasets/"


class MediaFolder:
    """Files by the names that questions have for them.

    Args:
        name (`str`): What errors call it.
        files (`Iterable[str]`): Every file in it, as a path with "/" from its root on.
        fetch (`Callable[[str], Path]`): Where a file of it, or a folder of frames, is on this machine.

    Example:

    ```python
    >>> from pathlib import Path
    >>> from t2vid_hf.evaluation.media_folder import MediaFolder
    >>> folder = MediaFolder("here", ["star/videos/A1.mp4", "tvqa/clip_3/0001.jpg", "tvqa/clip_3/0002.jpg"], Path)
    >>> [folder.find([name], "video") for name in ("videos/A1.webm", "clip_3", "A2.mp4")]
    ['star/videos/A1.mp4', 'tvqa/clip_3', None]

    ```
    """

    def __init__(self, name: str, files: Iterable[str], fetch: Callable[[str], Path]) -> None:
        self.name, self.fetch = name, fetch
        self._files = [PurePosixPath(file) for file in files]
        self._by_end: dict[Kind, dict[str, list[PurePosixPath]]] = {}

    def find(self, names: Sequence[str], kind: Kind) -> str | None:
        """The path of a medium.

        Args:
            names (`Sequence[str]`): What it may be called, best first: a path, or the end of one.
            kind (`str`): "video", which a folder of frames is too, "image" or "subtitles".

        Raises:
            [`~t2vid_hf.errors.InputError`]: two files go by the name.
        """
        for name in names:
            # as a data set writes it, which may be with "./" in front or with "\\"
            wanted = PurePosixPath(os.path.normpath(name.replace("\\", "/")).replace("\\", "/"))
            bare = _bare(wanted, kind)
            found = [path for path in self._ending(bare.name, kind) if _ends(_bare(path, kind), bare)]
            exact = [path for path in found if path == wanted] or [p for p in found if p.suffix == wanted.suffix]
            if len(exact or found) > 1:
                first, second = (exact or found)[:2]
                raise InputError(f"{self.name}: '{name}' may be {first} or {second}; keep one of them there")
            if found:
                return str((exact or found)[0])
        return None

    def _ending(self, name: str, kind: Kind) -> list[PurePosixPath]:
        if kind not in self._by_end:
            index: dict[str, list[PurePosixPath]] = {}
            for path in self._of(kind):
                index.setdefault(_bare(path, kind).name.lower(), []).append(path)
            self._by_end[kind] = index
        return self._by_end[kind].get(name.lower(), [])

    def _of(self, kind: Kind) -> Iterable[PurePosixPath]:
        listed = [path for path in self._files if path.suffix.lower() in SUFFIXES[kind] or "" in SUFFIXES[kind]]
        if kind != "video":
            return listed
        pictured = (path.parent for path in self._files if path.suffix.lower() in FRAME_SUFFIXES)
        return [*listed, *(folder for folder in dict.fromkeys(pictured) if folder.name)]


def _bare(path: PurePosixPath, kind: Kind) -> PurePosixPath:
    return path.with_suffix("") if path.suffix and path.suffix.lower() in SUFFIXES[kind] else path


def _ends(path: PurePosixPath, end: PurePosixPath) -> bool:
    parts = [part.lower() for part in end.parts]
    return [part.lower() for part in path.parts][-len(parts) :] == parts


def media_folder(given: str, *, revision: str | None = None) -> MediaFolder:
    """The files of a folder, or of a data set repository.

    Args:
        given (`str`): A folder, `hf://datasets/user/name`, or a repository's name.
        revision (`str`, *optional*): Branch, tag or commit of a repository; `None` takes the main branch.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such folder, and no such repository.
    """
    root = Path(given)
    if root.is_dir():
        return MediaFolder(given, _walk(root), root.__truediv__)
    name = given.removeprefix(_HUB).rstrip("/")
    if name.count("/") != 1 or name.startswith((".", "/")):
        raise InputError(f"{given}: no such folder; give the folder of the videos, or {_HUB}user/name")
    return _repository(name, revision)


def _walk(root: Path) -> Iterable[str]:
    for folder, _, names in os.walk(root, followlinks=True):
        below = Path(folder).relative_to(root)
        yield from ((below / name).as_posix() for name in sorted(names) if not name.startswith("."))


def _repository(name: str, revision: str | None) -> MediaFolder:
    from huggingface_hub import HfApi, hf_hub_download

    try:
        files = HfApi().list_repo_files(name, repo_type="dataset", revision=revision)
    except (OSError, ValueError) as error:
        raise InputError(f"videos of '{name}': no such folder, and not on the Hub: {error}") from None

    def fetch(path: str) -> Path:
        # a folder of frames is fetched frame by frame
        wanted = [path] if path in files else [file for file in files if str(PurePosixPath(file).parent) == path]
        try:
            got = [Path(hf_hub_download(name, file, repo_type="dataset", revision=revision)) for file in wanted]
        except (OSError, ValueError) as error:
            raise InputError(f"{path} of '{name}' cannot be fetched: {error}") from None
        return got[0] if path in files else got[0].parent

    return MediaFolder(name, files, fetch)
