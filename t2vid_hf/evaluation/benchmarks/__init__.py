"""Benchmarks: one file each; `BENCHMARKS` names them."""

from collections.abc import Callable

from t2vid_hf.evaluation.benchmarks import clips
from t2vid_hf.evaluation.item import Item

BENCHMARKS: dict[str, Callable[..., list[Item]]] = {
    "clips": clips.load,
}

__all__ = ["BENCHMARKS", "Item"]
