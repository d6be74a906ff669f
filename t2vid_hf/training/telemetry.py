"""What a run says of itself beside the loss: the loss of each source, the share of visual tokens, fill and speed."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from accelerate.utils import gather_object

from t2vid_hf.training.bad_row_count import BadRowCount
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling


class Telemetry:
    """Sums over the steps since the last log, on the device: nothing is waited for before it is logged.

    Args:
        trainer ([`~trl.SFTTrainer`]): Whose batches are counted.
        collator ([`~t2vid_hf.training.DataCollatorForVideoLanguageModeling`]): That made them.
    """

    def __init__(self, trainer: Any, collator: DataCollatorForVideoLanguageModeling) -> None:
        self._trainer = trainer
        self._media_ids = torch.tensor(collator.encoder.adapter.media_token_ids(collator.encoder.processor))
        self._bad_rows = BadRowCount(trainer)
        trainer.add_callback(self._bad_rows)
        self.total_tokens = 0  # of all ranks, since the run began
        self._reset()

    def _reset(self) -> None:
        self._losses: dict[str, list[torch.Tensor]] = defaultdict(list)
        self._visual: list[torch.Tensor] = []
        self._tokens = self._places = 0
        self._since = time.perf_counter()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """What happens within takes no time of the training's."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._since += time.perf_counter() - start

    def batch(self, inputs: dict[str, Any], lengths: Sequence[int]) -> None:
        """Count a batch: its tokens, those of images, the places for tokens; its bad rows are taken out of it."""
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

    def losses(
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
        if mask.shape[0] > 1 or len(sources) == 1:
            rows = mask.nonzero()[:, 0]  # (scored,)
        else:
            ends = torch.tensor(lengths, device=mask.device).cumsum(0)
            rows = torch.searchsorted(ends, mask.nonzero()[:, 1], right=True)
        kept = rows < len(sources)
        source = numbers[rows[kept]]
        sums = torch.zeros(len(names), 2, device=mask.device)
        losses = -log_probs[0][kept].float()
        sums.index_add_(0, source, torch.stack([losses, torch.ones_like(losses)], dim=1))
        for name, pair in zip(names, sums, strict=True):
            self._losses[name].append(pair)

    def flush(self) -> dict[str, float]:
        """What was counted since the last time, over all ranks, for the log."""
        seconds = time.perf_counter() - self._since
        mine = {
            "losses": {name: torch.stack(pairs).sum(0).tolist() for name, pairs in self._losses.items()},
            "visual": int(torch.stack(self._visual).sum()) if self._visual else 0,
            "tokens": self._tokens,
            "places": self._places,
        }
        self._reset()
        ranks = gather_object([mine])
        tokens = sum(rank["tokens"] for rank in ranks)
        self.total_tokens += tokens
        if not tokens:
            return self._bad_rows.counts()
        logs = {
            **self._bad_rows.counts(),
            "visual_token_share": sum(rank["visual"] for rank in ranks) / tokens,
            "fill": tokens / sum(rank["places"] for rank in ranks),
            "tokens_per_second": tokens / seconds,
        }
        for name in sorted({name for rank in ranks for name in rank["losses"]}):
            total, count = (sum(rank["losses"].get(name, (0, 0))[part] for rank in ranks) for part in (0, 1))
            if count:
                logs[f"loss/{name}"] = total / count
        return logs
