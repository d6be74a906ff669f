"""Sets as a trainer is given them: what is kept as text is drawn, without a word of the caller."""

import pytest
from datasets import Dataset

from t2vid_hf import without_pages
from t2vid_hf.data.pages import lazy_features
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import LongTextQA
from t2vid_hf.training.row_intake import light_of, take_rows


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_pages_that_are_kept_as_text_are_drawn(streamed, ours):
    asked = [LongTextQA(f"q{n}", "long_qa", f"Tower {n}. " * 200, "?", "!") for n in range(2)]
    rows = list(synthesize(asked, RenderConfig.preset("paper"), render="lazy"))
    kept = without_pages(Dataset.from_list(rows, lazy_features()))
    kept = kept if ours else kept.remove_columns("media")
    taken = take_rows(kept.to_iterable_dataset() if streamed else kept, "train_dataset")
    read = list(taken)
    assert [row["id"] for row in read] == ["long_qa/q0", "long_qa/q1"]
    assert all(len(row["images"]) == row["num_frames"] > 1 for row in read)
    if not streamed:
        assert [row["num_frames"] for row in light_of(taken)()] == [row["num_frames"] for row in read]
