"""What a saved processor says of a run's videos is what its rows took, whichever way they came to the trainer."""

import pytest
from datasets import Dataset

from t2vid_hf.batches.video_policy import VideoPolicy, trained_policy
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import mix
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.streaming import mix_streams
from t2vid_hf.models.trained_with import record
from t2vid_hf.schema import features
from t2vid_hf.training import T2VidSFTTrainer
from tests.batches.test_native_video import make_row, picture
from tests.models.families import Family, family
from tests.training.runs import config
from tests.video.clips import encode

__all__ = ["family"]  # a fixture
NATIVE = VideoPolicy("native", fps=4.0, max_frames=4)


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> list[tuple[MixturePart, Dataset]]:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(encode("mp4", "mpeg4"))
    pages = [make_row(f"p{number}", images=[picture(84, 84)]) for number in range(2)]
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    video = MixturePart("video", share=1, video="native", fps=4.0, max_frames=4, media_root="/")
    return [
        (MixturePart("pages", share=1), Dataset.from_list(pages, features=features())),
        (MixturePart("chat", share=1), Dataset.from_list([{"messages": turns}])),
        (video, Dataset.from_list([make_row(f"v{number}", [path]) for number in range(2)], features=features())),
    ]


def routes(parts) -> dict:
    streams = [(part, rows.to_iterable_dataset()) for part, rows in parts]
    mixture = mix(parts, 0)
    return {
        "mixture": mixture.dataset, "undecoded": mixture.undecoded, "selected": mixture.dataset.select(range(3)),
        "streams": mix_streams(streams, 0).dataset,
    }  # fmt: skip


@pytest.mark.parametrize("family", ["qwen2_5_vl"], indirect=True)
@pytest.mark.parametrize("route", ["mixture", "undecoded", "selected", "streams"])
def test_the_parts_of_a_mixture(family: Family, parts, route, tmp_path):
    processor = family.processor()
    rows = routes(parts)[route]
    T2VidSFTTrainer(family.model(), args=config(tmp_path), train_dataset=rows, processing_class=processor)
    assert trained_policy(processor, family.adapter) == NATIVE


@pytest.mark.parametrize("family", ["qwen2_5_vl"], indirect=True)
def test_a_second_run_is_recorded_anew(family: Family, parts, tmp_path):
    """A recipe's checkpoint, trained on another way."""
    processor = family.processor()
    record(processor, videos=[{"video": "as_frames", "num_frames": 3}], parts=True)
    args = config(tmp_path, video="native", num_frames=5)
    T2VidSFTTrainer(family.model(), args=args, train_dataset=parts[2][1], processing_class=processor)
    assert trained_policy(processor, family.adapter) == VideoPolicy("native", num_frames=5)


@pytest.mark.parametrize("family", ["idefics3"], indirect=True)
@pytest.mark.parametrize("route", ["mixture", "streams"])
def test_a_part_that_the_family_cannot_take(family: Family, parts, route, tmp_path):
    with pytest.raises(InputError, match="part 'video': video: native: the model's family takes no video"):
        T2VidSFTTrainer(family.model(), args=config(tmp_path), train_dataset=routes(parts)[route],
                        processing_class=family.processor())  # fmt: skip
