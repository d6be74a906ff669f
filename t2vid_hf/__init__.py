"""t2vid_hf: long-text question answering drawn as video, for data-efficient video fine-tuning.

Importing it makes `load_dataset("t2vid", ...)` and the column type `Pages` known to `datasets`. That costs the import
of `datasets`, half a second, and nothing more: neither torch nor fonts are loaded. With `datasets` < 4.7 (which runs
scripts: dataset_scripts/t2vid.py) only the column type is registered.
"""

import warnings
from typing import Any

import datasets
import datasets.load
from datasets.features.features import register_feature
from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES
from packaging.version import Version

from t2vid_hf.data.pages import Pages

__version__ = "0.1.0"


class _PackagedModules(datasets.load.PackagedDatasetModuleFactory):
    """Spares `load_dataset("t2vid")` a walk through the current folder.

    Where a packaged builder gets no `data_files`, `datasets` 5.2 takes all files below the current folder for them
    (52 s in a checkout with a .venv), and raises in an empty one. Our default configuration needs none.
    """

    data_files: Any

    def get_module(self) -> Any:
        if self.name == "t2vid" and self.data_files is None and self.data_dir is None:
            self.data_files = {}
        return super().get_module()


with warnings.catch_warnings():
    # "'register_feature' is experimental": `datasets` 5.2 says so to everyone who imports us, once a process
    warnings.simplefilter("ignore", UserWarning)
    register_feature(Pages, "Pages")
if Version(datasets.__version__) >= Version("4.7"):
    # `datasets` >= 4 has no public way to add a builder; its own are in this dict.
    # The second entry names the cache's folder; what decides the rows is in the builder's config id.
    _PACKAGED_DATASETS_MODULES["t2vid"] = ("t2vid_hf.data.builder", __version__)
    datasets.load.PackagedDatasetModuleFactory = _PackagedModules
