"""Files as bytes: on this machine or by a URL that fsspec opens (`hf://`, `https://`), decompressed as named.

A URL is read piece by piece and never kept: what is made of it is cached, by its content, and not it. The price: who
reads one file again and again downloads it again.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from t2vid_hf.errors import InputError

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet")
COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
"""Suffix behind one of `SUFFIXES` -> pyarrow's name of the compression."""


def is_remote(path: str | Path) -> bool:
    """Whether it is a URL."""
    return "://" in str(path)


def kind_of(path: str | Path) -> str:
    """The suffix that says what a file holds, in small letters; that of its compression is not it.

    Example:

    ```python
    >>> from t2vid_hf.sources.opening import kind_of
    >>> kind_of("hf://datasets/someone/texts/questions.JSONL.gz")
    '.jsonl'

    ```
    """
    name = PurePosixPath(Path(path).name.lower())
    return PurePosixPath(name.stem).suffix if name.suffix in COMPRESSED else name.suffix


@contextmanager
def open_bytes(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for reading; what it holds comes decompressed.

    Args:
        path (`str` or `Path`): A file or a URL.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such file, it cannot be read, or is not compressed as it is named.
    """
    import pyarrow

    how = COMPRESSED.get(Path(path).suffix.lower())
    if how is not None and kind_of(path) == ".parquet":
        raise InputError(f"{path}: Parquet is compressed inside, and read in any order: decompress the file first")
    try:
        with _open(path) as file:
            if how is None:
                yield file
            else:
                with io.BufferedReader(pyarrow.CompressedInputStream(file, how)) as whole:
                    yield whole
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a {', '.join(SUFFIXES)} file") from None
    except _failures(path) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None


def _failures(path: str | Path) -> tuple[type[Exception], ...]:
    if not is_remote(path):
        return (OSError,)
    from aiohttp import ClientError  # of fsspec, for https://

    return OSError, ClientError


def _open(path: str | Path) -> IO[bytes]:
    if not is_remote(path):
        return Path(path).open("rb")
    import fsspec

    file: IO[bytes] = fsspec.open(str(path), "rb").open()
    return file
