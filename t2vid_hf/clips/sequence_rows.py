"""Rows of the sequence world in the columns of `t2vid_hf.schema`, and what one picks them by: kind, wording, order.

A clip's frames and a text's pages stand in `images` as paths below the world's folder, and a text stands in the user's
turn. Row number n of a pool is the same whatever the pool's size: each row has a generator of its own, at 20 us.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from t2vid_hf.clips.sequence_language import CAPTION, KINDS, LOOK, SEPARATOR
from t2vid_hf.clips.sequence_pictures import RENDERS, picture_name
from t2vid_hf.clips.sequence_questions import CLIP_FRAMES, LONG_FRAMES, Asked, Use, ask, tell
from t2vid_hf.schema import Block, conversation, features, media_block, text
from t2vid_hf.seeding import stable_hash

TAUGHT = ("first", "last", "at", "earlier", "later", "count")
"""Kinds that the pools of questions hold, in turn, so that there are as many of each."""
Draw = Callable[[random.Random, int], dict[str, Any]]


def world_features() -> Any:
    """The columns of the world's rows as `datasets.Features`: ours with images by path, and what rows are picked by."""
    from datasets import Features, List, Value

    name = Value("string")
    return Features({**features(), "images": List(name), "kind": name, "wording": name, "order": name})


def pool_rows(pool: str, count: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
    """The rows of a pool.

    Args:
        pool (`str`): A key of `POOLS`.
        count (`int`): How many.
        seed (`int`, *optional*, defaults to `0`): Another one draws other rows.

    Example:

    ```python
    >>> from t2vid_hf.clips.sequence_rows import pool_rows
    >>> (row,) = pool_rows("pages", 1)
    >>> row["id"], row["kind"], row["num_frames"] == len(row["images"]) == len(row["order"].split())
    ('pages/000000', 'first', True)

    ```
    """
    draw = POOLS[pool]
    for number in range(count):
        rng = random.Random(stable_hash(f"{pool}/{seed}/{number}"))
        yield {"id": f"{pool}/{number:06}", "source": pool, **draw(rng, number)}


def as_row(asked: Asked, items: Sequence[str], story: Sequence[Block], images: list[Any]) -> dict[str, Any]:
    """A row, without its id and source, of a question about a story.

    Args:
        asked ([`~t2vid_hf.clips.sequence_questions.Asked`]): The question.
        items (`Sequence[str]`): The story.
        story (`Sequence[Block]`): How it is told, before the question.
        images (`list`): The pictures of its blocks: paths, or files.
    """
    return {
        "media": "image_sequence" if images else "text",
        "messages": conversation(list(story), asked.question, asked.answer),
        "images": images,
        "videos": [],
        "num_frames": len(images),
        "kind": asked.kind,
        "wording": asked.wording,
        "order": " ".join(items),
    }


def as_pictures(rng: random.Random, items: Sequence[str], *, use: Use = "tuning") -> tuple[list[Block], list[str]]:
    """A story as one picture an item.

    Args:
        rng (`random.Random`): Draws the renders.
        items (`Sequence[str]`): The story.
        use (`str`, *optional*, defaults to `"tuning"`): What renders it may take.
    """
    return [media_block("image")] * len(items), [picture_name(item, rng.choice(RENDERS[use])) for item in items]


def as_text(items: Sequence[str]) -> list[Block]:
    """A story as text.

    Args:
        items (`Sequence[str]`): The story.
    """
    return [text(" ".join(f"{item} {SEPARATOR}" for item in items))]


def _video(rng: random.Random, number: int) -> dict[str, Any]:
    """Half captions, half "what is first?"."""
    items = tell(rng, "shape", CLIP_FRAMES)
    kind, wordings = ("first", KINDS["first"]) if number % 2 else ("caption", CAPTION)
    return as_row(ask(rng, kind, items, wordings.tuning, domain="shape"), items, *as_pictures(rng, items))


def _oracle(rng: random.Random, number: int) -> dict[str, Any]:
    items = tell(rng, "shape", CLIP_FRAMES)
    return as_row(_taught(rng, number, items, "shape"), items, *as_pictures(rng, items))


def _pages(rng: random.Random, number: int) -> dict[str, Any]:
    items = _long(rng)
    return as_row(_taught(rng, number, items, "word"), items, *as_pictures(rng, items))


def _text(rng: random.Random, number: int) -> dict[str, Any]:
    items = _long(rng)
    return as_row(_taught(rng, number, items, "word"), items, as_text(items), [])


def _read(rng: random.Random, number: int) -> dict[str, Any]:
    items = _long(rng)
    return as_row(ask(rng, "read", items, KINDS["read"].tuning, domain="word"), items, *as_pictures(rng, items))


def _long(rng: random.Random) -> list[str]:
    return tell(rng, "word", rng.randint(CLIP_FRAMES, LONG_FRAMES))


def _taught(rng: random.Random, number: int, items: Sequence[str], domain: str) -> Asked:
    kind = TAUGHT[number % len(TAUGHT)]
    return ask(rng, kind, items, KINDS[kind].tuning, domain=domain)


_ON_TEXT = {"read": 2, "first": 1, "last": 1, "at": 3, "earlier": 3, "later": 3, "count": 1}
"""How often a base model is asked each kind on text: those that are learned late more often."""


def _base(rng: random.Random, number: int) -> dict[str, Any]:
    """Sixteen of 24 rows ask on text, in all wordings; 3 show one picture; 5 have up to 3 among text, to be read."""
    domain, turn = rng.choice(("word", "shape")), number % 24
    if turn < 16:
        items = tell(rng, domain, rng.randint(2, rng.choice((CLIP_FRAMES, LONG_FRAMES))))
        (kind,) = rng.choices(list(_ON_TEXT), list(_ON_TEXT.values()))
        return as_row(ask(rng, kind, items, KINDS[kind].all, domain=domain), items, as_text(items), [])
    if turn < 19:
        items = tell(rng, domain, 1)
        return as_row(ask(rng, "look", items, LOOK.tuning, domain=domain), items, *as_pictures(rng, items))
    items = tell(rng, domain, rng.randint(2, LONG_FRAMES))
    shown = set(rng.sample(range(len(items)), min(len(items), rng.randint(1, 3))))
    blocks: list[Block] = []
    for place, item in enumerate(items):
        blocks += [media_block("image")] if place in shown else as_text([item])
    _, images = as_pictures(rng, [items[place] for place in sorted(shown)])
    return as_row(ask(rng, "read", items, KINDS["read"].tuning, domain=domain), items, blocks, images)


POOLS: dict[str, Draw] = {
    "video": _video,
    "oracle": _oracle,
    "pages": _pages,
    "text": _text,
    "read": _read,
    "base": _base,
}
"""What rows there are: clips with a narrow instruction, clips with every kind, pages with every kind, the same told as
text, pages that are only read out, and what a base model is trained on."""
