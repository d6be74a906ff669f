"""LongQLoRA-SFT-Data-39k (YeungNLP): `{"input", "output"}`; four sets in one file, told apart by their prompts.

Natural Questions (43%), BookSum (19%) and LongQA (12%, in LongAlpaca's shapes) are long; Evol-Instruct (26%) is short
and is dropped.
"""

from typing import Any

from t2vid_hf.sources import booksum, longalpaca, natural_questions
from t2vid_hf.sources.read_report import Dropped
from t2vid_hf.sources.records import Record
from t2vid_hf.sources.source import ParsedQuestion, Source


def _matches(fields: dict[str, Any]) -> bool:
    return {"input", "output"} <= fields.keys()


def _parse(record: Record) -> ParsedQuestion | Dropped:
    prompt, output = record.text("input"), record.text("output")
    if "Long Answer:" in output or "\nDocument [1]" in prompt:
        return natural_questions.parse_question(record, prompt, output)
    parts = longalpaca.split_prompt(prompt) or booksum.split_prompt(prompt)
    if parts is not None:
        return ParsedQuestion(*parts, (output.strip().removeprefix("Answer:").strip(),))
    if not longalpaca.is_long(prompt):
        return "short_row"
    raise record.bad("unknown_shape", f"the long prompt '{prompt[:40]}...' has the shape of no set in LongQLoRA")


SOURCE = Source("longqlora", "rows with 'input' and 'output'", _matches, _parse)
