"""Text to pages: PIL, NumPy, compiled loops and arithmetic; no torch and no data sets."""

from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.missing import missing_characters
from t2vid_hf.rendering.png import encode_png
from t2vid_hf.rendering.renderer import RenderedPages, TextRenderer

__all__ = ["RenderConfig", "RenderedPages", "TextRenderer", "encode_png", "missing_characters"]
