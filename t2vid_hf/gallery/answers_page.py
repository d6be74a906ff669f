"""One self-contained HTML page to look through answers with the frames that were fed, those that are wrong first.

Questions are data in the page, and a card is made of one when it comes near the window: 3,000 questions about 1,000
videos, 32 MB, take 0.17 s of processor time to open, and 0.02 s to filter (`tests/benchmarks/bench_page.py`). Whatever
a model said is shown as text: the script puts it in by `textContent`, and a policy in the page lets no other script run
and fetches nothing. Pictures are inside, 32 MB of them at the most.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.thumbnails import Sheet
from t2vid_hf.gallery.page_runs import DROPPED, NO_ANSWER, RIGHT, PageRun, Shown
from t2vid_hf.metrics.comparison import paired_result
from t2vid_hf.metrics.paired import Pair
from t2vid_hf.metrics.scoring import Judged, score

MOST_CHARACTERS = 20_000
"""Of a reply or a question; what is beyond is left out of the page, and said."""


def write_page(output: Path, runs: Sequence[PageRun], *, title: str, pictures_mb: float = 32.0) -> None:
    """Write the page; of several runs those questions come first that they judge differently.

    Args:
        output (`Path`): The HTML file.
        runs (`Sequence[PageRun]`): The columns, at least one. Questions that not all of them have are left out, and
            counted in the page.
        title (`str`): The page's title.
        pictures_mb (`float`, *optional*, defaults to `32.0`): What its pictures may take, in millions of bytes.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no question is in all runs.

    Example:

    ```python
    >>> import pathlib, tempfile
    >>> from t2vid_hf.gallery.answers_page import write_page
    >>> from t2vid_hf.gallery.page_runs import PageRun, Shown
    >>> said = Shown("a.mp4", ("place",), "Where?", (("A", "up"), ("B", "down")), "B", "<b>up</b>", "A", "wrong")
    >>> path = pathlib.Path(tempfile.mkdtemp(), "answers.html")
    >>> write_page(path, [PageRun("tiny", {"1": said})], title="One question")
    >>> "<b>up" in path.read_text()
    False

    ```
    """
    names = [name for name in runs[0].answers if all(name in run.answers for run in runs)]
    if not names:
        raise InputError(
            f"{' and '.join(run.name for run in runs)} have no question in common: there is no page of them"
        )
    # in the files' order: the bootstrap's draws go by it, and `t2vid compare` says the same numbers
    pairs = [{"name": run.name, **_paired(runs[0], run, names)} for run in runs[1:]]
    names.sort(key=lambda name: _rank([run.answers[name].outcome for run in runs]))
    sheets, places = _pictures(runs, names, pictures_mb * 1e6)
    texts = _text_of("answers_page.js"), _text_of("answers_page.css")
    page = (
        _environment()
        .get_template("answers_page.html.j2")
        .render(
            title=title,
            script=texts[0],
            style=texts[1],
            hashes=[base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts],
            runs=[{"name": run.name, "told": run.told, **_score(run, names)} for run in runs],
            pairs=pairs,
            alone=sum(name not in set(names) for name in dict.fromkeys(name for run in runs for name in run.answers)),
            without=[run.name for run in runs if all(run.answers[name].reply is None for name in names)],
            pictures=_told_pictures(runs, names, sheets),
            sheets=sheets,
            data=_json({"runs": [run.name for run in runs], "items": _items(runs, names, places)}),
        )
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    # half a surrogate pair, which a name may hold, is no UTF-8
    output.write_text(page, encoding="utf-8", errors="replace")


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("t2vid_hf.gallery", "."),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text_of(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _rank(outcomes: Sequence[str]) -> int:
    """Where a question stands: judged differently, wrong, without an answer, in no score, right."""
    kept = [outcome for outcome in outcomes if outcome != DROPPED]
    if not kept:
        return 3
    rights = [outcome == RIGHT for outcome in outcomes]
    if any(rights):
        return 4 if all(rights) else 0
    return 2 if all(outcome == NO_ANSWER for outcome in kept) else 1


def _score(run: PageRun, names: Iterable[str]) -> dict[str, Any]:
    kept = [answer for name in names if (answer := run.answers[name]).outcome != DROPPED]
    dropped = sum(answer.outcome == DROPPED for answer in run.answers.values())
    if not kept:
        return {"n": 0, "dropped": dropped}
    judged = [Judged("", each.video, each.outcome == RIGHT, each.outcome != NO_ANSWER) for each in kept]
    found = score(judged, "all")
    return {
        "n": found.n,
        "dropped": dropped,
        "accuracy": found.accuracy,
        "low": found.low,
        "high": found.high,
        "no_answer": round(found.no_answer * found.n),
    }


def _paired(first: PageRun, second: PageRun, names: Iterable[str]) -> dict[str, Any]:
    both = [(first.answers[name], second.answers[name]) for name in names]
    pairs = [
        Pair(a.video, a.outcome == RIGHT, b.outcome == RIGHT) for a, b in both if {a.outcome, b.outcome} != {DROPPED}
    ]
    return paired_result(pairs) if pairs else {"n": 0}


def _pictures(runs: Sequence[PageRun], names: Sequence[str], most_bytes: float) -> tuple[list[str], dict[Sheet, int]]:
    """The pictures in the order of the questions, as many as there is room for, and the place of each."""
    sheets: list[str] = []
    places: dict[Sheet, int] = {}
    for name in names:
        for run in runs:
            sheet = run.sheets.get(name)
            if sheet is None or sheet in places:
                continue
            most_bytes -= len(sheet.picture)
            if most_bytes < 0:
                return sheets, places
            places[sheet] = len(sheets)
            sheets.append(sheet.picture)
    return sheets, places


def _told_pictures(runs: Sequence[PageRun], names: Sequence[str], sheets: Sequence[str]) -> str:
    held = {sheet for run in runs for name in names if (sheet := run.sheets.get(name)) is not None}
    if not held:
        return "No frames here: t2vid evaluate keeps them beside its answers, in frames.jsonl."
    size = sum(map(len, sheets)) / 1e6
    if len(sheets) < len(held):
        return (
            f"Frames of {len(sheets):,} of {len(held):,} videos, {size:.1f} MB: there is no room for the others. "
            "Questions that come first have theirs."
        )
    return f"Frames of {len(sheets):,} videos, {size:.1f} MB."


def _items(runs: Sequence[PageRun], names: Sequence[str], places: Mapping[Sheet, int]) -> list[dict[str, Any]]:
    """The questions; what all columns have in common stands once."""
    items = []
    for name in names:
        answers = [run.answers[name] for run in runs]
        first = max(answers, key=lambda answer: (bool(answer.question), bool(answer.options)))
        shown: dict[int | None, list[str]] = {}
        told: dict[int | None, Sheet] = {}
        for run in runs:
            if (sheet := run.sheets.get(name)) is not None:
                place = places.get(sheet)
                shown.setdefault(place, []).append(run.name)
                told.setdefault(place, sheet)
        items.append(
            {
                "id": name,
                "video": first.video,
                "groups": first.groups,
                "question": _cut(first.question),
                "options": first.options,
                "answer": first.answer,
                "runs": [_said(answer) for answer in answers],
                "frames": [
                    {
                        "sheet": place,
                        "of": of if len(shown) > 1 else [],
                        "seconds": [round(second, 2) for second in told[place].seconds],
                        "fed": told[place].fed,
                    }
                    for place, of in shown.items()
                ],
            }
        )
    return items


def _said(answer: Shown) -> dict[str, Any]:
    return {
        "reply": None if answer.reply is None else _cut(answer.reply),
        "choice": answer.choice,
        "outcome": answer.outcome,
    }


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n[cut off here: {MOST_CHARACTERS:,} of {len(text):,} characters]"


def _json(value: Any) -> str:
    """JSON that may stand in a `script` element: no "<" in it can end the element or begin a comment."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
