"""The configuration of MiniCPM-Llama3-V-2.5: Llama 3's fields at the top level, as published, and a vision tower's.

`model_type` is "minicpmv" for every MiniCPM-V of 2024, each with another architecture. Only version 2.5 is taken; the
others get an error that names what they are. Defaults are the values of the published `config.json`
(openbmb/MiniCPM-Llama3-V-2_5, copied in github.com/theonlyengine/VQA_Model at 287e3f8).
"""

from typing import Any

from transformers import LlamaConfig
from transformers.models.idefics2.configuration_idefics2 import Idefics2VisionConfig

from t2vid_hf.errors import InputError

VERSION = "2.5"
# SigLIP so400m with positions for 980 px: HuggingFaceM4/siglip-so400m-14-980-flash-attn2-navit. All 27 layers are used.
VISION = {
    "hidden_size": 1152,
    "image_size": 980,
    "intermediate_size": 4304,
    "num_attention_heads": 16,
    "num_hidden_layers": 27,
    "patch_size": 14,
}


class MiniCPMVConfig(LlamaConfig):
    """The configuration of [`MiniCPMV`].

    Further fields are as in [`~transformers.LlamaConfig`]. What is "for other programs" is kept as it was read; slicing
    is the image processor's.

    Args:
        vocab_size (`int`, *optional*, defaults to `128256`): Tokens of the vocabulary.
        hidden_size (`int`, *optional*, defaults to `4096`): Width of the language model; a multiple of 4 and of
            `resampler_head_dim`.
        intermediate_size (`int`, *optional*, defaults to `14336`): Width of its feed-forward layers.
        num_hidden_layers (`int`, *optional*, defaults to `32`): Its layers.
        num_attention_heads (`int`, *optional*, defaults to `32`): Heads of its attention.
        num_key_value_heads (`int`, *optional*, defaults to `8`): Heads of its keys and values.
        max_position_embeddings (`int`, *optional*, defaults to `8192`): The longest sequence, in tokens.
        rms_norm_eps (`float`, *optional*, defaults to `1e-5`): What its norms add to a variance.
        bos_token_id (`int`, *optional*, defaults to `128000`): Id of `<|begin_of_text|>`.
        eos_token_id (`int` or `list[int]`, *optional*, defaults to `128001`): Id of `<|end_of_text|>`.
        vision_config ([`Idefics2VisionConfig`] or `dict`, *optional*): The vision tower; `None` takes `VISION`.
        query_num (`int`, *optional*, defaults to `96`): Vectors that the resampler makes of an image.
        resampler_head_dim (`int`, *optional*, defaults to `128`): Width of an attention head of the resampler. Not in
            published files.
        mask_padded_patches (`bool`, *optional*, defaults to `False`): Whether an image's features are its own where a
            batch has images of several sizes; see `t2vid_hf.models.minicpm_llama3_v25.vision`. Not in published files.
        image_token_id (`int`, *optional*, defaults to `128002`): Id of `<unk>`, which stands for a vector of an image.
            Not in published files, where the tokenizer knows it.
        image_start_token_id (`int`, *optional*, defaults to `128010`): Id of `<image>`; not in published files.
        image_end_token_id (`int`, *optional*, defaults to `128011`): Id of `</image>`; not in published files.
        end_of_turn_token_id (`int`, *optional*, defaults to `128009`): Id of `<|eot_id|>`, at which generation stops
            beside `eos_token_id`. Not in published files.
        version (`str` or `float`, *optional*, defaults to `"2.5"`): The model's version; no other is taken. The first
            revision of the published file does not have it.
        image_size (`int`, *optional*, defaults to `448`): For other programs.
        patch_size (`int`, *optional*, defaults to `14`): For other programs.
        slice_config (`dict`, *optional*): For other programs; `None` takes the published one.
        slice_mode (`bool`, *optional*, defaults to `True`): For other programs.
        batch_vision_input (`bool`, *optional*, defaults to `True`): For other programs.
        mm_use_im_start_end (`bool`, *optional*, defaults to `True`): For other programs.
        drop_vision_last_layer (`bool`, *optional*, defaults to `False`): For other programs; with `True` it is another
            model, and refused.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the configuration is of another MiniCPM-V.

    Example:

    ```python
    >>> from t2vid_hf.models.minicpm_llama3_v25.configuration import MiniCPMVConfig
    >>> config = MiniCPMVConfig()
    >>> config.query_num, config.vision_config.num_hidden_layers, config.rope_parameters["rope_theta"]
    (96, 27, 500000.0)

    ```
    """

    model_type = "minicpmv"
    sub_configs = {"vision_config": Idefics2VisionConfig}
    default_theta = 500000.0

    vocab_size: int = 128256
    hidden_size: int = 4096
    intermediate_size: int = 14336
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = 8
    max_position_embeddings: int = 8192
    rms_norm_eps: float = 1e-5
    bos_token_id: int | None = 128000
    eos_token_id: int | list[int] | None = 128001

    vision_config: Any = None
    query_num: int = 96
    resampler_head_dim: int = 128
    mask_padded_patches: bool = False
    image_token_id: int = 128002
    image_start_token_id: int = 128010
    image_end_token_id: int = 128011
    end_of_turn_token_id: int = 128009
    version: str | float = VERSION
    image_size: int = 448
    patch_size: int = 14
    slice_config: dict | None = None
    slice_mode: bool = True
    batch_vision_input: bool = True
    mm_use_im_start_end: bool = True
    drop_vision_last_layer: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        if str(self.version) != VERSION:
            raise _other_model(f"version {self.version}")
        if self.drop_vision_last_layer:
            raise _other_model("a vision tower without its last layer")
        if self.hidden_size % self.resampler_head_dim or self.hidden_size % 4:
            raise InputError(
                f"hidden_size is {self.hidden_size}: it has to be a multiple of 4 and of resampler_head_dim "
                f"({self.resampler_head_dim})"
            )
        if self.slice_config is None:
            self.slice_config = {"max_slice_nums": 9, "patch_size": 14, "model_type": "minicpmv"}
        if not isinstance(self.vision_config, Idefics2VisionConfig):
            # Published files say "idefics2" of the tower alone, which today is the name of the whole model.
            given = {key: value for key, value in (self.vision_config or VISION).items() if key != "model_type"}
            self.vision_config = Idefics2VisionConfig(**given)
        super().__post_init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Make a configuration of what a file holds.

        Args:
            config_dict (`dict[str, Any]`): What the file holds.
            **kwargs (`Any`): Fields that differ; see [`~transformers.PreTrainedConfig.from_dict`].

        Raises:
            [`~t2vid_hf.errors.InputError`]: the file is of another MiniCPM-V. 2.0 has no `version`, and is told by
                its vision tower, which only has a name.
        """
        if "version" not in config_dict:
            if "vision_encoder" in config_dict or "scale_emb" in config_dict:
                raise _other_model("MiniCPM-V 1.0 or 2.0, whose language model is MiniCPM")
            if "vision_config" not in config_dict:
                raise _other_model("neither 'version' nor 'vision_config'")
        tower = config_dict.get("vision_config")
        kind = tower.get("model_type", "idefics2") if isinstance(tower, dict) else "idefics2"
        if kind not in ("idefics2", "idefics2_vision") and "version" not in config_dict:
            raise _other_model(f"a vision tower of type '{kind}'")
        # `auto_map` names files of the published repository, which a checkpoint that is saved here does not have.
        return super().from_dict({key: value for key, value in config_dict.items() if key != "auto_map"}, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """As published: `rope_theta` at the top level beside today's `rope_parameters`, the tower as "idefics2"."""
        output = super().to_dict()
        rope = output.get("rope_parameters") or {}
        if rope.get("rope_type", "default") == "default":
            output["rope_theta"], output["rope_scaling"] = rope.get("rope_theta", self.default_theta), None
        if isinstance(output.get("vision_config"), dict):
            output["vision_config"]["model_type"] = "idefics2"
        return output


def _other_model(what: str) -> InputError:
    return InputError(
        f"a configuration with model_type 'minicpmv' and {what}: only MiniCPM-Llama3-V-2.5 (version {VERSION}, "
        f"openbmb/MiniCPM-Llama3-V-2_5) is supported"
    )
