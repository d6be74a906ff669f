"""`Pages`: a column of pages that stores their text and draws them when a row is read.

Drawing is deterministic, so a text and a render configuration are as good as the pages. A row of the SQuALITY dev set
at the preset `paper` (44 pages) takes 32 kB in Arrow and 4.6 kB in Parquet in place of 1.2 MB, and is built 50 times
and read 14 (shuffled) to 25 times (in order) as fast: drawing a page costs less than decoding its PNG
(tests/benchmarks/bench_builder.py). The price: a reader needs `t2vid_hf`, and the versions of renderer and fonts that
made the set. A row therefore carries the renderer's version and its number of pages, and a reader that would draw
others raises instead.

There is no `embed_storage`: nothing is outside the table, and `datasets` 5.2 writes a Parquet column that has the
method without compression and without dictionary, at 7 times the size.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from t2vid_hf.errors import InputError
from t2vid_hf.schema import features

# Imported where they are used: reading a data set without pages loads no fonts and no ICU; and `datasets`, whose import
# registers `Pages`, must find this module whole.
if TYPE_CHECKING:
    import PIL.Image
    from datasets import Features

    from t2vid_hf.rendering import RenderConfig, RenderedPages


@dataclass
class Pages:
    """A feature type of `datasets`, registered by `t2vid_hf.data.registration`: pages drawn on access.

    Reading a row gives a `list[PIL.Image.Image]` of mode `L`, drawn from what Arrow holds:
    `{"text", "config" (JSON), "renderer" (version), "num_pages", "drawn"}`. `drawn` is null, except where a row was
    given images in place of a text (real video has none, `map` may hand back changed pages): there it holds them as
    image files, and nothing is drawn.

    `map` (`datasets` 5.2) writes back the columns that its function looked at, so a function that reads
    `row["images"]` stores the pages drawn; `map(f, input_columns="images")` leaves the text in place, and columns that
    nobody touches stay as they are. To have all pages drawn, once and for readers without this package:
    `dataset.map(lambda row: {"images": row["images"]}, features=t2vid_hf.schema.features())`.

    Args:
        decode (`bool`, *optional*, defaults to `True`): Whether a row hands out the pages; `False` hands out what Arrow
            holds.
        id (`str`, *optional*): A name for the feature, which `datasets` keeps for every type and does not use.

    Example:

    ```python
    >>> from datasets import Dataset
    >>> from t2vid_hf.data.pages import lazy_features
    >>> from t2vid_hf.data.synthesis import synthesize
    >>> from t2vid_hf.rendering import RenderConfig
    >>> from t2vid_hf.sources import SAMPLE, read
    >>> rows = synthesize(read(SAMPLE), RenderConfig.preset("paper"), render="lazy")
    >>> dataset = Dataset.from_list(list(rows), lazy_features())
    >>> dataset[0]["num_frames"] == len(dataset[0]["images"]), dataset[0]["images"][0].size
    (True, (448, 448))

    ```
    """

    decode: bool = True
    id: str | None = field(default=None, repr=False)
    pa_type: ClassVar[Any] = pa.struct(
        {
            "text": pa.string(),
            "config": pa.string(),
            "renderer": pa.int32(),
            "num_pages": pa.int32(),
            "drawn": pa.list_(pa.binary()),
        }
    )
    # `datasets` finds the class by this name in the metadata of a file
    _type: str = field(default="Pages", init=False, repr=False)

    def __call__(self) -> pa.DataType:
        """The type in Arrow."""
        return self.pa_type

    def encode_example(self, value: Any) -> dict[str, Any]:
        """What Arrow holds of a value: what [`describe`] made, or a list of images (PIL, or `{"bytes", "path"}`)."""
        if isinstance(value, Mapping):
            return {name: value.get(name) for name in self._names()}
        return {**dict.fromkeys(self._names()), "drawn": [_file_bytes(image) for image in value]}

    def decode_example(
        self, value: Any, token_per_repo_id: dict[str, str | bool | None] | None = None
    ) -> "list[PIL.Image.Image]":
        """Draw the pages.

        Args:
            value (`dict` or `list`): What Arrow holds of a row; a list is pages that are drawn already.
            token_per_repo_id (`dict`, *optional*): Given by `datasets` to every type; not used.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the pages were described by another version of the renderer, or with
                fonts that break the text into another number of pages.
        """
        if isinstance(value, list):
            return value
        if value["drawn"] is not None:
            from t2vid_hf.video.stills import open_picture, upright

            return [upright(open_picture(data)) for data in value["drawn"]]
        return _draw_pages(value)

    def cast_storage(self, storage: pa.Array) -> pa.StructArray:
        """Cast an Arrow array: a struct with our fields or some of them, or lists of image structs."""
        if pa.types.is_null(storage.type):
            return pa.nulls(len(storage), self.pa_type)
        if pa.types.is_struct(storage.type) and {item.name for item in storage.type} <= set(self._names()):
            given = {item.name for item in storage.type}
            children = [
                storage.field(item.name).cast(item.type) if item.name in given else pa.nulls(len(storage), item.type)
                for item in self.pa_type
            ]
            return pa.StructArray.from_arrays(children, fields=list(self.pa_type), mask=storage.is_null())
        if pa.types.is_list(storage.type) or pa.types.is_large_list(storage.type):
            values = [None if item is None else self.encode_example(item) for item in storage.to_pylist()]
            return pa.array(values, self.pa_type)
        raise TypeError(f"cannot make pages of an Arrow array of {storage.type}")

    def flatten(self) -> Any:
        """The fields of the storage, where nothing is decoded."""
        from datasets import Features

        return self if self.decode else dict(Features.from_arrow_schema(pa.schema(list(self.pa_type))))

    @classmethod
    def _names(cls) -> list[str]:
        return [item.name for item in cls.pa_type]


def lazy_features() -> "Features":
    """The columns of [`~t2vid_hf.schema.Row`], its images as `Pages`."""
    from datasets import Features

    return Features({**features(), "images": Pages()})


def describe(text: str, config: "RenderConfig") -> dict[str, Any]:
    """What a row of `Pages` holds of a text.

    Args:
        text (`str`): The text to draw.
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the text cannot be drawn.

    Example:

    ```python
    >>> from t2vid_hf.data.pages import describe
    >>> from t2vid_hf.rendering import RenderConfig
    >>> describe("The keeper wound the clock. " * 60, RenderConfig.preset("paper"))["num_pages"]
    3

    ```
    """
    from t2vid_hf.rendering import TextRenderer
    from t2vid_hf.rendering.config import RENDERER_VERSION

    return {
        "text": text,
        "config": config.to_json(),
        "renderer": RENDERER_VERSION,
        "num_pages": len(TextRenderer(config).char_spans(text)),
        "drawn": None,
    }


def _draw_pages(value: Mapping[str, Any]) -> "list[PIL.Image.Image]":
    from t2vid_hf.rendering.config import RENDERER_VERSION

    cure = "install the versions that made the data set, or make it again"
    if value["renderer"] != RENDERER_VERSION:
        raise InputError(
            f"the pages are described for version {value['renderer']} of the renderer, and this t2vid_hf has version "
            f"{RENDERER_VERSION}, which draws others: {cure}"
        )
    pages = _render(value["config"], value["text"])
    if len(pages.char_spans) != value["num_pages"]:
        raise InputError(
            f"the text takes {len(pages.char_spans)} pages here and took {value['num_pages']} where the data set was "
            f"made, so fonts or ICU differ: {cure}"
        )
    return pages.images()


# One text: the questions about it follow one another, and a text of 500 pages takes 100 MB. The frames are kept, never
# the images, so that a caller who paints on a page paints on a copy.
@lru_cache(maxsize=1)
def _render(config: str, text: str) -> "RenderedPages":
    from t2vid_hf.rendering import RenderConfig, TextRenderer

    return TextRenderer(RenderConfig.from_json(config)).render(text)


def _file_bytes(image: Any) -> bytes:
    from datasets import Image

    stored = image if isinstance(image, Mapping) else Image().encode_example(image)
    return Path(stored["path"]).read_bytes() if stored["bytes"] is None else stored["bytes"]
