"""Folders of frames read as clips."""

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video.counting import count_frames
from t2vid_hf.video.extraction import extract
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.probing import probe
from t2vid_hf.video.reading import read_frames


@pytest.fixture
def folder(tmp_path):
    """Twelve frames whose shade is their number, named so that sorting letters would mix them up."""
    (tmp_path / "frames").mkdir()
    for number in range(1, 13):
        Image.new("RGB", (16, 12), (number, 0, 0)).save(tmp_path / f"frames/frame_{number}.png")
    (tmp_path / "frames/frames.json").write_text("{}")
    (tmp_path / "frames/.frame_0.png").write_text("hidden")
    return tmp_path / "frames"


def test_frames_stand_in_the_order_of_their_numbers(folder):
    frames = read_frames(folder)
    assert frames.data[:, 0, 0, 0].tolist() == list(range(1, 13)) and frames.data.shape == (12, 12, 16, 3)
    assert frames.timestamps.tolist() == list(range(12)) and frames.total == 12


def test_sampling_is_that_of_videos(folder):
    assert read_frames(folder, 4).data[:, 0, 0, 0].tolist() == [2, 5, 8, 10]
    assert read_frames(folder, 4).timestamps.tolist() == [1, 4, 7, 9]
    assert read_frames(folder, 3, fps=2.0).timestamps.tolist() == [1, 2.5, 4.5]


def test_pictures_of_other_kinds(tmp_path):
    Image.new("L", (16, 12), 7).save(tmp_path / "1.png")
    Image.new("RGBA", (16, 12), (7, 7, 7, 9)).save(tmp_path / "2.PNG")
    Image.new("P", (16, 12)).save(tmp_path / "3.webp", lossless=True)
    assert read_frames(tmp_path, 3).data[:, 0, 0].tolist() == [[7] * 3, [246] * 3, [0] * 3]  # on white


def test_broken_frames(folder):
    (folder / "frame_3.png").write_text("text")
    (folder / "frame_7.png").write_bytes((folder / "frame_7.png").read_bytes()[:40])
    with pytest.raises(InputError, match=r"frame_3\.png is not a picture; remove the file"):
        read_frames(folder)
    frames = read_frames(folder, on_damage="keep")
    assert (frames.total, frames.lost, frames.damaged) == (10, 2, "frame_3.png is not a picture")
    assert frames.data[:, 0, 0, 0].tolist() == [1, 2, 4, 5, 6, 8, 9, 10, 11, 12]


def test_what_a_folder_may_be(folder, tmp_path):
    with pytest.raises(InputError, match="192 pixels a frame"):
        read_frames(folder, limits=Limits(max_pixels=100))
    with pytest.raises(InputError, match="12 frames, and at most 11"):
        read_frames(folder, 2, limits=Limits(max_frames=11))
    (tmp_path / "outside.png").write_bytes((folder / "frame_1.png").read_bytes())
    (folder / "frame_13.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(InputError, match=r"frame_13\.png leads out of the folder"):
        read_frames(folder, root=folder)
    Image.new("RGB", (12, 16)).save(folder / "frame_14.png")
    with pytest.raises(InputError, match="size changes from 16 x 12 to 12 x 16"):
        read_frames(folder)


def test_frames_are_those_of_the_files(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "1.png")
    assert np.array_equal(read_frames(tmp_path).data[0], picture)


def test_frames_are_upright_and_grey_of_16_bits_is_scaled(tmp_path):
    """Of photographs and scans: as their EXIF data turn them, and not clipped at 255."""
    (tmp_path / "turned").mkdir()
    (tmp_path / "grey").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    picture = np.zeros((12, 16, 3), np.uint8)
    picture[0] = 255  # white above, which is the right once it is turned
    Image.fromarray(picture).save(tmp_path / "turned/1.png", exif=exif)
    Image.fromarray(np.rot90(picture, -1).copy()).save(tmp_path / "turned/2.png")
    frames = read_frames(tmp_path / "turned")
    assert frames.data.shape == (2, 16, 12, 3) and np.array_equal(frames.data[0], frames.data[1])
    found = probe(tmp_path / "turned")
    assert (found.height, found.width) == (16, 12) and count_frames(tmp_path / "turned") == 2
    levels = np.linspace(0, 65_535, 256).round().astype(np.uint16).reshape(16, 16)
    Image.fromarray(levels).save(tmp_path / "grey/1.png")
    grey = read_frames(tmp_path / "grey").data[0]
    assert np.array_equal(grey, np.repeat(np.arange(256).reshape(16, 16, 1), 3, axis=2))
    for name in ("turned", "grey"):  # and written again as they are read
        assert extract(tmp_path / name, tmp_path / f"{name}-made", name=name, suffix="png").status == "made"
        assert np.array_equal(read_frames(tmp_path / f"{name}-made").data, read_frames(tmp_path / name).data)
