"""What is asked about a clip of shapes: questions that are true of its description.

The wrong options mirror the right one, so that guessing without looking stays near chance.
"""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from t2vid_hf.clips.actors import AXES, SCENE_ACTIONS, STILL, visible_changes
from t2vid_hf.clips.drawing import COLOURS, PACES, Actor, Question

_SAME = "it looks the same"
_LOOKS = {"grows": "it is bigger", "shrinks": "it is smaller", "flashes": _SAME, "does nothing": _SAME}
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


class Draft(NamedTuple):
    """A question before it is worded.

    Args:
        style (`str`): A key of the templates: the kind of question, or kind/style.
        who (`str`): Whom it is about, as the templates name it.
        right (`str`): The right option.
        options (`Sequence[str]`): All options; one may stand there twice.
    """

    style: str
    who: str
    right: str
    options: Sequence[str]


def draft_questions(rng: random.Random, scene: str, actors: Sequence[Actor]) -> Iterator[Draft]:
    """Two or three questions about a clip. One at a time: the caller uses `rng` between them.

    Args:
        rng (`random.Random`): The generator that makes the choices.
        scene (`str`): The clip's scene.
        actors (`Sequence[Actor]`): Its actors.
    """
    first = actors[0]
    seen = [(actor, action) for actor in actors for action, _ in actor.acts if action not in ("turns", STILL)]
    actor, action = rng.choice(seen or [(first, first.acts[0][0])])
    yield _ask_detail(actor, action, decoy=rng.randrange(12))
    if scene == "race":
        yield _ask_faster(*actors)
    elif scene in ("sequence", "relay"):
        yield _ask_order(rng, scene, actors)
    elif scene != "pace":
        yield _ask_action(rng, first)
    if scene in ("move", "pace", "idle"):
        yield Draft("speed/pace", f"the {first.colour} {first.shape}", first.pace, PACES)


def _ask_detail(actor: Actor, action: str, *, decoy: int) -> Draft:
    """Ask for the direction of a movement, or how the last frame differs from the first as far as `action` goes."""
    who, acts = f"the {actor.shape}", dict(actor.acts)
    if action in ("moves across", "turns"):  # the options are two whole axes, so none is the odd one out
        own = next(axis for axis in AXES if acts[action] in axis)
        others = [axis for axis in AXES[: 2 if actor.shape == "circle" or len(acts) > 1 else 3] if axis != own]
        return Draft("direction", who, acts[action], [*own, *others[decoy % len(others)]])
    final = acts.get("changes colour", actor.colour)
    if action == "changes colour" and (len(acts) > 1 or decoy % 2):  # another act may also have made it bigger
        return Draft("attribute_change/colour", who, final, list(COLOURS))
    news = [final] if action == "changes colour" else [name for name in COLOURS if name not in (final, actor.colour)]
    new = f"it is now {news[decoy % len(news)]}"
    return Draft("attribute_change/look", who, _LOOKS.get(action, new), [*_LOOKS.values(), new])


def _ask_faster(one: Actor, two: Actor) -> Draft:
    options = [f"the {one.colour} {one.shape}", f"the {two.colour} {two.shape}", "both are equally fast"]
    right = 2 if one.travel == two.travel else int(one.travel < two.travel)
    return Draft("speed/race", "", options[right], options)


def _ask_order(rng: random.Random, scene: str, actors: Sequence[Actor]) -> Draft:
    """Ask what comes first. The options are mirrored pairs: to a guesser a third act is as likely as what is drawn."""
    first, second, kept = actors[0].acts[0][0], actors[-1].acts[1][0], rng.randrange(2)
    unused = [
        family for family in visible_changes([actor.shape for actor in actors]) if not {first, second} & {*family}
    ]
    names = [f"the {actor.shape}" for actor in actors]
    who = names if scene == "relay" else ["it", "it"]
    told = [f"{who[0]} {first}", f"{who[1]} {second}"]
    third = f"{who[1 - kept]} {rng.choice(rng.choice(unused))}"
    pairs = (told, told[::-1], (told[kept], third), (third, told[kept]))
    return Draft(f"order/{scene}", names[0], ", then ".join(told), [", then ".join(pair) for pair in pairs])


def _ask_action(rng: random.Random, actor: Actor) -> Draft:
    """Ask what it does. One option for each family of actions, so that a guesser finds all of them equally likely."""
    action = actor.acts[0][0]
    families = [SCENE_ACTIONS[key] for key in SCENE_ACTIONS if (key, actor.shape) != ("turn", "circle")]
    options = [f"it {action if action in family else rng.choice(family)}" for family in families]
    return Draft("action", f"the {actor.shape}", f"it {action}", options)


def word_question(rng: random.Random, draft: Draft, place: int) -> Question:
    """Choose the words of a question, and put its options in order.

    Args:
        rng (`random.Random`): The generator that makes the choices.
        draft ([`Draft`]): The question.
        place (`int`): Where the right option is to stand, from 0 to 3; counted round where there are fewer options.
    """
    wrong = sorted({*draft.options} - {draft.right})
    options = rng.sample(wrong, min(3, len(wrong)))
    options.insert(place % (len(options) + 1), draft.right)
    text, letter = rng.choice(_TEMPLATES[draft.style]).format(draft.who), "ABCD"[options.index(draft.right)]
    return Question(draft.style.partition("/")[0], text, tuple(options), letter)
