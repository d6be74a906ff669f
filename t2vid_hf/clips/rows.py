"""Video question answering rows: from generated clips, or from a folder of real ones.

A row has the columns of `t2vid_hf.schema` and four more that evaluation needs: `kind`, `options`, `answer` (a letter;
of an open question, which has no options, a text) and `clip`. Training reads the former alone. Clips are split into
train and test by name, so that no clip is in both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2vid_hf.clips.measured import measured_questions
from t2vid_hf.clips.shapes import Question, make_clip, write_clip
from t2vid_hf.errors import InputError
from t2vid_hf.schema import Row, conversation, features, media_block
from t2vid_hf.seeding import stable_hash
from t2vid_hf.sources import records
from t2vid_hf.video.reading import VIDEO_SUFFIXES, read_frames

GENERATED, FOLDER = "generated_clips", "clip_folder"
QUESTIONS_FILE = "questions.jsonl"
MEASURED_FRAMES = 16
INSTRUCTION = "Answer with the letter of the right option and its text."


@dataclass(frozen=True)
class AskedClip:
    """A clip file and what is asked about it.

    Args:
        path (`Path`): The file.
        source (`str`): `GENERATED` or `FOLDER`, the `source` of its rows.
        num_frames (`int`): Frames in the clip.
        questions (`tuple[Question, ...]`): What is asked about it; empty where nothing is.
        group (`str`): The clip that it is a version of, by name: files of one group never part into train and test.
    """

    path: Path
    source: str
    num_frames: int
    questions: tuple[Question, ...]
    group: str


def clip_features() -> Any:
    """The columns of a video question answering set as `datasets.Features`."""
    from datasets import Features, Value

    text = Value("string")
    return Features({**features(), "kind": text, "options": [text], "answer": text, "clip": text})


def generate_clips(folder: Path, count: int, *, seed: int = 0) -> Iterator[AskedClip]:
    """Write clips of moving shapes to a folder, and ask about each. A clip that is there already is kept.

    Args:
        folder (`Path`): The folder to write to; made if it is not there.
        count (`int`): How many clips.
        seed (`int`, *optional*, defaults to `0`): The name of the series of clips.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        clip = make_clip(index, seed=seed)
        path = folder / f"{clip.name}.mp4"
        if not path.exists():  # written whole or not at all
            write_clip(clip, path)
        yield AskedClip(path, GENERATED, clip.num_frames, clip.questions, path.stem)


