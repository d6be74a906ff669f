"""The builder behind `load_dataset("t2vid", source, data_files=...)`: long-text questions of a file -> rows of pages.

One configuration a source; `auto`, whose files say themselves what they are; and `sample`, the documents that are
shipped. Parquet files of our own rows, lazy or eager, are read as they are. Each file is one shard, so `num_proc` and
`streaming=True` work on files. The cache is keyed by what decides the rows, not by names and times: the bytes of the
files, the render configuration's fingerprint, this package's code and the versions of what draws. A touched file is a
hit; one changed byte, one changed pixel of margin or another Pillow is a miss. The price: every local file is read once
more at each call, 1 s a GB; of a remote one the server tells the digest, or else it is read too.

`datasets` finds the builder by its name (t2vid_hf/data/registration.py).
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import pyarrow as pa
from datasets import ArrowBasedBuilder, BuilderConfig, DatasetInfo, Features, SplitGenerator
from datasets.exceptions import DatasetGenerationError
from datasets.table import table_cast

from t2vid_hf import sources
from t2vid_hf.data import row_files
from t2vid_hf.data.content_digest import content_of, digest
from t2vid_hf.data.pages import lazy_features
from t2vid_hf.data.parquet_rows import tables_of
from t2vid_hf.data.synthesis import RENDER, DrawingReport, synthesize
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import features

logger = logging.getLogger(__name__)
AUTO, SAMPLE = "auto", "sample"
# What decides the rows of a file, inside the package and beside it.
_CODE = (
    *("schema.py", "_compiled.py", "_object_code.py", "data/builder.py", "data/pages.py", "data/synthesis.py"),
    *("data/page_columns.py", "data/row_files.py"),
    *("sources", "rendering"),
)
_DRAWING = (
    *("Pillow", "icu4py", "uharfbuzz", "fontpkg-arimo", "fontpkg-jetbrains-mono", "fontpkg-noto-serif"),
    *("manimgx-fonts", "manimgx-fonts-cjk", "ziamath"),
)


@dataclass
class T2VidConfig(BuilderConfig):
    """What `load_dataset("t2vid", name, ...)` takes beside `data_files`.

    Args:
        preset (`str`, *optional*, defaults to `"paper"`): A key of `t2vid_hf.rendering.config.PRESETS`.
        render_config (`Mapping[str, Any]`, *optional*): Fields of [`~t2vid_hf.rendering.RenderConfig`] that differ from
            the preset; `None` takes the preset as it is.
        render (`str`, *optional*, defaults to `"lazy"`): When pages are drawn: `"lazy"` when a row is read, and the
            data set holds their text ([`~t2vid_hf.data.pages.Pages`]); `"eager"` now, and it holds PNG files.
        encoding (`str`, *optional*, defaults to `"utf-8"`): How text files are encoded.
        columns (`Mapping[str, str]`, *optional*): Our name -> the name of the column that holds it; `None` where the
            columns have the source's names.
        answers (`str`, *optional*, defaults to `"first"`): Which answers to a question make a row: the `"first"`, or
            `"all"`, a row each.
        on_error (`str`, *optional*, defaults to `"raise"`): What a bad row does: `"raise"` stops at the first,
            `"skip"` counts them. What is left out of a file is logged as a warning, with reasons and counts, when rows
            are made (not when they come from the cache).
    """

    preset: str = "paper"
    render_config: Mapping[str, Any] | None = None
    render: Literal["lazy", "eager"] = "lazy"
    encoding: str = "utf-8"
    columns: Mapping[str, str] | None = None
    answers: Literal["first", "all"] = "first"
    on_error: Literal["raise", "skip"] = "raise"

    def read_options(self) -> dict[str, Any]:
        """The options of [`~t2vid_hf.sources.read`]."""
        return {
            "source": AUTO if self.name == SAMPLE else self.name,
            "encoding": self.encoding,
            "columns": self.columns,
            "answers": self.answers,
            "on_error": self.on_error,
        }

    def page_config(self) -> RenderConfig:
        """How a page looks: the preset with the fields that differ.

        Raises:
            [`~t2vid_hf.errors.InputError`]: an unknown preset or field.
        """
        known = {item.name for item in fields(RenderConfig)}
        for name in self.render_config or {}:
            if name not in known:
                raise unknown("field of render_config", name, known)
        return RenderConfig.preset(self.preset, **(self.render_config or {}))

    def files(self) -> dict[str, list[str]]:
        """The files of each split.

        Raises:
            [`~t2vid_hf.errors.InputError`]: none for a source, some for the sample.
        """
        files = {str(split): list(paths) for split, paths in (self.data_files or {}).items()}
        if self.name == SAMPLE and files:
            raise InputError(f"the configuration '{SAMPLE}' takes no data_files; leave its name out, or give '{AUTO}'")
        if self.name == SAMPLE or (self.name == AUTO and not files):
            return {"train": [str(sources.SAMPLE)]}
        if not any(files.values()):
            raise InputError(f"the source '{self.name}' needs data_files, for example data_files='my.jsonl'")
        return files

    def row_columns(self) -> dict[str, Features]:
        """The columns of each file that holds rows of ours already.

        Raises:
            [`~t2vid_hf.errors.InputError`]: all files do, and an option says how to read or to draw others.
        """
        paths = [path for paths in self.files().values() for path in paths]
        found = {path: row_files.columns_of(path) for path in paths}
        ours = {path: columns for path, columns in found.items() if columns is not None}
        if len(ours) == len(found):
            known = {item.name for item in fields(BuilderConfig)}
            given = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in known}
            idle = [f"{name}={value!r}" for name, value in given.items() if value != getattr(T2VidConfig, name)]
            idle += [] if self.name == AUTO else [f"the source '{self.name}'"]
            if idle:
                raise InputError(
                    f"{paths[0]} holds rows of pages already, of which {', '.join(idle)} would change nothing: leave "
                    f"it out, or give the file that the set was built of"
                )
        return ours

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The name of this configuration's folder in the cache: equal where the rows are equal."""
        if self.render not in RENDER:
            raise unknown("way to render", self.render, RENDER)
        key = {
            "code": code_digest(),
            "versions": {name: _version(name) for name in _DRAWING},
            "render": [self.render, self.page_config().fingerprint()],
            "reading": self.read_options(),
            "features": repr(custom_features),
            "files": {
                split: [[os.path.basename(path), content_of(path)] for path in paths]
                for split, paths in self.files().items()
            },
        }
        return f"{self.name}-{hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=8).hexdigest()}"


