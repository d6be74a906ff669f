"""Each family with its own processor and model classes: prices, packing, pixels, parts, loading; real video."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import VideoTimes
from t2vid_hf.models.trained_with import set_frame_size
from t2vid_hf.schema import conversation, media_block, text
from tests.models.families import FAMILIES, Family, family

__all__ = ["family"]  # a fixture


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads cost such small models more than they save, above all beside other busy processes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


IMAGE, VIDEO = media_block("image"), media_block("video")
# These leave a shape as it is, or pad it, where the others squeeze: frames are squeezed before they see them.
SQUARED_BEFORE = ("llava_onevision", "qwen2_5_vl", "qwen3_vl")
QWEN = {"qwen2_5_vl", "qwen3_vl"}
WITH_VIDEO = {"llava_onevision", "smolvlm", *QWEN}
# The processor of SmolVLM makes the pixels of images or of videos, not of both.
BOTH = {"llava_onevision", *QWEN}
PIECES = [
    "the keeper", " clock", "  ", "\n", "\n\n", "\t", " ", "?", ": ", "A.", "<", ">", "<|end|>", "img", "été", "灯台守",
    "👩‍👩‍👧", "0123456789", "_", "'s", "User:", "assistant\n",
]  # fmt: skip


def only(names):
    return pytest.mark.parametrize("family", sorted(names), indirect=True)


def drawn(random: np.random.Generator, height: int, width: int, channels: int) -> Image.Image:
    """Noise in blocks, so that resizing matters; never black."""
    blocks = random.integers(1, 256, (math.ceil(height / 5), math.ceil(width / 5), channels), np.uint8)
    pixels = blocks.repeat(5, 0).repeat(5, 1)[:height, :width]
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


@dataclass
class Sample:
    """A row as messages, and its images."""

    messages: list
    images: list[Image.Image]

    def rendered(self, processor) -> str:
        return processor.apply_chat_template(self.messages, tokenize=False)

    def inputs(self, processor, **options):
        """What the family's own processor makes of it alone."""
        images = [self.images] if self.images else None
        return processor(text=[self.rendered(processor)], images=images, add_special_tokens=False, **options)


def samples(count: int, seed: int, size, *, images=(0, 1, 4)) -> list[Sample]:
    """Random rows: no, one or several images before, behind and between texts, with one turn or more."""
    random = np.random.default_rng(seed)

    def words(least: int) -> str:
        return "".join(random.choice(PIECES, random.integers(least, 12)))

    rows = []
    for index in range(count):
        pictures = [drawn(random, *size(random), random.choice([1, 3])) for _ in range(images[index % len(images)])]
        blocks = [IMAGE] * len(pictures)
        messages = conversation(blocks, words(0), words(1) + "x")
        if random.random() < 0.3:
            messages[0]["content"] = [text(words(0)), *blocks, text(words(1))]
        if random.random() < 0.3:
            messages += conversation([], words(1), words(1) + ".")
        rows.append(Sample(messages, pictures))
    return rows


def native(px: int):
    return lambda random: (px, px)


def uint8(processor, adapter, rows: list[Sample]) -> torch.Tensor:
    """The images of rows of native size, in order, `(images, 3, page_px, page_px)`."""
    arrays = [np.array(image.convert("RGB")).transpose(2, 0, 1) for row in rows for image in row.images]
    return torch.from_numpy(np.stack(arrays))


def pixel_inputs(processor, adapter, rows: list[Sample]) -> dict:
    return adapter.model_inputs(apply_table(uint8(processor, adapter, rows), normalisation_table(processor)))


