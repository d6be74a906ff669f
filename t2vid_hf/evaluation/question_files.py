"""A benchmark's questions out of its authors' files, as items for a policy, with what of them cannot be asked.

The files are read by what `t2vid score --questions` reads them with, so that an item and its score have one name and
one right answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.evaluation.asking import is_whole_prompt
from t2vid_hf.evaluation.benchmarks import ASKINGS
from t2vid_hf.evaluation.fed_media import Fed, Span, feed
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.media_folder import MediaFolder
from t2vid_hf.evaluation.ranks import Ranks
from t2vid_hf.evaluation.subtitles import read_subtitles, said_at
from t2vid_hf.metrics.asked import Asked
from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.option_text import check_options
from t2vid_hf.metrics.question_record import answer_line
from t2vid_hf.schema import Block, Row, media_block, text


@dataclass(frozen=True)
class Missing:
    """A question that cannot be asked.

    Args:
        id (`str`): The question's name.
        video (`str`): What it is about, by the question file's name.
        reason (`str`): What is wrong with it.
    """

    id: str
    video: str
    reason: str


@dataclass(frozen=True)
class Prepared:
    """The questions that a model is asked, and those that it is not.

    Args:
        items (`Sequence[Item]`): Those that are asked, in the file's order.
        missing (`Sequence[Missing]`, *optional*, defaults to `()`): Those that are not.
        fed (`dict[str, Fed]`, *optional*): What is shown for each question, by its name.
        without_subtitles (`int`, *optional*, defaults to `0`): Questions of a run with subtitles whose video has none.
        scored (`bool`, *optional*, defaults to `True`): Whether a rule can score the replies.
        media (`dict[str, str]`, *optional*): For each question a digest of what is shown.
    """

    items: Sequence[Item]
    missing: Sequence[Missing] = ()
    fed: dict[str, Fed] = field(default_factory=dict)
    without_subtitles: int = 0
    scored: bool = True
    media: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuestionFile:
    """The questions of a benchmark's file, and the folder that its media are in.

    Args:
        benchmark (`str`): A key of `t2vid_hf.evaluation.benchmarks.ASKINGS`.
        asked (`Sequence[Asked]`): The questions.
        folder ([`~t2vid_hf.evaluation.media_folder.MediaFolder`]): The media.
        subtitles (`bool`): Whether they are asked with subtitles.
    """

    benchmark: str
    asked: Sequence[Asked]
    folder: MediaFolder
    subtitles: bool

    def videos(self) -> dict[str, str]:
        """For each question the medium that it is about, by its place, or by its name where it is not there.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a name stands for two files.
        """
        return {name: place or f"no file: {name}" for name, place in self._places().items()}

    def prepare(self, policy: VideoPolicy, *, ranks: Ranks | None = None, progress: str | None = None) -> Prepared:
        """Find and decode every medium, and make items of the questions whose medium is whole.

        Args:
            policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
            ranks ([`~t2vid_hf.evaluation.ranks.Ranks`], *optional*): The processes that do; `None` is this alone.
            progress (`str`, *optional*): The name of a progress bar; `None` shows none.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a name stands for two files, or a file of subtitles cannot be read.
        """
        ranks = ranks or Ranks()
        mine = replace(self, asked=[each for each in self.asked if ranks.owns(each.id)])
        parts = ranks.each(lambda: mine._prepare(policy, progress))
        items = {item.id: item for part in parts for item in part.items}
        missing = {each.id: each for part in parts for each in part.missing}
        fed = {name: shown for part in parts for name, shown in part.fed.items()}
        order = [each.id for each in self.asked]
        return Prepared(
            [items[name] for name in order if name in items],
            [missing[name] for name in order if name in missing],
            {name: fed[name] for name in order if name in fed},
            sum(part.without_subtitles for part in parts),
            all(part.scored for part in parts),
            {name: fed[name].digest for name in order if name in fed},
        )

    def _places(self) -> dict[str, str | None]:
        asking = ASKINGS[self.benchmark]
        return {each.id: self.folder.find(asking.names(each), asking.kind) for each in self.asked}

    def _prepare(self, policy: VideoPolicy, progress: str | None) -> Prepared:
        asking, places = ASKINGS[self.benchmark], self._places()
        local = {place: self.folder.fetch(place) for place in dict.fromkeys(places.values()) if place is not None}
        spans = {each.id: asking.span(each) for each in self.asked}
        media = [(local[place], spans[name]) for name, place in places.items() if place is not None]
        fed = feed(media, asking.kind, policy, progress=progress)
        items: list[Item] = []
        missing: list[Missing] = []
        of_items: dict[str, Fed] = {}
        bare = 0
        for each in self.asked:
            place = places[each.id]
            shown = f"no such file in {self.folder.name}" if place is None else fed[local[place], spans[each.id]]
            if place is None or isinstance(shown, str):
                missing.append(Missing(each.id, each.video, str(shown)))
                continue
            item, told = self._item(each, local[place], spans[each.id], shown)
            items.append(item)
            bare += self.subtitles and not told
            of_items[each.id] = shown
        return Prepared(items, missing, of_items, bare, self.scored)

    @property
    def scored(self) -> bool:
        """Whether a rule can score the replies."""
        return all(map(ASKINGS[self.benchmark].scored, self.asked))

    def torn(self, items: Sequence[Item], missing: Sequence[Missing]) -> list[Missing]:
        """The questions that cannot be scored without others of their video, which have no reply.

        Args:
            items (`Sequence[Item]`): Those that have one.
            missing (`Sequence[Missing]`): Those that have none.
        """
        if not ASKINGS[self.benchmark].together:
            return []
        by_video = {each.video: each.id for each in reversed(missing)}
        return [
            Missing(item.id, item.cluster, f"it is scored with {by_video[item.cluster]}, which has no reply")
            for item in items
            if item.cluster in by_video
        ]

    def _item(self, asked: Asked, path: Path, span: Span, fed: Fed) -> tuple[Item, bool]:
        """An item, and whether it has subtitles."""
        asking = ASKINGS[self.benchmark]
        found = None
        if self.subtitles and asking.subtitle_names is not None:
            found = self.folder.find(asking.subtitle_names(asked), "subtitles")
        said, between = None, None
        if found is not None:
            listed = read_subtitles(self.folder.fetch(found), offset=asking.offset(asked))
            said = said_at(listed, fed.seconds)
            between = None if asking.between is None else asking.between(listed, fed.seconds, fed.end)
        prompt = asked.prompt if is_whole_prompt(asked) else asking.prompt(asked, said)
        line = {
            "benchmark": self.benchmark,
            **answer_line(asked, BENCHMARKS[self.benchmark].fields),
            "asked_as": prompt,
        }
        row = _row(self.benchmark, asked, path, fed, prompt, between, is_image=asking.kind == "image")
        if span is not None:
            row["take_span"] = span
        item = Item(asked.id, row, prompt, asked.options, asked.answer, asked.group, asked.cluster, line)
        return item, found is not None


def _row(
    source: str, asked: Asked, path: Path, fed: Fed, prompt: str, between: Sequence[str] | None, *, is_image: bool
) -> Row:
    medium = {"bytes": None, "path": str(path)}
    shown: Block = media_block("image" if is_image else "video")
    blocks = [shown, text(prompt)]
    if between is not None:
        shown["between"] = list(between[1:])
        blocks = [text(between[0]), *blocks] if between[0] else blocks
    row: Row = {
        "id": asked.id,
        "source": source,
        "media": "image_sequence" if is_image else "video",
        "messages": [{"role": "user", "content": blocks}],
        "images": [medium] if is_image else [],
        "videos": [] if is_image else [medium],
        "num_frames": fed.total,
    }
    return {**row, "take_video": "as_frames"} if between is not None else row


def read_questions(
    benchmark: str, path: str, folder: MediaFolder, *, task: str | None = None, subtitles: bool | None = None
) -> QuestionFile:
    """The questions of a benchmark's file.

    Args:
        benchmark (`str`): A key of `t2vid_hf.evaluation.benchmarks.ASKINGS`.
        path (`str`): The file, as its authors publish it or as the original has it; of MVBench and MLVU the folder of
            their tasks as well.
        folder ([`~t2vid_hf.evaluation.media_folder.MediaFolder`]): Its videos, and its subtitles.
        task (`str`, *optional*): The benchmark's task, where it has several.
        subtitles (`bool`, *optional*): Whether to ask with subtitles; `None` does what the benchmark's authors do.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown benchmark or task, a file that is not its, or one with an id twice.
    """
    if benchmark not in ASKINGS:
        raise unknown("benchmark with --questions", benchmark, ASKINGS)
    asking, rules = ASKINGS[benchmark], BENCHMARKS[benchmark]
    if task is not None and task not in rules.tasks:
        raise unknown(f"task of {benchmark}", task, rules.tasks or ["none"])
    if subtitles and asking.subtitle_names is None:
        raise InputError(f"--subtitles: {benchmark} has none; leave it out")
    asked = rules.questions(path, rules.question, task)
    if not asked:
        raise InputError(f"{path}: it holds no question")
    seen: set[str] = set()
    for each in asked:
        if each.id in seen:
            raise InputError(f"{path}: question {each.id} stands there twice")
        seen.add(each.id)
        if each.id not in rules.holes or not is_whole_prompt(each):
            check_options(each.options, f"{path}, question {each.id}")
        if not each.video:
            raise InputError(f"{path}, question {each.id}: it names no {asking.kind}")
    return QuestionFile(benchmark, asked, folder, asking.subtitles if subtitles is None else subtitles)
