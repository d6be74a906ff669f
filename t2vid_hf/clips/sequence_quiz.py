"""Questions about the sequence world that nobody trains on: of a test, of the choice of settings, and of a base model.

A question is a row whose assistant says the right answer, with the answers to choose from beside it. Its order, its
renders and its wording stand in no row of a pool to fine-tune on. Pictures stand in the rows as files: 600 questions
are 1.5 MB.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from t2vid_hf.clips.sequence_language import KINDS, LOOK
from t2vid_hf.clips.sequence_pictures import RENDERS, picture_name
from t2vid_hf.clips.sequence_questions import CLIP_FRAMES, LONG_FRAMES, Use, ask, tell
from t2vid_hf.clips.sequence_rows import TAUGHT, as_pictures, as_row, as_text
from t2vid_hf.schema import features
from t2vid_hf.seeding import stable_hash

ASKED = ("first", "last", "at", "earlier", "later")
"""Kinds of a test: the one that rows of video ask, and two mirrored pairs."""
QUIZZES = ("test", "validation", "gate")
"""Sets of questions: the test, that which settings are chosen by, and what a base must be able to answer."""


def quiz_features() -> Any:
    """The columns of questions as `datasets.Features`."""
    from datasets import Features, List, Value

    name = Value("string")
    own = {"kind": name, "wording": name, "order": name, "options": List(name), "frames": Value("int32")}
    return Features({**features(), **own})


def clip_questions(folder: Path, use: Use, count: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Questions about clips of 5 and of 10 frames.

    Args:
        folder (`Path`): The world's folder, with its pictures.
        use (`str`): "validation" or "test": their wordings, orders and renders.
        count (`int`): How many of each kind and number of frames.
        seed (`int`, *optional*, defaults to `0`): Another one asks others.
    """
    for frames in (CLIP_FRAMES, LONG_FRAMES):
        for kind in ASKED:
            for number in range(count):
                rng = random.Random(stable_hash(f"{use}/{seed}/{frames}/{kind}/{number}"))
                items = tell(rng, "shape", frames, use=use)
                asked = ask(rng, kind, items, getattr(KINDS[kind], use), domain="shape")
                blocks, paths = as_pictures(rng, items, use=use)
                row = as_row(asked, items, blocks, [_file(folder, path) for path in paths])
                yield _question(row, f"{use}/{kind}-{frames}-{number:03}", use, asked.options, frames)


def base_questions(folder: Path, count: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """What a base model must be able to answer: each kind on text, in the wordings of the test, and single pictures.

    Args:
        folder (`Path`): The world's folder, with its pictures.
        count (`int`): How many of each.
        seed (`int`, *optional*, defaults to `0`): Another one asks others.
    """
    for kind in ("read", *TAUGHT):
        for number in range(count):
            rng = random.Random(stable_hash(f"gate/{seed}/{kind}/{number}"))
            items = tell(rng, "shape", CLIP_FRAMES, use="validation")
            asked = ask(rng, kind, items, KINDS[kind].test, domain="shape")
            row = as_row(asked, items, as_text(items), [])
            yield _question(row, f"gate/{kind}-{number:03}", "gate", asked.options, CLIP_FRAMES)
    for domain in ("word", "shape"):
        for number in range(count):
            rng = random.Random(stable_hash(f"gate/{seed}/{domain}/{number}"))
            items = tell(rng, domain, 1)
            asked = ask(rng, "look", items, LOOK.tuning, domain=domain)
            path = picture_name(items[0], rng.choice(RENDERS["validation"]))
            row = as_row(asked, items, as_pictures(rng, items)[0], [_file(folder, path)])
            named = {**row, "kind": f"look at a {domain}"}
            yield _question(named, f"gate/{domain}-{number:03}", "gate", asked.options, 1)


def _file(folder: Path, path: str) -> dict[str, Any]:
    return {"bytes": (folder / path).read_bytes(), "path": path.replace("/", "-")}


def _question(row: dict[str, Any], name: str, source: str, options: tuple[str, ...], frames: int) -> dict[str, Any]:
    return {"id": name, "source": source, **row, "options": list(options), "frames": frames}
