"""MiniCPM-Llama3-V-2.5 as a transformers model: a SigLIP tower, a resampler and Llama 3, in the published layout.

The tower and the language model are transformers' own (`Idefics2VisionTransformer`, as in the published code, and
`LlamaModel`), so that their attention backends, caches, masks for packed rows and gradient checkpointing come with
them. Files hold the published names (`llm.model.*`, `llm.lm_head.*`, `vpm.*`, `resampler.*`), whatever reads or writes.

Checked against the published code (`modeling_minicpmv.py` and `resampler.py` of openbmb/MiniCPM-Llama3-V-2_5) on
transformers 4.40.0: see tests/golden/minicpm_llama3_v25.md.
"""

from typing import Any

import torch
from torch import nn
from transformers import GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import BaseModelOutputWithPast, BaseModelOutputWithPooling, CausalLMOutputWithPast
from transformers.models.idefics2.modeling_idefics2 import Idefics2VisionTransformer
from transformers.models.llama.modeling_llama import LlamaModel

from t2vid_hf.errors import InputError
from t2vid_hf.models.cache_argument import CACHE
from t2vid_hf.models.loaded_weights import check_loaded
from t2vid_hf.models.minicpm_llama3_v25.configuration import MiniCPMVConfig
from t2vid_hf.models.minicpm_llama3_v25.resampler import Resampler, ResamplerAttention
from t2vid_hf.models.minicpm_llama3_v25.vision import LineEmbeddings, patch_lines


class MiniCPMVPreTrainedModel(PreTrainedModel):
    """What both classes below tell transformers of themselves."""

    config_class = MiniCPMVConfig
    config: MiniCPMVConfig
    base_model_prefix = "model"
    input_modalities = ("image", "text")
    supports_gradient_checkpointing = True
    _no_split_modules = ["LlamaDecoderLayer", "Idefics2EncoderLayer", "Resampler"]
    _skip_keys_device_placement = [CACHE]
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_attention_backend = True

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        std = self.config.initializer_range
        if isinstance(module, Resampler):
            init.normal_(module.query, std=std)
            init.normal_(module.proj, std=module.proj.shape[0] ** -0.5)
        elif isinstance(module, ResamplerAttention):
            init.normal_(module.in_proj_weight, std=std)
            init.zeros_(module.in_proj_bias)