@pytest.mark.parametrize("shapes", ["pages", "any"])
def test_prices_are_the_lengths_of_what_the_processor_makes(family: Family, shapes):
    processor, adapter = family.processor(), family.adapter
    px = adapter.page_px(processor)

    def any_size(random):
        height, width = random.integers(px // 2, 3 * px, 2)
        return height, width

    cost = TokenCost(processor, adapter)
    for number, row in enumerate(samples(24, seed=len(shapes), size=native(px) if shapes == "pages" else any_size)):
        media = {"num_frames": len(row.images), "images": row.images, "videos": []}
        price = cost.price({"id": str(number), "messages": row.messages, **media})
        assert price == len(row.inputs(processor)["input_ids"][0])


@pytest.mark.parametrize("images", [1, 2])
def test_the_text_of_an_image_is_what_the_processor_writes(family: Family, images):
    processor, adapter = family.processor(), family.adapter
    image, px = adapter.image_text(processor), adapter.page_px(processor)
    pictures = [drawn(np.random.default_rng(0), px, px, 1)] * images
    written = processor(text=["x" + image.placeholder * images + "y"], images=[pictures])["input_ids"][0]
    assert written == processor.tokenizer(f"x{image.text() * images}y")["input_ids"]
    media = set(adapter.media_token_ids(processor))
    assert None not in media
    assert sum(token in media for token in written) == images * TokenCost(processor, adapter).tokens_per_image


def test_a_processor_that_is_not_configured(family: Family):
    processor = family.processor(configured=False)
    if family.name != "idefics3":  # which is made configured
        with pytest.raises(InputError, match="call adapter.configure"):
            family.adapter.image_text(processor)
    family.adapter.configure(processor)
    once = str(family.adapter.image_text(processor)), processor.to_dict()
    family.adapter.configure(processor)
    assert (str(family.adapter.image_text(processor)), processor.to_dict()) == once


# Side of a page and tokens of one, with its delimiters, on published checkpoints.
PUBLISHED = {
    "idefics3": (364, 172),
    "internvl": (448, 258),
    "llava_onevision": (384, 730),
    "minicpmv": (448, 98),
    "qwen2_5_vl": (448, 258),
    "qwen3_vl": (448, 198),
    "smolvlm": (512, 67),
}


def test_tokens_of_a_page_on_published_checkpoints(family: Family):
    processor, adapter = family.processor(configured=False), family.adapter
    px, tokens = PUBLISHED[family.name]
    # What their preprocessor_config.json and processor_config.json say; Qwen-VL's are as in the tiny ones.
    if family.name in ("idefics3", "smolvlm"):
        processor.image_processor.max_image_size = {"longest_edge": px}
        processor.image_seq_len = tokens - 3
    elif family.name == "internvl":
        processor.image_processor.size = {"height": px, "width": px}
        processor.image_seq_length = 256
    elif family.name == "llava_onevision":
        processor.image_processor.size = {"height": px, "width": px}
        processor.num_image_tokens = 729
    elif family.name == "minicpmv":
        processor.image_processor.scale_resolution, processor.image_processor.image_feature_size = px, 96
    adapter.configure(processor)
    assert (adapter.page_px(processor), TokenCost(processor, adapter).tokens_per_image) == (px, tokens)
    pictures = [drawn(np.random.default_rng(0), px, px, 1) for _ in range(2)]
    image = adapter.image_text(processor)
    for images in (1, 2):
        written = processor(text=[image.placeholder * images], images=[pictures[:images]])["input_ids"][0]
        assert len(written) == images * tokens


@dataclass
class Packed:
    """Rows in one sequence, and each as the family's own processor makes it."""

    inputs: dict
    alone: list
    lengths: list[int]


@pytest.fixture(scope="module")
def packed(family: Family) -> Packed:
    processor, adapter = family.processor(), family.adapter
    rows = samples(5, seed=3, size=native(adapter.page_px(processor)), images=(2, 0, 1, 3, 1))
    alone = [row.inputs(processor, return_tensors="pt") for row in rows]
    ids = [inputs["input_ids"][0].numpy() for inputs in alone]
    positions = np.concatenate([adapter.position_ids(processor, row) for row in ids], axis=-1)
    inputs = {
        "input_ids": torch.from_numpy(np.concatenate(ids)[None]),
        # (1, n), or (4, 1, n)
        "position_ids": torch.from_numpy(positions[..., None, :]),
        "use_cache": False,
        **pixel_inputs(processor, adapter, rows),
    }
    return Packed(inputs, alone, [len(row) for row in ids])


def learned(model, batches: list[dict]) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """Logits of batches, and the gradients of a sum over all of their tokens."""
    model.zero_grad()
    logits = []
    for batch in batches:
        logits.append(model(**batch).logits[0])
    together = torch.cat(logits)
    targets = torch.arange(len(together)) % together.shape[1]
    torch.nn.functional.cross_entropy(together, targets).backward()
    gradients = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    return [row.detach() for row in logits], gradients


@pytest.mark.parametrize("attention", ["sdpa", "sdpa_packed", "eager"])
def test_packed_rows_are_as_alone(family: Family, packed: Packed, attention):
    model = family.model(attn_implementation=attention, dtype=torch.float32)
    alone, expected = learned(model, [{**inputs, "use_cache": False} for inputs in packed.alone])
    (together,), gradients = learned(model, [packed.inputs])
    for made, row in zip(together.split(packed.lengths), alone, strict=True):
        torch.testing.assert_close(made, row, rtol=1e-5, atol=1e-5)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-5, atol=1e-5, msg=name)


