"""The conversation of a row, whichever way its set writes it: turns with one name for each role.

Taken are `messages` and `prompt` with `completion` as TRL has them, and `conversations` as LLaMA-Factory and LLaVA have
them (ShareGPT); in each, turns are `{"role", "content"}` or `{"from", "value"}`. A key of a turn or a column that says
something which cannot be taken is an error: what is learned must be what the set says.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from t2vid_hf.errors import InputError, unknown

_CALL = "call"  # a turn that is nothing but a call of a tool
ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "tool": "tool",
    "observation": "tool",
    "tool_response": "tool",
    "function_call": _CALL,
    "tool_call": _CALL,
}
"""A set's name of a role -> ours; the last two are what LLaMA-Factory and ms-swift write for a call."""
TEMPLATE_FIELDS = ("tool_calls", "name", "tool_call_id")
"""Keys of a turn that chat templates read, beside its role and content."""
REFUSED = {
    "audio": "there is no model for sound here",
    "audios": "there is no model for sound here",
    "objects": "boxes cannot be filled in here: write them into the text",
    "chosen": "preferences cannot be learned here",
    "rejected": "preferences cannot be learned here",
    "rejected_response": "preferences cannot be learned here",
    "chat_template_kwargs": "every row is rendered alike: set them in the chat template",
}
"""Columns that change what a row teaches and cannot be taken -> why."""


class Turn(NamedTuple):
    """One turn as its set has it.

    Args:
        role (`str`): "system", "user", "assistant" or "tool".
        content (`Any`): A text, a list of blocks, or `None` where the turn only calls tools.
        fields (`dict`): What the turn has of `TEMPLATE_FIELDS`.
    """

    role: str
    content: Any
    fields: dict[str, Any]


def read_turns(row: Mapping[str, Any], name: Any) -> tuple[list[Turn], int | None]:
    """The turns of a row, and the first that may be learned.

    Args:
        row (`Mapping[str, Any]`): The row.
        name (`Any`): What errors call it.

    Returns:
        `tuple[list[Turn], int | None]`: the turns; the number of the first turn of the completion, where the prompt has
        a turn of the assistant that must not be learned.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no conversation, an unknown role, a key or column that cannot be taken, or the
            assistant speaks first.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.turn_shapes import read_turns
    >>> row = {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}
    >>> [(turn.role, turn.content) for turn in read_turns(row, "a")[0]]
    [('user', 'Why?'), ('assistant', 'So.')]

    ```
    """
    for column, why in REFUSED.items():
        if not _is_empty(row.get(column)):
            raise InputError(f"row '{name}' has '{column}', and {why}; remove the column, or the row")
    learn_from = None
    if row.get("messages") and row.get("conversations"):
        raise InputError(f"row '{name}' has 'messages' and 'conversations'; keep the one that is to be learned")
    if row.get("messages") or row.get("conversations"):
        turns = _turns(row.get("messages") or row["conversations"], None, name)
    elif row.get("prompt") and row.get("completion"):
        prompt = _turns(row["prompt"], "user", name)
        turns = prompt + _turns(row["completion"], "assistant", name)
        if any(turn.role == "assistant" for turn in prompt):
            learn_from = len(prompt)
    else:
        raise InputError(
            f"row '{name}' has neither 'messages' nor 'prompt' and 'completion' nor 'conversations' with something in "
            f"them; its columns are {', '.join(row)}: rename them to these, or remove the row"
        )
    system = row.get("system")
    if isinstance(system, str) and system:
        if turns[0].role == "system" and turns[0].content != system:
            raise InputError(f"row '{name}' has a column 'system' and another system turn; keep one of them")
        if turns[0].role != "system":
            turns.insert(0, Turn("system", system, {}))
            learn_from = None if learn_from is None else learn_from + 1
    first = next((turn.role for turn in turns if turn.role != "system"), None)
    if first == "assistant":
        raise InputError(
            f"row '{name}' begins with the assistant, and there is nothing that it answers; put a user's turn before "
            f"it, or remove the row"
        )
    return turns, learn_from


