"""`T2VidSFTTrainer`: TRL's `SFTTrainer` for rows of pages, video and text.

What TRL does well is inherited: the fused LM head, loss normalised over ranks and accumulation steps, PEFT, activation
offloading. What it refuses or drops without a word is replaced, and each override says why.
"""

from collections.abc import Mapping
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
from t2vid_hf.training.checkpoint_weights import LoadsPublishedNames
from t2vid_hf.training.collator import collator_of_run
from t2vid_hf.training.epoch_plan import check_plan, plan_epoch
from t2vid_hf.training.found_once import FoundOnce
from t2vid_hf.training.honoured_fields import check_arguments, check_parallelism, hide_packing, shuffle_rows
from t2vid_hf.training.largest_batch import LargestBatch
from t2vid_hf.training.loss_evaluation import LossEvaluation
from t2vid_hf.training.media_free_steps import MediaFreeSteps
from t2vid_hf.training.model_on_loan import ModelOnLoan
from t2vid_hf.training.model_parts import bare_model, what_trains
from t2vid_hf.training.noisy_embeddings import add_noise
from t2vid_hf.training.part_rates import check_optimizers, has_rates, optimizer_by_parts
from t2vid_hf.training.rank_batches import train_batches
from t2vid_hf.training.releasing import Releases
from t2vid_hf.training.row_intake import light_of, take_eval_rows, take_rows
from t2vid_hf.training.rows_taken import RowsTaken, take_up
from t2vid_hf.training.run_facts import RunFacts
from t2vid_hf.training.settled_arguments import settle
from t2vid_hf.training.supervised_head import next_tokens, scored_alone
from t2vid_hf.training.telemetry import Telemetry
from t2vid_hf.training.tuning import freeze, freeze_unused
from t2vid_hf.training.video_setup import set_up


