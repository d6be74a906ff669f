"""Questions about long texts become rows of pages."""

import io

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from t2vid_hf import sources
from t2vid_hf.data.synthesis import DrawingReport, synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.hub.sheets import contact_sheet
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.schema import LongTextQA, features

PAPER = RenderConfig.preset("paper")


def test_the_shipped_sample_becomes_rows():
    rows = list(synthesize(sources.read(sources.SAMPLE), PAPER))
    dataset = Dataset.from_list(rows, features=features())
    assert len(rows) >= 36 and len({row["id"] for row in rows}) == len(rows)
    for row in dataset.select(range(0, len(dataset), 9)):
        kinds = [block["type"] for block in row["messages"][0]["content"]]
        assert kinds == ["image"] * row["num_frames"] + ["text"]
        assert len(row["images"]) == row["num_frames"] and row["images"][0].size == (448, 448)


def test_pages_of_a_row_are_the_pages_of_its_text():
    qa = next(iter(sources.read(sources.SAMPLE)))
    drawn = TextRenderer(PAPER).render(qa.context).frames
    row = next(synthesize([qa], PAPER))
    stored = np.stack([np.asarray(Image.open(io.BytesIO(image["bytes"]))) for image in row["images"]])
    assert np.array_equal(stored, drawn)


def test_questions_about_one_text_share_its_pages():
    first, second = synthesize([LongTextQA(f"q{n}", "long_qa", "A long text.", "?", "!") for n in (0, 1)], PAPER)
    assert first["images"][0]["bytes"] is second["images"][0]["bytes"]


def test_a_text_that_cannot_be_drawn_names_its_row():
    with pytest.raises(InputError, match="row 'q0' of source 'long_qa'"):
        list(synthesize([LongTextQA("q0", "long_qa", "glyph \U0001fbff", "?", "!")], PAPER))


@pytest.mark.parametrize("render", ["eager", "lazy"])
def test_what_cannot_be_drawn_is_left_out_and_boxes_are_counted(render):
    texts = ["\u0f40" * 90, "The keeper\x92s clock. " + "All is well. " * 40, "All is well."]
    asked = [LongTextQA(f"q{n}", "long_qa", text, "?", "!") for n, text in enumerate(texts) for _ in range(2)]
    report = DrawingReport()
    rows = list(synthesize(asked, PAPER, render=render, on_error="skip", report=report))
    assert [row["id"] for row in rows] == ["long_qa/q1", "long_qa/q1", "long_qa/q2", "long_qa/q2"]
    assert report.boxes == {"U+0092 a control character": 1} and report.texts_with_boxes == 1
    assert list(report.not_drawn) == ["long_qa/q0"] and "max_missing" in report.not_drawn["long_qa/q0"]
    with pytest.raises(InputError, match="unknown on_error"):
        synthesize(asked, PAPER, on_error="ignore")


def test_a_contact_sheet_holds_every_image():
    sheet = np.asarray(contact_sheet([Image.new("L", (10, 20), 0)] * 3, columns=2, cell_px=20))
    assert sheet.shape == (52, 52, 3)
    assert (sheet == 0).all(axis=2).sum() == 3 * 10 * 20
