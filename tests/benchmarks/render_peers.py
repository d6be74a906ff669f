"""Other ways of making pages of text, beside ours: words a second, and what tesseract reads wrongly. One run.

    pip install reportlab pypdfium2 playwright && apt install chromium tesseract-ocr
    python tests/benchmarks/render_peers.py [--documents 5] [--output tests/benchmarks/results/render_peers.json]

- *glyph*: as Glyph ("scaling context windows via visual-text compression") does: ReportLab's paragraphs become a PDF,
  which PDFium draws at the page's size; PNG by Pillow. Arimo's variable font stands in the PDF at its default, regular.
- *chromium*: as DeOCR does: an HTML page in headless Chromium by playwright, one screenshot a page. Columns of CSS are
  the pages, so that a document is laid out once.
- *ours*: `TextRenderer(config).render(text).pngs()`.

Geometry is that of the presets `paper` and `dense`: page, type, distance of lines and margins in pixels, and the same
Arimo. All fill their pages from the top (for `paper` that is more than its 115 words). Each way has a process of its
own, which has drawn the first document before it is measured; the documents are those of SQuALITY dev, the time is the
processor's, of the process and all that it started. `pixels` ends with pages in memory, `png` with PNG files in memory.

`cer` is the percent of characters that tesseract reads wrongly at a 3x enlargement, over the beginnings of two
speeches. One line of JSON a way and geometry; a way that is not installed says so, and how to install it.
"""

import argparse
import base64
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from machine import about
from PIL import Image
from reading import distance, enlarged, languages, plain, tesseract
from render_original import SHARED, arimo, documents

from t2vid_hf.rendering import RenderConfig, TextRenderer

SPEECHES = ("2009-Obama", "1961-Kennedy")
CHARACTERS = 6000
TIMES = 3
Pngs = Callable[[str], list[bytes]]
Pixels = Callable[[str], Any]


@contextmanager
def ours(config: RenderConfig) -> Iterator[tuple[Pixels | None, Pngs]]:
    """Our own renderer."""
    renderer = TextRenderer(config)
    yield renderer.render, lambda text: renderer.render(text).pngs()


