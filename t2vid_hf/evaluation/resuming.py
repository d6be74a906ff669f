"""Answers are written as they come, so that a run that was killed goes on where it was.

`answers.jsonl` grows by a line an answer. What answered (weights, configuration, prompts, how videos are taken) stands
in `answers.settings.json` beside it, and a file of other settings is refused: two runs in one file would be a score of
nothing. A line that was being written when the run was killed is answered again.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.item import Item
from t2vid_hf.metrics.growing_file import append_line, whole_lines

ANSWERS_FILE, SETTINGS_FILE = "answers.jsonl", "answers.settings.json"
_OF_A_COPY = ("_name_or_path", "transformers_version")  # where a model lies, and who wrote its file


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

    def begin(self, model: str, settings: Mapping[str, Any], items: Sequence[Item]) -> None:
        """Say what answers now.

        Args:
            model (`str`): The model's name.
            settings (`Mapping[str, Any]`): What its answers depend on, as JSON has it; see [`settings_of`].
            items (`Sequence[Item]`): What it is asked.

        Raises:
            [`~t2vid_hf.errors.InputError`]: answers are there of other settings, or of other items.
        """
        ids = [item.id for item in items]
        if len(set(ids)) < len(ids):
            twice = next(name for name in ids if ids.count(name) > 1)
            raise InputError(f"the benchmark has two questions of the id '{twice}'; give each its own")
        given = json.loads(json.dumps(settings))
        if differing := list(_differences(self.settings.get(model, given), given)):
            told = "; ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else "")
            raise InputError(
                f"--resume: {self._answers} was made with other settings of '{model}': {told}; give those of the file, "
                f"or run it anew, without --resume"
            )
        if unknown := next((name for name in self.replies(model) if name not in set(ids)), None):
            raise InputError(f"--resume: {self._answers} answers '{unknown}', which the benchmark does not ask")
        if not self._begun:  # not before something can answer; settings go first, so that none stand beside others'
            self._settings_file.unlink(missing_ok=True)
            self._answers.write_bytes(b"")
            self._begun = True
        self.settings[model] = given
        write_whole(self._settings_file, json.dumps(self.settings, indent=1) + "\n")

    def replies(self, model: str) -> dict[str, str]:
        """The replies of a model that were there, by the items' ids.

        Args:
            model (`str`): The model's name.
        """
        return dict(self._replies.get(model, {}))

    def append(self, record: Mapping[str, Any]) -> None:
        """Write an answer.

        Args:
            record (`Mapping[str, Any]`): Its line.
        """
        append_line(self._answers, record)

    def check_names(self, models: Sequence[str]) -> None:
        """Refuse to go on without a model that has answers.

        Args:
            models (`Sequence[str]`): The names of those that are asked.
        """
        left_out = sorted(set(self._replies) - set(models))
        if left_out:
            raise InputError(f"--resume: {self._answers} has answers of '{left_out[0]}'; give it in --models, too")

    def _take_up(self) -> None:
        """Read what is there, without a last line that was cut short."""
        for number, line in enumerate(whole_lines(self._answers), 1):
            try:
                record = json.loads(line)
                model, name, reply = record["model"], record["id"], record["reply"]
            except (ValueError, KeyError, TypeError):
                raise InputError(f"--resume: {self._answers}, line {number} is no answer; mend or remove it") from None
            if name in self._replies.setdefault(model, {}):
                raise InputError(f"--resume: {self._answers}, line {number} answers '{name}' a second time; remove it")
            self._replies[model][name] = reply


def settings_of(
    model: Any, processor: Any, items: Sequence[Item], *, weights: str, video: Mapping[str, Any], max_new_tokens: int
) -> dict[str, Any]:
    """What the replies of a model depend on.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model.
        processor ([`~transformers.ProcessorMixin`]): Its processor.
        items (`Sequence[Item]`): What it is asked.
        weights (`str`): What [`~t2vid_hf.models.weights_hash.weights_hash`] gives.
        video (`Mapping[str, Any]`): How videos are taken.
        max_new_tokens (`int`): The most tokens of a reply.
    """
    return {
        "weights": weights,
        "dtype": str(model.dtype),
        "config": _without_place(model.config.to_dict()),
        "generation_config": _without_place(model.generation_config.to_dict()),
        "frames": dict(video),
        "prompt": {"questions": questions_hash(items), "chat_template": _hash(processor.chat_template)},
        "max_new_tokens": max_new_tokens,
    }


def questions_hash(items: Sequence[Item]) -> str:
    """A hash of what is asked, and of what.

    Args:
        items (`Sequence[Item]`): The questions.
    """
    return _hash([[item.id, item.row["messages"], item.row["num_frames"], item.row.get("take_span")] for item in items])


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole, or as it was before.

    Args:
        path (`Path`): The file.
        text (`str`): What it will hold.
    """
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _without_place(config: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_place(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in _OF_A_COPY
    }


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


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
