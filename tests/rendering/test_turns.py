"""A process that forks while its threads draw: the children draw too."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.turns import Turn

# Threads draw without a pause: one prose, one words of a joined script that the atlas does not know. "first" forks
# while the process still loads or compiles what it draws with.
PROGRAM = """
import json, os, sys, threading, time
when, children = sys.argv[1], int(sys.argv[2])
from t2vid_hf.rendering import RenderConfig, TextRenderer
renderer, other = (TextRenderer(RenderConfig.preset(name, missing="replace")) for name in ("paper", "dense"))
stop = threading.Event()

def draw(drawer):
    number = 0
    while not stop.is_set():
        number += 1
        word = "".join(chr(0x905 + number * place % 50) for place in range(1, 5))
        drawer.render(f"Call me Ishmael {number}. {word} " * 300)

threads = [threading.Thread(target=draw, args=(drawer,)) for drawer in (renderer, other, renderer)]
for thread in threads:
    thread.start()
if when == "later":
    renderer.render("The whole text of a page. " * 9)
    time.sleep(0.5)
seconds, hung, failed = [], 0, 0
for child in range(children):
    time.sleep(0.003 * child)
    start = time.monotonic()
    process = os.fork()
    if process == 0:
        try:
            frames = [each.render("The whole text of a page. " * 9).frames for each in (renderer, other)]
            os._exit(0 if all(frame.min() < 64 < frame.max() for frame in frames) else 3)
        except BaseException:
            os._exit(4)
    found, status = 0, 0
    while not found and time.monotonic() < start + 60:
        found, status = os.waitpid(process, os.WNOHANG)
        time.sleep(0.002)
    if not found:
        os.kill(process, 9)
        os.waitpid(process, 0)
        hung += 1
        break
    failed += status != 0
    seconds.append(time.monotonic() - start)
stop.set()
for thread in threads:
    thread.join()
print(json.dumps({"hung": hung, "failed": failed, "done": len(seconds), "seconds": max(seconds, default=0.0)}))
"""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def run(*arguments: str, **environment: str) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=600, env={**os.environ, **environment}
    )
    return json.loads(done.stdout)


@forks
def test_twenty_children_forked_while_threads_draw_each_draw_a_page() -> None:
    told = run("later", "20")
    assert (told["hung"], told["failed"], told["done"]) == (0, 0, 20) and told["seconds"] < 10, told


@forks
def test_a_child_forked_during_the_first_page_draws(tmp_path: Path) -> None:
    """The thread may hold numba's compiler then: no cache is there yet."""
    told = run("first", "3", HF_HOME=str(tmp_path))
    assert (told["hung"], told["failed"], told["done"]) == (0, 0, 3), told


@forks
def test_a_fork_within_a_text_does_not_wait_for_itself() -> None:
    """A signal's handler may fork while its own thread draws."""
    code = (
        "import os; from t2vid_hf.rendering.turns import Turn\n"
        "with Turn():\n    child = os.fork()\n    with Turn(): pass\n"
        "if child == 0: os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "7"


def test_an_error_ends_a_turn() -> None:
    with pytest.raises(KeyError), Turn():
        raise KeyError
    others = [
        threading.Thread(target=TextRenderer(RenderConfig.preset("paper")).render, args=("abc",), daemon=True)
        for _ in range(2)
    ]
    for each in others:
        each.start()
    for each in others:
        each.join(60)
    assert not any(each.is_alive() for each in others)
