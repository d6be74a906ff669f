"""How full bins are, how long ranks wait, and how long a plan takes, beside two naive ways in the same run.

python tests/benchmarks/bench_packing.py
python tests/benchmarks/bench_packing.py --output tests/benchmarks/results/packing.json

Rows have the paper's lengths: video to pages to text is 6 : 3 : 1; a video has 24 frames and 60 to 160 tokens of text,
a text 20 to 65 pages and 150 to 600 tokens, a row without media 50 to 2,000 tokens; a frame takes 169. "in order"
closes a bin when the next row does not fit; "two rows a batch" is the paper's batch, padded to the longer row. Both
take the rows in a random order and deal their bins to the ranks as they come. `rank_spread` is the time that ranks
wait for the slowest of each step, over their mean work; the totals of ranks over a whole epoch differ far less. The
last line is JSON.
"""

import argparse
import json
import platform
import statistics
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from t2vid_hf.batches.packing import PackingPlan, plan_packing
from t2vid_hf.batches.row_limits import frames_within
from t2vid_hf.batches.token_cost import Prices

ROOT = Path(__file__).parents[2]
TOKENS_PER_IMAGE = 169
OTHER_LIMITS = (16_384, 65_536)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--max_tokens", type=int, default=32_768)
    parser.add_argument("--num_ranks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    given = parser.parse_args()
    prices = paper_lengths(given.rows, given.seed)
    plan_packing(prices, max_tokens=given.max_tokens)  # numba compiles, or loads what it compiled
    measured = {
        max_tokens: measure(prices, max_tokens, given.num_ranks, given.repeats)
        for max_tokens in (given.max_tokens, *OTHER_LIMITS)
    }
    order = np.random.default_rng(given.seed).permutation(given.rows)
    result = {
        "benchmark": "packing",
        **about(),
        "rows": given.rows,
        "max_tokens": given.max_tokens,
        "num_ranks": given.num_ranks,
        "seed": given.seed,
        **measured[given.max_tokens],
        "in_order": in_order(prices.tokens[order], given.max_tokens, given.num_ranks),
        "two_rows_a_batch": two_rows(prices.tokens[order], given.num_ranks),
        "other_limits": {str(limit): measured[limit] for limit in OTHER_LIMITS},
    }
    for name, numbers in (
        ("plan", result),
        ("in order", result["in_order"]),
        ("two rows a batch", result["two_rows_a_batch"]),
        *((f"plan, {limit} tokens", measured[limit]) for limit in OTHER_LIMITS),
    ):
        seconds = f"   {numbers['plan_seconds']:.2f} s" if "plan_seconds" in numbers else ""
        print(f"{name:20} fill {numbers['fill']:7.2%}   rank spread {numbers['rank_spread']:7.3%}{seconds}")
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def paper_lengths(rows: int, seed: int) -> Prices:
    """Prices of a mixture like the paper's."""
    random = np.random.default_rng(seed)
    kind = random.choice(3, rows, p=[0.6, 0.3, 0.1])
    images = np.choose(kind, [np.full(rows, 24), random.integers(20, 66, rows), np.zeros(rows, int)])
    texts = [random.integers(*ends, rows) for ends in ((60, 161), (150, 601), (50, 2001))]
    frames = np.where(kind == 0, images, 0)
    return Prices(np.choose(kind, texts) + TOKENS_PER_IMAGE * images, images, frames, TOKENS_PER_IMAGE)


def measure(prices: Prices, max_tokens: int, num_ranks: int, repeats: int) -> dict[str, Any]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        dropped = frames_within(prices, max_tokens=max_tokens, over_limit="drop")
        kept = np.setdiff1d(np.arange(len(prices)), list(dropped))
        left = Prices(prices.tokens[kept], prices.images[kept], prices.frames[kept], prices.tokens_per_image)
        made = plan_packing(left, max_tokens=max_tokens, num_ranks=num_ranks)
        seconds.append(time.perf_counter() - start)
    return {
        "fill": round(made.fill, 5),
        "rank_spread": round(made.rank_spread, 5),
        "rank_total_spread": round(total_spread(made), 6),
        "steps": made.num_steps,
        "rows_a_bin": round(len(made.rows) / len(made.ends), 2),
        "dropped": len(dropped),
        "plan_seconds": round(statistics.median(seconds), 3),
        "repeats": [round(value, 3) for value in seconds],
    }


def total_spread(made: PackingPlan) -> float:
    """The costliest rank's epoch over the mean, less 1."""
    totals = made.costs.reshape(-1, made.num_ranks, made.bins_per_step).sum((0, 2))
    return float(totals.max() / totals.mean() - 1)


def in_order(tokens: np.ndarray, max_tokens: int, num_ranks: int) -> dict[str, float]:
    """Bins closed as soon as the next row does not fit."""
    loads, room = [], 0
    for length in tokens.tolist():
        if length > room:
            loads.append(0)
            room = max_tokens
        loads[-1] += length
        room -= length
    return {"fill": round(sum(loads) / len(loads) / max_tokens, 5), "rank_spread": waiting(loads, num_ranks)}


def two_rows(tokens: np.ndarray, num_ranks: int) -> dict[str, float]:
    """Batches of two rows, padded."""
    pairs = tokens[: len(tokens) // 2 * 2].reshape(-1, 2)
    padded = pairs.max(1) * 2
    return {"fill": round(float(pairs.sum() / padded.sum()), 5), "rank_spread": waiting(padded.tolist(), num_ranks)}


def waiting(loads: list[int], num_ranks: int) -> float:
    steps = np.array(loads[: len(loads) // num_ranks * num_ranks]).reshape(-1, num_ranks)
    return round(float(steps.max(1).sum() / steps.mean(1).sum() - 1), 5)


def about() -> dict[str, Any]:
    """What a number depends on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    processors = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": commit.stdout.strip(),
        "versions": {name: version(name) for name in ("numba", "numpy")},
        "python": platform.python_version(),
        "processor": processors[0].split(": ")[1] if processors else platform.machine(),
    }


if __name__ == "__main__":
    main()