class T2VidSFTTrainer(LoadsPublishedNames, Releases, FoundOnce, SFTTrainer):
    """Fine-tune a vision-language model on a mixture of pages, video and text.

    Args:
        model (`str` or [`~transformers.PreTrainedModel`]): A model of a family in `t2vid_hf.models.ADAPTERS`,
            or the folder or name of its checkpoint, which is loaded with `args.model_init_kwargs`.
        args ([`T2VidSFTConfig`] or [`~trl.SFTConfig`], *optional*): Training arguments; by default those of
            `T2VidSFTConfig("<model>-SFT")`. The fields of a plain one are carried over.
        train_dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`], *optional*): Rows of
            `t2vid_hf.schema.Row`, or of any other set that `t2vid_hf.mixtures.normalise` takes, which are normalised as
            they are read.
        processing_class ([`~transformers.ProcessorMixin`], *optional*): The model's processor, by default from its
            checkpoint; it is set, in place, to one block of tokens a page.
        prices ([`~t2vid_hf.batches.token_cost.Prices`], *optional*): What the training rows cost; computed where they
            are needed (`packing`, sampling by length) and not given. With them the largest batch is known before the
            first step.
        packing_plan ([`~t2vid_hf.batches.packing.PackingPlan`], *optional*): With `packing`, which rows share a
            sequence, also an attribute; `None` plans it from the prices.
        eval_prices ([`~t2vid_hf.batches.token_cost.Prices`] or `dict[str, Prices]`, *optional*): What the rows of
            `eval_dataset` cost, by name where it is a dict; `None` computes it where evaluations pack.
        **kwargs (`Any`): What [`~trl.SFTTrainer`] takes besides; `data_collator` is ours and cannot be given.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a row cannot be taken, the model's family is unknown, or an argument
            contradicts the rows or another.
    """

    def __init__(
        self,
        model: Any,
        args: Any = None,
        *,
        train_dataset: Any = None,
        processing_class: Any = None,
        prices: Prices | None = None,
        packing_plan: PackingPlan | None = None,
        eval_prices: Prices | Mapping[str, Prices] | None = None,
        **kwargs: Any,
    ):
        check_arguments(kwargs)
        model, args, processing_class = settle(model, args, processing_class, kwargs)
        if args.shuffle_dataset and (prices is not None or packing_plan is not None):
            raise InputError("shuffle_dataset would put the rows in another order than prices and plan have them; "
                             "shuffle before they are made, as mixture_seed does")  # fmt: skip
        given, train_dataset = train_dataset, take_rows(shuffle_rows(args, train_dataset), "train_dataset")
        kwargs["eval_dataset"] = take_eval_rows(shuffle_rows(args, kwargs.get("eval_dataset")))
        self.adapter = adapter_for(model.config.model_type)
        set_up(processing_class, self.adapter, args, given)
        self.adapter.configure_model(model.config)
        self._prices = prices
        self._cost = TokenCost(processing_class, self.adapter, policy=args.video_policy(), on_bad_row=args.on_bad_row)
        self._pixel_table = normalisation_table(processing_class)
        if args.ddp_find_unused_parameters is None:
            # Every part runs on every rank in every step (`always_media`), so no graph need be searched for parts that
            # did not. TRL would search it.
            args.ddp_find_unused_parameters = False
        # Ours, because TRL's collator drops video without a word and supervises image placeholders.
        collator = collator_of_run(args, processing_class, self.adapter, self._cost)
        if kwargs.get("peft_config") is None and not isinstance(model, PeftModel):
            tuned = {"vision": args.tune_vision, "connector": args.tune_connector, "language": args.tune_llm}
            freeze(model, self.adapter.parts, **tuned)
        check_optimizers(args, kwargs.get("optimizers"))
        self._given_optimizer = kwargs.get("optimizer_cls_and_kwargs")
        self.facts = RunFacts(bare_model(model).config._name_or_path, (args.model_init_kwargs or {}).get("revision"))
        self.loan = ModelOnLoan(model, self.adapter)
        with self.loan.run(), hide_packing(args):
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
        check_parallelism(self.accelerator.parallelism_config, args)
        freeze_unused(self.model, self.adapter.parts)
        # Else a batch of text alone would have nothing that trains.
        trained = {size.part for size in what_trains(self.model, self.adapter.parts) if size.trainable}
        collator.always_media |= "language" not in trained
        # Ours adds it: the one of transformers takes all rows of a sequence for one.
        self.neftune_noise_alpha = None
        self.loan.lend(self.model, args, sharded=self.is_deepspeed_enabled or self.is_fsdp_enabled)
        self.packing_plan = self._make_plan(packing_plan) if args.packing else None
        self.telemetry = Telemetry(self, collator)
        self._evaluation = LossEvaluation(self, collator, self._cost, prices=eval_prices)
        self.add_callback(LargestBatch(self))
        self.add_callback(MediaFreeSteps(self))
        self.rows_taken = RowsTaken()
        self.add_callback(self.rows_taken)
        self.add_callback(self.facts)

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
            self._prices = self._cost.prices(light_of(self.train_dataset)(), media=self.train_dataset)
        if len(self._prices) != len(self.train_dataset):
            raise InputError(f"{len(self._prices)} prices for {len(self.train_dataset)} rows")
        return self._prices

    # Overridden for packing, for steps that are the same on any number of ranks, and because `Trainer` measures rows by
    # a column of the processor's output, which does not exist before the collator has run.
    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        batches = train_batches(self)
        return super()._get_train_sampler(train_dataset) if batches is None else batches

    # Overridden because pixels travel as uint8: they become values on the device, by the processor's own table. What
    # is no tensor stays aside: each entry of a list would be looked at, in every step.
    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        told = {name: inputs[name] for name in ("sources", "row_lengths", "bad_rows") if name in inputs}
        inputs = super()._prepare_inputs({name: inputs[name] for name in inputs if name not in told}) | told
        made = model_pixels(self.adapter, inputs, self._pixel_table.to(dtype=self.model.dtype))
        return {**inputs, **made}  # in this order: the model must not be given what the pixels were taken out of

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
        bare, packed = self.innermost_model(), "attention_mask" not in inputs
        with self.loan.run(), add_noise(bare, self.args.neftune_noise_alpha, lengths=lengths, packed=packed):
            if return_outputs or self.compute_loss_func is not None or self.label_smoother is not None:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            mask, inputs["shift_labels"] = next_tokens(inputs.pop("labels"))
            with scored_alone(bare, mask) as scored:
                loss = super().compute_loss(model, inputs, False, num_items_in_batch)
        self.telemetry.count_losses(scored[0], mask, sources, lengths)
        return loss

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """Train, or go on from a checkpoint. Overridden because accelerate wraps the forward that it finds."""
        with self.loan.run(training=True):
            return super().train(take_up(self, resume_from_checkpoint), *args, **kwargs)

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate. Overridden for the same reason, and to count what each row scores."""
        with self.loan.run(), self.telemetry.pause(), self._evaluation.counting():
            return self._evaluation.completed(super().evaluation_loop(*args, **kwargs), *args, **kwargs)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """Get the loader. Overridden, as the next two, because `Trainer` has one entry a row and even ranks in mind."""
        return self._evaluation.loader(eval_dataset)

    def get_test_dataloader(self, test_dataset: Any) -> Any:
        """Get the loader of a prediction: that of an evaluation."""
        return self._evaluation.loader(test_dataset)

    def prediction_step(self, model: Any, inputs: Any, prediction_loss_only: bool, ignore_keys: Any = None) -> Any:
        """Score a batch, an entry a row."""
        with self.loan.run():
            return self._evaluation.step(model, inputs, self._prepare_inputs(inputs), prediction_loss_only)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Create the optimizer. Overridden for a learning rate of each part: `Trainer` takes groups from "params"."""
        if self.optimizer is None and has_rates(self.args):
            self.optimizer_cls_and_kwargs: Any = optimizer_by_parts(
                self, self.model if model is None else model, self.adapter.parts, given=self._given_optimizer
            )
        return super().create_optimizer(model)

    # Overridden, as the next one, because all ranks are there, to add up what each has counted: `log` is also called
    # by one alone.
    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        if self.control.should_log and self.state.global_step > self._globalstep_last_logged:
            self.telemetry.gather()
        super()._maybe_log_save_evaluate(*args, **kwargs)

    def _finalize_training(self, *args: Any, **kwargs: Any) -> Any:
        self.telemetry.gather()
        return super()._finalize_training(*args, **kwargs)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log. Overridden to add what the telemetry has counted, and to leave dummies out of the number of tokens."""
        if self.model.training:
            logs = {**logs, **self.telemetry.flush()}
            self._metrics["train"]["num_tokens"] = [self.telemetry.total_tokens]
        super().log(logs, start_time)
