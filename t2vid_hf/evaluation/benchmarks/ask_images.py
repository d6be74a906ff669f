"""The prompt of image questions: lmms-eval's `seedbench`; its authors rank options by likelihood and ask nothing."""

from t2vid_hf.evaluation.asking import Asking, directly

ASKING = Asking(directly, kind="image")
