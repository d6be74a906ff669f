"""One pass over SQuALITY's train and dev stories: pages, words a page, seconds, bytes, characters lost.

    python tests/benchmarks/squality_table.py --output tests/benchmarks/results/squality_table.json

"Lost" counts the characters of the source that no page's span covers, or that more than one covers.
"""

import argparse
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path

from t2vid_hf import sources
from t2vid_hf.rendering import RenderConfig, TextRenderer

FOLDER = Path(__file__).resolve().parents[3] / "shared/data/longqa/squality"
FILES = ("v1-3_txt_train.jsonl", "v1-3_txt_dev.jsonl")
PRESETS = ("paper", "dense", "native")


def measure(stories: list[str], preset: str) -> dict[str, object]:
    """Draw every story, encode every page, and count."""
    renderer = TextRenderer(RenderConfig.preset(preset))
    pages = size = lost = 0
    draw_seconds = encode_seconds = 0.0
    for story in stories:
        began = time.perf_counter()
        drawn = renderer.render(story)
        drew = time.perf_counter()
        files = drawn.pngs()
        encode_seconds += time.perf_counter() - drew
        draw_seconds += drew - began
        pages += len(files)
        size += sum(map(len, files))
        covered = [0] * len(story)
        for start, end in drawn.char_spans:
            for position in range(start, end):
                covered[position] += 1
        lost += sum(count != 1 for count in covered)
    words = sum(len(story.split()) for story in stories)
    return {
        "preset": preset,
        "stories": len(stories),
        "pages": pages,
        "words_per_page": round(words / pages, 1),
        "draw_seconds": round(draw_seconds, 3),
        "png_seconds": round(encode_seconds, 3),
        "png_megabytes": round(size / 1e6, 1),
        "lost": lost,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    stories = list(dict.fromkeys(qa.context for name in FILES for qa in sources.read(FOLDER / name)))
    TextRenderer(RenderConfig.preset("paper")).render("warm")  # the compiled kernels are loaded once a process
    rows = [measure(stories, preset) for preset in PRESETS]
    print("| " + " | ".join(rows[0]) + " |")
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    result = {
        "table": rows,
        "versions": {name: version(name) for name in ("t2vid-hf", "Pillow", "numpy", "numba")},
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
