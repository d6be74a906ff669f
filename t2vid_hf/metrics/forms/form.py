"""What a form of input is: how it is told from the others by its content, and how its predictions are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked, Predicted
from t2vid_hf.metrics.result_file import ResultFile


@dataclass(frozen=True)
class Reading:
    """What a form is read with.

    Args:
        benchmark (`str`): The benchmark's name.
        question (`Callable[..., Asked]`): Its question out of a record; takes the record, its place, and as keywords
            `known` and `group`, for records without a name or a kind.
        task (`str`, *optional*): The task of a benchmark that has several.
        questions (`Sequence[Asked]`, *optional*): Its question file, in order; `None` where none was given.
        model (`str`, *optional*): Whose answers are read of a file that holds several models'.
    """

    benchmark: str
    question: Callable[..., Asked]
    task: str | None = None
    questions: Sequence[Asked] | None = None
    model: str | None = None

    @property
    def by_id(self) -> Mapping[str, Asked]:
        """The question file by its questions' names."""
        return {asked.id: asked for asked in self.questions or ()}


@dataclass(frozen=True)
class Form:
    """A form of prediction files.

    Args:
        looks (`str`): What it looks like, for an error that lists the known ones.
        fits (`Callable[[ResultFile], bool]`): Whether a file is of this form.
        read (`Callable[[ResultFile, Reading], list[Predicted]]`): Its predictions, in order.
        benchmarks (`tuple[str, ...]`, *optional*, defaults to `()`): The benchmarks that use it; empty is all.
    """

    looks: str
    fits: Callable[[ResultFile], bool]
    read: Callable[[ResultFile, Reading], list[Predicted]]
    benchmarks: tuple[str, ...] = field(default=())


def first_record(file: ResultFile) -> Mapping[str, object]:
    """The first object of a list of objects; empty where the file is none.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.
    """
    value = file.value
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


def object_at(value: object, place: str) -> Mapping[str, object]:
    """A value that is to be an object.

    Args:
        value (`object`): The value.
        place (`str`): What an error calls it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is none.
    """
    if not isinstance(value, dict):
        raise InputError(f"{place}: {type(value).__name__}, not an object")
    return value
