"""The sequence world: its answers are true, its pictures show what they say, and its test stands in no row."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.clips.sequence_language import CAPTION, KINDS, LOOK, MIRRORED, NUMBERS, SHAPES, WORDS, vocabulary
from t2vid_hf.clips.sequence_pictures import PICTURE_PX, RENDERS, picture_name
from t2vid_hf.clips.sequence_questions import use_of
from t2vid_hf.clips.sequence_quiz import ASKED, QUIZZES
from t2vid_hf.clips.sequence_rows import POOLS, TAUGHT, pool_rows
from t2vid_hf.clips.sequence_world import SIZES, write_world
from t2vid_hf.data.repository import read_split
from t2vid_hf.mixtures.mixing import load_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import COLUMNS

ROWS = 96
TUNED = [pool for pool in POOLS if pool != "base"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    written = write_world(folder, sizes=dict.fromkeys(POOLS, ROWS), questions=6)
    assert written == {**dict.fromkeys(POOLS, ROWS), "test": 60, "validation": 60, "gate": 54}
    return folder


def said(row: dict[str, Any]) -> tuple[str, str]:
    """What the user says behind the story, and the answer."""
    user, assistant = row["messages"]
    return user["content"][-1]["text"], assistant["content"][0]["text"]


def true_answer(kind: str, order: list[str], question: str) -> str:
    """The answer, found again from the order and the words of the question."""
    named = [word for word in question.split() if word in order]
    # "the one at number three": the last number
    places = [NUMBERS.index(word) - 1 for word in question.split() if word in NUMBERS[1:]]
    return {
        "first": lambda: order[0],
        "last": lambda: order[-1],
        "at": lambda: order[places[-1]],
        "earlier": lambda: min(named, key=order.index),
        "later": lambda: max(named, key=order.index),
        "count": lambda: NUMBERS[len(order)],
    }.get(kind, lambda: " ".join(order))()


def questions(world: Path, name: str) -> list[dict[str, Any]]:
    return list(read_split(str(world), name, "test"))


@pytest.mark.parametrize("pool", POOLS)
def test_each_answer_is_true_of_its_order(pool: str) -> None:
    for row in pool_rows(pool, 600):
        question, answer = said(row)
        assert answer == true_answer(row["kind"], row["order"].split(), question), row


@pytest.mark.parametrize("name", QUIZZES)
def test_a_question_has_one_right_option_and_no_place_of_its_own(world: Path, name: str) -> None:
    rows = questions(world, name)
    for row in rows:
        question, answer = said(row)
        kind = row["kind"] if row["kind"] in KINDS else "read"  # of one picture, its item
        assert answer == true_answer(kind, row["order"].split(), question)
        assert len(set(row["options"])) == len(row["options"]) <= 4
        assert row["options"].count(answer) == (row["kind"] != "read")
    assert len({row["options"].index(said(row)[1]) for row in rows if len(row["options"]) == 4}) == 4


@pytest.mark.parametrize("pool", TUNED)
def test_no_row_to_tune_on_has_a_wording_an_order_or_a_render_of_the_test(pool: str) -> None:
    kept = {wording for kind in KINDS.values() for wording in (*kind.validation, *kind.test)}
    renders = {f"{render:03}.png" for render in RENDERS["tuning"]}
    for row in pool_rows(pool, 3000):
        assert row["wording"] not in kept
        assert use_of(row["order"].split()) == "tuning"
        assert {Path(path).name for path in row["images"]} <= renders


def test_a_base_sees_every_wording_but_on_text_alone() -> None:
    seen = {}
    for row in pool_rows("base", 20_000):
        assert use_of(row["order"].split()) == "tuning"
        seen.setdefault(row["wording"], set()).add(row["num_frames"])
    wordings = {kind: set(of.all) for kind, of in KINDS.items()}
    assert set(seen) == set().union(*wordings.values()) | set(LOOK.tuning)
    for kind in set(KINDS) - {"read"}:
        assert all(seen[wording] == {0} for wording in wordings[kind])
    assert set().union(*(seen[wording] for wording in KINDS["read"].tuning)) == {0, 1, 2, 3}


def test_the_three_uses_share_no_wording_no_render_and_no_order(world: Path) -> None:
    for of in KINDS.values():
        assert len(set(of.all)) == len(of.all) and of.tuning and of.validation and of.test
    assert len({render for part in RENDERS.values() for render in part}) == sum(map(len, RENDERS.values()))
    orders = {}
    for name in ("test", "validation"):
        orders[name] = {row["order"] for row in questions(world, name)}
        assert {use_of(order.split()) for order in orders[name]} == {name}
        for row in questions(world, name):
            assert row["wording"] in getattr(KINDS[row["kind"]], name)
    assert not orders["test"] & orders["validation"]


def test_the_kinds_of_a_test_are_as_many(world: Path) -> None:
    counts = Counter((row["kind"], row["frames"], row["num_frames"]) for row in questions(world, "test"))
    assert counts == {(kind, frames, frames): 6 for kind in ASKED for frames in (5, 10)}
    assert {kind for pair in MIRRORED for kind in pair} == set(ASKED) - {"first"}


def test_the_kinds_of_a_pool_are_as_many_and_video_is_half_captions() -> None:
    for pool in ("oracle", "pages", "text"):
        assert Counter(row["kind"] for row in pool_rows(pool, 60)) == dict.fromkeys(TAUGHT, 10)
    kinds = Counter(row["kind"] for row in pool_rows("video", 60))
    assert kinds == {"caption": 30, "first": 30}
    assert {row["wording"] for row in pool_rows("video", 600)} == {*CAPTION.tuning, *KINDS["first"].tuning}
    for pool in ("oracle", "pages", "text"):
        assert SIZES[pool] / len(TAUGHT) >= 1920


def test_pages_and_clips_share_no_word() -> None:
    assert not set(WORDS) & set(SHAPES) and {len(word) for word in WORDS} == {3}
    pages = {word for row in pool_rows("pages", 300) for word in row["order"].split()}
    assert pages == set(WORDS)
    assert {word for row in pool_rows("video", 300) for word in row["order"].split()} == set(SHAPES)


def test_a_row_is_the_same_whatever_the_size_of_its_pool() -> None:
    for pool in POOLS:
        assert list(pool_rows(pool, 5)) == list(pool_rows(pool, 50))[:5]
    assert list(pool_rows("video", 5, seed=1)) != list(pool_rows("video", 5))


def test_rows_are_ours_and_pass_the_mixture(world: Path) -> None:
    parts = [MixturePart(str(world), pool, count=ROWS) for pool in POOLS]
    mixture = load_mixture(parts)
    assert len(mixture.picks) == ROWS * len(POOLS)
    row = next(row for row in mixture.undecoded if row["source"] == "video")
    assert set(COLUMNS) <= set(row) and len(row["images"]) == row["num_frames"] == 5
    assert all(Path(image["path"]).is_file() for image in row["images"])
    opened = mixture.dataset[mixture.ids.index(row["id"])]
    assert {image.size for image in opened["images"]} == {(PICTURE_PX, PICTURE_PX)}


def test_two_worlds_of_a_seed_are_the_same_to_the_byte(world: Path, tmp_path: Path) -> None:
    write_world(tmp_path, sizes={"pages": ROWS}, questions=6)
    for name in ("pages", "test", "validation", "gate"):
        assert list(read_split(str(tmp_path), name, *_split(name))) == list(read_split(str(world), name, *_split(name)))
    assert pictures_digest(tmp_path) == pictures_digest(world)


def _split(name: str) -> tuple[str]:
    return ("train",) if name in POOLS else ("test",)


def pictures_digest(world: Path) -> str:
    files = sorted((world / "pictures").rglob("*.png"))
    assert len(files) == 200 * (len(WORDS) + len(SHAPES))
    pixels = (np.asarray(Image.open(file)).tobytes() for file in files)
    return hashlib.sha256(b"".join(pixels)).hexdigest()


def test_held_out_renders_are_other_pictures(world: Path) -> None:
    for item in (*SHAPES, *WORDS):
        seen: set[bytes] = set()
        for part in RENDERS.values():
            pixels = {np.asarray(Image.open(world / picture_name(item, render))).tobytes() for render in part}
            assert len(pixels) > 0.9 * len(part), item
            assert not pixels & seen, item
            seen |= pixels


def test_a_page_has_the_whole_word_in_ink(world: Path) -> None:
    widths: dict[str, list[int]] = {word: [] for word in WORDS}
    for word in WORDS:
        for render in range(0, 200, 20):
            page = np.asarray(Image.open(world / picture_name(word, render)).convert("L"))
            across = np.flatnonzero((page < page.max() - 60).any(0))
            widths[word].append(across[-1] - across[0])
    assert np.mean(widths["elk"]) < np.mean(widths["map"])
    assert min(map(min, widths.values())) >= 8


def test_pictures_of_a_question_stand_in_it(world: Path) -> None:
    (image, *_) = questions(world, "test")[0]["images"]
    assert image.size == (PICTURE_PX, PICTURE_PX)


def test_every_word_that_is_said_has_a_token() -> None:
    known = set(vocabulary())
    for pool in POOLS:
        for row in pool_rows(pool, 300):
            texts = [block["text"] or "" for turn in row["messages"] for block in turn["content"]]
            assert set(" ".join(texts).split()) <= known
    assert len(known) == len(vocabulary())
