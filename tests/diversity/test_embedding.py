"""Embeddings by the real MiniLM: what they say, what the model does not read, and models that are none."""

from pathlib import Path

import numpy as np
import pytest

from t2vid_hf.diversity.embedding import Embedder
from t2vid_hf.errors import InputError

pytest.importorskip("sentence_transformers")


@pytest.fixture(scope="module")
def embedder(minilm):
    return Embedder(minilm)


def test_a_paraphrase_is_nearer_than_another_question(embedder):
    texts = ["What is the man doing?", "What does the man do?", "How many points did the team score?"]
    vectors = embedder.embed([*texts, texts[0]])
    assert vectors.dtype == np.float32 and np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert vectors[0] @ vectors[1] > 0.8 and vectors[0] @ vectors[2] < 0.2
    np.testing.assert_array_equal(vectors[0], vectors[3])


def test_order_and_chunks_change_nothing(embedder, monkeypatch):
    texts = ["Who?", "A much longer question about what the man in red does", "Why is it?", "Who is it?"]
    monkeypatch.setattr("t2vid_hf.diversity.embedding._CHUNK", 2)
    np.testing.assert_allclose(embedder.embed(texts), embedder.embed(texts[::-1])[::-1], atol=1e-6)


def test_what_the_model_does_not_read_is_told(embedder):
    english = embedder.reading(["What is it?"] * 3)
    assert english.cut == 0 and english.unknown_tokens == 0
    read = embedder.reading(["What is it? " * 300, "你们喜欢吃饺子吗"])
    assert read.cut == 1 and 0 < read.unknown_tokens < 1


@pytest.mark.parametrize("given", ["no/model", "./nothing", str(Path(__file__).parent)])
def test_a_model_that_is_none_is_told(given):
    with pytest.raises(InputError, match=f"--model {given}: .*; give a sentence-transformers model"):
        Embedder(given)
