"""The score of NExT-QA for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import NextQaScore

__all__ = ["NextQaScore"]
