"""Mixtures: shares and counts, seeds, order, and what became of every row."""

import pytest
from datasets import Dataset, Features, Image, Value

from t2vid_hf import without_pages
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.filters import NO_ANSWER, NOT_PICKED, NOT_SAMPLED, REASONS, TOO_MANY_FRAMES
from t2vid_hf.mixtures.mixing import mix
from t2vid_hf.mixtures.paper_mixtures import MIXTURES, named_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import conversation, features, media_block

THEIRS = {"messages": [{"role": Value("string"), "content": Value("string")}]}


def part(source: str, rows: int, *, frames: int = 1, **settings) -> tuple[MixturePart, Dataset]:
    listed = [
        {
            "id": f"{source}/{index}", "source": source, "media": "text", "messages": conversation([], "?", "!"),
            "images": [], "videos": [], "num_frames": frames,
        }
        for index in range(rows)
    ]  # fmt: skip
    return MixturePart(path=source, **settings), Dataset.from_list(listed, features=features())


def test_two_to_one_takes_as_many_rows_as_the_shares_allow():
    mixture = mix([part("video", 10, share=2), part("pages", 9, share=1)], 0)
    assert [count.sampled for count in mixture.counts] == [10, 5]
    assert len(mixture.dataset) == 15
    assert mixture.counts[1].dropped == {NOT_SAMPLED: 4}


def test_a_batch_without_a_row_has_the_columns():
    dataset = mix([part("a", 3, share=1)], 0).dataset
    assert dataset.__getitems__([]) == []  # as a loader asks for a rank that has no row in a step
    assert dataset[[]].keys() == dataset[[0]].keys()


def test_decimal_shares_lose_no_row():
    mixture = mix([part("a", 30, share=0.1), part("b", 100, share=0.3)], 0)
    assert [count.sampled for count in mixture.counts] == [30, 90]


def test_every_row_is_drawn_or_has_a_reason():
    mixture = mix([part("a", 7, count=3), part("b", 5, count=5)], 0)
    for count in mixture.counts:
        assert count.rows == count.sampled + sum(count.dropped.values())
        assert set(count.dropped) <= set(REASONS)


def test_the_same_seed_draws_the_same_rows_in_any_order_of_parts_and_rows():
    first, second = part("a", 20, share=1), part("b", 9, share=1)
    one = mix([first, second], 3)
    shuffled = (first[0], first[1].shuffle(seed=5))
    other = mix([second, shuffled], 3)
    assert one.ids == other.ids == tuple(row["id"] for row in one.dataset)
    assert one.ids != mix([first, second], 4).ids


def test_parts_are_mixed_and_not_one_behind_the_other():
    ids = mix([part("a", 20, share=1), part("b", 20, share=1)], 0).ids
    assert 0 < sum(name.startswith("a/") for name in ids[:20]) < 20


def test_filters_name_their_reasons():
    settings, dataset = part("c", 4, share=1, max_pages=65)
    silent = dataset.map(lambda row, index: {"num_frames": 70 if index == 0 else 1}, with_indices=True)
    mixture = mix([(settings, silent)], 0)
    assert mixture.counts[0].dropped == {TOO_MANY_FRAMES: 1}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "no parts"),
        ([part("a", 3, count=4)], "has 3 usable rows of 3, and 4 are asked for"),
        ([part("a", 3, share=1), part("b", 3, count=1)], "all of them the same"),
        ([part("a", 3, share=1), part("a", 3, share=1)], "the id 'a/0' stands twice"),
        ([part("a", 3, share=10), part("b", 3, share=1)], "without a row"),
        ([part("a", 3, frames=2, share=1, max_pages=1)], "0 usable rows of 3"),
    ],
)
def test_bad_mixtures(parts, message):
    with pytest.raises(InputError, match=message):
        mix(parts, 0)


def test_parts_of_other_shapes_meet_ours(rows):
    """Chat sets as TRL takes them: string content, one image, no ids."""
    ours = Dataset.from_list(rows[1:2], features=features())
    turns = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}]
    theirs = Dataset.from_list(
        [{"messages": turns, "image": rows[1]["images"][0]}], features=Features({**THEIRS, "image": Image()})
    )
    mixture = mix([(MixturePart("ours", count=1), ours), (MixturePart("theirs", count=1, num_frames=3), theirs)], 0)
    by_id = {row["id"]: row for row in mixture.dataset}
    assert set(by_id) == {"pages", "theirs/0"}
    assert [block["type"] for block in by_id["theirs/0"]["messages"][0]["content"]] == ["image", "text"]
    assert (by_id["theirs/0"]["num_frames"], by_id["theirs/0"]["take_frames"]) == (1, 3)
    assert by_id["pages"]["images"][0].size == (48, 48)


