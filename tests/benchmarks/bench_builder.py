"""The two forms of a set of pages: bytes a row, and rows a second when rows are built and read.

python tests/benchmarks/bench_builder.py
python tests/benchmarks/bench_builder.py --output tests/benchmarks/results/builder.json

Over the SQuALITY dev file, the cache emptied before each build. "read in order" meets the questions of a text one
after another, so that the lazy form draws it once; "read shuffled" draws anew for nearly every row, as training does.
A read ends with the pixels in memory. Then eager builds from start to end, see `eager_build.py`. The last line is JSON:
the median of the repeats, and all of them.
"""

import argparse
import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import eager_build
import numpy as np
from datasets import Dataset, load_dataset

from t2vid_hf import without_pages  # and load_dataset("t2vid")
from t2vid_hf.data.pages import _render

ROOT = Path(__file__).parents[2]
SQUALITY = ROOT.parent / "shared/data/longqa/squality/v1-3_txt_dev.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, default=SQUALITY, help="A SQuALITY file.")
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--copies", type=int, default=4, help="Of each story, in the set of one question a text.")
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    given = parser.parse_args()
    datasets.disable_progress_bars()
    forms = {render: measure(given.input, given.preset, render, given.repeats) for render in ("lazy", "eager")}
    result = {"benchmark": "builder", "input": given.input.name, "preset": given.preset, **about(), "forms": forms}
    for key in ("arrow_bytes_per_row", "parquet_bytes_per_row", "build", "read_in_order", "read_shuffled"):
        lazy, eager = (forms[render][key] for render in ("lazy", "eager"))
        unit = "bytes a row" if "bytes" in key else "rows/s"
        lazy, eager = (value if "bytes" in key else value["median"] for value in (lazy, eager))
        print(f"{key.replace('_', ' '):24} lazy {lazy:12,.0f}   eager {eager:12,.0f} {unit}")
    result["eager_build"] = eager_build.measure(given.copies)
    for name in ("squality", "one_question_a_text"):
        whole = result["eager_build"][name]["wall_s"]
        print(
            f"build_long_text_qa.py, {name.replace('_', ' ')}: {whole['rows_per_second']} rows/s, "
            f"{whole['pages_per_second']} pages/s, {whole['share']} of the PNG rate, "
            f"{whole['share_after_start']} without start"
        )
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def measure(file: Path, preset: str, render: str, repeats: int) -> dict[str, Any]:
    """Build a set in one form, weigh it and read it."""
    options = {"data_files": str(file), "preset": preset, "render": render, "split": "train"}
    build, in_order, shuffled = [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            _render.cache_clear()
            seconds, dataset = timed(partial(load_dataset, "t2vid", "squality", **options, cache_dir=folder))
            rows, pages = len(dataset), sum(dataset["num_frames"])
            build.append(rows / seconds)
            in_order.append(rows / timed(partial(read, dataset))[0])
            shuffled.append(rows / timed(partial(read, dataset.shuffle(seed=0)))[0])
            arrow = sum(Path(item["filename"]).stat().st_size for item in dataset.cache_files)
            without_pages(dataset).to_parquet(str(Path(folder) / "rows.parquet"))
            parquet = (Path(folder) / "rows.parquet").stat().st_size
    return {
        "rows": rows,
        "pages": pages,
        "arrow_bytes_per_row": round(arrow / rows),
        "parquet_bytes_per_row": round(parquet / rows),
        "build": spread(build),
        "read_in_order": spread(in_order),
        "read_shuffled": spread(shuffled),
    }


def read(rows: Dataset) -> None:
    """Read every row, to the pixels."""
    for row in rows.select_columns("images"):
        for image in row["images"]:
            np.asarray(image)


def timed(task: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = task()
    return time.perf_counter() - start, result


def spread(rates: list[float]) -> dict[str, Any]:
    """Rows a second: the median, and each repeat."""
    return {"median": round(statistics.median(rates), 1), "repeats": [round(rate, 1) for rate in rates]}


def about() -> dict[str, Any]:
    """What a number depends on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    processors = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": commit.stdout.strip(),
        "versions": {name: version(name) for name in ("datasets", "pyarrow", "Pillow", "numpy")},
        "python": platform.python_version(),
        "processor": processors[0].split(": ")[1] if processors else platform.machine(),
    }


if __name__ == "__main__":
    main()
