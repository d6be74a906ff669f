"""Texts -> unit vectors, by any sentence-transformers model; and how much of the texts that model does not read.

Equal texts are embedded once, and texts of like length together: MiniLM (23 M parameters) takes 240 questions a second
of a processor, so 50,000 in three and a half minutes. The paper's model, all-mpnet-base-v2, has five times the
parameters. Both know English alone, which `unknown_tokens` tells of a set in another language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from t2vid_hf._optional import require
from t2vid_hf.errors import InputError

PAPER_MODEL = "sentence-transformers/all-mpnet-base-v2"  # of the figure in arXiv 2411.19951, by its notebook
_CHUNK = 1024  # texts between two steps of the progress bar
_BATCH = 64


@dataclass(frozen=True)
class Reading:
    """How a model reads texts.

    Args:
        cut (`int`): Texts longer than the model reads: their ends are not in the vectors.
        unknown_tokens (`float`): The share of tokens that the model has no word for.
    """

    cut: int
    unknown_tokens: float


class Embedder:
    """A sentence-transformers model.

    Args:
        model (`str`): A folder, or a name on the Hub.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not there, or sentence-transformers is not installed.
    """

    def __init__(self, model: str) -> None:
        library = require("sentence_transformers", extra="diversity")
        try:
            self._model = library.SentenceTransformer(model)
        except (OSError, ValueError) as error:
            first = str(error).strip().partition("\n")[0]
            raise InputError(f"--model {model}: {first}; give a sentence-transformers model, as a folder or as a name "
                             f"on the Hub") from None  # fmt: skip

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts.

        Args:
            texts (`Sequence[str]`): The texts.

        Returns:
            `np.ndarray`: float32 `(texts, dimensions)`, each of length 1; equal texts have equal vectors.
        """
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        ordered = sorted(places, key=len)
        chunks = []
        with tqdm(total=len(ordered), desc="embedding", unit=" texts", delay=1) as bar:
            for start in range(0, len(ordered), _CHUNK):
                chunk = ordered[start : start + _CHUNK]
                chunks.append(self._encode(chunk))
                bar.update(len(chunk))
        vectors = np.concatenate(chunks)
        rows = {text: row for row, text in enumerate(ordered)}
        return vectors[[rows[text] for text in texts]]

    def _encode(self, texts: list[str]) -> np.ndarray:
        given: np.ndarray = self._model.encode(texts, batch_size=_BATCH, show_progress_bar=False)
        vectors = given.astype(np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    def reading(self, texts: Sequence[str]) -> Reading:
        """What of texts the model does not read; a model without a tokenizer of transformers reads all.

        Args:
            texts (`Sequence[str]`): The texts.
        """
        tokenizer: Any = self._model.tokenizer
        if not isinstance(tokenizer, require("transformers", extra="diversity").PreTrainedTokenizerBase):
            return Reading(0, 0.0)
        listed = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        most = (self._model.max_seq_length or tokenizer.model_max_length) - tokenizer.num_special_tokens_to_add()
        tokens = sum(map(len, listed))
        unknown = sum(ids.count(tokenizer.unk_token_id) for ids in listed)
        return Reading(sum(len(ids) > most for ids in listed), unknown / max(tokens, 1))
