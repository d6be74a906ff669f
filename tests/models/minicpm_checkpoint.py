"""Small MiniCPM-Llama3-V-2.5 checkpoints with random weights, and the configuration that tests/golden was made with."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ["The keeper wound the clock. What is it? A red circle moves to the left. assistant user system"] * 4
# The place of a token in this list is its id; ids 3 to 5 are also those of the reference's rows.
SPECIAL = [
    "<|pad|>", "<|begin_of_text|>", "<|end_of_text|>", "<unk>", "<image>", "</image>", "<slice>", "</slice>",
    "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
]  # fmt: skip
IDS = {
    "bos_token_id": 1, "eos_token_id": 2, "image_token_id": 3, "image_start_token_id": 4, "image_end_token_id": 5,
    "end_of_turn_token_id": 10,
}  # fmt: skip
REFERENCE_TEXT = {
    "vocab_size": 96, "hidden_size": 256, "intermediate_size": 320, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
}  # fmt: skip
REFERENCE_VISION = {
    "hidden_size": 32, "image_size": 980, "intermediate_size": 48, "num_attention_heads": 4, "num_hidden_layers": 3,
    "patch_size": 14,
}  # fmt: skip
REFERENCE_SIZES = [(4, 6), (8, 3), (5, 5), (7, 10), (1, 9)]  # rows and columns of patches
# As published, but for the fields that make the model large.
PUBLISHED_CONFIG = {
    "_name_or_path": "openbmb/MiniCPM-Llama3-V-2_5",
    "version": "2.5",
    "architectures": ["MiniCPMV"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "auto_map": {
        "AutoConfig": "configuration_minicpm.MiniCPMVConfig",
        "AutoModel": "modeling_minicpmv.MiniCPMV",
        "AutoModelForCausalLM": "modeling_minicpmv.MiniCPMV",
    },
    "batch_vision_input": True,
    "drop_vision_last_layer": False,
    "hidden_act": "silu",
    "image_size": 448,
    "initializer_range": 0.02,
    "mm_use_im_start_end": True,
    "model_type": "minicpmv",
    "patch_size": 14,
    "pretraining_tp": 1,
    "rope_scaling": None,
    "slice_config": {"max_slice_nums": 9, "patch_size": 14, "model_type": "minicpmv"},
    "slice_mode": True,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "transformers_version": "4.40.0",
    "use_cache": False,
}
PUBLISHED_PREPROCESSOR = {
    "image_processor_type": "MiniCPMVImageProcessor",
    "auto_map": {
        "AutoProcessor": "processing_minicpmv.MiniCPMVProcessor",
        "AutoImageProcessor": "image_processing_minicpmv.MiniCPMVImageProcessor",
    },
    "processor_class": "MiniCPMVProcessor",
    "max_slice_nums": 9,
    "scale_resolution": 448,
    "patch_size": 14,
    "image_feature_size": 96,
    "im_start": "<image>",
    "im_end": "</image>",
    "slice_start": "<slice>",
    "slice_end": "</slice>",
    "unk": "<unk>",
    "norm_mean": [0.5, 0.5, 0.5],
    "norm_std": [0.5, 0.5, 0.5],
    "version": 2.5,
}


def random_weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Weights that depend on nothing but their names and shapes, of a size at which every part has its say."""
    made = {}
    for key, shape in shapes.items():
        weight = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape).astype(np.float32)
        if key.endswith("weight") and ("norm" in key or ".ln_" in key):
            weight = 1 + 0.1 * weight
        elif len(shape) > 1 and "embed" not in key and "query" not in key:
            weight = weight / np.sqrt(np.prod(shape[1:]))
        elif len(shape) == 1:
            weight = 0.1 * weight
        made[key] = weight.astype(np.float32)
    return made


