"""How fast pages are drawn, beside the original's way of drawing them. One process, one core, both in the same run.

    python tests/benchmarks/bench_render.py [--rounds 5] [--documents 25] [--output results/render.json]

Material: the distinct documents of SQuALITY dev (`../shared/data/longqa/squality`). The last line printed is JSON.

**The original** is written out here from the description of Sparrow's `draw_text.py`: NLTK's `word_tokenize` (here a
regular expression that splits as the treebank tokeniser does on prose, several times faster than NLTK, which favours
the original), pages of 115 tokens, a font opened for each page, lines wrapped by `getbbox(word + " ")[2]` up to
448 - 40 px, the height of each line from its own `getbbox`, twice, text drawn line by line on an RGB image. Arimo's
regular master stands for Arial. *draw* is the text to the RGB images; *png* adds `Image.save` with zlib's level 6.

**Ours** is `TextRenderer(preset "paper").render(text)`: the text to an array of grey pages; *png* adds `encode_png`.

A *ratio* is pages per second over pages per second. Our pages hold 115 words of the source and the original's about 96
(115 tokens), so the time for the same text is less by that factor again: `draw_ratio_by_text`. Rounds are interleaved
and the medians reported. Time is the processor's (`time.process_time`), so that other jobs on the machine count little.
`cold_draw_ratio` is one document of about 6,000 words drawn by a renderer that has seen nothing: the atlas is built
within the measured time; only fonts are open and the loops compiled. `first_document_of_a_process_s` is what these
take, `compile_s` what compiling takes where the folder of compiled loops is empty (once on a machine).

ISA-L leaves the processor in a state in which the standard zlib takes 1.9 times as long, for as long as the process
lives. The original is therefore measured in a process of its own, once in each round, and ours in PNG last.

The fonts: Arimo's one file is a variable font, which FreeType draws more slowly than a static one. With Liberation
Sans in its place (`--font`), whose shapes and widths are Arimo's, the original draws 1.4 times as fast.
"""

import argparse
import io
import json
import multiprocessing
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path

import PIL
from PIL import Image, ImageDraw, ImageFont, features

from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.fonts import font_files
from t2vid_hf.rendering.png import deflate_module

SHARED = Path(__file__).resolve().parents[3] / "shared"
SQUALITY = SHARED / "data/longqa/squality/v1-3_txt_dev.jsonl"
SIDE_PX, MARGIN_PX, FONT_PX, TOKENS = 448, 20, 20, 115
# The treebank rules that fire on prose: quotes, dots, brackets, dashes, contractions, a full stop at the end.
_TOKEN = re.compile(
    r"\.\.\.|--|``|''|n't\b|'(?:s|m|d|ll|re|ve)\b|[()\[\]{}<>\"?!;:@#$%&]|,(?!\d)|\.(?=\s|$)"
    r"|(?:(?!n't\b|'(?:s|m|d|ll|re|ve)\b|--|\.\.\.|,(?!\d)|\.(?:\s|$))[^\s()\[\]{}<>\"?!;:@#$%&])+"
)


def original_draw(text: str, font_file: str) -> list[Image.Image]:
    """The paper's pages of a text."""
    tokens = _TOKEN.findall(text)
    images = []
    for start in range(0, len(tokens), TOKENS):
        font = ImageFont.truetype(font_file, FONT_PX)
        image = Image.new("RGB", (SIDE_PX, SIDE_PX), "white")
        draw = ImageDraw.Draw(image)
        lines, line, used = [], [], 0.0
        for word in " ".join(tokens[start : start + TOKENS]).split(" "):
            width = font.getbbox(word + " ")[2]
            if used + width <= SIDE_PX - 2 * MARGIN_PX:
                line.append(word)
                used += width
            else:
                lines.append(" ".join(line))
                line, used = [word], width
        lines.append(" ".join(line))
        y = (SIDE_PX - sum(font.getbbox(line)[3] for line in lines)) / 2
        for line_text in lines:
            draw.text((MARGIN_PX, y), line_text, font=font, fill="black")
            y += font.getbbox(line_text)[3]
        images.append(image)
    return images


def original_seconds(texts: list[str], font_file: str) -> tuple[float, float]:
    """Time to draw the paper's pages of all texts, and to encode them as PNG."""
    drawn = encoded = 0.0
    for text in texts:
        begin = time.process_time()
        images = original_draw(text, font_file)
        middle = time.process_time()
        for image in images:
            image.save(io.BytesIO(), format="PNG")
        drawn += middle - begin
        encoded += time.process_time() - middle
    return drawn, encoded


def documents(most: int | None = None) -> list[str]:
    """The distinct documents of SQuALITY dev."""
    with SQUALITY.open(encoding="utf-8") as file:
        return list(dict.fromkeys(json.loads(line)["document"] for line in file))[:most]


