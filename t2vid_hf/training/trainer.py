"""`T2VidSFTTrainer`: TRL's `SFTTrainer` for rows of pages, video and text.

What TRL does well is inherited: the fused LM head, loss normalised over ranks and accumulation steps, PEFT, model
cards. What it refuses or drops without a word is replaced, and each override says why.
"""

from typing import Any

from trl import SFTTrainer

from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import COLUMNS
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.config import T2VidSFTConfig


class T2VidSFTTrainer(SFTTrainer):
    """Fine-tune a vision-language model on a mixture of pages, video and text.

    Args:
        model ([`~transformers.PreTrainedModel`]): Of a family in `t2vid_hf.models.ADAPTERS`.
        args ([`T2VidSFTConfig`]): Training arguments.
        train_dataset ([`~datasets.Dataset`]): Rows of `t2vid_hf.schema.Row`.
        processing_class ([`~transformers.ProcessorMixin`]): The model's processor; it is set, in place, to one block
            of tokens a page.
        kwargs: As for [`~trl.SFTTrainer`]; `data_collator` is ours and cannot be given.

    Raises:
        [`~t2vid_hf.errors.InputError`]: columns are missing, the model's family is unknown, or an argument
            contradicts the rows.
    """

    def __init__(self, model: Any, *, args: T2VidSFTConfig, train_dataset: Any, processing_class: Any, **kwargs: Any):
        missing = sorted(set(COLUMNS) - set(next(iter(train_dataset))))
        if missing:
            raise InputError(f"the training set lacks the columns {', '.join(missing)}; a row has {', '.join(COLUMNS)}")
        if args.remove_unused_columns:
            raise InputError("remove_unused_columns=True would drop the videos of a row; leave it false")
        if args.packing or args.padding_free:
            raise InputError("packing and padding_free are not supported for rows with media; leave them false")
        adapter = adapter_for(model.config.model_type)
        adapter.configure(processing_class)
        collator = DataCollatorForVideoLanguageModeling(
            processing_class,
            adapter,
            num_frames=args.num_frames,
            max_length=args.max_length,
            pad_to_multiple_of=args.pad_to_multiple_of,
        )
        super().__init__(
            model=model,
            args=args,
            train_dataset=train_dataset,
            processing_class=processing_class,
            # Ours, because TRL's collator drops video without a word and supervises image placeholders.
            data_collator=collator,
            **kwargs,
        )
