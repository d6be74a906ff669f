"""The page of answers in headless Chromium: two runs, 3,000 questions about 1,000 videos with 8 frames each.

python tests/benchmarks/bench_page.py
python tests/benchmarks/bench_page.py --output tests/benchmarks/results/page.json

Frames are soft noise, a sheet of which takes about what one of a film does (20 kB). Seconds are
processor time of the page's main thread, as Chromium counts it: to open it, the median of three, and for an action
until it is laid out. Wall time under load says something else at each run: 0.4 to 5.5 s for the same page.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import about
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from t2vid_hf.evaluation.thumbnails import sheet_of
from t2vid_hf.gallery.answers_page import write_page
from t2vid_hf.gallery.page_runs import PageRun, Shown
from tests.gallery.browser import Browser, found

QUESTIONS, VIDEOS = 3_000, 1_000
ACTIONS = {
    "filter_s": "document.querySelectorAll('#outcomes input')[1].click()",
    "search_s": "find.value = 'second 29'; find.dispatchEvent(new Event('input'))",
    "next_card_s": "go(1)",
}


def runs() -> list[PageRun]:
    generator = np.random.default_rng(0)
    sheets = []
    for _ in range(VIDEOS):
        coarse = generator.integers(0, 255, (8, 16, 28, 3)).astype(np.uint8)
        frames = [np.asarray(Image.fromarray(frame).resize((160, 90), Image.Resampling.BICUBIC)) for frame in coarse]
        sheets.append(sheet_of(np.stack(frames), np.arange(8.0)))
    options = tuple((letter, "something that may happen") for letter in "ABCD")
    made = []
    for name, share in (("base", 0.5), ("tuned", 0.6)):
        answers = {}
        for n, right in enumerate(generator.random(QUESTIONS) < share):
            said = "B." if right else f"The answer is A, because {'of what is seen ' * 20}"
            groups, asked = (f"kind {n % 12}",), f"What happens at second {n} of the video, and why?"
            outcome = "right" if right else "wrong"
            answers[str(n)] = Shown(f"v{n % VIDEOS}", groups, asked, options, "B", said, "AB"[int(right)], outcome)
        made.append(PageRun(name, answers, {}, {name: sheets[int(name) % VIDEOS] for name in answers}))
    return made


def used(browser: Browser) -> float:
    """Processor time of the page's main thread, in seconds."""
    metrics = {metric["name"]: metric["value"] for metric in browser.call("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    output = parser.parse_args().output
    if found() is None:
        raise SystemExit("no Chromium on this machine (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        page, listed = Path(folder, "page.html"), runs()
        begun = time.process_time()
        write_page(page, listed, title="Measured")
        result = {"write_s": time.process_time() - begun, "mb": page.stat().st_size / 1e6, "questions": QUESTIONS}
        browser = Browser(Path(folder, "profile"))
        browser.window(1280, 1000)
        browser.call("Performance.enable", timeDomain="threadTicks")
        opened = []
        for _ in range(3):
            browser.open(page.as_uri())
            opened.append(used(browser))  # which begins anew with the page
        result["open_s"] = statistics.median(opened)
        for name, action in ACTIONS.items():
            begun = used(browser)
            browser.run(f"{action}; document.body.offsetHeight")
            result[name] = used(browser) - begun
        browser.close()
    text = json.dumps({**{name: round(value, 3) for name, value in result.items()}, "machine": about()})
    print(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
