"""The paper's mixtures by name, as the parts that they are made of."""

from collections.abc import Mapping
from dataclasses import replace

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.mixtures.parts import MixturePart

PAPER_FRAMES = 24  # of a video in training; arXiv 2411.19951 and its code, for both models


def _video(source: str, count: int) -> MixturePart:
    return MixturePart(path=source, count=count, num_frames=PAPER_FRAMES, over_limit="thin")


def _text(source: str, count: int) -> MixturePart:
    return MixturePart(path=source, count=count, over_limit="drop")


# 30K: the model cards of xjtupanda/*-30K-mix-finetune. 2 : 1 holds at every scale, but how the larger mixtures divide
# their synthetic third among the sources is not published: an even split is ours.
MIXTURES: dict[str, tuple[MixturePart, ...]] = {
    "t2vid_30k": (
        _video("video_chatgpt", 10_000),
        _video("share_gemini", 10_000),
        _text("longalpaca", 5_000),
        _text("longqlora", 5_000),
    ),
    "video_200k": (_video("video_chatgpt", 100_000), _video("share_gemini", 100_000)),
    "sparrow_60k": (
        _video("video_chatgpt", 20_000),
        _video("share_gemini", 20_000),
        *(_text(source, 5_000) for source in ("longalpaca", "longqlora", "booksum", "natural_questions")),
    ),
    "sparrow_100k": (
        _video("video_chatgpt", 33_334),
        _video("share_gemini", 33_334),
        *(_text(source, 8_333) for source in ("longalpaca", "longqlora", "booksum", "natural_questions")),
    ),
}


def named_mixture(name: str, paths: Mapping[str, str]) -> list[MixturePart]:
    """The parts of one of the paper's mixtures.

    Args:
        name (`str`): A key of `MIXTURES`.
        paths (`Mapping[str, str]`): For each of its sources the folder or Hub name of the converted set.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown mixture, or a source without a path.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.paper_mixtures import named_mixture
    >>> parts = named_mixture("video_200k", {"video_chatgpt": "me/vcg", "share_gemini": "me/sg"})
    >>> [(part.path, part.count, part.num_frames) for part in parts]
    [('me/vcg', 100000, 24), ('me/sg', 100000, 24)]

    ```
    """
    if name not in MIXTURES:
        raise unknown("mixture", name, MIXTURES)
    sources = {part.path for part in MIXTURES[name]}
    if not isinstance(paths, Mapping) or not all(isinstance(path, str) for path in paths.values()):
        raise InputError(f"mixture_paths is {paths!r}; give a mapping of sources to paths")
    missing = sorted(sources - set(paths))
    if missing:
        raise InputError(f"the mixture '{name}' needs a path for {', '.join(missing)}; give it under mixture_paths")
    for source in paths:
        if source not in sources:
            raise unknown(f"source of the mixture '{name}' (mixture_paths)", source, sources)
    return [replace(part, path=paths[part.path]) for part in MIXTURES[name]]
