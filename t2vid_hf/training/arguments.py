"""Arguments of a training recipe: a strict YAML file, and a command line that wins over it.

TRL's parser reads both; what it lets pass in silence (a key it does not know, with the value it had) is an error here.
"""

import difflib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NoReturn

import yaml
from transformers import HfArgumentParser

from t2vid_hf._packaged import packaged
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.paper_mixtures import named_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.training.sft_config import T2VidSFTConfig


@dataclass
class RecipeArguments:
    """What a recipe needs beside the trainer's configuration.

    Args:
        model_name_or_path (`str`): A checkpoint's folder, or its name on the Hub.
        model_revision (`str`, *optional*): On the Hub.
        mixture (`list` or `str`): The parts, as mappings (see [`~t2vid_hf.mixtures.parts.MixturePart`]), or the name
            of one of the paper's (a key of `t2vid_hf.mixtures.paper_mixtures.MIXTURES`). YAML only.
        mixture_paths (`dict`): For a named mixture: its sources' paths.
        mixture_filter (`str`, *optional*): For a named mixture: the filter of its parts of pages, a key of
            `t2vid_hf.mixtures.filters.PRESETS`. Rows are then left out before they are drawn, so that the counts hold.
        mixture_seed (`int`): Which rows are drawn, and their order.
        attn_implementation (`str`): As for `from_pretrained`, or `"auto"`: flash attention 2 where it can run, else
            sdpa.
        dtype (`str`): Of the weights. What trains is kept in float32 besides, where no one else does.
        lora (`bool`): Train an adapter of the language model (and, in full, the parts of `tune_vision` and
            `tune_connector`) instead of the model.
        lora_r (`int`), lora_alpha (`float`), lora_dropout (`float`): Of the adapter; the defaults are those of
            MiniCPM-V's finetune.py, which the paper's code comes from.
        load_in_4bit (`bool`): QLoRA: the language model's weights in 4 bits; needs `lora`.
        ask_dataset (`str`, *optional*): A benchmark's data set, to be asked of the model while it trains.
        ask_benchmark (`str`): Which benchmark that is; a key of `t2vid_hf.evaluation.benchmarks.BENCHMARKS`.
        ask_every (`int`), ask_questions (`int`): Every so many steps, so many of its questions, spread over it.
        overwrite_output_dir (`bool`): Delete the run that `output_dir` holds; else a folder that holds one is refused.
        dry_run (`bool`): Load, mix and report; train nothing.
    """

    model_name_or_path: str = field(default="", metadata={"help": "A checkpoint's folder, or its name on the Hub."})
    model_revision: str | None = field(default=None, metadata={"help": "Revision on the Hub."})
    mixture: Any = field(default=None, metadata={"help": "Parts, or the name of a mixture; in YAML only."})
    mixture_paths: Any = field(default=None, metadata={"help": "Paths of a named mixture's sources; in YAML only."})
    mixture_filter: str | None = field(default=None, metadata={"help": "Filter of a named mixture's parts of pages."})
    mixture_seed: int = field(default=0, metadata={"help": "Which rows are drawn, and their order."})
    attn_implementation: str = field(default="auto", metadata={"help": "auto, sdpa, eager or flash_attention_2."})
    dtype: str = field(default="bfloat16", metadata={"help": "Of the weights: bfloat16 or float32."})
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

    def parts(self) -> list[MixturePart]:
        """The parts of the mixture."""
        if not self.mixture:
            raise InputError("the recipe has no mixture; give a list of parts under 'mixture' in the YAML file")
        if isinstance(self.mixture, str):
            parts = named_mixture(self.mixture, self.mixture_paths or {})
            # Video is thinned where a row is too long, and its number of frames is that of the whole clip.
            return [part if part.over_limit == "thin" else replace(part, filter=self.mixture_filter) for part in parts]
        if self.mixture_filter or self.mixture_paths:
            raise InputError("mixture_filter and mixture_paths are for a named mixture; give each part its own")
        return [MixturePart.from_dict(part) for part in self.mixture]


def parse(argv: Sequence[str] | None = None) -> tuple[RecipeArguments, T2VidSFTConfig]:
    """Read `--config FILE` and the command line, which wins.

    Args:
        argv (`Sequence[str]`, *optional*): `sys.argv[1:]` by default.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the file is missing or not a YAML mapping, a key is unknown, or no model is
            named.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    given: dict[str, Any] = {}
    if "--config" in arguments:
        position = arguments.index("--config")
        if position + 1 == len(arguments):
            raise InputError("--config needs a file")
        given = read_yaml(recipe_file(arguments[position + 1]))
        del arguments[position : position + 2]
    parser = HfArgumentParser([RecipeArguments, T2VidSFTConfig], allow_abbrev=False)
    parser.error = _refuse  # argparse would print every option first
    # A default that is a text goes through its field's type, which is `Any` for these; neither is an option.
    yaml_only = {name: given.pop(name) for name in ("mixture", "mixture_paths") if name in given}
    parser.set_defaults(**given)
    recipe, config, unknown = parser.parse_args_into_dataclasses(args=arguments, return_remaining_strings=True)
    if unknown:
        raise InputError(f"unknown option {unknown[0]}; see --help for the known ones")
    if not recipe.model_name_or_path:
        raise InputError("no model is named; give model_name_or_path in the YAML file or on the command line")
    return replace(recipe, **yaml_only), config


def _refuse(message: str) -> NoReturn:
    raise InputError(f"{message}; see --help")


def recipe_file(given: str) -> Path:
    """The file that `--config` means: the user's own, or else one that is shipped, as "idefics3-8b/sft_lora.yaml" is.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is neither.
    """
    shipped = packaged("recipes")
    for path in (Path(given), shipped / given):
        if path.is_file():
            return path
    known = sorted(path.relative_to(shipped).as_posix() for path in shipped.glob("*/sft*.yaml"))
    raise InputError(f"{given}: no such file; give a recipe's .yaml, or one that is shipped: {', '.join(known)}")


def read_yaml(path: Path) -> dict[str, Any]:
    """A recipe's YAML file, with every key checked."""
    try:
        given = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}") from None
    if not isinstance(given, dict):
        raise InputError(f"{path}: a mapping of settings is expected, not {type(given).__name__}")
    known = {item.name for item in (*fields(RecipeArguments), *fields(T2VidSFTConfig)) if item.init}
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else "see --help for the known ones"
            raise InputError(f"{path}: unknown key '{key}'; {hint}")
    return given


class _Loader(yaml.SafeLoader):
    """YAML 1.2 numbers: PyYAML takes `5e-6` for a string, because YAML 1.1 wants a dot before the exponent."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
