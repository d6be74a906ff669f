"""Failures of the Hub that pass: which they are, and how long they are waited out.

huggingface_hub tries some calls again (uploads of files) and others not (commits, tags, new repositories), so all of
them go through `persist`. A call that is tried again may have been done the first time, its answer lost: what is given
to `persist` looks at the Hub first, or takes "it is there already" for an answer.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from huggingface_hub import get_token
from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

from t2vid_hf.errors import InputError

T = TypeVar("T")
TRANSIENT_STATUS = frozenset({408, 409, 412, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """How often a call is tried, and the pauses between.

    Args:
        attempts (`int`, *optional*, defaults to `5`): Tries of a call, the first among them.
        wait_seconds (`float`, *optional*, defaults to `2.0`): Pause before the second; doubled before each further one.
            A `Retry-After` of the Hub that is longer is kept to.
        longest_wait (`float`, *optional*, defaults to `300.0`): Seconds of the longest pause, whatever the Hub asks
            for.
    """

    attempts: int = 5
    wait_seconds: float = 2.0
    longest_wait: float = 300.0


def passes(error: BaseException) -> bool:
    """Whether a failure is one that may be gone when the call is made again.

    Args:
        error (`BaseException`): What a call of huggingface_hub raised.

    Example:

    ```python
    >>> from t2vid_hf.hub.transient import passes
    >>> passes(ConnectionResetError()), passes(ValueError("no such type"))
    (True, False)

    ```
    """
    answers = [cause for cause in _causes(error) if isinstance(cause, HfHubHTTPError)]
    if answers:
        return answers[0].response.status_code in TRANSIENT_STATUS
    return any(
        isinstance(cause, (HTTPError, ConnectionError, TimeoutError))
        or type(cause).__module__.startswith("hf_xet")
        # hf_xet's failures of the network are plain errors that say so (hf_xet 1.8)
        or (isinstance(cause, (RuntimeError, OSError)) and "network error" in str(cause).lower())
        for cause in _causes(error)
    )


def persist(
    call: Callable[[], T],
    *,
    patience: Patience,
    show: Callable[[str], Any],
    again: Callable[[BaseException], bool] = passes,
    told: Callable[[BaseException], str] | None = None,
) -> T:
    """Call, and call again while the failure is one that passes.

    Args:
        call (`Callable[[], T]`): What is tried.
        patience ([`Patience`]): How often, and how long between.
        show (`Callable[[str], Any]`): Told of each pause.
        again (`Callable[[BaseException], bool]`, *optional*, defaults to `passes`): Which failures it is made again
            after.
        told (`Callable[[BaseException], str]`, *optional*): A failure in words; `None` takes [`described`].

    Returns:
        `T`: what the call returns.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no token, or offline mode is on. Other errors of the call are passed
            on: those that do not pass, and the last of those that do.
    """
    for attempt in range(1, patience.attempts + 1):
        try:
            return call()
        except LocalTokenNotFoundError:
            raise InputError("no token to write to the Hub: run `hf auth login`, or set HF_TOKEN") from None
        except OfflineModeIsEnabled:
            raise InputError("HF_HUB_OFFLINE is set, and a release needs the Hub: unset it") from None
        except Exception as error:
            if attempt == patience.attempts or not again(error):
                raise
            pause = min(max(patience.wait_seconds * 2 ** (attempt - 1), _asked_for(error)), patience.longest_wait)
            show(f"{(told or described)(error)}; trying again in {pause:.0f} s")
            time.sleep(pause)
    raise ValueError(f"attempts is {patience.attempts}; give at least 1")


def status_of(error: BaseException) -> int | None:
    """The HTTP status that a call was answered with; `None` where no answer came.

    Args:
        error (`BaseException`): What a call of huggingface_hub raised.
    """
    return next((cause.response.status_code for cause in _causes(error) if isinstance(cause, HfHubHTTPError)), None)


def described(error: BaseException) -> str:
    """A failure in one line, without the token.

    Args:
        error (`BaseException`): What a call of huggingface_hub raised.
    """
    said = next((cause for cause in _causes(error) if isinstance(cause, HfHubHTTPError)), error)
    if isinstance(said, HfHubHTTPError):
        told = said.server_message or said.response.reason_phrase
        text = f"the Hub answered {said.response.status_code}{f' ({told})' if told else ''}"
    else:
        text = str(said) or type(said).__name__
    token = get_token()
    line = " ".join(text.split())
    return line.replace(token, "(token)") if token else line


def _asked_for(error: BaseException) -> float:
    """Seconds of a `Retry-After` header; its other form, a date, is not sent by the Hub."""
    for cause in _causes(error):
        if isinstance(cause, HfHubHTTPError):
            given = cause.response.headers.get("Retry-After", "")
            return float(given) if given.replace(".", "", 1).isdigit() else 0.0
    return 0.0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was raised from: a thread's is wrapped, and the Hub's is inside."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
