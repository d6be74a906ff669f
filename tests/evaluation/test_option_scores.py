"""Scores of options: those of a plain forward for each option, and of `generate`, whatever stands beside them."""

from dataclasses import replace

import pytest
import torch

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.padding import padded_inputs
from t2vid_hf.batches.pixels import model_pixels, normalisation_table, pixel_tensors
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.evaluation.option_questions import OptionQuestion
from t2vid_hf.evaluation.option_scores import EncodedQuestions, option_scores
from t2vid_hf.schema import conversation, media_block
from tests.evaluation.questions import clips, spread, ways
from tests.models.families import Family, family

__all__ = ["clips", "family"]
OPTIONS = ("to the left", "to the right", "it goes up and then comes back down again", "left")


def row(name: str, blocks, words: str, videos=()) -> dict:
    media = "video" if videos else "text"
    shown = [{"bytes": None, "path": str(path)} for path in videos]
    turns = conversation(blocks, words, "")[:1]
    return {
        "id": name,
        "source": "test",
        "media": media,
        "messages": turns,
        "images": [],
        "videos": shown,
        "num_frames": 16,
    }


def questions(clips) -> list[OptionQuestion]:
    video = media_block("video")
    asked = [
        OptionQuestion("a", row("a", [video], "Where to?", clips[:1]), OPTIONS, 1, "a", {}),
        OptionQuestion(
            "b", row("b", [video], "Where does the circle go in the end?", clips[1:]), OPTIONS[:2], 0, "b", {}
        ),
        OptionQuestion("c", row("c", [], "Who wound the clock?"), OPTIONS[:3], 2, "c", {}),
        OptionQuestion("d", row("d", [video, video], "Are they alike?", clips), ("yes",), 0, "d", {}),
    ]
    earlier = asked[2].row
    talk = [*conversation([], "Who?", "The keeper."), *earlier["messages"]]
    return [*asked, replace(asked[2], id="e", row={**earlier, "id": "e", "messages": talk})]


def plain(model, encoder, question):
    """One forward an option, all of its logits: sums of log-probabilities, and whether each token is the likeliest."""
    found = []
    for candidate in question.candidates:
        messages = [*question.row["messages"], *conversation([], "", candidate)[1:]]
        encoded = encoder.encode({**question.row, "messages": messages, "learn_from": len(messages) - 1})
        inputs = padded_inputs([encoded], encoder.processor, encoder.adapter, side="right")
        table = normalisation_table(encoder.processor).to(model.dtype)
        with encoder.adapter.while_running(model), torch.no_grad():
            logits = model(**inputs, **model_pixels(encoder.adapter, pixel_tensors([encoded]), table)).logits[0].float()
        at = [number for number, label in enumerate(encoded.labels) if label >= 0]
        scores = logits.log_softmax(-1)
        total = sum(float(scores[place - 1, encoded.labels[place]]) for place in at)
        found.append((total, len(at), all(int(logits[place - 1].argmax()) == encoded.labels[place] for place in at)))
    return found


def test_scores_are_those_of_a_forward_for_each_option(family: Family, clips):
    processor = family.processor()
    model = spread(family.model(dtype=torch.float32), processor)
    asked = questions(clips)
    for policy in ways(family):
        encoder = RowEncoder(processor, family.adapter, policy=policy)
        wanted = [plain(model, encoder, question) for question in asked]
        for options in ({}, {"batch_tokens": 1}, {"together": False}):
            made = option_scores(model, EncodedQuestions(asked, encoder), **options)
            for score, want, question in zip(made, wanted, asked, strict=True):
                assert score.tokens == tuple(tokens for _, tokens, _ in want)
                assert score.log_probs == pytest.approx([total for total, _, _ in want], abs=2e-4)
                assert score.exact == want[question.right][2]


def test_exact_is_the_greedy_reply(tiny_checkpoint, clips):
    """A model that has learned an answer says it, and is told to; one token of it changed, and it is not."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from t2vid_hf.models import adapter_for

    model = AutoModelForImageTextToText.from_pretrained(tiny_checkpoint, dtype=torch.float32)
    processor, adapter = AutoProcessor.from_pretrained(tiny_checkpoint), adapter_for("idefics3")
    policy = VideoPolicy("as_frames", num_frames=2)
    encoder = RowEncoder(processor, adapter, policy=policy)
    asked = replace(questions(clips)[0], candidates=("to the left", "a clock"), right=0)
    before = option_scores(model, EncodedQuestions([asked], encoder))[0]
    said = answer(model, processor, [asked.row], policy=policy, max_new_tokens=16)[0]
    assert before.exact == (said == "to the left")
    encoded = encoder.encode(
        {**asked.row, "messages": [*asked.row["messages"], *conversation([], "", "to the left")[1:]]}
    )
    inputs = padded_inputs([encoded], processor, adapter, side="right")
    inputs |= model_pixels(adapter, pixel_tensors([encoded]), normalisation_table(processor))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(30):
        loss = model(**inputs, labels=torch.from_numpy(encoded.labels)[None]).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    after = option_scores(model, EncodedQuestions([asked], encoder))[0]
    assert answer(model, processor, [asked.row], policy=policy, max_new_tokens=16)[0] == "to the left"
    assert after.exact and after.choice == 0 and after.log_probs[0] > before.log_probs[0]
    wrong = option_scores(model, EncodedQuestions([replace(asked, right=1)], encoder))[0]
    assert not wrong.exact
