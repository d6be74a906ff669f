"""Work side by side, in processes that each do many pieces of it, so that torch is imported once in each.

A process that does not know that its parent was killed would go on beside the next one; each watches for that.
"""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")
_QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "TQDM_DISABLE": "1", "TOKENIZERS_PARALLELISM": "false"}


def side_by_side(
    work: Callable[[Given], Made], pieces: Iterable[Given], *, jobs: int, threads: int
) -> Iterator[tuple[Given, Made]]:
    """Do pieces of work, and give each as it is done.

    Args:
        work (`Callable[[Given], Made]`): What is done with a piece; a function of a module, with what it needs.
        pieces (`Iterable[Given]`): The pieces.
        jobs (`int`): How many at a time. With 1 it is done here, one after the other.
        threads (`int`): Threads of each.

    Raises:
        Exception: what the work raises; pieces that have not begun are then left.
    """
    if jobs == 1:
        yield from ((piece, work(piece)) for piece in pieces)
        return
    before = {name: os.environ.get(name) for name in (*_QUIET, "OMP_NUM_THREADS")}
    os.environ.update({**_QUIET, "OMP_NUM_THREADS": str(threads)})  # read by libraries as they are imported
    try:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(work, threads)) as executor:
            try:
                yield from _as_done(executor, work, iter(pieces), jobs)
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _as_done(
    executor: ProcessPoolExecutor, work: Callable[[Given], Made], pieces: Iterator[Given], jobs: int
) -> Iterator[tuple[Given, Made]]:
    """Hand out as many as are worked on and one more: a piece may be large."""
    waiting: dict[Future[Made], Any] = {}
    while True:
        while len(waiting) <= jobs and (piece := next(pieces, None)) is not None:
            waiting[executor.submit(work, piece)] = piece
        if not waiting:
            return
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield waiting.pop(future), future.result()


def _begin(work: Any, threads: int) -> None:
    """Begin a process; that it is told the work has imported all that it needs."""
    import torch

    torch.set_num_threads(threads)
    # What is imported stays: looked through for garbage twice a run, it would take 0.7 s of each.
    gc.collect()
    gc.freeze()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
