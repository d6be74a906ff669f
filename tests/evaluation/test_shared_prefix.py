"""Questions about one video, answered together: the replies of one `generate` a question, whatever stands beside it."""

import pytest
import torch

from t2vid_hf.evaluation.generation import answer
from t2vid_hf.evaluation.usage import Usage
from t2vid_hf.schema import conversation
from tests.evaluation.questions import QUESTIONS, asked, clips, spread, ways
from tests.models.families import Family, family

__all__ = ["clips", "family"]
NEW = 8


def test_replies_are_those_of_one_generate_a_question(family: Family, clips):
    processor = family.processor()
    model = spread(family.model(dtype=torch.float32), processor)
    for policy in ways(family):
        given = {"policy": policy, "max_new_tokens": NEW}
        plain = answer(model, processor, asked(clips[:1]), shared=False, **given)
        assert len(set(plain)) > 9
        for count in (1, 2, 3, 18):
            usage = Usage()
            assert answer(model, processor, asked(clips[:1])[:count], usage=usage, **given) == plain[:count]
            assert not usage.plain and bool(usage.bytes) == (count > 1)
        for options in ({"batch_size": 4}, {"max_batch_tokens": 1}):
            assert answer(model, processor, asked(clips[:1]), **options, **given) == plain


def test_positions_are_those_of_the_encoder(family: Family, clips):
    """`generate` by itself does not know how fast a video was taken, which training tells the model."""
    from t2vid_hf.batches.encoding import RowEncoder

    model, processor, seen = family.model(dtype=torch.float32), family.processor(), []
    text = model.model.get_decoder()
    text.register_forward_pre_hook(lambda module, args, given: seen.append(given["position_ids"]), with_kwargs=True)
    for policy in ways(family):
        for options in ({"shared": False}, {"shared": True}):
            seen.clear()
            answer(model, processor, asked(clips[:1])[:1], policy=policy, max_new_tokens=2, **options)
            encoded = RowEncoder(processor, family.adapter, policy=policy).prompt(asked(clips[:1])[0])
            assert torch.equal(seen[0].squeeze(-2), torch.from_numpy(encoded.position_ids))


def test_the_model_is_as_it_was(family: Family, clips):
    model, processor = family.model(dtype=torch.float32), family.processor()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    deltas, settings = getattr(model.model, "rope_deltas", None), model.generation_config.to_dict()
    answer(model, processor, asked(clips[:1])[:3], num_frames=4, max_new_tokens=2)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert getattr(model.model, "rope_deltas", None) is deltas and model.generation_config.to_dict() == settings


one = pytest.mark.parametrize("family", ["qwen3_vl"], indirect=True)


@one
def test_each_video_is_read_and_seen_once(family: Family, clips, monkeypatch):
    from t2vid_hf.batches import video_policy

    read, towers = [], []
    own = video_policy.read_frames
    monkeypatch.setattr(video_policy, "read_frames", lambda video, *a, **k: read.append(video) or own(video, *a, **k))
    model, processor = family.model(dtype=torch.float32), family.processor()
    model.model.visual.register_forward_hook(lambda *_: towers.append(1))
    rows = asked(clips)
    rows[4]["videos"] = [{"bytes": clips[0].read_bytes(), "path": "elsewhere.mp4"}]  # bytes: another name of a video
    rows[6]["take_frames"] = 3  # and another way
    assert len(answer(model, processor, rows, num_frames=4, max_new_tokens=2)) == len(QUESTIONS)
    assert len(read) == len(towers) == 4


@one
def test_end_tokens_penalties_and_limits_are_the_generation_configs(family: Family, clips):
    processor = family.processor()
    model = spread(family.model(dtype=torch.float32), processor)
    given = {"num_frames": 4, "max_new_tokens": 12}
    free = answer(model, processor, asked(clips), **given)
    model.generation_config.eos_token_id = list(range(0, len(processor.tokenizer), 6))
    ended = answer(model, processor, asked(clips), **given)
    assert ended == answer(model, processor, asked(clips), shared=False, **given) != free
    model.generation_config.repetition_penalty = 1.8
    punished = answer(model, processor, asked(clips), **given)
    assert punished == answer(model, processor, asked(clips), shared=False, **given) != ended