def test_lazy_pages_and_drawn_ones_meet():
    from t2vid_hf.data import pages
    from t2vid_hf.data.synthesis import synthesize
    from t2vid_hf.rendering import RenderConfig
    from t2vid_hf.schema import LongTextQA

    qa = LongTextQA("q", "long_qa", "A long text.", "?", "!")
    lazy = Dataset.from_list(list(synthesize([qa], RenderConfig.preset("paper"), render="lazy")), pages.lazy_features())
    settings, drawn = part("a", 1, count=1)
    mixture = mix([(MixturePart("lazy", count=1), lazy), (settings, drawn)], 0)
    assert sorted(len(row["images"]) for row in mixture.dataset) == [0, 1]
    kept = mix([(MixturePart("lazy", count=1), without_pages(lazy)), (settings, drawn)], 0)  # as stock `datasets` reads
    assert sorted(len(row["images"]) for row in kept.dataset) == [0, 1]


def test_the_paper_s_mixtures():
    totals = {name: sum(item.count for item in parts) for name, parts in MIXTURES.items()}
    assert totals == {"t2vid_30k": 30_000, "video_200k": 200_000, "sparrow_60k": 60_000, "sparrow_100k": 100_000}
    for name in ("t2vid_30k", "sparrow_60k", "sparrow_100k"):
        video = sum(item.count for item in MIXTURES[name] if item.num_frames)
        assert video == pytest.approx(2 * totals[name] / 3, abs=2)
    with pytest.raises(InputError, match="needs a path for share_gemini"):
        named_mixture("video_200k", {"video_chatgpt": "a"})
    with pytest.raises(InputError, match="unknown mixture 'nope'; known: sparrow_100k"):
        named_mixture("nope", {})


def test_no_answer_is_a_reason():
    settings, dataset = part("a", 2, share=1)
    rows = [dict(row) for row in dataset]
    rows[0]["messages"] = rows[0]["messages"][:1]
    mixture = mix([(settings, Dataset.from_list(rows, features=features()))], 0)
    assert mixture.counts[0].dropped == {NO_ANSWER: 1}


def videos(source: str, count: int, frames: int, **settings):
    settings, dataset = part(source, count, **settings)
    asked = [
        {**row, "media": "video", "messages": conversation([media_block("video")], "?", "!"), "num_frames": frames,
         "videos": [{"bytes": b"x", "path": "x.mp4"}]}
        for row in dataset
    ]  # fmt: skip
    return settings, Dataset.from_list(asked, features=features())


def test_a_published_filter_needs_a_tokenizer():
    parts = [part("a", 3, frames=70, share=1, filter="t2vid_idefics3"), part("b", 3, share=1)]
    with pytest.raises(InputError, match="give count_tokens"):
        mix([part("a", 3, share=1, filter="t2vid_idefics3")], 0)
    with pytest.raises(InputError, match="0 usable rows of 3"):
        mix(parts, 0, count_tokens=len)
    with pytest.raises(InputError, match="unknown filter preset 'nope'"):
        MixturePart("a", share=1, filter="nope")


def test_videos_by_path_stay_below_their_root(tmp_path, clip_file):
    from t2vid_hf.batches.media import media_inputs
    from t2vid_hf.batches.video_policy import VideoPolicy

    (tmp_path / "clip.mp4").write_bytes(clip_file.read_bytes())
    settings, dataset = videos("v", 1, 16, share=1, media_root=str(tmp_path))

    def row_with(path: str):
        rows = [{**row, "videos": [{"bytes": None, "path": path}]} for row in dataset]
        return mix([(settings, Dataset.from_list(rows, features=features()))], 0).dataset[0]

    assert len(media_inputs(row_with("clip.mp4"), VideoPolicy(num_frames=4)).images) == 4
    for path in ("../../etc/passwd", "/etc/passwd"):
        with pytest.raises(InputError, match="not of a file below"):
            row_with(path)


def test_only_the_rows_that_a_file_names_are_taken(tmp_path):
    named = tmp_path / "picked.txt"
    named.write_text("a/3\na/1\n")
    mixture = mix([part("a", 5, share=1, ids=str(named))], 0)
    assert set(mixture.ids) == {"a/1", "a/3"} and mixture.counts[0].dropped == {NOT_PICKED: 3}
    named.write_text("a/3\nb/1\n")
    with pytest.raises(InputError, match="part 'a': 1 ids in .*picked.txt are of none of its rows, such as 'b/1'"):
        mix([part("a", 5, share=1, ids=str(named))], 0)
    with pytest.raises(InputError, match="part 'a': ids=none.txt: .*; give a file of an id a line"):
        mix([part("a", 5, share=1, ids="none.txt")], 0)
