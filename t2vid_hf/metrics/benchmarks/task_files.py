"""Questions in a JSON file a task, as MVBench's and MLVU's authors publish them, one task or all of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked
from t2vid_hf.metrics.benchmarks.benchmark import listed_questions


def task_questions(path: str, ask: Callable[..., Asked], task: str | None, *, tasks: Sequence[str]) -> list[Asked]:
    """The questions of a folder of such files, of one of them, or of any list.

    They have no names there: a question is called `task-number`, by its place in its file.

    Args:
        path (`str`): The folder, or a file.
        ask (`Callable[..., Asked]`): A question out of a record.
        task (`str` or `None`): Not used: a file's name tells its task.
        tasks (`Sequence[str]`): The files' names, without `.json`, in the order of the authors' script.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the folder lacks a task, or a file holds no list of questions.
    """
    given = Path(path)
    if not given.is_dir():
        return _of_file(given, ask) if given.stem in tasks else listed_questions(path, ask, task)
    missing = [name for name in tasks if not (given / f"{name}.json").is_file()]
    if missing:
        raise InputError(
            f"{path}: no {', '.join(f'{name}.json' for name in missing[:3])}{', ...' if len(missing) > 3 else ''}; the "
            f"benchmark has {len(tasks)} such files; give one of them for its task alone"
        )
    return [asked for name in tasks for asked in _of_file(given / f"{name}.json", ask)]


def _of_file(path: Path, ask: Callable[..., Asked]) -> list[Asked]:
    asked = listed_questions(str(path), lambda *given, **known: ask(*given, **{"group": path.stem, **known}), None)
    return [replace(each, id=f"{path.stem}-{each.id}", facts={**each.facts, "file": path.stem}) for each in asked]
