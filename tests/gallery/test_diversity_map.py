"""The map of instructions in a real browser: hover, filter, search, zoom, dark and light, nothing from elsewhere."""

import io

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.gallery.diversity_figure import COLOURS, write_figure
from t2vid_hf.gallery.diversity_map import write_map
from tests.gallery.browser import Browser

BAD = "</script><script>document.title='taken'</script> <b>Who?</b> & \u2028 \U0001f600"
SETS = {"text": [f"What is number {number}?" for number in range(40)], "video": [BAD, "Who jumps?", "Why does it?"]}
SEEN = "document.querySelector('#tip').hidden ? null : document.querySelector('#tip').textContent"
TOLD = "document.querySelector('#told').textContent"


def points(sets: dict[str, list[str]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(len(texts), 2)).astype(np.float32) for name, texts in sets.items()}


@pytest.fixture
def page(browser, tmp_path):
    placed = points(SETS)
    placed["video"][0] = (9, 9)  # alone in a corner
    write_map(placed, SETS, tmp_path / "map.html", title="A <map> & more")
    browser.window(1000, 700)
    browser.open((tmp_path / "map.html").as_uri())
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    yield browser
    assert browser.said == [] and len(browser.asked_for) == 1


def point_at(browser: Browser, number: int) -> None:
    """Move the mouse to where an instruction is drawn."""
    box = browser.run("(r => [r.left, r.top])(document.querySelector('canvas').getBoundingClientRect())")
    place = browser.run(f"[left({number}), top_({number})]")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + place[0], y=box[1] + place[1])


def look_for(browser: Browser, words: str) -> None:
    browser.run(f"(s => {{ s.value = {words!r}; s.dispatchEvent(new Event('input')); }})(search)")


def test_pointing_shows_the_instruction_as_it_is(page):
    point_at(page, 40)
    assert page.run(SEEN) == "video" + BAD
    assert page.run("document.title") == "A <map> & more"
    assert page.run("top_(40) < height / 2 && left(40) > width / 2")  # up and right, as in the figure


def test_search_and_filter_say_how_many(page):
    assert page.run(TOLD).startswith("43 of 43 instructions shown")
    look_for(page, "WHO")
    assert page.run(TOLD) == "2 found"
    assert page.run("[...document.querySelectorAll('li')].length") == 2
    page.run("document.querySelectorAll('#sets input')[1].click()")
    assert page.run(TOLD) == "0 found"
    look_for(page, "")
    assert page.run(TOLD).startswith("40 of 43")
    point_at(page, 40)
    assert page.run(SEEN) is None


def test_a_found_one_is_brought_to_the_middle(page):
    look_for(page, "jumps")
    page.run("document.querySelector('li button').click()")
    assert page.run(SEEN) == "videoWho jumps?"
    assert page.run("[Math.round(left(41) - width / 2), Math.round(top_(41) - height / 2)]") == [0, 0]


def test_the_wheel_zooms_where_the_mouse_is(page):
    before = page.run("[left(40), top_(40)]")
    box = page.run("(r => [r.left, r.top])(document.querySelector('canvas').getBoundingClientRect())")
    at = {"x": box[0] + before[0], "y": box[1] + before[1]}
    page.call("Input.dispatchMouseEvent", type="mouseWheel", deltaX=0, deltaY=-400, **at)
    page.run("new Promise(done => setTimeout(done, 200))")
    assert page.run("view.zoom") == pytest.approx(np.e)
    np.testing.assert_allclose(page.run("[left(40), top_(40)]"), before, atol=2)  # the mouse is at a whole pixel


@pytest.mark.parametrize(("scheme", "size", "light"), [("light", (1000, 700), True), ("dark", (390, 700), False)])
def test_it_is_drawn_in_the_colours_of_its_sets(page, scheme, size, light):
    page.window(*size, scheme=scheme)
    page.run("new Promise(done => setTimeout(done, 200))")
    picture = np.asarray(Image.open(io.BytesIO(page.picture())).convert("RGB")).astype(int)
    assert (picture[300:400].mean() > 200) == light
    for colour in COLOURS[:2]:
        wanted = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
        ground = picture[-1, 200]
        drawn = (0.7 * wanted + 0.3 * ground).round()
        assert (np.abs(picture - drawn).max(axis=2) <= 3).sum() > 20
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_ten_thousand_are_drawn_at_once(browser, tmp_path):
    many = {name: [f"Instruction {number} of {name}" for number in range(5000)] for name in ("a", "b")}
    write_map(points(many), many, tmp_path / "map.html", title="Many")
    browser.open((tmp_path / "map.html").as_uri())
    assert browser.run(TOLD).startswith("10000 of 10000")
    assert browser.run("document.querySelectorAll('*').length") < 60
    assert browser.said == []


def test_instructions_that_are_all_equal_have_one_place(tmp_path):
    write_map({"a": np.zeros((3, 2))}, {"a": ["Who?"] * 3}, tmp_path / "map.html", title="One")
    assert '"x":[8192,8192,8192]' in (tmp_path / "map.html").read_text("utf-8")


def test_the_figure_is_the_same_each_time_and_holds_no_date(tmp_path):
    first, again = (write_figure(points(SETS), tmp_path / name) for name in ("a", "b"))
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert Image.open(first[0]).size == (1400, 1200) and first[1].read_bytes().startswith(b"%PDF")
    colours = Image.open(first[0]).convert("RGB").getcolors(1 << 20)
    assert all(
        any(count > 100 and colour == tuple(bytes.fromhex(name[1:])) for count, colour in colours)
        for name in COLOURS[:2]
    )
