"""The score of MVBench for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import MvBenchScore

__all__ = ["MvBenchScore"]
