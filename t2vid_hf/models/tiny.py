"""A tiny Idefics3 with random weights: for demos, tests, dry runs and experiments without a download.

It has every part of the 8-billion-parameter model (vision tower, connector, Llama, processor, chat template), saves and
loads like any checkpoint, and trains a step in tens of milliseconds on a CPU. At 0.7 M parameters it is far too small
to read a page; of another `Size`, 1 M parameters and a token for each of 200 words read one word from a page of 32 px.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from t2vid_hf.models.idefics3 import Idefics3Adapter

VOCABULARY = 2048
PAD, BOS, END_OF_TURN = "<|pad|>", "<|begin_of_text|>", "<end_of_utterance>"
IMAGE, IMAGE_BORDER, IMAGE_WHOLE = "<image>", "<fake_token_around_image>", "<global-img>"
UNKNOWN = "<|unknown|>"
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ message['role'] | capitalize }}:"
    "{% for block in message['content'] %}"
    "{% if block['type'] == 'image' %}<image>{% else %}{{ ' ' + block['text'] }}{% endif %}"
    "{% endfor %}"
    "<end_of_utterance>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)


@dataclass(frozen=True)
class Size:
    """What a tiny model is made of.

    Args:
        image_px (`int`, *optional*, defaults to `96`): Side of the square that the vision tower sees.
        patch_px (`int`, *optional*, defaults to `12`): Side of its patches, of which four are a token.
        vision_width (`int`, *optional*, defaults to `96`): Width of the vision tower, of two layers.
        layers (`int`, *optional*, defaults to `3`): Layers of the language model, of width 128.
        vision_init (`float`, *optional*, defaults to `0.02`): Spread of the vision tower's initial weights.
        language_init (`float`, *optional*, defaults to `0.02`): That of the language model's.
        rope_theta (`float`, *optional*, defaults to `10000.0`): The slowest of its positions' waves.
        pixel_mean (`float`, *optional*, defaults to `0.5`): What is taken from a pixel, of 1.
        pixel_spread (`float`, *optional*, defaults to `0.5`): What the rest is divided by.
        words (`bool`, *optional*, defaults to `False`): Whether each word between white space is a token, and none is
            known but those of the texts; else tokens are learned from them, down to bytes.
    """

    image_px: int = 96
    patch_px: int = 12
    vision_width: int = 96
    layers: int = 3
    vision_init: float = 0.02
    language_init: float = 0.02
    rope_theta: float = 10_000.0
    pixel_mean: float = 0.5
    pixel_spread: float = 0.5
    words: bool = False

    @property
    def image_tokens(self) -> int:
        """Tokens of an image."""
        return (self.image_px // self.patch_px) ** 2 // SCALE**2


SCALE = 2
DEFAULT = Size()
MINIATURE = Size(
    image_px=32, patch_px=8, vision_width=128, layers=4, vision_init=0.08, language_init=0.05, rope_theta=1000.0,
    pixel_mean=0.93, pixel_spread=0.22, words=True,
)  # fmt: skip
"""Of the sequence world in `t2vid_hf.clips`: 1.0 M parameters, 4 tokens an image. Weights as large as this width wants,
and paper near 0: without them it sees nothing for hundreds of steps."""


def build(folder: str | Path, texts: Iterable[str], *, seed: int = 0, size: Size = DEFAULT) -> None:
    """Write a tiny model with random weights and its processor to a folder.

    Args:
        folder (`str` or `Path`): Where `AutoModelForImageTextToText` and `AutoProcessor` will load them from.
        texts (`Iterable[str]`): What the tokenizer's vocabulary is learned from; other text falls back to bytes, or of
            a size with `words` is unknown.
        seed (`int`, *optional*, defaults to `0`): The seed of the weights.
        size ([`Size`], *optional*, defaults to `Size()`): What it is made of.
    """
    from transformers import Idefics3ForConditionalGeneration, set_seed

    tokenizer = _tokenizer(_words_of(texts) if size.words else _pieces_of(texts))
    processor = _processor(tokenizer, size)
    set_seed(seed)
    model = Idefics3ForConditionalGeneration(_config(tokenizer, size))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


_SPECIAL = [PAD, BOS, END_OF_TURN, IMAGE, IMAGE_BORDER, IMAGE_WHOLE]


def _pieces_of(texts: Iterable[str]):  # type: ignore[no-untyped-def]  # a class of tokenizers, imported below
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=_SPECIAL,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return core


def _words_of(texts: Iterable[str]):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, models, pre_tokenizers

    spoken = ["User:", "Assistant:", "System:"]  # by the chat template
    words = dict.fromkeys([*_SPECIAL, UNKNOWN, *spoken, *(word for text in texts for word in text.split())])
    core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=UNKNOWN))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return core


def _tokenizer(core):  # type: ignore[no-untyped-def]
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=END_OF_TURN,
        pad_token=PAD,
        additional_special_tokens=[IMAGE, IMAGE_BORDER, IMAGE_WHOLE],
        model_max_length=8192,
    )


def _processor(tokenizer, size: Size):  # type: ignore[no-untyped-def]
    from transformers import Idefics3ImageProcessor, Idefics3Processor

    longest = {"longest_edge": size.image_px}
    processor = Idefics3Processor(
        image_processor=Idefics3ImageProcessor(
            size=longest,
            max_image_size=longest,
            image_mean=[size.pixel_mean] * 3,
            image_std=[size.pixel_spread] * 3,
        ),
        tokenizer=tokenizer,
        image_seq_len=size.image_tokens,
        chat_template=CHAT_TEMPLATE,
    )
    Idefics3Adapter().configure(processor)
    return processor


def _config(tokenizer, size: Size):  # type: ignore[no-untyped-def]
    from transformers import Idefics3Config, LlamaConfig
    from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

    return Idefics3Config(
        vision_config=Idefics3VisionConfig(
            hidden_size=size.vision_width, intermediate_size=2 * size.vision_width, num_hidden_layers=2,
            num_attention_heads=4, image_size=size.image_px, patch_size=size.patch_px,
            initializer_range=size.vision_init,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=size.layers,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=8192,
            initializer_range=size.language_init,
            rope_parameters={"rope_type": "default", "rope_theta": size.rope_theta},
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id, tie_word_embeddings=True,
        ),
        scale_factor=SCALE,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )  # fmt: skip
