"""A scored file with a judge's verdicts, in the one mode that has a place for them: ours."""

from dataclasses import replace

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.judged import Judge, judged
from t2vid_hf.metrics.score_file import ScoredFile


def check_judged(mode: str, task: str | None) -> None:
    """Refuse a judge where rules alone score, or where there is nothing to choose.

    Args:
        mode (`str`): One of `MODES`.
        task (`str` or `None`): The benchmark's task.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a judge has no part in it.
    """
    if mode != "t2vid_hf":
        raise InputError(f"--judge: mode {mode} scores by its own rules alone; leave it out, or give --mode t2vid_hf")
    if task == "captioning":
        raise InputError("--judge: a caption chooses no option; TempCompass's own judge rates captions")


def with_judge(file: ScoredFile, judge: Judge | None) -> ScoredFile:
    """A scored file with what a judge makes of the replies that no rule matched.

    Args:
        file ([`~t2vid_hf.metrics.score_file.ScoredFile`]): The scored file.
        judge ([`~t2vid_hf.metrics.judged.Judge`] or `None`): The judge; `None` leaves the file as it is.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a judge has no part in its mode or task.
    """
    if judge is None:
        return file
    check_judged(file.mode, file.task)
    scored, verdicts = judged(judge, file.scored)
    return replace(file, scored=scored, verdicts=verdicts)
