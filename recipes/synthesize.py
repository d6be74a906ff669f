"""Draw long-text question answering as pages, and write a data set that `load_dataset` reads.

python recipes/synthesize.py --output out/my_set
python recipes/synthesize.py --input my.jsonl --source long_qa --preset dense --output out/my_set
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import datasets
import typer
from tqdm import tqdm

from t2vid_hf import sources
from t2vid_hf.data.repository import write_config
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError, one_line_errors
from t2vid_hf.hub.cards import write_dataset_card
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.rendering.config import PRESETS
from t2vid_hf.schema import LongTextQA, features

TEMPLATE = Path(__file__).parents[1] / "model_cards" / "dataset_card.md.jinja"


def main(
    output: Annotated[Path, typer.Option(help="Folder of the data set; its other configs stay.")],
    input: Annotated[str, typer.Option(help="A file, a folder or hf://datasets/...; the sample by default.")] = str(
        sources.SAMPLE
    ),
    source: Annotated[str, typer.Option(help=f"Shape of the records: auto, {', '.join(sources.SOURCES)}.")] = "auto",
    columns: Annotated[str | None, typer.Option(help='For long_qa, as JSON: {"context": "text", ...}.')] = None,
    answers: Annotated[str, typer.Option(help="Of several answers to a question: first, all.")] = "first",
    encoding: Annotated[str, typer.Option(help="Of text files.")] = "utf-8",
    on_error: Annotated[str, typer.Option(help="A bad record: raise, or skip and count.")] = "raise",
    preset: Annotated[str, typer.Option(help=f"How pages look: {', '.join(PRESETS)}.")] = "paper",
    max_documents: Annotated[int | None, typer.Option(help="Take only so many texts.")] = None,
    name: Annotated[str, typer.Option(help="Name of the config.")] = "synthetic",
    dry_run: Annotated[bool, typer.Option("--dry_run", help="Read and count; write nothing.")] = False,
) -> None:
    """Long-text question answering -> pages -> a data set."""
    datasets.disable_progress_bars()  # ours says more
    config = RenderConfig.preset(preset)
    report = sources.ReadReport()
    read = sources.read(
        input,
        source=source,
        columns=column_map(columns),
        answers=answers,
        encoding=encoding,
        on_error=on_error,
        rejects=output / f"{name}-rejects.jsonl" if on_error == "skip" and not dry_run else None,
        report=report,
    )
    questions = list(first_documents(read, max_documents))
    documents = len({qa.context for qa in questions})
    print(f"{Path(input).name}: {report}; {documents} texts")
    if dry_run:
        return
    pages_of: dict[str, int] = {}

    def rows() -> Iterator[dict]:
        drawn = tqdm(synthesize(questions, config), "drawing", len(questions), unit=" rows", delay=1)
        for qa, row in zip(questions, drawn, strict=True):
            pages_of[qa.context] = row["num_frames"]
            yield row

    stats = {
        "kind": "synthetic",
        "sources": sorted({qa.source for qa in questions}),
        "input": Path(input).name,
        "license": "cc0-1.0" if Path(input) == sources.SAMPLE else "other",
        "documents": documents,
        "dropped": dict(report.dropped),
        "render_preset": preset,
        "render_config": config.to_json(),
        "render_fingerprint": config.fingerprint(),
    }
    written = write_config(output, name, {"train": rows}, features=features(), stats=stats)
    write_dataset_card(output, TEMPLATE)
    print(f"{written['rows']['train']} rows over {sum(pages_of.values())} pages: {output / name}")


def column_map(given: str | None) -> dict[str, str] | None:
    """The option --columns as a mapping."""
    if given is None:
        return None
    try:
        columns = json.loads(given)
    except json.JSONDecodeError as error:
        raise InputError(f"--columns '{given}' is not JSON: {error}") from None
    if not isinstance(columns, dict) or not all(isinstance(value, str) for value in columns.values()):
        raise InputError(f'--columns \'{given}\': give an object of texts, like {{"context": "story"}}')
    return columns


def first_documents(questions: Iterable[LongTextQA], limit: int | None) -> Iterator[LongTextQA]:
    """The questions about the first `limit` texts."""
    if limit is not None and limit < 1:
        raise InputError(f"--max-documents {limit}: give at least 1")
    contexts: set[str] = set()
    for qa in questions:
        contexts.add(qa.context)
        if limit is not None and len(contexts) > limit:
            return
        yield qa


if __name__ == "__main__":
    with one_line_errors():
        typer.run(main)
