"""A tiny Idefics3 with random weights: for demos, tests and dry runs without a download.

It has every part of the 8-billion-parameter model (vision tower, connector, Llama, processor, chat template) at 0.7 M
parameters, saves and loads like any checkpoint, and trains a step in tens of milliseconds on a CPU. It is far too
small to read a page.
"""

from collections.abc import Iterable
from pathlib import Path

from t2vid_hf.models.idefics3 import Idefics3Adapter

IMAGE_PX, PATCH_PX, SCALE = 96, 12, 2
IMAGE_TOKENS = (IMAGE_PX // PATCH_PX) ** 2 // SCALE**2
VOCABULARY = 2048
PAD, BOS, END_OF_TURN = "<|pad|>", "<|begin_of_text|>", "<end_of_utterance>"
IMAGE, IMAGE_BORDER, IMAGE_WHOLE = "<image>", "<fake_token_around_image>", "<global-img>"
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


def build(folder: str | Path, texts: Iterable[str], *, seed: int = 0) -> None:
    """Write a tiny model with random weights and its processor to a folder.

    Args:
        folder (`str` or `Path`): Where `AutoModelForImageTextToText` and `AutoProcessor` will load them from.
        texts (`Iterable[str]`): What the tokenizer's vocabulary is learned from; other text falls back to bytes.
        seed (`int`, *optional*, defaults to `0`): The seed of the weights.
    """
    from transformers import Idefics3ForConditionalGeneration, set_seed

    tokenizer = _tokenizer(texts)
    processor = _processor(tokenizer)
    set_seed(seed)
    model = Idefics3ForConditionalGeneration(_config(tokenizer))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.bos_token_id = tokenizer.bos_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _tokenizer(texts: Iterable[str]):  # type: ignore[no-untyped-def]  # a transformers class, imported below
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = [PAD, BOS, END_OF_TURN, IMAGE, IMAGE_BORDER, IMAGE_WHOLE]
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=END_OF_TURN,
        pad_token=PAD,
        additional_special_tokens=[IMAGE, IMAGE_BORDER, IMAGE_WHOLE],
        model_max_length=8192,
    )


def _processor(tokenizer):  # type: ignore[no-untyped-def]
    from transformers import Idefics3ImageProcessor, Idefics3Processor

    size = {"longest_edge": IMAGE_PX}
    processor = Idefics3Processor(
        image_processor=Idefics3ImageProcessor(size=size, max_image_size=size),
        tokenizer=tokenizer,
        image_seq_len=IMAGE_TOKENS,
        chat_template=CHAT_TEMPLATE,
    )
    Idefics3Adapter().configure(processor)
    return processor


def _config(tokenizer):  # type: ignore[no-untyped-def]
    from transformers import Idefics3Config, LlamaConfig
    from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

    return Idefics3Config(
        vision_config=Idefics3VisionConfig(
            hidden_size=96, intermediate_size=192, num_hidden_layers=2, num_attention_heads=4,
            image_size=IMAGE_PX, patch_size=PATCH_PX,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=8192,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id, tie_word_embeddings=True,
        ),
        scale_factor=SCALE,
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )  # fmt: skip
