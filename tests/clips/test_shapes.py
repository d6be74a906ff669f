"""The clips' questions are true: every answer is found again from the pixels alone."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.clips.shapes import COLOURS, KINDS, SHAPES, Actor, Clip, make_clip, render_clip, write_clip

NUM_CLIPS = 60
ROOT = Path(__file__).parents[2]
VECTORS = {"to the left": (-1, 0), "to the right": (1, 0), "up": (0, -1), "down": (0, 1)}
PALETTE = np.array(list(COLOURS.values()), float)


@cache
def clip_and_frames(index: int, seed: int = 0) -> tuple[Clip, np.ndarray]:
    clip = make_clip(index, seed=seed)
    return clip, render_clip(clip)


@dataclasses.dataclass
class Track:
    """What the pixels say of one shape: per frame its cover (0 to 1 per pixel), area, centre and colour."""

    cover: np.ndarray
    area: np.ndarray
    centre: np.ndarray
    colours: list[str]
    fill: float

    @property
    def shape(self) -> str:
        # share of the circumscribed circle that each shape fills: star 0.42, triangle 0.41, square 0.64, circle 1
        if self.fill > 0.55:
            return "circle" if self.fill > 0.8 else "square"
        mask = self.cover[0] > 0.5
        ys, xs = np.nonzero(mask)
        # a star's notches make its bounding polygon much emptier than a triangle's: compare with the convex hull
        return "triangle" if mask.sum() / hull_area(np.stack([xs, ys], 1)) > 0.8 else "star"


def hull_area(points: np.ndarray) -> float:
    """Area of the convex hull of pixel squares, from its width in 180 directions (no SciPy needed)."""
    angles = np.radians(np.arange(360))
    normals = np.stack([np.cos(angles), np.sin(angles)], 1)
    support = (points @ normals.T).max(0) + np.abs(normals).sum(1) / 2
    following = np.roll(support, -1)
    step = np.radians(1)
    # corners of the polygon cut out by neighbouring support lines
    along = (following - support * np.cos(step)) / np.sin(step)
    corners = normals * support[:, None] + np.stack([-normals[:, 1], normals[:, 0]], 1) * along[:, None]
    x, y = corners.T
    return float(abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2)


def track(frames: np.ndarray, region: np.ndarray) -> Track:
    """Follow whatever differs from the background inside `region` (a mask)."""
    images = frames.astype(float)
    background = images[0, 0, 0]
    different = np.abs(images - background).sum(-1) * region
    ys, xs = np.mgrid[: frames.shape[1], : frames.shape[2]]
    cover, area, centre, colours = [], [], [], []
    for image, change in zip(images, different, strict=True):
        if change.max() < 30:
            cover.append(np.zeros(change.shape))
            area.append(0.0)
            centre.append((np.nan, np.nan))
            colours.append("")
            continue
        solid = np.median(image[change > 0.9 * change.max()], axis=0)
        colours.append(list(COLOURS)[int(np.abs(PALETTE - solid).sum(1).argmin())])
        direction = solid - background
        alpha = np.clip((image - background) @ direction / (direction @ direction), 0, 1) * region
        cover.append(alpha)
        area.append(alpha.sum())
        centre.append(((alpha * xs).sum() / alpha.sum(), (alpha * ys).sum() / alpha.sum()))
    middle = np.array(centre[0])
    reach = np.hypot(xs - middle[0], ys - middle[1])[cover[0] > 0.5].max()
    fill = float((cover[0] > 0.5).sum() / (np.pi * reach**2))
    return Track(np.array(cover), np.array(area), np.array(centre), colours, fill)


def tracks(frames: np.ndarray, *, count: int) -> dict[str, Track]:
    """The tracks by the shapes' names. Two shapes are parted by the empty row or column between them."""
    whole = np.ones(frames.shape[1:3], bool)
    if count == 1:
        found = [track(frames, whole)]
    else:
        used = (np.abs(frames.astype(int) - frames[0, 0, 0].astype(int)).sum(-1) > 30).any(0)
        middle = len(used) // 2
        rows = not used[middle].any()
        assert rows or not used[:, middle].any(), "nothing parts the two shapes"
        first = whole.copy()
        first[(slice(middle, None), slice(None)) if rows else (slice(None), slice(middle, None))] = False
        found = [track(frames, first), track(frames, ~first)]
    named = {each.shape: each for each in found}
    assert len(named) == count
    return named


