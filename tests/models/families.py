"""A tiny model of each family, with random weights and the family's own model, image, video and processor classes.

`build(family, folder)` writes one in the form of a checkpoint; the fixture `family` makes each once a session. Sizes
of patches and what counts tokens are those of the published checkpoints, sides of pages are not: 9 to 26 tokens a page
instead of 169 to 730. The chat templates are in the shape of the published ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from t2vid_hf.models import ADAPTERS, Adapter, register, tiny
from tests.models.minicpm_checkpoint import write_checkpoint

# Not of a published form: an even number of layers, heads of 16, and a vocabulary of bytes and a few words.
TEXT = dict(
    hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=8192,
)  # fmt: skip
QWEN_TURNS = (
    "{% for message in messages %}SYSTEM<|im_start|>{{ message['role'] }}\n"
    "{% for block in message['content'] %}"
    "{% if block['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif block['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ block['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES = {
    "qwen2_5_vl": QWEN_TURNS.replace(
        "SYSTEM",
        "{% if loop.first and message['role'] != 'system' %}"
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}",
    ),
    "qwen3_vl": QWEN_TURNS.replace("SYSTEM", ""),
    "internvl": (
        "{% for message in messages %}<|im_start|>{{ message['role'] + '\n' }}"
        "{% for block in message['content'] %}"
        "{% if block['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
        "{% elif block['type'] == 'video' %}{{ '<video>\n' }}"
        "{% else %}{{ block['text'] }}{% endif %}"
        "{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
    # As published: media first, each text behind a line break, none behind a turn, and a prompt for a reply
    # ("assistant\n") that a turn ("assistant \n") does not begin with.
    "llava_onevision": (
        "{% for message in messages %}<|im_start|>{{ message['role'] + ' ' }}"
        "{% for block in message['content'] if block['type'] == 'image' %}<image>{% endfor %}"
        "{% for block in message['content'] if block['type'] == 'video' %}<video>{% endfor %}"
        "{% for block in message['content'] if block['type'] == 'text' %}{{ '\n' + block['text'] }}{% endfor %}"
        "<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
}
FAMILIES = ("idefics3", "internvl", "llava_onevision", "qwen2_5_vl", "qwen3_vl", "smolvlm")
QWEN_PX = {"qwen2_5_vl": 84, "qwen3_vl": 96}
WORDS = ["The keeper wound the clock. What is it? A red circle moves to the left. assistant user system"] * 4


@dataclass(frozen=True)
class Family:
    """A family and where its tiny checkpoint lies.

    Args:
        name (`str`): Its `model_type`.
        folder (`Path`): The checkpoint, as published ones are: not configured by the adapter.
    """

    name: str
    folder: Path

    @property
    def adapter(self) -> Adapter:
        return ADAPTERS[self.name]

    def processor(self, *, configured: bool = True) -> Any:
        from transformers import AutoProcessor

        processor = AutoProcessor.from_pretrained(self.folder)
        if configured:
            if self.name in QWEN_PX:  # 9 tokens a page; the adapter keeps a square that is set
                square = QWEN_PX[self.name] ** 2
                processor.image_processor.size = {"shortest_edge": square, "longest_edge": square}
            self.adapter.configure(processor)
        return processor

    def model(self, **options: Any) -> Any:
        from transformers import AutoModelForImageTextToText

        register()
        model = AutoModelForImageTextToText.from_pretrained(self.folder, **options).eval()
        self.adapter.configure_model(model.config)
        return model


@pytest.fixture(
    scope="session", params=["idefics3", "internvl", "llava_onevision", "minicpmv", "qwen2_5_vl", "qwen3_vl", "smolvlm"]
)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    folder = tmp_path_factory.mktemp(request.param)
    build(request.param, folder)
    return Family(request.param, folder)


def build(family: str, folder: Path, *, seed: int = 0) -> None:
    """Write a tiny model with random weights and its processor to a folder."""
    import torch
    from transformers import set_seed

    if family == "idefics3":
        tiny.build(folder, WORDS, seed=seed)
        return
    if family == "minicpmv":
        register()
        write_checkpoint(folder)
        return
    set_seed(seed)
    model, processor = BUILDERS[family]()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Drawn at 0.02, or 0, the layers would change their input so little that a wrong mask went unnoticed.
            if "norm" not in name:
                parameter.normal_(std=0.1)
    tokenizer = processor.tokenizer
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def tokenizer(special: list[str], *, pad: str, eos: str, **named: str) -> Any:
    """A byte-level tokenizer trained here; `named` are special tokens with a name of their own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = [pad, eos, *special, *named.values()]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(WORDS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=pad, eos_token=eos, extra_special_tokens=named, model_max_length=8192
    )


def ids(tokenizer: Any, **tokens: str) -> dict[str, int]:
    return {name: tokenizer.convert_tokens_to_ids(token) for name, token in tokens.items()}


def smolvlm() -> tuple[Any, Any]:
    from transformers import (
        LlamaConfig,
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
        SmolVLMVideoProcessor,
    )
    from transformers.models.smolvlm.configuration_smolvlm import SmolVLMVisionConfig

    words = tokenizer([tiny.BOS, tiny.IMAGE, tiny.IMAGE_BORDER, tiny.IMAGE_WHOLE], pad=tiny.PAD, eos=tiny.END_OF_TURN)
    words.bos_token = tiny.BOS
    size = {"longest_edge": tiny.DEFAULT.image_px}
    processor = SmolVLMProcessor(
        SmolVLMImageProcessor(size={"longest_edge": 4 * tiny.DEFAULT.image_px}, max_image_size=size),
        words,
        SmolVLMVideoProcessor(size=size, max_image_size=size),
        image_seq_len=tiny.DEFAULT.image_tokens,
        chat_template=tiny.CHAT_TEMPLATE,
    )
    config = SmolVLMConfig(
        vision_config=SmolVLMVisionConfig(
            hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            image_size=tiny.DEFAULT.image_px, patch_size=tiny.DEFAULT.patch_px,
        ),
        text_config=LlamaConfig(vocab_size=len(words), pad_token_id=words.pad_token_id, **TEXT),
        scale_factor=tiny.SCALE,
        pad_token_id=words.pad_token_id,
        **ids(words, image_token_id=tiny.IMAGE),
    )  # fmt: skip
    return SmolVLMForConditionalGeneration(config), processor


