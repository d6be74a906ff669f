"""Text to pages: PIL, NumPy and arithmetic; no torch and no data sets."""

from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.renderer import RenderedPages, TextRenderer

__all__ = ["RenderConfig", "RenderedPages", "TextRenderer"]
