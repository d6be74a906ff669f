"""Mixtures: shares and counts, seeds, order, and what became of every row."""

import pytest
from datasets import Dataset

from t2vid_hf.data.filters import NO_ANSWER, NOT_DRAWN, REASONS, TOO_MANY_FRAMES
from t2vid_hf.data.mixture import Part, mix
from t2vid_hf.errors import InputError
from t2vid_hf.schema import conversation, features


def part(source: str, rows: int, *, frames: int = 1, **settings) -> tuple[Part, Dataset]:
    listed = [
        {
            "id": f"{source}/{index}", "source": source, "media": "text", "messages": conversation([], "?", "!"),
            "images": [], "videos": [], "num_frames": frames,
        }
        for index in range(rows)
    ]  # fmt: skip
    return Part(path=source, **settings), Dataset.from_list(listed, features=features())


def test_two_to_one_takes_as_many_rows_as_the_shares_allow():
    mixture = mix([part("video", 10, share=2), part("pages", 9, share=1)], 0)
    assert [drawn.drawn for drawn in mixture.drawn] == [10, 5]
    assert len(mixture.dataset) == 15
    assert mixture.drawn[1].dropped == {NOT_DRAWN: 4}


def test_decimal_shares_lose_no_row():
    mixture = mix([part("a", 30, share=0.1), part("b", 100, share=0.3)], 0)
    assert [drawn.drawn for drawn in mixture.drawn] == [30, 90]


def test_every_row_is_drawn_or_has_a_reason():
    mixture = mix([part("a", 7, count=3), part("b", 5, count=5)], 0)
    for drawn in mixture.drawn:
        assert drawn.rows == drawn.drawn + sum(drawn.dropped.values())
        assert set(drawn.dropped) <= set(REASONS)


def test_the_same_seed_draws_the_same_rows_in_any_order_of_parts_and_rows():
    first, second = part("a", 20, share=1), part("b", 9, share=1)
    one = mix([first, second], 3).dataset["id"]
    shuffled = (first[0], first[1].shuffle(seed=5))
    other = mix([second, shuffled], 3).dataset["id"]
    assert list(one) == list(other)
    assert list(one) != list(mix([first, second], 4).dataset["id"])


def test_parts_are_mixed_and_not_one_behind_the_other():
    sources = list(mix([part("a", 20, share=1), part("b", 20, share=1)], 0).dataset["source"])
    assert 0 < sources[:20].count("a") < 20


def test_filters_name_their_reasons():
    settings, dataset = part("c", 4, share=1, max_frames=65)
    silent = dataset.map(lambda row, index: {"num_frames": 70 if index == 0 else 1}, with_indices=True)
    mixture = mix([(settings, silent)], 0)
    assert mixture.drawn[0].dropped == {TOO_MANY_FRAMES: 1}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "no parts"),
        ([part("a", 3, count=4)], "has 3 usable rows of 3, and 4 are asked for"),
        ([part("a", 3, share=1), part("b", 3, count=1)], "all of them the same"),
        ([part("a", 3, share=1), part("a", 3, share=1)], "3 ids stand more than once"),
        ([part("a", 3, share=10), part("b", 3, share=1)], "without a row"),
        ([part("a", 3, share=1, max_frames=0)], "0 usable rows of 3"),
    ],
)
def test_bad_mixtures(parts, message):
    with pytest.raises(InputError, match=message):
        mix(parts, 0)


def test_a_part_without_the_columns_is_named():
    settings, dataset = part("a", 3, share=1)
    with pytest.raises(InputError, match="part 'a' lacks the columns videos"):
        mix([(settings, dataset.remove_columns("videos"))], 0)


def test_no_answer_is_a_reason():
    settings, dataset = part("a", 2, share=1)
    rows = [dict(row) for row in dataset]
    rows[0]["messages"] = rows[0]["messages"][:1]
    mixture = mix([(settings, Dataset.from_list(rows, features=features()))], 0)
    assert mixture.drawn[0].dropped == {NO_ANSWER: 1}
