"""Characters that a text may not hold.

NUL and lone surrogates are refused: a surrogate has no UTF-8 form, so no Parquet file can hold it. Other control
characters are taken. In a context they are drawn as boxes and counted; a question or an answer is given to a tokenizer,
which takes any. (SQuALITY's train file has a backspace in an answer.) Ids of samples and paths may hold none.
"""

import re
import unicodedata

# What is left out is white space to a reader: tab, line feed, vertical tab, form feed, carriage return, next line
_CONTROLS = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_NOT_STORED = re.compile("[\0\ud800-\udfff]")


def bad_character(text: str, *, controls: bool = True) -> str | None:
    """What is wrong with the first character that may not be there, or `None`.

    Args:
        text (`str`): Any text.
        controls (`bool`, *optional*, defaults to `True`): Whether it may hold control characters other than NUL.

    Example:

    ```python
    >>> from t2vid_hf.sources.refused_characters import bad_character
    >>> bad_character("a\\x07", controls=False)
    'character 1 is U+0007, a control character; take it out of the text'
    >>> bad_character("a\\x07")

    ```
    """
    match = (_NOT_STORED if controls else _CONTROLS).search(text)
    if match is None:
        return None
    code = ord(match[0])
    name, cure = "a control character", "take it out of the text"
    if unicodedata.category(match[0]) == "Cs":
        name, cure = "half of a surrogate pair", "write the pair, or take it out of the text"
    return f"character {match.start()} is U+{code:04X}, {name}; {cure}"
