"""The page of answers, in a real browser: order, filters, counts, keys, and that no reply becomes markup."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.thumbnails import sheet_of
from t2vid_hf.gallery.answers_page import MOST_CHARACTERS, write_page
from t2vid_hf.gallery.page_runs import PageRun, Shown

OPTIONS = (("A", "up"), ("B", "down"), ("C", "<i>away</i>"))
OUTCOMES = {"+": "right", "-": "wrong", "0": "no answer", "d": "dropped"}


def run(name, pattern, *, replies=None, sheets=None, told=None):
    """A run with a question a sign: two to a video, of three kinds."""
    answers = {}
    for n, sign in enumerate(pattern):
        reply = (replies or {}).get(n, {"+": "B.", "-": "A.", "0": "", "d": "A."}[sign])
        choice = {"+": "B", "-": "A"}.get(sign)
        groups = (("speed", "order", "action")[n % 3], ("short", "long")[n % 2])
        question = f"Where does number {n} go?"
        answers[f"q{n}"] = Shown(f"v{n // 2}", groups, question, OPTIONS, "B", reply, choice, OUTCOMES[sign])
    return PageRun(name, answers, told or {}, sheets or {})


def colours(*values):
    return np.stack([np.full((24, 32, 3), value, np.uint8) for value in values])


@pytest.fixture
def page(browser, tmp_path):
    """Write a page, and open it; at the end it must have said nothing, and fetched nothing."""

    def show(runs, *, at="", **options):
        path = tmp_path / "page.html"
        write_page(path, runs, title="Looked at", **options)
        browser.window(1200, 900)
        browser.open(path.as_uri() + at)
        return browser

    yield show
    assert browser.said == []
    assert [url for url in browser.asked_for if not url.startswith(("file:", "data:"))] == []


def ids(browser):
    return browser.run("[...document.querySelectorAll('article')].map((card) => card.dataset.id)")


def counts(browser):
    return browser.run(
        "Object.fromEntries([...document.querySelectorAll('#outcomes label')]"
        ".map((label) => [label.querySelector('bdi').textContent, label.querySelector('span').textContent]))"
    )


def test_wrong_ones_come_first_and_filters_count(page):
    browser = page([run("tiny", "+-+0-d")])
    assert ids(browser) == ["q1", "q4", "q3", "q5", "q0", "q2"]
    assert counts(browser) == {"wrong": "2", "no answer": "1", "right": "2", "dropped": "1", "all": "6"}
    browser.run("document.querySelector('input[value=wrong]').click()")
    assert ids(browser) == ["q1", "q4"]
    assert browser.run("document.getElementById('count').textContent") == "2 of 6 questions"
    browser.run("document.getElementById('group').value = 'order'; group.dispatchEvent(new Event('change'))")
    assert ids(browser) == ["q1", "q4"] and counts(browser)["all"] == "2"
    browser.run("document.getElementById('group').value = 'long'; group.dispatchEvent(new Event('change'))")
    assert ids(browser) == ["q1"] and counts(browser) == {
        "wrong": "1", "no answer": "1", "right": "0", "dropped": "1", "all": "3",
    }  # fmt: skip
    assert browser.run("[...group.options].map((option) => option.textContent)") == [
        "all (6)", "order (2): 0 % right", "long (3): 0 % right", "short (3): 67 % right", "speed (2): 50 % right",
        "action (2): 100 % right",
    ]  # fmt: skip


def test_the_head_says_the_score(page):
    browser = page([run("tiny", "+-+0d", told={"given": "8 frames"})])
    cells = browser.run("[...document.querySelectorAll('#scores td')].map((cell) => cell.textContent.trim())")
    assert [cells[0], cells[1], cells[3], cells[4]] == ["tiny", "50.0 %", "4", "1"]
    assert cells[5] == "given 8 frames; 1 dropped, in no figure"


def test_words_are_looked_for_in_everything(page):
    browser = page([run("tiny", "++-", replies={0: "ÜBER there", 2: "under"})])
    for wanted, left in (
        ("über", ["q0"]),
        ("NUMBER 1", ["q1"]),
        ("v1", ["q2"]),
        ("away", ["q2", "q0", "q1"]),
        ("x(", []),
    ):
        browser.run(f"find.value = {json.dumps(wanted)}; find.dispatchEvent(new Event('input'))")
        assert ids(browser) == left
    assert "No question is like that." in browser.run("list.textContent")


def test_keys(page):
    browser = page([run("tiny", "+-+-")])
    focused = "document.activeElement.dataset.id ?? document.activeElement.id"
    seen = []
    for key in "jjkjjjjj":
        browser.press(key)
        seen.append(browser.run(focused))
    assert seen == ["q1", "q3", "q1", "q3", "q0", "q2", "q2", "q2"]
    browser.press("1")
    assert ids(browser) == ["q1", "q3"]
    browser.press("/")
    assert browser.run(focused) == "find"
    browser.press("j")  # typed, no step
    assert browser.run("find.value") == "j" and ids(browser) == []
    browser.press("Escape")
    assert browser.run("find.value") == "" and len(ids(browser)) == 4
    browser.press("g")
    assert browser.run(focused) == "group"


def test_a_view_stands_in_the_address(page):
    browser = page([run("tiny", "+-+-+-")], at="#show=right&group=short&at=q4")
    assert ids(browser) == ["q0", "q2", "q4"] and browser.run("document.activeElement.dataset.id") == "q4"
    browser.press("2")
    browser.press("3")
    assert browser.run("location.hash") == "#show=right&group=short"
    browser.run("location.hash = '#show=nonsense&group=none'")
    browser.run("new Promise((done) => setTimeout(done, 50))")
    assert len(ids(browser)) == 6


def test_what_two_runs_judge_differently_comes_first(page):
    browser = page([run("base", "++--d"), run("tuned", "+-+-+")])
    assert ids(browser) == ["q1", "q2", "q4", "q3", "q0"]
    assert counts(browser) == {
        "judged differently": "3", "right in base alone": "1", "right in tuned alone": "2", "wrong in all": "1",
        "right in all": "1", "no answer in any": "0", "dropped": "1", "all": "5",
    }  # fmt: skip
    browser.run("document.querySelector('input[value=\"right in tuned alone\"]').click()")
    assert ids(browser) == ["q2", "q4"]
    told = browser.run("document.querySelector('.pair').textContent")
    assert (
        told.startswith("tuned − base: +20.0 points, 95 % interval ") and "exact p = 1; of 5 questions 2 right" in told
    )
    heads = browser.run("[...document.querySelectorAll('article:first-child h3')].map((head) => head.textContent)")
    assert heads == ["base, wrong: A. up", "tuned, right: B. down"]


def test_three_runs(page):
    browser = page([run("a", "+-+"), run("b", "+--"), run("c", "+-+")])
    assert ids(browser) == ["q2", "q1", "q0"]
    assert list(counts(browser)) == ["judged differently", "wrong in all", "right in all", "no answer in any", "all"]
    assert browser.run("document.querySelectorAll('.pair').length") == 2


HOSTILE = {
    0: "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">",
    1: "</script><script>document.title = 'taken'</script><!-- <script>",
    2: "הוא נע למעלה, לא B.",
    3: "\u202eabc \u0000 \ud800 \u2028 &amp; {{ 7 * 7 }} ]]>",
    4: "long " * 10_000,
    5: "x" * 3_000,
}


def test_a_reply_is_text(page):
    hostile = "<b onclick=x>" + "y" * 300
    browser = page([run(hostile, "------", replies=HOSTILE, told={"<u>": "<u>"})])
    assert browser.run("document.title") == "Looked at"
    assert browser.run("document.querySelectorAll('main script, main img, b, u, i').length") == 0
    texts = browser.run("[...document.querySelectorAll('.reply .text')].map((text) => text.textContent)")
    assert texts[:3] == [HOSTILE[n] for n in range(3)]
    assert "{{ 7 * 7 }} ]]>" in texts[3] and "\u2028 &amp;" in texts[3]
    assert len(texts[4]) < 700
    assert browser.run("getComputedStyle(document.querySelectorAll('.reply .text')[2]).direction") == "rtl"
    browser.run("[...document.querySelectorAll('.reply button')].forEach((button) => button.click())")
    whole = browser.run("document.querySelectorAll('.reply .text')[4].textContent")
    assert whole.startswith(HOSTILE[4][:MOST_CHARACTERS]) and whole.endswith(
        "[cut off here: 20,000 of 50,000 characters]"
    )
    for width in (1200, 360):  # nothing is wider than the window
        browser.window(width, 800)
        assert browser.run("document.documentElement.scrollWidth") <= width


def test_a_script_of_another_does_not_run(page, tmp_path):
    browser = page([run("tiny", "-")])
    path = tmp_path / "page.html"
    path.write_text(path.read_text().replace("</main>", "<script>document.title = 'taken'</script></main>"))
    browser.open(path.as_uri())
    assert browser.run("document.title") == "Looked at"
    assert "violates the following Content Security Policy" in browser.said.pop()


def test_frames_that_were_fed_are_shown(page):
    sheet = sheet_of(colours(*range(0, 240, 20)), [n / 2 for n in range(12)])
    other = sheet_of(colours(255), [0.0])
    browser = page(
        [run("a", "--", sheets={"q0": sheet, "q1": sheet}), run("b", "--", sheets={"q0": other, "q1": sheet})]
    )
    assert browser.run("document.querySelectorAll('[type=\"text/plain\"]').length") == 2  # each once
    told = browser.run("[...document.querySelectorAll('figcaption')].map((caption) => caption.textContent)")
    assert told == [
        "a: 8 of 12 frames fed, at 0.0, 1.0, 1.5, 2.5, 3.0, 4.0, 4.5, 5.5 s", "b: 1 frame fed, at 0.0 s",
        "8 of 12 frames fed, at 0.0, 1.0, 1.5, 2.5, 3.0, 4.0, 4.5, 5.5 s",
    ]  # fmt: skip
    sizes = browser.run(
        "Promise.all([...document.images].map((image) => image.decode()"
        ".then(() => [image.naturalWidth, image.naturalHeight])))"
    )
    assert sizes == [[646, 242], [160, 120], [646, 242]]
    assert "Frames of 2 videos" in browser.run("document.querySelector('header').textContent")


def test_pictures_are_bounded_and_their_lack_is_said(page):
    generator = np.random.default_rng(0)
    sheets = {
        f"q{n}": sheet_of(generator.integers(0, 255, (4, 24, 32, 3)).astype(np.uint8), range(4)) for n in range(4)
    }
    room = 2.5 * max(len(sheet.picture) for sheet in sheets.values()) / 1e6
    browser = page([run("tiny", "+-+-", sheets=sheets)], pictures_mb=room)
    assert ids(browser) == ["q1", "q3", "q0", "q2"]
    pictured = browser.run("[...document.images].map((image) => image.closest('article').dataset.id)")
    assert pictured == ["q1", "q3"]
    told = browser.run("document.querySelector('header').textContent")
    assert "Frames of 2 of 4 videos" in told and "there is no room for the others" in told
    assert "(no room for the picture)" in browser.run("document.querySelectorAll('article')[2].textContent")


def test_an_option_is_named_once(page):
    """Neither twice in a card, where the question holds it, nor "yes. yes"."""
    asked = {
        "a": Shown("v", ("g",), "Is it so?", (("yes", "yes"), ("no", "no")), "yes", "No", "no", "wrong"),
        "b": Shown("v", ("g",), "Which?\nSentence A: up\nSentence B: down", OPTIONS[:2], "B", "A", "A", "wrong"),
        "c": Shown("v", ("g",), "Where to?", OPTIONS[:2], "B", "A", "A", "wrong"),
        "d": Shown("v", ("g",), "", (), "B", "A", "A", "wrong"),
    }
    browser = page([PageRun("tiny", asked)])
    listed = browser.run(
        "[...document.querySelectorAll('article')].map((card) => [...card.querySelectorAll('li, .body bdi, h3 bdi')]"
        ".map((text) => text.textContent))"
    )
    assert listed == [
        ["yes", "no", "yes", "no"], ["B. down", "A. up"], ["A. up", "B. down", "B. down", "A. up"], ["B", "A"],
    ]  # fmt: skip


def test_without_frames_and_replies_the_page_says_so(page):
    browser = page([run("tiny", "+-", replies={0: None, 1: None})])
    told = browser.run("document.querySelector('header').textContent")
    assert "No frames here: t2vid evaluate keeps them" in told and "The file of tiny holds no replies." in told


def test_thousands_of_questions_are_made_as_they_come_near(page):
    browser = page([run("a", "+-0" * 1000), run("b", "-+0" * 1000)])
    assert counts(browser)["judged differently"] == "2,000"
    assert len(ids(browser)) < 100
    for _ in range(3):
        before = len(ids(browser))
        browser.run(
            "window.scrollTo(0, document.body.scrollHeight);"
            "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))"
        )
        assert before < len(ids(browser)) < 400
    assert len(set(ids(browser))) == len(ids(browser))
    browser.open(browser.run("location.href").partition("#")[0] + "#at=q2999")
    assert browser.run("document.activeElement.dataset.id") == "q2999"


def test_light_and_dark(page):
    browser = page([run("tiny", "-")])
    shown = {}
    for scheme in ("light", "dark"):
        browser.window(1200, 900, scheme=scheme)
        shown[scheme] = browser.run(
            "['color', 'backgroundColor'].map((name) => getComputedStyle(document.body)[name].match(/\\d+/g)"
            ".slice(0, 3).reduce((sum, value) => sum + Number(value), 0))"
        )
    assert shown["light"][0] + 400 < shown["light"][1] and shown["dark"][1] + 400 < shown["dark"][0]


def test_questions_of_one_run_alone(page):
    browser = page([run("a", "+-+-"), run("b", "+-")])
    assert sorted(ids(browser)) == ["q0", "q1"]
    assert "2 questions that not every run has are not shown." in browser.run("document.body.textContent")


def test_no_question_in_common(tmp_path):
    other = run("b", "+")
    renamed = PageRun("b", {"x": other.answers["q0"]})
    with pytest.raises(InputError, match="a and b have no question in common"):
        write_page(tmp_path / "page.html", [run("a", "+"), renamed], title="")


def test_the_file_needs_no_other(tmp_path):
    write_page(tmp_path / "page.html", [run("a", "+-")], title="T <title>")
    text = Path(tmp_path / "page.html").read_text()
    assert "<title>T &lt;title&gt;</title>" in text
    assert re.findall(r"""(?:src|href)=["'](?!data:)""", text) == [] and "http:" not in text and "https:" not in text
