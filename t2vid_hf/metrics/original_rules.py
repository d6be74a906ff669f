"""The original's rules, `parse_answer_with_llm.py` and `eval_vanilla.py` of T2Vid: mode `t2vid`.

Its prompt is cleaned with `str.strip(sentence)`, which takes a set of characters, and a question whose prompt does not
fall into two parts at "A. " leaves the score without a word: 2 of TempCompass's 1,580. Here they are listed. What no
rule matches went to Llama-3.1-8B; no judge runs here, and it is Z, its word for none: 16 of gemini's 1,578.
"""

import re

from t2vid_hf.metrics.asked import LETTERS, Asked, Outcome, Predicted, by_letter

# what it writes for a reply that names no option
NONE = "Z"
SUFFIX = "Answer with the option's letter from the given choices directly."
# A comma is missing behind two of nine, so that four phrases are two that no model says
_PHRASES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",
    "Best answer:Best option:",
    "Answer:",
)


def original_letter(reply: str) -> str | None:
    """The option that the original's rules take a reply for.

    Args:
        reply (`str`): What the model said.

    Returns:
        `str` or `None`: a letter, "A" to "E"; `None` where the original asks its judge.

    Example:

    ```python
    >>> from t2vid_hf.metrics.original_rules import original_letter
    >>> [original_letter(reply) for reply in ("It is B. up", "Answer: C", "A man", "up")]
    ['B', 'C', 'A', None]

    ```
    """
    text = reply.strip()
    for phrase in _PHRASES:
        text = text.replace(phrase, "").strip()
    match = re.search(r"[ABCDE](?=\.)", text) or re.search("[ABCDE]", text)
    return match[0] if match else None


def is_dropped(asked: Asked) -> bool:
    """Whether the original leaves a question out.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
    """
    if not asked.options:
        return False
    prompt = asked.prompt
    if not re.search(r"(^|\n)A\. ", prompt):
        listed = "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, asked.options, strict=False))
        prompt = f"{prompt}\n{listed}\n{SUFFIX}"
    # sets of characters, as the original has it
    cleaned = prompt.strip(SUFFIX).strip("Question:").strip()
    return len(cleaned.split("A. ")) != 2


def original_outcome(predicted: Predicted) -> Outcome:
    """What the original makes of a reply.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    letter = original_letter(predicted.reply or "") or NONE
    if predicted.parsed is None and is_dropped(predicted.asked):  # its parser has left them out of what it wrote
        return Outcome(False, None, None, dropped=True)
    found = predicted.parsed or letter
    if found == NONE:
        return Outcome(False, NONE, None, answered=False)
    return by_letter(predicted.asked, found, "rule" if found == letter else "judge")


def is_multiple_choice(asked: Asked) -> bool:
    """Whether the original could have asked a question: it knows no yes/no, no captions and no matching.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
    """
    return not asked.labels and not re.search(r"\n(Option|Sentence|Caption) [A1]: ", asked.prompt)