class T2VidBuilder(ArrowBasedBuilder):
    """Rows of pages from files of long-text question answering, or from Parquet files of such rows.

    Ids are unique in a file. Where two files of a split hold records without ids of their own, ids repeat; a mixture
    refuses such a set.

    Example:

    ```python
    >>> import tempfile, t2vid_hf
    >>> from datasets import load_dataset
    >>> cache = tempfile.mkdtemp()
    >>> dataset = load_dataset("t2vid", "sample", split="train", preset="dense", cache_dir=cache)
    >>> row = dataset[0]
    >>> len(row["images"]) == row["num_frames"], row["images"][0].size
    (True, (448, 448))

    ```
    """

    BUILDER_CONFIG_CLASS = T2VidConfig
    BUILDER_CONFIGS = [T2VidConfig(name=name) for name in (AUTO, SAMPLE, *sources.SOURCES)]
    DEFAULT_CONFIG_NAME = AUTO
    # Texts, or pages: at the default of 1000 rows a batch of eager pages takes gigabytes.
    DEFAULT_WRITER_BATCH_SIZE = 100

    def _info(self) -> DatasetInfo:
        return DatasetInfo(
            description="Long-text question answering drawn page by page as images.",
            homepage="https://arxiv.org/abs/2411.19951",
            features=self._columns(),
        )

    def _columns(self) -> Features:
        made = lazy_features() if self.config.render == "lazy" else features()
        ours = self.config.row_columns()
        whole = set(ours) >= {path for paths in self.config.files().values() for path in paths}
        return row_files.columns_of_all([*ours.values(), *([] if whole else [made])])

    def _split_generators(self, dl_manager: Any) -> list[SplitGenerator]:
        # a list in gen_kwargs is what `datasets` divides among processes and shards
        return [SplitGenerator(split, {"files": paths}) for split, paths in self.config.files().items()]

    def _generate_tables(self, files: list[str]) -> Iterator[tuple[str, pa.Table]]:
        schema = self.info.features.arrow_schema
        for number, path in enumerate(files):
            tables = self._drawn(path) if row_files.columns_of(path) is None else row_files.read_tables(path)
            for index, table in enumerate(tables):
                yield f"{number}-{index}", table_cast(table, schema)

    def _drawn(self, path: str) -> Iterator[pa.Table]:
        report = sources.ReadReport()
        drawing = DrawingReport()
        questions = sources.read(path, report=report, **self.config.read_options())
        lazy = self.config.render == "lazy"
        how = {"render": self.config.render, "on_error": self.config.on_error, "report": drawing}
        rows = synthesize(questions, self.config.page_config(), **how)
        yield from tables_of(rows, lazy_features(), most=row_files.BATCH_ROWS) if lazy else tables_of(rows, features())
        if report.dropped:
            logger.warning("%s: %s", path, report)
        if drawing:
            logger.warning("%s: %s", path, drawing)

    def _prepare_split_single(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from super()._prepare_split_single(*args, **kwargs)
        except DatasetGenerationError as error:
            # `datasets` hides what is wrong with a file behind "An error occurred while generating the dataset".
            if isinstance(error.__cause__, InputError):
                raise error.__cause__ from None
            raise


def code_digest() -> str:
    """A digest of the code that makes rows: 20 files, 1 ms."""
    package = os.path.dirname(os.path.dirname(__file__))
    found = []
    for name in _CODE:
        path = os.path.join(package, name)
        below = [os.path.join(folder, file) for folder, _, files in os.walk(path) for file in files]
        found += [path] if os.path.isfile(path) else [file for file in below if file.endswith((".py", ".jsonl"))]
    return digest(sorted(found))


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
