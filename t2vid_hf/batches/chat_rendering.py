"""A conversation -> its text, through the model's chat template, with tools and their calls where it has a place.

A template passes over what it does not know without a word. A row that calls tools is therefore rendered once more
without each of them: where the text stays the same, nothing of it would be learned, and that is an error.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from t2vid_hf.errors import InputError
from t2vid_hf.schema import Message

Render = Callable[[Sequence[Message], bool], str]


def check_template(processor: Any) -> None:
    """Refuse a processor without a chat template.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it has none.
    """
    if processor.chat_template is None:
        raise InputError(
            f"{type(processor).__name__} has no chat template; set processor.chat_template, or give a chat model's "
            f"processor"
        )


def renderer(processor: Any, tools: str | None, *, key: Any = None) -> Render:
    """`render(messages, add_generation_prompt) -> str` for a row of these tools.

    Args:
        processor ([`~transformers.ProcessorMixin`]): With a chat template.
        tools (`str` or `None`): As a row has them, JSON of a list of schemas; `None` for none.
        key (`str`, *optional*): What errors call the row.

    Raises:
        [`~t2vid_hf.errors.InputError`]: when it is called: the template refuses the conversation.
    """
    given = {"tools": json.loads(tools)} if tools else {}

    def render(messages: Sequence[Message], add_generation_prompt: bool) -> str:
        chat = [with_fields(message) for message in messages]
        try:
            return processor.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=add_generation_prompt, **given
            )
        except TemplateError as error:
            raise InputError(
                f"row '{key}': the chat template refuses it: {error}; change the row, or set processor.chat_template"
            ) from None

    return render


def render_chats(
    processor: Any, conversations: Sequence[Sequence[Message]], tools: Sequence[str | None]
) -> Sequence[str]:
    """The texts of many conversations; at once, but for those with tools.

    Args:
        processor ([`~transformers.ProcessorMixin`]): With a chat template.
        conversations (`Sequence[Sequence[Message]]`): The conversations.
        tools (`Sequence[str | None]`): The tools of each, as rows have them.
    """
    if not conversations:
        return []
    if any(tools):
        return [renderer(processor, own)(messages, False) for own, messages in zip(tools, conversations, strict=True)]
    chats = [[with_fields(message) for message in messages] for messages in conversations]
    return processor.apply_chat_template(chats, tokenize=False)


def with_fields(message: Message) -> Mapping[str, Any]:
    """A turn as a chat template reads it: its `template_fields` are keys of its own.

    Args:
        message (`Message`): The turn.

    Example:

    ```python
    >>> from t2vid_hf.batches.chat_rendering import with_fields
    >>> with_fields({"role": "tool", "content": [], "template_fields": '{"name": "zoom"}'})
    {'role': 'tool', 'content': [], 'name': 'zoom'}

    ```
    """
    fields = message.get("template_fields")
    if "template_fields" not in message:
        return message
    return {"role": message["role"], "content": message["content"], **(json.loads(fields) if fields else {})}


def check_row(key: str, messages: Sequence[Message], tools: str | None, processor: Any) -> None:
    """Refuse a conversation that the assistant begins, and tools that the chat template passes over.

    Args:
        key (`str`): What errors call the row.
        messages (`Sequence[Message]`): Its turns.
        tools (`str` or `None`): Its tools, as JSON; `None` for none.
        processor ([`~transformers.ProcessorMixin`]): With a chat template.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is one of these.
    """
    first = next((message["role"] for message in messages if message["role"] != "system"), None)
    if first == "assistant":
        raise InputError(
            f"row '{key}' begins with the assistant, and there is nothing that it answers; put a user's turn before "
            f"it, or remove the row"
        )
    calls = [index for index, message in enumerate(messages) if "tool_calls" in with_fields(message)]
    answers = [index for index, message in enumerate(messages) if message["role"] == "tool"]
    if not (tools or calls or answers):
        return
    whole = renderer(processor, tools, key=key)(messages, False)
    without: list[tuple[str, Sequence[Any], str | None]] = [("tools", messages, None)] if tools else []
    for index in calls:
        silent = {"role": "assistant", "content": messages[index]["content"]}
        without.append(("tool_calls", [*messages[:index], silent, *messages[index + 1 :]], tools))
    for index in answers:
        without.append(("a turn of a tool", [*messages[:index], *messages[index + 1 :]], tools))
    for what, fewer, own in without:
        if _rendered(processor, fewer, own) == whole:
            raise InputError(
                f"row '{key}' has {what}, and the chat template has no place for tools, so it would be dropped; set "
                f"processor.chat_template to one that has, or remove the row"
            )


def _rendered(processor: Any, messages: Sequence[Any], tools: str | None) -> str | None:
    """The text, or `None` where the template refuses the conversation, as it may without its calls."""
    try:
        return renderer(processor, tools)(messages, False)
    except InputError:
        return None
