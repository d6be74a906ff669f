"""How many replies the matcher reads as a reader does, by kind of trap: right, wrong letters, missed.

python tests/benchmarks/matcher_table.py
python tests/benchmarks/matcher_table.py --output tests/benchmarks/results/matcher.json

Hard replies are our own (tests/metrics/hard_replies.jsonl), with a reader's answers written before the rules; every
fourth of the first 509, and the ninth round, were kept aside while the rules were made. Real ones are TempCompass's
predictions, held against the stored verdicts, which are a language model's where the official rules found nothing.
"Wrapped" puts real options (MVBench, MLVU, NExT-QA) at random letters into the forms in which models answer. The last
line is JSON.
"""

import argparse
import csv
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from t2vid_hf.metrics.answers import extract_choice
from t2vid_hf.metrics.asked import LETTERS
from t2vid_hf.metrics.yes_no import extract_yes_no

HARD = Path(__file__).parents[1] / "metrics/hard_replies.jsonl"
BENCH = Path(__file__).parents[3] / "shared/data/bench"
SEED = 14
FORMS = {
    "letter": "{own}", "letter and text": "{own}. {text}", "bracketed": "({own}) {text}", "bold": "**{own}. {text}**",
    "lower case": "{low}", "text": "{text}", "answer is": "The answer is {own}.",
    "answer is text": "The correct answer is {text}.",
    "field": "Answer: {own}. {text}", "option": "Option {own}", "Chinese": "答案是{own}。",
    "reason": "{own}, because the person does it.",
    "mid-sentence": "In the video it is most closely {own}. {text}",
    "boxed": "So it is {other_text}? No. $\\boxed{{{own}}}$",
    "thoughts": "<think>Could be {other}. or {other_text}? Hmm.</think>\n\n{own}",
    "JSON": '{{"answer": "{own}", "why": "{other_text} is not shown"}}',
    "other denied behind": '{own}. {text}\nOption {other} is incorrect because the video does not show "{other_text}".',
    "not that": "It is not {other}, it is {own}.", "text, not text": "{text}, not {other_text}",
    "corrected": "{other}. Wait, no. The answer is {own}.", "after a list": "{all}\n\nBest answer: {own}",
    "weighed first":
        "{other}. {other_text}: this does not match. {own}. {text}: this matches.\n\nSo the answer is {own}.",
    "two": "{own} or {other}", "against its text": "{own}. {other_text}", "the list alone": "{all}",
}  # fmt: skip
NO_ANSWER = {"two", "against its text", "the list alone"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=BENCH, help="The folder with tempcompass, t2vid and nextqa.")
    parser.add_argument("--wrapped", type=int, default=1500, help="How many real option sets to wrap.")
    parser.add_argument("--output", type=Path, help="JSON file to write the table to as well.")
    given = parser.parse_args()
    table = {
        "hard_seen": counted(hard(aside=False)),
        "hard_aside": counted(hard(aside=True)),
        "wrapped": counted(wrapped(given.bench, given.wrapped)),
        "tempcompass": tempcompass(given.bench / "tempcompass"),
    }
    for name, kinds in table.items():
        print(name)
        for kind, counts in kinds.items():
            print(f"  {kind:28} " + "  ".join(f"{key} {value}" for key, value in counts.items()))
    if given.output:
        given.output.write_text(json.dumps({"table": "matcher", **table}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps({name: kinds["all"] for name, kinds in table.items()}))


def hard(*, aside: bool) -> Iterator[tuple[str, str, list[str], str | None]]:
    for line in HARD.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["aside"] == aside:
            yield row["kind"], row["reply"], row["options"], row["answer"]


def counted(replies) -> dict[str, dict[str, int]]:
    """By kind and over all: n, right, wrong letters, missed. (kind, reply, options, answer) each."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("n", "right", "wrong", "missed"), 0))
    for kind, reply, options, answer in replies:
        choice = extract_choice(reply, options)
        verdict = "right" if choice == answer else "missed" if choice is None else "wrong"
        for row in (kind, "all"):
            counts[row]["n"] += 1
            counts[row][verdict] += 1
    counts["all"] = counts.pop("all")
    return dict(counts)


def option_sets(bench: Path) -> Iterator[list[str]]:
    for name in ("mvbench", "mlvu"):
        for line in (bench / f"t2vid/{name}.jsonl").read_text(encoding="utf-8").splitlines():
            found = re.finditer(r"^[A-H]\. (.*)$", json.loads(line)["prompt"], re.MULTILINE)
            yield [match[1].strip(" .") for match in found]
    with (bench / "nextqa/val.csv").open(encoding="utf-8", newline="") as file:
        yield from ([row[f"a{n}"] for n in range(5)] for row in csv.DictReader(file))


def wrapped(bench: Path, n: int) -> Iterator[tuple[str, str, list[str], str | None]]:
    """Real options, shuffled, in every form; sets with two options that differ in capitals only are left out."""
    chance = random.Random(SEED)
    sets = [options for options in option_sets(bench) if 1 < len({text.casefold() for text in options}) == len(options)]
    for options in chance.sample(sets, min(n, len(sets))):
        chance.shuffle(options)
        own, other = chance.sample(range(len(options)), 2)
        words = {
            "own": LETTERS[own], "low": LETTERS[own].lower(), "text": options[own],
            "other": LETTERS[other], "other_text": options[other],
            "all": "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False)),
        }  # fmt: skip
        for kind, form in FORMS.items():
            yield kind, form.format(**words), options, None if kind in NO_ANSWER else LETTERS[own]


def tempcompass(folder: Path) -> dict[str, dict[str, int]]:
    """Against the stored ratings: how many the matcher rates alike; "free_form": those that a language model rated."""
    table = {}
    for path in sorted(folder.glob("auto_eval_results/*/*.json")):
        if path.stem == "captioning":
            continue
        videos = json.loads(path.read_text(encoding="utf-8"))
        rows = [row for aspects in videos.values() for questions in aspects.values() for row in questions]
        table[f"{path.parent.name} {path.stem}"] = alike(rows, yes_no=path.stem == "yes_no")
    table["all"] = {key: sum(counts[key] for counts in table.values()) for key in next(iter(table.values()))}
    return table


def alike(rows: list[dict], *, yes_no: bool) -> dict[str, int]:
    counts = dict.fromkeys(("n", "alike", "no_answer", "free_form", "free_form_alike"), 0)
    for row in rows:
        reply = row["video-llm-prediction"] or ""
        options = [
            re.sub(r"^(?:[A-Z]\.|(?:Option|Sentence|Caption) \w+:)\s*", "", line)
            for line in row["question"].split("\n")[1:]
        ]
        choice = extract_yes_no(reply) if yes_no else extract_choice(reply, options)
        same = (choice == right(row["gt-answer"], yes_no=yes_no)) == bool(row["rating"])
        free = "chatgpt-response" in row
        for key, value in (
            ("n", True),
            ("alike", same),
            ("no_answer", choice is None),
            ("free_form", free),
            ("free_form_alike", free and same),
        ):
            counts[key] += value
    return counts


def right(answer: str, *, yes_no: bool) -> str:
    if yes_no:
        return answer
    label = re.match(r"(?:(?:Option|Sentence|Caption) )?(\w)[.:]", answer)[1]
    return LETTERS[int(label) - 1] if label.isdigit() else label


if __name__ == "__main__":
    main()
