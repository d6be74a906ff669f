"""Measures: values that can be worked out by hand, and what each does where all are equal or all differ."""

import numpy as np
import pytest

from t2vid_hf.diversity.measures import MEASURES, distinct_share, nearest_cosines, vendi_score
from t2vid_hf.diversity.ngrams import number_runs, words
from t2vid_hf.diversity.prepared import prepare

pytest.importorskip("sklearn")


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_vectors(count: int, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dimensions)))


def measured(texts: list[str], vectors: np.ndarray) -> dict[str, float]:
    prepared = prepare({"a": texts}, vectors)
    centres = prepared.find_centres({"a": np.array([], int)}, np.random.default_rng(0))
    return dict(zip(MEASURES, prepared.measure(prepared.places["a"], centres), strict=True))


@pytest.mark.parametrize("count", [7, 40])  # fewer than dimensions, and more
def test_vendi_is_its_definition(count):
    vectors = random_vectors(count)
    values = np.linalg.eigvalsh((vectors @ vectors.T).astype(float) / count)
    expected = np.exp(-sum(value * np.log(value) for value in values if value > 1e-9))
    assert vendi_score(vectors) == pytest.approx(expected, rel=1e-5)


def test_two_groups_are_two():
    assert vendi_score(np.eye(2)[[0, 0, 0, 1, 1, 1]]) == pytest.approx(2)


def test_the_nearest_is_never_itself_and_is_found_across_blocks(monkeypatch):
    vectors = random_vectors(50)
    cosines = vectors @ vectors.T - 9 * np.eye(50)
    monkeypatch.setattr("t2vid_hf.diversity.measures._BLOCK", 7)
    np.testing.assert_allclose(nearest_cosines(vectors), cosines.max(axis=1), rtol=1e-5)


def test_all_equal():
    found = measured(["What is it?"] * 20, np.repeat(random_vectors(1), 20, axis=0))
    assert found["vendi"] == pytest.approx(1, abs=1e-5) and found["nearest"] == pytest.approx(0, abs=1e-6)
    assert found["entropy"] == 0 and found["repeated"] == 0.95 and found["near_duplicates"] == 1


def test_all_different():
    found = measured([f"word{number}" for number in range(16)], np.eye(16, dtype=np.float32))
    assert found["vendi"] == pytest.approx(16) and found["nearest"] == 1 and found["distinct_1"] == 1
    assert found["repeated"] == 0 == found["near_duplicates"]


def test_a_text_of_no_pair_of_words_has_no_distinct_2():
    assert measured(["Who?"] * 5, np.repeat(random_vectors(1), 5, axis=0))["distinct_2"] == 0


def test_distinct_counts_runs_over_all_texts():
    texts = ["the dog runs", "the dog sleeps"]
    assert distinct_share(number_runs(texts, 1)) == 4 / 6
    assert distinct_share(number_runs(texts, 2)) == 3 / 4


@pytest.mark.parametrize(
    ("text", "expected"), [("这是什么?", 3), ("ภาษาไทยอยู่ที่ไหน", 4), ("यह क्या है?", 3), ("", 0), ("?!", 0)]
)
def test_words_of_any_script(text, expected):
    assert len(words(text)) == expected


def test_clusters_are_of_what_was_not_drawn_and_no_more_than_there_are():
    vectors = np.eye(8, dtype=np.float32)[[0, 1, 2] * 10 + [3, 4, 5] * 10]
    prepared = prepare({"a": ["x"] * 30, "b": ["y"] * 30}, vectors)
    rng = np.random.default_rng(0)
    nothing = np.array([], int)
    assert len(prepared.find_centres({"a": nothing, "b": nothing}, rng)) == 3  # of 60, 20 a cluster
    assert len(prepared.find_centres({"a": nothing}, rng)) == 2
    centres = prepared.find_centres({"a": np.arange(1, 30), "b": np.arange(1, 30) + 30}, rng)
    np.testing.assert_allclose(sorted(centres.tolist()), sorted(vectors[[0, 30]].tolist()))
