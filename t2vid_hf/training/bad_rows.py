"""Rows that cannot be encoded: an error, or left out of their batch and told of.

A row that is left out leaves nothing in its place: its bin is shorter, and a batch of nothing is a dummy row. So the
plan of an epoch stays that of every rank, and a resumed run goes on with it. The price: what is left out is found
where it is decoded, in the workers, and not before the run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from t2vid_hf.batches.encoding import Encoded
from t2vid_hf.batches.media import MediaError
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.schema import Row

ON_BAD_ROW = ("error", "drop")
TOO_LONG, MISPRICED, UNUSABLE = "too_long", "mispriced", "unusable"


@dataclass(frozen=True)
class BadRow:
    """A row that was left out.

    Args:
        id (`str`): The row's.
        reason (`str`): "picture" or "video", which do not decode; "too_long"; "mispriced", whose sequence it overfills;
            or "unusable": its blocks and media do not agree, or it has nothing to learn.
        message (`str`): What the error would have said.
    """

    id: str
    reason: str
    message: str


class RowError(InputError):
    """A row that is longer than `max_length`, or than its price.

    Args:
        message (`str`): What is wrong.
        reason (`str`, *optional*, defaults to `TOO_LONG`): `TOO_LONG` or `MISPRICED`.
    """

    # A default, because a worker's errors are made anew from their message alone.
    def __init__(self, message: str, reason: str = TOO_LONG) -> None:
        super().__init__(message)
        self.reason = reason


def encode_rows(
    rows: Sequence[Row], encode: Callable[[Row], Encoded], *, on_bad_row: str
) -> tuple[list[Row], list[Encoded], list[BadRow]]:
    """Encode rows, and tell apart those that cannot be.

    Args:
        rows (`Sequence[Row]`): The rows of a batch.
        encode (`Callable[[Row], Encoded]`): Raises an `InputError` for a bad one.
        on_bad_row (`str`): "error" passes it on, "drop" leaves the row out.

    Returns:
        `tuple[list[Row], list[Encoded], list[BadRow]]`: the rows that are good, each encoded, and the others.
    """
    good: list[Row] = []
    encoded: list[Encoded] = []
    bad: list[BadRow] = []
    for row in rows:
        try:
            encoded.append(encode(row))
        except InputError as error:
            if on_bad_row == "error":
                raise
            bad.append(BadRow(str(row["id"]), _reason(error), " ".join(str(error).split())))
        else:
            good.append(row)
    return good, encoded, bad


def _reason(error: InputError) -> str:
    if isinstance(error, MediaError):
        return error.medium
    return error.reason if isinstance(error, RowError) else UNUSABLE


def sequences_filled(sizes: Sequence[tuple[int, int]], *, max_tokens: int, max_images: int | None = None) -> int:
    """How many sequences rows fill, one behind the other.

    Args:
        sizes (`Sequence[tuple[int, int]]`): Tokens and images of each row.
        max_tokens (`int`): The most tokens of a sequence.
        max_images (`int`, *optional*): The most images of a sequence.

    Example:

    ```python
    >>> from t2vid_hf.training.bad_rows import sequences_filled
    >>> sequences_filled([(60, 1), (40, 1), (50, 2)], max_tokens=100)
    2

    ```
    """
    filled, tokens, images = min(1, len(sizes)), 0, 0
    for row_tokens, row_images in sizes:
        tokens, images = tokens + row_tokens, images + row_images
        if tokens > max_tokens or (max_images is not None and images > max_images):
            filled, tokens, images = filled + 1, row_tokens, row_images
    return filled


class SequenceCheck:
    """Holds the rows of a batch to the sequences that they were packed into, by what they are and not what they cost.

    A row that says less frames than its video has is priced too low, and overfills its sequence: memory runs out hours
    later, at another row.

    Args:
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What priced the rows.
        sequences (`int`): How many a batch has.
        max_tokens (`int`): The most tokens of a sequence.
        max_images (`int`, *optional*): The most images of a sequence.
    """

    def __init__(self, cost: TokenCost, *, sequences: int, max_tokens: int, max_images: int | None = None) -> None:
        self._cost, self._sequences = cost, sequences
        self._max_tokens, self._max_images = max_tokens, max_images

    def overfull(self, encoded: Sequence[Encoded]) -> bool:
        """Whether rows fill more sequences than there are."""
        sizes = [(len(each), each.num_images) for each in encoded]
        filled = sequences_filled(sizes, max_tokens=self._max_tokens, max_images=self._max_images)
        return filled > self._sequences

    def misprice(self, row: Row, encoded: Encoded) -> str | None:
        """What is wrong with a row that is longer than its price; `None` where it is not.

        Args:
            row ([`~t2vid_hf.schema.Row`]): The row.
            encoded ([`~t2vid_hf.batches.encoding.Encoded`]): The same, encoded.
        """
        priced = self._cost.price(row)
        if len(encoded) <= priced:
            return None
        return (
            f"row '{row['id']}' is priced at {priced} tokens by its num_frames={row['num_frames']}, and has "
            f"{len(encoded)} with {encoded.num_images} images: it overfills its sequence of {self._max_tokens} "
            f"tokens; count its frames anew"
        )

    def mispriced(self, rows: Sequence[Row], encoded: Sequence[Encoded]) -> list[BadRow]:
        """The rows of an overfull batch that are longer than their price.

        Args:
            rows (`Sequence[Row]`): The rows of the batch.
            encoded (`Sequence[Encoded]`): Each of them, encoded.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is none, so that the plan is of other prices.
        """
        told = [(str(row["id"]), self.misprice(row, each)) for row, each in zip(rows, encoded, strict=True)]
        wrong = [BadRow(name, MISPRICED, message) for name, message in told if message is not None]
        if not wrong:
            names = ", ".join(f"'{row['id']}' {len(each)}" for row, each in zip(rows, encoded, strict=True))
            raise InputError(
                f"rows {names} tokens do not fit into {self._sequences} sequences of {self._max_tokens} tokens, though "
                f"each has its price: the plan was made from other prices; give prices of these rows"
            )
        return wrong


def sequence_check(cost: TokenCost, args: Any) -> SequenceCheck | None:
    """With packing, what holds a batch to the sequences that its rows were packed into.

    Args:
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices the rows.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
    """
    if not args.packing:
        return None
    return SequenceCheck(
        cost, sequences=args.per_device_train_batch_size, max_tokens=args.max_length, max_images=args.max_images
    )
