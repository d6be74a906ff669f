"""What a model thinks of each option, and whether its greedy reply would be the right one: without generating.

`choice` is the option of the highest mean log-probability a token, whatever form the model would answer in; `exact` is
whether each token of the right answer, its end included, is the likeliest behind those before. Both come of one
forward of a batch: 600 questions with four options take 3 s on a CPU core with a model of a million parameters, where
`generate` takes 40 for the second alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.padding import pad
from t2vid_hf.batches.pixels import model_pixels, normalisation_table, pixel_tensors
from t2vid_hf.evaluation.generation import autocast_mixed
from t2vid_hf.evaluation.option_branches import Branches, branch_mask, branches_of
from t2vid_hf.evaluation.option_questions import OptionQuestion
from t2vid_hf.evaluation.shared_prefix import why_not

BATCH_TOKENS = 8192
"""The most tokens of a forward, filling included, but for a single row, which takes what it needs."""
_Placed = tuple[int, int, Branches]  # number of the question, its first candidate in the row, the row
_Scored = tuple[float, int, bool]  # sum of log-probabilities, tokens, whether each is the likeliest


@dataclass(frozen=True)
class OptionScore:
    """What a model thinks of the candidates of a question.

    Args:
        log_probs (`tuple[float, ...]`): For each candidate the sum of its tokens' log-probabilities, its end's too.
        tokens (`tuple[int, ...]`): How many tokens each has.
        exact (`bool`): Whether the greedy reply is the right candidate.
    """

    log_probs: tuple[float, ...]
    tokens: tuple[int, ...]
    exact: bool

    @property
    def choice(self) -> int:
        """The candidate of the highest mean log-probability a token."""
        means = [total / count for total, count in zip(self.log_probs, self.tokens, strict=True)]
        return means.index(max(means))


class EncodedQuestions:
    """Questions encoded once and asked of many models that share a processor.

    Args:
        questions (`Sequence[OptionQuestion]`): The questions.
        encoder ([`~t2vid_hf.batches.encoding.RowEncoder`]): What encodes rows as in training.
        keep_bytes (`int`, *optional*, defaults to `2**30`): The most bytes of pixels that are kept from one model to
            the next; above it they are read again.
    """

    def __init__(self, questions: Sequence[OptionQuestion], encoder: RowEncoder, *, keep_bytes: int = 2**30) -> None:
        self.questions, self.encoder = questions, encoder
        self._most, self._bytes = keep_bytes, 0
        self._kept: dict[tuple[int, bool], list[Branches]] = {}

    def rows(self, number: int, *, together: bool) -> list[Branches]:
        """The rows of a question.

        Args:
            number (`int`): Which question, from 0.
            together (`bool`): See [`~t2vid_hf.evaluation.option_branches.branches_of`].
        """
        if (number, together) in self._kept:
            return self._kept[number, together]
        question = self.questions[number]
        made = branches_of(self.encoder, question.row, question.candidates, together=together)
        if self._bytes < self._most:
            self._bytes += sum(each.nbytes for each in made)
            self._kept[number, together] = made
        return made


def option_scores(
    model: Any, asked: EncodedQuestions, *, batch_tokens: int = BATCH_TOKENS, together: bool = True
) -> list[OptionScore]:
    """Score the candidates of questions.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model, left where it is, in evaluation mode.
        asked ([`EncodedQuestions`]): The questions.
        batch_tokens (`int`, *optional*, defaults to `BATCH_TOKENS`): The most tokens of a forward. The scores do not
            depend on it beyond float noise.
        together (`bool`, *optional*, defaults to `True`): Whether the candidates of a question share its tokens, where
            the model's attention takes the mask; else each is a row of its own.

    Returns:
        `list[OptionScore]`: one for each question.

    Example:

    ```python
    >>> import tempfile
    >>> from transformers import AutoModelForImageTextToText, AutoProcessor
    >>> from t2vid_hf.batches.encoding import RowEncoder
    >>> from t2vid_hf.evaluation.option_questions import OptionQuestion
    >>> from t2vid_hf.evaluation.option_scores import EncodedQuestions, option_scores
    >>> from t2vid_hf.models import adapter_for, tiny
    >>> from t2vid_hf.schema import conversation
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["What is it? A clock."])
    >>> encoder = RowEncoder(AutoProcessor.from_pretrained(folder), adapter_for("idefics3"))
    >>> row = {"id": "a", "source": "s", "media": "text", "messages": conversation([], "What is it?", "")[:1],
    ...        "images": [], "videos": [], "num_frames": 0}
    >>> question = OptionQuestion("a", row, ("A clock.", "A boat."), 0, "a", {})
    >>> model = AutoModelForImageTextToText.from_pretrained(folder)
    >>> [score.tokens for score in option_scores(model, EncodedQuestions([question], encoder))]
    [(4, 7)]

    ```
    """
    adapter = asked.encoder.adapter
    adapter.configure_model(model.config)
    together = together and why_not(model) is None
    table = normalisation_table(asked.encoder.processor).to(model.device, model.dtype)
    model.eval()
    found: list[list[Any]] = [[None] * len(question.candidates) for question in asked.questions]
    with adapter.while_running(model), autocast_mixed(model), torch.no_grad():
        for batch in _batches(asked, batch_tokens, together):
            scores = _score(model, asked.encoder, [row for _, _, row in batch], table)
            for (number, first, row), of_row in zip(batch, scores, strict=True):
                found[number][first : first + len(row.targets)] = of_row
    return [_of_question(each, question.right) for each, question in zip(found, asked.questions, strict=True)]


def _of_question(found: Sequence[_Scored], right: int) -> OptionScore:
    log_probs, tokens, exact = zip(*found, strict=True)
    return OptionScore(log_probs, tokens, exact[right])


def _batches(asked: EncodedQuestions, most: int, together: bool) -> Iterator[list[_Placed]]:
    """Rows of like lengths together."""
    window: list[_Placed] = []
    count = len(asked.questions)
    for number in range(count):
        window += [(number, first, row) for first, row in enumerate(asked.rows(number, together=together))]
        # A window bounds what pixels are held; sorting it by length bounds what is filled up.
        if number == count - 1 or sum(len(row) for _, _, row in window) >= 8 * most:
            yield from _filled(sorted(window, key=lambda placed: len(placed[2])), most)
            window = []


def _filled(rows: Sequence[_Placed], most: int) -> Iterator[list[_Placed]]:
    batch: list[_Placed] = []
    for placed in rows:  # the next one is the longest so far
        if batch and len(placed[2]) * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(placed)
    if batch:
        yield batch


def _score(model: Any, encoder: RowEncoder, rows: Sequence[Branches], table: torch.Tensor) -> list[list[_Scored]]:
    """What each branch of each row scores."""
    counts = [len(to) for row in rows for to in row.targets]
    of_row = np.repeat(np.arange(len(rows)), [sum(map(len, row.targets)) for row in rows])
    which = torch.from_numpy(of_row).to(model.device)
    places = torch.from_numpy(np.concatenate([at for row in rows for at in row.read_at])).to(model.device)
    targets = torch.from_numpy(np.concatenate([to for row in rows for to in row.targets])).to(model.device)
    pixels = {name: _to(given, model.device) for name, given in pixel_tensors(rows).items()}  # type: ignore[arg-type]
    inputs = _text_inputs(encoder, rows, model) | model_pixels(encoder.adapter, pixels, table)
    with _read_at(model, which, places):
        logits = model(**inputs, use_cache=False).logits[0].float()
    log_probs = logits.log_softmax(-1).gather(1, targets[:, None])[:, 0].cpu().double().split(counts)
    likeliest = (logits.argmax(-1) == targets).cpu().split(counts)
    scored = ((float(each.sum()), len(each), bool(top.all())) for each, top in zip(log_probs, likeliest, strict=True))
    return [list(islice(scored, len(row.targets))) for row in rows]


def _text_inputs(encoder: RowEncoder, rows: Sequence[Branches], model: Any) -> dict[str, Any]:
    token = encoder.processor.tokenizer.pad_token_id
    ids = torch.from_numpy(pad([row.input_ids for row in rows], 0 if token is None else token, side="right"))
    axes = rows[0].position_ids.shape[:-1]
    if axes:
        each_axis = zip(*(row.position_ids for row in rows), strict=True)
        positions = np.stack([pad(axis, 0, side="right") for axis in each_axis])
    else:
        positions = pad([row.position_ids for row in rows], 0, side="right")
    if all(len(row.targets) == 1 for row in rows):  # nothing branches: any attention takes the plain mask
        mask = torch.from_numpy(pad([np.ones(len(row), np.int64) for row in rows], 0, side="right"))
    else:
        mask = branch_mask([row.owners for row in rows], dtype=model.dtype)
    made = {"input_ids": ids, "attention_mask": mask, "position_ids": torch.from_numpy(positions)}
    return {name: tensor.to(model.device) for name, tensor in made.items()}


@contextmanager
def _read_at(model: Any, rows: torch.Tensor, places: torch.Tensor) -> Iterator[None]:
    """Inside, the head scores only some positions of a forward: image tokens are up to 99 % of a row."""

    def keep(module: Any, args: Any, outputs: Any) -> Any:
        outputs.last_hidden_state = outputs.last_hidden_state[rows, places].unsqueeze(0)
        return outputs

    hook = model.base_model.register_forward_hook(keep)
    try:
        yield
    finally:
        hook.remove()


def _to(given: Any, device: Any) -> Any:
    return [each.to(device) for each in given] if isinstance(given, list) else given.to(device)
