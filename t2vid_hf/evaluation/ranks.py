"""Several processes answer one benchmark: which questions are whose, and how they end together.

Each process, a rank, holds the whole model and takes all questions of its videos. They talk before and after, never in
between, over gloo on GPUs too: one that is done may wait for hours, and learns at once when another has died. Videos
are dealt before they are opened, so that their length is not known: 2 ranks of 100 like videos are even to 1 %, and one
video of ten hours is one rank's.
"""

import contextlib
import heapq
import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from t2vid_hf.errors import InputError, Unfinished, exit_status

T = TypeVar("T")

# What a video costs in questions behind its prefix: decoded first, and then through the model (23 to 63 of them,
# tests/benchmarks/results/eval.json).
_DECODED, _READ = 3, 40
_SHARDED = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED")
_LONGEST_WAIT = timedelta(days=30)


class _AnotherFailed(Unfinished):
    """Raised on a rank whose work is no longer wanted."""


class Ranks:
    """The processes of a run, seen from one of them.

    Args:
        number (`int`, *optional*, defaults to `0`): Which of them this is.
        count (`int`, *optional*, defaults to `1`): How many there are.
        store (`torch.distributed.Store`, *optional*): What all of them see; `None` where there is one.
        owner (`Mapping[str, int]`, *optional*): For each question whose it is; by default the first has all.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.ranks import Ranks
    >>> Ranks().each(lambda: "mine"), Ranks().alone(lambda: "of the first")
    (['mine'], 'of the first')

    ```
    """

    def __init__(
        self, number: int = 0, count: int = 1, store: Any = None, owner: Mapping[str, int] | None = None
    ) -> None:
        self.number, self.count, self._store, self._owner = number, count, store, owner or {}

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes and tells."""
        return self.number == 0

    def sharing(self, videos: Mapping[str, str], settled: Collection[str]) -> "Ranks":
        """The same processes, with questions dealt to them.

        Args:
            videos (`Mapping[str, str]`): Each question's video.
            settled (`Collection[str]`): Questions that are answered.
        """
        return Ranks(self.number, self.count, self._store, deal(videos, settled, self.count))

    def owner(self, question: str) -> int:
        """Whose a question is.

        Args:
            question (`str`): Its id.
        """
        return self._owner.get(question, 0)

    def owns(self, question: str) -> bool:
        """Whether a question is this rank's.

        Args:
            question (`str`): Its id.
        """
        return self.owner(question) == self.number

    def each(self, work: Callable[[], T]) -> list[T]:
        """Do some work on every rank, each its own.

        Args:
            work (`Callable[[], T]`): The work; what it returns can be pickled.

        Returns:
            `list[T]`: what each has returned, on all of them.

        Raises:
            [`~t2vid_hf.errors.InputError`]: on all of them, where one of them raises it; so it is with
                [`~t2vid_hf.errors.Unfinished`] and errors of files.
        """
        if self.count == 1:
            return [work()]
        from torch import distributed

        made: list[Any] = [None] * self.count
        mine: tuple[Any, Exception | None]
        try:
            mine = work(), None
        except (InputError, Unfinished, OSError) as error:
            self._store.set("failed", "")
            mine = None, error
        except BaseException:
            self._store.set("failed", "")
            raise
        distributed.all_gather_object(made, mine)
        errors = sorted((error for _, error in made if error is not None), key=lambda e: isinstance(e, _AnotherFailed))
        if errors:
            raise errors[0]
        return [result for result, _ in made]

    def alone(self, work: Callable[[], T], *, rank: int = 0) -> T:
        """Do some work on one rank.

        Args:
            work (`Callable[[], T]`): The work.
            rank (`int`, *optional*, defaults to `0`): Whose it is.

        Returns:
            `T`: what it has returned, on all of them.
        """
        return self.each(lambda: work() if self.number == rank else None)[rank]  # type: ignore[return-value]

    def check(self) -> None:
        """Stop, in the middle of a rank's work, where another one has failed.

        Raises:
            [`~t2vid_hf.errors.Unfinished`]: one has.
        """
        if self.count > 1 and self._store.check(["failed"]):
            raise _AnotherFailed("another process has failed")

    def tells(self) -> bool:
        """Whether this rank is the first that has something to tell of a failure."""
        try:
            return self.count == 1 or self._store.add("told", 1) == 1
        except RuntimeError:  # the rank that keeps the store has told, and is gone
            return False


@contextlib.contextmanager
def all_ranks() -> Iterator[Ranks]:
    """Meet the other processes that `accelerate launch` or `torchrun` has started, if any, and end together.

    Yields:
        [`Ranks`]: to share work out. An error leaves it on one rank alone, which tells it; the others leave with its
            exit status.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the launch splits models.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield Ranks()
        return
    import torch
    from torch import distributed

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    store, number, count = next(distributed.rendezvous("env://"))
    distributed.init_process_group("gloo", store=store, rank=number, world_size=count, timeout=_LONGEST_WAIT)
    ranks = Ranks(number, count, distributed.PrefixStore("t2vid_hf", store))
    try:
        if any(os.environ.get(name, "").lower() == "true" for name in _SHARDED):
            raise InputError("each process answers with a whole model; launch without FSDP and DeepSpeed, as "
                             "recipes/accelerate/ddp.yaml does")  # fmt: skip
        yield ranks
    except (Exception, KeyboardInterrupt) as error:
        # The launcher ends the others once one has left. Each is leaving, with a status and maybe a line of its own.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if ranks.tells():
            raise
        raise SystemExit(130 if isinstance(error, KeyboardInterrupt) else exit_status(error)) from None
    finally:
        distributed.destroy_process_group()


def deal(videos: Mapping[str, str], settled: Collection[str], count: int) -> dict[str, int]:
    """Deal videos to ranks, the dearest first, each to whoever has the least: all questions of one to one.

    Args:
        videos (`Mapping[str, str]`): Each question's video.
        settled (`Collection[str]`): Questions that are answered.
        count (`int`): The ranks.

    Returns:
        `dict[str, int]`: each question's rank.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.ranks import deal
    >>> deal({"q1": "a", "q2": "b", "q3": "c", "q4": "a"}, ["q2"], 2)
    {'q1': 0, 'q2': 1, 'q3': 1, 'q4': 0}

    ```
    """
    left = Counter(video for question, video in videos.items() if question not in settled)
    costs = {video: _DECODED + (_READ + left[video] if left[video] else 0) for video in dict.fromkeys(videos.values())}
    loads = [(0, rank) for rank in range(count)]
    owner = {}
    for video in sorted(costs, key=lambda video: -costs[video]):
        load, owner[video] = loads[0]
        heapq.heapreplace(loads, (load + costs[video], owner[video]))
    return {question: owner[video] for question, video in videos.items()}
