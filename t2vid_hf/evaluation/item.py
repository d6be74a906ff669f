"""One question of a benchmark: what is shown, what is asked, what is right, and how it is reported."""

from dataclasses import dataclass

from t2vid_hf.schema import Row


@dataclass(frozen=True)
class Item:
    """A question about a video, with options or without.

    Args:
        id (`str`): The question's name, unique in the benchmark.
        row ([`~t2vid_hf.schema.Row`]): Video and question, without an assistant turn.
        question (`str`): The prompt as text, for reports.
        options (`tuple[str, ...]`): What may be answered, without letters; nothing where the question is open.
        answer (`str`): The letter of the right option, or the answer to an open question.
        group (`str`): The kind of question; each kind gets a score.
        cluster (`str`): The video, for confidence intervals: questions about one are not independent.
    """

    id: str
    row: Row
    question: str
    options: tuple[str, ...]
    answer: str
    group: str
    cluster: str
