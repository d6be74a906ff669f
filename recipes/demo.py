"""The main job from end to end: synthesize, clips, model, fine-tune, evaluate, publish, report.

`make demo` runs it in the current folder. Each step is a command that could be typed by hand, printed before it runs.
A step whose command, inputs and code are those of its last run is not run again; a step that fails leaves what was
made before it.
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from t2vid_hf.cli.script import run_command
from t2vid_hf.data.repository import configs
from t2vid_hf.errors import InputError
from t2vid_hf.gallery.run_report import write_report
from t2vid_hf.metrics.comparison import compare_files

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = Path("out/demo")  # also in recipes/debug/sft_cpu.yaml
DATASET, CHECKPOINT, UNTRAINED = OUTPUT / "dataset", OUTPUT / "checkpoint", OUTPUT / "untrained"
SCORES, REPORT = OUTPUT / "scores.json", OUTPUT / "report.html"
CONFIG = ROOT / "recipes/debug/sft_cpu.yaml"
# The config's epochs and learning rate are for random weights; a real checkpoint gets a short, careful run.
REAL_CHECKPOINT = ("--learning_rate", "1e-5", "--max_steps", "20", "--max_length", "8192")
NEXT = {
    "Fine-tune a real checkpoint on the same mixture (one GPU, or patience)": (
        "make demo MODEL=HuggingFaceTB/SmolVLM-256M-Instruct"
    ),
    "Take your own long texts and clips": "make demo LONG_QA=my_questions.jsonl VIDEOS=my_videos/",
    "Put data set and checkpoint on the Hub": "make demo PUSH=user/name",
    "Read the data set elsewhere": f'datasets.load_dataset("{DATASET}", "synthetic")',
}


@dataclass(frozen=True)
class Step:
    """A command, the files it reads beside the code, and what it makes."""

    name: str
    command: tuple[str, ...]
    reads: tuple[Path, ...]
    makes: tuple[Path, ...]
    always: bool = False


def main(
    long_qa: Annotated[Path | None, typer.Option(help="Long-text QA file; the shipped sample by default.")] = None,
    videos: Annotated[Path | None, typer.Option(help="Folder of videos; generated clips by default.")] = None,
    model: Annotated[str | None, typer.Option(help="Checkpoint, local or on the Hub; a tiny one by default.")] = None,
    push: Annotated[str | None, typer.Option(help="user/name on the Hub; local only by default.")] = None,
    max_documents: Annotated[int | None, typer.Option(help="Take only so many texts.")] = None,
) -> None:
    """Run the main job."""
    for given in (long_qa, videos):
        if given is not None and not given.exists():
            raise InputError(f"{given}: no such file or folder")
    console = Console(highlight=False, soft_wrap=True)
    code = _digest(
        sorted(
            [
                *ROOT.glob("t2vid_hf/**/*"),
                *ROOT.glob("recipes/**/*"),
                *ROOT.glob("dataset_scripts/*.py"),
                *ROOT.glob("model_cards/*"),
            ]
        )
    )
    started = time.monotonic()
    took = {}
    for step in steps(long_qa, videos, model, push, max_documents):
        console.print(f"\n[bold]{step.name}[/]  [dim]$ {shlex.join(step.command)}[/]")
        took[step.name] = run(step, code)
        if took[step.name] is None:
            console.print("  reused: nothing that it depends on has changed since its last run")
    write_report(
        REPORT, dataset=DATASET, checkpoint=CHECKPOINT, scores=SCORES, commands=NEXT, title="t2vid_hf: the main job"
    )
    console.print()
    console.print(closing_table(took))
    console.print(f"{time.monotonic() - started:.0f} s in all. Open {REPORT} in a browser.")


def steps(
    long_qa: Path | None, videos: Path | None, model: str | None, push: str | None, max_documents: int | None
) -> Iterator[Step]:
    """The steps, in order."""
    python, recipes = sys.executable, ROOT / "recipes"
    yield Step(
        "synthesize",
        (python, str(ROOT / "dataset_scripts/build_long_text_qa.py"), "--output", str(DATASET), "--name", "synthetic")
        + (("--data_files", f"train={long_qa}") if long_qa else ())
        + (("--max_documents", str(max_documents)) if max_documents is not None else ()),
        reads=(long_qa,) if long_qa else (),
        makes=(DATASET / "synthetic",),
    )
    yield Step(
        "clips",
        (python, str(recipes / "make_clips.py"), "--output", str(DATASET))
        + (("--videos", str(videos)) if videos else ()),
        reads=(videos,) if videos else (),
        makes=(DATASET / "video",),
    )
    if model is None:
        command = (python, str(recipes / "debug/make_model.py"), "--output", str(UNTRAINED))
        yield Step("model", command, reads=(), makes=(UNTRAINED,))
    base = model or str(UNTRAINED)
    weights = (Path(base),) if Path(base).exists() or model is None else ()
    launch = (
        python,
        "-m",
        "accelerate.commands.launch",
        "--quiet",
        "--config_file",
        str(recipes / "accelerate/cpu.yaml"),
    )
    yield Step(
        "fine-tune",
        # the step runs where what it made before no longer holds
        (*launch, str(recipes / "sft.py"), "--config", str(CONFIG), "--overwrite_output_dir", "true")
        + (("--model_name_or_path", model, *REAL_CHECKPOINT) if model else ()),
        reads=(DATASET / "synthetic", DATASET / "video", *weights),
        makes=(CHECKPOINT / "model.safetensors", CHECKPOINT / "run.json"),
    )
    yield Step(
        "evaluate",
        (python, str(recipes / "eval_video.py"), "--dataset", str(DATASET), "--output", str(SCORES))
        + ("--models", f"fine-tuned={CHECKPOINT}", "--models", f"untrained={base}")
        + ("--num_frames", "8", "--max_new_tokens", "16", "--batch_size", "16"),
        reads=(DATASET / "video", CHECKPOINT / "model.safetensors", *weights),
        makes=(SCORES,),
    )
    yield Step(
        "publish",
        (python, str(recipes / "push.py"), "--dataset", str(DATASET), "--checkpoint", str(CHECKPOINT))
        + ("--scores", str(SCORES))
        + (("--to", push) if push else ()),
        reads=(SCORES, CHECKPOINT / "run.json", DATASET / "synthetic", DATASET / "video"),
        makes=(DATASET / "README.md", CHECKPOINT / "README.md"),
        always=push is not None,  # what the Hub holds now is not known here
    )


def run(step: Step, code: str) -> float | None:
    """Run a step; returns its seconds, or `None` where its last run still holds."""
    stamp = OUTPUT / ".steps" / f"{step.name}.json"
    state = {"command": step.command, "code": code, "inputs": _digest(step.reads)}
    key = hashlib.blake2b(json.dumps(state).encode()).hexdigest()
    made = all(path.exists() for path in step.makes)
    if made and not step.always and stamp.is_file() and stamp.read_text() == key:
        return None
    stamp.unlink(missing_ok=True)
    began = time.monotonic()
    # Threads that wait must not spin: beside another busy process, a data loader's worker is enough, they would take
    # the processor from the one they wait for, and a run 30 times as long (measured on two cores).
    status = subprocess.run(step.command, env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ}).returncode
    if status:
        print(f"the step '{step.name}' ended with status {status}; what was made before it stays", file=sys.stderr)
        raise SystemExit(2)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)
    return time.monotonic() - began


def _digest(paths: Iterable[Path]) -> str:
    """A hash of the files, and of the files in the folders, that are given."""
    digest = hashlib.blake2b()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def closing_table(took: dict[str, float | None]) -> Table:
    """What was made, and where."""
    made = configs(DATASET)
    answers = SCORES.with_name("answers.jsonl")
    scores = module_scores(answers)
    run_record = json.loads((CHECKPOINT / "run.json").read_text())
    taken = " : ".join(str(part["sampled"]) for part in run_record["mixture"])
    rows = (
        ("synthesize", f"{made['synthetic']['rows']['train']} rows of pages", DATASET / "synthetic"),
        ("clips", f"{made['video']['rows']['train']} + {made['video']['rows']['test']} questions", DATASET / "video"),
        ("fine-tune", f"{run_record['parameters']:,} parameters on {taken} rows", CHECKPOINT),
        ("evaluate", ", ".join(f"{name} {score:.1%}" for name, score in scores.items()), SCORES),
        ("look", "every answer with its frames, wrong ones first", SCORES.with_name("answers.html")),
        ("compare", told_difference(answers), "t2vid compare"),
        ("publish", "cards; each folder is a complete Hub repository", f"{DATASET}, {CHECKPOINT}"),
        ("report", "one page with all of it", REPORT),
    )
    table = Table("step", "made", "where", "time", title="What was made")
    for name, what, where in rows:
        seconds = took.get(name, 0.0)
        table.add_row(name, what, str(where), "reused" if seconds is None else f"{seconds:.0f} s" if seconds else "")
    return table


def module_scores(answers: Path) -> dict[str, float]:
    """What each model scores, by the module that any program loads with `evaluate`: from this folder, not the Hub."""
    import evaluate

    module = evaluate.load(str(ROOT / "t2vid_hf/metrics/score_clips"), cache_dir=str(OUTPUT / ".evaluate"))
    said: dict[str, list[dict[str, str]]] = {}
    for line in map(json.loads, answers.read_text(encoding="utf-8").splitlines()):
        said.setdefault(line["model"], []).append(line)
    return {
        name: module.compute(
            predictions=[line["reply"] for line in lines], references=[json.dumps(line) for line in lines]
        )["score"]
        for name, lines in said.items()
    }


def told_difference(answers: Path) -> str:
    """Fine-tuned against untrained, question by question."""
    paired, _ = compare_files(str(answers), str(answers), models="untrained,fine-tuned")
    return (
        f"fine-tuned - untrained: {100 * paired['difference']:+.1f} points [{100 * paired['low']:.1f}, "
        f"{100 * paired['high']:.1f}], p = {paired['p_exact']:.2g}, {paired['n']} questions about "
        f"{paired['clusters']} clips"
    )


if __name__ == "__main__":
    run_command(main)