def folder_clips(folder: Path, *, seed: int = 0) -> Iterator[AskedClip]:
    """The clips of a folder, with the questions of its `questions.jsonl`, or measured ones where it has none.

    A line of `questions.jsonl` is `{"video": file name, "question", "options": [2 to 4], "answer": letter or option,
    "kind"?}`; without `options` the question is an open one, and `answer` what is to be said. Files that differ in
    their suffix alone are versions of one clip, and so is a file that is named like another with a hyphen or a dot and
    more behind: `flower-small.mp4` of `flower.webm`, but not `scene-2` of `scene-1`.

    Args:
        folder (`Path`): A folder of videos.
        seed (`int`, *optional*, defaults to `0`): The seed of the order of options in measured questions.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no folder, no clip in it, a clip that does not decode, a question that is not
            of this form.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder of videos ({', '.join(VIDEO_SUFFIXES)})")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if not paths:
        raise InputError(f"{folder}: no video in it; known suffixes: {', '.join(VIDEO_SUFFIXES)}")
    written = _read_questions(folder / QUESTIONS_FILE, paths) if (folder / QUESTIONS_FILE).exists() else None
    stems = {path.stem for path in paths}
    for path in paths:
        frames = read_frames(path, MEASURED_FRAMES)
        questions = measured_questions(frames, path.name, seed=seed) if written is None else written.get(path.name, ())
        yield AskedClip(path, FOLDER, frames.total, tuple(questions), first_version(path.stem, stems))


def first_version(stem: str, stems: set[str]) -> str:
    """The clip that a file is a version of, itself where there is none.

    Args:
        stem (`str`): The file's name without its suffix.
        stems (`set[str]`): The names in its folder, this one among them.

    Example:

    ```python
    >>> from t2vid_hf.clips.rows import first_version
    >>> stems = {"flower", "flower-small", "scene-1", "scene-2"}
    >>> [first_version(stem, stems) for stem in ("flower-small", "scene-2")]
    ['flower', 'scene-2']

    ```
    """
    return min((other for other in stems if stem == other or stem.startswith((f"{other}-", f"{other}."))), key=len)


def _read_questions(file: Path, paths: list[Path]) -> dict[str, list[Question]]:
    names = {path.name for path in paths}
    questions: dict[str, list[Question]] = {}
    for record in records.read(file):
        video, answer = record.text("video"), record.text("answer")
        if video not in names:
            raise InputError(f"{record.place}: there is no '{video}' beside {file.name}")
        if record.fields.get("options") is None:
            kind = str(record.fields.get("kind", "open"))
            questions.setdefault(video, []).append(Question(kind, record.text("question"), (), answer))
            continue
        options = record.fields["options"]
        if not isinstance(options, list) or not 2 <= len(options) <= 4 or not all(isinstance(o, str) for o in options):
            raise InputError(f"{record.place}: 'options' must be a list of 2 to 4 texts")
        letters = "ABCD"[: len(options)]
        letter = letters[options.index(answer)] if answer in options else answer
        if letter not in letters:
            raise InputError(f"{record.place}: the answer '{answer}' is neither an option nor one of {letters}")
        kind = str(record.fields.get("kind", "other"))
        questions.setdefault(video, []).append(Question(kind, record.text("question"), tuple(options), letter))
    return questions


def split_clips(clips: Iterable[AskedClip], *, test_share: float, seed: int = 0) -> dict[str, list[AskedClip]]:
    """Part clips into train and test, at least one group of each unless the share is 0 or 1.

    Args:
        clips (`Iterable[AskedClip]`): The clips; those without questions are left out.
        test_share (`float`): Share of the groups that become the test split, from 0, none, to 1, all.
        seed (`int`, *optional*, defaults to `0`): The seed that decides which.

    Returns:
        `dict[str, list[AskedClip]]`: "train" and "test", without the one that the share leaves nothing.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a share that is none, or too few clips with questions.
    """
    if not 0 <= test_share <= 1:
        raise InputError(f"test_share {test_share}: give a share from 0, no clip, to 1, all clips")
    clips = [clip for clip in clips if clip.questions]
    groups = sorted({clip.group for clip in clips}, key=lambda group: stable_hash(f"split/{seed}/{group}"))
    whole = test_share in (0, 1)
    if len(groups) < 2 - whole:
        wanted = "1 is needed" if whole else "2 are needed, one to train on and one to test, or a test_share of 0 or 1"
        raise InputError(f"{len(groups)} clip with questions; at least {wanted}")
    share = round(test_share * len(groups))
    held_out = set(groups[: share if whole else min(len(groups) - 1, max(1, share))])
    parts = {
        "train": [clip for clip in clips if clip.group not in held_out],
        "test": [clip for clip in clips if clip.group in held_out],
    }
    return {split: part for split, part in parts.items() if part}


def clip_rows(clips: Iterable[AskedClip]) -> Iterator[dict[str, Any]]:
    """A row a question; the clip's bytes stand in the row, so that the set is whole without its folder.

    Args:
        clips (`Iterable[AskedClip]`): Clips with questions.
    """
    for clip in clips:
        content = clip.path.read_bytes()
        for number, question in enumerate(clip.questions):
            asked, answer = question.prompt, question.answer
            if question.options:
                asked, answer = f"{asked}\n{INSTRUCTION}", f"{answer}. {question.answer_text}"
            row: Row = {
                "id": f"{clip.source}/{clip.path.name}-{number}",
                "source": clip.source,
                "media": "video",
                "messages": conversation([media_block("video")], asked, answer),
                "images": [],
                "videos": [{"bytes": content, "path": clip.path.name}],
                "num_frames": clip.num_frames,
            }
            yield {
                **row,
                "kind": question.kind,
                "options": list(question.options),
                "answer": question.answer,
                "clip": clip.group,
            }
