"""Files of every form with something changed in them: a score, or an error in one line; never a traceback."""

import json
import random

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.score_file import MODES, score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from tests.metrics.prediction_files import counts, lines, template, write
from tests.metrics.test_forms import CSV, MATCHING, four
from tests.metrics.test_line_forms import lmms

JUNK = [
    None,
    True,
    3,
    -1,
    1.5,
    "",
    "x",
    "A",
    "B. x",
    [],
    [1],
    {},
    {"a": 1},
    "(A",
    "Option 9: z",
    "Caption C: q",
    10**30,
]
RATING = {"question": "Is it?\nA. x\nB. y", "gt-answer": "A. x", "video-llm-prediction": "A", "rating": 1}
FILES = [
    ("videomme", template(["B", "C", "A", "x"])),
    ("mvbench", counts({"S": (1, [("(B)", "(B) fast"), ("A", "(B) fast")])})),
    ("mvbench", [lmms("mvbench_accuracy", {"gt_answer": "B"}, "B")]),
    ("mlvu", lines(["B", "A", "C"])),
    ("mlvu", lines(["B", "A"], key="orig_pred", pred="A")),
    ("nextqa", {"7_0": {"prediction": 1, "answer": 1}, "7_1": {"prediction": 1, "answer": 0}}),
    ("tempcompass", {"1": {"speed": [{**asked, "prediction": reply} for asked, reply, _ in MATCHING]}}),
    ("tempcompass", {"1": {"speed": [{"question": "Is it?", "answer": "no", "response": "No"}]}}),
    ("tempcompass", {"1": {"speed": [RATING]}}),
    ("videomme_v2", four(0, "relevance", "[1, 2, 3, 4]", "++-?", 1)),
]


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def mutated(value, draw):
    value = json.loads(json.dumps(value))
    *above, last = draw.choice([path for path in places(value) if path])
    holder = value
    for key in above:
        holder = holder[key]
    match draw.choice(["change", "remove", "repeat"]):
        case "change":
            holder[last] = draw.choice(JUNK)
        case "remove":
            del holder[last]
        case "repeat" if isinstance(holder, list):
            holder.insert(0, holder[last])
        case _:
            holder[draw.choice(["question_id", "id", "answer", "9"])] = holder[last]
    return value


@pytest.mark.parametrize("number", range(len(FILES)))
def test_a_change(number, tmp_path):
    benchmark, value = FILES[number]
    draw = random.Random(number)
    questions = write(tmp_path / "val.csv", CSV) if benchmark == "nextqa" else None
    refused = 0
    for _ in range(120):
        form = draw.choice(["json", "jsonl"]) if isinstance(value, list) else "json"
        path = write(tmp_path / f"p.{form}", mutated(value, draw))
        try:
            file = score_file(benchmark, path, mode=draw.choice(MODES), questions=questions)
            result = summary(file)
        except InputError as error:
            refused += 1
            assert "p.json" in str(error) or "question" in str(error)
        else:
            assert result["n"] + len(result["dropped"]) == len(list(item_lines(file)))
            assert 0 <= result["low"] <= result["high"] <= 1 and json.dumps(result)
    assert refused > 10