@pytest.mark.parametrize("attention", ["sdpa", "sdpa_packed", "eager"])
def test_positions_that_do_not_restart_leak(family: Family, packed: Packed, attention):
    model = family.model(attn_implementation=attention, dtype=torch.float32)
    positions = packed.inputs["position_ids"].clone()
    positions[... if positions.ndim == 2 else 0] = torch.arange(positions.shape[-1])
    with torch.no_grad():
        apart = model(**packed.inputs).logits
        leaking = model(**{**packed.inputs, "position_ids": positions}).logits
    first = packed.lengths[0]
    torch.testing.assert_close(leaking[:, :first], apart[:, :first], rtol=1e-4, atol=1e-4)
    assert (leaking[:, first:] - apart[:, first:]).abs().max() > 0.01


@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("frame", [None, (90, 160), (200, 90), (31, 17)], ids=["pages", "wide", "high", "small"])
@pytest.mark.parametrize("frame_size", ["native", "square"])
def test_pixels_are_the_processors(family: Family, frame, images, frame_size):
    processor, adapter = family.processor(), family.adapter
    if frame_size == "square":
        set_frame_size(processor, adapter, "square")
        adapter.configure(processor)
    px, random = adapter.page_px(processor), np.random.default_rng(images)
    if frame is None:
        pictures = [drawn(random, px, px, 1) for _ in range(images)]
        fitted = torch.from_numpy(np.stack([np.array(picture)[None] for picture in pictures]))  # one channel
    else:
        pictures = [drawn(random, *frame, 3) for _ in range(images)]
        frames = torch.from_numpy(np.stack([np.array(picture) for picture in pictures])).permute(0, 3, 1, 2)
        if frame_size == "native":  # what the processor makes of the pictures as they are
            fitted = adapter.fit(processor, frames, alone=images == 1)
        else:
            fitted = adapter.resize(processor, frames)
            if family.name in SQUARED_BEFORE:
                pictures = [Image.fromarray(frame.permute(1, 2, 0).numpy()) for frame in fitted]
    seen = adapter.fitted_size(processor, *(frame or (px, px))) if frame_size == "native" else (px, px)
    assert fitted.dtype == torch.uint8 and tuple(fitted.shape[-2:]) == seen
    made = adapter.model_inputs(apply_table(fitted, normalisation_table(processor)))
    image = adapter.image_text(processor, seen)
    expected = processor(
        text=[image.placeholder * images], images=[pictures], return_tensors="pt", add_special_tokens=False
    )
    assert expected["input_ids"][0].tolist() == processor.tokenizer(image.text() * images)["input_ids"]
    if family.name == "llava_onevision":  # an only image has a tile, which the model drops
        assert expected["pixel_values"].shape[1] == (2 if images == 1 else 1)
        expected["pixel_values"] = expected["pixel_values"][:, :1]
        # The sizes of the pictures as they were given, by which the model would count tiles; it is set to take none.
        del made["image_sizes"]
    for name, tensor in made.items():
        assert torch.equal(tensor, expected[name]), name


def parts_paths(family: Family) -> list[str]:
    parts = family.adapter.parts
    return [*parts.vision, *parts.connector, *parts.language]


def below(name: str, paths) -> bool:
    return any(name == path or name.startswith(f"{path}.") for path in paths)


def test_the_parts_cover_every_parameter_once(family: Family):
    model = family.model()
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    for name in names:
        assert sum(below(name, [path]) for path in parts_paths(family)) == 1, name
    for path in (*parts_paths(family), *family.adapter.parts.unused):
        assert any(below(name, [path]) for name in names), path


def test_lora_is_for_every_linear_layer_of_the_language_model(family: Family):
    model, parts = family.model(), family.adapter.parts
    language = {name: module for name, module in model.named_modules() if below(name, parts.language)}
    named = {name for name in language if name.rpartition(".")[2] in parts.lora}
    linear = {name for name, module in language.items() if isinstance(module, torch.nn.Linear)}
    assert named == linear - {"lm_head"}
    assert {name.rpartition(".")[2] for name in named} == set(parts.lora)


def test_a_row_with_an_image_uses_all_that_is_not_unused(family: Family, packed: Packed):
    model = family.model()
    _, gradients = learned(model, [packed.alone[2]])  # one image
    without = {name for name, _ in model.named_parameters()} - gradients.keys()
    unused = {name for name, _ in model.named_parameters() if below(name, family.adapter.parts.unused)}
    assert without == unused


