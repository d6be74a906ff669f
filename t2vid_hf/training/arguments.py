"""Arguments of a training recipe: a strict YAML file, and a command line that wins over it.

TRL's parser reads both; what it lets pass in silence (a key it does not know, with the value it had) is an error here.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from accelerate.utils import str_to_bool
from transformers import HfArgumentParser

from t2vid_hf._optional import require
from t2vid_hf._typed import check_types, names_of_fields
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.mixtures.held_out import check_share
from t2vid_hf.mixtures.paper_mixtures import named_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.training.recipe_file import did_you_mean, refuse, take_config
from t2vid_hf.training.sft_config import T2VidSFTConfig

DTYPES = ("auto", "bfloat16", "float16", "float32")


@dataclass
class RecipeArguments:
    """What a recipe needs beside the trainer's configuration.

    Args:
        model_name_or_path (`str`, *optional*, defaults to `""`): A checkpoint's folder, or its name on the Hub;
            [`parse`] refuses a recipe without it.
        model_revision (`str`, *optional*): The branch, tag or commit on the Hub; `None` is the main branch.
        mixture (`list[dict]` or `str`, *optional*): The parts, as mappings (see
            [`~t2vid_hf.mixtures.parts.MixturePart`]), or the name of one of the paper's (a key of
            `t2vid_hf.mixtures.paper_mixtures.MIXTURES`). On the command line parts are as
            [`~t2vid_hf.mixtures.parts.MixturePart.from_text`] reads them.
        dataset_name (`str`, *optional*): The one data set to train on, in place of a mixture: a folder, or a name on
            the Hub. This and the next three are TRL's.
        dataset_config (`str`, *optional*): Its config; `None` takes its default one.
        dataset_train_split (`str`, *optional*, defaults to `"train"`): The split to train on.
        dataset_test_split (`str`, *optional*): The split to evaluate on while training; `None` takes none.
        mixture_paths (`dict`, *optional*): For a named mixture: the paths of its sources, by their names. YAML only.
        mixture_filter (`str`, *optional*): For a named mixture: the filter of its parts of pages, a key of
            `t2vid_hf.mixtures.filters.PRESETS`; `None` filters nothing. Rows are left out before they are drawn, so
            that the counts hold.
        mixture_seed (`int`, *optional*, defaults to `0`): What decides which rows are drawn, and their order.
        eval_share (`float`, *optional*, defaults to `0.0`): The share of each part's rows that is held out of training
            and evaluated on, by their ids alone; of a part with an `eval_split` none is. Rows of one document or video
            may stand on both sides.
        attn_implementation (`str`, *optional*, defaults to `"auto"`): What `from_pretrained` takes, or
            `"sdpa_packed"`, or `"auto"`: flash attention 2 where it can run, else `"sdpa_packed"`. See
            [`~t2vid_hf.models.attention.resolve_attention`].
        dtype (`str`, *optional*, defaults to `"bfloat16"`): The type of the weights: `"bfloat16"`, `"float32"`,
            `"float16"`, or `"auto"`, the checkpoint's. What trains is kept in float32 besides, where no one else does.
        lora (`bool`, *optional*, defaults to `False`): Whether an adapter of the language model trains (and, in full,
            the parts of `tune_vision` and `tune_connector`) in place of the model.
        lora_r (`int`, *optional*, defaults to `64`): The adapter's rank. The defaults of these three are those of
            MiniCPM-V's finetune.py, which the paper's code comes from.
        lora_alpha (`float`, *optional*, defaults to `64`): The adapter's scale, over its rank.
        lora_dropout (`float`, *optional*, defaults to `0.05`): The share of the adapter's inputs that is set to 0.
        load_in_4bit (`bool`, *optional*, defaults to `False`): Whether the language model's weights are loaded in 4
            bits (QLoRA); needs `lora`.
        ask_dataset (`str`, *optional*): A benchmark's data set, to be asked of the model while it trains; `None` asks
            nothing.
        ask_benchmark (`str`, *optional*, defaults to `"clips"`): Which benchmark that is; a key of
            `t2vid_hf.evaluation.benchmarks.BENCHMARKS`.
        ask_every (`int`, *optional*, defaults to `200`): Optimizer steps from one asking to the next.
        ask_questions (`int`, *optional*, defaults to `64`): How many of its questions are asked, spread over it.
        overwrite_output_dir (`bool`, *optional*, defaults to `False`): Whether to delete the run that `output_dir`
            holds; else a folder that holds one is refused.
        dry_run (`bool`, *optional*, defaults to `False`): Whether to load, mix and report, and train nothing.
    """

    model_name_or_path: str = field(default="", metadata={"help": "A checkpoint's folder, or its name on the Hub."})
    model_revision: str | None = field(default=None, metadata={"help": "Revision on the Hub."})
    mixture: Any = field(
        default=None,
        metadata={"help": "Parts, each PATH[,CONFIG][@REVISION] and :SHARE or =COUNT; or a mixture's name."},
    )
    dataset_name: str | None = field(default=None, metadata={"help": "One data set, in place of a mixture."})
    dataset_config: str | None = field(default=None, metadata={"help": "Its config."})
    dataset_train_split: str = field(default="train", metadata={"help": "Its split to train on."})
    dataset_test_split: str | None = field(default=None, metadata={"help": "Its split to evaluate on."})
    mixture_paths: Any = field(default=None, metadata={"help": "Paths of a named mixture's sources; in YAML only."})
    mixture_filter: str | None = field(default=None, metadata={"help": "Filter of a named mixture's parts of pages."})
    mixture_seed: int = field(default=0, metadata={"help": "Which rows are drawn, and their order."})
    eval_share: float = field(default=0.0, metadata={"help": "Share of the rows to hold out and evaluate on."})
    attn_implementation: str = field(default="auto", metadata={"help": "auto, sdpa_packed, sdpa, ..."})
    dtype: str = field(default="bfloat16", metadata={"help": "Of the weights: bfloat16, float32, float16 or auto."})
    lora: bool = field(default=False, metadata={"help": "Train a LoRA adapter of the language model."})
    lora_r: int = field(default=64, metadata={"help": "Rank of the adapter."})
    lora_alpha: float = field(default=64, metadata={"help": "Scale of the adapter, over its rank."})
    lora_dropout: float = field(default=0.05, metadata={"help": "Dropout before the adapter."})
    load_in_4bit: bool = field(default=False, metadata={"help": "QLoRA: 4-bit weights of the language model."})
    ask_dataset: str | None = field(default=None, metadata={"help": "A benchmark's data set, asked while training."})
    ask_benchmark: str = field(default="clips", metadata={"help": "Which benchmark that is."})
    ask_every: int = field(default=200, metadata={"help": "Steps from one asking to the next."})
    ask_questions: int = field(default=64, metadata={"help": "Questions of it that are asked."})
    overwrite_output_dir: bool = field(default=False, metadata={"help": "Delete the run that output_dir holds."})
    dry_run: bool = field(default=False, metadata={"help": "Load, mix and report; train nothing."})

    def __post_init__(self) -> None:
        if self.load_in_4bit and not self.lora:
            raise InputError("load_in_4bit: 4-bit weights cannot train; set lora as well")
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)
        if self.ask_every < 1:
            raise InputError(f"ask_every is {self.ask_every}; give the steps from one asking to the next, at least 1")
        check_share(self.eval_share)

    def parts(self) -> list[MixturePart]:
        """The parts of the mixture.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there is no mixture, its name is unknown, or a part is not described as
                one.
        """
        if self.dataset_name is not None:
            return [self._dataset()]
        if self.dataset_config is not None or self.dataset_test_split is not None:
            raise InputError("dataset_config and dataset_test_split are of dataset_name; give it, or leave them out")
        if not self.mixture:
            raise InputError("there is nothing to train on; give --dataset_name or --mixture, or 'mixture' in the "
                             "YAML file")  # fmt: skip
        if isinstance(self.mixture, str):
            parts = named_mixture(self.mixture, self.mixture_paths or {})
            # Video is thinned where a row is too long, and its number of frames is that of the whole clip.
            return [part if part.over_limit == "thin" else replace(part, filter=self.mixture_filter) for part in parts]
        if self.mixture_filter or self.mixture_paths:
            raise InputError("mixture_filter and mixture_paths are for a named mixture; give each part its own")
        if not isinstance(self.mixture, list):
            raise InputError(f"mixture is {self.mixture!r}; give a list of parts, or the name of a mixture")
        return [MixturePart.from_dict(part) for part in self.mixture]

    def _dataset(self) -> MixturePart:
        if self.mixture or self.mixture_paths or self.mixture_filter:
            raise InputError("dataset_name and mixture: give one of them; of several data sets a mixture is made")
        return MixturePart(
            str(self.dataset_name),
            self.dataset_config,
            self.dataset_train_split,
            share=1,
            eval_split=self.dataset_test_split,
        )


def parse(argv: Sequence[str] | None = None) -> tuple[RecipeArguments, T2VidSFTConfig]:
    """Read `--config FILE` and the command line, which wins.

    Args:
        argv (`Sequence[str]`, *optional*): The options; `None` takes those of the process, `sys.argv[1:]`.

    Returns:
        `tuple[RecipeArguments, T2VidSFTConfig]`: the recipe, and the trainer's configuration.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the file is missing or not a YAML mapping, a key is unknown, no model is
            named, or DeepSpeed is asked for and not installed.
    """
    known = names_of_fields((RecipeArguments, T2VidSFTConfig))
    given, arguments = take_config(sys.argv[1:] if argv is None else argv, known)
    parser = HfArgumentParser([RecipeArguments, T2VidSFTConfig], allow_abbrev=False)
    parser.add_argument("--config", help="A recipe's YAML file, of these settings; options win over it.")
    parser.error = refuse  # argparse would print every option first
    # A default that is a text goes through its field's type, which is `Any` for these; neither is an option.
    yaml_only = {name: given.pop(name) for name in ("mixture", "mixture_paths") if name in given}
    parser.set_defaults(**given)
    namespace, rest = parser.parse_known_args(arguments)
    if rest:
        raise InputError(f"unknown option {rest[0]}; {did_you_mean(rest[0].partition('=')[0].lstrip('-'), known)}")
    values = {**vars(namespace), **yaml_only}
    told = {name for name in values if name in given or values[name] != parser.get_default(name)}
    for kind in (RecipeArguments, T2VidSFTConfig):
        check_types(kind, {name: values[name] for name in told & names_of_fields([kind])})
    for name in ("checkpointing", "checkpointing_kwargs"):
        old, new = f"gradient_{name}", f"activation_{name}"
        if {old, new} <= told and values[old] != values[new]:
            raise InputError(f"{old} is {values[old]} and {new} is {values[new]}: two names of one setting; give one")
    recipe = RecipeArguments(**_of(RecipeArguments, values))
    if not recipe.model_name_or_path:
        raise InputError("no model is named; give model_name_or_path in the YAML file or on the command line")
    if recipe.dry_run:  # computes nothing, so that the device that the run needs may be absent
        values |= {"use_cpu": True, "tf32": None}
    if values["deepspeed"] or str_to_bool(os.environ.get("ACCELERATE_USE_DEEPSPEED", "false")):
        require("deepspeed", extra="deepspeed")  # here, or accelerate says it in a traceback
    return recipe, _configured(_of(T2VidSFTConfig, values))


def _configured(values: dict[str, Any]) -> T2VidSFTConfig:
    """The trainer's configuration; what transformers and TRL refuse there was written by a person."""
    try:
        return T2VidSFTConfig(**values)
    except InputError:
        raise
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise InputError(str(error)) from None


def _of(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    return {item.name: values[item.name] for item in fields(kind) if item.init and item.name in values}
