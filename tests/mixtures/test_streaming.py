"""Mixtures of streams: shares, resume, and what cannot be promised."""

from functools import partial

import numpy as np
import pytest
from datasets import Dataset

from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.data.pages import lazy_features
from t2vid_hf.data.repository import write_config
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.filters import TOO_MANY_FRAMES
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.streaming import load_streamed, mix_streams
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.schema import LongTextQA, features


def stream(rows, source: str, length: int, **settings):
    listed = [{**rows[1], "id": f"{source}/{index}", "source": source} for index in range(length)]
    dataset = Dataset.from_list(listed, features=features())
    return MixturePart(source, **settings), dataset.to_iterable_dataset()


def mixed(rows):
    return mix_streams([stream(rows, "a", 60, share=2, num_frames=8), stream(rows, "b", 60, share=1)], 0)


def test_rows_come_by_share_and_can_be_shown(rows):
    taken = list(mixed(rows).dataset)
    sources = [row["source"] for row in taken]
    assert 0.5 < sources.count("a") / len(sources) < 0.8
    assert [row["id"] for row in taken if row["source"] == "a"] == [f"a/{n}" for n in range(sources.count("a"))]
    assert {row["take_frames"] for row in taken if row["source"] == "a"} == {8}
    made = media_inputs(taken[0], VideoPolicy(num_frames=4))
    messages, images = made.messages, made.images
    assert len(images) == 2 and images[0].shape == (48, 48) and len(messages) == 2


def test_it_resumes_row_for_row(rows):
    straight = [row["id"] for row in mixed(rows).dataset]
    first = mixed(rows).dataset
    seen = [row["id"] for _, row in zip(range(10), first, strict=False)]
    state = first.state_dict()
    resumed = mixed(rows).dataset
    resumed.load_state_dict(state)
    assert seen + [row["id"] for row in resumed] == straight


def test_dropped_rows_are_counted(rows):
    mixture = mix_streams([stream(rows, "a", 5, share=1, max_pages=1), stream(rows, "b", 5, share=1)], 0)
    kept = [row["source"] for row in mixture.dataset]
    assert "a" not in kept
    assert mixture.dropped["a"][TOO_MANY_FRAMES] > 0


@pytest.mark.parametrize("shard_bytes", [None, 2_000])
def test_a_lazy_set_streams_with_its_pages(tmp_path, shard_bytes):
    asked = [LongTextQA(f"q{n}", "long_qa", f"Tower {n}. " * 200, "?", "!") for n in range(6)]
    render = partial(synthesize, asked, RenderConfig.preset("paper"), render="lazy")
    stats = {"kind": "synthetic", "license": "other"}
    write_config(tmp_path, "texts", {"train": render}, features=lazy_features(), stats=stats, shard_bytes=shard_bytes)
    part = MixturePart(str(tmp_path / "texts"), share=1)
    streamed = load_streamed([part]).dataset
    assert (streamed.num_shards > 1) == (shard_bytes is not None)
    drawn = {f"long_qa/{qa.id}": TextRenderer(RenderConfig.preset("paper")).render(qa.context).images() for qa in asked}
    assert {row["id"] for row in streamed} == set(drawn)
    for row in streamed:
        images = media_inputs(row, VideoPolicy(num_frames=4)).images
        assert len(images) == row["num_frames"] > 1
        assert all(np.array_equal(a, np.asarray(b)) for a, b in zip(images, drawn[row["id"]], strict=True))


def test_bad_streams(rows, tmp_path):
    with pytest.raises(InputError, match="no parts"):
        mix_streams([], 0)
    with pytest.raises(InputError, match="give it a share"):
        mix_streams([stream(rows, "a", 5, count=1)], 0)
    with pytest.raises(InputError, match="data set '.*none'"):
        load_streamed([MixturePart(str(tmp_path / "none"), share=1)])