def published_shapes(text: dict[str, Any], vision: dict[str, Any], queries: int) -> dict[str, tuple[int, ...]]:
    """Keys of the published `model.safetensors.index.json`, with the shapes that they have in a configuration."""
    width, wide = text["hidden_size"], text["intermediate_size"]
    keys_width = width // text["num_attention_heads"] * text["num_key_value_heads"]
    shapes: dict[str, tuple[int, ...]] = {
        "llm.lm_head.weight": (text["vocab_size"], width),
        "llm.model.embed_tokens.weight": (text["vocab_size"], width),
        "llm.model.norm.weight": (width,),
    }
    for layer in range(text["num_hidden_layers"]):
        for name, shape in {
            "input_layernorm": (width,), "post_attention_layernorm": (width,), "mlp.gate_proj": (wide, width),
            "mlp.up_proj": (wide, width), "mlp.down_proj": (width, wide), "self_attn.q_proj": (width, width),
            "self_attn.o_proj": (width, width), "self_attn.k_proj": (keys_width, width),
            "self_attn.v_proj": (keys_width, width),
        }.items():  # fmt: skip
            shapes[f"llm.model.layers.{layer}.{name}.weight"] = shape
    seen, patch = vision["hidden_size"], vision["patch_size"]
    shapes["vpm.embeddings.position_embedding.weight"] = ((vision["image_size"] // patch) ** 2, seen)
    outer = {"vpm.embeddings.patch_embedding": (seen, 3, patch, patch), "vpm.post_layernorm": (seen,)}
    for layer in range(vision["num_hidden_layers"]):
        for name, shape in {
            "layer_norm1": (seen,), "layer_norm2": (seen,), "mlp.fc1": (vision["intermediate_size"], seen),
            "mlp.fc2": (seen, vision["intermediate_size"]), "self_attn.q_proj": (seen, seen),
            "self_attn.k_proj": (seen, seen), "self_attn.v_proj": (seen, seen), "self_attn.out_proj": (seen, seen),
        }.items():  # fmt: skip
            outer[f"vpm.encoder.layers.{layer}.{name}"] = shape
    for name in ("ln_q", "ln_kv", "ln_post"):
        outer[f"resampler.{name}"] = (width,)
    outer["resampler.attn.out_proj"] = (width, width)
    for name, shape in outer.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return shapes | {
        "resampler.query": (queries, width),
        "resampler.proj": (width, width),
        "resampler.kv_proj.weight": (width, seen),
        "resampler.attn.in_proj_weight": (3 * width, width),
        "resampler.attn.in_proj_bias": (3 * width,),
    }


def write_model(folder: Path, *, queries: int = 8, **changes: Any) -> dict[str, np.ndarray]:
    """Write `config.json` and `model.safetensors` as published, of the reference's size; returns the weights.

    `changes` are of the text's fields.
    """
    from safetensors.numpy import save_file

    text = {**REFERENCE_TEXT, **changes}
    weights = random_weights(published_shapes(text, REFERENCE_VISION, queries))
    tower = {**REFERENCE_VISION, "model_type": "idefics2"}
    config = {**PUBLISHED_CONFIG, **text, **IDS, "query_num": queries, "vision_config": tower}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return weights


def tokenizer() -> Any:
    """A byte-level tokenizer trained here, with the published special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        WORDS,
        trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=SPECIAL[0], bos_token=SPECIAL[1], eos_token=SPECIAL[2], unk_token=SPECIAL[3],
        model_max_length=8192,
    )  # fmt: skip


def write_processor(folder: Path, *, side: int = 56, queries: int = 8) -> None:
    """Write the processor's files as published, but for a smaller picture and fewer tokens an image."""
    tokenizer().save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    settings["tokenizer_class"] = "MiniCPMVTokenizerFast"
    settings["auto_map"] = {"AutoTokenizer": ["tokenization_minicpmv_fast.MiniCPMVTokenizerFast", None]}
    # The published template: strings only, and always with the beginning of a reply.
    settings["chat_template"] = "{% for message in messages %}{{ message['content'] | trim }}{% endfor %}"
    path.write_text(json.dumps(settings))
    preprocessor = {**PUBLISHED_PREPROCESSOR, "scale_resolution": side, "image_feature_size": queries}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))


def write_checkpoint(folder: Path) -> None:
    """Write a model and its processor as published, with the tokenizer's vocabulary."""
    write_model(folder, vocab_size=len(tokenizer()))
    write_processor(folder)
