"""Rows of other trainers' sets become ours, each shape as its project has it; what cannot be taken is an error."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import mix
from t2vid_hf.mixtures.normalise import normalise
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import conversation, features, media_block

IMAGE, VIDEO = media_block("image"), media_block("video")
PICTURE = Image.new("L", (48, 48), 90)
ASKED = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "The keeper."}]
CALL = {"type": "function", "function": {"name": "zoom", "arguments": {"factor": 2}}}
TOOL = {"type": "function", "function": {"name": "zoom", "parameters": {"type": "object", "properties": {}}}}


def taken(row: dict, **settings) -> dict:
    return normalise(row, **{"source": "set", "index": 3, **settings})


def shape(row: dict) -> list[list[str]]:
    """The blocks of each turn: a text, or what kind of medium."""
    return [[block["text"] or f"[{block['type']}]" for block in turn["content"]] for turn in row["messages"]]


def user(content) -> dict:
    return {"messages": [{"role": "user", "content": content}, ASKED[1]]}


WRITTEN = [
    # TRL
    ({"messages": ASKED}, []),
    ({"prompt": ASKED[:1], "completion": ASKED[1:]}, []),
    ({"prompt": "Who?", "completion": "The keeper."}, []),
    ({"messages": ASKED, "images": [PICTURE]}, ["[image]"]),
    ({"messages": ASKED, "image": PICTURE}, ["[image]"]),
    ({"messages": ASKED, "images": None}, []),
    ({"messages": conversation([IMAGE], "Who?", "The keeper."), "images": [PICTURE]}, ["[image]"]),
    (user([{"type": "image", "image": PICTURE}, {"type": "text", "text": "Who?"}]), ["[image]"]),
    (user([{"type": "image", "index": 0, "text": None}, {"type": "text", "index": None, "text": "Who?"}])
     | {"images": [PICTURE]}, ["[image]"]),
    # ms-swift
    (user("<image>Who?") | {"images": ["a.png"]}, ["[image]"]),
    (user("<image><image>Who?") | {"images": ["a.png", "b.png"]}, ["[image]", "[image]"]),
    # LLaMA-Factory and LLaVA
    ({"conversations": [{"from": "human", "value": "<image>Who?"}, {"from": "gpt", "value": "The keeper."}],
      "image": "a.png", "id": 0}, ["[image]"]),
    ({"conversations": ASKED, "images": []}, []),
    # OpenAI
    (user([{"type": "image_url", "image_url": {"url": "a.png"}}, {"type": "text", "text": "Who?"}]), ["[image]"]),
]  # fmt: skip


@pytest.mark.parametrize(("row", "media"), WRITTEN)
def test_every_way_to_write_a_question_is_one_row(row, media):
    made = taken(row)
    assert shape(made) == [[*media, "Who?"], ["The keeper."]]
    assert len(made["images"]) == made["num_frames"] == len(media) and not made["videos"]
    assert made["media"] == ("image_sequence" if media else "text")
    assert made["id"] == ("0" if "id" in row else "set/3")
    assert normalise(made, source="other", index=9) == made  # and ours comes out as it went in
    assert set(made) == {"id", "source", "media", "messages", "images", "videos", "num_frames"}


@pytest.mark.parametrize("column", ["video", "videos"])
@pytest.mark.parametrize(
    "given", [str, Path, Path.read_bytes, lambda path: {"bytes": None, "path": str(path)},
              lambda path: {"bytes": path.read_bytes(), "path": "clip.mp4"}],
    ids=["text", "path", "bytes", "file", "content"],
)  # fmt: skip
def test_frames_of_any_video_are_counted(clip_file, column, given):
    value = given(clip_file)
    row = taken(user("<video>Who?") | {column: [value] if column == "videos" else value})
    assert (row["media"], row["num_frames"]) == ("video", 16)
    assert shape(row)[0] == ["[video]", "Who?"]
    assert set(row["videos"][0]) == {"bytes", "path"}


def test_a_folder_of_frames_is_a_video(tmp_path):
    for number in range(3):
        PICTURE.save(tmp_path / f"{number}.png")
    assert taken({"messages": ASKED, "video": str(tmp_path)})["num_frames"] == 3


def test_a_decoder_says_what_it_was_made_of(clip_file):
    class VideoDecoder:  # as torchcodec's, which `datasets` hands out
        def __init__(self, encoded):
            if encoded:
                self._hf_encoded = encoded

    encoded = {"bytes": None, "path": str(clip_file)}
    assert taken({"messages": ASKED, "videos": [VideoDecoder(encoded)]})["videos"] == [encoded]
    with pytest.raises(InputError, match="row 'set/3' holds an open decoder"):
        taken({"messages": ASKED, "videos": [VideoDecoder(None)]})


def test_a_count_that_is_given_stands(clip_file):
    row = {"messages": ASKED, "video": str(clip_file)}
    assert taken(row | {"num_frames": 7})["num_frames"] == 7
    assert taken(row | {"num_frames": 0})["num_frames"] == 16  # 0 is what a conversion writes that counts none
    for gone in ("none.mp4", b"no video"):  # who decodes it tells of it
        assert taken(row | {"video": gone})["num_frames"] == 0


def test_tags_stand_where_they_are_and_the_text_around_them_stays(clip_file):
    text = "Vor <image>, zwischen 漢字 <image>\n<video> und dahinter."
    row = taken(user(text) | {"images": ["a.png", "b.png"], "videos": [str(clip_file)]})
    assert shape(row)[0] == ["Vor ", "[image]", ", zwischen 漢字 ", "[image]", "\n", "[video]", " und dahinter."]
    assert [image["path"] for image in row["images"]] == ["a.png", "b.png"]


def test_tags_in_later_turns_and_in_strings_beside_blocks():
    messages = [*ASKED, {"role": "user", "content": [IMAGE, {"type": "text", "text": "And <image>?"}]}, ASKED[1],
                {"role": "user", "content": "Last: <image>"}, ASKED[1]]  # fmt: skip
    row = taken({"messages": messages, "images": ["a.png", "b.png"]})
    assert shape(row)[2:] == [["[image]", "And <image>?"], ["The keeper."], ["Last: ", "[image]"], ["The keeper."]]


def test_in_a_set_without_media_a_tag_is_text():
    assert shape(taken(user("What does <video> do in HTML?")))[0] == ["What does <video> do in HTML?"]


def test_media_in_blocks_and_columns_keep_their_order():
    blocks = [{"type": "image", "image": "mine.png"}, {"type": "image"}, {"type": "text", "text": "Who?"}]
    row = taken(user(blocks) | {"images": ["column.png"]})
    assert [image["path"] for image in row["images"]] == ["mine.png", "column.png"]


def test_an_array_is_an_image():
    (image,) = taken({"messages": ASKED, "images": [np.full((4, 6, 3), 7, np.uint8)]})["images"]
    assert image.size == (6, 4)


def test_a_system_column_is_the_first_turn():
    turns = [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "The keeper."}]
    row = taken({"conversations": turns, "system": "Be brief."})
    assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]
    assert shape(row)[0] == ["Be brief."]
    with pytest.raises(InputError, match="another system turn"):
        taken({"messages": [{"role": "system", "content": "Be long."}, *ASKED], "system": "Be brief."})


def test_turns_of_the_prompt_are_not_learned():
    prompt = [*ASKED, {"role": "user", "content": "And when?"}]
    row = taken({"prompt": prompt, "completion": "At nine."})
    assert row["learn_from"] == 3 and len(row["messages"]) == 4
    assert normalise(row, source="x", index=0)["learn_from"] == 3
    row = taken({"prompt": prompt, "completion": "At nine.", "system": "Be brief."})
    assert row["learn_from"] == 4 and len(row["messages"]) == 5


def fields(row: dict) -> list[dict]:
    return [json.loads(turn.get("template_fields") or "{}") for turn in row["messages"]]


def called(*turns: dict) -> list[dict]:
    return [ASKED[0], *turns, {"role": "assistant", "content": "A clock."}]


def test_calls_of_tools_are_kept_in_every_way_to_write_them():
    answer = {"role": "tool", "content": "zoomed"}
    arguments = json.dumps({"factor": 2})
    as_text = {"type": "function", "function": {"name": "zoom", "arguments": arguments}}
    ways = [
        {"messages": called({"role": "assistant", "content": None, "tool_calls": [CALL]}, answer)},
        {"messages": called({"role": "assistant", "tool_calls": [CALL]}, answer)},
        {"messages": called({"role": "assistant", "content": None, "tool_calls": [as_text]}, answer)},
        {"messages": called({"role": "tool_call", "content": json.dumps(CALL["function"])},
                            {"role": "tool_response", "content": "zoomed"})},
        {"conversations": [
            {"from": "human", "value": "Who?"}, {"from": "function_call", "value": json.dumps(CALL["function"])},
            {"from": "observation", "value": "zoomed"}, {"from": "gpt", "value": "A clock."}]},
    ]  # fmt: skip
    for way in ways:
        row = taken({**way, "tools": json.dumps([TOOL])})
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant", "tool", "assistant"]
        assert fields(row)[1] == {"tool_calls": [CALL]} and row["messages"][1]["content"] == []
        assert json.loads(row["tools"]) == [TOOL]
        assert normalise(row, source="x", index=0) == row


def test_calls_that_arrow_has_filled():
    other = {"type": "function", "function": {"name": "wait", "arguments": {"seconds": 1}}}
    turns = [called({"role": "assistant", "content": None, "tool_calls": [each]}) for each in (CALL, other)]
    rows = Dataset.from_list([{"messages": each, "tools": [TOOL]} for each in turns] + [{"messages": ASKED}])
    assert rows[0]["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"factor": 2, "seconds": None}
    made = [taken(row) for row in rows]
    assert [fields(row)[1]["tool_calls"] for row in made[:2]] == [[CALL], [other]]
    assert "tools" not in made[2] and all("template_fields" not in turn for turn in made[2]["messages"])


def test_calls_made_at_once_are_one_turn():
    calls = [{"role": "tool_call", "content": json.dumps({"name": name, "arguments": {}})} for name in "ab"]
    row = taken({"messages": called(*calls, {"role": "tool", "content": "done"})})
    assert [turn["role"] for turn in row["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert [call["function"]["name"] for call in fields(row)[1]["tool_calls"]] == ["a", "b"]


def test_empty_texts_are_texts():
    assert taken(user(""))["messages"][0]["content"] == [{"type": "text", "text": ""}]
    assert taken(user([{"type": "text", "text": ""}]))["messages"][0]["content"] == [{"type": "text", "text": ""}]


def test_a_system_turn_alone_is_left_to_the_filters():
    row = taken({"messages": [{"role": "system", "content": "Be brief."}]})
    assert [turn["role"] for turn in row["messages"]] == ["system"]
    with pytest.raises(InputError, match="no user turn to show them in"):
        taken({"messages": [{"role": "system", "content": "Be brief."}], "images": ["a.png"]})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "Who?"}, "neither 'messages' nor 'prompt' and 'completion' nor 'conversations'"),
        ({"messages": []}, "neither 'messages'"),
        ({"messages": None, "prompt": "Who?", "completion": ""}, "neither 'messages'"),
        ({"messages": "Who?"}, "a conversation is a list of turns"),
        ({"messages": ["Who?"]}, "a list of turns"),
        ({"messages": ASKED, "conversations": ASKED}, "'messages' and 'conversations'"),
        ({"messages": [{"role": "human_", "content": "?"}]}, "unknown role 'human_'; known: assistant"),
        ({"messages": [{"role": None, "content": "?"}]}, "unknown role"),
        ({"messages": ASKED[1:]}, "row 'set/3' begins with the assistant"),
        ({"messages": [{"role": "system", "content": "?"}, *ASKED[1:]]}, "begins with the assistant"),
        (user(None), "the content of a turn of the user is None"),
        (user({"text": "?"}), "give a text, or blocks"),
        (user(["?"]), "a block is '\\?'"),
        (user([{"type": "audio", "audio": "a.wav"}]), "a block of type 'audio'; known: image, text, video"),
        (user([{"type": "text", "text": None}]), "without 'text'"),
        (user([{"type": "video", "video": "a.mp4", "fps": 2.0}]), "'fps', which is not taken"),
        (user([{"type": "image", "image": "a", "path": "b"}]), "with 2 media"),
        (user([{"type": "image", "index": 1}]) | {"images": ["a"]}, "has index 1"),
        ({"messages": [{**ASKED[0], "loss": False}, ASKED[1]]}, "has 'loss', which is not taken"),
        (user("<image><image>?") | {"images": ["a.png"]}, "2 places for a medium of kind image .* and 1 to fill"),
        (user("<image>?") | {"images": ["a.png", "b.png"]}, "1 places .* and 2 to fill"),
        (user("<image>?") | {"images": []}, "1 places .* and 0 to fill"),
        (user("<image>?") | {"images": None}, "1 places .* and 0 to fill"),
        (user("<video>?") | {"images": ["a.png"]}, "1 places for a medium of kind video"),
        ({"messages": ASKED, "image": "a", "images": ["b"]}, "both 'image' and 'images'"),
        ({"messages": ASKED, "images": ["a", None]}, "one of the 2 media in 'images' is missing"),
        ({"messages": ASKED, "images": ["https://a.b/c.png"]}, "by address, .* download it first"),
        ({"messages": ASKED, "images": ["data:image/png;base64,AA=="]}, "by address"),
        ({"messages": ASKED, "images": [7]}, "an image of type int; give a path"),
        ({"messages": ASKED, "image": {"<image_00>": "a.png"}}, "with the keys <image_00>"),
        ({"messages": ASKED, "videos": [["a.png", "b.png"]]}, "a list of 2 frames; give them as images"),
        ({"messages": ASKED, "audios": ["a.wav"]}, "'audios', and there is no model for sound"),
        ({"messages": ASKED, "rejected_response": "No."}, "preferences cannot be learned"),
        ({"messages": ASKED, "objects": {"bbox": [[1, 2]]}}, "boxes cannot be filled in"),
        ({"messages": ASKED, "chat_template_kwargs": {"enable_thinking": True}}, "set them in the chat template"),
        ({"messages": ASKED, "tools": "zoom"}, "a text that is no JSON"),
        ({"messages": ASKED, "tools": [1]}, "give a list of schemas"),
        ({"messages": called({"role": "tool_call", "content": "zoom"})}, "must be JSON"),
        ({"messages": called({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]})}, "has a 'name'"),
        ({"messages": ASKED, "media": "movie"}, "'media' is 'movie'; known"),
        ({"messages": ASKED, "num_frames": "7"}, "'num_frames' is '7'"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_with_its_row(row, message):
    with pytest.raises(InputError, match=message) as told:
        taken(row)
    assert "row 'set/3'" in str(told.value) and "\n" not in str(told.value)


def test_nothing_is_said_by_what_arrow_fills_in():
    answer = {"role": "assistant", "content": [{"type": "text", "text": "The keeper."}]}
    said, shown = {"type": "text", "text": "Who?"}, {"type": "image", "image": None}
    rows = Dataset.from_list(
        [
            {"messages": [{"role": "user", "content": [shown, said]}, answer], "images": [PICTURE], "audios": None},
            {"messages": [{"role": "user", "content": [said]}, answer], "images": [], "audios": None},
        ]
    )
    assert "image" in rows[1]["messages"][0]["content"][0]
    assert [shape(taken(row))[0] for row in rows] == [["[image]", "Who?"], ["Who?"]]


def test_rows_are_not_changed():
    row = user("<image>Who?") | {"images": ["a.png"]}
    before = json.dumps(row)
    taken(row)
    assert json.dumps(row) == before


# Parts of a mixture: paths stay below their root, and what a row has beside our columns arrives.


def part(rows: list[dict], **settings) -> tuple[MixturePart, Dataset]:
    return MixturePart(path="part", **{"share": 1, **settings}), Dataset.from_list(rows)


@pytest.mark.parametrize("column", ["images", "image"])
def test_images_by_path_stay_below_their_root(tmp_path, column):
    inside = tmp_path / "root"
    (inside / "pages").mkdir(parents=True)
    for path in (inside / "pages/ä 1.png", tmp_path / "outside.png"):
        PICTURE.save(path)
    (inside / "link.png").symlink_to(tmp_path / "outside.png")

    def row_of(path: str) -> dict:
        given = {"messages": ASKED, column: [path] if column == "images" else path}
        return mix([part([given], media_root=str(inside))], 0).dataset[0]

    assert row_of("pages/ä 1.png")["images"][0].size == (48, 48)
    assert row_of(str(inside / "pages/ä 1.png"))["images"][0].size == (48, 48)
    for path in ("../outside.png", str(tmp_path / "outside.png"), "link.png", "pages/../../outside.png"):
        with pytest.raises(InputError, match="row 'part/0': the path .* not of a file below .* set media_root"):
            row_of(path)
    with pytest.raises(InputError, match="row 'part/0', image .*none.png: .*give an image file that opens"):
        row_of("none.png")


def test_images_of_an_image_column_stay_below_their_root_too(tmp_path):
    """`datasets` would open what such a column names before anyone can look at the path."""
    PICTURE.save(tmp_path / "outside.png")
    row = {"id": "a", "source": "s", "media": "image_sequence", "messages": conversation([IMAGE], "?", "!"),
           "images": [{"bytes": None, "path": f"{tmp_path}/outside.png"}], "videos": [], "num_frames": 1}  # fmt: skip
    dataset = Dataset.from_list([row], features=features())
    assert dataset[0]["images"][0].size == (48, 48)
    with pytest.raises(InputError, match="not of a file below"):
        mix([(MixturePart(path=str(tmp_path / "root"), share=1), dataset)], 0).dataset[0]
    assert mix([(MixturePart(path=str(tmp_path), share=1), dataset)], 0).dataset[0]["images"][0].size == (48, 48)


def test_a_picture_comes_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    mixture = mix([part([{"messages": ASKED, "image": "a.jpg"}], media_root=str(tmp_path))], 0)
    assert mixture.dataset[0]["images"][0].size == (20, 40)


def test_tools_and_prompts_arrive_through_a_mixture():
    with_tools = {"messages": called({"role": "assistant", "content": None, "tool_calls": [CALL]}), "tools": [TOOL]}
    prompted = {"prompt": [*ASKED, ASKED[0]], "completion": ASKED[1:]}
    mixture = mix([(MixturePart(path=name, share=1), Dataset.from_list([row]))
                   for name, row in {"a": with_tools, "b": prompted}.items()], 0)  # fmt: skip
    by_id = {row["id"]: row for row in mixture.dataset}
    assert json.loads(by_id["a/0"]["tools"]) == [TOOL] and fields(by_id["a/0"])[1] == {"tool_calls": [CALL]}
    assert by_id["b/0"]["learn_from"] == 3 and "tools" not in by_id["b/0"]
    light = {row["id"]: row for row in mixture.light}
    assert json.loads(light["a/0"]["tools"]) == [TOOL] and fields(light["a/0"])[1] == {"tool_calls": [CALL]}


def test_a_light_row_has_the_frames_of_its_video(tmp_path, clip_file):
    shutil.copy(clip_file, tmp_path / "a.mp4")
    given, dataset = part([user("<video>Who?") | {"videos": ["a.mp4"]}], media_root=str(tmp_path))
    (row,) = mix([(given, dataset)], 0).light
    assert row["num_frames"] == 16 and shape(row)[0] == ["[video]", "Who?"]
