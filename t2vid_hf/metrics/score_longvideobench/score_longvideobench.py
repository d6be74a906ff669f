"""The score of LongVideoBench for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import LongVideoBenchScore

__all__ = ["LongVideoBenchScore"]
