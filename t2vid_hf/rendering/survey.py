"""The first look at a text's lines for what may be aligned, compiled: all that prose pays."""

from t2vid_hf._compiled import compiled

# What a line has: a gap, a bar or a plus, a sign of U+2500 to U+259F, more signs than letters and digits.
GAP, BAR, DRAWN, SIGNS = 1, 2, 4, 8


@compiled("int64(const uint32[], int32[,])")
def survey(codes, found):  # type: ignore[no-untyped-def]
    """Find the lines that may be aligned; return how many.

    Args:
        codes (`np.ndarray` of shape `(n,)`, uint32): The code point of each character.
        found (`np.ndarray` of shape `(n // 2 + 2, 4)`, int32): Written: the number of each such line, its start, its
            end before what ends it, and which of `GAP`, `BAR`, `DRAWN` and `SIGNS` it has.
    """
    n = codes.shape[0]
    count = number = start = 0
    while start < n:
        marks = letters = signs = blanks = 0
        tab = False
        before = 0  # the last sign, and the last but one
        earlier = 0
        end = start
        while end < n:
            code = codes[end]
            if code == 32:
                blanks += 1
            elif code == 9:
                tab = True
            elif 10 <= code <= 13 or code == 0x85 or code == 0x2028 or code == 0x2029:
                break
            elif code > 0x9F and (
                code == 0xA0
                or code == 0x1680
                or 0x2000 <= code <= 0x200A
                or code == 0x202F
                or code == 0x205F
                or code == 0x3000
            ):
                blanks += 1
            else:
                if blanks > 1 and before > 0 and not tab:
                    stop = before
                    if stop == 34 or stop == 39 or stop == 41 or stop == 93 or stop == 0x201D or stop == 0x2019:
                        stop = earlier
                    if blanks > 2 or not (stop == 46 or stop == 33 or stop == 63):
                        marks |= GAP
                last = 0 if blanks > 0 or tab else before
                if blanks > 0 or tab:
                    blanks = 0
                    tab = False
                    earlier = 0
                else:
                    earlier = before
                before = code
                if code < 128 and not (48 <= code <= 57 or 65 <= code <= 90 or 97 <= code <= 122):
                    signs += 1
                    if code == 124 or code == 43 or code == 45 and (last == 96 or last == 92):
                        marks |= BAR
                elif 0x2500 <= code <= 0x259F:
                    marks |= DRAWN
                    signs += 1
                else:
                    letters += 1
            end += 1
        if signs > 1 and signs > letters:
            marks |= SIGNS
        if marks:
            found[count, 0] = number
            found[count, 1] = start
            found[count, 2] = end
            found[count, 3] = marks
            count += 1
        number += 1
        start = end + 1
        if end + 1 < n and codes[end] == 13 and codes[end + 1] == 10:
            start += 1
    return count
