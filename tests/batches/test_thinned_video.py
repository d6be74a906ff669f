"""Native video that is thinned fits into the limit, whatever a frame less really saves, and by no frame too many."""

from types import SimpleNamespace

import pytest
from datasets import Dataset
from transformers import AutoProcessor

from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import mix
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import conversation, features
from t2vid_hf.training.fine_tuning import hold_to_limits
from tests.batches.test_native_video import make_row
from tests.models.families import Family, family
from tests.video.clips import encode

__all__ = ["family"]  # a fixture


@pytest.mark.parametrize("family", ["llava_onevision", "qwen2_5_vl", "qwen3_vl", "smolvlm"], indirect=True)
@pytest.mark.parametrize("clips", [1, 2])
@pytest.mark.parametrize("way", ["as_frames", "native"])
def test_a_thinned_row_fits(family: Family, clips, way, tmp_path):
    """Qwen3-VL bounds the pixels of a whole video from below: of few small frames each is shown larger."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(encode("mp4", "mpeg4"))
    processor = family.processor(configured=False)
    family.adapter.configure(processor)
    cost = TokenCost(processor, family.adapter, policy=VideoPolicy(way, num_frames=20))
    rows = [make_row("text"), make_row("video", [clip] * clips)]
    part = MixturePart("here", share=1, over_limit="thin", media_root="/")
    mixture = mix([(part, Dataset.from_list(rows, features=features()))], 0)
    of_frames = {count: cost.price({**rows[1], "take_frames": count}) for count in range(3, 21)}
    for limit in range(of_frames[4], of_frames[20], (of_frames[20] - of_frames[4]) // 6):
        kept, prices = hold_to_limits(mixture, cost, SimpleNamespace(max_length=limit, max_images=None))
        (frames,) = (pick.take_frames for pick in kept.picks if pick.id == "video")
        assert prices.tokens.max() == of_frames[frames] <= limit
        if family.name != "qwen3_vl":  # where more frames are always more tokens
            most = max(count for count, tokens in of_frames.items() if tokens <= limit)
            assert most - (family.name == "smolvlm") <= frames <= most  # whose times differ in tokens
    kept, prices = hold_to_limits(mixture, cost, SimpleNamespace(max_length=9_999, max_images=6))
    assert prices.images.max() == 6
    with pytest.raises(InputError, match="row 'video' of part 'here' has .* not even 1 frame of its video fits"):
        hold_to_limits(mixture, cost, SimpleNamespace(max_length=30, max_images=None))


def test_rows_that_are_dropped_leave_the_prices_of_the_others(tiny_checkpoint):
    texts = [{**make_row(str(n)), "messages": conversation([], "Why? " * (1 + 30 * (n == 2)), "So.")} for n in range(4)]
    part = MixturePart("here", share=1, over_limit="drop")
    mixture = mix([(part, Dataset.from_list(texts, features=features()))], 0)
    cost = TokenCost(AutoProcessor.from_pretrained(tiny_checkpoint), adapter_for("idefics3"))
    kept, prices = hold_to_limits(mixture, cost, SimpleNamespace(max_length=60, max_images=None))
    assert sorted(kept.ids) == ["0", "1", "3"] and prices.tokens.tolist() == cost.prices(kept).tokens.tolist()
