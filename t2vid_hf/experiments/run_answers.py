"""The answers of a run as lines, from one rank or from several that have asked some of the questions each."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from t2vid_hf.evaluation.option_questions import OptionQuestion
from t2vid_hf.evaluation.option_scores import OptionScore
from t2vid_hf.evaluation.resuming import write_whole
from t2vid_hf.training.sft_config import T2VidSFTConfig


def answer_line(question: OptionQuestion, score: OptionScore) -> dict[str, Any]:
    """A line of answers.

    Args:
        question ([`~t2vid_hf.evaluation.option_questions.OptionQuestion`]): What was asked.
        score ([`~t2vid_hf.evaluation.option_scores.OptionScore`]): What the model thinks of it.
    """
    several = len(question.candidates) > 1
    return {
        "id": question.id,
        "right": question.right,
        "chosen": score.choice if several else None,
        "choice": score.choice == question.right if several else None,
        "exact": score.exact,
        "log_probs": [round(each, 5) for each in score.log_probs],
        "tokens": list(score.tokens),
    }


def share_right(lines: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The share of questions that are right by a score; `None` where none has it.

    Args:
        lines (`Sequence[Mapping[str, Any]]`): See [`answer_line`].
        name (`str`): `"choice"` or `"exact"`.
    """
    told = [line[name] for line in lines if line[name] is not None]
    return round(sum(told) / len(told), 4) if told else None


def of_all_ranks(lines: list[dict[str, Any]], folder: Path, config: T2VidSFTConfig) -> list[dict[str, Any]]:
    """The lines of all ranks, in the order of the questions; on other ranks than the first, nothing.

    Args:
        lines (`list[dict]`): Those of this rank, which has asked every `world_size`-th question.
        folder (`Path`): Where ranks meet.
        config ([`T2VidSFTConfig`]): Which rank this is.
    """
    ranks = config.world_size
    if ranks == 1:
        return lines
    parts = [folder / f"answers-{rank}.json" for rank in range(ranks)]
    write_whole(parts[config.process_index], json.dumps(lines))
    config.distributed_state.wait_for_everyone()
    if config.process_index:
        return []
    held = [json.loads(part.read_text("utf-8")) for part in parts]
    for part in parts:
        part.unlink()
    return [held[number % ranks][number // ranks] for number in range(sum(map(len, held)))]
