"""Why a row is left out: a closed list of reasons, each counted. Nothing is skipped in silence.

A filter is a function of a row that returns `None` to keep it, or one of `REASONS`. The paper's filters are presets;
they only look at the messages and the number of frames, so that no page and no video is read.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Row

TOO_MANY_FRAMES = "more frames than max_frames"
TOO_MANY_TOKENS = "more tokens than max_tokens"
LONG_QUESTION = "a question of too many words"
MEDIA_MISPLACED = "pages or a video outside the first user turn, or not exactly one video"
NO_ANSWER = "no assistant turn"
NOT_SAMPLED = "not sampled: the part's share or count was full"
HELD_OUT = "held out for evaluation"
NOT_PICKED = "not among the ids that the part is to take"
TOO_LARGE = "above max_tokens or max_images of a bin"
REASONS = (
    TOO_MANY_FRAMES,
    TOO_MANY_TOKENS,
    LONG_QUESTION,
    MEDIA_MISPLACED,
    NO_ANSWER,
    NOT_SAMPLED,
    HELD_OUT,
    NOT_PICKED,
    TOO_LARGE,
)
Filter = Callable[[Row], str | None]


def reason_to_drop(row: Row, *, max_frames: int | None) -> str | None:
    """Why a row cannot be trained on; `None` where it can.

    Args:
        row ([`~t2vid_hf.schema.Row`]): The row; only `messages` and `num_frames` are read, and nothing is decoded.
        max_frames (`int` or `None`): The most pages of a row; `None` for no limit. The paper: 65 for Idefics3, 90 or
            100 for MiniCPM-V.

    Returns:
        `str` or `None`: one of `REASONS`.
    """
    if not any(message["role"] == "assistant" for message in row["messages"]):
        return NO_ANSWER
    if max_frames is not None and row["num_frames"] > max_frames:
        return TOO_MANY_FRAMES
    return None


@dataclass(frozen=True)
class FilterPreset:
    """The filters that a model's training data went through.

    Args:
        name (`str`): The preset's key in `PRESETS`.
        max_frames (`int`): The most frames of a row.
        tokens_per_frame (`int`): Tokens that a frame is estimated at.
        max_tokens (`int`): The most tokens of a row: those of its text, and `tokens_per_frame` for each frame.
        question_words (`Mapping[str, int]`, *optional*): For a source, words that a question must stay below; other
            sources have no such limit.
        origin (`str`, *optional*, defaults to `""`): Where the numbers come from.
    """

    name: str
    max_frames: int
    tokens_per_frame: int
    max_tokens: int
    question_words: Mapping[str, int] = field(default_factory=dict)
    origin: str = ""

    def __post_init__(self) -> None:
        for key, value in (("max_frames", self.max_frames), ("max_tokens", self.max_tokens)):
            if value < 1:
                raise InputError(f"filter '{self.name}': {key} is {value}; it must be at least 1")
        if self.tokens_per_frame < 0 or min(self.question_words.values(), default=1) < 1:
            raise InputError(f"filter '{self.name}': tokens_per_frame and question_words must not be negative")

    @classmethod
    def named(cls, name: str) -> "FilterPreset":
        """A preset by its name.

        Args:
            name (`str`): A key of `PRESETS`.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is none of this name.
        """
        if name not in PRESETS:
            raise unknown("filter preset", name, PRESETS)
        return PRESETS[name]

    def reason(self, row: Row, count_tokens: Callable[[str], int]) -> str | None:
        """Why the original would have left a row out; `None` where it would have kept it.

        Args:
            row ([`~t2vid_hf.schema.Row`]): The row; only `messages`, `source`, `media` and `num_frames` are read.
            count_tokens (`Callable[[str], int]`): Tokens of a text. The original took its model's tokenizer:
                `lambda text: len(tokenizer(text).input_ids)`.

        Returns:
            `str` or `None`: one of `REASONS`; the first that holds, in the order of the original's checks.

        Example:

        ```python
        >>> from t2vid_hf.mixtures.filters import FilterPreset
        >>> from t2vid_hf.schema import conversation, media_block
        >>> messages = conversation([media_block("image")] * 60, "Who?", "The keeper.")
        >>> row = {"messages": messages, "source": "longqlora", "media": "image_sequence", "num_frames": 60}
        >>> FilterPreset.named("t2vid_idefics3").reason(row, lambda text: len(text.split()))
        >>> FilterPreset.named("t2vid_idefics3").reason(row, lambda text: 150)
        'more tokens than max_tokens'

        ```
        """
        reason = reason_to_drop(row, max_frames=self.max_frames)
        if reason is not None:
            return reason
        if not media_in_place(row):
            return MEDIA_MISPLACED
        limit = self.question_words.get(row["source"])
        turns = ["".join(block["text"] or "" for block in message["content"]) for message in row["messages"]]
        question = next(turn for turn, message in zip(turns, row["messages"], strict=True) if message["role"] == "user")
        # `split(' ')` is the original's: two spaces make an empty word, a line break makes none.
        if limit is not None and len(question.split(" ")) >= limit:
            return LONG_QUESTION
        # The original counts "<video>" with the text.
        tokens = count_tokens("\n".join(["<video>", *turns])) + self.tokens_per_frame * row["num_frames"]
        return TOO_MANY_TOKENS if tokens > self.max_tokens else None


def media_in_place(row: Row) -> bool:
    """Whether a row's pages, or its one video, stand in its first user turn; text has neither."""
    turns = [message for message in row["messages"] if message["role"] == "user"]
    everywhere = [block["type"] for message in row["messages"] for block in message["content"]]
    in_first_turn = [block["type"] for message in turns[:1] for block in message["content"]]
    images, videos = in_first_turn.count("image"), in_first_turn.count("video")
    if not turns or (everywhere.count("image"), everywhere.count("video")) != (images, videos):
        return False
    if row["media"] == "video":
        return (images, videos) == (0, 1)
    return videos == 0 and (images > 0) == (row["media"] == "image_sequence")


