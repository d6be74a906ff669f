"""The figures of the paper (arXiv 2411.19951) that a score may be put beside, each with where it was read.

All are shares of all questions, in percent, by the original's rules (mode `t2vid`) with Llama-3.1-8B-Instruct as judge
of what no rule reads, of 24 frames a video. How many questions they are over is not told: its rules leave some out.
"""

from dataclasses import dataclass

FRAMES, RULES = 24, "t2vid"
README = "T2Vid, README.md at e4d5ea2 (github.com/xjtupanda/T2Vid)"
LONG = "Sparrow, assets/long-perf.png at 7e6d766 (github.com/VITA-MLLM/Sparrow)"
MINICPM, IDEFICS = "MiniCPM-Llama3-V-2.5", "Idefics3-8B-Llama3"
ZERO_SHOT = "nothing more: zero-shot"


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Args:
        model (`str`): The model.
        trained_on (`str`): What it was fine-tuned on.
        accuracy (`float`): The share that is right, in percent.
        source (`str`): Where it stands.
        part (`str`, *optional*, defaults to `""`): The part of the benchmark that it is of; empty is all of it.
    """

    model: str
    trained_on: str
    accuracy: float
    source: str
    part: str = ""


_TRAINED_ON = (ZERO_SHOT, "200K video", "20K video + 10K synthetic")
_LONG = (
    ("videomme", "long videos", (40.1, 44.7, 46.2, 46.7, 45.6, 46.2, 48.7)),
    ("longvideobench", "", (40.0, 39.7, 42.7, 44.1, 48.7, 51.2, 50.1)),
    ("mlvu", "", (44.5, 45.4, 46.2, 45.3, 51.4, 53.2, 57.0)),
)
_LONG_TRAINED_ON = (
    ZERO_SHOT,
    *(f"{count}K video" for count in (30, 60, 100)),
    *(f"{count}K mixed with synthetic" for count in (30, 60, 100)),
)
_SHORT = (
    ("videomme", (48.2, 50.8, 53.0), (51.2, 53.3, 56.3)),
    ("mvbench", (42.9, 48.0, 48.4), (49.6, 50.7, 51.6)),
    ("tempcompass", (49.1, 54.7, 56.8), (55.9, 62.9, 62.3)),
)
# the original's file of TempCompass's questions is that of its multiple choice
TASKS = {"tempcompass": "multi-choice"}


def paper_figures(benchmark: str, task: str | None = None) -> list[PaperFigure]:
    """What the paper has of a benchmark.

    Args:
        benchmark (`str`): A key of `t2vid_hf.metrics.benchmarks.BENCHMARKS`.
        task (`str`, *optional*): The benchmark's task, where it has several.

    Example:

    ```python
    >>> from t2vid_hf.metrics.paper_figures import paper_figures
    >>> [(each.trained_on, each.accuracy) for each in paper_figures("mvbench")][:2]
    [('nothing more: zero-shot', 42.9), ('200K video', 48.0)]
    >>> paper_figures("nextqa"), paper_figures("tempcompass", "yes_no")
    ([], [])

    ```
    """
    if TASKS.get(benchmark) not in (None, task):
        return []
    found = []
    for name, *values in _SHORT:
        if name == benchmark:
            for model, accuracies in zip((MINICPM, IDEFICS), values, strict=True):
                found += [
                    PaperFigure(model, trained_on, accuracy, README)
                    for trained_on, accuracy in zip(_TRAINED_ON, accuracies, strict=True)
                ]
    for name, part, shares in _LONG:
        if name == benchmark:
            found += [
                PaperFigure(MINICPM, trained_on, accuracy, LONG, part)
                for trained_on, accuracy in zip(_LONG_TRAINED_ON, shares, strict=True)
            ]
    return found
