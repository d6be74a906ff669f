"""A model behind a server in `t2vid evaluate`: it is prepared, asked and recorded like a checkpoint."""

from dataclasses import replace
from typing import Any

from t2vid_hf.cli.evaluated import check_left, recorded_of
from t2vid_hf.cli.question_source import QuestionSet
from t2vid_hf.errors import Unfinished
from t2vid_hf.evaluation.endpoint_runs import Asker
from t2vid_hf.evaluation.question_files import Prepared, QuestionFile
from t2vid_hf.evaluation.resuming import AnswersFile
from t2vid_hf.evaluation.runs import Answer


def ask_endpoint(
    file: AnswersFile, name: str, asker: Asker, source: QuestionSet | QuestionFile
) -> tuple[Prepared, list[Answer], dict[str, Any]]:
    """Ask an endpoint.

    Args:
        file ([`~t2vid_hf.evaluation.resuming.AnswersFile`]): Where answers go, and are.
        name (`str`): What the model is called.
        asker ([`~t2vid_hf.evaluation.endpoint_runs.Asker`]): How it is asked.
        source (`QuestionSet` or `QuestionFile`): Where questions come from.

    Returns:
        `tuple[Prepared, list[Answer], dict]`: what it was asked and answered, what is missing, and what is recorded.

    Raises:
        [`~t2vid_hf.errors.Unfinished`]: there is no reply to any question.
    """
    asked = source.prepare(asker.policy, progress="videos")
    check_left(asked)
    settings = asker.asked_with(asked.items, fed=asked.fed, media=asked.media)
    file.begin(name, asker.settings(), asked.items, asked.media)
    answers, refused = asker.ask_on(file, name, asked.items, progress=name)
    if isinstance(source, QuestionFile):
        refused += source.torn([answer.item for answer in answers], refused)
    lost = {each.id for each in refused}
    answers = [answer for answer in answers if answer.item.id not in lost]
    if not answers:
        raise Unfinished(f"{name}: no reply to any of {len(lost)} questions, to the first: {refused[0].reason}")
    asked = replace(asked, items=[answer.item for answer in answers], missing=[*asked.missing, *refused])
    return asked, answers, recorded_of(asked, settings)
