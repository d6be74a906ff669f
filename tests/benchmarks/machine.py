"""What a number depends on: versions, hardware, commit, load. Every new benchmark puts it in its result."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def about(*packages: str) -> dict[str, Any]:
    """Commit (with a mark where files differ from it), versions, processor and load."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "t2vid_hf")
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": git("rev-parse", "--short", "HEAD") + ("+changes" if changed else ""),
        "versions": {name: version(name) for name in packages},
        "python": platform.python_version(),
        "processor": models[0].partition(":")[2].strip() if models else platform.processor(),
        "processors": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def one_core() -> None:
    """Keep this process, and what it starts, on one core."""
    os.environ["RAYON_NUM_THREADS"] = "1"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
