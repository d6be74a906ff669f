"""What of a reply is its answer: without thoughts, tags, mark-up, and what a model went on writing behind it.

A reader looks into the box that a model drew: `\\boxed{}`, `<answer>`, a JSON field. An empty box holds no answer, and
thoughts that never ended hold none either, however sure they sound.
"""

import re
import unicodedata

_THOUGHTS = r"think(?:ing)?|reason(?:ing)?|thought|analysis|reflection|scratchpad|explanation"
_THOUGHT_PAIR = re.compile(rf"[<◁](?P<name>{_THOUGHTS})[>▷].*?[<◁]/(?P=name)[>▷]", re.DOTALL | re.IGNORECASE)
_THOUGHT_OPEN = re.compile(rf"[<◁](?:{_THOUGHTS})[>▷].*", re.DOTALL | re.IGNORECASE)
_THOUGHT_END = re.compile(rf"[<◁]/(?:{_THOUGHTS})[>▷]", re.IGNORECASE)
_TAGGED = re.compile(
    r"(?:<(?P<name>(?:final[_ ]?)?(?:answer|choice|option))>|<\|begin_of_box\|>)"
    r"(.*?)(?:</(?:final[_ ]?)?(?:answer|choice|option)>|<\|end_of_box\|>|$)",
    re.DOTALL | re.IGNORECASE,
)
_BOXED = re.compile(r"\\f?boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_FIELD = re.compile(
    r"[\"'](?:final|correct|best|selected)?[_ ]?(?:answer|choice|option|prediction)(?:[_ ](?:letter|id))?[\"']\s*:\s*"
    r"(?:\"([^\"]*)\"|'([^']*)'|\[([^\]]*)\]|\{([^}]*)\}|([^,}\s\[{\"']+))",
    re.IGNORECASE,
)
# what stands behind it is another turn, or another question that the model asks itself
_END = re.compile(r"<\|(?:im_end|eot_id|endoftext|end|eos)\|>|</s>|<eos>|<end_of_turn>")
_NEXT_TURN = re.compile(r"\n\W{0,8}(?:user|human|assistant|question|q|options)\s*:", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|?/?[A-Za-z_][\w ]+\|?/?>|</?[a-z]>|</[A-Z]>")
_LATEX = re.compile(r"\\(?:text(?:bf|it|rm)?|mathbf|mathrm|mathbf)\s*\{([^{}]*)\}")
_MARKS = re.compile(r"\*+|__+|`+|\$(?!\d)|\\[()\[\]]|^[ \t]*(?:#+|>)[ \t]+|\|", re.MULTILINE)
_ARROW = re.compile(r"[➡⟶⇒➜➔]|(?<=\s)[-=]+>(?=\s)")
_HEAD, _TAIL = 1000, 3000  # characters; 650 words in all
_TABLE_ROW = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
_ROLE = re.compile(r"^\s*(?:assistant|model)\s*[:\n]\s*", re.IGNORECASE)


def answer_text(reply: str) -> str:
    """The part of a reply that holds its answer, as plain text.

    Args:
        reply (`str`): What a model said.

    Example:

    ```python
    >>> from t2vid_hf.metrics.reply_text import answer_text
    >>> answer_text("<think>A? No.</think> The answer is **B**."), answer_text('{"answer": "C", "why": "..."}')
    ('The answer is B.', 'C')
    >>> answer_text("<think>Perhaps it is A")
    ''

    ```
    """
    text = "".join(sign for sign in unicodedata.normalize("NFKC", reply) if unicodedata.category(sign) != "Cf")
    text = _ARROW.sub("→", text.replace("\ufe0f", ""))
    text = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u201c", '"').replace("\u201d", '"')
    if _THOUGHT_END.search(text):
        text = _THOUGHT_END.split(_THOUGHT_PAIR.sub("", text))[-1]
    text = _THOUGHT_OPEN.sub("", text)
    text = _ROLE.sub("", _before(_END, text))
    return _ends(_plain(_boxed(text)).strip())


def _ends(text: str) -> str:
    """A text, or of one beyond all measure its beginning and its end, where an answer stands."""
    if len(text) <= _HEAD + _TAIL:
        return text
    return re.sub(r"\S+$", "", text[:_HEAD]) + "\n" + re.sub(r"^\S+", "", text[-_TAIL:])


def _before(end: re.Pattern[str], text: str) -> str:
    """A text up to where something else begins, if anything stands before it."""
    for match in end.finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()]
    return text


def _boxed(text: str) -> str:
    """What stands in the box of an answer; the whole text where there is none."""
    tagged = [match[2] for match in _TAGGED.finditer(text)]
    if tagged:
        text = "\n".join(tagged)  # two that differ are two answers
    boxed = _BOXED.findall(text)
    if boxed:
        return str(boxed[-1])
    fields = [next((part for part in match.groups() if part is not None), "") for match in _FIELD.finditer(text)]
    if fields:
        return "" if fields[-1].casefold() in ("null", "none") else fields[-1].replace('"', "").replace("'", "")
    return _before(_NEXT_TURN, text)


def _plain(text: str) -> str:
    return _MARKS.sub("", _SPECIAL.sub(" ", _LATEX.sub(r"\1", _TABLE_ROW.sub(_row, text))))


def _row(row: re.Match[str]) -> str:
    """A row of a table as a line of a list: its first cell, a colon, the others."""
    cells = [cell.strip() for cell in row[1].split("|") if cell.strip(" \t:-")]
    return ": ".join([*cells[:1], " – ".join(cells[1:])]) if cells else ""
