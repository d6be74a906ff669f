"""t2vid_hf: long-text question answering drawn as video, for data-efficient video fine-tuning."""

__version__ = "0.1.0"
