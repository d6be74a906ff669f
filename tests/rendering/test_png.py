"""PNG files: valid, exact, and the same pixels with either zlib."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer, encode_png
from t2vid_hf.rendering.png import deflate_module


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_any_page_comes_back_from_pillow(height: int, width: int, seed: int) -> None:
    frame = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    for deflate in (zlib, deflate_module()):
        with Image.open(io.BytesIO(encode_png(frame, deflate=deflate))) as image:
            image.load()
            assert image.mode == "L" and (np.asarray(image) == frame).all()


def test_rendered_pages_come_back_in_order() -> None:
    pages = TextRenderer(RenderConfig.preset("paper")).render("one two three " * 100)
    back = [np.asarray(Image.open(io.BytesIO(file))) for file in pages.pngs()]
    assert len(back) == 3 and (np.stack(back) == pages.frames).all()
    assert (encode_png(pages.frames[0][:, ::2]) is not None) and pages.images()[0].mode == "L"


@pytest.mark.parametrize(
    "frame", [np.zeros((2, 2), np.float32), np.zeros((2, 2, 3), np.uint8), np.zeros((0, 2), np.uint8)]
)
def test_what_is_no_page_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8 array of shape"):
        encode_png(frame)
