"""Questions about clips, for tests of how they are answered."""

from pathlib import Path
from typing import Any

import pytest

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.clips.shapes import make_clip, write_clip
from t2vid_hf.schema import media_block
from tests.models.families import Family

STARTS = (
    "What is it?",
    "What is it? A red circle moves to the left.",
    "What moves? A clock.\nB. the keeper",
    "Why",
    "W",
)
QUESTIONS = [start + end for end in ("", " Is it so?", "\nA. a clock\nB. a red circle", "x") for start in STARTS][:18]


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[Path]:
    """Two generated clips."""
    folder = tmp_path_factory.mktemp("clips")
    files = [folder / "a.mp4", folder / "b.mp4"]
    for number, file in enumerate(files):
        write_clip(make_clip(number), file)
    return files


def ways(family: Family) -> list[VideoPolicy]:
    """The ways in which a family takes a clip."""
    # 3 frames a second: Qwen2.5-VL's positions in time are not those of a video whose speed is not told
    native = [VideoPolicy("native", fps=3.0, max_frames=6)] if family.adapter.takes_video else []
    return [VideoPolicy("as_frames", num_frames=4), *native]


def asked(clips: list[Path], questions: list[str] = QUESTIONS, **more: Any) -> list[dict[str, Any]]:
    """A row a question, about the clips in turn."""
    return [
        {
            "id": f"q{number}", "source": "s", "media": "video", "images": [], "num_frames": 8, **more,
            "messages": [{"role": "user", "content": [media_block("video"), {"type": "text", "text": question}]}],
            "videos": [{"bytes": None, "path": str(clips[number % len(clips)])}],
        }
        for number, question in enumerate(questions)
    ]  # fmt: skip


def spread(model: Any, processor: Any) -> Any:
    """Weights so far apart that replies depend on every token, where the tiny models as they are say one thing."""
    import torch

    with torch.no_grad():
        generator = torch.Generator().manual_seed(5)
        for name, parameter in model.named_parameters():
            if "norm" not in name and "vision" not in name and "visual" not in name and "vpm" not in name:
                parameter.normal_(std=0.3, generator=generator)
        model.get_output_embeddings().weight[processor.tokenizer.all_special_ids] = 0  # a reply is to be seen
    model.generation_config.eos_token_id = None  # a reply of random weights may be over at once
    return model
