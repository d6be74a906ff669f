"""Seeded short clips of plain moving shapes, with multiple-choice questions that are true of what is drawn.

The choice: a clip is first a small frozen description (actors and their timed events), and both the pixels and the
questions are derived from it, so an answer cannot drift away from the picture. Scenes come in shuffled blocks of ten,
which keeps the kinds of question balanced in any run of clips, and the wrong options mirror the right one, so that
guessing without looking stays near chance. The price: a tiny world (four shapes, four colours, plain backgrounds), so
a good score says that a model sees motion, not that it understands real video. At the default 16 frames, a reader
that keeps only every fourth frame, from the first, still sees the same answers.
"""

import random
from collections.abc import Iterator, Sequence

from t2vid_hf.errors import InputError
from t2vid_hf.seeding import stable_hash
from t2vid_hf.video.shapes_drawing import (
    ACTIONS,
    COLOURS,
    PACES,
    SHAPES,
    Actor,
    Clip,
    Question,
    render_clip,
    write_clip,
)

__all__ = [
    "ACTIONS",
    "COLOURS",
    "KINDS",
    "PACES",
    "SCENES",
    "SHAPES",
    "Actor",
    "Clip",
    "Question",
    "make_clip",
    "render_clip",
    "write_clip",
]

KINDS = ("action", "direction", "speed", "order", "attribute_change")
SCENES = ("move", "pace", "turn", "size", "colour", "idle", "race", "sequence", "sequence", "relay")

_BACKGROUNDS = ((20, 20, 24), (232, 232, 232))
_STILL = "does nothing"
_CHANGES = (ACTIONS[:1], ACTIONS[2:4], ACTIONS[4:5], ACTIONS[1:2])  # turns last: nobody sees a plain circle turn
_ACTS = {"move": ACTIONS[:1], "pace": ACTIONS[:1], "turn": ACTIONS[1:2], "size": ACTIONS[2:4], "colour": ACTIONS[4:5]}
_ACTS |= {"idle": ACTIONS[5:]}
_AXES = (("to the left", "to the right"), ("up", "down"), ("clockwise", "counter-clockwise"))
_SAME = "it looks the same"
_LOOKS = {"grows": "it is bigger", "shrinks": "it is smaller", "flashes": _SAME, "does nothing": _SAME}
# As parts of the frame: plain radius, path, small and big radius. Each row keeps a path centred in the frame (or in its
# lane, at 0.27 or 0.73 across it) clear of the edges, whatever else the shape does on the way.
_LAYOUTS = {"solo": (0.17, 0.58, 0.14, 0.30), "two acts": (0.15, 0.50, 0.11, 0.20), "race": (0.12, 0.50, 0.12, 0.12)}
_TEMPLATES = {  # by kind, or by kind/style
    "action": ("What does {} do?", "Watch the clip. What happens to {}?", "Which of these does {} do?"),
    "direction": ("Which way does {} move?", "In which direction does {} go?", "What is the direction of {}?"),
    "speed/race": ("Which shape moves faster?", "Which one is quicker?", "Compare the two: which is faster?"),
    "speed/pace": ("How does the speed of {} change?", "How fast does {} go over time?", "What is the pace of {}?"),
    "order/sequence": ("What does {} do, in order?", "In which order does {} act?", "First what, then what: {}?"),
    "order/relay": ("What happens, in order?", "In which order do the shapes act?", "First what, then what?"),
    "attribute_change/look": ("How has {} changed at the end?", "Compare first and last: {}?", "How does {} end up?"),
    "attribute_change/colour": (
        "What is the last colour of {}?",
        "Which colour does {} become?",
        "Final colour of {}?",
    ),
}
_Draft = tuple[str, str, str, list[str]]  # of a question: key of its templates, who, right option, all options


def make_clip(index: int, *, seed: int = 0, size: int = 96, num_frames: int = 16, fps: int = 8) -> Clip:
    """Describe clip number `index` of the endless series named by `seed`.

    Args:
        index (`int`): Number of the clip, from 0. Disjoint ranges make disjoint splits.
        seed (`int`, *optional*, defaults to 0): Names the series.
        size (`int`, *optional*, defaults to 96): Width and height in pixels: even (for yuv420p), at least 48.
        num_frames (`int`, *optional*, defaults to 16): Frames in the clip, at least 8.
        fps (`int`, *optional*, defaults to 8): Frames per second.

    Returns:
        [`Clip`]: The description, with two or three questions.

    Example:

    ```python
    >>> from t2vid_hf.video.shapes import make_clip
    >>> make_clip(3, seed=7) == make_clip(3, seed=7)
    True

    ```
    """
    if index < 0 or fps < 1 or num_frames < 8 or size < 48 or size % 2:
        given = f"index={index}, fps={fps}, num_frames={num_frames}, size={size}"
        raise InputError(f"{given}: a clip needs index >= 0, fps >= 1, num_frames >= 8 and an even size >= 48")
    block, slot = divmod(index, len(SCENES))
    scene = random.Random(stable_hash(f"shapes/{seed}/block/{block}")).sample(SCENES, len(SCENES))[slot]
    rng = random.Random(stable_hash(f"shapes/{seed}/clip/{index}"))
    actors, background, questions = tuple(_cast(rng, scene)), rng.choice(_BACKGROUNDS), []
    for number, (style, who, right, choices) in enumerate(_quiz(rng, scene, actors=actors)):
        wrong = sorted({*choices} - {right})
        options = rng.sample(wrong, min(3, len(wrong)))
        # the right letters of four neighbouring clips are a shuffled ABCD: no letter is ahead, even in a small set
        letters = random.Random(stable_hash(f"shapes/{seed}/letters/{number}/{index // 4}")).sample(range(4), 4)
        options.insert(letters[index % 4] % (len(options) + 1), right)
        text, letter = rng.choice(_TEMPLATES[style]).format(who), "ABCD"[options.index(right)]
        questions.append(Question(style.partition("/")[0], text, tuple(options), letter))
    name = f"shapes-{seed}-{index:05d}"
    return Clip(name, seed, size, size, fps, num_frames, scene, background, actors, tuple(questions))


