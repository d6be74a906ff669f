"""What a run says of itself beside the loss: the loss of each source, the share of visual tokens, fill and speed."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from accelerate.utils import gather_object

from t2vid_hf.training.bad_row_count import BadRowCount
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.row_scores import rows_of_positions


class Telemetry:
    """Sums over the steps since the last log, on the device: nothing is waited for before it is logged.

    Args:
        trainer ([`~trl.SFTTrainer`]): The trainer whose batches are counted.
        collator ([`~t2vid_hf.training.DataCollatorForVideoLanguageModeling`]): What made them.

    Attributes:
        total_tokens (`int`): Tokens of all ranks since the run began, without those of dummies.
    """

    def __init__(self, trainer: Any, collator: DataCollatorForVideoLanguageModeling) -> None:
        self._trainer = trainer
        self._media_ids = torch.tensor(collator.encoder.adapter.media_token_ids(collator.encoder.processor))
        self.total_tokens = 0
        self._gathered: dict[str, float] = {}
        self._bad_rows = BadRowCount(trainer)
        trainer.add_callback(self._bad_rows)
        self._reset()

    def _reset(self) -> None:
        self._losses: dict[str, list[torch.Tensor]] = defaultdict(list)
        self._visual: list[torch.Tensor] = []
        self._step_begin = 0  # of the step's batches among them
        self._tokens = self._places = 0
        self._since = time.perf_counter()

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Stop the clock, and count no picture: what happens within is not the training's."""
        start, features = time.perf_counter(), self._trainer.loan.features
        before = None if features is None else (features.pictures, features.hits)
        try:
            yield
        finally:
            if features is not None and before is not None:
                features.pictures, features.hits = before
            self._since += time.perf_counter() - start

    def count_batch(self, inputs: dict[str, Any], lengths: Sequence[int]) -> None:
        """Count a batch: its tokens, those of images, and the places that it had for tokens.

        Args:
            inputs (`dict[str, torch.Tensor]`): What the collator made.
            lengths (`Sequence[int]`): Each row's tokens, a dummy's left out.
        """
        self._bad_rows.note(inputs.pop("bad_rows", ()))
        if not self._trainer.model.training:
            return
        ids = inputs["input_ids"]
        args = self._trainer.args
        self._places += args.max_length * args.per_device_train_batch_size if args.packing else ids.numel()
        # without a dummy, which stands last
        ids = ids[: len(lengths)] if "attention_mask" in inputs else ids[:, : sum(lengths)]
        self._media_ids = self._media_ids.to(ids.device)
        self._visual.append(torch.isin(ids, self._media_ids).sum())
        self._tokens += sum(lengths)

    def count_losses(
        self, log_probs: torch.Tensor, mask: torch.Tensor, sources: Sequence[str], lengths: Sequence[int]
    ) -> None:
        """Add up the losses of a batch by source.

        Args:
            log_probs (`torch.Tensor` of shape `(1, scored)`): What each scored position gave to its next token.
            mask (`torch.Tensor` of shape `(batch, length)`): The positions that were scored, in order.
            sources (`Sequence[str]`): Each row's source, a dummy's left out.
            lengths (`Sequence[int]`): Each row's tokens, a dummy's left out.
        """
        if not self._trainer.model.training or not sources:
            return
        names = sorted(set(sources))
        numbers = torch.tensor([names.index(source) for source in sources], device=mask.device)
        rows = rows_of_positions(mask, lengths)  # (scored,)
        kept = rows < len(sources)  # without a dummy, which stands last
        losses = -log_probs[0][kept].float()
        sums = torch.zeros(len(names), 2, device=mask.device)  # of each source the loss, and how many tokens it is of
        sums.index_add_(0, numbers[rows[kept]], torch.stack([losses, torch.ones_like(losses)], dim=1))
        for name, pair in zip(names, sums, strict=True):
            self._losses[name].append(pair)

    def visual_tokens_of_step(self) -> int:
        """Count the tokens of images of all ranks, which all must call it, since the last call."""
        counted, self._step_begin = self._visual[self._step_begin :], len(self._visual)
        mine = torch.stack(counted).sum() if counted else torch.zeros((), dtype=torch.long)
        return int(self._trainer.accelerator.reduce(mine.to(self._trainer.accelerator.device), reduction="sum"))

    def tokens_until_now(self) -> int:
        """Count the tokens of all ranks since the run began, those that were not logged yet with them.

        Returns:
            `int`: as many on every rank; each has to ask.
        """
        return self.total_tokens + sum(gather_object([self._tokens]))

    def gather(self) -> None:
        """Add up what was counted since the last time, over all ranks, which all must call it, and begin anew."""
        seconds = time.perf_counter() - self._since
        ranks = gather_object([self._take()])
        tokens = sum(rank["tokens"] for rank in ranks)
        self.total_tokens += tokens
        if not tokens:
            return
        self._gathered = {
            "visual_token_share": sum(rank["visual"] for rank in ranks) / tokens,
            "fill": tokens / sum(rank["places"] for rank in ranks),
            "tokens_per_second": tokens / seconds,
            **_hit_share([rank["features"] for rank in ranks]),
            **_mean_losses([rank["losses"] for rank in ranks]),
        }

    def flush(self) -> dict[str, float]:
        """Hand out what was gathered last, once; any rank may call it alone.

        Returns:
            `dict[str, float]`: `visual_token_share`, `fill`, `tokens_per_second`, with `vision_feature_cache` and where
            there were pictures `feature_hit_share`, and `loss/{source}` in nats a token; nothing where no token was
            counted.
        """
        gathered, self._gathered = self._gathered, {}
        return {**gathered, **self._bad_rows.counts()} if gathered else {}

    def _take(self) -> dict[str, Any]:
        """The sums of this rank, which begin anew."""
        features = self._trainer.loan.features
        taken = {
            "losses": {name: torch.stack(pairs).sum(0).tolist() for name, pairs in self._losses.items()},
            "visual": int(torch.stack(self._visual).sum()) if self._visual else 0,
            "tokens": self._tokens,
            "places": self._places,
            "features": (0, 0) if features is None else (features.pictures, features.hits),
        }
        if features is not None:
            features.pictures = features.hits = 0
        self._reset()
        return taken


def _hit_share(ranks: Sequence[tuple[int, int]]) -> dict[str, float]:
    """The share of pictures whose features had not to be computed, over all ranks."""
    pictures, hits = (sum(rank[part] for rank in ranks) for part in (0, 1))
    return {"feature_hit_share": hits / pictures} if pictures else {}


def _mean_losses(ranks: Sequence[Mapping[str, tuple[float, float]]]) -> dict[str, float]:
    """The loss of each source over all ranks, each of which has its sum of losses and its tokens."""
    losses = {}
    for name in sorted({name for rank in ranks for name in rank}):
        total, count = (sum(rank.get(name, (0, 0))[part] for rank in ranks) for part in (0, 1))
        if count:
            losses[f"loss/{name}"] = total / count
    return losses
