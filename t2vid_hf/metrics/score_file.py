"""Score a file of predictions: its form by its content, its rules by the mode, and nothing left out without a word.

Modes are never mixed. `official` is the benchmark's own script with its quirks, each in that benchmark's file; `t2vid`
is the original's parser (`original_rules`); `t2vid_hf` is one matcher for all (`answers`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.metrics.asked import Asked, Outcome, Predicted
from t2vid_hf.metrics.benchmarks import BENCHMARKS, Benchmark
from t2vid_hf.metrics.benchmarks.tempcompass import recounted
from t2vid_hf.metrics.forms import FORMS, form_of
from t2vid_hf.metrics.forms.form import Reading
from t2vid_hf.metrics.judged import Verdicts
from t2vid_hf.metrics.matched import matched_outcome
from t2vid_hf.metrics.option_text import check_options
from t2vid_hf.metrics.original_rules import is_multiple_choice, original_outcome
from t2vid_hf.metrics.question_record import ALL
from t2vid_hf.metrics.result_file import ResultFile, read_results
from t2vid_hf.metrics.tally import Scored
from t2vid_hf.metrics.whose_file import check_whose

ORIGINAL_FORMS = ("t2vid", "t2vid_parsed")
MODES = ("official", "t2vid", "t2vid_hf")


@dataclass(frozen=True)
class ScoredFile:
    """A file and what a mode makes of it.

    Args:
        benchmark (`str`): A key of `BENCHMARKS`.
        task (`str` or `None`): The benchmark's task, where it has several.
        mode (`str`): One of `MODES`.
        form (`str`): The file's form, a key of `FORMS`.
        scored (`Sequence[Scored]`): Its predictions, in its order.
        verdicts ([`~t2vid_hf.metrics.judged.Verdicts`], *optional*): What a judge was asked.
    """

    benchmark: str
    task: str | None
    mode: str
    form: str
    scored: Sequence[Scored]
    verdicts: Verdicts | None = None


def score_file(
    benchmark: str,
    path: str,
    *,
    mode: str,
    task: str | None = None,
    questions: str | None = None,
    model: str | None = None,
) -> ScoredFile:
    """Score a file of predictions.

    Args:
        benchmark (`str`): A key of `BENCHMARKS`.
        path (`str`): The predictions, in any form of `FORMS`.
        mode (`str`): One of `MODES`.
        task (`str`, *optional*): The benchmark's task, where it has several; `None` goes by the content.
        questions (`str`, *optional*): The benchmark's file of questions, which the predictions are held against.
        model (`str`, *optional*): Whose answers, where a file holds several models'.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the file is none of the benchmark's, or something in it cannot be scored.

    Example:

    ```python
    >>> import json, pathlib, tempfile
    >>> from t2vid_hf.metrics.score_file import score_file
    >>> path = pathlib.Path(tempfile.mkdtemp(), "pred.jsonl")
    >>> line = {"question_id": 1, "prompt": "Where?\\nA. up\\nB. down", "pred": "B.", "GT": "B", "category": "order"}
    >>> _ = path.write_text(json.dumps(line) + "\\n")
    >>> [score_file("mlvu", str(path), mode=mode).scored[0].outcome.correct for mode in ("official", "t2vid")]
    [False, True]

    ```
    """
    check_choices(benchmark, mode, task)
    return score_results(benchmark, read_results(path), mode=mode, task=task, questions=questions, model=model)


def check_choices(benchmark: str, mode: str, task: str | None) -> None:
    """Refuse names that are not known, before anything is read.

    Args:
        benchmark (`str`): A key of `BENCHMARKS`.
        mode (`str`): One of `MODES`.
        task (`str` or `None`): One of the benchmark's tasks.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one of them is unknown.
    """
    if benchmark not in BENCHMARKS:
        raise unknown("benchmark", benchmark, BENCHMARKS)
    if mode not in MODES:
        raise unknown("mode", mode, MODES)
    tasks = BENCHMARKS[benchmark].tasks
    if task is not None and task not in tasks:
        raise unknown(f"task of {benchmark}", task, tasks or ["none"])


def score_results(
    benchmark: str,
    file: ResultFile,
    *,
    mode: str,
    task: str | None = None,
    questions: str | None = None,
    model: str | None = None,
) -> ScoredFile:
    """Score predictions that are read; see [`score_file`].

    Args:
        benchmark (`str`): A key of `BENCHMARKS`.
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The predictions.
        mode (`str`): One of `MODES`.
        task (`str`, *optional*): The benchmark's task.
        questions (`str`, *optional*): The benchmark's file of questions.
        model (`str`, *optional*): Whose answers.
    """
    rules = BENCHMARKS[benchmark]
    form = form_of(file)
    known = None if questions is None else rules.questions(questions, rules.question, task)
    predicted = _read(file, form, Reading(benchmark, rules.question, task, known, model))
    check_whose(benchmark, predicted, file)
    _check_names(predicted, file)
    if known is not None:
        predicted = _joined(predicted, known, file, questions or "")
    for each in predicted:
        if not (form in (*ORIGINAL_FORMS, "answers") and each.asked.id in rules.holes):
            check_options(each.asked.options, f"{file.path}, question {each.asked.id}")
    held = _held_task(predicted, rules, task, file)
    if rules.complete is not None:
        predicted = rules.complete(file, predicted)
    if rules.check is not None:
        rules.check(file, [Scored(each, rules.official(each)) for each in predicted])
    judge = _judge(mode, rules, predicted, held, file)
    return ScoredFile(benchmark, held, mode, form, [Scored(each, judge(each)) for each in predicted])


def _read(file: ResultFile, form: str, reading: Reading) -> list[Predicted]:
    taken = FORMS[form].benchmarks
    if taken and reading.benchmark not in taken:
        forms = "; ".join(
            other.looks for other in FORMS.values() if reading.benchmark in (other.benchmarks or [reading.benchmark])
        )
        raise InputError(
            f"{file.path}: predictions for {' or '.join(taken)}, not for {reading.benchmark}, which takes {forms}"
        )
    predicted = FORMS[form].read(file, reading)
    if not predicted:
        raise InputError(f"{file.path}: it holds no prediction")
    return predicted


def _joined(
    predicted: Sequence[Predicted], known: Sequence[Asked], file: ResultFile, questions: str
) -> list[Predicted]:
    """Predictions with what the question file says of their questions, all of which must be answered."""
    by_id = {asked.id: asked for asked in known}
    if len(by_id) < len(known):
        twice = [name for name, count in Counter(asked.id for asked in known).items() if count > 1]
        raise InputError(f"{questions}: question {twice[0]} stands there twice")
    joined = []
    for each in predicted:
        asked = by_id.get(each.asked.id)
        if asked is None:
            raise InputError(f"{file.path}, question {each.asked.id}: {questions} has no such question")
        said = each.asked
        if (said.answer, said.facts.get("right")) != (asked.answer, asked.facts.get("right", said.facts.get("right"))):
            raise InputError(
                f"{file.path}, question {said.id}: its answer {said.answer} contradicts {asked.answer} of {questions}"
            )
        filled = replace(
            said,
            video=said.video or asked.video,
            group=asked.group if said.group == ALL else said.group,
            prompt=said.prompt or asked.prompt,
            options=said.options or asked.options,
            groups=asked.groups or said.groups,
            facts={**asked.facts, **said.facts},
        )
        joined.append(replace(each, asked=filled))
    answered = {each.asked.id for each in predicted}
    missing = [name for name in by_id if name not in answered]
    if missing:
        first = ", ".join(name for name in by_id if name in set(missing[: 10**6]))[:80]
        raise InputError(f"{file.path}: no prediction for {len(missing)} of {len(by_id)} questions: {first}")
    return joined


def _check_names(predicted: Sequence[Predicted], file: ResultFile) -> None:
    seen: dict[str, int] = {}
    for index, each in enumerate(predicted):
        name = each.asked.id
        if name in seen:
            where = f", line {index + 1}" if file.is_lines else ""
            raise InputError(
                f"{file.path}{where}: question {name} is answered twice; the first is number {seen[name] + 1}"
            )
        seen[name] = index
        if each.parsed is not None and each.parsed not in tuple("ABCDEZ"):
            raise InputError(
                f"{file.path}, question {name}: parsed as '{each.parsed}', and the parser writes A to E, or Z"
            )


def _held_task(predicted: Sequence[Predicted], rules: Benchmark, task: str | None, file: ResultFile) -> str | None:
    """The task of the predictions, which must be the one that was asked for."""
    if not rules.tasks:
        return None
    held = {rules.told(each) for each in predicted} if rules.told is not None else {task}
    if len(held) > 1:
        raise InputError(
            f"{file.path}: questions of several tasks ({', '.join(sorted(map(str, held)))}); give one at a time"
        )
    only = held.pop()
    if task not in (None, only):
        raise InputError(f"{file.path}: these are questions of the task {only}, not of {task}")
    return only


def _judge(
    mode: str, rules: Benchmark, predicted: Sequence[Predicted], task: str | None, file: ResultFile
) -> Callable[[Predicted], Outcome]:
    if mode == "official":
        return rules.official
    if task == "captioning" and mode == "t2vid_hf":
        return recounted  # a caption names no option: the benchmark's judge is all there is
    if mode == "t2vid_hf":
        return matched_outcome
    odd = next((each.asked.id for each in predicted if not is_multiple_choice(each.asked)), None)
    if odd is not None or task == "captioning":
        raise InputError(
            f"{file.path}: mode t2vid scores multiple choice, as the original does; question {odd} is none"
        )
    return original_outcome
