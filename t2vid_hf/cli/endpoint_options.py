"""Options that are for endpoints alone: which server gets which token, and what is refused where there is no server."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.endpoint_address import check_online, find_endpoint, is_address
from t2vid_hf.evaluation.endpoint_runs import Asker, frames_policy
from t2vid_hf.evaluation.judges import open_judge
from t2vid_hf.metrics.judged import Judge

JUDGE = "judge"
"""What --api_key_env calls the judge."""


def endpoints_in(models: Mapping[str, str], judge: str | None = None) -> list[str]:
    """The names of those that are asked by URL.

    Args:
        models (`Mapping[str, str]`): For each model's name a checkpoint or an address.
        judge (`str`, *optional*): The option --judge.
    """
    named = {**models, **({} if judge is None else {JUDGE: judge})}
    if judge is not None and JUDGE in models:
        raise InputError(f"--models {JUDGE}=: the name is taken by --judge; give another")
    return [name for name, given in named.items() if is_address(given)]


def tokens_of(given: Sequence[str] | None, endpoints: Sequence[str]) -> dict[str, str]:
    """The tokens of endpoints, out of the environment; who is not named gets none.

    Args:
        given (`Sequence[str]` or `None`): The option --api_key_env: `NAME=VARIABLE`, or `VARIABLE` where one endpoint
            is asked.
        endpoints (`Sequence[str]`): The names of those that are asked by URL.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such endpoint, or no such variable.

    Example:

    ```python
    >>> import os
    >>> from t2vid_hf.cli.endpoint_options import tokens_of
    >>> os.environ["MY_TOKEN"] = "secret"
    >>> tokens_of(["MY_TOKEN"], ["served"]), tokens_of(["judge=MY_TOKEN"], ["served", "judge"])
    ({'served': 'secret'}, {'judge': 'secret'})

    ```
    """
    tokens: dict[str, str] = {}
    for each in given or ():
        name, _, variable = each.rpartition("=")
        if not name and len(endpoints) != 1:
            raise InputError(
                f"--api_key_env {each}: {len(endpoints)} endpoints are asked ({', '.join(endpoints) or 'none'}); say "
                "whose token it is: NAME=VARIABLE"
            )
        name = name or endpoints[0]
        if name not in endpoints:
            raise InputError(f"--api_key_env {each}: '{name}' is no endpoint; known: {', '.join(endpoints) or 'none'}")
        if not os.environ.get(variable, "").strip():
            raise InputError(f"--api_key_env {each}: no variable {variable} in the environment, or it is empty; set it")
        tokens[name] = os.environ[variable].strip()
    return tokens


def check_options(
    for_endpoints: Mapping[str, object], for_checkpoints: Mapping[str, object], *, endpoints: int, checkpoints: int
) -> None:
    """Refuse options that none of the models would heed.

    Args:
        for_endpoints (`Mapping[str, object]`): Those for endpoints, by name; `None` where they are not given.
        for_checkpoints (`Mapping[str, object]`): Those for checkpoints.
        endpoints (`int`): How many endpoints there are.
        checkpoints (`int`): How many checkpoints.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one is given in vain.
    """
    for options, count, kind, other in (
        (for_endpoints, endpoints, "an endpoint", "a checkpoint"),
        (for_checkpoints, checkpoints, "a checkpoint", "an endpoint"),
    ):
        vain = next((name for name, value in options.items() if value is not None), None)
        if not count and vain is not None:
            raise InputError(f"--{vain} is for {kind}, and {other} does not heed it; leave it out")


def askers_of(
    addresses: Mapping[str, str],
    frames: Mapping[str, Any],
    *,
    max_new_tokens: int,
    jpeg_quality: int | None,
    tokens: Mapping[str, str],
    timeout: float | None,
    concurrency: int,
) -> dict[str, Asker]:
    """Those that are asked by URL, each of which has been called once.

    Args:
        addresses (`Mapping[str, str]`): For each model's name its address.
        frames (`Mapping[str, Any]`): The options about frames.
        max_new_tokens (`int`): The option --max_new_tokens.
        jpeg_quality (`int` or `None`): The option --jpeg_quality.
        tokens (`Mapping[str, str]`): What [`tokens_of`] gives.
        timeout (`float` or `None`): The option --timeout.
        concurrency (`int`): The option --concurrency.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an address is none, nobody answers there, or an option is not for endpoints.
    """
    if not addresses:
        if jpeg_quality is not None:
            raise InputError("--jpeg_quality is for frames that are sent to an endpoint of --models; leave it out")
        return {}
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise InputError(
            "an endpoint is asked by one process, with several requests at once (--concurrency); start it without "
            "`accelerate launch`"
        )
    policy = frames_policy(**frames)
    check_online()
    askers = {}
    for name, address in addresses.items():
        endpoint = find_endpoint(address, key=tokens.get(name), timeout=timeout)
        endpoint.check()
        askers[name] = Asker(endpoint, policy, max_new_tokens, jpeg_quality, concurrency)
    return askers


def judge_of(
    given: str | None,
    kept: Path,
    *,
    tokens: Mapping[str, str],
    timeout: float | None,
    concurrency: int,
    scored: bool = True,
) -> Judge | None:
    """The judge that is asked for, `None` where none is.

    Args:
        given (`str` or `None`): The option --judge: a checkpoint, or an address.
        kept (`Path`): The file that what it says is kept in.
        tokens (`Mapping[str, str]`): What [`tokens_of`] gives.
        timeout (`float` or `None`): The option --timeout.
        concurrency (`int`): The option --concurrency.
        scored (`bool`, *optional*, defaults to `True`): Whether rules score the replies.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such judge, or nothing for it to judge.
    """
    if given is None:
        return None
    if not scored:
        raise InputError("--judge: captions choose no option; they are written for the judge of TempCompass's authors")
    return open_judge(given, kept, key=tokens.get(JUDGE), timeout=timeout, concurrency=concurrency)