@contextmanager
def glyph(config: RenderConfig) -> Iterator[tuple[Pixels | None, Pngs]]:
    """ReportLab to PDF, PDFium to pixels."""
    import pypdfium2
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

    pdfmetrics.registerFont(TTFont("Arimo", arimo()))
    style = ParagraphStyle("page", fontName="Arimo", fontSize=config.font_px, leading=config.line_px)
    size = (config.width_px, config.height_px)
    margin = config.margin_px
    inner = (margin, margin, size[0] - 2 * margin, size[1] - 2 * margin)

    def pixels(text: str) -> list[Image.Image]:
        file = io.BytesIO()
        document = BaseDocTemplate(file, pagesize=size)
        frame = Frame(*inner, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
        document.addPageTemplates([PageTemplate(frames=[frame])])
        document.build([Paragraph(escape(text), style)])
        # a point of the PDF is a pixel
        return [page.render(scale=1, grayscale=True).to_pil() for page in pypdfium2.PdfDocument(file.getvalue())]

    def pngs(text: str) -> list[bytes]:
        return [_png(page) for page in pixels(text)]

    yield pixels, pngs


@contextmanager
def chromium(config: RenderConfig) -> Iterator[tuple[Pixels | None, Pngs]]:
    """An HTML page in headless Chromium."""
    from playwright.sync_api import sync_playwright

    width, height, margin = config.width_px, config.height_px, config.margin_px
    font = base64.b64encode(Path(arimo()).read_bytes()).decode()
    # The columns' heights are whole lines, so that no line is cut.
    style = f"""
        @font-face {{ font-family: Arimo; src: url(data:font/ttf;base64,{font}) }}
        body {{ margin: 0; background: white }}
        div {{ margin: {margin}px; width: {width - 2 * margin}px; height: {config.lines_per_page * config.line_px}px;
            column-width: {width - 2 * margin}px; column-gap: {2 * margin}px; column-fill: auto;
            font: {config.font_px}px/{config.line_px}px Arimo; overflow-wrap: anywhere }}"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        # Once, so that the font is read once; a document is then a change of its text.
        page.set_content(f"<style>{style}</style><div>The keeper.</div>")
        page.evaluate("document.fonts.ready")

        def pngs(text: str) -> list[bytes]:
            right = page.evaluate(
                "text => { const pages = document.querySelector('div'); pages.textContent = text; "
                "return pages.scrollWidth }",
                text,
            )
            count = -(-(right + 2 * margin) // width)
            page.set_viewport_size({"width": count * width, "height": height})
            places = [{"x": number * width, "y": 0, "width": width, "height": height} for number in range(count)]
            return [page.screenshot(clip=place) for place in places]

        yield None, pngs
        browser.close()


WAYS = {"ours": ours, "glyph": glyph, "chromium": chromium}
_NEEDS = {"ours": (), "glyph": ("reportlab", "pypdfium2"), "chromium": ("playwright",)}


def how_to_install(way: str) -> str | None:
    """What is to be done before a way can be measured; `None` where it is installed."""
    absent = [name for name in _NEEDS[way] if importlib.util.find_spec(name) is None]
    todo = [f"pip install {' '.join(absent)}"] if absent else []
    if way == "chromium" and shutil.which("chromium") is None:
        todo.append("apt install chromium")
    return " && ".join(todo) or None


def geometry(preset: str) -> RenderConfig:
    """The preset's page, filled from the top."""
    return RenderConfig.preset(preset, max_words=None, vertical="top")


def measure(way: str, preset: str, count: int) -> dict[str, Any]:
    """Speed and errors of a way, in this process."""
    texts = [" ".join(text.split()) for text in documents(count)]
    words = sum(len(text.split()) for text in texts)
    row: dict[str, Any] = {"way": way, "geometry": preset}
    with WAYS[way](geometry(preset)) as (pixels, pngs):
        pages = len(pngs(texts[0]))
        row["words_a_page"] = round(len(texts[0].split()) / pages)
        for name, task in (("pixels", pixels), ("png", pngs)):
            row[f"{name}_words_per_second"] = None if task is None else round(words / _seconds(task, texts))
        row["cer"] = _error(pngs) if languages() else "not measured: apt install tesseract-ocr"
    return row


def _seconds(task: Callable[[str], object], texts: list[str]) -> float:
    """Time of a pass over the texts; as many as take a second, since the clock of other processes ticks at 10 ms."""
    begin = _processor_seconds(os.getpid())
    passes, used = 0, 0.0
    while used < 1:
        for text in texts:
            task(text)
        passes, used = passes + 1, _processor_seconds(os.getpid()) - begin
    return used / passes


def _processor_seconds(process: int) -> float:
    """Of a process and of all below it."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
        # user and system time, of itself and of children that have ended
        own = sum(int(value) for value in fields[11:15]) / os.sysconf("SC_CLK_TCK")
        children = [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except FileNotFoundError:  # it has just ended
        return 0.0
    return own + sum(_processor_seconds(child) for child in children)


def _error(pngs: Pngs) -> float:
    wrong = characters = 0
    for name in SPEECHES:
        text = (SHARED / f"data/texts/english/{name}.txt").read_text(encoding="utf-8")[:CHARACTERS]
        text = " ".join(text.split())
        pages = [Image.open(io.BytesIO(file)).convert("L") for file in pngs(text)]
        seen = plain(" ".join(tesseract(enlarged(page, TIMES)) for page in pages), spaces=True)
        wrong += distance(plain(text, spaces=True), seen)
        characters += len(text)
    return round(100 * wrong / characters, 3)


def _png(page: Image.Image) -> bytes:
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=5)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--geometries", nargs="+", default=["paper", "dense"])
    parser.add_argument("--output", type=Path, help="JSON file to write the rows to as well.")
    parser.add_argument("--here", action="store_true", help="Measure in this process, one way and geometry.")
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.ways[0], given.geometries[0], given.documents)))
        return
    rows: list[dict[str, Any]] = []
    for preset in given.geometries:
        for way in given.ways:
            todo = how_to_install(way)
            if todo is None:
                options = ["--here", "--ways", way, "--geometries", preset, "--documents", str(given.documents)]
                command = [sys.executable, __file__, *options]
                rows.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
            else:
                rows.append({"way": way, "geometry": preset, "not installed": todo})
            print(json.dumps(rows[-1]), flush=True)
    if given.output is not None:
        result = {"benchmark": "render_peers", "documents": given.documents, **about("pillow"), "rows": rows}
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
