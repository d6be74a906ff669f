"""`build_long_text_qa.py --render eager` from start to end, beside the rate at which the renderer makes PNG files.

    python tests/benchmarks/eager_build.py [--copies 4] [--output FILE]

Two sets: SQuALITY's train and dev files, with five questions a text, whose rows share what is drawn; and its stories
with one question each, as often as `--copies` says and each time begun at another word, where every page is drawn.

The build is a process of its own and its time the clock's and the processor's, imports and all. `start_s` is the same
for one short text, so that a rate can be told from what every run pays. `png_pages_per_second` is
`TextRenderer.render(text).pngs()` over the same texts in a process of its own. A share is pages of the file a second
over that; where five rows hold a page that was drawn once it passes 1.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import about
from render_original import SHARED

ROOT = Path(__file__).parents[2]
FILES = [SHARED / f"data/longqa/squality/v1-3_txt_{split}.jsonl" for split in ("train", "dev")]
_PNGS = """
import json, sys, time
from t2vid_hf.rendering import RenderConfig, TextRenderer
renderer = TextRenderer(RenderConfig.preset("paper"))
texts = json.load(sys.stdin)
renderer.render(texts[0]).pngs()
wall, cpu = time.perf_counter(), time.process_time()
pages = sum(len(renderer.render(text).pngs()) for text in texts)
print(json.dumps({"pages": pages, "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}))
"""


def stories() -> list[str]:
    """The distinct documents of both files."""
    lines = [line for path in FILES for line in path.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(json.loads(line)["document"] for line in lines))


def begun_elsewhere(text: str, number: int) -> str:
    """A text from another of its words on, so that its pages are others."""
    words = text.split(" ")
    start = number * 997 % len(words)
    return " ".join(words[start:] + words[:start])


def measure(copies: int) -> dict[str, Any]:
    """Both sets, after a build of one short text."""
    texts = stories()
    many = [begun_elsewhere(text, number) for number in range(copies) for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        short, one_each = (
            _questions(Path(folder) / name, given)
            for name, given in (("short.jsonl", ["The keeper slept."]), ("many.jsonl", many))
        )
        squality = [f"--data_files=train={FILES[0]}", f"--data_files=validation={FILES[1]}", "--source=squality"]
        start = _build([f"--data_files={short}", "--source=long_qa"])
        return {
            "start_s": {name: round(start[name], 2) for name in ("wall_s", "cpu_s")},
            "squality": _compare(_build(squality), start, texts),
            "one_question_a_text": _compare(_build([f"--data_files={one_each}", "--source=long_qa"]), start, many),
        }


def _questions(path: Path, texts: list[str]) -> Path:
    rows = (
        {"id": str(number), "context": text, "question": "What happens?", "answer": "Much."}
        for number, text in enumerate(texts)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _build(options: list[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        script = str(ROOT / "dataset_scripts/build_long_text_qa.py")
        command = [sys.executable, script, *options, "--render=eager", "--license=other", f"--output={folder}"]
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        rows, pages = _count(Path(folder))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"rows": rows, "pages": pages, "wall_s": wall, "cpu_s": cpu}


def _count(folder: Path) -> tuple[int, int]:
    import pyarrow.parquet as parquet

    counts = [parquet.read_table(path, columns=["num_frames"])[0].to_pylist() for path in folder.glob("*/*.parquet")]
    return sum(len(part) for part in counts), sum(sum(part) for part in counts)


def _compare(build: dict[str, float], start: dict[str, float], texts: list[str]) -> dict[str, Any]:
    given = json.dumps(texts).encode()
    run = subprocess.run([sys.executable, "-c", _PNGS], input=given, check=True, stdout=subprocess.PIPE)
    alone = json.loads(run.stdout)
    shares = {}
    for clock in ("wall_s", "cpu_s"):
        png = alone["pages"] / alone[clock]
        shares[clock] = {
            "rows_per_second": round(build["rows"] / build[clock], 1),
            "pages_per_second": round(build["pages"] / build[clock]),
            "png_pages_per_second": round(png),
            "share": round(build["pages"] / build[clock] / png, 3),
            "share_after_start": round(build["pages"] / (build[clock] - start[clock]) / png, 3),
        }
    return {"rows": build["rows"], "pages": build["pages"], "pages_drawn": alone["pages"], **shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    given = parser.parse_args()
    result = {"benchmark": "eager_build", **about("datasets", "pyarrow", "isal"), **measure(given.copies)}
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