def test_saved_loaded_and_asked(family: Family, packed: Packed, tmp_path):
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor, model = family.processor(), family.model()
    processor.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    # As whoever has only transformers does it: what was configured was saved.
    again, loaded = AutoProcessor.from_pretrained(tmp_path), AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert family.adapter.image_text(again) == family.adapter.image_text(processor)
    px = family.adapter.page_px(again)
    for row in samples(3, seed=4, size=native(px), images=(1, 2, 0)):
        inputs = row.inputs(again, return_tensors="pt")
        for name, value in family.adapter.text_inputs(again, inputs["input_ids"].numpy()).items():
            assert np.array_equal(value, inputs[name])
        replies = [
            asked.eval().generate(**inputs, max_new_tokens=4, min_new_tokens=4, do_sample=False)
            for asked in (model, loaded)
        ]
        assert torch.equal(*replies) and replies[0].shape[1] == inputs["input_ids"].shape[1] + 4
        # The pixels and ids that we make, asked as the processor's.
        if row.images:
            ours = {name: torch.from_numpy(value) for name, value in family.adapter.text_inputs(
                again, inputs["input_ids"].numpy()).items()}  # fmt: skip
            ours |= pixel_inputs(again, family.adapter, [row])
            made = loaded.generate(inputs["input_ids"], **ours, max_new_tokens=4, min_new_tokens=4, do_sample=False)
            assert torch.equal(made, replies[0])


def test_trls_fused_head_gives_the_models_loss(family: Family, packed: Packed):
    from trl.trainer.utils import add_fused_lm_head

    model = family.model(dtype=torch.float32)
    labels = packed.inputs["input_ids"].clone()
    labels[:, ::3] = -100
    expected = model(**packed.inputs, labels=labels).loss
    add_fused_lm_head(model)
    made = model(**packed.inputs, labels=labels, fused_lm_head=True).loss
    torch.testing.assert_close(made, expected, rtol=1e-5, atol=1e-5)


def test_positions_are_the_models_own(family: Family):
    processor, model = family.processor(), family.model().model
    for row in samples(12, seed=7, size=native(family.adapter.page_px(processor))):
        inputs = row.inputs(processor, return_tensors="pt")
        made = family.adapter.position_ids(processor, inputs["input_ids"][0].numpy())
        assert made.dtype == np.int64
        count = inputs["input_ids"].shape[1]
        if family.name not in QWEN:
            assert made.tolist() == list(range(count))
            continue
        expected, _ = model.get_rope_index(
            inputs["input_ids"], inputs["mm_token_type_ids"], image_grid_thw=inputs.get("image_grid_thw")
        )
        assert np.array_equal(made[1:], expected[:, 0]) and made[0].tolist() == list(range(count))


@only(QWEN)
def test_a_model_that_is_not_built_as_expected(family: Family):
    config = family.model().config
    config.vision_config.spatial_merge_size = 4
    with pytest.raises(InputError, match=r"are \[1[46], 4, 2.*; the adapter is written for \[1[46], 2, 2"):
        family.adapter.configure_model(config)


# --- real video -------------------------------------------------------------------------------------------------


@dataclass
class Clip:
    """Frames of a video of 40 frames at 8 a second, as read."""

    frames: torch.Tensor
    indices: list[int]

    @property
    def times(self) -> VideoTimes:
        return VideoTimes(tuple(index / 8 for index in self.indices), total=40, fps=8.0)

    @property
    def metadata(self) -> dict:
        return {"total_num_frames": 40, "fps": 8.0, "duration": 5.0, "frames_indices": list(self.indices)}


@dataclass
class Mixed(Sample):
    """A row with images and videos."""

    clips: list[Clip]

    def inputs(self, processor, **options):
        videos = {}
        if self.clips:
            videos = {
                "videos": [clip.frames for clip in self.clips],
                "video_metadata": [[clip.metadata] for clip in self.clips],
                "do_sample_frames": False,
            }
        return super().inputs(processor, **videos, **options)


def clip(random: np.random.Generator, frames: int, px: int) -> Clip:
    pictures = np.stack([np.array(drawn(random, px, px, 3)) for _ in range(frames)])
    indices = sorted(random.choice(40, frames, replace=False).tolist())
    return Clip(torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(), indices)


def mixed_rows(px: int, counts: list[list[int]], seed: int) -> list[Mixed]:
    """A row for each list of numbers of frames: 0 is an image."""
    random = np.random.default_rng(seed)
    rows = []
    for number, row in enumerate(counts):
        pictures = [drawn(random, px, px, 1) for frames in row if not frames]
        clips = [clip(random, frames, px) for frames in row if frames]
        blocks = [VIDEO if frames else IMAGE for frames in row]
        rows.append(Mixed(conversation(blocks, f"What is it? {number}", "A clock."), pictures, clips))
    return rows


