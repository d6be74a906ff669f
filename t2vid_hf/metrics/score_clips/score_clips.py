"""The score of our own clips for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import ClipsScore

__all__ = ["ClipsScore"]
