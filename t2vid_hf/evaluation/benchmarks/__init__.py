"""Benchmarks, one file each: `BENCHMARKS` are data sets of questions, of `ASKINGS` the authors' files are read."""

from collections.abc import Callable

from t2vid_hf.evaluation.asking import Asking
from t2vid_hf.evaluation.benchmarks import (
    ask_images,
    ask_long_video_bench,
    ask_mlvu,
    ask_mvbench,
    ask_next_qa,
    ask_tempcompass,
    ask_video_mme,
    ask_video_mme_v2,
    clips,
)
from t2vid_hf.evaluation.item import Item

BENCHMARKS: dict[str, Callable[..., list[Item]]] = {
    "clips": clips.load,
}

ASKINGS: dict[str, Asking] = {
    "videomme": ask_video_mme.ASKING,
    "videomme_v2": ask_video_mme_v2.ASKING,
    "mvbench": ask_mvbench.ASKING,
    "tempcompass": ask_tempcompass.ASKING,
    "nextqa": ask_next_qa.ASKING,
    "mlvu": ask_mlvu.ASKING,
    "longvideobench": ask_long_video_bench.ASKING,
    "images": ask_images.ASKING,
}

__all__ = ["ASKINGS", "BENCHMARKS", "Item"]
