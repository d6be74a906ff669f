"""Raw long-text question answering -> `Iterator[LongTextQA]`. One file a source; `SOURCES` names them."""

from t2vid_hf.sources.read_report import REASONS, BadRow, ReadReport, Reason
from t2vid_hf.sources.reader import read
from t2vid_hf.sources.registry import SAMPLE, SOURCES
from t2vid_hf.sources.source import Source

__all__ = ["REASONS", "SAMPLE", "SOURCES", "BadRow", "ReadReport", "Reason", "Source", "read"]
