"""An OpenAI-compatible server that is asked by URL, through huggingface_hub's `InferenceClient`: vLLM, or a service.

What fails and passes (429, 5xx, dropped connections) is tried again, five times, with pauses that double. What fails
for good is told apart: a question that the server refuses is a [`Refusal`], which the run counts and names; what would
fail for every question (no token, no such model, no server) ends the run in one line. No token is sent unless it is
given, where `InferenceClient` by itself would send the Hub's to any address.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from huggingface_hub import InferenceClient, get_session
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from huggingface_hub.utils import hf_raise_for_status
from tqdm import tqdm

from t2vid_hf.errors import InputError, Unfinished
from t2vid_hf.hub.transient import Patience, passes, persist, status_of

SEED = 0
"""Goes with temperature 0: greedy, as far as a server is."""
TIMEOUT = 600.0
PATIENCE = Patience(longest_wait=60.0)
CHAT = "/chat/completions"
FORM = "give MODEL@http://host:port/v1, or without MODEL@ where the server has one model"

Conversation = Sequence[dict[str, Any]]


class Refusal(RuntimeError):
    """A server's last word on one question: no reply. The message says why.

    Args:
        message (`str`): Why.
        passing (`bool`, *optional*, defaults to `False`): Whether it is a failure of the server, not of the question.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class _NoCompletion(ValueError):
    """What came is no chat completion: cut short, or another service's."""