def internvl() -> tuple[Any, Any]:
    from transformers import (
        GotOcr2ImageProcessor,
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLProcessor,
        InternVLVideoProcessor,
        InternVLVisionConfig,
        Qwen2Config,
    )

    words = tokenizer(
        ["<|im_start|>"], pad="<|endoftext|>", eos="<|im_end|>", start_image_token="<img>", end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>", video_token="<video>",
    )  # fmt: skip
    size = {"height": 84, "width": 84}
    processor = InternVLProcessor(
        GotOcr2ImageProcessor(size=size, crop_to_patches=True),
        words,
        InternVLVideoProcessor(size=size),
        image_seq_length=9,
        chat_template=TEMPLATES["internvl"],
    )
    config = InternVLConfig(
        vision_config=InternVLVisionConfig(
            hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=84,
            patch_size=14, attention_bias=True,
        ),
        text_config=Qwen2Config(vocab_size=len(words), pad_token_id=words.pad_token_id, **TEXT),
        image_seq_length=9,
        **ids(words, image_token_id="<IMG_CONTEXT>"),
    )  # fmt: skip
    return InternVLForConditionalGeneration(config), processor


def llava_onevision() -> tuple[Any, Any]:
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessor,
        LlavaOnevisionProcessor,
        LlavaOnevisionVideoProcessor,
        Qwen2Config,
        SiglipVisionConfig,
    )

    words = tokenizer(["<|im_start|>", "<image>", "<video>"], pad="<|endoftext|>", eos="<|im_end|>")
    size, half = {"height": 70, "width": 70}, [0.5] * 3
    grids = [[70 * rows, 70 * columns] for rows in range(1, 4) for columns in range(1, 4)]
    processor = LlavaOnevisionProcessor(
        LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=grids, image_mean=half, image_std=half),
        words,
        LlavaOnevisionVideoProcessor(size=size, image_mean=half, image_std=half),
        num_image_tokens=25,
        vision_feature_select_strategy="full",
        chat_template=TEMPLATES["llava_onevision"],
    )
    config = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=70,
            patch_size=14, vision_use_head=False,
        ),
        text_config=Qwen2Config(
            vocab_size=len(words), pad_token_id=words.pad_token_id, tie_word_embeddings=False, **TEXT
        ),
        image_grid_pinpoints=grids,
        **ids(words, image_token_index="<image>", video_token_index="<video>"),
    )  # fmt: skip
    return LlavaOnevisionForConditionalGeneration(config), processor


def _qwen_tokenizer() -> Any:
    special = ["<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    return tokenizer(special, pad="<|endoftext|>", eos="<|im_end|>")


def _qwen_ids(words: Any) -> dict[str, int]:
    return ids(
        words, image_token_id="<|image_pad|>", video_token_id="<|video_pad|>",
        vision_start_token_id="<|vision_start|>", vision_end_token_id="<|vision_end|>",
    )  # fmt: skip


def qwen2_5_vl() -> tuple[Any, Any]:
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    words = _qwen_tokenizer()
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280}),
        words,
        Qwen2VLVideoProcessor(),
        chat_template=TEMPLATES["qwen2_5_vl"],
    )
    config = Qwen2_5_VLConfig(
        vision_config=dict(
            hidden_size=48, intermediate_size=64, depth=3, num_heads=4, out_hidden_size=64, window_size=56,
            fullatt_block_indexes=[1], tokens_per_second=2,
        ),
        text_config=dict(
            vocab_size=len(words), pad_token_id=words.pad_token_id, bos_token_id=None,
            eos_token_id=words.eos_token_id,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]}, **TEXT,
        ),
        **_qwen_ids(words),
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config), processor


def qwen3_vl() -> tuple[Any, Any]:
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    words, half = _qwen_tokenizer(), [0.5] * 3
    processor = Qwen3VLProcessor(
        Qwen2VLImageProcessor(
            size={"shortest_edge": 256 * 256, "longest_edge": 4096 * 4096}, patch_size=16, image_mean=half,
            image_std=half,
        ),
        words,
        Qwen3VLVideoProcessor(),
        chat_template=TEMPLATES["qwen3_vl"],
    )  # fmt: skip
    config = Qwen3VLConfig(
        vision_config=dict(
            hidden_size=48, intermediate_size=64, depth=3, num_heads=4, out_hidden_size=64,
            num_position_embeddings=64, deepstack_visual_indexes=[0, 1],
        ),
        text_config=dict(
            vocab_size=len(words), pad_token_id=words.pad_token_id, head_dim=16,
            rope_parameters={
                "rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True,
            },
            **TEXT,
        ),
        **_qwen_ids(words),
    )  # fmt: skip
    return Qwen3VLForConditionalGeneration(config), processor


BUILDERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "internvl": internvl,
    "llava_onevision": llava_onevision,
    "qwen2_5_vl": qwen2_5_vl,
    "qwen3_vl": qwen3_vl,
    "smolvlm": smolvlm,
}
