"""What the shipped sample promises: enough long and different documents to try everything on."""

import json
import re
from collections import Counter

import pytest

from t2vid_hf import sources
from t2vid_hf.sources import refused_characters

DOCUMENTS = [json.loads(line) for line in sources.SAMPLE.open(encoding="utf-8")]
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


def test_there_are_enough_documents_of_different_kinds():
    assert len(DOCUMENTS) >= 12
    assert len({document["id"] for document in DOCUMENTS}) == len(DOCUMENTS)
    assert len({document["context"] for document in DOCUMENTS}) == len(DOCUMENTS)
    kinds = Counter(document["kind"] for document in DOCUMENTS)
    assert len(kinds) >= 8 and max(kinds.values()) <= 3, kinds
    assert len({document["language"] for document in DOCUMENTS}) >= 3


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["id"])
def test_a_document_is_long_and_asked_about(document: dict):
    han = document["language"] == "zh"
    length = len(HAN.findall(document["context"])) if han else len(document["context"].split())
    assert (1000 if han else 600) <= length <= 2500
    questions = document["questions"]
    assert len(questions) >= 3
    assert len({question["question"] for question in questions}) == len(questions)
    for question in questions:
        assert question["question"].strip()
        assert question["answers"] and all(answer.strip() for answer in question["answers"])
    assert refused_characters.bad_character(document["context"], controls=False) is None


def test_every_question_is_read():
    report = sources.ReadReport()
    rows = list(sources.read(sources.SAMPLE, report=report))
    assert len(rows) == report.read == sum(len(document["questions"]) for document in DOCUMENTS)
    assert not report.dropped
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.context and row.question and row.answer for row in rows)
