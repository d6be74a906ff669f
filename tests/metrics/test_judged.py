"""A judge for what no rule matches: what it is asked, what of its replies counts, and what is kept."""

import json

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.judged import Judge, verdict
from t2vid_hf.metrics.judged_file import with_judge
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from tests.metrics.prediction_files import lines, write

VAGUE = "Its pace dwindles, I would think."


class Sayings:
    """A judge that says what it is told to say, and remembers what it was asked."""

    def __init__(self, *said):
        self.said, self.asked = list(said), []

    def __call__(self, prompts):
        for number, prompt in enumerate(prompts):
            self.asked.append(prompt)
            yield number, self.said.pop(0)


def scored(path, sayings, identity="0a", mode="t2vid_hf"):
    judge = Judge("wise", identity, sayings, path.parent / "judge.jsonl")
    return with_judge(score_file("mlvu", str(path), mode=mode), judge)


def predictions(folder, *replies):
    from pathlib import Path

    return Path(write(folder / "pred.jsonl", lines(list(replies))))


def test_only_what_no_rule_matches_is_judged(tmp_path):
    path = predictions(tmp_path, "B", "", VAGUE, "A. slow", "<think>A or B", "A. fast")
    sayings = Sayings("B")
    found = scored(path, sayings)
    (prompt,) = sayings.asked
    asked = found.scored[2].predicted.asked
    assert VAGUE in prompt and asked.prompt in prompt and "A. slow\nB. fast" in prompt.replace(asked.prompt, "")
    told = summary(found)
    assert told["by"] == {"rule": 2, "judge": 1, "stored": 0} and told["n"] == 6
    assert told["judge"] == {
        "name": "wise", "identity": "0a", "asked": 1, "chosen": 1, "none": 0, "unparsed": 0, "refused": 0,
    }  # fmt: skip
    line = list(item_lines(found))[2]
    assert (line["choice"], line["by"], line["correct"]) == ("B", "judge", True)
    assert "judge" not in summary(score_file("mlvu", str(path), mode="t2vid_hf"))


def test_what_a_judge_says_is_counted_apart(tmp_path):
    replies = [f"{VAGUE} {number}" for number in range(5)]
    found = scored(predictions(tmp_path, *replies), Sayings("A", "none", "It is hard to say", None, "D"))
    told = summary(found)
    assert told["judge"] == {
        "name": "wise", "identity": "0a", "asked": 5, "chosen": 1, "none": 1, "unparsed": 2, "refused": 1,
    }  # fmt: skip
    assert (told["no_answer"], told["correct"], told["by"]["judge"]) == (4, 0, 1)
    assert found.verdicts.told(5) == (
        "judge wise: no rule matched 5 of 5 replies; it takes 1 for an option (20.0% of all), 1 for none, said neither "
        "to 2 and nothing to 1: these are no answers"
    )


def test_what_it_has_said_is_not_asked_again(tmp_path):
    path = predictions(tmp_path, VAGUE, f"{VAGUE} Or so.", VAGUE)
    sayings = Sayings("B", None)
    first = summary(scored(path, sayings))
    assert len(sayings.asked) == 2  # the same reply to the same question once
    kept = tmp_path / "judge.jsonl"
    assert [json.loads(line)["said"] for line in kept.read_text().splitlines()] == ["B"]
    again = Sayings("B")  # what it refused is asked again
    assert summary(scored(path, again))["by"] == {**first["by"], "judge": 3} and len(again.asked) == 1
    assert summary(scored(path, Sayings()))["by"]["judge"] == 3
    other = Sayings("A", "A")
    assert summary(scored(path, other, identity="0b"))["correct"] == 0 and len(other.asked) == 2
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-5])  # killed while it wrote
    assert summary(scored(path, Sayings("A"), identity="0b"))["by"]["judge"] == 3 and kept.read_bytes() == whole
    kept.write_text("{}\n")
    with pytest.raises(InputError, match="judge.jsonl, line 1 is nothing that a judge has said"):
        scored(path, Sayings())


def test_a_file_that_cannot_be_written_is_told_before_it_is_asked(tmp_path):
    path = predictions(tmp_path, VAGUE)
    sayings = Sayings("B")
    judge = Judge("wise", "0a", sayings, tmp_path / "no/such/judge.jsonl")
    with pytest.raises(InputError, match="no/such/judge.jsonl: No such file.*give another --judge_file"):
        with_judge(score_file("mlvu", str(path), mode="t2vid_hf"), judge)
    assert not sayings.asked


@pytest.mark.parametrize("mode", ["official", "t2vid"])
def test_no_judge_where_rules_alone_score(mode, tmp_path):
    with pytest.raises(InputError, match=f"--judge: mode {mode} scores by its own rules alone"):
        scored(predictions(tmp_path, VAGUE), Sayings("B"), mode=mode)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("b", "B"), ("(B)", "B"), ("**B**", "B"), ("B.", "B"), ("B. fast", "B"), ("B) Fast.", "B"), ("NONE", "none"),
        ("<think>It says A.</think>none", "none"), ("\\boxed{B}", "B"), ("Ｂ", "B"),
        ("", None), ("C", None), ("AB", None), ("A or B", None), ("B. slow", None), ("The reply chooses B", None),
        ("<think>B", None), ("None of them, but B", None), ("2", None), ("é", None),
    ],
)  # fmt: skip
def test_verdicts(said, found):
    assert verdict(said, ("slow", "fast")) == found
