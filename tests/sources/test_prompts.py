"""Sources whose text stands inside the prompt: LongAlpaca, LongQLoRA, BookSum, NaturalQuestions; invented texts."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2vid_hf import sources
from t2vid_hf.sources import booksum, longalpaca, natural_questions

SNOW, RIVER = "Snow melts in spring.\n\nThe stream is full then.", "A river bends where the bank is soft."
PAPER = "Below is a paper. Memorize the paper and answer my question after the paper.\n The paper begins. \n {} \n "
MATERIAL = "Below is a paper. Memorize the material and answer my question after the paper.\n {} \n "
TWO = (
    "There are two papers. Memorize them and answer my question after the paper.\n The first paper begins. \n {} "
    "Now the first paper ends. \n The second paper begins. \n {} Now the second paper ends.{}"
)
BOOK = "Below is some paragraphs in the book, {}. Memorize the content and answer my question after the book.\n {} \n "
PAPER_END, MATERIAL_END = "Now the paper ends. \n{}", "Now the material ends. {}"
SEARCH = "Write a high-quality answer for the given question using only the provided search results (some of which might be irrelevant).\n\nDocument [1] {}\n\nDocument [2] {}\n\nQuestion: {}"  # noqa: E501
GOLD = "Answer: {}\nLong Answer: {}\nGold Document ID: {}"
SUMMARY = "{}\n\nQ: Can you write an appropriate summary of the above paragraphs?\nA:"
EVOL = "Write a haiku about a kettle."


def written(tmp_path: Path, *rows: dict) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def alpaca(instruction: str, output: str = "It melts.", **further: object) -> dict:
    return {"instruction": instruction, "output": output, "input": None, "file": "1.pdf"} | further


SHAPES = [
    (PAPER.format(SNOW) + PAPER_END.format("Question: What melts?"), SNOW, "What melts?"),
    (PAPER.format(RIVER) + PAPER_END.format("Where does it bend?"), RIVER, "Where does it bend?"),
    (MATERIAL.format(SNOW) + MATERIAL_END.format("When does it melt?"), SNOW, "When does it melt?"),
    (MATERIAL.format(RIVER) + MATERIAL_END.format("Question:  Why?"), RIVER, "Why?"),
    (
        TWO.format(SNOW, RIVER, "Compare the two papers."),
        f"The first paper begins. \n {SNOW} Now the first paper ends. \n The second paper begins. \n {RIVER} "
        f"Now the second paper ends.",
        "Compare the two papers.",
    ),
    (
        TWO.format(RIVER, SNOW, "\nQuestion: Which is of snow?"),
        f"The first paper begins. \n {RIVER} Now the first paper ends. \n The second paper begins. \n {SNOW} "
        f"Now the second paper ends.",
        "Which is of snow?",
    ),
    (BOOK.format("Mr. Snow", SNOW) + MATERIAL_END.format("Who melts?"), f"Mr. Snow\n\n{SNOW}", "Who melts?"),
    (BOOK.format("Bends", RIVER) + MATERIAL_END.format("Sum it up."), f"Bends\n\n{RIVER}", "Sum it up."),
    # The end of the material is quoted inside of it: the last one counts
    (MATERIAL.format("He said: Now the material ends. It did not.") + MATERIAL_END.format("Who said what?"),
     "He said: Now the material ends. It did not.", "Who said what?"),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "context", "question"), SHAPES)
def test_longalpaca_shapes(tmp_path: Path, prompt: str, context: str, question: str):
    rows = list(sources.read(written(tmp_path, alpaca(prompt, "Answer: In spring."))))
    assert [(row.id, row.source) for row in rows] == [("0", "longalpaca")]
    assert (rows[0].context, rows[0].question, rows[0].answer) == (context, question, "In spring.")


def test_longalpaca_short_rows_are_counted(tmp_path: Path):
    report = sources.ReadReport()
    path = written(
        tmp_path,
        alpaca("Name three colours.", input=""),
        alpaca(SHAPES[0][0]),
        alpaca("Sum this up.", input="A few words of text."),
        alpaca(SHAPES[6][0]),
    )
    rows = list(sources.read(path, report=report))
    assert [row.id for row in rows] == ["1", "3"]
    assert report.dropped == {"short_row": 2}
    assert str(report) == "2 questions read; dropped: 2 short_row"


@pytest.mark.parametrize(
    "row",
    [
        alpaca(PAPER.format(SNOW) + "What melts?"),  # no end
        alpaca("Now the paper ends. Below is a paper."),  # the end first; short
        alpaca("word " * longalpaca.SHORT_WORDS),  # long, and of no shape
        alpaca(SHAPES[0][0], input="more text"),
        alpaca(PAPER.format(" ") + PAPER_END.format("What?")),
        alpaca(PAPER.format(SNOW) + PAPER_END.format(" ")),
        alpaca(SHAPES[0][0], "Answer: "),
        {"instruction": SHAPES[0][0], "output": None},
    ],
)
def test_longalpaca_malformed(tmp_path: Path, row: dict):
    report = sources.ReadReport()
    rows = list(sources.read(written(tmp_path, alpaca(SHAPES[0][0]), row), on_error="skip", report=report))
    assert len(rows) == 1
    assert sum(report.dropped.values()) == 1
    if "short_row" not in report.dropped:
        with pytest.raises(sources.BadRow, match=r"rows\.jsonl:2: "):
            list(sources.read(written(tmp_path, alpaca(SHAPES[0][0]), row)))


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_longalpaca_loses_nothing(text: str, question: str):
    parts = longalpaca.split_prompt(MATERIAL.format(text) + MATERIAL_END.format(question))
    assert parts is not None
    assert parts[0] == text.strip()
    assert parts[1] == question.strip()


def natq(*, question: str = "who said what of snow", answer: str = GOLD.format("Ada", "Ada said so.", 2)) -> dict:
    return {"prompt": SEARCH.format(SNOW, "A talk.\nQuestion: who?\nAda spoke.", question), "completion": answer}


def test_natural_questions(tmp_path: Path):
    path = written(
        tmp_path, natq(), natq(question="where is New York?", answer=GOLD.format("in the east", "There.\nSo.", 14))
    )
    rows = list(sources.read(path))
    assert {row.source for row in rows} == {"natural_questions"}
    assert [row.question for row in rows] == [
        f"Who said what of snow?\n{natural_questions.INSTRUCTION}",
        f"Where is New York?\n{natural_questions.INSTRUCTION}",
    ]
    assert [row.answer for row in rows] == ["Ada\nDocument ID: 2", "in the east\nDocument ID: 14"]
    # A line "Question: " in a document does not cut it; the paper's converter cut there
    assert rows[0].context == SEARCH.format(SNOW, "A talk.\nQuestion: who?\nAda spoke.", "").removesuffix(
        "\n\nQuestion: "
    )


@pytest.mark.parametrize(
    "answer",
    ["Ada", "Answer: Ada\nGold Document ID: 2", GOLD.format(" ", "Long.", 2), GOLD.format("Ada", "Long.", "two"),
     "Answer: Ada\nLong Answer: Long."],
)  # fmt: skip
def test_natural_questions_malformed(tmp_path: Path, answer: str):
    with pytest.raises(sources.BadRow, match=r":2: the answer is not 'Answer: \.\.\.'") as error:
        list(sources.read(written(tmp_path, natq(), natq(answer=answer))))
    assert error.value.reason == "unknown_shape"


def test_natural_questions_without_a_question(tmp_path: Path):
    row = natq() | {"prompt": "Document [1] Snow."}
    with pytest.raises(sources.BadRow, match="no line 'Question"):
        list(sources.read(written(tmp_path, natq(), row)))


def test_booksum(tmp_path: Path):
    dialogue = f"He asked.\n\nQ: Who are you?\nA: I am Ada.\n\n{SNOW}"
    path = written(
        tmp_path,
        {"prompt": SUMMARY.format(SNOW), "completion": " Spring comes. "},
        {"prompt": SUMMARY.format(dialogue), "completion": "Ada is asked."},
    )
    rows = list(sources.read(path))
    assert {row.source for row in rows} == {"booksum"}
    assert [row.context for row in rows] == [SNOW, dialogue]
    assert {row.question for row in rows} == {"Can you write an appropriate summary of the above paragraphs?"}
    assert [row.answer for row in rows] == ["Spring comes.", "Ada is asked."]


@pytest.mark.parametrize("prompt", [SNOW, f"{SNOW}\n\nQ: What melts?", f"{SNOW}\nA:", f"A:\n{SNOW}\n\nQ: Who?"])
def test_booksum_malformed(tmp_path: Path, prompt: str):
    good = {"prompt": SUMMARY.format(SNOW), "completion": "Spring."}
    with pytest.raises(sources.BadRow, match=r":2: the prompt does not end with a line 'Q: \.\.\.'"):
        list(sources.read(written(tmp_path, good, good | {"prompt": prompt})))


@given(st.text(min_size=1).filter(str.strip))
def test_booksum_cuts_at_the_last_question(text: str):
    parts = booksum.split_prompt(SUMMARY.format(text))
    assert parts == (text.strip(), "Can you write an appropriate summary of the above paragraphs?")


def test_longqlora_tells_its_four_sets_apart(tmp_path: Path):
    report = sources.ReadReport()
    search = natq()
    path = written(
        tmp_path,
        {"input": search["prompt"], "output": search["completion"]},
        {"input": EVOL, "output": "Steam on the window."},
        {"input": SUMMARY.format(SNOW), "output": "Spring."},
        {"input": SHAPES[2][0], "output": "In spring."},
        {"input": SEARCH.format(SNOW, RIVER, "why"), "output": GOLD.format("so", "It is so.", 1)},
        {"input": "Explain a kettle.", "output": "It boils."},
    )
    rows = list(sources.read(path, report=report))
    assert {row.source for row in rows} == {"longqlora"}
    assert [row.id for row in rows] == ["0", "2", "3", "4"]
    assert [row.context for row in rows[1:3]] == [SNOW, SNOW]
    assert [row.answer for row in rows] == ["Ada\nDocument ID: 2", "Spring.", "In spring.", "so\nDocument ID: 1"]
    assert [row.question.endswith(natural_questions.INSTRUCTION) for row in rows] == [True, False, False, True]
    assert report.dropped == {"short_row": 2}


@pytest.mark.parametrize(
    ("prompt", "output"),
    [
        (SEARCH.format(SNOW, RIVER, "why"), "just so"),
        (PAPER.format(SNOW) + "What melts?", "Snow."),
        ("word " * longalpaca.SHORT_WORDS, "Words."),
    ],
)
def test_longqlora_malformed(tmp_path: Path, prompt: str, output: str):
    path = written(tmp_path, {"input": SHAPES[2][0], "output": "Yes."}, {"input": prompt, "output": output})
    with pytest.raises(sources.BadRow, match=r"rows\.jsonl:2: ") as error:
        list(sources.read(path))
    assert error.value.reason == "unknown_shape"