def _cast(rng: random.Random, scene: str) -> list[Actor]:
    shapes = rng.sample(SHAPES[scene == "turn" :], 2 if scene in ("race", "relay") else 1)  # SHAPES[0] is the circle
    first, second = (rng.choice(names) for names in rng.sample(_CHANGES[: 3 if "circle" in shapes else 4], 2))
    acts = {"race": [["moves across"]] * 2, "sequence": [[first, second]], "relay": [[first, _STILL], [_STILL, second]]}
    plain, path, small, big = _LAYOUTS["race" if scene == "race" else "two acts" if scene in acts else "solo"]
    paths = rng.choice([(0.71, 0.34), (0.34, 0.71), (path, path)]) if scene == "race" else (path, path)
    pace, axis = rng.choice(PACES[:3]) if scene in ("move", "pace") else PACES[2], rng.randrange(2)
    lanes = rng.sample((0.27, 0.73), 2) if len(shapes) > 1 else [0.5 + rng.uniform(-0.12, 0.12)]
    colours, actors = rng.sample(list(COLOURS), len(COLOURS)), []
    for number, actions in enumerate(acts.get(scene) or [[rng.choice(_ACTS[scene])]]):
        values = {"moves across": rng.choice(_AXES[axis]), "turns": rng.choice(_AXES[2])}
        values["changes colour"] = rng.choice([name for name in COLOURS if name != colours[number]])
        plan = tuple((action, values.get(action, "")) for action in actions)
        radii = (small, big) if "grows" in actions else (big, small) if "shrinks" in actions else (plain, plain)
        middle = (lanes[number], 0.5) if axis else (0.5, lanes[number])
        own_pace = pace if "moves across" in actions else PACES[3]
        actors.append(Actor(shapes[number], colours[number], plan, own_pace, middle, paths[number], radii))
    return actors


def _detail(actor: Actor, action: str, *, decoy: int) -> _Draft:
    """Ask for the direction of a movement, or how the last frame differs from the first as far as `action` goes."""
    who, acts = f"the {actor.shape}", dict(actor.acts)
    if action in ("moves across", "turns"):  # the options are two whole axes, so none is the odd one out
        own = next(axis for axis in _AXES if acts[action] in axis)
        others = [axis for axis in _AXES[: 2 if actor.shape == "circle" or len(acts) > 1 else 3] if axis != own]
        return "direction", who, acts[action], [*own, *others[decoy % len(others)]]
    final = acts.get("changes colour", actor.colour)
    if action == "changes colour" and (len(acts) > 1 or decoy % 2):  # another act may also have made it bigger
        return "attribute_change/colour", who, final, list(COLOURS)
    news = [final] if action == "changes colour" else [name for name in COLOURS if name not in (final, actor.colour)]
    new = f"it is now {news[decoy % len(news)]}"
    return "attribute_change/look", who, _LOOKS.get(action, new), [*_LOOKS.values(), new]


def _quiz(rng: random.Random, scene: str, *, actors: Sequence[Actor]) -> Iterator[_Draft]:
    one, two, names = actors[0], actors[-1], [f"the {actor.shape}" for actor in actors]
    seen = [(actor, act[0]) for actor in actors for act in actor.acts if act[0] not in ("turns", _STILL)]
    yield _detail(*rng.choice(seen or [(one, one.acts[0][0])]), decoy=rng.randrange(12))
    if scene == "race":
        names = [f"the {one.colour} {one.shape}", f"the {two.colour} {two.shape}", "both are equally fast"]
        yield "speed/race", "", names[2 if one.travel == two.travel else int(one.travel < two.travel)], names
    elif scene in ("sequence", "relay"):
        first, second, kept = one.acts[0][0], two.acts[1][0], rng.randrange(2)
        spare = [acts for acts in _CHANGES[: 3 if "the circle" in names else 4] if not {first, second} & {*acts}]
        who = names if scene == "relay" else ["it", "it"]
        told, third = [f"{who[0]} {first}", f"{who[1]} {second}"], f"{who[1 - kept]} {rng.choice(rng.choice(spare))}"
        # mirrored pairs: to a guesser the third act is as likely as what is drawn
        pairs = (told, told[::-1], (told[kept], third), (third, told[kept]))
        yield f"order/{scene}", names[0], ", then ".join(told), [", then ".join(pair) for pair in pairs]
    elif scene != "pace":  # one option per family of actions, so that a guesser finds all options equally likely
        act, families = one.acts[0][0], [_ACTS[key] for key in _ACTS if (key, one.shape) != ("turn", "circle")]
        options = [f"it {act if act in family else rng.choice(family)}" for family in families]
        yield "action", names[0], f"it {act}", options
    if scene in ("move", "pace", "idle"):
        yield "speed/pace", f"the {one.colour} {one.shape}", one.pace, list(PACES)