@dataclass(frozen=True)
class Endpoint:
    """A model behind a server.

    Args:
        model (`str`): The model's name there.
        url (`str`): The address, up to `/v1` as a rule.
        key (`str`, *optional*): The token that is sent; `None` sends none.
        timeout (`float`, *optional*, defaults to `TIMEOUT`): The most seconds that a reply may take.
        patience ([`~t2vid_hf.hub.transient.Patience`], *optional*, defaults to `PATIENCE`): How often a request is
            tried, and how long between.
    """

    model: str
    url: str
    key: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT
    patience: Patience = PATIENCE

    @property
    def identity(self) -> str:
        """What stands for the hash of its weights, which are not known."""
        return f"endpoint:{self.model}"

    def chat(self, messages: Conversation, *, max_new_tokens: int) -> str:
        """The reply to a conversation; greedy.

        Args:
            messages (`Sequence[dict[str, Any]]`): The conversation, as OpenAI's API has it.
            max_new_tokens (`int`): The most tokens of the reply.

        Returns:
            `str`: the reply without space around it; "" where the server answers with null.

        Raises:
            [`Refusal`]: this conversation gets no reply.
            [`~t2vid_hf.errors.InputError`]: none would: the token or the model's name is not taken.
            [`~t2vid_hf.errors.Unfinished`]: the server is gone.
        """
        try:
            return persist(
                lambda: self._post(messages, max_new_tokens),
                patience=self.patience,
                show=lambda line: tqdm.write(f"{self.url}: {line}", file=sys.stderr),
                again=lambda error: passes(error) or isinstance(error, _NoCompletion),
                told=self.told,
            )
        except (HTTPError, ConnectionError, TimeoutError, _NoCompletion) as error:
            self.give_up(error)

    def _post(self, messages: Conversation, max_new_tokens: int) -> str:
        client = InferenceClient(base_url=self.url + CHAT, headers=self._headers(), timeout=self.timeout)
        try:
            completion = client.chat_completion(
                messages=list(messages), model=self.model, max_tokens=max_new_tokens, temperature=0.0, seed=SEED
            )
            choice = completion.choices[0]
            said = choice.message.content
            refused = getattr(choice.message, "refusal", None)
        except (HTTPError, OSError):
            raise
        # whatever a service that is none sends: a page, another JSON, half of one
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise _NoCompletion(f"what came is no chat completion ({type(error).__name__}: {error})") from None
        if said is None and choice.finish_reason == "content_filter":
            raise Refusal("the server has filtered the reply (content_filter)")
        said = refused if said is None else said
        if not isinstance(said, str | None):
            raise _NoCompletion(f"what came is no chat completion: its reply is {type(said).__name__}")
        return (said or "").encode("utf-8", "replace").decode().strip()  # half a character cannot be written

    def _headers(self) -> dict[str, Any]:
        # None takes out what the client would put there by itself: the Hub's token, to whatever address this is
        return {"authorization": None if self.key is None else f"Bearer {self.key}"}

    def give_up(self, error: BaseException) -> NoReturn:
        """Say what a failure means that did not pass; see [`Endpoint.chat`].

        Args:
            error (`BaseException`): What a request raised.
        """
        status, told = status_of(error), self.told(error)
        if status in (401, 403):
            raise InputError(
                f"{self.url} does not let us in: {told}; name the environment variable that holds its token with "
                "--api_key_env"
            ) from None
        if status == 404:
            raise InputError(f"{self.url} has no model '{self.model}', or is no such server: {told}{self._listed()}")
        tried = f", {self.patience.attempts} times" if self.patience.attempts > 1 else ""
        if isinstance(error, _NoCompletion) or (status is not None and passes(error)):
            raise Refusal(f"{told}{tried}", passing=True) from None
        if status is None:
            if not self._is_there():
                raise Unfinished(f"no server answers at {self.url}: {told}{tried}") from None
            raise Refusal(f"{told}{tried}", passing=True) from None
        hint = ""
        if status == 413 or "image" in told.lower():
            hint = "; send fewer with --num_frames, smaller ones with --jpeg_quality, or let the server take more "
            hint += "(vLLM: --limit-mm-per-prompt)"
        raise Refusal(told + hint) from None

    def told(self, error: BaseException) -> str:
        """A failure in one line, without the token.

        Args:
            error (`BaseException`): What a request raised.
        """
        status = status_of(error)
        if status is None:
            text = str(error) or type(error).__name__
        else:
            said = _message(error)
            text = f"the server answered {status}{f' ({said})' if said else ''}"
        line = " ".join(text.split())
        line = line.replace(self.key, "(token)") if self.key else line
        return line if len(line) <= 300 else line[:297] + "..."

    def models(self) -> list[str]:
        """The names of the models that the server lists.

        Raises:
            `HTTPError`: it lists none, or does not answer.
        """
        headers = {name: value for name, value in self._headers().items() if value is not None}
        response = get_session().get(f"{self.url}/models", headers=headers, timeout=min(self.timeout, 30.0))
        hf_raise_for_status(response)
        try:
            return [str(model["id"]) for model in response.json()["data"]]
        except (ValueError, TypeError, LookupError):
            return []

    def _listed(self) -> str:
        try:
            names = self.models()
        except (HTTPError, OSError, AttributeError):
            names = []
        return f"; it has {', '.join(names[:5])}" if names else f"; {FORM}"

    def _is_there(self) -> bool:
        """Whether a server answers at all, whatever it says."""
        try:
            self.models()
        except HfHubHTTPError:
            return True
        except (HTTPError, OSError):
            return False
        except AttributeError:  # huggingface_hub 2.4 on an error whose JSON is no object
            return True
        return True

    def check(self) -> None:
        """Ask for one token, so that a wrong address, name or token is told before any video is decoded.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is no such server or model, or it does not let in.
        """
        try:
            replace(self, patience=replace(self.patience, attempts=1)).chat(
                [{"role": "user", "content": "Hello"}], max_new_tokens=1
            )
        except Refusal:
            return  # a server that is busy, or wants images: what it says to questions is told then
        except Unfinished as error:
            raise InputError(f"{error}; start it, or mend the address") from None


def _message(error: BaseException) -> str:
    """What a server says of its refusal, in the forms of OpenAI, vLLM and FastAPI, or as a text."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
    if response is None:
        return ""
    try:
        said: Any = json.loads(response.content)
    except ValueError:
        html = "html" in response.headers.get("content-type", "")
        return str(response.reason_phrase if html else response.text or response.reason_phrase)
    for name in ("error", "message", "detail", "message"):
        said = said.get(name, said) if isinstance(said, dict) else said
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
