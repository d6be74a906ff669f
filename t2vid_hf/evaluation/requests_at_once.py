"""Several requests to an endpoint at once, and when to stop asking: a server that fails is not 2,700 wrong answers."""

import queue
import threading
from collections.abc import Iterable, Iterator

from t2vid_hf.errors import Unfinished
from t2vid_hf.evaluation.endpoint import Conversation, Endpoint, Refusal

CONCURRENCY = 8
"""Requests at a time, where nothing is said."""
MOST = 100
"""More connections huggingface_hub does not open."""
IN_A_ROW = 10
"""So many questions in a row that a server fails, or refuses before it has answered any, end a run."""


def chat_replies(
    endpoint: Endpoint,
    conversations: Iterable[tuple[int, Conversation]],
    *,
    max_new_tokens: int,
    concurrency: int = CONCURRENCY,
    begun: bool = False,
) -> Iterator[tuple[int, str | Refusal]]:
    """Replies as they come, or why there are none. Conversations are made while others are answered.

    Args:
        endpoint ([`~t2vid_hf.evaluation.endpoint.Endpoint`]): Who is asked.
        conversations (`Iterable[tuple[int, Sequence[dict[str, Any]]]]`): Numbers and conversations.
        max_new_tokens (`int`): The most tokens of a reply.
        concurrency (`int`, *optional*, defaults to `CONCURRENCY`): Requests at a time.
        begun (`bool`, *optional*, defaults to `False`): Whether the endpoint has answered such questions before.

    Yields:
        `tuple[int, str | Refusal]`: a number, and what came.

    Raises:
        [`~t2vid_hf.errors.Unfinished`]: the server fails, or refuses all.
        [`~t2vid_hf.errors.InputError`]: it does not let in, or has no such model.
    """
    todo: queue.SimpleQueue[tuple[int, Conversation] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, str | BaseException]] = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        while (job := todo.get()) is not None and not stopped.is_set():
            try:
                done.put((job[0], endpoint.chat(job[1], max_new_tokens=max_new_tokens)))
            except BaseException as error:
                done.put((job[0], error))

    # of a kind that ends with the program: a request of ten minutes holds up nobody who stops it
    for _ in range(concurrency):
        threading.Thread(target=work, daemon=True).start()
    strikes = _Strikes(endpoint, begun)
    waiting = 0
    try:
        for job in conversations:
            todo.put(job)
            waiting += 1
            if waiting > concurrency:  # one is ready for whoever is free first
                yield strikes.passed(*done.get())
                waiting -= 1
        for _ in range(waiting):
            yield strikes.passed(*done.get())
    finally:
        stopped.set()
        for _ in range(concurrency):
            todo.put(None)


class _Strikes:
    """Counts what a server fails in a row."""

    def __init__(self, endpoint: Endpoint, begun: bool) -> None:
        self._endpoint, self._begun, self._refused, self._failed = endpoint, begun, 0, 0

    def passed(self, number: int, came: str | BaseException) -> tuple[int, str | Refusal]:
        """What came, unless it ends the run."""
        if isinstance(came, BaseException) and not isinstance(came, Refusal):
            raise came
        if isinstance(came, str):
            self._begun, self._refused, self._failed = True, 0, 0
            return number, came
        self._refused += 1
        self._failed = self._failed + 1 if came.passing else 0
        if self._failed >= IN_A_ROW or (self._refused >= IN_A_ROW and not self._begun):
            raise Unfinished(
                f"{self._endpoint.url} gave no reply to {IN_A_ROW} questions in a row, the last: {came}; what came "
                "before is kept, and --resume goes on from there"
            )
        return number, came
