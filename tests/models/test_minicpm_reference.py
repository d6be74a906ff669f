"""MiniCPM-Llama3-V-2.5 against what its published code makes of random weights (tests/golden/minicpm_llama3_v25.md)."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

from t2vid_hf.models.minicpm_llama3_v25 import register
from t2vid_hf.models.minicpm_llama3_v25.image_processing import MiniCPMVImageProcessor
from t2vid_hf.models.minicpm_llama3_v25.processing import MiniCPMVProcessor
from t2vid_hf.models.minicpm_llama3_v25.slicing import slice_grid, sliced_size, whole_size
from t2vid_hf.models.minicpm_llama3_v25.vision import line_positions, patch_lines
from tests.models.minicpm_checkpoint import REFERENCE_SIZES, tokenizer, write_model

IMAGES_OF_ROWS = [[0, 1], [2, 3, 4], []]


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parents[1] / "golden" / "minicpm_llama3_v25.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("minicpm")
    write_model(folder)
    return folder


@pytest.fixture(scope="module", params=["eager", "sdpa"])
def model(request, folder):
    register()
    return AutoModelForImageTextToText.from_pretrained(
        folder, trust_remote_code=False, attn_implementation=request.param
    ).eval()


def images(numbers: list[int]) -> dict[str, torch.Tensor]:
    """The reference's images of these numbers, as the model's forward takes them."""
    if not numbers:
        return {}
    sizes = [REFERENCE_SIZES[number] for number in numbers]
    height, width = (14 * max(size[side] for size in sizes) for side in (0, 1))
    pixels = np.full((len(numbers), 3, height, width), 9, np.float32)  # padding that must not be seen
    for place, number in enumerate(numbers):
        rows, columns = REFERENCE_SIZES[number]
        drawn = np.random.default_rng(100 + number).uniform(-1, 1, (3, rows * 14, columns * 14))
        pixels[place, :, : rows * 14, : columns * 14] = drawn
    return {"pixel_values": torch.from_numpy(pixels), "target_sizes": torch.tensor(sizes)}


def test_the_tower_and_the_resampler(model, golden):
    with torch.inference_mode():
        seen = model.get_image_features(**images([0, 1, 2, 3, 4]))
    features = [
        one[: rows * columns] for one, (rows, columns) in zip(seen.last_hidden_state, REFERENCE_SIZES, strict=True)
    ]
    np.testing.assert_allclose(torch.cat(features), golden["vision"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(seen.pooler_output, golden["resampled"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("row", [0, 1, 2])
def test_logits(model, golden, row):
    ids = torch.from_numpy(golden[f"row{row}"])[None]
    with torch.inference_mode():
        logits = model(input_ids=ids, **images(IMAGES_OF_ROWS[row])).logits[0]
    np.testing.assert_allclose(logits, golden[f"logits{row}"], rtol=0, atol=1e-5)


def test_positions_along_a_line_of_any_length(golden):
    made = [zlib.crc32(line_positions(patches, 70).numpy().tobytes()) for patches in range(1, 1400)]
    assert made == golden["positions"].tolist()


@pytest.mark.parametrize(("rows", "columns"), [(7, 7), (7, 21), (25, 7), (32, 32)])
def test_the_tower_takes_these_positions(model, golden, rows, columns):
    """Of the first three lengths transformers 5's own embeddings place patches otherwise."""
    taken = []
    hook = model.model.vpm.embeddings.position_embedding.register_forward_pre_hook(
        lambda _, given: taken.append(given[0].clone())
    )
    with torch.inference_mode():
        model.get_image_features(torch.zeros(2, 3, 14 * rows, 14 * columns))
    hook.remove()
    for positions in taken[0]:
        assert zlib.crc32(positions.numpy().tobytes()) == golden["positions"][rows * columns - 1]


def test_slicing_grids_and_sizes(golden):
    sliced = 0
    for most, width, height, *expected in golden["slices"].tolist():
        grid = slice_grid(width, height, side=448, max_slices=most)
        whole = whole_size(width, height, side=448, patch=14, enlarge=grid is None)
        cut = sliced_size(width, height, grid, side=448, patch=14) if grid else (0, 0)
        assert [*(grid or (0, 0)), *whole, *cut] == expected, (most, width, height)
        sliced += grid is not None
    assert sliced > 300


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_pixels_and_text_of_an_image(golden, number):
    width, height, most = golden[f"image{number}_size"].tolist()
    noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    processor = MiniCPMVProcessor(MiniCPMVImageProcessor(max_slice_nums=most), tokenizer())
    made = processor.image_processor([Image.fromarray(noise)], return_tensors="pt")
    assert made["target_sizes"].tolist() == golden[f"image{number}_patches"].tolist()
    lines, _, _, valid = patch_lines(made["pixel_values"], made["target_sizes"], 14)
    counts = valid.sum(1).tolist()
    values = [line[..., : 14 * count].reshape(-1)[::1009] for line, count in zip(lines, counts, strict=True)]
    np.testing.assert_allclose(torch.cat(values), golden[f"image{number}_values"], rtol=0, atol=1e-6)
    assert processor.replace_image_token(made, 0) == str(golden[f"image{number}_text"])
