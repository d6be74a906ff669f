"""The inner loop of drawing, compiled: bitmaps from the atlas onto pages. A page of 115 words takes 15 us.

A row of a glyph is one vector instruction of 16 pixels. The same loop pixel by pixel takes 220 us, and as a loop that
LLVM is to turn into vectors 110 us, because it cannot know that page and atlas do not overlap.
"""

from typing import Any

import numpy as np

from t2vid_hf._compiled import compiled
from t2vid_hf.rendering.slots import STRIP_PX, UNIT


def _darken_strip(page, at, bitmaps, source):  # type: ignore[no-untyped-def]
    """Darken 16 pixels of a page by 16 of a bitmap. [`draw`] is compiled with [`_vector_instruction`] in its place."""
    page[at : at + STRIP_PX] = np.minimum(page[at : at + STRIP_PX], bitmaps[source : source + STRIP_PX])


def _vector_instruction() -> Any:
    """`_darken_strip` as one vector instruction, for numba."""
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def darken_strip(typing_context: Any, page: Any, at: Any, bitmaps: Any, source: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = ir.VectorType(ir.IntType(8), STRIP_PX).as_pointer()
            page_type, _, bitmaps_type, _ = signature.args
            page_data = context.make_array(page_type)(context, builder, arguments[0]).data
            bitmaps_data = context.make_array(bitmaps_type)(context, builder, arguments[2]).data
            target = builder.bitcast(builder.gep(page_data, [arguments[1]]), vector)
            ink = builder.load(builder.bitcast(builder.gep(bitmaps_data, [arguments[3]]), vector), align=1)
            paper = builder.load(target, align=1)
            builder.store(builder.select(builder.icmp_unsigned("<", ink, paper), ink, paper), target, align=1)
            return context.get_dummy_value()

        return types.void(page, types.intp, bitmaps, types.intp), generate

    return darken_strip


@compiled(
    "void(uint8[], const int64[], const int32[], const int32[], const int32[,], const uint8[], const int32[,], int64)",
    _darken_strip=_vector_instruction,
)
def draw(frames, shape, slots, x, glyphs, bitmaps, lines, origin):  # type: ignore[no-untyped-def]
    """Draw lines on pages: the darker of paper and ink. Whatever its metrics say, a glyph stays inside its page.

    Args:
        frames (`np.ndarray` of shape `(pages * height * width + 16,)`, uint8): Written: the pages. A strip may read
            and write back, unchanged, up to 15 bytes after them.
        shape (`np.ndarray` of shape `(2,)`, int64): Height and width of a page in pixels.
        slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character.
        x (`np.ndarray` of shape `(n,)`, int32): Where each character stands, in `UNIT`s from the left margin.
        glyphs (`np.ndarray` of shape `(slots, 7)`, int32): For each slot the offset of its bitmap, rows, strips,
            columns, left, top, phases.
        bitmaps (`np.ndarray` of shape `(m,)`, uint8): The ink of all slots, a strip of 16 columns after the other;
            255 is no ink.
        lines (`np.ndarray` of shape `(lines, 4)`, int32): Start and end of each line in the text, page, base line.
        origin (`int`): Left margin in `UNIT`s.
    """
    height, width = shape[0], shape[1]
    size = height * width
    filled = 0
    for line in range(lines.shape[0]):
        page = lines[line, 2]
        while filled <= page:
            frames[filled * size : (filled + 1) * size] = 255
            filled += 1
        base = lines[line, 3]
        for i in range(lines[line, 0], lines[line, 1]):
            glyph = glyphs[slots[i]]
            rows = glyph[1]
            if rows == 0:
                continue
            strips = glyph[2]
            source = np.int64(glyph[0])
            position = np.int64(x[i]) + origin
            if glyph[6] == 4:
                quarter = (position + UNIT // 8) // (UNIT // 4)
                column = quarter >> 2
                source += (quarter & 3) * rows * strips * STRIP_PX
            else:
                column = (position + UNIT // 2) // UNIT
            column = max(0, min(column + glyph[4], width - glyph[3]))
            top = max(0, min(base - glyph[5], height - rows))
            for strip in range(strips):
                at = page * size + top * width + column + strip * STRIP_PX
                for _ in range(rows):
                    _darken_strip(frames, at, bitmaps, source)
                    source += STRIP_PX
                    at += width
