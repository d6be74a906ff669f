"""`t2vid build`: files of long-text question answering -> a data set of pages, its report and its card."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from t2vid_hf import sources
from t2vid_hf.cli.build_options import check_format, column_map, files_of_splits
from t2vid_hf.cli.build_report import NOT_DRAWN, print_report, text_facts
from t2vid_hf.cli.push import publish_dataset
from t2vid_hf.cli.script import made_by, names_of, without_secrets
from t2vid_hf.data.exchange import write_exchange
from t2vid_hf.data.exchange_formats import FORMATS_ELSEWHERE
from t2vid_hf.data.repository import write_config
from t2vid_hf.data.synthesis import RENDER, DrawingReport, synthesize
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.mixtures.filters import reason_to_drop
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.rendering.config import PRESETS
from t2vid_hf.rendering.styles import STYLES
from t2vid_hf.schema import LongTextQA, Row, features


def build(
    output: Annotated[Path, typer.Option(help="Folder of the data set; its other configs stay.")],
    data_files: Annotated[
        list[str] | None,
        typer.Option(help="FILE or SPLIT=FILE, repeated; also a folder or hf://datasets/owner/name."),
    ] = None,
    source: Annotated[str, typer.Option(help=f"Shape of the files: auto, {', '.join(sources.SOURCES)}.")] = "auto",
    columns: Annotated[str | None, typer.Option(help='For long_qa, as JSON: {"context": "story"}.')] = None,
    answers: Annotated[str, typer.Option(help="Of several answers to a question: first, all.")] = "first",
    encoding: Annotated[str, typer.Option(help="Of text files.")] = "utf-8",
    preset: Annotated[str, typer.Option(help=f"How pages look: {', '.join(PRESETS)}.")] = "paper",
    styles: Annotated[str | None, typer.Option(help=f"One for each text, drawn from: {','.join(STYLES)}.")] = None,
    style_seed: Annotated[int, typer.Option(help="Another number draws other styles.")] = 0,
    render: Annotated[str, typer.Option(help="eager stores PNG files, lazy stores texts (needs t2vid_hf).")] = "eager",
    format: Annotated[
        str, typer.Option(help=f"parquet, a data set of the Hub; or for others: {', '.join(FORMATS_ELSEWHERE)}.")
    ] = "parquet",
    missing: Annotated[str, typer.Option(help="What no font has: replace, a counted box, or error.")] = "replace",
    max_missing: Annotated[float, typer.Option(help="The largest share of a text that may be boxes.")] = 0.01,
    max_documents: Annotated[int | None, typer.Option(help="Take only so many texts.")] = None,
    max_frames: Annotated[int | None, typer.Option(help="Drop rows of more pages.", min=1)] = None,
    on_error: Annotated[str, typer.Option(help="A bad row: raise, or skip, count and list it.")] = "raise",
    license: Annotated[str | None, typer.Option(help="Of the texts and questions, for the card.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the config; the source's by default.")] = None,
    push: Annotated[str | None, typer.Option(help="user/name: where it goes on the Hub.")] = None,
    private: Annotated[bool, typer.Option(help="Make a new repository private.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Read, lay out and report; write nothing.")] = False,
) -> None:
    """Long-text question answering -> pages -> a data set with its card, on disk and on the Hub."""
    # datasets and the Hub's client take a second to import, which `t2vid --help` need not wait for
    import datasets

    from t2vid_hf.data.pages import lazy_features
    from t2vid_hf.hub.cards import write_dataset_card

    datasets.disable_progress_bars()  # ours says more
    if render not in RENDER:
        raise unknown("way to render", render, RENDER)
    check_format(format, render, push)
    looks: dict[str, Any] = {"styles": names_of(styles), "style_seed": style_seed}
    config = RenderConfig.preset(preset, missing=missing, max_missing=max_missing, **looks)
    files = files_of_splits(data_files or [f"train={sources.SAMPLE}"])
    report = sources.ReadReport()
    reading: dict[str, Any] = {
        "source": source,
        "columns": column_map(columns),
        "answers": answers,
        "encoding": encoding,
        "on_error": on_error,
    }
    read = partial(sources.read, **reading, report=report)
    rejects = output / "rejects.jsonl" if on_error == "skip" and not dry_run else None
    questions = {split: read_all(paths, read, rejects, max_documents) for split, paths in files.items()}
    names = ", ".join(Path(without_secrets(path)).name for paths in files.values() for path in paths)
    documents = {qa.context for asked in questions.values() for qa in asked}
    print(f"{names}: {report}, about {len(documents)} texts")

    dropped: dict[str, Counter[str]] = {split: Counter() for split in questions}
    found = sorted({qa.source for asked in questions.values() for qa in asked})
    drawing = DrawingReport()
    how: dict[str, Any] = {"render": "lazy" if dry_run else render, "on_error": on_error, "report": drawing}
    draw = partial(synthesize, config=config, **how)
    kept = {split: partial(kept_rows, asked, draw, max_frames, dropped[split]) for split, asked in questions.items()}
    if render == "eager" and on_error == "raise" and not dry_run:
        for asked in questions.values():  # what cannot be drawn is told before anything is
            deque(synthesize(asked, config, render="lazy"), maxlen=0)
    if dry_run:
        print_report({split: sum(1 for _ in generate()) for split, generate in kept.items()}, dropped, drawing)
        return
    stats = {
        "kind": "synthetic",
        "sources": found,
        "input": names,
        "license": license or ("other" if data_files else "cc0-1.0"),
        "source_licenses": {name: sources.SOURCES[name].license for name in found if sources.SOURCES[name].license},
        **text_facts(documents),
        "not_read": report.dropped,
        "dropped": dropped,
        "boxes": drawing.boxes,
        "styles": drawing.styles,
        "render": render,
        "render_preset": preset,
        "render_config": config.to_json(),
        "render_fingerprint": config.fingerprint(),
        **made_by(),
    }
    if format != "parquet":
        written = write_exchange(output, name or found[0], kept, format=format, about=stats)
        print_report(written["rows"], dropped, drawing, rejects)
        print(f"{format}: {output / (name or found[0])}")
        return
    columns = lazy_features() if render == "lazy" else features()
    written = write_config(output, name or found[0], kept, features=columns, stats=stats)
    write_dataset_card(output)
    print_report(written["rows"], dropped, drawing, rejects)
    print(f"data set and card: {output / (name or found[0])}")
    if push is not None:
        publish_dataset(output, push, private=private)


def read_all(
    paths: Iterable[str], read: Callable[..., Iterator[LongTextQA]], rejects: Path | None, max_documents: int | None
) -> list[LongTextQA]:
    """Read the questions of a split.

    Args:
        paths (`Iterable[str]`): The split's files.
        read (`Callable[..., Iterator[LongTextQA]]`): What reads one of them, see [`~t2vid_hf.sources.read`].
        rejects (`Path` or `None`): Where records that are skipped are listed; `None` lists none.
        max_documents (`int` or `None`): How many texts to take, the first; `None` takes all.

    Raises:
        [`~t2vid_hf.errors.InputError`]: `max_documents` is below 1, an id stands in two files, or a file cannot be
            read.
    """
    if max_documents is not None and max_documents < 1:
        raise InputError(f"--max_documents {max_documents}: give at least 1")
    asked: dict[str, LongTextQA] = {}
    contexts: set[str] = set()
    for path in paths:
        for qa in read(path, rejects=rejects):
            contexts.add(qa.context)
            if max_documents is not None and len(contexts) > max_documents:
                return list(asked.values())
            key = f"{qa.source}/{qa.id}"
            if key in asked:
                raise InputError(f"{path}: the id '{key}' also stands in an earlier file of the split; ids must differ")
            asked[key] = qa
    return list(asked.values())


def kept_rows(
    questions: Sequence[LongTextQA],
    draw: Callable[[Iterable[LongTextQA]], Iterator[Row]],
    max_frames: int | None,
    dropped: Counter[str],
) -> Iterator[Row]:
    """Rows that can be trained on; the others are counted by reason.

    Args:
        questions (`Sequence[LongTextQA]`): The questions of a split.
        draw (`Callable[[Iterable[LongTextQA]], Iterator[Row]]`): What makes rows of them, see
            [`~t2vid_hf.data.synthesis.synthesize`].
        max_frames (`int` or `None`): The most pages of a row; `None` for no limit.
        dropped (`Counter[str]`): Where rows that are left out are counted.
    """
    made = 0
    for row in tqdm(draw(questions), "drawing", len(questions), unit=" rows", delay=1):
        made += 1
        reason = reason_to_drop(row, max_frames=max_frames)
        if reason is None:
            yield row
        else:
            dropped[reason] += 1
    if made < len(questions):
        dropped[NOT_DRAWN] += len(questions) - made
