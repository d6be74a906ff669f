"""The dataset script for `datasets` < 4: `load_dataset("dataset_scripts/t2vid.py", "squality", data_files=..., ...)`.

Takes what the registered builder takes and yields the same rows; the code is the same (t2vid_hf/data/builder.py).
Give `trust_remote_code=True` and absolute `data_files`: `datasets` 3 looks for relative ones beside the script.
`datasets` >= 4 runs no scripts: there, `import t2vid_hf` and `load_dataset("t2vid", "squality", data_files=...)`.
"""

from t2vid_hf.data.builder import T2VidBuilder


class T2Vid(T2VidBuilder):
    """The builder under the script's own module: `datasets` 3 looks for a class that is defined there."""