def seconds(function: Callable[[str], object], texts: list[str]) -> float:
    """Processor time for all texts, one after the other; results are dropped at once."""
    begin = time.process_time()
    for text in texts:
        function(text)
    return time.process_time() - begin


def _serve(connection: Connection, texts: list[str], font_file: str) -> None:
    """A process that measures the original, whenever it is asked."""
    original_seconds(texts[:1], font_file)
    while connection.recv():
        connection.send(original_seconds(texts, font_file))


def _cold(renderer: TextRenderer, text: str) -> float:
    atlas_for.cache_clear()
    return seconds(renderer.render, [text])


def measure(rounds: int, texts: list[str], font_file: str) -> dict[str, object]:
    """All numbers; see the head of this file."""
    renderer = TextRenderer(RenderConfig.preset("paper"))
    begin = time.perf_counter()
    renderer.render(texts[0])
    first_s = time.perf_counter() - begin
    pages = sum(len(renderer.char_spans(text)) for text in texts)
    original_pages = sum(len(original_draw(text, font_file)) for text in texts)
    png_bytes = sum(len(file) for file in renderer.render(texts[0]).pngs()) / len(renderer.char_spans(texts[0]))
    long = next(text for text in texts if len(text.split()) > 5500)
    long_pages = len(renderer.char_spans(long))
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, texts, font_file), daemon=True)
    worker.start()
    rows = []
    for number in range(rounds):
        ours.send(True)
        drawn_s, encoded_s = ours.recv()
        row = {
            "original_draw": drawn_s / original_pages,
            "original_png": (drawn_s + encoded_s) / original_pages,
            "draw": seconds(renderer.render, texts) / pages,
            "cold_draw": _cold(renderer, long) / long_pages,
        }
        seconds(renderer.render, texts)  # warm again
        row["png"] = seconds(lambda text: renderer.render(text).pngs(), texts) / pages
        seconds(renderer.render, texts[:1])  # clears the registers that ISA-L left in use
        rows.append(row)
        print(f"round {number}: " + ", ".join(f"{name} {1e6 * value:.1f} us a page" for name, value in row.items()))
    ours.send(False)
    worker.join()
    median = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    spread = {name: [min(row[name] for row in rows), max(row[name] for row in rows)] for name in rows[0]}
    return {
        "draw_ratio": round(median["original_draw"] / median["draw"], 1),
        "png_ratio": round(median["original_png"] / median["png"], 1),
        "cold_draw_ratio": round(median["original_draw"] / median["cold_draw"], 1),
        "draw_ratio_by_text": round(median["original_draw"] * original_pages / (median["draw"] * pages), 1),
        "pages_per_second": round(1 / median["draw"]),
        "png_pages_per_second": round(1 / median["png"]),
        "original_pages_per_second": round(1 / median["original_draw"], 1),
        "original_png_pages_per_second": round(1 / median["original_png"], 1),
        "pages": pages,
        "original_pages": original_pages,
        "png_bytes_per_page": round(png_bytes),
        "first_document_of_a_process_s": round(first_s, 3),
        "compile_s": round(compile_seconds(), 2),
        "cold_document_words": len(long.split()),
        "original_font": Path(font_file).name,
        "rounds": rounds,
        "microseconds_per_page": {name: round(1e6 * value, 1) for name, value in median.items()},
        "microseconds_per_page_min_max": {name: [round(1e6 * v, 1) for v in both] for name, both in spread.items()},
        "versions": {
            "python": platform.python_version(),
            "pillow": PIL.__version__,
            "freetype": features.version("freetype2"),
            "raqm": features.version("raqm"),
            **{name: metadata.version(name) for name in ("numpy", "numba", "icu4py", "fontpkg-arimo")},
            "deflate": deflate_module().__name__,
        },
        "hardware": f"{processor()}, 1 core used",
    }


def compile_seconds() -> float:
    """Time of a first document where the folder of compiled loops is empty, less that where it is full."""
    code = (
        "import time; from t2vid_hf.rendering import RenderConfig, TextRenderer; begin = time.perf_counter(); "
        "TextRenderer(RenderConfig.preset('paper')).render('The keeper.'); print(time.perf_counter() - begin)"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HF_HOME": folder}
        command = [sys.executable, "-c", code]
        empty, full = (
            float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout) for _ in range(2)
        )
    return empty - full


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=None, help="only the first so many; all unless given")
    parser.add_argument("--output", type=Path, default=None, help="also write the numbers to this JSON file")
    parser.add_argument("--font", default=str(font_files()[0]), help="the original's font file; Arimo unless given")
    arguments = parser.parse_args()
    result = measure(arguments.rounds, documents(arguments.documents), arguments.font)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
