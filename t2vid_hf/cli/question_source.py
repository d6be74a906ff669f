"""Where the questions of `t2vid evaluate` come from: a data set that holds its videos, or a benchmark's own files."""

from collections.abc import Sequence
from dataclasses import dataclass

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.fed_media import feed_videos, shown_digest
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.media_folder import media_folder
from t2vid_hf.evaluation.question_files import Prepared, QuestionFile, read_questions
from t2vid_hf.evaluation.ranks import Ranks
from t2vid_hf.evaluation.runs import load_items


@dataclass(frozen=True)
class QuestionSet:
    """The questions of a data set, whose videos it holds itself.

    Args:
        items (`Sequence[Item]`): The questions.
    """

    items: Sequence[Item]
    scored = True

    def videos(self) -> dict[str, str]:
        """For each question its video."""
        return {item.id: item.cluster for item in self.items}

    def prepare(self, policy: VideoPolicy, *, ranks: Ranks | None = None, progress: str | None = None) -> Prepared:
        """The questions as they are, and what is fed of those about one video.

        Args:
            policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
            ranks ([`~t2vid_hf.evaluation.ranks.Ranks`], *optional*): The processes that do; `None` is this alone.
            progress (`str`, *optional*): The name of a progress bar; `None` shows none.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a video does not decode.
        """
        ranks = ranks or Ranks()
        mine = [item for item in self.items if ranks.owns(item.id)]
        parts = ranks.each(
            lambda: (
                {item.id: shown_digest(item.row) for item in mine},
                feed_videos(mine, policy, progress=progress),
            )
        )
        media = {name: digest for digests, _ in parts for name, digest in digests.items()}
        fed = {name: shown for _, shown_here in parts for name, shown in shown_here.items()}
        order = [item.id for item in self.items]
        return Prepared(
            self.items,
            fed={name: fed[name] for name in order if name in fed},
            media={name: media[name] for name in order},
        )


def question_source(
    benchmark: str,
    dataset: str | None,
    *,
    questions: str | None,
    videos: str | None,
    task: str | None,
    subtitles: bool | None,
    revision: str | None,
) -> QuestionSet | QuestionFile:
    """What is asked: a data set of questions, or a benchmark's own file and its videos.

    Args:
        benchmark (`str`): The option --benchmark.
        dataset (`str` or `None`): The option --dataset.
        questions (`str` or `None`): The option --questions.
        videos (`str` or `None`): The option --videos.
        task (`str` or `None`): The option --task.
        subtitles (`bool` or `None`): The option --subtitles.
        revision (`str` or `None`): The option --revision.

    Raises:
        [`~t2vid_hf.errors.InputError`]: neither or both are given, or they cannot be read.
    """
    if questions is None:
        if dataset is None:
            raise InputError(
                f"--benchmark {benchmark}: give --questions, the file of its authors, and --videos; for clips --dataset"
            )
        if videos is not None or task is not None or subtitles is not None:
            raise InputError("--videos, --task and --subtitles go with --questions, not with --dataset")
        import datasets

        datasets.disable_progress_bars()  # ours says more
        return QuestionSet(load_items(benchmark, dataset, revision=revision))
    if dataset is not None or videos is None:
        raise InputError("--questions: give the folder of the videos with --videos, and no --dataset")
    folder = media_folder(videos, revision=revision)
    return read_questions(benchmark, questions, folder, task=task, subtitles=subtitles)
