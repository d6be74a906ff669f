"""Answers are written as they come, so that a run that was killed goes on where it was.

`answers.jsonl` grows by a line an answer; each process but the first has a file of its own beside it, which is taken
into it when all are done, or by the run that goes on, on as many processes or on others. What answered (weights,
configuration, how videos are taken) stands in `answers.settings.json`, with each question's prompt and a digest of its
video's pixels. A file of other settings is refused: two runs in one file would be a score of nothing; so is one with
answers about a video that was replaced, since the wrong folder of videos must not cost the answers that are there. A
question that could not be asked before, for want of its video, is asked now. A line that was being written when the run
was killed is answered again.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.asked_with import prompt_hash
from t2vid_hf.evaluation.item import Item
from t2vid_hf.metrics.growing_file import append_line, whole_lines

ANSWERS_FILE, SETTINGS_FILE = "answers.jsonl", "answers.settings.json"
_QUESTIONS = "questions"


class AnswersFile:
    """The answers of a run while it goes on.

    Args:
        folder (`Path`): Where its files are, or will be.
        resume (`bool`, *optional*, defaults to `False`): Whether to go on with what is there; else it is begun anew.

    Raises:
        [`~t2vid_hf.errors.InputError`]: answers are there that do not say what they are of, or are damaged.
    """

    def __init__(self, folder: Path, *, resume: bool = False) -> None:
        self._answers, self._settings_file = folder / ANSWERS_FILE, folder / SETTINGS_FILE
        self._begun = resume
        self.settings: dict[str, Any] = {}
        self._replies: dict[str, dict[str, str]] = {}
        if not resume:
            return
        if self._settings_file.is_file():
            self.settings = json.loads(self._settings_file.read_text(encoding="utf-8"))
        elif self._answers.is_file() and self._answers.stat().st_size:
            raise InputError(
                f"--resume: {self._answers} has no {SETTINGS_FILE} beside it, which tells what answered; run it anew, "
                f"without --resume"
            )
        self._take_up()

    def begin(
        self, model: str, settings: Mapping[str, Any], items: Sequence[Item], media: Mapping[str, str] | None = None
    ) -> None:
        """Say what answers now.

        Args:
            model (`str`): The model's name.
            settings (`Mapping[str, Any]`): What its answers depend on, as JSON has it; see
                [`~t2vid_hf.evaluation.asked_with.depends_on`].
            items (`Sequence[Item]`): What it is asked.
            media (`Mapping[str, str]`, *optional*): For each question a digest of what is shown.

        Raises:
            [`~t2vid_hf.errors.InputError`]: answers are there of other settings, of other items, or about a video that
                was replaced.
        """
        ids = [item.id for item in items]
        if len(set(ids)) < len(ids):
            twice = next(name for name in ids if ids.count(name) > 1)
            raise InputError(f"the benchmark has two questions of the id '{twice}'; give each its own")
        given = json.loads(json.dumps(settings))
        there = dict(self.settings.get(model, given))
        asked_there = there.pop(_QUESTIONS, {})
        if differing := list(_differences(there, given)):
            told = "; ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else "")
            raise InputError(
                f"--resume: {self._answers} was made with other settings of '{model}': {told}; give those of the file, "
                f"or run it anew, without --resume"
            )
        if unknown := next((name for name in self.replies(model) if name not in set(ids)), None):
            raise InputError(f"--resume: {self._answers} answers '{unknown}', which the benchmark does not ask")
        asked = {item.id: {"prompt": prompt_hash(item), "shown": (media or {}).get(item.id)} for item in items}
        self._check_questions(model, items, asked_there, asked)
        if not self._begun:  # not before something can answer; settings go first, so that none stand beside others'
            self._settings_file.unlink(missing_ok=True)
            for file in self._of_other_ranks():
                file.unlink()
            self._answers.write_bytes(b"")
            self._begun = True
        self.settings[model] = {**given, _QUESTIONS: asked}
        write_whole(self._settings_file, json.dumps(self.settings, indent=1) + "\n")

    def _check_questions(
        self, model: str, items: Sequence[Item], there: Mapping[str, Any], now: Mapping[str, Any]
    ) -> None:
        """Refuse answers to what is asked in other words now, or about a video that is another now."""
        remedy = "or run it anew, without --resume"
        changed = [item for item in items if item.id in self.replies(model) and there.get(item.id) != now[item.id]]
        replaced = [item for item in changed if there.get(item.id, {}).get("shown") != now[item.id]["shown"]]
        if replaced:
            names = list(dict.fromkeys(item.cluster for item in replaced))
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise InputError(
                f"--resume: the video '{names[0]}'{more} shows other pixels than when {self._answers} answered "
                f"'{replaced[0].id}'; put that video back, {remedy}"
            )
        if changed:
            raise InputError(
                f"--resume: {self._answers} answers '{changed[0].id}' to another prompt; ask with that, {remedy}"
            )

    def replies(self, model: str) -> dict[str, str]:
        """The replies of a model that were there, by the items' ids.

        Args:
            model (`str`): The model's name.
        """
        return dict(self._replies.get(model, {}))

    def append(self, record: Mapping[str, Any], rank: int = 0) -> None:
        """Write an answer.

        Args:
            record (`Mapping[str, Any]`): Its line.
            rank (`int`, *optional*, defaults to `0`): The process that answers, in whose file it is written.
        """
        append_line(self._answers.with_suffix(f".rank-{rank}.jsonl") if rank else self._answers, record)

    def join(self) -> None:
        """Take the files of other processes into that of the first."""
        beside = self._of_other_ranks()
        if not beside:
            return
        lines: dict[tuple[str, str], str] = {}
        for file in (self._answers, *beside):
            # Twice, where a run was killed between the two steps below, or answered anew what was not joined.
            for record in _read(file):
                lines.setdefault((record["model"], record["id"]), json.dumps(record, ensure_ascii=False) + "\n")
        write_whole(self._answers, "".join(lines.values()))
        for file in beside:
            file.unlink()

    def check_names(self, models: Sequence[str]) -> None:
        """Refuse to go on without a model that has answers.

        Args:
            models (`Sequence[str]`): The names of those that are asked.
        """
        left_out = sorted(set(self._replies) - set(models))
        if left_out:
            raise InputError(f"--resume: {self._answers} has answers of '{left_out[0]}'; give it in --models, too")

    def _take_up(self) -> None:
        """Read what is there, of any number of processes."""
        for file in (self._answers, *self._of_other_ranks()):
            seen: set[tuple[str, str]] = set()
            for number, record in enumerate(_read(file), 1):
                model, name = record["model"], record["id"]
                if (model, name) in seen:
                    raise InputError(f"--resume: {file}, line {number} answers '{name}' a second time; remove it")
                seen.add((model, name))
                self._replies.setdefault(model, {}).setdefault(name, record["reply"])
        self.join()

    def _of_other_ranks(self) -> list[Path]:
        return sorted(self._answers.parent.glob(f"{self._answers.stem}.rank-*.jsonl"))


def _read(file: Path) -> list[dict[str, Any]]:
    """The answers of a file, without a last line that was cut short, which is cut off."""
    records = []
    for number, line in enumerate(whole_lines(file), 1):
        try:
            record = json.loads(line)
            record["model"], record["id"], record["reply"]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"--resume: {file}, line {number} is no answer; mend or remove it") from None
        records.append(record)
    return records


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole, or as it was before.

    Args:
        path (`Path`): The file.
        text (`str`): What it will hold.
    """
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _differences(there: Any, now: Any, name: str = "") -> Iterator[str]:
    """Each setting that differs, by its path."""
    if isinstance(there, dict) and isinstance(now, dict):
        for key in sorted({*there, *now}):
            yield from _differences(there.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif there != now:
        yield f"{name} {_short(there)} there, {_short(now)} now"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 20 else text[:16] + "..."
