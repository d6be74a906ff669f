"""Two results held against each other, question by question: a difference says little unless its pairs are known.

On TempCompass's multiple choice the paired difference of two models is known to 7.6 points, and to 8.7 from their two
accuracies. Both must have answered the same questions: what stands in one alone is an error that counts it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.metrics.forms import form_of
from t2vid_hf.metrics.forms.form import first_record
from t2vid_hf.metrics.paired import Pair, chi_square, clustered_interval, exact_p
from t2vid_hf.metrics.result_file import ResultFile, read_results
from t2vid_hf.metrics.score_file import ScoredFile, score_file
from t2vid_hf.metrics.score_summary import item_lines

ANSWER_FORMS = ("answers", "t2vid", "t2vid_parsed")
ANSWER_MODES = ("t2vid", "t2vid_hf")
# written by a run beside its answers
RESULTS_FILES = ("results.json", "scores.json")


@dataclass(frozen=True)
class Side:
    """One of the two.

    Args:
        path (`str`): Its file.
        lines (`Mapping[str, Mapping[str, Any]]`): What is known of each question, by its name: a line of `--items`.
        settings (`Mapping[str, Any]`): What its run has recorded, empty where it has recorded nothing.
        scored ([`~t2vid_hf.metrics.score_file.ScoredFile`], *optional*): Its answers; `None` where items are judged.
        model (`str`, *optional*): Whose answers, where the file holds several models'.
    """

    path: str
    lines: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]
    scored: ScoredFile | None = None
    model: str | None = None


def compare_files(
    a: str, b: str, *, mode: str | None = None, models: str | None = None, common: bool = False
) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    """Compare two results.

    Args:
        a (`str`): The first: what `t2vid score --items` has written, or answers.
        b (`str`): The second.
        mode (`str`, *optional*): Whose rules judge answers, "t2vid" or "t2vid_hf"; `None` takes ours. Items are judged.
        models (`str`, *optional*): "A,B": whose answers are taken, where a file holds several models'.
        common (`bool`, *optional*, defaults to `False`): Whether to leave out questions that stand in one alone.

    Returns:
        `tuple`: what `t2vid compare --json` prints, and the settings that differ, by name.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a file cannot be read, or the two are not about the same questions.
    """
    one, two = read_sides(a, b, mode=mode, models=models)
    return paired_result(paired_questions(one, two, common=common)), differing_settings(one, two)


def read_sides(a: str, b: str, *, mode: str | None = None, models: str | None = None) -> tuple[Side, Side]:
    """Read two results; see [`compare_files`].

    Args:
        a (`str`): The first.
        b (`str`): The second.
        mode (`str`, *optional*): Whose rules judge answers.
        models (`str`, *optional*): "A,B": whose answers are taken.
    """
    first, second = _two_models(models)
    return _side(a, mode, first), _side(b, mode, second)


def paired_result(pairs: Sequence[Pair]) -> dict[str, Any]:
    """What `t2vid compare --json` prints.

    Args:
        pairs (`Sequence[Pair]`): The questions, at least one.
    """
    only_a, only_b = (sum(getattr(p, x) and not getattr(p, y) for p in pairs) for x, y in (("a", "b"), ("b", "a")))
    low, high = clustered_interval(pairs)
    chi2, p_chi2 = chi_square(only_a, only_b)
    return {
        "n": len(pairs),
        "only_a": only_a,
        "only_b": only_b,
        "difference": (only_b - only_a) / len(pairs),
        "p_exact": exact_p(only_a, only_b),
        "chi2_with_continuity": chi2,
        "p_chi2": p_chi2,
        "low": low,
        "high": high,
        "clusters": len({pair.cluster for pair in pairs}),
    }


def _two_models(given: str | None) -> Sequence[str | None]:
    if given is None:
        return (None, None)
    names = [name.strip() for name in given.split(",")]
    if len(names) != 2 or not all(names):
        raise InputError(f"--models {given}: give two names, A,B")
    return names


def _side(path: str, mode: str | None, model: str | None) -> Side:
    file = read_results(path)
    if "correct" in first_record(file) and "reply" not in first_record(file):
        if mode is not None or model is not None:
            raise InputError(f"{path}: its items are judged; --mode and --models are for files of answers")
        return Side(path, _items(file), _settings(file, model))
    form = form_of(file)
    if form not in ANSWER_FORMS:
        raise InputError(f"{path}: a benchmark's own file; score it with `t2vid score --items`, and compare the items")
    if mode not in (None, *ANSWER_MODES):
        raise unknown("mode for answers", mode, ANSWER_MODES)
    # clips have no fields of their own, so that any benchmark's lines are read
    benchmark = first_record(file).get("benchmark", "clips")
    scored = score_file(str(benchmark), path, mode=mode or "t2vid_hf", model=model)
    return Side(path, {str(line["id"]): line for line in item_lines(scored)}, _settings(file, model), scored, model)


def _items(file: ResultFile) -> dict[str, Mapping[str, Any]]:
    lines: dict[str, Mapping[str, Any]] = {}
    for index, line in enumerate(file.value):
        name = line.get("id")
        if not isinstance(name, str) or not isinstance(line.get("correct"), bool):
            raise InputError(f"{file.place(index)}: no 'id' and 'correct', as `t2vid score --items` writes them")
        if name in lines:
            raise InputError(f"{file.place(index)}: question {name} stands there twice")
        lines[name] = line
    return lines


def paired_questions(one: Side, two: Side, *, common: bool = False) -> list[Pair]:
    """The questions of two results.

    Args:
        one ([`Side`]): The first.
        two ([`Side`]): The second.
        common (`bool`, *optional*, defaults to `False`): Whether to leave out questions that stand in one alone.

    Raises:
        [`~t2vid_hf.errors.InputError`]: they are not about the same questions.
    """
    alone = [[name for name in x.lines if name not in y.lines] for x, y in ((one, two), (two, one))]
    if any(alone) and not common:
        shown = ", ".join((alone[0] + alone[1])[:3])
        raise InputError(
            f"{len(alone[0])} questions stand in {one.path} alone and {len(alone[1])} in {two.path} alone ({shown}, "
            "...); --common compares the others"
        )
    pairs = []
    for name, line in one.lines.items():
        other = two.lines.get(name)
        if other is None or (line.get("dropped") and other.get("dropped")):
            continue  # dropped by both: in neither score
        if line.get("answer") != other.get("answer"):
            raise InputError(
                f"question {name}: right is {line.get('answer')} in {one.path} and {other.get('answer')} in {two.path}"
            )
        pairs.append(Pair(str(line.get("video") or other.get("video") or name), line["correct"], other["correct"]))
    if not pairs:
        raise InputError(f"{one.path} and {two.path} have no question in common")
    return pairs


def _settings(file: ResultFile, model: str | None) -> Mapping[str, Any]:
    """What the run of a result has recorded: in its lines, or in the file beside them, of the run and of the model."""
    recorded = first_record(file).get("settings")
    found = [beside for name in RESULTS_FILES if (beside := Path(file.path).with_name(name)).is_file()]
    if recorded is None and found and found[0] != Path(file.path):
        recorded = read_results(found[0]).value
    if not isinstance(recorded, dict):
        return {}
    models = {each["name"]: each for each in recorded.get("models", ()) if isinstance(each, dict) and "name" in each}
    named = first_record(file).get("model") if model is None else model
    own = models.get(next(iter(models)) if len(models) == 1 else named, {})
    told = {name: own[name] for name in ("weights", "settings") if name in own}
    for name, value in recorded.items():
        if name != "models":  # what is told of each model by its name is told of this one
            by_model = isinstance(value, dict) and bool(value) and set(value) <= set(models)
            told[name] = value.get(own["name"]) if by_model and own else value
    return dict(_flat(told, ""))


def _flat(value: Mapping[str, Any], above: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, each in value.items():
        flat += _flat(each, f"{above}{name}.") if isinstance(each, dict) else [(above + name, each)]
    return flat


def differing_settings(one: Side, two: Side) -> dict[str, tuple[Any, Any]]:
    """What the runs of two results have recorded differently, by name; nothing where one has recorded nothing.

    Args:
        one ([`Side`]): The first.
        two ([`Side`]): The second.
    """
    a, b = one.settings, two.settings
    if not a or not b:
        return {}
    return {name: (_short(a.get(name)), _short(b.get(name))) for name in {**a, **b} if a.get(name) != b.get(name)}


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
