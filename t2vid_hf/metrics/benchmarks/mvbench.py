"""MVBench, by `check_ans` of its authors' notebook: the reply's first word, without dots, in "(a)", or the other way.

So "a", "(a)", "a)" are right, and so are "" and "(", which stand in every option. Its average is over questions, not
over the 20 tasks.
"""

from collections.abc import Sequence

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import LETTERS, Outcome, Predicted
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.forms.task_counts import counts_of
from t2vid_hf.metrics.question_record import Fields
from t2vid_hf.metrics.result_file import ResultFile
from t2vid_hf.metrics.tally import Scored, tallies, tally

_TASKS = (
    "action_sequence",
    "action_prediction",
    "action_antonym",
    "fine_grained_action",
    "unexpected_action",
    "object_existence",
    "object_interaction",
    "object_shuffle",
    "moving_direction",
    "action_localization",
    "scene_transition",
    "action_count",
    "moving_count",
    "moving_attribute",
    "state_change",
    "fine_grained_pose",
    "character_order",
    "egocentric_navigation",
    "episodic_reasoning",
    "counterfactual_inference",
)


def official(predicted: Predicted) -> Outcome:
    """What the notebook makes of a reply.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    word = (predicted.reply or "").lower().split(" ")[0]
    right = predicted.asked.answer
    accepted = [letter for letter in LETTERS if _accepts(word, f"({letter.lower()})")]
    if len(accepted) == 1:
        return Outcome(accepted[0] == right, accepted[0], "rule")
    return Outcome(right in accepted, None, "rule" if right in accepted else None, answered=False)


def _accepts(word: str, option: str) -> bool:
    return word.replace(".", "") in option or option in word


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What the notebook prints: a percentage a task, and over all questions as "Avg".

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    tasks = {task: str(counts.correct / counts.n * 100) for task, counts in tallies(scored).items() if counts.n}
    counts = tally(scored)
    return {**tasks, "Avg": str(counts.correct / counts.n * 100)}


def check_counts(file: ResultFile, scored: Sequence[Scored]) -> None:
    """Refuse a file whose `acc_dict` is not what its replies give: its tasks would be told wrongly by their order.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.
        scored (`Sequence[Scored]`): Its replies by the official rule.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the counts differ.
    """
    if not isinstance(file.value, dict):
        return
    counted = tallies(scored, kinds_alone=True)
    for task, (right, of) in counts_of(file).items():
        found = counted.get(task)
        if of and (found is None or (found.correct, found.n) != (right, of)):
            again = f"{found.correct} of {found.n}" if found else "none"
            raise InputError(
                f"{file.path}: acc_dict counts {right} of {of} right in task '{task}', its replies {again}"
            )


MVBENCH = Benchmark(
    official,
    "Avg",
    lambda scored: tally(scored).accuracy,
    printed,
    Fields(group=("task_type",), answer=("gt_answer",)),
    check=check_counts,
    holes=("3882", "3899", "3912", "3938", "3963"),
    kinds=_TASKS,
    metrics=("mvbench_accuracy",),
)
