"""A mixture of streams: rows are read as they are needed, from the Hub or from disk, by share.

For sets that do not fit on the disk. What a stream cannot know beforehand it cannot promise: parts have shares, not
counts, rows come in their files' order, and the mixture ends with the first part that runs out. It resumes with
`state_dict`, row for row.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from t2vid_hf.data.page_columns import with_pages
from t2vid_hf.data.undecoded import draw_described, keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.light_rows import has_our_columns, take_columns, turns_with_fields
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.video_ways import remember_parts
from t2vid_hf.schema import Row
from t2vid_hf.schema import features as schema_features


@dataclass(frozen=True)
class StreamedMixture:
    """A mixture of streams.

    Args:
        dataset (`datasets.IterableDataset`): Rows as [`~t2vid_hf.mixtures.mixing.Mixture`] has them; images come as
            `{"bytes", "path"}`, not decoded. Has `state_dict()` and `load_state_dict(...)`.
        dropped (`dict[str, Counter[str]]`): For each part, why rows were left out so far. Counted in the process that
            iterates: with data loader workers, theirs are not seen here.
    """

    dataset: Any
    dropped: dict[str, Counter[str]]


@dataclass
class _Normalise:
    part: MixturePart

    def __call__(self, row: Mapping[str, Any], index: int) -> Row:
        return self.part.row(draw_described(row), index, take_frames=self.part.take_frames)


@dataclass
class _Keep:
    part: MixturePart
    dropped: Counter[str] = field(default_factory=Counter)

    def __call__(self, row: Any) -> bool:
        reason = self.part.reason_to_drop(row)
        if reason is not None:
            self.dropped[reason] += 1
        return reason is None

    def __deepcopy__(self, memo: Any) -> "_Keep":
        return self  # `datasets` copies a stream at each step of the way; the counts must stay the caller's


def load_streamed(parts: Sequence[MixturePart], *, seed: int = 0) -> StreamedMixture:
    """Open the parts as streams and mix them. See [`mix_streams`].

    Args:
        parts (`Sequence[MixturePart]`): The parts, each with a share.
        seed (`int`, *optional*, defaults to `0`): The seed that decides which part the next row comes from.
    """
    from datasets import load_dataset

    streams = []
    for part in parts:
        try:
            stream = load_dataset(part.path, part.name, split=part.split, revision=part.revision, streaming=True)
        except (FileNotFoundError, ConnectionError, ValueError) as error:
            raise InputError(f"data set '{part.path}', config '{part.name}', split '{part.split}': {error}") from None
        streams.append((part, stream))
    return mix_streams(streams, seed)


def mix_streams(parts: Sequence[tuple[MixturePart, Any]], seed: int) -> StreamedMixture:
    """Mix streams by share.

    Args:
        parts (`Sequence[tuple[MixturePart, datasets.IterableDataset]]`): Each part, with a share, and its rows.
        seed (`int`): The seed that decides which part the next row comes from.

    Returns:
        [`StreamedMixture`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: no parts, or a part with a count or an `eval_split`.
    """
    from datasets import Features, Image, List, Value, interleave_datasets

    if not parts:
        raise InputError("the mixture has no parts; give at least one")
    counted = [part.label for part, _ in parts if part.share is None]
    if counted:
        raise InputError(f"part '{counted[0]}' has a count, and a stream does not know its rows: give it a share")
    evaluated = [part.label for part, _ in parts if part.eval_split is not None]
    if evaluated:
        raise InputError(
            f"part '{evaluated[0]}' has an eval_split, which a mixture of streams does not read; open it as a stream "
            f"of its own, and give it to the trainer as eval_dataset"
        )
    parts = [(part, stream if stream.features is None else with_pages(stream)) for part, stream in parts]
    # Given, because `interleave_datasets` would read the head of each stream to find them out.
    columns = Features({**schema_features(), "images": List(Image(decode=False)), **take_columns()})
    if not all(has_our_columns(stream.features) for _, stream in parts):  # their rows may have what ours have not
        more = {"messages": turns_with_fields(), "tools": Value("string"), "learn_from": Value("int32")}
        columns = Features({**columns, **more})
    streams, dropped = [], {}
    for part, stream in parts:
        keep = _Keep(part)
        dropped[part.label] = keep.dropped
        old = list(stream.features or ()) or None
        rows = keep_undecoded(stream).map(_Normalise(part), with_indices=True, remove_columns=old, features=columns)
        streams.append(rows.filter(keep))
    total = sum(part.share or 0.0 for part, _ in parts)
    mixed = interleave_datasets(
        streams,
        probabilities=[(part.share or 0.0) / total for part, _ in parts],
        seed=seed,
        stopping_strategy="first_exhausted",
    )
    remember_parts(mixed, parts)
    return StreamedMixture(mixed, dropped)
