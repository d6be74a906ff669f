"""Which tokens are learned: where the assistant speaks in a rendered conversation."""

from collections.abc import Callable, Sequence

from t2vid_hf.errors import InputError
from t2vid_hf.schema import Message

IGNORED = -100
"""The label of a token that is not learned, as in PyTorch's cross entropy."""
LABELS = ("assistant", "all_text")
"""What can be learned of a row."""
Span = tuple[int, int]


def assistant_spans(messages: Sequence[Message], render: Callable[[Sequence[Message], bool], str]) -> list[Span]:
    """Where the assistant's turns stand in a rendered conversation, each with its end-of-turn token.

    Works for any chat template: a turn is what the template adds when the turn is added. No `{% generation %}` marker
    is needed.

    Args:
        messages (`Sequence[Message]`): The conversation.
        render (`Callable[[Sequence[Message], bool], str]`): What renders messages; its second argument says whether
            the beginning of a reply (`add_generation_prompt`) follows them.

    Returns:
        `list[tuple[int, int]]`: half-open character spans of `render(messages, False)`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the template rewrites earlier turns when a later one comes.

    Example:

    ```python
    >>> from t2vid_hf.batches.labels import assistant_spans
    >>> def render(messages, add_generation_prompt):
    ...     said = "".join(f"{each['role']}: {each['content']}|" for each in messages)
    ...     return said + ("assistant: " if add_generation_prompt else "")
    >>> messages = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "I."}]
    >>> [render(messages, False)[first:last] for first, last in assistant_spans(messages, render)]
    ['I.|']

    ```
    """
    whole = render(messages, False)
    spans = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, until = render(messages[:index], True), render(messages[: index + 1], False)
        if not until.startswith(before):
            # LLaVA-OneVision's template asks with "assistant\n" and answers with "assistant \n": what is spoken begins
            # behind the blanks of either.
            name = before.rstrip()
            before = until[: len(until) - len(until[len(name) :].lstrip())] if until.startswith(name) else before
        if not (whole.startswith(until.rstrip()) and until.startswith(before)):
            raise InputError(
                f"the chat template rewrites what comes before turn {index}, so the assistant's turns cannot be told "
                f"apart; give a template that renders a conversation turn by turn"
            )
        # What stands behind the end-of-turn token (a line break, mostly) is the template's, not the model's.
        spans.append((len(before), len(until.rstrip())))
    return spans
