"""Characters that a text may not hold.

A context is drawn, and no font has a glyph for a control character; a question or an answer is given to a tokenizer,
which takes any. (SQuALITY's train file has a backspace in an answer.) NUL and lone surrogates are refused in both: a
surrogate has no UTF-8 form, so no Parquet file can hold it.
"""

import re
import unicodedata

# What is left out is white space to a reader: tab, line feed, vertical tab, form feed, carriage return, next line
_NOT_DRAWN = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_NOT_STORED = re.compile("[\0\ud800-\udfff]")


def bad_character(text: str, *, drawn: bool) -> str | None:
    """What is wrong with the first character that may not be there, or `None`.

    Args:
        text (`str`): Any text.
        drawn (`bool`): Whether it is drawn, so that control characters are refused too.

    Example:

    ```python
    >>> from t2vid_hf.sources.refused_characters import bad_character
    >>> bad_character("a\\x07", drawn=True)
    'character 1 is U+0007, a control character; take it out of the text'
    >>> bad_character("a\\x07", drawn=False)

    ```
    """
    match = (_NOT_DRAWN if drawn else _NOT_STORED).search(text)
    if match is None:
        return None
    code = ord(match[0])
    name, cure = "a control character", "take it out of the text"
    if unicodedata.category(match[0]) == "Cs":
        name, cure = "half of a surrogate pair", "write the pair, or take it out of the text"
    elif code >= 0x80:
        cure = "Windows-1252 read as Latin-1 has such characters: give encoding='cp1252', or take it out of the text"
    return f"character {match.start()} is U+{code:04X}, {name}; {cure}"
