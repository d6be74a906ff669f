"""Put a folder on the Hub in one commit, so that a release is there whole or not at all.

`upload_folder` may make several commits and `Dataset.push_to_hub` gives up at one failed request; `create_commit` makes
one, and is tried again where the Hub was busy. Unchanged files are not sent twice, so trying again costs little.
"""

import time
from pathlib import Path
from typing import Literal

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, RepositoryNotFoundError

from t2vid_hf.errors import InputError

RETRIED_STATUS = frozenset({409, 412, 429, 500, 502, 503, 504})
ATTEMPTS = 4
KEPT_HERE = ("training_args.bin",)  # a pickle: nobody should have to load one


def publish(
    folder: Path,
    repo_id: str,
    *,
    repo_type: Literal["model", "dataset"],
    private: bool = False,
    message: str | None = None,
    wait_seconds: float = 2.0,
) -> str:
    """Upload a folder as one commit; the repository is made if it is not there.

    Args:
        folder (`Path`): The folder, which must hold a `README.md`, the card. Hidden files are left out.
        repo_id (`str`): The repository, `"user/name"`.
        repo_type (`str`): What the folder is: `"model"` or `"dataset"`.
        private (`bool`, *optional*, defaults to `False`): Whether a new repository is private; an old one stays as it
            is.
        message (`str`, *optional*): What the commit is called; `None` names the folder.
        wait_seconds (`float`, *optional*, defaults to `2.0`): Seconds before the second attempt; doubled before each
            further one.

    Returns:
        `str`: the commit's URL.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no card in the folder, no token, or no right to write there. The Hub's own
            errors are passed on after the last attempt.
    """
    if not (folder / "README.md").is_file():
        raise InputError(f"{folder}: no README.md; a repository is published with its card")
    if repo_id.count("/") != 1 or not all(repo_id.split("/")):
        raise InputError(f"'{repo_id}' is no repository's name; give user/name")
    operations = [CommitOperationAdd(path.relative_to(folder).as_posix(), str(path)) for path in _files_to_send(folder)]
    api = HfApi()
    for attempt in range(ATTEMPTS):
        try:
            api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=True)
            commit = api.create_commit(
                repo_id, operations, commit_message=message or f"Upload {folder.name}", repo_type=repo_type
            )
            return commit.commit_url
        except LocalTokenNotFoundError as error:
            raise InputError(f"no token to write to the Hub: run `hf auth login`, or set HF_TOKEN ({error})") from None
        except RepositoryNotFoundError as error:
            raise InputError(f"cannot write to '{repo_id}': {error.server_message or error}") from None
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status in (401, 403):
                raise InputError(f"cannot write to '{repo_id}': {error.server_message or error}") from None
            if status not in RETRIED_STATUS or attempt == ATTEMPTS - 1:
                raise
            time.sleep(wait_seconds * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _files_to_send(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in KEPT_HERE)
    return [path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
