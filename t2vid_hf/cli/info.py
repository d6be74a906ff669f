"""`t2vid info`: what this version knows by name."""

from collections.abc import Iterable

from t2vid_hf import __version__


def info() -> None:
    """List the sources, render presets, mixtures, benchmarks and model families that this version knows."""
    from t2vid_hf.evaluation.benchmarks import ASKINGS, BENCHMARKS
    from t2vid_hf.mixtures.paper_mixtures import MIXTURES
    from t2vid_hf.models import ADAPTERS
    from t2vid_hf.rendering.config import PRESETS
    from t2vid_hf.sources import SOURCES

    known: dict[str, Iterable[str]] = {
        "sources": SOURCES,
        "render presets": PRESETS,
        "mixtures": MIXTURES,
        "benchmarks": [*BENCHMARKS, *ASKINGS],
        "model families": ADAPTERS,
    }
    print(f"t2vid_hf {__version__}")
    for what, names in known.items():
        print(f"{what}: {', '.join(names)}")
