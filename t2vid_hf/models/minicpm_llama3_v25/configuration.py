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

    Llama's fields are as in [`~transformers.LlamaConfig`], with the defaults of Llama 3.

    Args:
        vision_config ([`Idefics2VisionConfig`] or `dict`, *optional*): Of the vision tower.
        query_num (`int`): Vectors that the resampler makes of an image.
        resampler_head_dim (`int`): Width of an attention head of the resampler. Not in published files.
        mask_padded_patches (`bool`): Whether an image's features are its own where a batch has images of several sizes;
            see `t2vid_hf.models.minicpm_llama3_v25.vision`. Not in published files.
        image_token_id, image_start_token_id, image_end_token_id (`int`): Of `<unk>`, `<image>` and `</image>`. Not in
            published files, where the tokenizer knows them.
        end_of_turn_token_id (`int`): Of `<|eot_id|>`, at which generation stops beside `eos_token_id`. Not in
            published files.
        version (`str`): "2.5". The first revision of the published file does not have it.
        image_size, patch_size, slice_config, slice_mode, batch_vision_input, mm_use_im_start_end,
            drop_vision_last_layer: For other programs; kept as they were read. Slicing is the image processor's.

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
        return super().from_dict(config_dict, **kwargs)

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
