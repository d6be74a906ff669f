"""Prediction files of every form, with content of our own: eight questions about a street, four about a lamp."""

import json
from pathlib import Path

SUFFIX = "Answer with the option's letter from the given choices directly."


def write(path: Path, value) -> str:
    """JSON, or JSON lines where the name says so."""
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(line) + "\n" for line in value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, indent=1)
    path.write_text(text, encoding="utf-8")
    return str(path)


def prompt(question: str, options) -> str:
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCDEFGH", options, strict=False))
    return f"{question}\n{listed}\n{SUFFIX}"


def lines(replies, *, right="B", category="speed", options=("slow", "fast", "still"), key="pred", **more):
    """The original's lines: a reply each, two to a video."""
    return [
        {
            "question_id": number,
            "video": f"videos/{number // 2}.mp4",
            "prompt": prompt("How does it go?", options),
            key: reply,
            "GT": right,
            "category": category,
            **more,
        }
        for number, reply in enumerate(replies)
    ]


def template(replies) -> list[dict]:
    """Video-MME's template: two questions a video, of three lengths."""
    videos = []
    for number in range(0, len(replies), 2):
        questions = [
            {
                "question_id": f"{number // 2:03}-{index + 1}",
                "task_type": ("Counting Problem", "OCR Problems")[index],
                "question": "How many lamps burn?",
                "options": ["A. One.", "B. Two.", "C. Three.", "D. None."],
                "answer": "BC"[index],
                "response": reply,
            }
            for index, reply in enumerate(replies[number : number + 2])
        ]
        about = {"duration": ("short", "medium", "long")[number // 2 % 3], "domain": "Life Record"}
        videos.append({"video_id": f"{number // 2:03}", **about, "sub_category": "Food", "questions": questions})
    return videos


def counts(tasks) -> dict:
    """MVBench's `{acc_dict, res_list}`: for each task how many are to be right, and pairs of reply and right answer."""
    acc = {task: [right, len(pairs)] for task, (right, pairs) in tasks.items()}
    listed = [{"pred": pred, "gt": gt} for _, pairs in tasks.values() for pred, gt in pairs]
    return {"acc_dict": acc, "res_list": listed}


def caption(first: str, second: str, right: int, kind: str = "Option") -> dict:
    """A caption matching of TempCompass without a prediction."""
    marks = ("1", "2") if kind == "Option" else ("A", "B")
    listed = [f"{kind} {mark}: {text}" for mark, text in zip(marks, (first, second), strict=True)]
    return {"question": "\n".join(["Which one fits?", *listed]), "answer": listed[right]}
