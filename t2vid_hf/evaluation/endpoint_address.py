"""The address of a model behind a server, `MODEL@http://host:port/v1`, and what the server calls its model."""

import re
from dataclasses import replace

from huggingface_hub import is_offline_mode
from huggingface_hub.errors import HTTPError

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.endpoint import CHAT, FORM, PATIENCE, TIMEOUT, Endpoint
from t2vid_hf.hub.transient import status_of

_ADDRESS = re.compile(r"(?:(?P<model>.+)@)?(?P<url>https?://.*)", re.DOTALL)


def is_address(given: str) -> bool:
    """Whether it is an address, not a checkpoint.

    Args:
        given (`str`): `http://host:port/v1`, with `MODEL@` in front or without; or a checkpoint.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.endpoint_address import is_address
    >>> [is_address(given) for given in ("out/tuned", "http://gpu:8000/v1", "user/name@https://host/v1")]
    [False, True, True]

    ```
    """
    return _ADDRESS.fullmatch(given) is not None


def find_endpoint(given: str, *, key: str | None = None, timeout: float | None = None) -> Endpoint:
    """The endpoint of an address; the server is asked for its model's name where none is given.

    Args:
        given (`str`): `MODEL@http://host:port/v1`, or without `MODEL@`.
        key (`str`, *optional*): The token that is sent; `None` sends none.
        timeout (`float`, *optional*): The most seconds that a reply may take; `None` takes ten minutes.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no such address, no server there, one with several models, or the Hub's offline
            mode.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.endpoint_address import find_endpoint
    >>> find_endpoint("user/name@http://gpu:8000")
    Endpoint(model='user/name', url='http://gpu:8000/v1', timeout=600.0, patience=Patience(attempts=5, \
wait_seconds=2.0, longest_wait=60.0))

    ```
    """
    match = _ADDRESS.fullmatch(given)
    if match is None:
        raise InputError(f"{given}: no address; {FORM}")
    model, url = match["model"], match["url"]
    host, *path = url.partition("://")[2].split("/")
    if "@" in host or re.search(r"[?#\s]", url) or not host:
        # what stands there may let in, and is not shown
        raise InputError(
            "an address of a server has a host, and neither a user, a password nor a query: put its token into an "
            f"environment variable, and name that with --api_key_env; {FORM}"
        )
    full = url.rstrip("/")
    if full.endswith(CHAT):
        base = full.removesuffix(CHAT)
    else:
        base = full if path and full.endswith("/v1") else full + "/v1"
    endpoint = Endpoint(model or "", base, key, TIMEOUT if timeout is None else timeout, PATIENCE)
    return endpoint if model else replace(endpoint, model=_only_model(endpoint))


def check_online() -> None:
    """Refuse the Hub's offline mode, under which `InferenceClient` asks no server at all.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is on.
    """
    if is_offline_mode():
        raise InputError(
            "HF_HUB_OFFLINE is set, and under it huggingface_hub asks no server, not even one of your own; unset it, "
            "and give what is not to be looked up on the Hub as folders"
        )


def _only_model(endpoint: Endpoint) -> str:
    check_online()
    try:
        names = endpoint.models()
    except (HTTPError, OSError, AttributeError) as error:
        status = status_of(error)
        if status in (401, 403):
            endpoint.give_up(error)
        if status is None and isinstance(error, OSError | HTTPError):
            raise InputError(
                f"no server answers at {endpoint.url}: {endpoint.told(error)}; start it, or mend the address"
            ) from None
        names = []
    if len(names) != 1:
        listed = f"lists {len(names)} models ({', '.join(names[:5])})" if names else "lists no models"
        raise InputError(f"{endpoint.url} {listed}; say which is meant: MODEL@{endpoint.url}")
    return names[0]
