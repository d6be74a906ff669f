"""The score of Video-MME-v2 for `evaluate.load`."""

from t2vid_hf.metrics.benchmark_modules import VideoMmeV2Score

__all__ = ["VideoMmeV2Score"]
