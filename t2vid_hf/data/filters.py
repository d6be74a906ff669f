"""Why a row is left out: a closed list of reasons, each counted. Nothing is skipped in silence."""

from t2vid_hf.schema import Row

TOO_MANY_FRAMES = "more frames than max_frames"
NO_ANSWER = "no assistant turn"
NOT_DRAWN = "not drawn: the part's share or count was full"
REASONS = (TOO_MANY_FRAMES, NO_ANSWER, NOT_DRAWN)


def reason_to_drop(row: Row, *, max_frames: int | None) -> str | None:
    """Why a row cannot be trained on; `None` where it can.

    Args:
        row ([`~t2vid_hf.schema.Row`]): Only `messages` and `num_frames` are read; nothing is decoded.
        max_frames (`int`, *optional*): Most pages of a row. The paper: 65 for Idefics3, 90 or 100 for MiniCPM-V.

    Returns:
        `str` or `None`: one of `REASONS`.
    """
    if not any(message["role"] == "assistant" for message in row["messages"]):
        return NO_ANSWER
    if max_frames is not None and row["num_frames"] > max_frames:
        return TOO_MANY_FRAMES
    return None
