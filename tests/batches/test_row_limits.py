"""Rows above the limits follow their part's policy, in tokens and in images alike, and limits are applied once."""

import numpy as np
import pytest
from datasets import concatenate_datasets
from hypothesis import given, settings
from hypothesis import strategies as st

from t2vid_hf.batches.row_limits import apply_limits, check_limits, frames_within
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.filters import TOO_LARGE
from t2vid_hf.mixtures.mixing import mix
from tests.mixtures.test_mixing import part, videos

PER_IMAGE = 10
# 320 tokens with a video of 30 frames, the same of 30 pages, and a short row
PRICES = Prices(np.array([320, 320, 40]), np.array([30, 30, 2]), np.array([30, 0, 0]), PER_IMAGE)
VIDEO = Prices(PRICES.tokens[:1], PRICES.images[:1], PRICES.frames[:1], PER_IMAGE)


def test_each_row_follows_its_policy():
    assert frames_within(PRICES, max_tokens=100, over_limit=["thin", "drop", "error"]) == {0: 8, 1: 0}
    assert frames_within(VIDEO, max_tokens=1000, max_images=5, over_limit="thin") == {0: 5}
    assert frames_within(VIDEO, max_tokens=100, max_images=5, over_limit="thin") == {0: 5}
    assert frames_within(VIDEO, max_tokens=100, max_images=20, over_limit="thin") == {0: 8}
    assert frames_within(PRICES, max_tokens=320, max_images=30) == {}


@settings(max_examples=200, deadline=None)
@given(
    text=st.integers(1, 60), frames=st.integers(1, 40), max_tokens=st.integers(1, 400), max_images=st.integers(1, 40)
)
def test_no_frame_more_would_have_fitted(text, frames, max_tokens, max_images):
    def fits(kept: int) -> bool:
        return text + kept * PER_IMAGE <= max_tokens and kept <= max_images

    given_ = Prices(np.array([text + frames * PER_IMAGE]), np.array([frames]), np.array([frames]), PER_IMAGE)
    try:
        kept = frames_within(given_, max_tokens=max_tokens, max_images=max_images, over_limit="thin").get(0, frames)
    except InputError:
        assert not fits(1)
        return
    assert fits(kept) and (kept == frames or not fits(kept + 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"over_limit": "cut"}, "unknown policy over_limit 'cut'; known: drop, error, thin"),
        ({"over_limit": ["drop"]}, "over_limit has 1 policies for 3 rows"),
        ({}, "row 0 has 320 tokens and 30 images, and 100 tokens are allowed: raise max_length or max_images, or give"),
        ({"names": ["row 'a' of part 'x'", "b", "c"]}, "row 'a' of part 'x' has 320 tokens"),
        ({"over_limit": "thin"}, "row 1 .* no video to thin, and pages are never left out; give over_limit: drop"),
        ({"over_limit": "thin", "max_tokens": 25}, "row 0 .* not even 1 frame of its video fits"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(InputError, match=message):
        frames_within(PRICES, **{"max_tokens": 100, **options})


def test_a_check_refuses_without_a_policy():
    check_limits(PRICES, max_tokens=320)
    with pytest.raises(InputError, match="row 0 has 320 tokens and 30 images, and 320 tokens and 29 images"):
        check_limits(PRICES, max_tokens=320, max_images=29)


def test_rows_above_the_limit_follow_their_part_s_policy(tiny_checkpoint):
    from transformers import AutoProcessor

    from t2vid_hf.batches.token_cost import TokenCost
    from t2vid_hf.models import adapter_for

    cost = TokenCost(AutoProcessor.from_pretrained(tiny_checkpoint), adapter_for("idefics3"), num_frames=24)
    dropping, rows = videos("dropped", 2, 30, share=1, over_limit="drop")
    parts = [
        videos("long", 3, 30, share=1, over_limit="thin"),
        videos("short", 3, 4, share=1),
        (dropping, concatenate_datasets([rows, videos("kept", 1, 4, share=1)[1]])),
    ]
    mixture = mix(parts, 0)
    limited = apply_limits(mixture, cost.prices(mixture.light), max_tokens=200)
    assert [count.sampled for count in limited.counts] == [3, 3, 1]
    assert limited.counts[2].dropped == {TOO_LARGE: 2}
    assert cost.prices(limited.light).tokens.max() <= 200
    taken = {pick.id.split("/")[0]: pick.take_frames for pick in limited.picks}
    assert taken["short"] is None and 1 <= taken["long"] < 24
    with pytest.raises(InputError, match="row 'long/0' of part 'long' has 479 tokens and 24 images, and 200 tokens"):
        strict = mix([videos("long", 3, 30, share=1)], 0)
        apply_limits(strict, cost.prices(strict.light), max_tokens=200)
    with pytest.raises(InputError, match="none of the 1 rows of part 'dropped' fits into 200 tokens"):
        nothing = mix([(dropping, rows), videos("short", 1, 4, share=1)], 0)
        apply_limits(nothing, cost.prices(nothing.light), max_tokens=200)


def test_images_follow_the_policy_as_tokens_do():
    """A part that says "drop" loses its row of 40 images, and the plan after it has nothing to refuse."""
    mixture = mix([part("pages", 1, frames=40, share=1, over_limit="drop"), part("text", 3, share=1)], 0)
    images = np.array([pick.id.startswith("pages") * 40 for pick in mixture.picks])
    prices = Prices(np.full(len(images), 60), images, 0 * images, PER_IMAGE)
    with pytest.raises(InputError, match="none of the 1 rows of part 'pages' fits into 100 tokens and 20 images"):
        apply_limits(mixture, prices, max_tokens=100, max_images=20)
    two = mix([part("pages", 2, frames=40, share=1, over_limit="drop"), part("text", 2, share=1)], 0)
    images = np.array([(pick.id == "pages/0") * 40 for pick in two.picks])
    prices = Prices(np.full(4, 60), images, 0 * images, PER_IMAGE)
    limited = apply_limits(two, prices, max_tokens=100, max_images=20)
    assert "pages/0" not in limited.ids and limited.counts[0].dropped == {TOO_LARGE: 1}
    assert apply_limits(two, prices, max_tokens=100, max_images=40) is two