# LongQLoRA and LongAlpaca: the comment in minicpm-filter.py; the sources that Sparrow added have no limit there.
_QUESTION_WORDS = MappingProxyType({"longqlora": 30, "longalpaca": 500})
_CODE = "VITA-MLLM/Sparrow and its history"
PRESETS: dict[str, FilterPreset] = {
    preset.name: preset
    for preset in (
        FilterPreset("t2vid_minicpm", 90, 96, 8192, _QUESTION_WORDS, f"T2Vid, MiniCPM-V-2.5: {_CODE}"),
        FilterPreset(
            "sparrow_minicpm", 100, 96, 10240, _QUESTION_WORDS, f"Sparrow, utils/preprocess/minicpm-filter.py: {_CODE}"
        ),
        FilterPreset("t2vid_idefics3", 65, 169, 10240, _QUESTION_WORDS, f"T2Vid, Idefics3-8B: {_CODE}"),
    )
}


@dataclass(frozen=True)
class FilterReport:
    """What a filter did: `rows == kept + sum(dropped.values())`.

    Args:
        rows (`int`): Rows that it looked at.
        kept (`int`): Rows that it kept.
        dropped (`Mapping[str, int]`): For each of `REASONS` that occurred, how many rows were left out.
    """

    rows: int
    kept: int
    dropped: Mapping[str, int]

    def __str__(self) -> str:
        reasons = "".join(f"; {count}: {reason}" for reason, count in self.dropped.items())
        return f"{self.kept} of {self.rows} rows kept{reasons}"

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        Path(path).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def keep(rows: Iterable[Row], keeps: Filter, *, rejects: str | Path | None = None) -> tuple[list[int], FilterReport]:
    """Which rows a filter keeps.

    Args:
        rows (`Iterable[Row]`): The rows; for speed without `images` and `videos`: `dataset.select_columns([...])`.
        keeps (`Callable[[Row], str | None]`): The filter: `None` for a row to keep, else one of `REASONS`.
        rejects (`str` or `Path`, *optional*): A JSON lines file to write what was left out to: number, reason, and the
            row without its media.

    Returns:
        `tuple[list[int], FilterReport]`: numbers of the rows kept, in order, and the counts.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the filter gives a reason that is not in `REASONS`.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.filters import keep, reason_to_drop
    >>> from t2vid_hf.schema import conversation
    >>> rows = [{"id": str(n), "messages": conversation([], "?", "!"), "num_frames": n} for n in (3, 70, 65)]
    >>> kept, report = keep(rows, lambda row: reason_to_drop(row, max_frames=65))
    >>> kept, print(report)
    2 of 3 rows kept; 1: more frames than max_frames
    ([0, 2], None)

    ```
    """
    kept: list[int] = []
    dropped: Counter[str] = Counter()
    rejected: list[dict[str, Any]] = []
    number = -1
    for number, row in enumerate(rows):
        reason = keeps(row)
        if reason is None:
            kept.append(number)
            continue
        if reason not in REASONS:
            raise unknown("reason of a filter", reason, REASONS)
        dropped[reason] += 1
        if rejects is not None:
            light = {key: value for key, value in row.items() if key not in ("images", "videos")}
            rejected.append({"row": number, "reason": reason, **light})
    if rejects is not None:
        Path(rejects).parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in rejected)
        Path(rejects).write_text(lines, encoding="utf-8")
    return kept, FilterReport(number + 1, len(kept), {reason: dropped[reason] for reason in REASONS if dropped[reason]})
