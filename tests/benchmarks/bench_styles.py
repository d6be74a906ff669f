"""Render styles: what tesseract misreads of each, and how fast pages are drawn where every text has a style of its own.

    python tests/benchmarks/bench_styles.py [--rounds 7] [--documents 25] [--output results/render_styles.json]

Needs Debian's tesseract (5.3, `eng`) and `../shared/data`.

**Speed**: documents of SQuALITY dev at the preset `paper`, plain and with all styles, in turns and warm, in the
processor's time. `ratio` is pages per second over pages per second, and `ratio_by_text` the same for the time that
the texts take, since large type takes more pages; medians of the rounds.

**Legibility**: as in tests/slow/test_legibility.py, English alone, two pages each of four speeches and three stories. A
style is `legible` where at most 0.3 % of the characters are misread, or twice what is misread of the same page drawn at
twice the size; that second number is measured where the first is above 0.3 %. Each column is read by itself, and light
type on dark paper is turned round before it is read: an engine's ways with columns and dark pages are not measured.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from bench_render import documents, processor, seconds  # noqa: E402

from t2vid_hf.rendering import RenderConfig, TextRenderer  # noqa: E402
from t2vid_hf.rendering.styles import STYLES  # noqa: E402

MOST_ERROR = 0.3


def speed(rounds: int, texts: list[str]) -> dict[str, Any]:
    """Pages per second, plain and in styles."""
    renderers = {
        "plain": TextRenderer(RenderConfig.preset("paper")),
        "styles": TextRenderer(RenderConfig.preset("paper", styles=tuple(STYLES))),
    }
    pages = {name: sum(len(renderer.char_spans(text)) for text in texts) for name, renderer in renderers.items()}
    for renderer in renderers.values():
        seconds(renderer.render, texts)
    taken = [{name: seconds(renderer.render, texts) for name, renderer in renderers.items()} for _ in range(rounds)]
    ratios = [row["plain"] / row["styles"] for row in taken]
    more = pages["styles"] / pages["plain"]
    return {
        "ratio": round(statistics.median(ratios) * more, 2),
        "ratio_min_max": [round(min(ratios) * more, 2), round(max(ratios) * more, 2)],
        "ratio_by_text": round(statistics.median(ratios), 2),
        "pages_per_second": {
            name: round(pages[name] / statistics.median(row[name] for row in taken)) for name in renderers
        },
        "pages": pages,
        "documents": len(texts),
        "rounds": rounds,
    }


def legibility() -> list[dict[str, Any]]:
    """What is misread of each style, at the smallest and at the paper's type."""
    spec = importlib.util.spec_from_file_location("legibility", HERE.parent / "slow/test_legibility.py")
    assert spec is not None and spec.loader is not None
    read = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(read)
    prose = read.english()
    rows = []
    for preset in ("paper", "dense"):
        for style in STYLES:
            config = RenderConfig.preset(preset).in_style(style)
            row = {"preset": preset, "style": style, "font_px": config.font_px, "line_px": config.line_px}
            row |= read.errors(prose, config, read.in_columns(config), spaces=True)
            if row["error"] > MOST_ERROR:
                row["error_at_twice_the_size"] = read.errors(prose, *twice(config, read), spaces=True)["error"]
            row["legible"] = row["error"] <= max(MOST_ERROR, 2 * row.get("error_at_twice_the_size", 0))
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def twice(config: RenderConfig, read: Any) -> tuple[RenderConfig, Any]:
    """The same page drawn at twice the size, and what reads it without enlarging it."""
    sizes: dict[str, Any] = {
        name: 2 * getattr(config, name) for name in ("width_px", "height_px", "font_px", "line_px", "margin_px")
    }
    larger = replace(config, **sizes)
    return larger, read.in_columns(larger, lambda page: read.tesseract(page, scale=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--documents", type=int, default=25, help="for speed: only the first so many")
    parser.add_argument("--output", type=Path, default=None, help="also write the numbers to this JSON file")
    arguments = parser.parse_args()
    drawn = speed(arguments.rounds, documents(arguments.documents))
    print(json.dumps(drawn), flush=True)
    version = subprocess.run(["tesseract", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    packages = ("numpy", "numba", "uharfbuzz")
    result = {
        "benchmark": "render styles: speed, and percent of characters misread; see tests/benchmarks/bench_styles.py",
        "speed": drawn,
        "legibility": legibility(),
        "versions": {"tesseract": version, **{name: metadata.version(name) for name in packages}},
        "hardware": f"{processor()}, 1 core used; load average {os.getloadavg()[0]:.1f}",
    }
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(drawn))


if __name__ == "__main__":
    main()
