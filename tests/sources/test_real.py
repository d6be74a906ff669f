"""The real files beside the checkout are read without loss: every story, question and answer, in six scripts."""

import json
from pathlib import Path

import pytest

from t2vid_hf import sources

SQUALITY = {"v1-3_txt_train.jsonl": (50, 250, 1000), "v1-3_txt_dev.jsonl": (25, 125, 500)}
XQUAD = ("ar", "en", "hi", "ru", "th", "zh")


@pytest.mark.parametrize("name", SQUALITY)
def test_squality_is_whole(shared: Path, name: str):
    path = shared / "data" / "longqa" / "squality" / name
    stories, questions, answers = SQUALITY[name]
    raw = [json.loads(line) for line in path.open(encoding="utf-8")]
    report = sources.ReadReport()
    rows = list(sources.read(path, report=report))
    assert (report.read, sum(report.dropped.values())) == (questions, 0)
    assert [row.context for row in rows[::5]] == [story["document"] for story in raw]
    assert len({row.context for row in rows}) == stories
    asked = [(story, question) for story in raw for question in story["questions"]]
    for row, (story, question) in zip(rows, asked, strict=True):
        assert row.source == "squality"
        assert row.id == f"{story['metadata']['passage_id']}-{question['question_number']}"
        assert row.question == question["question_text"]
        assert row.answer == question["responses"][0]["response_text"].strip()

    every = list(sources.read(path, answers="all"))
    assert len(every) == answers == len({row.id for row in every})
    assert {row.id: row for row in every}.items() >= {row.id: row for row in rows}.items()
    written = [answer["response_text"].strip() for _, question in asked for answer in question["responses"]]
    assert [row.answer for row in every] == written


@pytest.mark.parametrize("language", XQUAD)
def test_xquad_is_whole(shared: Path, language: str):
    path = shared / "data" / "longqa" / "xquad" / f"xquad.{language}.json"
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    report = sources.ReadReport()
    rows = {row.id: row for row in sources.read(path, report=report)}
    assert (report.read, sum(report.dropped.values())) == (1190, 0)
    assert len({row.context for row in rows.values()}) == len(articles) == 48
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                row = rows.pop(question["id"])
                assert row.source == "squad"
                assert row.question == question["question"]
                assert row.answer == question["answers"][0]["text"]
                assert row.context == "\n\n".join(paragraph["context"] for paragraph in article["paragraphs"])
    assert not rows