@one
def test_the_room_of_the_cache_is_bounded_and_told(family: Family, clips):
    model, processor = family.model(dtype=torch.float32), family.processor()
    peaks = []
    for most in (10_000, 200, 150):
        usage = Usage()
        answer(model, processor, asked(clips[:1]), num_frames=4, max_new_tokens=4, max_batch_tokens=most, usage=usage)
        assert usage.tokens <= most
        # keys and values, 2 layers, 2 heads of 16, float32
        assert usage.bytes == usage.tokens * 2 * 2 * 2 * 16 * 4
        peaks.append(usage.tokens)
    assert peaks[0] > peaks[1] > peaks[2]


@one
def test_what_cannot_share_is_asked_plainly_and_told(family: Family, clips):
    processor = family.processor()
    model = spread(family.model(dtype=torch.float32), processor)
    rows, given = asked(clips[:1])[:3], {"num_frames": 4, "max_new_tokens": 4}
    behind = [{**row, "messages": [{"role": "user", "content": row["messages"][0]["content"][::-1]}]} for row in rows]
    usage = Usage()
    assert answer(model, processor, behind, usage=usage, **given) == answer(
        model, processor, behind, shared=False, **given
    )
    assert usage.plain == {"the video stands behind the question": 3}
    model.config.text_config.layer_types = ["sliding_attention"] * 2
    model.config.text_config.sliding_window = 8
    usage = Usage()
    answer(model, processor, rows, usage=usage, **given)
    assert list(usage.plain.values()) == [3] and "sliding" in next(iter(usage.plain))


@one
def test_rows_without_media_stay_alone(family: Family, clips):
    model, processor = family.model(dtype=torch.float32), family.processor()
    text = [
        {"id": str(n), "source": "s", "media": "text", "images": [], "videos": [], "num_frames": 0,
         "messages": conversation([], question, "x")[:1]}
        for n, question in enumerate(QUESTIONS[:4])
    ]  # fmt: skip
    mixed = [row for pair in zip(asked(clips)[:4], text, strict=True) for row in pair]
    given = {"num_frames": 4, "max_new_tokens": 4}
    assert answer(model, processor, mixed, **given) == answer(model, processor, mixed, shared=False, **given)


@one
@pytest.mark.parametrize("attention", ["eager", "sdpa_packed"])
def test_other_attentions(family: Family, clips, attention):
    processor = family.processor()
    model = spread(family.model(dtype=torch.float32, attn_implementation=attention), processor)
    given, usage = {"num_frames": 4, "max_new_tokens": NEW}, Usage()
    shared = answer(model, processor, asked(clips), usage=usage, **given)
    assert shared == answer(model, processor, asked(clips), shared=False, **given) and not usage.plain


@one
def test_weights_of_several_types(family: Family, clips):
    """Under autocast the mask is of the type of the keys, not of the weights."""
    processor, model = family.processor(), family.model(dtype=torch.bfloat16)
    given, usage = {"num_frames": 4, "max_new_tokens": 2}, Usage()
    assert len(answer(model, processor, asked(clips), usage=usage, **given)) == len(QUESTIONS)
    model.model.visual.float()
    model.model.language_model.norm.float()
    assert len(answer(model, processor, asked(clips), usage=usage, **given)) == len(QUESTIONS)
    assert not usage.plain


@one
def test_it_is_greedy_whatever_a_checkpoint_says(family: Family, clips):
    processor = family.processor()
    model = spread(family.model(dtype=torch.float32), processor)
    given = {"num_frames": 4, "max_new_tokens": NEW}
    greedy = answer(model, processor, asked(clips)[:4], **given)
    model.generation_config.num_beams = 3
    for shared in (True, False):
        assert answer(model, processor, asked(clips)[:4], shared=shared, **given) == greedy
