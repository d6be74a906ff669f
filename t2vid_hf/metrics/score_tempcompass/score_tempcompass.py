"""The score of TempCompass for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import TempCompassScore

__all__ = ["TempCompassScore"]