def turn_of(before: np.ndarray, after: np.ndarray, centre: np.ndarray) -> str:
    """The way a shape turned, by trying both on the picture."""
    image = Image.fromarray((before * 255).astype(np.uint8))
    errors = {}
    for way, sign in (("counter-clockwise", 1), ("clockwise", -1)):
        tries = [image.rotate(sign * d, Image.Resampling.BICUBIC, center=tuple(centre + 0.5)) for d in range(3, 13)]
        errors[way] = min(np.abs(np.asarray(each) / 255 - after).sum() for each in tries)
    return min(errors, key=errors.__getitem__)


def observe(seen: Track) -> dict[str, tuple[float, str]]:
    """What happened to one shape: by action, the mean frame number at which it happened, and which way."""
    if not all(seen.colours):
        return {"flashes": (len(seen.colours) / 2, "")}
    times: dict[str, list[int]] = {"moves across": [], "turns": [], "size": [], "changes colour": []}
    turned = Counter()
    for i in range(len(seen.area) - 1):
        if seen.colours[i] != seen.colours[i + 1]:
            times["changes colour"].append(i)
        elif abs(seen.area[i + 1] / seen.area[i] - 1) > 0.03:
            times["size"].append(i)
        elif np.hypot(*(seen.centre[i + 1] - seen.centre[i])) > 0.4:
            times["moves across"].append(i)
        elif np.abs(seen.cover[i + 1] - seen.cover[i]).sum() > 0.04 * seen.area[i]:
            times["turns"].append(i)
            turned[turn_of(seen.cover[i], seen.cover[i + 1], seen.centre[i])] += 1
    facts = {}
    for action, when in times.items():
        if len(when) < (1 if action == "changes colour" else 4):
            continue
        value = ""
        shift = seen.centre[-1] - seen.centre[0]
        if action == "size":
            growth = seen.area[-1] / seen.area[0]
            assert growth > 2 or growth < 1 / 2, "a change of size must be plain to see"
            action = "grows" if growth > 1 else "shrinks"
        elif action == "moves across":
            assert max(abs(shift)) > 30 and min(abs(shift)) < 1.5, "a movement must be long and along one axis"
            value = next(name for name, vector in VECTORS.items() if shift @ np.array(vector) > 30)
        elif action == "turns":
            (value, votes), *_ = turned.most_common()
            assert votes >= 0.8 * len(when)
        facts[action] = (float(np.mean(when)), value)
    return facts or {"does nothing": (0.0, "")}


def pace_of(seen: Track) -> str:
    if not all(seen.colours) or np.hypot(*(seen.centre[-1] - seen.centre[0])) < 1:
        return "it does not move"
    half = (len(seen.centre) - 1) / 2
    way = np.hypot(*(seen.centre - seen.centre[0]).T)
    at_half = np.interp(half, np.arange(len(way)), way) / way[-1]
    return "it speeds up" if at_half < 0.35 else "it slows down" if at_half > 0.65 else "it keeps a steady speed"


