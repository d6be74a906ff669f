"""Evaluation beside training: the rows that training takes, an entry a row, the loss of each source, on any ranks.

`Trainer`'s own loop runs, which has one entry a row in mind, batches of one size on every rank, and the mean of the
batches' losses for the loss. Here a batch has what rows it has; each rank gives what its rows scored, the loss is the
mean over all learned tokens, and dummies count nowhere.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from accelerate.utils import gather_object, recursively_apply
from transformers.trainer_utils import EvalLoopOutput

from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.evaluation_batches import check_packs, evaluation_loader, fill_in_order
from t2vid_hf.training.model_parts import bare_model
from t2vid_hf.training.row_intake import light_of, take_rows
from t2vid_hf.training.row_scores import CORRECT, ENTROPY, LOSS, TOKENS, by_row, score_rows, watched
from t2vid_hf.training.supervised_head import next_tokens


class LossEvaluation:
    """What a trainer's evaluations and predictions do otherwise than `Trainer`'s.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): Whose rows and model they are.
        collator ([`~t2vid_hf.training.DataCollatorForVideoLanguageModeling`]): The one of training.
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): Prices rows that are packed.
        prices ([`~t2vid_hf.batches.token_cost.Prices`] or `dict[str, Prices]`, *optional*): What the rows of
            the trainer's `eval_dataset` cost, by name where it is a dict; `None` computes it where it is needed.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a set lacks columns, has no rows, or cannot be packed and is to be.
    """

    def __init__(
        self,
        trainer: Any,
        collator: DataCollatorForVideoLanguageModeling,
        cost: Any,
        *,
        prices: Prices | Mapping[str, Prices] | None = None,
    ) -> None:
        self._trainer, self._cost, self._prices = trainer, cost, prices
        args = trainer.args
        self._packs = args.packing if args.eval_packing is None else args.eval_packing
        # By default as training does it; that packing is switched off for evaluations alone asks for rows apart.
        self._packed = self._packs or (args.padding_free and args.eval_packing is None)
        # No row is left out of an evaluation.
        self._collator = replace(collator, packed=self._packed, on_bad_row="error", sequences=None)
        self._loaders: dict[int, tuple[Any, Any]] = {}
        self._begin()
        sets = trainer.eval_dataset
        for name, dataset in (sets if isinstance(sets, dict) else {"": sets} if sets is not None else {}).items():
            self._check(dataset, f"evaluation set '{name}'" if name else "evaluation set")

    def _check(self, dataset: Any, name: str) -> None:
        if self._packs:
            check_packs(dataset, name)

    def _begin(self) -> None:
        self._rows = 0  # of the last batch
        self._sources: list[str] = []
        self._scores: list[torch.Tensor] = []
        self._losses: list[torch.Tensor] = []

    def loader(self, given: Any = None) -> Any:
        """The loader of a set of rows.

        Args:
            given (`str`, [`~datasets.Dataset`] or [`~datasets.IterableDataset`], *optional*): The set, or its name
                among the trainer's; the trainer's by default.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is none, or see [`LossEvaluation`].
        """
        trainer = self._trainer
        dataset = trainer.eval_dataset if given is None else given
        prices: Any = self._prices if dataset is trainer.eval_dataset else None
        if isinstance(given, str):
            if given not in trainer.eval_dataset:
                raise unknown("evaluation set", given, trainer.eval_dataset)
            dataset, prices = trainer.eval_dataset[given], (self._prices or {}).get(given)  # type: ignore[union-attr]
        if dataset is None:
            raise InputError("there are no rows to evaluate on; give the trainer an eval_dataset, or evaluate one")
        if id(dataset) in self._loaders:
            return self._loaders[id(dataset)][1]
        name = f"evaluation set '{given}'" if isinstance(given, str) else "evaluation set"
        asked, dataset = dataset, take_rows(dataset, name)
        self._check(dataset, name)
        with trainer.telemetry.pause():
            bins = self._bins(dataset, prices, name) if self._packs else None
        device = trainer.accelerator.device
        loader = evaluation_loader(dataset, trainer.args, collator=self._collator, device=device, bins=bins)
        if trainer.args.dataloader_persistent_workers:
            self._loaders[id(asked)] = asked, loader  # the set as well, or its id might become another's
        return loader

    def _bins(self, dataset: Any, prices: Prices | None, name: str) -> Sequence[range]:
        try:
            light = light_of(dataset)()
        except InputError:
            light = None
        if prices is None:
            if light is None:
                raise InputError(
                    f"the {name} is read through a transform, so its rows cannot be priced to pack them; give "
                    f"eval_prices=TokenCost(...).prices(mixture), or set eval_packing: false"
                )
            prices = self._cost.prices(light, media=dataset)
        if len(prices) != len(dataset):
            raise InputError(f"{len(prices)} prices for {len(dataset)} rows of the {name}")
        names = None
        if light is not None and "id" in light.column_names:
            names = [f"row '{key}' of the {name}" for key in light.select_columns("id").with_format(None)["id"]]
        args = self._trainer.args
        return fill_in_order(prices, max_tokens=args.max_length, max_images=args.max_images, names=names)

    def step(self, model: Any, batch: dict[str, Any], inputs: dict[str, Any], loss_only: bool) -> tuple[Any, Any, Any]:
        """What `Trainer.prediction_step` gives, an entry a row.

        Args:
            model (`nn.Module`): As it is called, wrapped or not.
            batch (`dict[str, Any]`): As the loader made it. Where metrics want inputs, its `input_ids` are then a row
                each.
            inputs (`dict[str, Any]`): The same, prepared for the model.
            loss_only (`bool`): Without logits and labels.

        Returns:
            `tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]`: each row's mean negative log-likelihood, of
            shape `(rows,)`; its logits and its labels, with a dummy's behind them, which is left out where
            ranks are gathered.
        """
        trainer = self._trainer
        lengths, labels = inputs["row_lengths"], inputs["labels"]
        packed = "attention_mask" not in inputs
        mask, _ = next_tokens(labels)
        logits = None
        bare = bare_model(trainer.accelerator.unwrap_model(trainer.model))
        with torch.no_grad(), trainer.compute_loss_context_manager():
            with watched(bare) as seen:
                loss = trainer.compute_loss(model, inputs)
            if not loss_only:
                # As in TRL: the head that scores has no logits, so that they take another forward.
                others = {key: inputs[key] for key in inputs if key not in ("labels", "sources", "row_lengths")}
                logits = by_row(model(**others, use_cache=False).logits, lengths, packed=packed)
        scores = score_rows(seen[-1], mask, lengths)  # (rows, 4)
        self._rows = len(lengths)
        self._sources += inputs["sources"]
        self._scores.append(scores)
        self._losses.append(torch.stack([loss.detach().mean().float(), scores[:, TOKENS].sum()]))
        if "inputs" in trainer.args.include_for_metrics:
            batch["input_ids"] = by_row(inputs["input_ids"], lengths, packed=packed)
        if loss_only:
            return scores[:, LOSS] / scores[:, TOKENS], None, None
        return scores[:, LOSS] / scores[:, TOKENS], logits, by_row(labels, lengths, packed=packed)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Inside, the trainer's loop gathers rows, and what they scored is kept for [`~LossEvaluation.metrics`]."""
        self._begin()
        trainer = self._trainer
        trainer.gather_function = self._gather  # `Trainer` puts its own back behind each loop
        try:
            yield
        finally:
            trainer.gather_function = trainer.accelerator.gather_for_metrics
            # TRL's means over batches, of whatever size and of dummies too; `metrics` has them over tokens.
            trainer._metrics["eval"].clear()
            self._begin()

    def _gather(self, given: Any) -> Any:
        """The last batch's rows of all ranks, in order; there may be more or fewer of them on each."""
        return recursively_apply(self._gather_one, given)

    def _gather_one(self, tensor: torch.Tensor) -> torch.Tensor:
        accelerator = self._trainer.accelerator
        mine = torch.atleast_1d(tensor)[: self._rows].contiguous()
        if accelerator.num_processes == 1:
            return mine
        counts = accelerator.gather(torch.tensor([len(mine)], device=mine.device)).tolist()
        most = max(counts)
        padded = mine.new_zeros(most, *mine.shape[1:])
        padded[: len(mine)] = mine
        gathered = accelerator.gather(padded)
        return torch.cat([gathered[rank * most :][:count] for rank, count in enumerate(counts)])

    def completed(
        self,
        output: Any,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: Any = None,
        metric_key_prefix: str = "eval",
    ) -> Any:
        """What the trainer's loop gave (an `EvalLoopOutput`), called with the rest, and [`~LossEvaluation.metrics`]."""
        metrics, num_samples = self.metrics(metric_key_prefix)
        return EvalLoopOutput(output.predictions, output.label_ids, {**output.metrics, **metrics}, num_samples)

    def metrics(self, prefix: str) -> tuple[dict[str, float], int]:
        """The numbers of all ranks, and the rows that they are of.

        Args:
            prefix (`str`): Stands before each name, such as `"eval"`.

        Returns:
            `tuple[dict[str, float], int]`: the loss, that of each source, entropy, accuracy by token, and the tokens
            trained on until now.
        """
        sums: dict[str, torch.Tensor] = defaultdict(lambda: torch.zeros(4, dtype=torch.float64))
        scores = torch.cat(self._scores).double().cpu() if self._scores else torch.zeros(0, 4)
        for source, row in zip(self._sources, scores, strict=True):
            sums[source] += row
        losses = torch.stack(self._losses).double().cpu() if self._losses else torch.zeros(0, 2)
        mine = {"rows": len(scores), "sums": {name: each.tolist() for name, each in sums.items()},
                "losses": losses[losses[:, 1] > 0].tolist()}  # fmt: skip
        ranks = gather_object([mine])
        found = {f"{prefix}_num_tokens": float(self._trainer.telemetry.tokens_until_now())}
        batches = torch.tensor([pair for rank in ranks for pair in rank["losses"]], dtype=torch.float64).reshape(-1, 2)
        finite = batches[:, 0].isfinite()
        if self._trainer.args.logging_nan_inf_filter and finite.any() and not finite.all():
            found[f"{prefix}_batches_without_loss"] = float((~finite).sum())
            batches = batches[finite]
        if len(batches):
            found[f"{prefix}_loss"] = float(batches.prod(1).sum() / batches[:, 1].sum())
        by_source = {
            name: torch.tensor([rank["sums"][name] for rank in ranks if name in rank["sums"]]).sum(0)
            for name in sorted({name for rank in ranks for name in rank["sums"]})
        }
        found |= {f"{prefix}_loss/{name}": float(each[LOSS] / each[TOKENS]) for name, each in by_source.items()}
        if by_source:
            total = torch.stack(list(by_source.values())).sum(0)
            found[f"{prefix}_entropy"] = float(total[ENTROPY] / total[TOKENS])
            found[f"{prefix}_mean_token_accuracy"] = float(total[CORRECT] / total[TOKENS])
        return found, sum(rank["rows"] for rank in ranks)
