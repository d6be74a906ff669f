"""How fast pages are drawn, beside the original's way of drawing them. One process, one core, both in the same run.

    python tests/benchmarks/bench_render.py [--rounds 5] [--documents 25] [--scripts tha hin] [--output FILE]

Material: the distinct documents of SQuALITY dev (`../shared/data/longqa/squality`). The last line printed is JSON.

**The original** is written out in `render_original.py`. Arimo's regular master stands for Arial.

**Ours** is `TextRenderer(preset "paper").render(text)`: the text to an array of grey pages; *png* adds `encode_png`.

A *ratio* is pages per second over pages per second. Our pages hold 115 words of the source and the original's about 96
(115 tokens), so the time for the same text is less by that factor again: `draw_ratio_by_text`. Rounds are interleaved
and the medians reported. Time is the processor's (`time.process_time`), so that other jobs on the machine count little.
`cold_draw_ratio` is one document of about 6,000 words drawn by a fresh process that has drawn three words at another
size of type: nothing of the document has been seen; only fonts are open and compiled code loaded.
`first_document_of_a_process_s` is what these take, `compile_s` what compiling takes where the folder of compiled loops
is empty (once on a machine).

ISA-L leaves the processor in a state in which the standard zlib takes 1.9 times as long, for as long as the process
lives. The original is therefore measured in a process of its own, once in each round, and ours in PNG last.

The fonts: Arimo's one file is a variable font, which FreeType draws more slowly than a static one. With Liberation
Sans in its place (`--font`), whose shapes and widths are Arimo's, the original draws 1.4 times as fast.

Before the English numbers there is a line of JSON for each script, see `render_scripts.py`.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path

import PIL
import render_scripts
from PIL import features
from render_original import arimo, documents, original_draw, original_seconds, seconds

from t2vid_hf.rendering import RenderConfig, TextRenderer

_COLD = """
import json, sys, time
from t2vid_hf.rendering import RenderConfig, TextRenderer
text = sys.stdin.read()
TextRenderer(RenderConfig.preset("dense")).render("The keeper slept.")
begin = time.process_time()
TextRenderer(RenderConfig.preset("paper")).render(text)
print(time.process_time() - begin)
"""


def _serve(connection: Connection, texts: list[str], font_file: str) -> None:
    """A process that measures the original, whenever it is asked."""
    original_seconds(texts[:1], font_file)
    while connection.recv():
        connection.send(original_seconds(texts, font_file))


def _cold(text: str) -> float:
    environment = {**os.environ, "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", _COLD]
    return float(subprocess.run(command, input=text.encode(), env=environment, check=True, capture_output=True).stdout)


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
            "cold_draw": _cold(long) / long_pages,
        }
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
            "raqm": features.version("raqm"),  # of the original
            **{name: _version(name) for name in ("numpy", "llvmlite", "uharfbuzz", "icu4py", "fontpkg-arimo")},
            "deflate": "zlib" if importlib.util.find_spec("isal") is None else "isal.isal_zlib",
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


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


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
    parser.add_argument("--font", default=arimo(), help="the original's font file; Arimo unless given")
    parser.add_argument("--scripts", nargs="*", default=render_scripts.languages(), help="all; none: give no name")
    arguments = parser.parse_args()
    scripts = []
    with tempfile.TemporaryDirectory() as loops:
        if arguments.scripts:
            render_scripts.loops_alone(Path(loops))
        for language in arguments.scripts:
            scripts.append(render_scripts.measure(language, Path(loops)))
            print(json.dumps(scripts[-1]), flush=True)
    result = measure(arguments.rounds, documents(arguments.documents), arguments.font)
    if scripts:
        result["scripts"] = scripts
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: value for name, value in result.items() if name != "scripts"}))


if __name__ == "__main__":
    main()
