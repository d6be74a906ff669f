"""NExT-QA's prompt: lmms-eval's `nextqa_mc_test`, and the original's way; its authors ask no chat model."""

from t2vid_hf.evaluation.asking import Asking, directly

ASKING = Asking(directly)
