"""`load_dataset("t2vid", ...)` and the column type `Pages`, made known to `datasets` when `datasets` is imported.

Importing `t2vid_hf` does not import `datasets` (half a second): whichever of the two comes second, the other is there.
`datasets` >= 4 has no public way to add a builder, so private names are touched, all of them here; where one of them
was renamed, a warning says what does not work, and everything else does. `datasets` < 4.7 runs scripts
(dataset_scripts/t2vid.py), and gets the column type alone.
"""

import importlib.util
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NAME = "t2vid"
_WARNING = (
    "{what} does not work with datasets {version}, in which t2vid_hf {ours} does not find what it needs ({error}): "
    "install another version of one of them. Rendering, and data sets made in Python, are not affected."
)


def register_when_imported(version: str) -> None:
    """Register with `datasets`, now or when it is imported.

    Args:
        version (`str`): This package's version.
    """
    if "datasets" in sys.modules:
        register(version)
    elif not any(isinstance(finder, _WaitingFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WaitingFinder(version))


def register(version: str) -> None:
    """Register with `datasets`; what of it cannot be done is a warning.

    Args:
        version (`str`): This package's version; it names the builder's folder in the cache.
    """
    import datasets
    from packaging.version import Version

    steps: list[tuple[str, Callable[[], None]]] = [("reading a data set with the column type 'Pages'", _register_pages)]
    if Version(datasets.__version__) >= Version("4.7"):
        steps.append((f'load_dataset("{NAME}")', lambda: _register_builder(version)))
    for what, step in steps:
        try:
            step()
        except (ImportError, AttributeError, TypeError) as error:
            told = _WARNING.format(what=what, version=datasets.__version__, ours=version, error=error)
            warnings.warn(told, stacklevel=2)


class _WaitingFinder(MetaPathFinder):
    """Finds nothing: registers once `datasets` has been imported by whoever finds it."""

    def __init__(self, version: str) -> None:
        self.version = version

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "datasets":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            _call_after(spec.loader, lambda: register(self.version))
        return spec


def _call_after(loader: Any, then: Callable[[], None]) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        del loader.exec_module  # the method of its class again
        execute(module)
        then()

    loader.exec_module = exec_module


def _register_pages() -> None:
    from datasets.features.features import register_feature

    from t2vid_hf.data.pages import Pages

    with warnings.catch_warnings():
        # "'register_feature' is experimental": `datasets` 5.2 says so to everyone who imports us, once a process
        warnings.simplefilter("ignore", UserWarning)
        register_feature(Pages, "Pages")


def _register_builder(version: str) -> None:
    import datasets.load
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    class PackagedModules(datasets.load.PackagedDatasetModuleFactory):
        """Spares `load_dataset("t2vid")` a walk through the current folder.

        Where a packaged builder gets no `data_files`, `datasets` 5.2 takes all files below the current folder for them
        (52 s in a checkout with a .venv), and raises in an empty one. Our default configuration needs none.
        """

        data_files: Any

        def get_module(self) -> Any:
            if self.name == NAME and self.data_files is None and self.data_dir is None:
                self.data_files = {}
            return super().get_module()

    # What decides the rows is in the builder's config id; the second entry names the folder of the cache.
    _PACKAGED_DATASETS_MODULES[NAME] = ("t2vid_hf.data.builder", version)
    datasets.load.PackagedDatasetModuleFactory = PackagedModules
