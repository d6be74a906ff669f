"""The rows that a run evaluates on: those that its mixture held out, and those of its parts' evaluation splits."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from t2vid_hf.data.repository import read_split
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import CountTokens, Mixture, PartCount, Pick, fetched, find_usable
from t2vid_hf.mixtures.parts import MixturePart


def evaluation_mixture(mixture: Mixture, *, count_tokens: CountTokens | None = None) -> Mixture | None:
    """The rows to evaluate a mixture's training on.

    They are the rows of each part's `eval_split`, all that its filters keep, or else those that were held out of it.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): What is trained on.
        count_tokens (`Callable[[str], int]`, *optional*): Tokens of a text; needed where a part has a `filter`.

    Returns:
        [`~t2vid_hf.mixtures.mixing.Mixture`] or `None`: in the order of the parts and of their rows; `None` where no
        part has an `eval_split` and nothing was held out.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a split has no rows, or one that is trained on.
    """
    parts: list[tuple[MixturePart, Any]] = []
    picks: list[Pick] = []
    counts: list[PartCount] = []
    trained = set(mixture.ids)
    for number, (part, dataset) in enumerate(mixture.parts):
        if part.eval_split is not None:
            part, dataset, taken, count = _split(part, trained, count_tokens)
        else:
            taken = [pick for pick in mixture.held_out if pick.part == number]
            count = PartCount(f"{part.label}, held out", len(taken), len(taken))
        if taken:
            picks += [replace(pick, part=len(parts)) for pick in taken]
            parts.append((part, dataset))
            counts.append(count)
    return Mixture(fetched(parts, picks), tuple(picks), tuple(counts)) if parts else None


def _split(
    part: MixturePart, trained: set[str], count_tokens: CountTokens | None
) -> tuple[MixturePart, Any, Sequence[Pick], PartCount]:
    split = part.eval_split or part.split
    dataset = read_split(part.path, part.name, split, revision=part.revision)
    own = replace(part, split=split, eval_split=None)
    ((positions, dropped),) = find_usable([(own, dataset)], count_tokens)
    # Rows without ids are numbered anew in each split.
    both = trained & set(positions) if "id" in dataset.column_names else set()
    if both:
        raise InputError(
            f"part '{part.label}': the row '{min(both)}' of its eval_split '{split}' is trained on as well "
            f"({len(both)} in all); give a split of other rows, or use eval_share"
        )
    if not positions:
        raise InputError(f"part '{part.label}': none of the {len(dataset)} rows of its eval_split '{split}' is usable")
    picks = [Pick(name, 0, position, part.take_frames) for name, position in positions.items()]
    return own, dataset, picks, PartCount(f"{part.label}, {split}", len(dataset), len(picks), dict(dropped))
