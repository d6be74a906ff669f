"""Pictures of every mode and turn, on every way that a row may come: the pixels are those of the family's processor."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from PIL import Image
from transformers.image_utils import load_image

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.data.pages import lazy_features
from t2vid_hf.errors import InputError
from t2vid_hf.schema import conversation, features, media_block
from tests.models.families import Family, family

__all__ = ["family"]  # a fixture
ROUTES = ("decoded", "stream", "path", "drawn", "folder")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(mode: str, height: int, width: int) -> bytes:
    """A file of a mode, with all levels of opacity where it has any."""
    colours = Image.fromarray(noise(height, width, 3))
    if mode in ("RGBA", "LA"):
        image = Image.fromarray(noise(height, width, 4, seed=1))
        return saved(image if mode == "RGBA" else image.convert("LA"))
    if mode == "P, one colour transparent":
        return saved(colours.quantize(16), transparency=3)
    if mode == "P, of some opacity":
        return saved(colours.quantize(16), transparency=bytes(range(0, 256, 16)))
    if mode == "RGB, one colour transparent":
        return saved(colours, transparency=colours.getpixel((0, 0)))
    if mode == "L, one level transparent":
        return saved(colours.convert("L"), transparency=colours.convert("L").getpixel((0, 0)))
    if mode in ("CMYK", "YCbCr"):
        return saved(colours.convert(mode), "TIFF" if mode == "CMYK" else "JPEG")
    if mode == "CMYK in JPEG":
        return saved(colours.convert("CMYK"), "JPEG")
    return saved(colours.convert(mode))


MODES = (
    "RGBA", "LA", "P, one colour transparent", "P, of some opacity", "RGB, one colour transparent",
    "L, one level transparent", "CMYK", "CMYK in JPEG", "YCbCr", "P", "RGB", "L", "1",
)  # fmt: skip


def row(files: list[bytes]) -> dict:
    blocks = [media_block("image")] * len(files)
    images = [{"bytes": file, "path": f"{number}.png"} for number, file in enumerate(files)]
    common = {"id": "a", "source": "s", "media": "image_sequence", "videos": [], "num_frames": len(files)}
    return {**common, "messages": conversation(blocks, "What?", "This."), "images": images}


def by_route(route: str, files: list[bytes], folder: Path) -> dict:
    """A row of pictures as a trainer gets it."""
    given = row(files)
    if route == "decoded":
        return Dataset.from_list([given], features=features())[0]
    if route == "drawn":
        return Dataset.from_list([given], features=lazy_features())[0]
    if route == "folder":
        for number, file in enumerate(files):
            (folder / f"{number}.png").write_bytes(file)
        video = {"bytes": None, "path": str(folder)}
        messages = conversation([media_block("video")], "What?", "This.")
        return {**given, "images": [], "videos": [video], "media": "video", "messages": messages}
    return given if route == "stream" else on_disk(given, folder)


def on_disk(given: dict, folder: Path) -> dict:
    """Pictures by their paths, which an undecoded column has of files that are not in it."""
    for number, image in enumerate(given["images"]):
        (folder / f"{number}.bin").write_bytes(image["bytes"])
    images = [{"bytes": None, "path": str(folder / f"{number}.bin")} for number in range(len(given["images"]))]
    return {**given, "images": images}


def pixels(route: str, files: list[bytes], folder: Path) -> list[np.ndarray]:
    """The pixels in RGB, `(height, width, 3)`."""
    images = media_inputs(by_route(route, files, folder), VideoPolicy(num_frames=len(files))).images
    return [np.repeat(image[..., None], 3, -1) if image.ndim == 2 else image for image in images]


@pytest.mark.parametrize("route", ROUTES)
def test_every_mode_is_what_the_family_s_processor_sees(family: Family, tmp_path, route):
    processor, adapter = family.processor(), family.adapter
    px = adapter.page_px(processor)
    files = [picture(mode, px, px) for mode in MODES]
    encoded = RowEncoder(processor, adapter, policy=VideoPolicy("as_frames", num_frames=len(files))).encode(
        by_route(route, files, tmp_path)
    )
    table = normalisation_table(processor)
    for mode, file, ours in zip(MODES, files, encoded.pixels, strict=True):
        text = adapter.image_text(processor).placeholder
        expected = processor(text=[text], images=[[Image.open(io.BytesIO(file))]], return_tensors="pt")["pixel_values"]
        made = adapter.model_inputs(apply_table(torch.from_numpy(ours)[None], table))["pixel_values"]
        if family.name == "llava_onevision":  # the only image of a row comes twice, whole and as its one tile
            expected = expected[:, :1]
        assert torch.equal(made, expected.reshape(made.shape)), mode


@pytest.mark.parametrize("route", ROUTES)
def test_no_mode_is_resized_before_it_is_put_on_white(family: Family, tmp_path, route):
    """Pictures of another size than a page: what is resized is what was composited."""
    processor, adapter = family.processor(), family.adapter
    side = 2 * adapter.page_px(processor) + 7
    files = [picture(mode, side, side) for mode in MODES[:4]]
    encoded = RowEncoder(processor, adapter, policy=VideoPolicy("as_frames", num_frames=len(files))).encode(
        by_route(route, files, tmp_path)
    )
    for file, ours in zip(files, encoded.pixels, strict=True):
        image = Image.open(io.BytesIO(file)).convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        array = torch.from_numpy(np.array(flat)).permute(2, 0, 1)[None]
        assert np.array_equal(ours, adapter.resize(processor, array)[0].numpy())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("route", ROUTES)
def test_every_turn_is_that_of_load_image(tmp_path, route, kind):
    image = Image.fromarray(noise(6, 4, 3).repeat(8, 0).repeat(8, 1))
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        file = saved(image, kind, exif=exif)
        (tmp_path / "file").write_bytes(file)
        (tmp_path / f"{turn}").mkdir()
        expected = np.asarray(load_image(str(tmp_path / "file")))
        assert np.array_equal(pixels(route, [file], tmp_path / f"{turn}")[0], expected), turn
        if turn > 4:
            assert expected.shape == (32, 48, 3)


@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "TIFF, 32 bits"])
def test_grey_of_16_bits_is_scaled(tmp_path, route, kind, turn):
    values = np.arange(0, 65536, 257, dtype=np.uint16).reshape(8, 32)
    image = Image.fromarray(values.astype(np.int32) if "32" in kind else values)
    exif = Image.Exif()
    exif[0x0112] = turn
    file = saved(image, kind[:4].strip(","), exif=exif)
    expected = np.arange(256, dtype=np.uint8).reshape(8, 32)
    expected = np.rot90(expected, -1) if turn == 6 else expected
    assert np.array_equal(pixels(route, [file], tmp_path)[0], np.repeat(expected[..., None], 3, -1))


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I"])
def test_grey_of_16_bits_in_memory(mode):
    data = np.array([[0, 128, 129, 32768, 65535]])
    kind = {"I": "<i4", "I;16B": ">u2"}.get(mode, "<u2")
    image = Image.frombytes(mode, (5, 1), data.astype(kind).tobytes())
    given = {**row([b""]), "images": [image]}
    assert media_inputs(given, VideoPolicy(num_frames=1)).images[0].tolist() == [[0, 0, 1, 128, 255]]


def test_a_transparent_level_of_16_bits_becomes_white():
    image = Image.fromarray(np.array([[0, 700, 65535]], np.uint16))
    given = row([saved(image, transparency=700)])
    assert media_inputs(given, VideoPolicy(num_frames=1)).images[0].tolist() == [[0, 255, 255]]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"", "is not a picture"),
        (b"text", "is not a picture"),
        (saved(Image.new("RGB", (64, 64), "red"))[:90], "does not open"),
        (saved(Image.fromarray(noise(64, 64, 3)), "JPEG")[:300], "does not open"),
        (saved(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"), "floating-point"),
        (saved(Image.fromarray(np.full((2, 2), 70_000, np.int32)), "TIFF"), "values from 0 to 70000"),
        (saved(Image.fromarray(np.full((2, 2), -1, np.int32)), "TIFF"), "values from -1"),
    ],
)
def test_a_bad_picture_names_its_row(file, told, tmp_path):
    given = row([saved(Image.new("L", (2, 2))), file])
    with pytest.raises(InputError, match=rf"row 'a', image 2 \(1\.png\): .*{told}"):
        media_inputs(given, VideoPolicy(num_frames=1))
    (tmp_path / "1.png").write_bytes(file)
    with pytest.raises(InputError, match=r"row 'a', video .*1\.png"):
        media_inputs(by_route("folder", [saved(Image.new("L", (2, 2)))], tmp_path), VideoPolicy(num_frames=2))


def test_a_picture_that_is_not_there_names_its_row(tmp_path):
    for image in ({"bytes": None, "path": str(tmp_path / "gone.png")}, {"bytes": None, "path": None}):
        with pytest.raises(InputError, match="row 'a', image 1"):
            media_inputs({**row([b""]), "images": [image]}, VideoPolicy(num_frames=1))
