"""The score of Video-MME for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import VideoMmeScore

__all__ = ["VideoMmeScore"]
