"""Native video and images in their proportions: what is encoded and priced is what transformers makes of the same."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from PIL import Image

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.pixels import model_pixels, normalisation_table, pixel_tensors
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.batches.video_policy import VideoPolicy, trained_policy
from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS
from t2vid_hf.models.trained_with import record, set_frame_size
from t2vid_hf.schema import conversation, features, media_block
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from tests.models.families import Family, family
from tests.video.clips import encode

__all__ = ["family"]  # a fixture
IMAGE, VIDEO = media_block("image"), media_block("video")
WITH_VIDEO = ["llava_onevision", "qwen2_5_vl", "qwen3_vl", "smolvlm"]
POLICIES = [VideoPolicy("native", num_frames=6), VideoPolicy("native", fps=4.0, max_frames=5)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(encode("mp4", "mpeg4"))  # 60 frames of 96 x 64 at 25 a second
    return path


@pytest.fixture(scope="module")
def varying(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "varying.mp4"
    path.write_bytes(encode("mp4", "mpeg4", gaps=True))
    return path


def make_row(key: str, clips=(), images=(), answer: str = "A clock.") -> dict:
    blocks = [*[IMAGE] * len(images), *[VIDEO] * len(clips)]
    media = "video" if clips else "image_sequence" if images else "text"
    return {
        "id": key, "source": "s", "media": media, "messages": conversation(blocks, f"What is it? {key}", answer),
        "images": list(images), "videos": [{"bytes": None, "path": str(path)} for path in clips],
        "num_frames": 60 if clips else len(images),
    }  # fmt: skip


def picture(height: int, width: int, seed: int = 0, *, grey: bool = False) -> Image.Image:
    random = np.random.default_rng(seed)
    blocks = random.integers(1, 256, (height // 4 + 1, width // 4 + 1, 1 if grey else 3), np.uint8)
    pixels = blocks.repeat(4, 0).repeat(4, 1)[:height, :width]
    return Image.fromarray(pixels[..., 0] if grey else pixels)


def transformers_inputs(processor, row: dict, seconds) -> dict:
    """What transformers makes of a row: frames by its own `load_video`, metadata passed, nothing sampled again."""
    from transformers.video_utils import load_video

    given = {}
    if row["videos"]:
        frames, metadata = load_video(
            row["videos"][0]["path"], backend="pyav",
            sample_indices_fn=lambda metadata, **_: [round(second * metadata.fps) for second in seconds],
        )  # fmt: skip
        given = {"videos": [frames], "video_metadata": [[metadata]], "do_sample_frames": False}
    if row["images"]:
        given["images"] = [row["images"]]
    text = processor.apply_chat_template(row["messages"], tokenize=False)
    return processor(text=[text], add_special_tokens=False, return_tensors="pt", **given)


def model_inputs(family: Family, processor, encoded) -> dict:
    return model_pixels(family.adapter, pixel_tensors([encoded]), normalisation_table(processor))


def assert_equal(family: Family, processor, encoded, expected) -> None:
    assert encoded.input_ids.tolist() == expected["input_ids"][0].tolist()
    for name, tensor in model_inputs(family, processor, encoded).items():
        if name == "image_sizes":  # by which tiles would be counted; none are made
            continue
        given = expected[name]
        if family.name == "llava_onevision" and name == "pixel_values":
            given = given[:, :1]  # an only image has a tile, which the model drops
        assert torch.equal(tensor, given), name


def get_positions(family: Family, expected) -> torch.Tensor:
    names = ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")
    grids = {name: expected[name] for name in names if name in expected}
    if family.name == "qwen3_vl":
        grids.pop("second_per_grid_ts", None)
    made, _ = family.model().model.get_rope_index(expected["input_ids"], expected["mm_token_type_ids"], **grids)
    return made[:, 0]


@pytest.mark.parametrize("policy", POLICIES, ids=["number", "fps"])
@pytest.mark.parametrize(
    ("family", "most"), [*((name, None) for name in WITH_VIDEO), ("qwen2_5_vl", 4_000), ("qwen3_vl", 5_000)],
    indirect=["family"],
)  # fmt: skip
def test_a_native_row_is_what_transformers_makes(family: Family, clip, policy, most):
    processor = family.processor()
    set_frame_size(processor, family.adapter, video_max_pixels=most)
    family.adapter.configure(processor)
    encoder, row = RowEncoder(processor, family.adapter, policy=policy), make_row("a", [clip])
    encoded = encoder.encode(row)
    expected = transformers_inputs(processor, row, policy.read(clip, threads=1, name="clip").timing.seconds)
    assert_equal(family, processor, encoded, expected)
    assert TokenCost(processor, family.adapter, policy=policy).price(row) == len(encoded)
    if most:
        assert encoded.videos[0].shape[-1] * encoded.videos[0].shape[-2] <= most
    if family.name.startswith("qwen"):
        assert np.array_equal(encoded.position_ids[1:], get_positions(family, expected))
    spoken = processor.tokenizer.decode(encoded.labels[encoded.labels >= 0])
    assert spoken.startswith(" A clock.") or spoken.startswith("A clock.") or spoken.lstrip().startswith("A clock.")


@pytest.mark.parametrize("family", WITH_VIDEO, indirect=True)
@pytest.mark.parametrize("frame_size", [None, "square"])
def test_native_rows_are_priced_exactly(family: Family, clip, varying, frame_size):
    processor = family.processor()
    if frame_size and family.adapter.keeps_proportions:
        set_frame_size(processor, family.adapter, frame_size)
        family.adapter.configure(processor)
    px = family.adapter.page_px(processor)
    page = picture(px, px, grey=True)
    rows = [
        make_row("a", [clip], [page]), make_row("b", [varying]), make_row("c", images=[page, picture(50, 90)]),
        make_row("d", images=[picture(120, 40)]), make_row("e"),
        {**make_row("f", [clip]), "take_video": "as_frames", "take_frames": 3},
        {**make_row("g", [clip]), "take_fps": 2.0, "take_frames": 9},
        make_row("h", [clip, varying]),
        {**make_row("i", [varying, clip], [page]), "take_video": "as_frames", "take_frames": 3},
        {**make_row("j", [clip, clip]), "take_video": "as_frames", "take_fps": 2.0, "take_frames": 4},
    ]  # fmt: skip
    policy = VideoPolicy("native", num_frames=5)
    cost, encoder = (
        TokenCost(processor, family.adapter, policy=policy),
        RowEncoder(processor, family.adapter, policy=policy),
    )
    for row in rows:
        assert cost.price(row) == len(encoder.encode(row)), row["id"]
    own = [row for row in rows if "take_frames" not in row]
    plain = Dataset.from_list(own, features=features())
    assert cost.prices(plain).tokens.tolist() == [len(encoder.encode(row)) for row in own]


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"], indirect=True)
def test_where_the_rate_varies_the_real_times_are_told(family: Family, varying):
    processor, policy = family.processor(), POLICIES[0]
    encoded = RowEncoder(processor, family.adapter, policy=policy).encode(make_row("a", [varying]))
    timing = policy.read(varying, threads=1, name="clip").timing
    text = processor.tokenizer.decode(encoded.input_ids)
    pairs = zip(timing.seconds[::2], timing.seconds[1::2], strict=True)
    if family.name == "qwen3_vl":
        for first, second in pairs:
            assert f"<{(first + second) / 2:.1f} seconds>" in text
    assert timing.seconds != tuple(round(second * timing.fps) / timing.fps for second in timing.seconds)


@pytest.mark.parametrize("family", WITH_VIDEO, indirect=True)
def test_packed_with_pages_and_text_a_native_row_is_as_alone(family: Family, clip, varying):
    processor, adapter = family.processor(), family.adapter
    px = adapter.page_px(processor)
    short = {**make_row("v", [varying]), "take_frames": 3}
    rows = [make_row("a", [clip]), make_row("b", images=[picture(px, px, grey=True)] * 2), make_row("c"), short]
    rows.append(make_row("d", images=[picture(40, 90)]))
    encoder = RowEncoder(processor, adapter, policy=POLICIES[0])
    collate = DataCollatorForVideoLanguageModeling(encoder)
    model, table = family.model(dtype=torch.float32), normalisation_table(processor)

    def logits(batch: dict) -> torch.Tensor:
        inputs = {"input_ids": batch["input_ids"], "position_ids": batch["position_ids"], "use_cache": False}
        with adapter.while_running(model), torch.no_grad():
            return model(**inputs, **model_pixels(adapter, batch, table)).logits[0]

    together = collate(rows)
    lengths = together["row_lengths"]
    for made, row in zip(logits(together).split(lengths), rows, strict=True):
        torch.testing.assert_close(made, logits(collate([row])), rtol=1e-4, atol=1e-4)
    assert "get_video_features" not in vars(model.model)  # nothing is left on the model


SERVED = """
import json, sys, torch
from PIL import Image
if sys.argv[3] == "minicpmv":
    from t2vid_hf.models import register
    register()