class MiniCPMVModel(MiniCPMVPreTrainedModel):
    """The model without its language modelling head.

    Args:
        config ([`MiniCPMVConfig`]): The model's configuration.
    """

    def __init__(self, config: MiniCPMVConfig) -> None:
        super().__init__(config)
        self.vpm = Idefics2VisionTransformer(config.vision_config)
        self.vpm.embeddings = LineEmbeddings(config.vision_config)
        self.resampler = Resampler(
            num_queries=config.query_num,
            width=config.hidden_size,
            vision_width=config.vision_config.hidden_size,
            head_dim=config.resampler_head_dim,
        )
        self.llm = LlamaModel(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The embeddings of the language model's tokens."""
        return self.llm.embed_tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the embeddings of the language model's tokens."""
        self.llm.embed_tokens = value

    def get_decoder(self) -> nn.Module:
        """The language model."""
        return self.llm

    def get_image_features(
        self, pixel_values: torch.Tensor, target_sizes: torch.Tensor | None = None, **kwargs: Any
    ) -> BaseModelOutputWithPooling:
        """See images.

        Args:
            pixel_values (`torch.Tensor` of shape `(images, 3, height, width)`): Normalised images and slices, padded
                to the largest of them at the bottom and on the right.
            target_sizes (`torch.Tensor` of shape `(images, 2)`, int64, *optional*): How many rows and columns of
                patches of each image are not padding; `None` where there is no padding.

        Returns:
            [`~transformers.modeling_outputs.BaseModelOutputWithPooling`]: `last_hidden_state` of shape
            `(images, patches, vision width)`, and the resampler's `pooler_output` of shape
            `(images, query_num, hidden_size)`.
        """
        patch = self.config.vision_config.patch_size
        lines, rows, columns, valid = patch_lines(pixel_values, target_sizes, patch)
        attended = valid if self.config.mask_padded_patches else torch.ones_like(valid)
        features = self.vpm(lines, patch_attention_mask=attended[:, None, :]).last_hidden_state
        padded = target_sizes is not None and not bool(valid.all())
        pooled = self.resampler(
            features, rows, columns, valid if padded else None, longest=max(pixel_values.shape[-2:]) // patch
        )
        return BaseModelOutputWithPooling(last_hidden_state=features, pooler_output=pooled)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        target_sizes: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        mm_encoder_outputs: dict[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """Run images and text through the model.

        Args:
            input_ids (`torch.Tensor` of shape `(batch, tokens)`, *optional*): The tokens; for each image or slice
                `query_num` times `<unk>` between `<image>` and `</image>`.
            pixel_values (`torch.Tensor`, *optional*): As for [`MiniCPMVModel.get_image_features`]: the images of the
                whole batch, in the order of their tokens; `None` for text alone.
            target_sizes (`torch.Tensor`, *optional*): As for [`MiniCPMVModel.get_image_features`].
            inputs_embeds (`torch.Tensor`, *optional*): Vectors instead of `input_ids`; for text alone.
            mm_encoder_outputs (`dict`, *optional*): `{"image": ...}` from `get_image_features`, instead of
                `pixel_values`.
            **kwargs (`Any`): As [`~transformers.LlamaModel`] takes them: `attention_mask`, `position_ids`, ...

        Raises:
            [`~t2vid_hf.errors.InputError`]: as many image tokens as image vectors are needed.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise InputError("give one of input_ids and inputs_embeds")
        seen = (mm_encoder_outputs or {}).get("image")
        if pixel_values is not None and seen is None:
            seen = self.get_image_features(pixel_values, target_sizes)
        if inputs_embeds is None:
            inputs_embeds = self.llm.embed_tokens(input_ids)
        if seen is not None:
            if input_ids is None:
                raise InputError("images need input_ids, which tell where they stand; inputs_embeds do not")
            inputs_embeds = self._insert_images(input_ids, inputs_embeds, seen.pooler_output)
        return self.llm(inputs_embeds=inputs_embeds, **kwargs)

    def _insert_images(self, input_ids: torch.Tensor, embeds: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        config = self.config
        starts = (input_ids == config.image_start_token_id).cumsum(-1)
        ends = (input_ids == config.image_end_token_id).cumsum(-1)
        # A `<unk>` of the text itself stays text, as in the published code, which looks between the delimiters too.
        places = (input_ids == config.image_token_id) & (starts > ends)
        given = vectors.shape[0] * vectors.shape[1]
        if int(places.sum()) != given:
            raise InputError(
                f"{int(places.sum())} image tokens between '<image>' and '</image>' for {vectors.shape[0]} images and "
                f"slices of {vectors.shape[1]} vectors each ({given}): was a row truncated, or an image left out?"
            )
        return embeds.masked_scatter(places[..., None], vectors.to(embeds.device, embeds.dtype))


class MiniCPMV(MiniCPMVPreTrainedModel, GenerationMixin):
    """MiniCPM-Llama3-V-2.5 with its language modelling head; the name is the one in published `architectures`.

    Args:
        config ([`MiniCPMVConfig`]): The model's configuration.
    """

    _tied_weights_keys = {"lm_head.weight": "model.llm.embed_tokens.weight"}

    def __init__(self, config: MiniCPMVConfig) -> None:
        super().__init__(config)
        self.model = MiniCPMVModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()
        self._stop_at_end_of_turn()

    @classmethod
    def from_pretrained(cls, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """Load a checkpoint, every key of it and no other.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a key is missing, left over, or of another shape.
        """
        kwargs["ignore_mismatched_sizes"] = True  # upstream's error does not name the key; the one below does
        model, info = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        check_loaded(info)
        model._stop_at_end_of_turn()
        return (model, info) if output_loading_info else model

    def _stop_at_end_of_turn(self) -> None:
        """Published generation settings stop at `<|end_of_text|>` alone, and the published code adds `<|eot_id|>`."""
        settings = self.generation_config
        ends = settings.eos_token_id
        ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
        settings.eos_token_id = [*ends, *({self.config.end_of_turn_token_id} - set(ends))]
        if settings.pad_token_id is None:
            settings.pad_token_id = 0

    def get_image_features(self, *args: Any, **kwargs: Any) -> BaseModelOutputWithPooling:
        """See [`MiniCPMVModel.get_image_features`]."""
        return self.model.get_image_features(*args, **kwargs)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        target_sizes: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        mm_encoder_outputs: dict[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Predict the next token of each; see [`MiniCPMVModel.forward`] and [`~transformers.LlamaForCausalLM`].

        Several rows may share one sequence: `position_ids` that start at 0 with each row, no `attention_mask`,
        `use_cache=False`, images of all rows in order.
        """
        outputs = self.model(
            input_ids=input_ids,
            pixel_values=pixel_values,
            target_sizes=target_sizes,
            attention_mask=attention_mask,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            mm_encoder_outputs=mm_encoder_outputs,
            **kwargs,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(outputs.last_hidden_state[:, kept, :])
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            **{CACHE: outputs[CACHE] if CACHE in outputs else None},
        )
