"""The score of questions about images (SEED-Bench's form) for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import ImagesScore

__all__ = ["ImagesScore"]
