"""How often the intervals of an experiment's report hold a difference that is known, in simulated experiments.

python tests/benchmarks/interval_coverage.py --experiments 1000 --output tests/benchmarks/results

Answers of two arms are right or wrong by chance, and the difference of the chances varies by base, seed, run and
question around a true one. A report's two intervals are made of each experiment.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from t2vid_hf.cli.script import run_command
from t2vid_hf.metrics.crossed import crossed_interval

# bases, seeds, questions; the spread of the difference between bases, seeds, runs and questions
DESIGNS = {
    "1 base, 4 seeds, 120 questions, much by seed": (1, 4, 120, 0.0, 0.10, 0.0, 0.10),
    "3 bases, 4 seeds, 120 questions, much by seed": (3, 4, 120, 0.03, 0.10, 0.05, 0.10),
    "3 bases, 4 seeds, 120 questions, much by base": (3, 4, 120, 0.08, 0.03, 0.05, 0.10),
    "3 bases, 4 seeds, 120 questions, little but chance": (3, 4, 120, 0.0, 0.01, 0.0, 0.05),
    "3 bases, 4 seeds, 600 questions": (3, 4, 600, 0.03, 0.05, 0.05, 0.10),
    "1 base, 2 seeds, 120 questions": (1, 2, 120, 0.0, 0.05, 0.0, 0.10),
    "1 base, 8 seeds, 120 questions": (1, 8, 120, 0.0, 0.05, 0.0, 0.10),
}


def simulate(design: tuple, truth: float, generator: np.random.Generator) -> np.ndarray:
    """Differences of two arms' answers, of shape (bases, seeds, questions): -1, 0 or 1."""
    bases, seeds, questions, by_base, by_seed, by_run, by_question = design
    normal = generator.standard_normal
    gain = (
        truth
        + by_base * normal((bases, 1, 1))
        + by_seed * normal((1, seeds, 1))
        + by_run * normal((bases, seeds, 1))
        + by_question * normal((1, 1, questions))
    )
    # a question's difficulty is both arms', which is why answers are paired
    level = 0.5 + 0.15 * normal((1, 1, questions))
    shape = (bases, seeds, questions)
    first, second = (np.clip(level + sign * gain / 2, 0, 1) for sign in (1, -1))
    return (generator.random(shape) < first) * 1.0 - (generator.random(shape) < second)


def main(
    experiments: Annotated[int, typer.Option(help="Simulated experiments of each design.")] = 1000,
    output: Annotated[Path | None, typer.Option(help="Folder of the figure and the numbers.")] = None,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 0,
) -> None:
    """Count how often intervals hold the truth."""
    found = {}
    for name, design in DESIGNS.items():
        generator = np.random.default_rng([seed, len(name), *map(ord, name[:8])])
        held, t_held, wide, t_wide = [], [], [], []
        for _ in range(experiments):
            values = simulate(design, 0.1, generator)
            made = crossed_interval(values, np.ones_like(values), range(design[2]), resamples=1000)
            held.append(made.low <= 0.1 <= made.high)
            t_held.append(made.t_low <= 0.1 <= made.t_high)
            wide.append(made.high - made.low)
            t_wide.append(made.t_high - made.t_low)
        found[name] = {
            "crossed": float(np.mean(held)), "student": float(np.mean(t_held)),
            "crossed_width": float(np.median(wide)), "student_width": float(np.median(t_wide)),
        }  # fmt: skip
        print(
            f"{name}: crossed {np.mean(held):.1%} ({np.median(wide):.3f} wide), "
            f"Student {np.mean(t_held):.1%} ({np.median(t_wide):.3f} wide)",
            flush=True,
        )
    if output is not None:
        (output / "interval_coverage.json").write_text(
            json.dumps({"experiments": experiments, "designs": found}, indent=1) + "\n"
        )
        draw(found, experiments, output / "interval_coverage.png")


def draw(found: dict, experiments: int, path: Path) -> None:
    """A bar a design and interval, with the 95 % that are asked for."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
    places = np.arange(len(found))
    for shift, key, label in ((-0.2, "crossed", "crossed bootstrap"), (0.2, "student", "Student's t over seeds")):
        axes.barh(places + shift, [100 * each[key] for each in found.values()], 0.38, label=label)
    axes.axvline(95, color="black", linewidth=1)
    axes.set_yticks(places, list(found), fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(70, 100)
    axes.set_xlabel(f"intervals of 95 % that hold the truth, % of {experiments} simulated experiments")
    axes.legend(loc="lower left", fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    run_command(main)