def true_options(clip: Clip, frames: np.ndarray, options: tuple[str, ...], *, kind: str, text: str) -> list[str]:
    """The options that the pixels bear out. Reads the question's words, never the clip's description."""
    seen = tracks(frames, count=len(clip.actors))
    facts = {shape: observe(each) for shape, each in seen.items()}
    asked = next((shape for shape in SHAPES if shape in text), "")
    for shape, each in seen.items():
        assert any(f"{colour} {shape}" in text for colour in COLOURS) <= (f"{each.colours[0]} {shape}" in text)
    if kind == "action":
        assert len(facts[asked]) == 1
        return [option for option in options if option.removeprefix("it ") in facts[asked]]
    if kind == "direction":
        values = {value for _, value in facts[asked].values()}
        return [option for option in options if option in values]
    if kind == "order":
        happened = sorted((time, shape, action) for shape, fact in facts.items() for action, (time, _) in fact.items())
        happened = [(shape, action) for _, shape, action in happened if action != "does nothing"]
        assert len(happened) == 2
        told = [f"{f'the {shape}' if len(facts) > 1 else 'it'} {action}" for shape, action in happened]
        return [option for option in options if option == ", then ".join(told)]
    if kind == "speed" and any(option.startswith("it ") for option in options):
        return [option for option in options if option == pace_of(seen[asked])]
    if kind == "speed":
        lengths = {
            f"the {each.colours[0]} {shape}": float(np.hypot(*(each.centre[-1] - each.centre[0])))
            for shape, each in seen.items()
        }
        assert set(lengths) | {"both are equally fast"} == set(options)
        slow, fast = sorted(lengths, key=lengths.__getitem__)
        if lengths[fast] < 1.05 * lengths[slow]:
            return ["both are equally fast"]
        assert lengths[fast] >= 2 * lengths[slow] and lengths[slow] > 0.3 * clip.width
        return [fast]
    each = seen[asked]
    growth, last = each.area[-1] / each.area[0], each.colours[-1]
    holds = {"it is bigger": growth > 1.1, "it is smaller": growth < 0.9}
    same = np.abs(frames[0].astype(int) - frames[-1].astype(int)).max() == 0
    holds |= {"it looks the same": same} | {colour: colour == last for colour in COLOURS}
    holds |= {f"it is now {colour}": colour == last for colour in COLOURS}
    return [option for option in options if holds[option]]


@pytest.mark.parametrize("index", range(NUM_CLIPS))
def test_only_the_answer_is_true_of_the_pixels(index: int) -> None:
    clip, frames = clip_and_frames(index)
    for each in clip.questions:
        assert true_options(clip, frames, each.options, kind=each.kind, text=each.question) == [each.answer_text], each


def test_shapes_stay_inside_and_are_what_the_description_says() -> None:
    for index in range(NUM_CLIPS):
        clip, frames = clip_and_frames(index)
        assert frames.shape == (16, 96, 96, 3) and frames.dtype == np.uint8
        border = np.concatenate([frames[:, [0, -1]].reshape(-1, 3), frames[:, :, [0, -1]].reshape(-1, 3)])
        assert (border == np.array(clip.background)).all(), clip.name
        seen = tracks(frames, count=len(clip.actors))
        assert {(shape, each.colours[0]) for shape, each in seen.items()} == {(a.shape, a.colour) for a in clip.actors}


@pytest.mark.parametrize(("size", "num_frames"), [(48, 8), (64, 24), (160, 32)])
def test_shapes_stay_inside_at_other_sizes(size: int, num_frames: int) -> None:
    for index in range(20):
        frames = render_clip(make_clip(index, seed=3, size=size, num_frames=num_frames))
        assert frames.shape == (num_frames, size, size, 3)
        assert (frames[:, [0, -1]] == frames[0, 0, 0]).all() and (frames[:, :, [0, -1]] == frames[0, 0, 0]).all()


@pytest.mark.parametrize("seed", range(5))
def test_balance_over_100_clips(seed: int) -> None:
    clips = [make_clip(index, seed=seed) for index in range(100)]
    questions = [question for clip in clips for question in clip.questions]
    kinds = Counter(question.kind for question in questions)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 0.12 * len(questions)
    letters = Counter(question.answer for question in questions)
    assert all(0.2 <= letters[letter] / len(questions) <= 0.3 for letter in "ABCD"), letters
    for kind in KINDS:
        answers = Counter(question.answer_text for question in questions if question.kind == kind)
        assert max(answers.values()) <= 0.45 * kinds[kind], (kind, answers)
        assert len({question.question for question in questions if question.kind == kind}) >= 3


