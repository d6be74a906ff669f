"""Mixtures of streams: shares, resume, and what cannot be promised."""

import pytest
from datasets import Dataset

from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.filters import TOO_MANY_FRAMES
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.streaming import load_streamed, mix_streams
from t2vid_hf.schema import features


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


def test_bad_streams(rows, tmp_path):
    with pytest.raises(InputError, match="no parts"):
        mix_streams([], 0)
    with pytest.raises(InputError, match="give it a share"):
        mix_streams([stream(rows, "a", 5, count=1)], 0)
    with pytest.raises(InputError, match="data set '.*none'"):
        load_streamed([MixturePart(str(tmp_path / "none"), share=1)])
