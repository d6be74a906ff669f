"""Filters: the paper's, each reason at its edge, and the counts."""

import json

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.filters import (
    LONG_QUESTION,
    MEDIA_MISPLACED,
    NO_ANSWER,
    PRESETS,
    REASONS,
    TOO_MANY_FRAMES,
    TOO_MANY_TOKENS,
    FilterPreset,
    keep,
    media_in_place,
    reason_to_drop,
)
from t2vid_hf.schema import conversation, media_block, text

IMAGE, VIDEO = media_block("image"), media_block("video")


def pages(count: int, question: str = "Who?", **more) -> dict:
    row = {
        "id": "a", "source": "longqlora", "media": "image_sequence", "images": [], "videos": [],
        "messages": conversation([IMAGE] * count, question, "The keeper."), "num_frames": count,
    }  # fmt: skip
    return {**row, **more}


@pytest.mark.parametrize(
    ("preset", "frames", "tokens_left"),
    # by hand: 8192 - 96 * 40, 10240 - 96 * 40, 10240 - 169 * 40
    [("t2vid_minicpm", 90, 4352), ("sparrow_minicpm", 100, 6400), ("t2vid_idefics3", 65, 3480)],
)
def test_presets_keep_up_to_their_limits(preset, frames, tokens_left):
    chosen = FilterPreset.named(preset)
    # with no text, 8192 // 96 = 85 frames of MiniCPM fit and 10240 // 169 = 60 of Idefics3
    most = min(frames, chosen.max_tokens // chosen.tokens_per_frame)
    assert chosen.reason(pages(most), lambda _: 0) is None
    assert chosen.reason(pages(frames + 1), lambda _: 0) == TOO_MANY_FRAMES
    assert chosen.reason(pages(40), lambda _: tokens_left) is None
    assert chosen.reason(pages(40), lambda _: tokens_left + 1) == TOO_MANY_TOKENS
    assert "Sparrow" in chosen.origin


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize(("source", "limit"), [("longqlora", 30), ("longalpaca", 500)])
def test_questions_stay_below_a_number_of_words(preset, source, limit):
    def reason(question: str) -> str | None:
        return PRESETS[preset].reason(pages(3, question, source=source), lambda _: 0)

    assert reason(" ".join(["why"] * (limit - 1))) is None
    assert reason(" ".join(["why"] * limit)) == LONG_QUESTION
    # the original's split(' '): a line break parts no words, and two spaces part three
    assert reason("\n".join(["why"] * limit)) is None
    assert reason("  ".join(["why"] * (limit // 2 + 1))) == LONG_QUESTION
    assert PRESETS[preset].reason(pages(3, "why " * 999, source="squality"), lambda _: 0) is None


def test_the_text_is_counted_as_the_original_counted_it():
    counted = []
    PRESETS["t2vid_idefics3"].reason(pages(2, "Who?"), lambda value: counted.append(value) or 0)
    assert counted == ["<video>\nWho?\nThe keeper."]


def test_media_stand_in_the_first_user_turn():
    late = conversation([], "Hello?", "Hello.") + conversation([IMAGE, IMAGE], "Who?", "The keeper.")
    system = [{"role": "system", "content": [text("Be brief.")]}]
    video = {"media": "video", "messages": conversation([VIDEO], "Who?", "x")}
    text_only = {"media": "text", "messages": conversation([], "Who?", "x")}
    in_place = [pages(2), pages(2, messages=system + pages(2)["messages"]), pages(0, **text_only), pages(9, **video)]
    misplaced = [
        pages(2, messages=late),
        pages(0),
        pages(2, media="text"),
        pages(2, media="video"),
        pages(9, media="video", messages=conversation([VIDEO, VIDEO], "Who?", "x")),
        pages(9, media="video", messages=conversation([VIDEO, IMAGE], "Who?", "x")),
        pages(9, messages=conversation([VIDEO], "Who?", "x")),
        pages(0, messages=system, media="text"),
    ]
    assert all(media_in_place(row) for row in in_place)
    assert not any(media_in_place(row) for row in misplaced)
    reasons = [PRESETS["t2vid_idefics3"].reason(row, lambda _: 0) for row in misplaced]
    assert reasons == [MEDIA_MISPLACED] * 7 + [NO_ANSWER]


def test_kept_and_dropped_rows_add_up_and_rejects_are_written(tmp_path):
    rows = [pages(3), pages(70), pages(2, messages=pages(2)["messages"][:1]), pages(65), pages(66)]
    kept, report = keep(
        rows, lambda row: reason_to_drop(row, max_frames=65), rejects=tmp_path / "new" / "rejects.jsonl"
    )
    assert kept == [0, 3]
    assert report.rows == report.kept + sum(report.dropped.values()) == 5
    assert report.dropped == {TOO_MANY_FRAMES: 2, NO_ANSWER: 1}
    assert str(report) == "2 of 5 rows kept; 2: more frames than max_frames; 1: no assistant turn"
    lines = [json.loads(line) for line in (tmp_path / "new" / "rejects.jsonl").read_text().splitlines()]
    assert [(line["row"], line["reason"]) for line in lines] == [
        (1, TOO_MANY_FRAMES),
        (2, NO_ANSWER),
        (4, TOO_MANY_FRAMES),
    ]
    assert "images" not in lines[0] and lines[0]["messages"] == rows[1]["messages"]
    report.save(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["dropped"] == report.dropped
    assert keep([], lambda row: None)[1].rows == 0


def test_reasons_are_closed_and_unknown_presets_list_the_known():
    assert len(set(REASONS)) == len(REASONS)
    with pytest.raises(InputError, match="unknown reason of a filter 'dull'"):
        keep([pages(1)], lambda row: "dull")
    with pytest.raises(InputError, match="preset 'paper'; known: sparrow_minicpm, t2vid_idefics3, t2vid_minicpm"):
        FilterPreset.named("paper")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_frames": 0}, "max_frames is 0"),
        ({"max_tokens": -5}, "max_tokens is -5"),
        ({"tokens_per_frame": -1}, "must not be negative"),
        ({"question_words": {"longqlora": 0}}, "question_words"),
    ],
)
def test_bad_limits(settings, message):
    with pytest.raises(InputError, match=message):
        FilterPreset(**{"name": "mine", "max_frames": 5, "tokens_per_frame": 1, "max_tokens": 9, **settings})
