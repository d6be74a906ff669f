"""`T2VidSFTTrainer`: TRL's `SFTTrainer` for rows of pages, video and text.

What TRL does well is inherited: the fused LM head, loss normalised over ranks and accumulation steps, PEFT, activation
offloading, model cards. What it refuses or drops without a word is replaced, and each override says why.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from datasets import IterableDataset
from peft import PeftModel
from trl import SFTTrainer

from t2vid_hf.batches.packing import PackingPlan
from t2vid_hf.batches.pixels import model_pixels, normalisation_table
from t2vid_hf.batches.token_cost import Prices, TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.training.collator import check_rows, collator_of_run, set_up
from t2vid_hf.training.epoch_plan import PlanSampler, check_plan, length_sampler, plan_epoch, sampling_seed
from t2vid_hf.training.forward_patches import ForwardPatches, run_without_grad
from t2vid_hf.training.largest_batch import LargestBatch
from t2vid_hf.training.model_parts import bare_model
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.supervised_head import next_tokens, scored_alone
from t2vid_hf.training.telemetry import Telemetry
from t2vid_hf.training.tuning import (
    check_optimizer,
    freeze,
    freeze_unused,
    frozen_vision,
    parameter_groups,
    train_in_float32,
)


class T2VidSFTTrainer(SFTTrainer):
    """Fine-tune a vision-language model on a mixture of pages, video and text.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model, of a family in `t2vid_hf.models.ADAPTERS`.
        args ([`T2VidSFTConfig`]): Training arguments.
        train_dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): Rows of `t2vid_hf.schema.Row`.
        processing_class ([`~transformers.ProcessorMixin`]): The model's processor; it is set, in place, to one block
            of tokens a page.
        prices ([`~t2vid_hf.batches.token_cost.Prices`], *optional*): What the training rows cost; `None` computes it
            where it is needed (`packing`, sampling by length). If known, the largest batch is told before step 0.
        packing_plan ([`~t2vid_hf.batches.packing.PackingPlan`], *optional*): With `packing`, which rows share a
            sequence, also an attribute; `None` plans it from the prices.
        **kwargs (`Any`): What [`~trl.SFTTrainer`] takes besides; `data_collator` is ours and cannot be given.

    Raises:
        [`~t2vid_hf.errors.InputError`]: columns are missing, the model's family is unknown, or an argument
            contradicts the rows.
    """

    def __init__(
        self,
        model: Any,
        *,
        args: T2VidSFTConfig,
        train_dataset: Any,
        processing_class: Any,
        prices: Prices | None = None,
        packing_plan: PackingPlan | None = None,
        **kwargs: Any,
    ):
        check_rows(train_dataset, processing_class)
        self.adapter = adapter_for(model.config.model_type)
        set_up(processing_class, self.adapter, args)
        self.adapter.configure_model(model.config)
        self._prices = prices
        self._cost = TokenCost(processing_class, self.adapter, policy=args.video_policy())
        self._pixel_table = normalisation_table(processing_class)
        if args.ddp_find_unused_parameters is None:
            # Every part runs on every rank in every step (`always_media`), so no graph need be searched for parts that
            # did not. TRL would search it.
            args.ddp_find_unused_parameters = False
        # Ours, because TRL's collator drops video without a word and supervises image placeholders.
        collator = collator_of_run(args, processing_class, self.adapter)
        if kwargs.get("peft_config") is None and not isinstance(model, PeftModel):
            tuned = {"vision": args.tune_vision, "connector": args.tune_connector, "language": args.tune_llm}
            freeze(model, self.adapter.parts, **tuned)
        # TRL sets its fused head on the model for good; here it is there while the trainer runs.
        self._forwards = ForwardPatches([bare_model(model)])
        with self._forwards.in_place(), _hide_packing(args):
            super().__init__(
                model=model,
                args=args,
                train_dataset=train_dataset,
                processing_class=processing_class,
                data_collator=collator,
                **kwargs,
            )
        # TRL's loss takes the number of tokens of all accumulation steps, whatever the model's own forward takes:
        # without this a Qwen-VL's micro-batches would count alike, however few tokens of them are learned.
        self.model_accepts_loss_kwargs = True
        self._settle_model()
        self.packing_plan = self._make_plan(packing_plan) if args.packing else None
        self.telemetry = Telemetry(self, collator)
        self.add_callback(LargestBatch(self))

    def _settle_model(self) -> None:
        """Freeze what no forward uses, run a frozen tower without gradients, and keep what trains in float32."""
        self._forwards.add(self.model)  # PEFT's, on which accelerate sets its autocast
        freeze_unused(self.model, self.adapter.parts)
        self._frozen = run_without_grad(frozen_vision(self.model, self.adapter.parts))
        if (self.args.bf16 or self.args.fp16) and not (self.is_deepspeed_enabled or self.is_fsdp_enabled):
            train_in_float32(self.model)

    def _make_plan(self, given: PackingPlan | None) -> PackingPlan:
        if isinstance(self.train_dataset, IterableDataset):
            raise InputError("packing plans an epoch from the prices of its rows, which a stream does not know; leave "
                             "packing false: padding_free needs no plan")  # fmt: skip
        if given is None:
            return plan_epoch(self.args, self.prices)
        check_plan(given, self.args, len(self.train_dataset))
        return given

    @property
    def has_prices(self) -> bool:
        """Whether the rows' prices are known: they were given, or were needed."""
        return self._prices is not None

    @property
    def prices(self) -> Prices:
        """What each row of the training set costs."""
        if self._prices is None:
            if "messages" not in self.train_dataset.column_names:
                raise InputError("the training set is read through a transform, so its rows cannot be priced here; "
                                 "give prices=price_mixture(mixture, TokenCost(...))")  # fmt: skip
            self._prices = self._cost.prices(self.train_dataset)
        if len(self._prices) != len(self.train_dataset):
            raise InputError(f"{len(self._prices)} prices for {len(self.train_dataset)} rows")
        return self._prices

    # Overridden for packing, and because `Trainer` measures rows by a column of the processor's output, which does not
    # exist before the collator has run.
    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        args = self.args
        if self.packing_plan is not None:
            steps = self.packing_plan.num_steps
            return PlanSampler(
                self.packing_plan,
                rank=args.process_index,
                bins_per_batch=args.per_device_train_batch_size,
                epoch=lambda: self.state.global_step // steps,
                seed=sampling_seed(args),
            )
        if args.train_sampling_strategy in ("group_by_length", "batch_rebalance"):
            return length_sampler(args, self.prices.tokens.tolist())
        return super()._get_train_sampler(train_dataset)

    # Overridden because pixels travel as uint8: they become values on the device, by the processor's own table.
    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        inputs = super()._prepare_inputs(dict(inputs))
        return {**inputs, **model_pixels(self.adapter, inputs, self._pixel_table.to(dtype=self.model.dtype))}

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of a batch; the arguments are those of [`~transformers.Trainer`].

        Overridden to score the supervised positions alone (TRL's head does so on CUDA only, and image tokens are up to
        99 % of a row), and to tell the losses of the sources apart.
        """
        inputs = dict(inputs)
        sources, lengths = inputs.pop("sources"), inputs.pop("row_lengths")
        self.telemetry.count_batch(inputs, lengths)
        with self._patch_forwards():
            if return_outputs or self.compute_loss_func is not None or self.label_smoother is not None:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            mask, inputs["shift_labels"] = next_tokens(inputs.pop("labels"))
            with scored_alone(bare_model(self.accelerator.unwrap_model(self.model)), mask) as scored:
                loss = super().compute_loss(model, inputs, False, num_items_in_batch)
        self.telemetry.count_losses(scored[0], mask, sources, lengths)
        return loss

    @contextlib.contextmanager
    def _patch_forwards(self) -> Iterator[None]:
        """The forwards of TRL, accelerate and a frozen tower are on the model inside, and inside alone."""
        bare = bare_model(self.accelerator.unwrap_model(self.model))
        with self._forwards.in_place(), self._frozen.in_place(), self.adapter.while_running(bare):
            yield

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train. Overridden because accelerate wraps the forward that it finds when it prepares the model."""
        with self._patch_forwards():
            return super().train(*args, **kwargs)

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate. Overridden for the same reason."""
        with self._patch_forwards():
            return super().evaluation_loop(*args, **kwargs)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Create the optimizer. Overridden for a learning rate of each part: `Trainer` takes groups from "params"."""
        args = self.args
        if self.optimizer is None and (args.vision_learning_rate, args.connector_learning_rate) != (None, None):
            wanted = self.model if model is None else model
            kind, settings = self.get_optimizer_cls_and_kwargs(args, wanted)
            check_optimizer(kind, settings, name=args.optim)
            groups = parameter_groups(
                wanted,
                self.adapter.parts,
                learning_rate=args.learning_rate,
                vision_learning_rate=args.vision_learning_rate,
                connector_learning_rate=args.connector_learning_rate,
                weight_decay=args.weight_decay,
                decay_names=self.get_decay_parameter_names(wanted),
            )
            self.optimizer_cls_and_kwargs: Any = (kind, {**settings, "params": groups})
        return super().create_optimizer(model)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log. Overridden to add what the telemetry has counted, and to leave dummies out of the number of tokens."""
        if self.model.training:
            logs = {**logs, **self.telemetry.flush()}
            self._metrics["train"]["num_tokens"] = [self.telemetry.total_tokens]
        super().log(logs, start_time)


@contextlib.contextmanager
def _hide_packing(args: T2VidSFTConfig) -> Iterator[None]:
    """Hide packing from TRL, which refuses it where rows have images, because its own collator cannot."""
    wanted = args.packing, args.padding_free
    args.packing = args.padding_free = False
    try:
        yield
    finally:
        args.packing, args.padding_free = wanted
