"""What a benchmark is to a score: how its questions are read, its authors' own rule, and what their script prints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked, Outcome, Predicted
from t2vid_hf.metrics.forms.form import first_record, object_at
from t2vid_hf.metrics.forms.video_mme_template import flat_records
from t2vid_hf.metrics.question_record import Fields, question
from t2vid_hf.metrics.result_file import ResultFile, read_results
from t2vid_hf.metrics.tally import Scored


def listed_questions(path: str, ask: Callable[..., Asked], task: str | None) -> list[Asked]:
    """The questions of a JSON list, of JSON lines or of Parquet; a list below "questions" as well.

    Args:
        path (`str`): The file.
        ask (`Callable[..., Asked]`): A question out of a record.
        task (`str` or `None`): The benchmark's task, which a list does not have.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the file holds no list, or a record that is no question.
    """
    file = _read_parquet(path) if str(path).endswith(".parquet") else read_results(path)
    if isinstance(file.value, dict) and isinstance(file.value.get("questions"), list):
        file = ResultFile(file.path, file.value["questions"], False)
    if not isinstance(file.value, list):
        raise InputError(f"{path}: {type(file.value).__name__}, not a list of questions")
    if "questions" in first_record(file):
        return [ask(record, str(path)) for record in flat_records(file)]
    return [
        ask(object_at(record, file.place(index)), file.place(index), known=str(index))
        for index, record in enumerate(file.value)
    ]


def _read_parquet(path: str) -> ResultFile:
    import pyarrow
    from pyarrow import parquet

    try:
        return ResultFile(Path(path), parquet.read_table(path).to_pylist(), False)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise InputError(f"{path}: no Parquet file that can be read ({error})") from None


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Args:
        official (`Callable[[Predicted], Outcome]`): What its authors' script makes of a reply.
        headline (`str`): The name of the figure that is quoted.
        value (`Callable[[Sequence[Scored]], float]`): That figure, as a fraction of 1.
        printed (`Callable[[Sequence[Scored]], dict[str, str]]`): The strings that the script prints, by its names.
        fields ([`~t2vid_hf.metrics.question_record.Fields`], *optional*, defaults to `Fields()`): What its files call
            things.
        ask (`Callable[..., Asked]`, *optional*): Its question out of a record; `None` goes by `fields`.
        questions (`Callable[..., list[Asked]]`, *optional*, defaults to `listed_questions`): Reads its question file:
            path, `ask`, task.
        check (`Callable[[ResultFile, Sequence[Scored]], None]`, *optional*): Refuses a file whose own counts do not
            come out.
        complete (`Callable[[ResultFile, list[Predicted]], list[Predicted]]`, *optional*): Adds what its script looks up
            in a file beside the predictions.
        guesses (`bool`, *optional*, defaults to `False`): Whether its script guesses where nothing parses, so that its
            score is a range here.
        holes (`tuple[str, ...]`, *optional*, defaults to `()`): Questions of the original's files that have one option,
            or an empty one, by their names there; in any other question that is an error.
        kinds (`tuple[str, ...]`, *optional*, defaults to `()`): Its kinds of question, where they tell it from other
            benchmarks.
        metrics (`tuple[str, ...]`, *optional*, defaults to `()`): What lmms-eval calls its metrics, which stand in
            each line.
        tasks (`tuple[str, ...]`, *optional*, defaults to `()`): Its tasks, where it has several with a file each.
        told (`Callable[[Predicted], str]`, *optional*): The task of a prediction.
    """

    official: Callable[[Predicted], Outcome]
    headline: str
    value: Callable[[Sequence[Scored]], float]
    printed: Callable[[Sequence[Scored]], dict[str, str]]
    fields: Fields = Fields()
    ask: Callable[..., Asked] | None = None
    questions: Callable[..., list[Asked]] = listed_questions
    check: Callable[[ResultFile, Sequence[Scored]], None] | None = None
    complete: Callable[[ResultFile, list[Predicted]], list[Predicted]] | None = None
    guesses: bool = False
    holes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    told: Callable[[Predicted], str] | None = None

    @property
    def question(self) -> Callable[..., Asked]:
        """Its question out of a record and its place."""
        return self.ask or partial(question, fields=self.fields)
