"""What a build tells at its end: rows kept, rows left out and why, styles, and characters that are boxes."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from t2vid_hf.data.synthesis import DrawingReport

NOT_DRAWN = "a text that cannot be drawn"


def print_report(
    kept: Mapping[str, int],
    dropped: Mapping[str, Counter[str]],
    drawing: DrawingReport,
    rejects: Path | None = None,
) -> None:
    """Print what became of the rows of each split.

    Args:
        kept (`Mapping[str, int]`): How many rows each split has.
        dropped (`Mapping[str, Counter[str]]`): How many were left out of each split, by reason.
        drawing ([`~t2vid_hf.data.synthesis.DrawingReport`]): Boxes, styles, and rows whose text cannot be drawn.
        rejects (`Path`, *optional*): Where such rows are listed too; `None` lists none.
    """
    for split, count in kept.items():
        reasons = ", ".join(f"{n} ({reason})" for reason, n in dropped[split].most_common()) or "none"
        print(f"{split}: {count} rows kept; dropped: {reasons}")
    if drawing.styles:
        print("texts in each style: " + ", ".join(f"{count} {style}" for style, count in drawing.styles.most_common()))
    if drawing:
        print(drawing)
    if drawing.not_drawn and rejects is not None:
        with rejects.open("a", encoding="utf-8") as file:
            for place, error in drawing.not_drawn.items():
                file.write(json.dumps({"place": place, "reason": NOT_DRAWN, "error": error}) + "\n")


def text_facts(texts: Collection[str]) -> dict[str, Any]:
    """What the card tells of the texts of a build.

    Args:
        texts (`Collection[str]`): The texts, each once.

    Returns:
        `dict[str, Any]`: "documents", how many, and "characters", how long they are, in bins.
    """
    from t2vid_hf.hub.card_pictures import binned

    return {"documents": len(texts), "characters": binned(len(text) for text in texts) if texts else None}
