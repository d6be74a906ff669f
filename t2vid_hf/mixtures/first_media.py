"""One medium of each part is opened before a model is loaded: a folder that is not there is told in seconds."""

from t2vid_hf.data.image_files import open_image
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import Mixture
from t2vid_hf.video.reading import read_frames


def open_one_of_each(mixture: Mixture) -> None:
    """Open the first image or video that each part of a mixture would give to a model.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The mixture.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not there, or does not decode.
    """
    media = mixture.light["media"]
    for number, (part, _) in enumerate(mixture.parts):
        first = next(
            (row for row, pick in enumerate(mixture.picks) if pick.part == number and media[row] != "text"), None
        )
        if first is None:
            continue
        row = mixture.undecoded[first]
        if row["images"]:
            open_image(row["images"][0], name=row["id"])
        elif row["videos"]:
            video = row["videos"][0]
            try:
                read_frames(video["path"] if video["bytes"] is None else video["bytes"], num_frames=1)
            except InputError as error:
                raise InputError(f"part '{part.label}', row '{row['id']}': {error}") from None