def read_tools(row: Mapping[str, Any], name: Any) -> str | None:
    """The column `tools` as JSON: a list of schemas; `None` where there are none.

    Args:
        row (`Mapping[str, Any]`): The row; `tools` is a list of schemas, or JSON of one.
        name (`Any`): What errors call it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is something else.
    """
    given = row.get("tools")
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given)
        except json.JSONDecodeError as error:
            raise InputError(
                f"row '{name}': 'tools' is a text that is no JSON ({error}); give a list of schemas"
            ) from None
    if _is_empty(given) or (isinstance(given, str) and not given.strip()):
        return None
    if not isinstance(given, list) or not all(isinstance(tool, Mapping) for tool in given):
        raise InputError(
            f"row '{name}': 'tools' is of type {type(given).__name__}; give a list of schemas, or its JSON"
        )
    return json.dumps(_without_none(given), ensure_ascii=False)


def _turns(given: Any, role: str | None, name: Any) -> list[Turn]:
    """The turns of a list of them, or of a text where that has a role."""
    if isinstance(given, str) and role is not None:
        return [Turn(role, given, {})]
    if not isinstance(given, list) or not all(isinstance(turn, Mapping) for turn in given):
        raise InputError(
            f"row '{name}': a conversation is a list of turns like {{'role', 'content'}}, not {given!r:.80}"
        )
    turns: list[Turn] = []
    after_call = False
    for each in given:
        turn, is_call = _turn(each, name)
        if is_call and after_call:  # calls that are made at once
            turns[-1].fields["tool_calls"].extend(turn.fields["tool_calls"])
        else:
            turns.append(turn)
        after_call = is_call
    return turns


def _turn(given: Mapping[str, Any], name: Any) -> tuple[Turn, bool]:
    role_key, content_key = ("from", "value") if given.get("role") is None else ("role", "content")
    role = given.get(role_key)
    if role not in ROLES:
        raise InputError(f"row '{name}': {unknown('role', role, ROLES)}")
    fields = {}
    for key, value in given.items():
        if key in (role_key, content_key) or _is_empty(value):
            continue
        if key == "template_fields":  # of a row that is ours already
            fields.update(json.loads(value))
            continue
        if key not in TEMPLATE_FIELDS:
            raise InputError(
                f"row '{name}': a turn of the {role} has '{key}', which is not taken; remove it (known: "
                f"{', '.join((role_key, content_key, *TEMPLATE_FIELDS))})"
            )
        fields[key] = _calls(value, name) if key == "tool_calls" else value
    content = given.get(content_key)
    if ROLES[role] == _CALL:
        return Turn("assistant", None, {**fields, "tool_calls": _calls(_parsed(content, name), name)}), True
    return Turn(ROLES[role], content, fields), False


def _parsed(content: Any, name: Any) -> list[Any]:
    """What a turn that is a call says: one call or several, as JSON."""
    try:
        calls = json.loads(content)
    except (TypeError, json.JSONDecodeError):
        raise InputError(f"row '{name}': a call of a tool must be JSON, not {content!r:.80}") from None
    return calls if isinstance(calls, list) else [calls]


def _calls(given: Any, name: Any) -> list[dict[str, Any]]:
    """Calls as chat templates take them: `{"type": "function", "function": {"name", "arguments": {...}}}`."""
    calls = []
    for call in _without_none(given) if isinstance(given, list) else [given]:
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise InputError(f"row '{name}': a call of a tool has a 'name' and 'arguments', not {call!r:.80}")
        arguments = function.get("arguments", {})
        if isinstance(arguments, str):  # as OpenAI writes them
            try:
                arguments = json.loads(arguments)
            except json.JSONDecodeError:
                raise InputError(f"row '{name}': the arguments of a call are no JSON: {arguments!r:.80}") from None
        outer = dict(call) if "function" in call else {}
        calls.append({**outer, "type": "function", "function": {**function, "arguments": arguments}})
    return calls


def _without_none(value: Any) -> Any:
    """The value without keys that hold `None`: Arrow fills each row's with those of all others."""
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _is_empty(value: Any) -> bool:
    """Whether a value says nothing, as Arrow writes it where others of its column say something."""
    if isinstance(value, Mapping):
        return all(_is_empty(item) for item in value.values())
    return value is None or (isinstance(value, str | list) and not value)
