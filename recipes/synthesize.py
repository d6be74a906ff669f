"""Draw long-text question answering as pages, and write a data set that `load_dataset` reads.

python recipes/synthesize.py --output out/my_set
python recipes/synthesize.py --input my.jsonl --source long_qa --preset dense --output out/my_set
"""

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
from t2vid_hf.schema import LongTextQA, features

TEMPLATE = Path(__file__).parents[1] / "model_cards" / "dataset_card.md.jinja"


def main(
    output: Annotated[Path, typer.Option(help="Folder of the data set; its other configs stay.")],
    input: Annotated[
        Path, typer.Option(help="JSON or JSON lines file; the shipped sample by default.")
    ] = sources.SAMPLE,
    source: Annotated[str, typer.Option(help=f"Shape of the file: auto, {', '.join(sources.SOURCES)}.")] = "auto",
    preset: Annotated[str, typer.Option(help="How pages look: paper, dense, native.")] = "paper",
    max_documents: Annotated[int | None, typer.Option(help="Take only so many texts.")] = None,
    name: Annotated[str, typer.Option(help="Name of the config.")] = "synthetic",
    dry_run: Annotated[bool, typer.Option("--dry_run", help="Read and count; write nothing.")] = False,
) -> None:
    """Long-text question answering -> pages -> a data set."""
    datasets.disable_progress_bars()  # ours says more
    config = RenderConfig.preset(preset)
    questions = list(first_documents(sources.read(input, source=source), max_documents))
    documents = len({qa.context for qa in questions})
    print(f"{len(questions)} questions about {documents} texts in {input.name}")
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
        "input": input.name,
        "license": "cc0-1.0" if input == sources.SAMPLE else "other",
        "documents": documents,
        "render_preset": preset,
        "render_config": config.to_json(),
        "render_fingerprint": config.fingerprint(),
    }
    written = write_config(output, name, {"train": rows}, features=features(), stats=stats)
    write_dataset_card(output, TEMPLATE)
    print(f"{written['rows']['train']} rows over {sum(pages_of.values())} pages: {output / name}")


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
