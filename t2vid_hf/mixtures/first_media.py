"""One medium of each part is opened before a model is loaded: a folder that is not there is told in seconds."""

from itertools import islice
from typing import Any

from t2vid_hf.data.image_files import open_image
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import Mixture
from t2vid_hf.video.reading import read_frames

# Where bad rows may be left out: so many of a part that all do not open are no accident.
TRIED = 20


def open_one_of_each(mixture: Mixture, *, on_bad_row: str = "error") -> None:
    """Open the first image or video that each part of a mixture would give to a model.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The mixture.
        on_bad_row (`str`, *optional*, defaults to `"error"`): With `"drop"` one of the first `TRIED` rows is enough.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not there, or does not decode.
    """
    media = mixture.light["media"]
    for number, (part, _) in enumerate(mixture.parts):
        shown = (row for row, pick in enumerate(mixture.picks) if pick.part == number and media[row] != "text")
        failed = None
        for row in islice(shown, TRIED if on_bad_row == "drop" else 1):
            try:
                _open_first(mixture.undecoded[row], part.label)
            except InputError as error:
                failed = error
            else:
                failed = None
                break
        if failed is not None:
            raise failed


def _open_first(row: Any, label: str) -> None:
    if row["images"]:
        open_image(row["images"][0], name=row["id"])
    elif row["videos"]:
        video = row["videos"][0]
        try:
            read_frames(video["path"] if video["bytes"] is None else video["bytes"], num_frames=1)
        except InputError as error:
            raise InputError(f"part '{label}', row '{row['id']}': {error}") from None
