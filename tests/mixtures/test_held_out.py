"""Rows to evaluate on: chosen by their ids alone, counted, and never trained on."""

import pytest
from datasets import Dataset

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.evaluation_rows import evaluation_mixture
from t2vid_hf.mixtures.filters import HELD_OUT, NOT_SAMPLED
from t2vid_hf.mixtures.held_out import is_held_out
from t2vid_hf.mixtures.mixing import load_mixture, mix
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.streaming import mix_streams
from t2vid_hf.schema import conversation, features


def rows(first: int, count: int) -> Dataset:
    made = [
        {"id": f"row-{number}", "source": "s", "media": "text", "messages": conversation([], "Why?", f"So {number}."),
         "images": [], "videos": [], "num_frames": 0}
        for number in range(first, first + count)
    ]  # fmt: skip
    return Dataset.from_list(made, features=features())


@pytest.fixture
def folder(tmp_path):
    """A repository with three splits: the last shares a row with the first."""
    (tmp_path / "texts").mkdir()
    for split, made in (("train", rows(0, 40)), ("validation", rows(100, 5)), ("mixed", rows(39, 3))):
        made.to_parquet(str(tmp_path / "texts" / f"{split}-00000-of-00001.parquet"))
    return tmp_path


def ids(mixture) -> set[str]:
    return {row["id"] for row in mixture.dataset}


def test_held_out_rows_are_never_trained_on_whatever_else_is_drawn():
    dataset, kept = rows(0, 200), set()
    for seed in (0, 1):
        for count in (20, 120):
            trained = mix([(MixturePart("a", count=count), dataset)], seed, eval_share=0.2)
            held = evaluation_mixture(trained)
            assert not ids(trained) & ids(held)
            (counts,), (held_counts,) = trained.counts, held.counts
            assert counts.rows == counts.sampled + sum(counts.dropped.values()) == 200
            assert counts.dropped[HELD_OUT] == held_counts.rows == held_counts.sampled == len(ids(held))
            assert counts.dropped[NOT_SAMPLED] == 200 - count - len(ids(held))
            kept.add(frozenset(ids(held)))
    (chosen,) = kept  # of all seeds and counts
    assert 20 < len(chosen) < 60
    more = evaluation_mixture(mix([(MixturePart("a", count=20), rows(0, 400))], 0, eval_share=0.2))
    assert {row for row in ids(more) if int(row[4:]) < 200} == chosen
    greater = {f"row-{number}" for number in range(200) if is_held_out(f"row-{number}", 0.3)}
    assert chosen < greater


def test_without_a_share_or_a_split_nothing_is_evaluated():
    trained = mix([(MixturePart("a", share=1), rows(0, 9))], 0)
    assert evaluation_mixture(trained) is None and not trained.held_out and trained.counts[0].dropped == {}


def test_a_split_is_evaluated_whole_and_its_part_holds_nothing_out(folder):
    split = MixturePart(str(folder), "texts", share=1, eval_split="validation", num_frames=3)
    trained = load_mixture([split], eval_share=0.2)
    evaluated = evaluation_mixture(trained)
    assert len(trained.picks) == 40
    assert list(evaluated.ids) == [f"row-{number}" for number in range(100, 105)]
    assert set(evaluated.light["take_frames"]) == {3}
    assert evaluated.counts[0].part.endswith("texts, validation") and evaluated.counts[0].sampled == 5


def test_parts_of_both_kinds_stand_side_by_side(folder):
    other = rows(500, 50)
    split = MixturePart(str(folder), "texts", share=1, eval_split="validation")
    loaded = [(MixturePart("b", share=1), other), *load_mixture([split]).parts]
    trained = mix(loaded, 0, eval_share=0.2)
    evaluated = evaluation_mixture(trained)
    chosen = [key for key in other["id"] if is_held_out(key, 0.2)]
    assert list(evaluated.ids) == [*chosen, *(f"row-{number}" for number in range(100, 105))]
    assert ids(evaluated) == set(evaluated.ids) and not ids(evaluated) & ids(trained)


def test_what_cannot_be_held_out_is_refused(folder):
    with pytest.raises(InputError, match="row 'row-39' of its eval_split 'mixed' is trained on as well"):
        evaluation_mixture(load_mixture([MixturePart(str(folder), "texts", share=1, eval_split="mixed")]))
    with pytest.raises(InputError, match="its eval_split 'train' is trained on"):
        MixturePart("a", share=1, eval_split="train")
    with pytest.raises(InputError, match="split 'absent'"):
        evaluation_mixture(load_mixture([MixturePart(str(folder), "texts", share=1, eval_split="absent")]))
    with pytest.raises(InputError, match=r"eval_share 0.001 holds out none of the 5 usable rows of part 'a'"):
        mix([(MixturePart("a", share=1), rows(0, 5))], 0, eval_share=0.001)
    for share in (-0.1, 1.0):
        with pytest.raises(InputError, match="at least 0 and below 1"):
            mix([(MixturePart("a", share=1), rows(0, 5))], 0, eval_share=share)
    with pytest.raises(InputError, match="eval_split, which a mixture of streams does not read"):
        mix_streams([(MixturePart("a", share=1, eval_split="test"), rows(0, 5).to_iterable_dataset())], 0)


def test_a_mixture_can_be_asked_for_no_row():
    """As a rank asks whose bin is empty."""
    assert mix([(MixturePart("a", share=1), rows(0, 3))], 0).dataset.__getitems__([]) == []
