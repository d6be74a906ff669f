"""What of a benchmark stands in the sets that a mixture draws from: a score on that is memory, not skill.

Every row of a part's split is looked at, whether the mixture's seed takes it or not: a list that is too long is read by
a person, one that is too short by nobody. Videos are compared by their names, so that a renamed copy is not found, and
texts by eight words in a row, so that a paraphrase is not. The price is a pass over the texts, three million words a
second.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from t2vid_hf.data.repository import read_split
from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked
from t2vid_hf.mixtures.light_rows import LIGHT, has_our_columns
from t2vid_hf.mixtures.normalise import MEDIA_COLUMNS
from t2vid_hf.mixtures.paper_mixtures import named_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import Row
from t2vid_hf.video.folders import FRAME_SUFFIXES
from t2vid_hf.video.limits import VIDEO_SUFFIXES

WORDS = 8
"""Words in a row that make a text the same."""
# as benchmarks label the options that stand in their prompts, and the original's last line
_OPTION = re.compile(r"^\s*(?:\(?[A-J][.):]|(?:Option|Sentence|Caption|Information) [A-J1-9]:)\s*")
_MEDIA = tuple(column for pair in MEDIA_COLUMNS.values() for column in pair)
_NO_QUESTION = ("Answer with the option's letter", "Please directly give", "Please answer yes or no")


@dataclass(frozen=True)
class Leak:
    """Something of a question that stands in a row.

    Args:
        id (`str`): The question's name.
        what (`str`): The video's name, or the text.
        row (`str`): The part and the row in which it was found first.
    """

    id: str
    what: str
    row: str


@dataclass
class Leaks:
    """What was found.

    Args:
        rows (`int`, *optional*, defaults to `0`): How many rows were looked at.
        videos (`dict[str, Leak]`, *optional*): Videos, by the name of the question.
        questions (`dict[str, Leak]`, *optional*): Questions that are a turn of a user, word for word.
        texts (`dict[str, Leak]`, *optional*): Questions and options that stand within a turn or a text that is drawn.
    """

    rows: int = 0
    videos: dict[str, Leak] = field(default_factory=dict)
    questions: dict[str, Leak] = field(default_factory=dict)
    texts: dict[str, Leak] = field(default_factory=dict)


def read_parts(path: str) -> list[MixturePart]:
    """The parts of a recipe's mixture, or of a file that holds nothing but a list of them.

    Args:
        path (`str`): The YAML file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it cannot be read, or has no mixture.
    """
    try:
        given = yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: no YAML file that can be read ({' '.join(str(error).split())})") from None
    mixture = given.get("mixture") if isinstance(given, Mapping) else given
    if isinstance(mixture, str):
        return named_mixture(mixture, given.get("mixture_paths") or {})
    if not isinstance(mixture, list) or not mixture:
        raise InputError(f"{path}: it has no mixture; give a recipe with 'mixture', a list of parts or a name")
    return [MixturePart.from_dict(part) for part in mixture]


def find_leaks(asked: Sequence[Asked], parts: Iterable[MixturePart]) -> Leaks:
    """Look for a benchmark's videos, questions and texts in what is trained on.

    Args:
        asked (`Sequence[Asked]`): The questions.
        parts (`Iterable[MixturePart]`): The parts of the mixture.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part cannot be read.
    """
    videos = _by(asked, lambda each: [_stem(each.video)] if each.video else [])
    questions = _by(asked, lambda each: [" ".join(_words(question_text(each)))])
    texts = _by(asked, lambda each: [" ".join(_words(text)[:WORDS]) for text in _long_texts(each)])
    found = Leaks()
    for part in parts:
        for given, row in _rows(part):
            where = f"{part.label}, row {row['id']}"
            found.rows += 1
            for name in _video_names(given, row):
                _note(found.videos, videos.get(name, ()), name, where)
            for said in _turns(row, "user"):
                for line in said.split("\n"):
                    _note(found.questions, questions.get(" ".join(_words(line)), ()), line.strip(), where)
            for text in (*_turns(row, "user"), *_turns(row, "assistant"), *_drawn(given)):
                for run in _runs(text, texts):
                    _note(found.texts, texts[run], run, where)
    return found


def question_text(asked: Asked) -> str:
    """The words of a question, without the options and the orders that stand in its prompt.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.

    Example:

    ```python
    >>> from t2vid_hf.metrics.asked import Asked
    >>> from t2vid_hf.mixtures.leaks import question_text
    >>> prompt = "Where to?\\nA. up\\nB. down\\nAnswer with the option's letter from the given choices directly."
    >>> question_text(Asked("1", "v", "k", prompt, ("up", "down"), "A"))
    'Where to?'

    ```
    """
    lines = [line for line in asked.prompt.split("\n") if not _OPTION.match(line)]
    return "\n".join(line for line in lines if not line.startswith(_NO_QUESTION))


def _rows(part: MixturePart) -> Iterator[tuple[dict[str, Any], Row]]:
    """Rows as Arrow holds them, where pages are texts yet and nothing is decoded, and as they are learned."""
    dataset = read_split(part.path, part.name, part.split, revision=part.revision)
    ours = has_our_columns(dataset.features, LIGHT)
    held = dataset.with_format("arrow")
    for index in range(len(held)):
        (given,) = held[index].to_pylist()
        light = {name: value for name, value in given.items() if not (ours and name in _MEDIA)}
        yield given, part.row(light, index, take_frames=None)


def _long_texts(asked: Asked) -> Iterator[str]:
    return (text for text in (question_text(asked), *asked.options) if len(_words(text)) >= WORDS)


def _by(asked: Sequence[Asked], names: Any) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for each in asked:
        for name in filter(None, names(each)):
            index.setdefault(name, []).append(each.id)
    return index


def _note(found: dict[str, Leak], ids: Iterable[str], what: str, where: str) -> None:
    for name in ids:
        found.setdefault(name, Leak(name, what, where))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _runs(text: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    words = _words(text) if wanted else []
    runs = (" ".join(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1))
    return (run for run in runs if run in wanted)


def _stem(path: str) -> str:
    name = PurePosixPath(path.replace("\\", "/")).name
    suffix = PurePosixPath(name).suffix
    return (name[: -len(suffix)] if suffix.lower() in (*VIDEO_SUFFIXES, *FRAME_SUFFIXES) else name).casefold()


def _video_names(given: Mapping[str, Any], row: Row) -> set[str]:
    """Names of videos, pictures, and the folders of frames that these lie in."""
    media = [medium for name in _MEDIA for medium in _listed(given.get(name))]
    media += _listed(row["videos"]) + _listed(row["images"])
    paths = [medium["path"] for medium in media if medium.get("path")]
    return {_stem(path) for path in paths} | {PurePosixPath(path).parent.name.casefold() for path in paths} - {""}


def _listed(media: Any) -> list[Mapping[str, Any]]:
    return [medium for medium in media if isinstance(medium, Mapping)] if isinstance(media, list) else []


def _turns(row: Row, role: str) -> list[str]:
    blocks = [block for turn in row["messages"] if turn["role"] == role for block in turn["content"]]
    return [block["text"] for block in blocks if block["type"] == "text" and block["text"]]


def _drawn(given: Mapping[str, Any]) -> list[str]:
    """The text of pages that are drawn when they are read; what is only in pictures is not read."""
    pages = given.get("images")
    return [pages["text"]] if isinstance(pages, Mapping) and pages.get("text") else []
