"""What counts as an instruction, in every shape that a set may have; what is left out is counted."""

import json

import pytest
from datasets import Dataset

from t2vid_hf.data.repository import write_config
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.instructions import NO_TEXT, TOO_LONG, UNSTORABLE, read_instructions
from t2vid_hf.schema import conversation, features, media_block

TURNS = [{"from": "human", "value": "<video>\nWho  is it?"}, {"from": "gpt", "value": "The keeper."}]
PAPER = "Below is a paper. Memorize the paper and answer my question after the paper.\n The paper begins. \n Snow "
SHAPES = {
    "the original's": ({"conversations": TURNS, "video": "a"}, ["Who is it?"]),
    "MiniCPM's": (
        {"image": {"<image_00>": "a.png"}, "conversations": [{"role": "user", "content": "<image_00>\nWhat?"}]},
        ["What?"],
    ),
    "VideoInstruct's": ({"q": "Why?", "a": "So.", "video_id": "v"}, ["Why?"]),
    "several turns": (
        {"messages": [{"role": role, "content": role} for role in ("system", "user", "assistant", "user")]},
        ["user", "user"],
    ),
    "TRL's": ({"prompt": [{"role": "user", "content": "Go on."}], "completion": []}, ["Go on."]),
    "SQuAD's": ({"paragraphs": [{"qas": [{"question": "Who?"}, {"question": "Why?"}]}]}, ["Who?", "Why?"]),
    "SQuALITY's": ({"document": "x", "questions": [{"question_text": "What?", "responses": []}]}, ["What?"]),
    "a list of texts": ({"questions": ["What?", "Who?"]}, ["What?", "Who?"]),
    "LongAlpaca's": (
        {"instruction": PAPER + "melts. \n Now the paper ends. \nQuestion: What melts?", "output": "x", "input": ""},
        ["What melts?"],
    ),
    "Alpaca's": ({"instruction": "Shorten this.", "input": "A long text.", "output": "x"}, ["Shorten this."]),
    "BookSum's": ({"prompt": "It snowed.\n\nQ: What did it do?\nA:", "completion": "x"}, ["What did it do?"]),
    "Natural Questions'": ({"input": "Found:\n\nDocument [1] x\n\nQuestion: who", "output": "x"}, ["Who?"]),
    "a benchmark's": ({"question_id": 1, "prompt": "Where?\nA. here", "GT": "A"}, ["Where? A. here"]),
    "blocks": (
        {"messages": [{"role": "user", "content": [media_block("image"), {"type": "text", "text": "What?"}]}]},
        ["What?"],
    ),
}  # fmt: skip


def written(tmp_path, *lines, name="set.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape(shape, tmp_path):
    row, expected = SHAPES[shape]
    (found,) = read_instructions([str(written(tmp_path, row))]).values()
    assert found.texts == expected


def test_what_has_no_text_or_too_many_words_is_counted(tmp_path):
    image_only = {"messages": [{"role": "user", "content": [media_block("image")]}]}
    asked = ["  ", None, "<image>", "a b c", "a", "\ud800", "x\0"]
    path = written(tmp_path, image_only, *({"question": text} for text in asked))
    found = read_instructions([f"x={path}"], max_words=2)["x"]
    assert found.texts == ["a"] and found.left_out == {NO_TEXT: 4, TOO_LONG: 1, UNSTORABLE: 2}


def test_a_set_of_nothing_is_refused(tmp_path):
    path = written(tmp_path, {"question": ""})
    with pytest.raises(InputError, match="'set' has no instruction .1 no text.; leave it out"):
        read_instructions([str(path)])


def test_of_one_name_several_files_make_one_set(tmp_path):
    one, two = written(tmp_path, {"q": "Who?"}, name="a.jsonl"), written(tmp_path, {"q": "Why?"}, name="b.jsonl")
    assert read_instructions([f"x={one}", f"x={two}"])["x"].texts == ["Who?", "Why?"]
    assert list(read_instructions([str(one), str(two)])) == ["a", "b"]


def test_a_column_may_be_named_and_an_unknown_one_is_refused(tmp_path):
    path = written(tmp_path, {"ask": "Who?", "question": "no"})
    assert read_instructions([str(path)], column="ask")["set"].texts == ["Who?"]
    with pytest.raises(InputError, match="set.jsonl:1: no column 'said'; it has ask, question"):
        read_instructions([str(path)], column="said")
    with pytest.raises(InputError, match="set.jsonl:1: neither turns .* name one with --column"):
        read_instructions([str(written(tmp_path, {"text": "Who?"}))])
    with pytest.raises(InputError, match="set.jsonl:1: 'question' is 3; an instruction is a text"):
        read_instructions([str(written(tmp_path, {"question": 3}))])


@pytest.mark.parametrize("where", ["none.jsonl", "no/folder/here", "./none", "x=", "=x"])
def test_what_is_not_there_is_told(where):
    with pytest.raises(InputError, match="no such file|give NAME=PATH"):
        read_instructions([where])


@pytest.fixture
def data_set(tmp_path):
    rows = [
        {
            "id": f"test/{number}", "source": "test", "media": "image_sequence", "num_frames": 1,
            "messages": conversation([media_block("image")], f"What is {number}?", "x"),
            "images": [{"bytes": b"no picture", "path": None}], "videos": [],
        }
        for number in range(3)
    ]  # fmt: skip
    write_config(tmp_path / "repository", "pages", {"train": lambda: iter(rows)}, features=features(), stats={})
    return tmp_path / "repository"


def test_a_data_set_is_read_without_its_media(data_set):
    """A folder, one of its files, and the mixture of a recipe: pictures that no one can open are not opened."""
    expected = [f"What is {number}?" for number in range(3)]
    (file,) = data_set.glob("pages/*.parquet")
    recipe = data_set / "recipe.yaml"
    recipe.write_text(f"mixture: [{{path: {data_set}, name: pages, share: 1}}]\n")
    for where in (f"{data_set},pages", str(file), str(recipe)):
        (found,) = read_instructions([where]).values()
        assert found.texts == expected and found.ids == ["test/0", "test/1", "test/2"]


def test_a_row_without_an_id_has_the_name_that_a_mixture_gives_it(tmp_path):
    Dataset.from_list([{"messages": [{"role": "user", "content": "Who?"}]}]).to_parquet(tmp_path / "train.parquet")
    (found,) = read_instructions([str(tmp_path)]).values()
    assert found.ids == [f"{tmp_path}/0"]