def test_a_guesser_that_knows_the_options_stays_near_chance() -> None:
    """Learn from 600 clips how often each option is right when offered, and choose by that on 300 others."""
    offered: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    right: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for question in (question for index in range(600) for question in make_clip(index, seed=11).questions):
        offered[question.kind].update(question.options)
        right[question.kind][question.answer_text] += 1
    hits: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for question in (question for index in range(300) for question in make_clip(index, seed=12).questions):
        won, seen = right[question.kind], offered[question.kind]
        guess = max(question.options, key=lambda option: (won[option] + 0.3) / (seen[option] + 1))
        hits[question.kind].append(guess == question.answer_text)
    assert max(float(np.mean(hit)) for hit in hits.values()) < 0.4


def test_questions_are_well_formed() -> None:
    for index in range(200):
        clip = make_clip(index, seed=1)
        assert len(clip.questions) >= 2 and len({question.kind for question in clip.questions}) >= 2
        assert json.loads(json.dumps(dataclasses.asdict(clip)))["name"] == clip.name
        for question in clip.questions:
            assert 2 <= len(question.options) <= 4 and len(set(question.options)) == len(question.options)
            assert question.options["ABCD".index(question.answer)] == question.answer_text
            lines = question.prompt.split("\n")
            assert lines[0] == question.question and "{" not in question.prompt
            assert lines[1:] == [f"{'ABCD'[i]}. {text}" for i, text in enumerate(question.options)]


def test_no_two_clips_are_the_same() -> None:
    clips = [make_clip(index, seed=seed) for seed in (0, 1) for index in range(60)]
    assert len({clip.name for clip in clips}) == len(clips)
    assert len({repr((clip.actors, clip.background)) for clip in clips}) > 0.95 * len(clips)


def test_the_number_of_clips_and_the_size_change_nothing_else() -> None:
    small, large = make_clip(11, size=64), make_clip(11, size=128, num_frames=32, fps=16)
    assert (small.actors, small.questions) == (large.actors, large.questions)
    assert isinstance(small.actors[0], Actor)


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import hashlib, sys; from t2vid_hf.clips.shapes import *; clips = [make_clip(i, seed=5) for i in range(12)]\n"
        "print(hashlib.sha256(b''.join(render_clip(c).tobytes() for c in clips) + repr(clips).encode()).hexdigest())"
    )
    clips = [make_clip(index, seed=5) for index in range(12)]
    here = hashlib.sha256(b"".join(render_clip(clip).tobytes() for clip in clips) + repr(clips).encode()).hexdigest()
    for salt in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == here


@pytest.mark.parametrize("index", range(0, 20, 2))
def test_mp4_decodes_to_the_drawn_frames(index: int, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    clip, frames = clip_and_frames(index)
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    write_clip(clip, first)
    for _ in range(8):  # x264's default look-ahead gives clip 8 other bytes about once in ten
        write_clip(clip, str(second))
        assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.mp4", "second.mp4"]
    with av.open(str(first)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == clip.fps
        decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
    assert decoded.shape == frames.shape
    assert np.abs(decoded.astype(int) - frames.astype(int)).mean() < 3


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"old")

    def fail(clip: Clip) -> np.ndarray:
        raise RuntimeError("stopped")

    monkeypatch.setattr("t2vid_hf.clips.drawing.render_clip", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        write_clip(make_clip(0), target)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"] and target.read_bytes() == b"old"


@pytest.mark.parametrize("wrong", [{"size": 33}, {"size": 46}, {"num_frames": 4}, {"fps": 0}])
def test_numbers_out_of_range_are_named(wrong: dict[str, int]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        make_clip(0, **wrong)
