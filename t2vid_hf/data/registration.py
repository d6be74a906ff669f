"""`load_dataset("t2vid", ...)` and the column type `Pages`, made known to `datasets` when `datasets` is imported.

Importing `t2vid_hf` does not import `datasets` (half a second): whichever of the two comes second, the other is there.
`datasets` >= 4 has no public way to add a builder, so private names are touched, all of them here; where one of them
was renamed, a warning says what does not work, and everything else does. Scripts, the public way of `datasets` < 4, are
gone with it: pip installs none below 4.7, so that nothing here asks for its version.
"""

import glob
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
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

    steps: list[tuple[str, Callable[[], None]]] = [
        ("reading a data set with the column type 'Pages'", _register_pages),
        (f'load_dataset("{NAME}")', lambda: _register_builder(version)),
    ]
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
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            self._register_after(spec.loader)
        return spec

    def _register_after(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # the method of its class again
            execute(module)
            # not before: who only asks whether `datasets` is installed (transformers, trl) finds and does not import
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            register(self.version)

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
        """Takes a folder for its data files, and spares `load_dataset("t2vid")` a walk through the current one.

        Where a packaged builder gets no `data_files`, `datasets` 5.2 takes all files below the current folder for them
        (52 s in a checkout with a .venv), and raises in an empty one. Our default configuration needs none. Given a
        folder as `data_files`, it finds nothing; and given one as `data_dir`, it takes its README.md for data.
        """

        data_files: Any
        data_dir: Any

        def get_module(self) -> Any:
            if self.name != NAME:
                return super().get_module()
            folder = self.data_dir or (self.data_files if _is_folder(self.data_files) else None)
            if folder is None:
                self.data_files = {} if self.data_files is None else self.data_files
                return super().get_module()
            from t2vid_hf.sources.opening import SUFFIXES

            self.data_files = _patterns_of(folder, self.download_config)
            module = super().get_module()
            module.builder_kwargs["data_files"] = module.builder_kwargs["data_files"].filter(extensions=SUFFIXES)
            return module

    # What decides the rows is in the builder's config id; the second entry names the folder of the cache.
    _PACKAGED_DATASETS_MODULES[NAME] = ("t2vid_hf.data.builder", version)
    datasets.load.PackagedDatasetModuleFactory = PackagedModules


def _is_folder(given: Any) -> bool:
    """Whether data files are given as one folder, here or at a URL."""
    from fsspec.core import url_to_fs

    if not isinstance(given, str | os.PathLike):
        return False
    name = str(given)
    if glob.has_magic(name) or name.startswith(("http:", "https:")):  # a web server has pages, and no folders
        return False
    system, path = url_to_fs(name)
    return bool(system.isdir(path))


def _patterns_of(folder: Any, download_config: Any) -> dict[str, list[str]]:
    """The data files of each split of a folder, found as `load_dataset(folder)` finds them."""
    from datasets.data_files import get_data_patterns

    base = str(folder).rstrip("/") if "://" in str(folder) else Path(folder).expanduser().resolve().as_posix()
    found = get_data_patterns(base, download_config=download_config)
    return {split: [f"{base}/{pattern}" for pattern in patterns] for split, patterns in found.items()}