else:
    sys.modules["t2vid_hf"] = None  # transformers alone
from transformers import AutoProcessor
processor = AutoProcessor.from_pretrained(sys.argv[1])
rows = json.load(open(sys.argv[2] + "/rows.json"))
made = []
for row in rows:
    images = [Image.open(path) for path in row["images"]]
    text = processor.apply_chat_template(row["messages"], tokenize=False)
    made.append(dict(processor(text=[text], images=[images], add_special_tokens=False, return_tensors="pt")))
torch.save(made, sys.argv[2] + "/made.pt")
"""


@pytest.mark.parametrize(
    ("family", "budgets"),
    [*((name, {}) for name in sorted(ADAPTERS)), ("qwen2_5_vl", {"image_max_pixels": 300_000}),
     ("qwen3_vl", {"image_max_pixels": 300_000})],
    indirect=["family"],
)  # fmt: skip
def test_what_is_trained_is_what_is_served(family: Family, budgets, tmp_path):
    """The saved processor makes, in a fresh process, of the pictures of a row what it was trained on, to the bit."""
    processor = family.processor()
    set_frame_size(processor, family.adapter, **budgets)
    family.adapter.configure(processor)
    record(processor, videos=[{"video": "as_frames", "num_frames": 2}])
    processor.save_pretrained(tmp_path / "saved")
    px = family.adapter.page_px(processor)
    pages = [picture(px, px, seed, grey=True) for seed in range(2)]
    shapes = {
        "frames": [(90, 160)] * 3,
        "one": [(90, 160)],
        "high": [(200, 90)],
        "small": [(31, 17), (64, 64)],
        "large": [(700, 500), (470, 460)],
    }
    rows = [make_row("pages", images=pages), make_row("mixed", images=[*pages, picture(90, 160, 9)])]
    rows += [
        make_row(name, images=[picture(*size, n) for n, size in enumerate(sizes)]) for name, sizes in shapes.items()
    ]
    described = []
    for row in rows:
        paths = [tmp_path / f"{row['id']}-{number}.png" for number in range(len(row["images"]))]
        for path, image in zip(paths, row["images"], strict=True):
            image.save(path)
        described.append({"messages": row["messages"], "images": [str(path) for path in paths]})
    (tmp_path / "rows.json").write_text(json.dumps(described))
    subprocess.run(
        [sys.executable, "-c", SERVED, str(tmp_path / "saved"), str(tmp_path), family.name], check=True, timeout=300
    )
    encoder = RowEncoder(processor, family.adapter)
    served = torch.load(tmp_path / "made.pt", weights_only=False)
    for row, expected in zip(rows, served, strict=True):
        assert_equal(family, processor, encoder.encode(row), expected)


@pytest.mark.parametrize("family", ["idefics3", "qwen2_5_vl"], indirect=True)
def test_what_a_checkpoint_was_trained_with_is_recorded(family: Family, tmp_path):
    from transformers import AutoProcessor

    processor = family.processor()
    ways = [{"video": "as_frames", "num_frames": None, "fps": 2.0, "max_frames": 8}]
    record(processor, videos=ways)
    if family.adapter.keeps_proportions:
        set_frame_size(processor, family.adapter, "square")
        family.adapter.configure(processor)
    else:
        with pytest.raises(InputError, match="squeezes images by itself"):
            set_frame_size(processor, family.adapter, "native")
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert family.adapter.frame_size(again) == "square"
    assert trained_policy(again, family.adapter) == VideoPolicy("as_frames", fps=2.0, max_frames=8)
    assert trained_policy(again, family.adapter, num_frames=3) == VideoPolicy("as_frames", num_frames=3)
    record(again, videos=[*ways, {"video": "native", "num_frames": 4}])
    with pytest.raises(InputError, match="trained with video in 2 ways"):
        trained_policy(again, family.adapter)
    encoder = RowEncoder(again, family.adapter)
    sizes = encoder.encode(make_row("a", images=[picture(50, 160)])).pixels.shape[2:]
    assert sizes == (encoder.page_px, encoder.page_px)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fps": 2.0}, "give both, or num_frames"),
        ({"max_frames": 2}, "give both, or num_frames"),
        ({"fps": 2.0, "max_frames": 4, "num_frames": 3}, "give one of them"),
        ({"num_frames": 0}, "above 0"),
        ({"video": "as_film"}, "known: "),
    ],
)
def test_a_policy_that_contradicts_itself(given, message):
    with pytest.raises(InputError, match=message):
        VideoPolicy(**given)


def test_a_family_without_video(tiny_checkpoint, clip):
    from transformers import AutoProcessor

    from t2vid_hf.models import adapter_for

    encoder = RowEncoder(AutoProcessor.from_pretrained(tiny_checkpoint), adapter_for("idefics3"), policy=POLICIES[0])
    with pytest.raises(InputError, match="takes no video"):
        encoder.encode(make_row("a", [clip]))


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"], indirect=True)
@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_rows_have_the_positions_of_their_videos(family: Family, clip, side):
    """By itself the model takes one time for every speed."""
    from t2vid_hf.batches.padding import padded_inputs

    processor = family.processor()
    encoder = RowEncoder(processor, family.adapter, policy=VideoPolicy("native", fps=4.0, max_frames=6))
    encoded = [encoder.encode(make_row("a", [clip])), encoder.encode(make_row("b", [clip, clip]))]
    made = padded_inputs(encoded, processor, family.adapter, side=side)
    for number, each in enumerate(encoded):
        kept = made["attention_mask"][number].bool()
        assert made["position_ids"][:, number, kept].tolist() == each.position_ids.tolist()


@pytest.mark.parametrize("family", ["qwen2_5_vl", "smolvlm"], indirect=True)
def test_a_mixture_of_pages_and_native_video_trains_and_is_asked(family: Family, clip, varying, tmp_path):
    """Prices of the mixture are the lengths of its rows; the checkpoint says how it was trained, and is asked so."""
    from t2vid_hf.evaluation.generation import answer
    from t2vid_hf.mixtures.mixing import mix
    from t2vid_hf.mixtures.parts import MixturePart
    from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer
    from t2vid_hf.training.fine_tuning import hold_to_limits
    from t2vid_hf.training.video_setup import set_up

    processor, model, adapter = family.processor(), family.model(), family.adapter
    px = adapter.page_px(processor)
    pages = [make_row(f"p{n}", images=[picture(px, px, n, grey=True)] * (n + 1)) for n in range(3)]
    videos = [make_row(f"v{n}", [path]) for n, path in enumerate([clip, varying])]
    parts = [
        (MixturePart("pages", share=1), Dataset.from_list(pages, features=features())),
        (
            MixturePart(str(clip.parent), share=1, video="native", fps=4.0, max_frames=9, over_limit="thin",
                        media_root="/"),
            Dataset.from_list(videos, features=features()),
        ),
    ]  # fmt: skip
    config = T2VidSFTConfig(
        output_dir=str(tmp_path / "out"), max_length=430 if family.name == "smolvlm" else 85, packing=True,
        max_steps=1, use_cpu=True, bf16=False, report_to="none", dataloader_num_workers=0, save_strategy="no",
        per_device_train_batch_size=1,
    )  # fmt: skip
    mixture = mix(parts, 0)
    set_up(processor, adapter, config, mixture.dataset)
    mixture, prices = hold_to_limits(mixture, TokenCost(processor, adapter, policy=config.video_policy()), config)
    assert any(pick.take_frames not in (None, 9) for pick in mixture.picks)  # thinned, by what a frame really saves
    run = T2VidSFTTrainer(model, args=config, train_dataset=mixture.dataset, processing_class=processor, prices=prices)
    encoder = run.data_collator.encoder
    assert prices.tokens.tolist() == [len(encoder.encode(row)) for row in mixture.dataset]
    run.train()
    run.save_model()
    from transformers import AutoProcessor

    saved = AutoProcessor.from_pretrained(config.output_dir)
    ways = [VideoPolicy(), VideoPolicy("native", fps=4.0, max_frames=9)]
    assert trained_policy(saved, adapter) == ways[1]  # the pages have a column of videos, and none in it
    row = {**make_row("q", [clip]), "messages": make_row("q", [clip])["messages"][:1]}
    assert len(answer(model, saved, [row, row], policy=ways[1], max_new_tokens=2)) == 2


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("idefics3", {"image_max_pixels": 9}, "shows every image at one size"),
        ("minicpmv", {"video_max_pixels": 9}, "shows every image at one size"),
        ("qwen2_5_vl", {"image_max_pixels": 200_000}, "needs at least 200704"),
        ("qwen3_vl", {"video_max_pixels": 4_095}, "needs at least 4096"),
        ("qwen3_vl", {"image_max_pixels": 300_000, "frame_size": "square"}, "shows every image as a page"),
    ],
)
def test_budgets_that_a_family_cannot_keep_are_refused(name, options, message):
    size = {"shortest_edge": 3_136, "longest_edge": 12_845_056}
    processor = SimpleNamespace(image_processor=SimpleNamespace(size=size))
    with pytest.raises(InputError, match=message):
        set_frame_size(processor, ADAPTERS[name], **options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_frames": 65}, "part 'a': fps=None and max_frames=65: .* the most pages of a row are max_pages"),
        ({"fps": 2.0, "max_frames": 4, "num_frames": 3}, "part 'a': fps=2.0 and num_frames=3: give one of them"),
        ({"num_frames": 0}, "part 'a': num_frames is 0; give a number above 0"),
        ({"max_pages": 0}, "part 'a': max_pages=0; give a number above 0"),
        ({"video": "film"}, "unknown way of video 'film'"),
    ],
)
def test_a_part_says_its_video_as_a_run_does(given, message):
    from t2vid_hf.mixtures.parts import MixturePart

    with pytest.raises(InputError, match=message):
        MixturePart("a", share=1, **given)


@pytest.mark.parametrize("family", ["idefics3"], indirect=True)
def test_a_policy_beside_a_number_of_frames_is_refused(family: Family, clip):
    from t2vid_hf.evaluation.generation import answer

    processor, both = family.processor(), {"policy": VideoPolicy(num_frames=2), "num_frames": 3}
    for make in (TokenCost, RowEncoder):
        with pytest.raises(InputError, match="policy and num_frames=3: give one of them"):
            make(processor, family.adapter, **both)
    with pytest.raises(InputError, match="policy and num_frames=3: give one of them"):
        answer(family.model(), processor, [make_row("a", [clip])], **both)
