"""Who plays in a clip: the shapes of a scene, what they do, how fast, and where.

Choices are made with one generator in a fixed order, some whether they are used or not: in another order all clips of a
series would differ.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from t2vid_hf.clips.drawing import ACTIONS, COLOURS, PACES, SHAPES, Actor

STILL = "does nothing"
AXES = (("to the left", "to the right"), ("up", "down"), ("clockwise", "counter-clockwise"))
# What may happen in a scene of one act.
SCENE_ACTIONS: dict[str, tuple[str, ...]] = {
    "move": ACTIONS[:1],
    "pace": ACTIONS[:1],
    "turn": ACTIONS[1:2],
    "size": ACTIONS[2:4],
    "colour": ACTIONS[4:5],
    "idle": ACTIONS[5:],
}
_CHANGES = (ACTIONS[:1], ACTIONS[2:4], ACTIONS[4:5], ACTIONS[1:2])  # turns last: nobody sees a plain circle turn


class _Layout(NamedTuple):
    """Sizes in parts of the frame; each keeps a path clear of the edges, whatever else the shape does on the way."""

    plain_radius: float
    travel: float
    small_radius: float
    big_radius: float


# A path is centred in the frame, or in its lane, at 0.27 or 0.73 across it.
_SOLO = _Layout(0.17, 0.58, 0.14, 0.30)
_TWO_ACTS = _Layout(0.15, 0.50, 0.11, 0.20)
_RACE = _Layout(0.12, 0.50, 0.12, 0.12)
_LAYOUTS = {"race": _RACE, "sequence": _TWO_ACTS, "relay": _TWO_ACTS}  # the others: _SOLO


def cast_actors(rng: random.Random, scene: str) -> list[Actor]:
    """The actors of a scene.

    Args:
        rng (`random.Random`): The generator that makes the choices.
        scene (`str`): What happens, one of `t2vid_hf.clips.shapes.SCENES`.
    """
    with_two = scene in ("race", "relay")
    shapes = rng.sample(SHAPES[1:] if scene == "turn" else SHAPES, 2 if with_two else 1)  # SHAPES[0] is the circle
    first, second = (rng.choice(actions) for actions in rng.sample(visible_changes(shapes), 2))
    layout = _LAYOUTS.get(scene, _SOLO)
    travels = (layout.travel, layout.travel)
    if scene == "race":
        travels = rng.choice([(0.71, 0.34), (0.34, 0.71), travels])
    pace = rng.choice(PACES[:3]) if scene in ("move", "pace") else PACES[2]
    axis = rng.randrange(2)
    lanes = rng.sample((0.27, 0.73), 2) if with_two else [0.5 + rng.uniform(-0.12, 0.12)]
    colours = rng.sample(list(COLOURS), len(COLOURS))
    scripts = {  # for each actor its actions, in order
        "race": (("moves across",), ("moves across",)),
        "sequence": ((first, second),),
        "relay": ((first, STILL), (STILL, second)),
    }.get(scene) or ((rng.choice(SCENE_ACTIONS[scene]),),)
    actors = []
    for number, actions in enumerate(scripts):
        acts = _direct(rng, actions, axis=axis, colour=colours[number])
        own_pace = pace if "moves across" in actions else PACES[3]
        middle = (lanes[number], 0.5) if axis else (0.5, lanes[number])
        radii = _radii(actions, layout)
        actors.append(Actor(shapes[number], colours[number], acts, own_pace, middle, travels[number], radii))
    return actors


def visible_changes(shapes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Families of actions that a viewer sees on every one of the shapes."""
    return _CHANGES[:3] if "circle" in shapes else _CHANGES


def _direct(rng: random.Random, actions: Sequence[str], *, axis: int, colour: str) -> tuple[tuple[str, str], ...]:
    """The acts of an actor: each action with its direction or its new colour."""
    values = {
        "moves across": rng.choice(AXES[axis]),
        "turns": rng.choice(AXES[2]),
        "changes colour": rng.choice([name for name in COLOURS if name != colour]),
    }
    return tuple((action, values.get(action, "")) for action in actions)


def _radii(actions: Sequence[str], layout: _Layout) -> tuple[float, float]:
    """The radius at the start of the clip, and at its end."""
    if "grows" in actions:
        return layout.small_radius, layout.big_radius
    if "shrinks" in actions:
        return layout.big_radius, layout.small_radius
    return layout.plain_radius, layout.plain_radius
