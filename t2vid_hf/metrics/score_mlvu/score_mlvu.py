"""The score of MLVU for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import MlvuScore

__all__ = ["MlvuScore"]
