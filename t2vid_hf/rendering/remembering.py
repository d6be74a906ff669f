"""An atlas between processes: what one has drawn, the next one finds drawn.

A file for each size and face of type, beside the object code of the loops, named by all that its pixels depend on: this
package's code, HarfBuzz, the fonts. An atlas is written before the next text whenever a third of it is new, so that a
process writes at most three times what it draws, wherever it ends; a file that holds more already stays.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import uharfbuzz as hb

from t2vid_hf._object_cache import find, keep
from t2vid_hf.rendering.fonts import font_files

if TYPE_CHECKING:
    from t2vid_hf.rendering.atlas import Atlas

# An atlas with more bytes of bitmaps stays with its process.
MOST_BYTES = 8 * 2**20
# One with fewer that are new is not written.
LEAST_BYTES = 2**15
_SLOTS = ("kind", "symbol", "advance", "kern_row", "glyphs")


class Memory:
    """The file of an atlas.

    Args:
        **depends (`Any`): All of its configuration that its pixels depend on.
    """

    def __init__(self, **depends: Any) -> None:
        parts = json.dumps([_drawing(), depends], sort_keys=True)
        self._name = f"atlas-{hashlib.blake2b(parts.encode(), digest_size=12).hexdigest()}.bin"
        self._kept = 0

    def recall(self, atlas: "Atlas") -> None:
        """Give an empty atlas what the file holds."""
        content = find(self._name)
        if content is None:
            return
        tables = _read(content)
        for name in _SLOTS:
            setattr(atlas, name, tables[name])
        atlas.bitmaps = tables["bitmaps"]
        atlas.count, atlas.used = len(atlas.kind), len(atlas.bitmaps)
        atlas.codes = tables["codes"].tolist()
        atlas.slot_of[tables["codes"]] = tables["slots"]
        atlas.glyph_slots = dict(zip(tables["glyph_keys"].tolist(), tables["glyph_slots"].tolist(), strict=True))
        for direction, known in atlas.words_of.items():
            texts = tables[f"{direction}_words"].tobytes().decode("utf-8", "surrogatepass").split("\n")
            known.update(zip(texts, tables[f"{direction}_slots"].tolist(), strict=False))
        atlas.kerning.chars = ["", *tables["kerned"].tobytes().decode("utf-32-le", "surrogatepass")]
        atlas.kerning.rows = {char: row for row, char in enumerate(atlas.kerning.chars) if row}
        atlas.kerning.table = tables["kern"]
        atlas.in_cells = {tuple(key): slot for *key, slot in json.loads(tables["in_cells"].tobytes())}
        self._kept = atlas.used

    def keep(self, atlas: "Atlas") -> None:
        """Write an atlas, if a third of it is new."""
        if not max(LEAST_BYTES, 3 * self._kept // 2) <= atlas.used <= MOST_BYTES:
            return
        self._kept = atlas.used
        codes = np.array(atlas.codes, np.int64)
        tables = {name: getattr(atlas, name)[: atlas.count] for name in _SLOTS}
        tables |= {
            "bitmaps": atlas.bitmaps[: atlas.used],
            "codes": codes,
            "slots": atlas.slot_of[codes],
            "glyph_keys": np.array(list(atlas.glyph_slots), np.int64),
            "glyph_slots": np.array(list(atlas.glyph_slots.values()), np.int64),
            "kerned": np.frombuffer("".join(atlas.kerning.chars).encode("utf-32-le", "surrogatepass"), np.uint8),
            "kern": atlas.kerning.table,
            "in_cells": np.frombuffer(
                json.dumps([[*key, slot] for key, slot in atlas.in_cells.items()]).encode(), "u1"
            ),
        }
        for direction, known in atlas.words_of.items():
            # A word in parts is cut anew: its parts are words themselves.
            whole = {word: slot for word, slot in known.items() if slot > 0}
            tables[f"{direction}_words"] = np.frombuffer("\n".join(whole).encode("utf-8", "surrogatepass"), np.uint8)
            tables[f"{direction}_slots"] = np.array(list(whole.values()), np.int64)
        keep(self._name, _written(tables))


@cache
def _drawing() -> list[Any]:
    """What draws, and with what."""
    code = hashlib.blake2b(digest_size=12)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    fonts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in font_files()]
    return [code.hexdigest(), hb.__version__, fonts]


def _written(tables: dict[str, np.ndarray]) -> bytes:
    head = json.dumps([(name, table.dtype.str, table.shape) for name, table in tables.items()])
    return b"".join([head.encode(), b"\n", *(table.tobytes() for table in tables.values())])


def _read(content: bytes) -> dict[str, np.ndarray]:
    head, _, _ = content.partition(b"\n")
    tables, offset = {}, len(head) + 1
    for name, dtype, shape in json.loads(head):
        tables[name] = np.frombuffer(content, dtype, int(np.prod(shape)), offset).reshape(shape).copy()
        offset += tables[name].nbytes
    return tables
