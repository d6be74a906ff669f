"""The plan of an experiment and the answers of its runs, as they lie in its folder: all that a report is made of."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.experiments.comparisons import QuestionSet
from t2vid_hf.experiments.yaml_parts import made, settled

PLAN, QUESTIONS, ANSWERS, RECORD = "experiment.json", "questions.jsonl", "answers.jsonl", "run.json"
_REPORTED = ("primary", "control", "compare", "test", "rotate", "arms", "seeds", "base")


class StoredResults:
    """What an experiment's folder holds.

    Args:
        folder (`Path`): The folder.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no plan in it.

    Attributes:
        plan (`dict`): What was planned.
        questions (`list[dict]`): What was asked.
        missing (`list[str]`): Runs that are not done.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / PLAN).is_file():
            raise InputError(f"{folder}: no {PLAN} in it, so nothing was run; run the experiment without --report")
        self.plan = json.loads((folder / PLAN).read_text("utf-8"))
        self.questions = [json.loads(line) for line in (folder / QUESTIONS).read_text("utf-8").splitlines()]
        self.clusters = [question["cluster"] for question in self.questions]
        self.bases = [base["name"] for base in self.plan["bases"]]
        self.seeds = self.plan["seeds"]
        self.test: QuestionSet = made(QuestionSet, self.plan["given"]["test"], "test")
        self.records: list[dict[str, Any]] = []
        self.missing: list[str] = []
        self._scores: dict[str, dict[str, np.ndarray]] = {}
        for run in self.plan["runs"]:
            self._take(folder / run["folder"], run)

    def check_given(self, given: Mapping[str, Any]) -> None:
        """Refuse to report a plan by another file.

        Args:
            given (`Mapping[str, Any]`): What the experiment's file says now.

        Raises:
            [`~t2vid_hf.errors.InputError`]: it says something else of what a report depends on.
        """
        now = json.loads(json.dumps(given, default=str))
        for key in _REPORTED:
            if now.get(key) != self.plan["given"].get(key):
                raise InputError(f"--report: the file's '{key}' is not that of the runs that are stored; run the "
                                 f"experiment again, and what is done will be kept")  # fmt: skip

    def _take(self, folder: Path, run: Mapping[str, Any]) -> None:
        record = folder / RECORD
        known = json.loads(record.read_text("utf-8")) if record.is_file() else {}
        if known.get("key") != run["key"]:
            seed = "" if run["seed"] is None else f", seed {run['seed']}"
            self.missing.append(f"{run['arm']}, base {run['base']}{seed}")
            return
        self.records.append(known)
        lines = [json.loads(line) for line in (folder / ANSWERS).read_text("utf-8").splitlines()]
        by_id = {line["id"]: line for line in lines}
        base = self.bases.index(run["base"])
        # What nothing was trained of is the same with every seed.
        seeds = slice(None) if run["seed"] is None else self.seeds.index(run["seed"])
        for score in ("choice", "exact"):
            given = [by_id[question["id"]][score] for question in self.questions]
            self._of(run["arm"], score)[base, seeds] = [np.nan if value is None else float(value) for value in given]

    def _of(self, arm: str, score: str) -> np.ndarray:
        shape = (len(self.bases), len(self.seeds), len(self.questions))
        return self._scores.setdefault(arm, {}).setdefault(score, np.full(shape, np.nan))

    def values(self, arm: str, score: str) -> np.ndarray:
        """What an arm scored.

        Args:
            arm (`str`): The arm.
            score (`str`): `"choice"` or `"exact"`.

        Returns:
            `np.ndarray` of shape `(bases, seeds, questions)`: 0 or 1; NaN where a run is missing, or a question has no
            such score.
        """
        return self._of(arm, score)

    def asked(self, group: str, at: Any = None) -> np.ndarray:
        """Which questions are in a group.

        Args:
            group (`str`): The group.
            at (`Any`, *optional*): The value of the test set's `by`; `None` takes all.

        Returns:
            `np.ndarray` of shape `(seeds, questions)`, bool.
        """
        asked = np.zeros((len(self.seeds), len(self.questions)), bool)
        for number, seed in enumerate(self.seeds):
            roles = {name: tuple(values) for name, values in self.plan["roles"][str(seed)].items()}
            where = settled(self.test.where(group), roles)
            for place, question in enumerate(self.questions):
                columns = question["columns"]
                fits = all(columns.get(name) in wanted for name, wanted in where.items())
                asked[number, place] = fits and (at is None or columns.get(self.test.by) == at)
        return asked

    def cells(self) -> list[tuple[str, Any]]:
        """The groups, each whole and by the values of the test set's `by`."""
        values: list[Any] = []
        if self.test.by is not None:
            values = sorted(
                {
                    question["columns"][self.test.by]
                    for question in self.questions
                    if self.test.by in question["columns"]
                },
                key=_by_kind,
            )
        return [(group, at) for group in self.test.groups for at in ([None] if len(values) < 2 else [None, *values])]

    def chance(self, group: str, at: Any = None) -> float | None:
        """What guessing among the options scores; `None` where nothing has options."""
        asked = self.asked(group, at)
        shares = np.array([1 / len(question["candidates"]) for question in self.questions])
        several = asked & (shares < 1)
        return float((several * shares).sum() / several.sum()) if several.any() else None


def _by_kind(value: Any) -> tuple[bool, Any]:
    return (isinstance(value, str), value)
