"""What a file holds, in a few letters: a digest of its bytes, or what its server says of them.

The Hub tells the hash of a blob, and most web servers an ETag: then nothing is read. `datasets` 5.2 keys its cache of
`hf://` files by the branch instead, and serves what that held when it was first read. The price: a request a file.
"""

import hashlib
from collections.abc import Iterable

from t2vid_hf.sources.opening import is_remote, open_bytes

# What fsspec hands on of the Hub, of a web server and of stores of objects.
_TOLD = ("blob_id", "ETag", "etag", "Content-MD5", "Digest", "md5Hash")


def digest(paths: Iterable[str]) -> str:
    """A digest of the bytes of files, whatever their names and times.

    Args:
        paths (`Iterable[str]`): The files, or their URLs.
    """
    state = hashlib.blake2b(digest_size=16)
    for path in paths:
        with open_bytes(path) as file:
            while block := file.read(1 << 20):
                state.update(block)
    return state.hexdigest()


def content_of(path: str) -> str:
    """What changes when the content of a file changes.

    Args:
        path (`str`): The file, or its URL.
    """
    if is_remote(path):
        from fsspec.core import url_to_fs

        system, name = url_to_fs(path)
        system.invalidate_cache()  # a file may be another since this process first looked
        told = system.info(name)
        for key in _TOLD:
            if told.get(key):
                return f"{key} {told[key]}"
    return digest([path])
