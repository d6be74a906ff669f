"""A file, a folder of data files or a Hub data set of any known source -> `Iterator[LongTextQA]`."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Literal

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import LongTextQA
from t2vid_hf.sources import long_qa, questions, records, tables
from t2vid_hf.sources.read_report import BadRow, ReadReport, Refuse, refuse_all
from t2vid_hf.sources.registry import SOURCES
from t2vid_hf.sources.source import Source


def read(
    path: str | Path,
    *,
    source: str = "auto",
    encoding: str = "utf-8",
    columns: Mapping[str, str] | None = None,
    answers: Literal["first", "all"] = "first",
    split: str | None = None,
    config: str | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    rejects: str | Path | None = None,
    report: ReadReport | None = None,
) -> Iterator[LongTextQA]:
    """Read long-text question answering from a file, a folder of data files or a Hub data set.

    Args:
        path (`str` or `Path`): A `.json`, `.jsonl`, `.csv`, `.tsv` or `.parquet` file, or its URL (`hf://`,
            `https://`), text also compressed (`.gz`, `.bz2`, `.zst`); a folder that `load_dataset` reads; or
            `"hf://datasets/owner/name"`, with `@revision` behind it or not.
        source (`str`, *optional*, defaults to `"auto"`): A key of `SOURCES`; with `"auto"` the first record's keys
            decide.
        encoding (`str`, *optional*, defaults to `"utf-8"`): How a text file is encoded, as Python names it.
        columns (`Mapping[str, str]`, *optional*): Our name (id, context, question, answer, questions) -> the name of
            the column that holds it. The source is then `long_qa`; with `None` the columns have the source's names.
        answers (`str`, *optional*, defaults to `"first"`): Which answers to a question make a row: the `"first"`, or
            `"all"`, a row each.
        split (`str`, *optional*): Split of a data set; `None` takes "train".
        config (`str`, *optional*): Configuration of a data set; `None` takes its default one.
        on_error (`str`, *optional*, defaults to `"raise"`): What a bad row does: `"raise"` stops the reading at the
            first, `"skip"` counts them.
        rejects (`str` or `Path`, *optional*): With `"skip"`, a JSON lines file to write bad rows to, each with its
            place, its reason (a key of `REASONS`) and the error.
        report ([`~t2vid_hf.sources.ReadReport`], *optional*): Counts of the reading, counted up while rows are read.

    Yields:
        [`~t2vid_hf.schema.LongTextQA`], in the file's order.

    Raises:
        [`~t2vid_hf.sources.BadRow`]: a bad row, with file and line; an [`~t2vid_hf.errors.InputError`].
        [`~t2vid_hf.errors.InputError`]: an unknown source; a file that is missing, empty or not what its suffix
            says; a file without a question. `"skip"` does not change these.

    Example:

    ```python
    >>> from t2vid_hf import sources
    >>> report = sources.ReadReport()
    >>> rows = list(sources.read(sources.SAMPLE, report=report))
    >>> len({row.context for row in rows}), report.read == len(rows)
    (14, True)

    ```
    """
    if source != "auto" and source not in SOURCES:
        raise unknown("source", source, [*SOURCES, "auto"])
    for name, value, known in (("answers", answers, ("first", "all")), ("on_error", on_error, ("raise", "skip"))):
        if value not in known:
            raise unknown(name, value, known)
    if columns is not None:
        if source not in ("auto", long_qa.SOURCE.name):
            raise InputError(f"a column map is for the source '{long_qa.SOURCE.name}', not for '{source}'")
        long_qa.check_columns(columns)
    if rejects is not None and on_error == "raise":
        raise InputError("a rejects file is written with on_error='skip' alone; with 'raise' the first bad row stops")
    if rejects is not None and Path(rejects).resolve() == Path(path).resolve():
        raise InputError(f"{rejects}: the rejects file would replace the file that is read; name another")
    if rejects is not None:
        Path(rejects).parent.mkdir(parents=True, exist_ok=True)
    report = ReadReport() if report is None else report
    start = report.read
    with nullcontext() if rejects is None else Path(rejects).open("w", encoding="utf-8") as file:
        refuse = report.skipper(file) if on_error == "skip" else refuse_all
        found = _read_records(path, encoding=encoding, split=split, config=config, refuse=refuse)
        if columns is not None:
            found, source = _rename_columns(found, columns, refuse), long_qa.SOURCE.name
        first = next(found, None)
        if first is not None:
            chosen = _detect_source(first, path) if source == "auto" else SOURCES[source]
            found = chain([first], found)
            yield from questions.rows(found, chosen, every_answer=answers == "all", report=report, refuse=refuse)
    if report.read == start:
        bad = f"; the first bad row was {report.first_bad}" if report.first_bad else ""
        raise InputError(f"{path}: no question in it ({report}){bad}")


def _detect_source(first: records.Record, path: str | Path) -> Source:
    for source in SOURCES.values():
        if source.matches(first.fields):
            return source
    raise InputError(
        f"{path}: the first record has the keys {', '.join(sorted(first.fields)) or '(none)'}, the shape of no known "
        f"source; give {long_qa.SOURCE.shape}; or a column map; or name one of {', '.join(sorted(SOURCES))}"
    )


def _read_records(
    path: str | Path, *, encoding: str, split: str | None, config: str | None, refuse: Refuse
) -> Iterator[records.Record]:
    hub = tables.hub_name(path)
    if hub is None and not Path(path).is_dir():
        if split is not None or config is not None:
            raise InputError(f"{path}: 'split' and 'config' are of a data set; a file has neither")
        return records.read(path, encoding=encoding, refuse=refuse)
    name, revision = hub or (str(path), None)
    rows = tables.stream_data_set(name, config=config, split=split or "train", revision=revision)
    return records.to_records(rows, refuse)


def _rename_columns(
    found: Iterator[records.Record], columns: Mapping[str, str], refuse: Refuse
) -> Iterator[records.Record]:
    for record in found:
        try:
            yield long_qa.rename_columns(record, columns)
        except BadRow as error:
            refuse(error)
