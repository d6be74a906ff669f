"""The parts of `make learn`: were its rows not what they claim, its figures would say nothing."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.models import adapter_for
from t2vid_hf.training import DataCollatorForVideoLanguageModeling

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "learn.py"


@pytest.fixture(scope="module")
def learn() -> ModuleType:
    pytest.importorskip("manimgx_fonts_cjk", reason="needs the fonts of the extra 'fonts'")
    sys.path.insert(0, str(SCRIPT.parent))  # it imports its neighbour
    try:
        spec = importlib.util.spec_from_file_location("learn", SCRIPT)
        module = importlib.util.module_from_spec(spec)
        sys.modules["learn"] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(SCRIPT.parent))
        sys.modules.pop("learn", None)


def test_pages_differ_from_seed_to_seed_and_none_is_met_again(learn):
    pages, others = learn.make_pages(0, 90), learn.make_pages(1, 90)
    assert pages == learn.make_pages(0, 90)
    assert [page.number for page in pages] != [page.number for page in others]
    assert len({(page.font, page.size_px) for page in pages}) == 9
    assert not set(learn.make_pages(0, 90, apart_from=set(pages))) & set(pages)


def test_no_ink_is_outside_of_the_page(learn):
    """One whose number is cut off at the edge could not be read."""
    for page in learn.make_pages(0, 90):
        image = page.draw()
        assert image.size == (learn.PAGE_PX, learn.PAGE_PX) and image.mode == "L"
        middle = np.asarray(replace(page, left=8, top=8).draw())
        shifted = np.roll(middle, (page.top - 8, page.left - 8), axis=(0, 1))  # the same ink at the page's place
        assert np.array_equal(np.asarray(image), shifted), page


def test_rows_carry_their_page_and_its_digits(learn):
    """What is learned is the number, a token a digit; what is seen is the page, to the pixel, each in its place."""
    pages = learn.make_pages(0, 20)
    processor = learn.make_processor()
    adapter = adapter_for("idefics3")
    rows = learn.dataset(pages)
    collate = DataCollatorForVideoLanguageModeling(RowEncoder(processor, adapter, num_frames=1))
    batch = collate([rows[index] for index in range(len(pages))])
    labels = batch["labels"][batch["labels"] >= 0]
    assert processor.decode(labels).split("<end_of_utterance>")[:-1] == [f" {page.number}" for page in pages]
    digits = [token for token in processor.tokenizer.convert_ids_to_tokens(labels.tolist()) if token.isdigit()]
    assert digits == [digit for page in pages for digit in page.number]
    assert np.array_equal(batch["pixels"][:, 0].numpy(), np.stack([np.asarray(page.draw()) for page in pages]))
    assert 0.8e6 < learn.make_model(processor).num_parameters() < 1.2e6


def test_a_blank_row_asks_the_same_about_nothing(learn):
    (page,) = learn.make_pages(0, 1)
    row, blank = page.row(page.draw()), learn.blank_row(page)
    assert {**blank, "images": []} == {**row, "images": []}
    assert np.unique(np.asarray(blank["images"][0])).tolist() == [learn.PAPER]
