"""The loops that make bitmaps, compiled: filled outlines to glyphs, and glyphs to words.

A bitmap is a record `(offset, rows, strips, columns, left, top, phases)` and its pixels: for each phase (moved right by
none to three quarters of a pixel) strips of 16 columns, one after the other, 255 without ink. `left` counts pixels from
the pen to the first column, `top` from the base line up to the first row.
"""

import numpy as np

from t2vid_hf._compiled import compiled
from t2vid_hf.rendering.slots import QUARTERS, STRIP_PX, UNIT

# Grey levels of a bitmap: 16 instead of 256 make a PNG a sixth smaller and cost tesseract nothing.
_LEVEL = 17
_SHIFT = 4  # 2**4 is STRIP_PX


@compiled("void(const uint8[], const int64[,], const int32[,], uint8[])")
def settle(levels, boxes, records, bitmaps):  # type: ignore[no-untyped-def]
    """Turn filled outlines into bitmaps: the mean of four quarter pixels, from each position.

    Args:
        levels (`np.ndarray` of shape `(m,)`, uint8): Ink; see [`~t2vid_hf.rendering.raster.Ink`].
        boxes (`np.ndarray` of shape `(n, 6)`, int64): Where it lies.
        records (`np.ndarray` of shape `(n, 7)`, int32): The record of each bitmap.
        bitmaps (`np.ndarray` of shape `(k,)`, uint8): Written: their pixels.
    """
    for n in range(boxes.shape[0]):
        source, width, height, stride = boxes[n, 0], boxes[n, 1], boxes[n, 2], boxes[n, 3]
        rows, strips, phases = records[n, 1], records[n, 2], records[n, 6]
        shift = boxes[n, 4] - QUARTERS * records[n, 4]
        at = np.int64(records[n, 0])
        for phase in range(phases):
            for strip in range(strips):
                for row in range(rows):
                    line = source + (height - 1 - row) * stride
                    first = QUARTERS * strip * STRIP_PX - phase - shift
                    for column in range(STRIP_PX):
                        ink = 0
                        for quarter in range(first + QUARTERS * column, first + QUARTERS * column + QUARTERS):
                            if 0 <= quarter < width:
                                ink += levels[line + quarter]
                        level = (ink + 2 * _LEVEL) // (4 * _LEVEL)
                        bitmaps[at] = 255 - level * _LEVEL
                        at += 1


@compiled("void(const int64[], const int64[], const int64[], const int64[], const int32[,], int64[,])")
def bound(starts, slots, x, y, glyphs, boxes):  # type: ignore[no-untyped-def]
    """The box of each word's ink.

    Args:
        starts (`np.ndarray` of shape `(words + 1,)`, int64): Where each word's glyphs begin.
        slots (`np.ndarray` of shape `(n,)`, int64): The slot of each glyph.
        x (`np.ndarray` of shape `(n,)`, int64): Where it stands, in `UNIT`s right of the word's pen.
        y (`np.ndarray` of shape `(n,)`, int64): Where it stands, in pixels above the base line.
        glyphs (`np.ndarray` of shape `(slots, 7)`, int32): The records of the slots.
        boxes (`np.ndarray` of shape `(words, 4)`, int64): Written: left, right, bottom and top in pixels, from the pen
            and up from the base line; zeros where there is no ink.
    """
    for word in range(boxes.shape[0]):
        some = False
        left = right = bottom = top = np.int64(0)
        for i in range(starts[word], starts[word + 1]):
            glyph = glyphs[slots[i]]
            if glyph[1] == 0:
                continue
            first = ((x[i] + UNIT // (2 * QUARTERS)) // (UNIT // QUARTERS) >> 2) + glyph[4]
            high = y[i] + glyph[5]
            if some:
                left, right = min(left, first), max(right, first + glyph[3])
                bottom, top = min(bottom, high - glyph[1]), max(top, high)
            else:
                some = True
                left, right, bottom, top = first, first + np.int64(glyph[3]), high - glyph[1], high
        boxes[word, 0] = left
        boxes[word, 1] = right
        boxes[word, 2] = bottom
        boxes[word, 3] = top


@compiled("void(const int64[], const int64[], const int64[], const int64[], const int32[,], const int32[,], uint8[])")
def compose(starts, slots, x, y, glyphs, records, bitmaps):  # type: ignore[no-untyped-def]
    """Draw words from their glyphs; where two glyphs meet within a pixel their ink adds up.

    Args:
        starts (`np.ndarray` of shape `(words + 1,)`, int64): As for [`bound`], as the next four.
        slots (`np.ndarray` of shape `(n,)`, int64): The slot of each glyph.
        x (`np.ndarray` of shape `(n,)`, int64): Where it stands, in `UNIT`s right of the word's pen.
        y (`np.ndarray` of shape `(n,)`, int64): Where it stands, in pixels above the base line.
        glyphs (`np.ndarray` of shape `(slots, 7)`, int32): The records of the slots.
        records (`np.ndarray` of shape `(words, 7)`, int32): The record of each word; one phase.
        bitmaps (`np.ndarray` of shape `(k,)`, uint8): The pixels of all slots; the words' are written.
    """
    for word in range(records.shape[0]):
        offset, height, strips = np.int64(records[word, 0]), records[word, 1], records[word, 2]
        left, top = records[word, 4], records[word, 5]
        bitmaps[offset : offset + height * strips * STRIP_PX] = 255
        for i in range(starts[word], starts[word + 1]):
            glyph = glyphs[slots[i]]
            rows = glyph[1]
            quarter = (x[i] + UNIT // (2 * QUARTERS)) // (UNIT // QUARTERS)
            column = (quarter >> 2) + glyph[4] - left
            row = top - y[i] - glyph[5]
            source = np.int64(glyph[0]) + (quarter & 3) * rows * glyph[2] * STRIP_PX
            for strip in range(glyph[2]):
                first = column + strip * STRIP_PX
                for r in range(row, row + rows):
                    for c in range(min(STRIP_PX, glyph[3] - strip * STRIP_PX)):
                        to = first + c
                        at = offset + (((to >> _SHIFT) * height + r) << _SHIFT) + (to & (STRIP_PX - 1))
                        ink = np.int64(bitmaps[at]) + bitmaps[source + c] - 255
                        bitmaps[at] = max(0, ink)
                    source += STRIP_PX