def video_values(processor, rows: list[Mixed]) -> list[torch.Tensor]:
    table = normalisation_table(processor)
    return [apply_table(clip.frames, table) for row in rows for clip in row.clips]


def video_counts(family: Family) -> list[list[int]]:
    if family.name == "llava_onevision":  # its processor takes those of a row in one array
        return [[4], [], [0, 3], [0, 0], [2, 2]]
    if family.name == "smolvlm":
        return [[5], [], [3, 3]]
    return [[5], [], [0, 2, 7], [0, 0], [4, 3]]


@only(set(FAMILIES) - WITH_VIDEO)
def test_a_family_without_video_says_so(family: Family):
    with pytest.raises(InputError, match="Adapter takes no video: give its frames as images"):
        family.adapter.video_text(family.processor(), VideoTimes((0.0,), total=1, fps=1.0))
    with pytest.raises(InputError, match="takes no video"):
        family.adapter.video_inputs([torch.zeros(1, 3, 4, 4)])


@only(WITH_VIDEO)
def test_the_text_and_the_pixels_of_a_video_are_the_processors(family: Family):
    processor, adapter = family.processor(), family.adapter
    for row in mixed_rows(adapter.page_px(processor), video_counts(family), seed=1):
        if not row.clips:
            continue
        made = row.inputs(processor, return_tensors="pt")
        written = row.rendered(processor)
        for each in row.clips:
            video = adapter.video_text(processor, each.times)
            assert written.count(video.placeholder) >= 1
            written = written.replace(video.placeholder, video.text(), 1)
        image = adapter.image_text(processor)
        if row.images:
            written = written.replace(image.placeholder, image.text())
        assert made["input_ids"][0].tolist() == processor.tokenizer(written)["input_ids"]
        ours = adapter.video_inputs(video_values(processor, [row]))
        for name, tensor in ours.items():
            given = made[name]
            if family.name == "smolvlm":  # one line of images, whichever video they are of: so its model takes them
                given = given.flatten(0, 1).unsqueeze(0)
            assert torch.equal(tensor, given), name


@only(QWEN)
def test_positions_of_videos_are_the_models_own(family: Family):
    processor, adapter, model = family.processor(), family.adapter, family.model().model
    for row in mixed_rows(adapter.page_px(processor), video_counts(family), seed=2):
        inputs = row.inputs(processor, return_tensors="pt")
        ids = inputs["input_ids"]
        grids = {name: inputs[name] for name in ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")
                 if name in inputs}  # fmt: skip
        expected, _ = model.get_rope_index(ids, inputs["mm_token_type_ids"], **grids)
        times = [each.times for each in row.clips]
        made = adapter.position_ids(processor, ids[0].numpy(), videos=times)
        assert np.array_equal(made[1:], expected[:, 0])
        text_inputs = adapter.text_inputs(processor, ids.numpy())
        assert np.array_equal(text_inputs["mm_token_type_ids"], inputs["mm_token_type_ids"])
        if times:
            with pytest.raises(InputError, match="groups of video frames, and images of"):
                adapter.position_ids(processor, ids[0].numpy(), videos=times[:-1])


@only(BOTH)
@pytest.mark.parametrize("attention", ["sdpa", "sdpa_packed", "eager"])
def test_packed_rows_with_videos_are_as_alone(family: Family, attention):
    processor, adapter = family.processor(), family.adapter
    rows = mixed_rows(adapter.page_px(processor), video_counts(family), seed=3)
    alone = [row.inputs(processor, return_tensors="pt") for row in rows]
    ids = [inputs["input_ids"][0].numpy() for inputs in alone]
    positions = [
        adapter.position_ids(processor, row, videos=[each.times for each in sample.clips])
        for row, sample in zip(ids, rows, strict=True)
    ]
    packed = {
        "input_ids": torch.from_numpy(np.concatenate(ids)[None]),
        "position_ids": torch.from_numpy(np.concatenate(positions, axis=-1)[..., None, :]),
        "use_cache": False,
        **pixel_inputs(processor, adapter, rows),
        **adapter.video_inputs(video_values(processor, rows)),
    }
    model = family.model(attn_implementation=attention, dtype=torch.float32)
    apart, expected = learned(model, [{**inputs, "use_cache": False} for inputs in alone])
    if family.name == "llava_onevision":
        with pytest.raises(AttributeError, match="shape"):  # videos of several lengths
            model(**packed)
    with adapter.while_running(model):
        (together,), gradients = learned(model, [packed])
    for made, row in zip(together.split([len(row) for row in ids]), apart, strict=True):
        torch.testing.assert_close(made, row, rtol=1e-5, atol=1e-5)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-5, atol=1e-5, msg=name)
