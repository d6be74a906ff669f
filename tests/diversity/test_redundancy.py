"""What repeats, and which rows cover a set."""

import numpy as np
import pytest

from t2vid_hf.diversity import redundancy
from t2vid_hf.diversity.picking import pick_diverse, pick_rows
from t2vid_hf.diversity.prepared import prepare
from t2vid_hf.diversity.redundancy import find_redundancy
from t2vid_hf.diversity.tsne import place_points
from tests.diversity.test_measures import random_vectors


def test_the_most_frequent_leads_and_nothing_is_counted_twice():
    texts = ["b", "a", "a", "c", "a", "b"]
    directions = {"a": [1, 0, 0], "b": [0.95, 0.312, 0], "c": [0, 0, 1]}
    found = find_redundancy(texts, np.array([directions[text] for text in texts], np.float32))
    assert [(group.text, group.count, group.wordings) for group in found.groups] == [("a", 5, 2), ("c", 1, 1)]
    assert found.distinct == 3 and found.redundant == pytest.approx(4 / 6)


def test_no_chain_joins_what_differs():
    steps = [np.array([np.cos(angle), np.sin(angle)]) for angle in np.radians([0, 20, 40, 60])]
    found = find_redundancy(list("abcd"), np.array(steps, np.float32))  # each is within the threshold of the next
    assert [group.count for group in found.groups] == [2, 2]


def test_blocks_change_nothing(monkeypatch):
    vectors = random_vectors(60, 3)
    texts = [str(number) for number in range(60)]
    whole = find_redundancy(texts, vectors)
    monkeypatch.setattr(redundancy, "_BLOCK", 4)
    assert find_redundancy(texts, vectors) == whole and len(whole.groups) < 60


def test_a_vector_of_length_0_is_a_group_of_its_own():
    assert len(find_redundancy(["a", "b"], np.zeros((2, 3), np.float32)).groups) == 2


def test_the_picked_cover_what_random_ones_miss():
    """One of 100 clusters is rare: a choice of 8 has all."""
    vectors = np.eye(8, dtype=np.float32)[[0] * 93 + list(range(1, 8))]
    assert set(pick_diverse(vectors, 8) - 92) >= set(range(1, 8))
    assert len(set(pick_diverse(vectors, 100).tolist())) == 100


def test_a_row_is_picked_with_all_of_its_turns():
    vectors = np.eye(4, dtype=np.float32)[[0, 1, 1, 2, 3]]
    rows = np.array([0, 0, 1, 2, 2])
    assert sorted(pick_diverse(vectors, 2, rows=rows).tolist()) in ([0, 2], [1, 2])


def test_picked_rows_are_measured_beside_random_ones():
    pytest.importorskip("sklearn")
    vectors = np.eye(8, dtype=np.float32)[[0] * 93 + list(range(1, 8))]
    ids = [f"set/{number}" for number in range(100)]
    prepared = prepare({"a": [f"t {number}" for number in range(100)]}, vectors)
    picked, measured = pick_rows(ids, prepared, 8)
    assert len(set(picked)) == 8 and measured["picked"]["vendi"] > 2 * measured["random"]["vendi"]


@pytest.mark.parametrize("vectors", [np.ones((5, 4), np.float32) / 2, random_vectors(2), random_vectors(9)])
def test_few_or_equal_instructions_have_a_place(vectors):
    pytest.importorskip("sklearn")
    points = place_points(vectors)
    assert points.shape == (len(vectors), 2) and np.isfinite(points).all()
