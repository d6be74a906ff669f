"""t2vid_hf: long-text question answering drawn as video, for data-efficient video fine-tuning.

Importing it makes `load_dataset("t2vid", ...)` and the column type `Pages` known to `datasets`, when that is imported.
It loads nothing heavy: no torch, no fonts, and not `datasets` itself.
"""

from t2vid_hf.data.page_columns import with_pages, without_pages
from t2vid_hf.data.registration import register_when_imported

__all__ = ["with_pages", "without_pages"]
__version__ = "0.1.0"

register_when_imported(__version__)
