"""Tools and their calls reach a chat template that has a place for them, and are an error where it has none."""

import json

import pytest
from transformers import AutoProcessor

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.normalise import normalise
from t2vid_hf.models import adapter_for

# Written for these tests: a line for the tools, and a turn's calls behind what it says.
WITH_TOOLS = """
{%- if tools %}Tools: {{ tools | tojson }}\n{% endif %}
{%- for message in messages %}{{ message['role'] }}:
{%- if message['content'] is string %} {{ message['content'] }}{% else %}
{%- for part in message['content'] %}
{%- if part['type'] == 'image' %}<image>{% else %} {{ part['text'] }}{% endif %}{% endfor %}{% endif %}
{%- for call in message['tool_calls'] or [] %} !{{ call['function'] | tojson }}{% endfor %}<end_of_utterance>\n
{%- endfor %}{% if add_generation_prompt %}assistant:{% endif %}"""
CALL = {"type": "function", "function": {"name": "zoom", "arguments": {"factor": 2}}}
TOOL = {"type": "function", "function": {"name": "zoom", "parameters": {"type": "object"}}}
TURNS = [
    {"role": "user", "content": "What is it?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "It moves.", "name": "zoom"},
    {"role": "assistant", "content": "A clock."},
]


@pytest.fixture
def processor(tiny_checkpoint):
    processor = AutoProcessor.from_pretrained(tiny_checkpoint)
    adapter_for("idefics3").configure(processor)
    return processor


def row(**given) -> dict:
    return normalise({"messages": TURNS, **given}, source="calls", index=0)


def learned(processor, given: dict) -> str:
    encoded = RowEncoder(processor, adapter_for("idefics3")).encode(given)
    return processor.tokenizer.decode(encoded.labels[encoded.labels >= 0])


def test_calls_are_learned_and_what_tools_say_is_not(processor):
    processor.chat_template = WITH_TOOLS
    call = json.dumps(CALL["function"])
    assert learned(processor, row(tools=[TOOL])) == f" !{call}<end_of_utterance> A clock.<end_of_utterance>"
    whole = processor.decode(RowEncoder(processor, adapter_for("idefics3")).encode(row(tools=[TOOL])).input_ids)
    assert whole.startswith("Tools: [{") and "It moves." in whole


@pytest.mark.parametrize("tools", [[TOOL], None])
def test_prices_are_exact_with_tools(processor, tools):
    processor.chat_template = WITH_TOOLS
    made = row(tools=tools)
    cost = TokenCost(processor, adapter_for("idefics3"))
    assert cost.price(made) == len(RowEncoder(processor, adapter_for("idefics3")).encode(made))
    assert cost.price(made) != cost.price(row(tools=None if tools else [TOOL]))


def test_a_template_without_a_place_is_an_error(processor):
    with pytest.raises(InputError, match="row 'calls/0' has tools, and the chat template has no place"):
        learned(processor, row(tools=[TOOL]))
    with pytest.raises(InputError, match="row 'calls/0' has tool_calls, and"):
        learned(processor, row())
    processor.chat_template = WITH_TOOLS.replace("in messages %}", "in messages if message['role'] != 'tool' %}")
    with pytest.raises(InputError, match="row 'calls/0' has a turn of a tool, and"):
        learned(processor, row())


def test_what_the_template_refuses_is_told_with_the_row(processor):
    processor.chat_template = "{{ raise_exception('turns must alternate') }}"
    given = normalise({"messages": [TURNS[0], TURNS[3]]}, source="calls", index=0)
    with pytest.raises(InputError, match="row 'calls/0': the chat template refuses it: turns must alternate"):
        learned(processor, given)


def test_a_row_that_the_assistant_begins_is_told_by_name(processor):
    given = normalise({"messages": [TURNS[0], TURNS[3]]}, source="calls", index=0)
    with pytest.raises(InputError, match="row 'calls/0' begins with the assistant"):
        learned(processor, {**given, "messages": given["messages"][1:]})


def test_a_prompt_s_turns_are_not_learned(processor):
    spoken = [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "A circle."}]
    given = normalise({"prompt": [*spoken, spoken[0]], "completion": "A clock."}, source="a", index=0)
    assert learned(processor, given) == " A clock.<end_of_utterance>"
    whole = normalise({"messages": [*spoken, spoken[0], TURNS[3]]}, source="a", index=0)
    assert learned(processor, whole) == " A circle.<end_of_utterance> A clock.<end_of_utterance>"
