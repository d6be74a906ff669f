"""Mode `t2vid_hf`: one matcher for every benchmark. No answer is no answer, and counts as wrong; so does no reply."""

from t2vid_hf.metrics.answers import extract_choice
from t2vid_hf.metrics.asked import LETTERS, Outcome, Predicted, by_letter


def matched_outcome(predicted: Predicted) -> Outcome:
    """What the matcher makes of a reply.

    MVBench's own files hold no options: there only the right one's text is known, and of the others the letters.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.

    Example:

    ```python
    >>> from t2vid_hf.metrics.asked import Asked, Predicted
    >>> from t2vid_hf.metrics.matched import matched_outcome
    >>> asked = Asked("1", "v", "direction", "Where?", ("up", "down"), "B")
    >>> [matched_outcome(Predicted(asked, reply)).correct for reply in ("(B) down", "Down.", "", "up")]
    [True, True, False, False]

    ```
    """
    asked, reply = predicted.asked, (predicted.reply or "").strip()
    if not reply:
        return by_letter(asked, None)
    options = asked.options
    if not options:
        right = asked.facts.get("right", "")
        text = right.partition(" ")[2] or right
        options = tuple(text if letter == asked.answer else f"option {letter}" for letter in LETTERS[:5])
    return by_letter(asked, extract_choice(reply, options))
