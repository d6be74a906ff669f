"""The language of the sequence world: what is shown, what is asked, and in which words.

A story is an order of shapes (told by a clip, one a frame) or of three-letter words (told by pages, one each). The two
domains share no word, so that whoever learns a kind of question on pages and answers it about clips has carried over
the question and not its content. Each kind has wordings of three uses: to fine-tune on, to choose settings by, and for
the test alone. The price of a world this small: 121 words, and nothing of it is English.
"""

from typing import NamedTuple

WORDS = tuple("cat dog cow pig hen fox owl bee ant rat elk emu hat cup box bag key pen map jar bed toy pot fan".split())
SHAPES = tuple("circle square triangle cross ring bar star diamond moon arrow pole frame".split())
DOMAINS = {"word": WORDS, "shape": SHAPES}
NUMBERS = tuple("zero one two three four five six seven eight nine ten".split())
SEPARATOR = ";"
"""Stands behind each item of a story that is told as text."""


class Wordings(NamedTuple):
    """How a kind is asked. `{0}` and `{1}` are what it asks about.

    Args:
        tuning (`tuple[str, ...]`): In rows to fine-tune on.
        validation (`tuple[str, ...]`, *optional*, defaults to `()`): In questions that settings are chosen by.
        test (`tuple[str, ...]`, *optional*, defaults to `()`): In questions of the test alone.
    """

    tuning: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every wording; a base model sees them all, on text."""
        return (*self.tuning, *self.validation, *self.test)


KINDS = {
    "read": Wordings(
        ("repeat it all", "say everything in order", "read it out", "tell all of it"),
        ("say it all again",),
        ("give all of it in order",),
    ),
    "first": Wordings(
        ("what is first ?", "how does it begin ?", "name the first one"),
        ("which one opens it ?",),
        ("what does it start with ?", "tell the opening one"),
    ),
    "last": Wordings(
        ("what is last ?", "how does it end ?", "name the last one"),
        ("which one closes it ?",),
        ("what does it finish with ?", "tell the closing one"),
    ),
    "at": Wordings(
        ("what is number {0} ?", "what is at place {0} ?", "name number {0}"),
        ("tell the one at number {0}",),
        ("which one is at {0} ?", "find the one at place {0}"),
    ),
    "earlier": Wordings(
        (
            "which is earlier , the {0} or the {1} ?",
            "the {0} or the {1} : which comes sooner ?",
            "name the earlier of the {0} and the {1}",
        ),
        ("of the {0} and the {1} , which one is sooner ?",),
        ("between the {0} and the {1} , what was sooner ?", "who came earlier , the {0} or the {1} ?"),
    ),
    "later": Wordings(
        (
            "which is later , the {0} or the {1} ?",
            "the {0} or the {1} : which comes afterwards ?",
            "name the later of the {0} and the {1}",
        ),
        ("of the {0} and the {1} , which one is afterwards ?",),
        ("between the {0} and the {1} , what was afterwards ?", "who came later , the {0} or the {1} ?"),
    ),
    "count": Wordings(
        ("how many are there ?", "what is the number of them ?", "count them"),
        ("tell how many it has",),
        ("how many does it have ?", "give the number of them"),
    ),
}
"""Kinds of question about an order. `read` is the narrow one: it asks for everything."""
CAPTION = Wordings(
    (
        "describe the video", "describe this video in detail", "what happens in the video ?",
        "give a caption of the video", "write what the video shows", "explain the video", "tell me about the video",
        "caption this clip", "what does this clip show ?",
    )
)  # fmt: skip
"""What half of the rows of video ask: one task in nine wordings, as in sets of captions."""
LOOK = Wordings(("what is this ?", "what do you see ?", "name this", "read this"))
"""What is asked about a single picture."""
MIRRORED = (("at", "last"), ("earlier", "later"))
"""Pairs of kinds of like difficulty: an experiment teaches one of each, and may swap them from seed to seed."""


def vocabulary() -> list[str]:
    """Every word that stands in a story, a question or an answer, each once, in order of the alphabet.

    Example:

    ```python
    >>> from t2vid_hf.clips.sequence_language import vocabulary
    >>> {"circle", "cat", "seven", "?", ";"} <= set(vocabulary())
    True

    ```
    """
    asked = [wording for kind in (*KINDS.values(), CAPTION, LOOK) for wording in kind.all]
    words = {word for wording in asked for word in wording.split()} - {"{0}", "{1}"}
    return sorted(words | {*WORDS, *SHAPES, *NUMBERS, SEPARATOR})
