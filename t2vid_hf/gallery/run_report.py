"""One self-contained HTML page about a run: what went in, how it trained, what it answers, how it scores.

Every number is read from the files of the run. Pictures are inside the page, so that it can be mailed.
"""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from PIL import Image

from t2vid_hf._optional import require
from t2vid_hf.data.repository import configs, read_split
from t2vid_hf.errors import InputError
from t2vid_hf.hub.sheets import contact_sheet
from t2vid_hf.video.reading import read_frames

SHOWN_TEXTS, SHOWN_PAGES = 6, 8
SHOWN_CLIPS, SHOWN_FRAMES = 6, 8
SHOWN_ANSWERS = 16


def write_report(
    output: Path, *, dataset: Path, checkpoint: Path, scores: Path, commands: Mapping[str, str], title: str
) -> None:
    """Write the page.

    Args:
        output (`Path`): The HTML file.
        dataset (`Path`): A data set with the configs "synthetic" and "video".
        checkpoint (`Path`): Holds `run.json` and `trainer_state.json`.
        scores (`Path`): The file of scores that `t2vid evaluate` wrote; `answers.jsonl` stands beside it.
        commands (`Mapping[str, str]`): What a reader would do next, and the command that does it.
        title (`str`): The page's title.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one of the files is missing, or matplotlib is not installed.
    """
    run, state = _read_json(checkpoint / "run.json"), _read_json(checkpoint / "trainer_state.json")
    scored = _read_json(scores)
    answers = [json.loads(line) for line in scores.with_name("answers.jsonl").read_text("utf-8").splitlines()]
    logged = [(entry["step"], entry["loss"]) for entry in state["log_history"] if "loss" in entry]
    environment = Environment(
        loader=PackageLoader("t2vid_hf.gallery", "."),
        autoescape=select_autoescape(["j2"]),
        undefined=StrictUndefined,
    )
    page = environment.get_template("run_report.html.j2").render(
        title=title,
        configs=configs(dataset),
        texts=_texts(dataset),
        clips=_clips(dataset),
        run=run,
        steps=state["global_step"],
        first_loss=logged[0][1] if logged else None,
        last_loss=logged[-1][1] if logged else None,
        loss_plot=_loss_plot(logged),
        scores=scored,
        answers=_compare_replies(answers, [model["name"] for model in scored["models"]]),
        commands=commands,
    )
    output.write_text(page, encoding="utf-8")


def _texts(dataset: Path) -> list[dict[str, Any]]:
    """For each of the first different texts: its pages on a sheet, and one of its questions."""
    shown: dict[bytes, dict[str, Any]] = {}
    for row in read_split(str(dataset), "synthetic", "train"):
        key = row["images"][0].tobytes()
        if key not in shown:
            sheet = contact_sheet(row["images"][:SHOWN_PAGES], columns=4, cell_px=224)
            shown[key] = {"row": row["id"], "pages": row["num_frames"], "sheet": _picture(sheet), **_turns(row)}
        if len(shown) == SHOWN_TEXTS:
            break
    return list(shown.values())


def _clips(dataset: Path) -> list[dict[str, Any]]:
    """For each of the first held-out clips: its frames on a sheet, and one of its questions."""
    shown: dict[str, dict[str, Any]] = {}
    for row in read_split(str(dataset), "video", "test"):
        if row["clip"] not in shown:
            video = row["videos"][0]
            frames = read_frames(video["bytes"], SHOWN_FRAMES, name=video["path"])
            sheet = contact_sheet([Image.fromarray(frame) for frame in frames.data], columns=SHOWN_FRAMES, cell_px=112)
            shown[row["clip"]] = {"row": row["id"], "kind": row["kind"], "sheet": _picture(sheet), **_turns(row)}
        if len(shown) == SHOWN_CLIPS:
            break
    return list(shown.values())


def _turns(row: Mapping[str, Any]) -> dict[str, str]:
    """A row's question and answer, as text."""
    said = {
        message["role"]: "\n".join(block["text"] for block in message["content"] if block["type"] == "text")
        for message in row["messages"]
    }
    return {"question": said["user"], "answer": said["assistant"]}


def _compare_replies(answers: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """One entry a question with every model's reply; a few of each kind."""
    questions: dict[str, dict[str, Any]] = {}
    for answer in answers:
        entry = questions.setdefault(
            answer["id"],
            {"kind": answer["kind"], "question": answer["question"], "expected": answer["expected"], "replies": {}},
        )
        entry["replies"][answer["model"]] = answer
    kinds = sorted({entry["kind"] for entry in questions.values()})
    share = max(1, SHOWN_ANSWERS // len(kinds))
    picked = [entry for kind in kinds for entry in [e for e in questions.values() if e["kind"] == kind][:share]]
    return [{**entry, "replies": [entry["replies"][name] for name in names]} for entry in picked]


def _picture(image: Image.Image) -> str:
    """An image as the address of an `img` element, with the picture in it."""
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _loss_plot(logged: Sequence[tuple[int, float]]) -> str:
    """The loss curve as an inline SVG element."""
    matplotlib = require("matplotlib", extra="plots")
    matplotlib.use("svg")
    pyplot = require("matplotlib.pyplot", extra="plots")
    figure, axes = pyplot.subplots(figsize=(8, 3), layout="constrained")
    axes.plot([step for step, _ in logged], [loss for _, loss in logged], color="#2b6cb0", marker=".", linewidth=1.5)
    axes.set(xlabel="optimizer step", ylabel="training loss (nats a token)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file; a report needs a finished run")
    return json.loads(path.read_text("utf-8"))
