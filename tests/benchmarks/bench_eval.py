"""Questions about videos a second: one `generate` a question, batches of 8 rows, and questions that share their video.

python tests/benchmarks/bench_eval.py
python tests/benchmarks/bench_eval.py --output tests/benchmarks/results/eval.json

An Idefics3 with random weights in float32 (5 M parameters, nearly all of the language model's), 24 frames of real clips
and TempCompass's questions, on one core, in processor time: decoding, vision tower and tokens are all in it. Two
geometries: "tiny", 16 tokens a frame, prompts of 510, replies of 32; "paper", 169 tokens a frame, replies of 8. Nothing
ends a reply before. `plain_qps`, `batched_qps` and `shared_qps` are of 18 questions a video, `ratio_N` is shared over
plain at N a video, the median of rounds in which both sides take turns; `equal` says that all replies were the same,
`peak_mb` is the shared cache of keys and values. The last line is JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from machine import about, one_core
from transformers import AutoProcessor, Idefics3ForConditionalGeneration, Idefics3Processor, set_seed

from t2vid_hf.evaluation.generation import answer
from t2vid_hf.evaluation.usage import Usage
from t2vid_hf.models import tiny
from t2vid_hf.schema import Row, media_block

SHARED = Path(__file__).parents[3] / "shared"
VIDEOS = SHARED / "data/videos/mdn"
QUESTIONS = SHARED / "data/bench/t2vid/TempCompass.jsonl"
CLIPS = ("flower.mp4", "friday.mp4", "rabbit320.mp4", "flower.webm")
FRAMES = 24


@dataclass(frozen=True)
class Geometry:
    """Pixels of a frame's side and of a patch's, and tokens of a frame and of a reply."""

    image_px: int
    patch_px: int
    frame_tokens: int
    new_tokens: int


GEOMETRIES = {"tiny": Geometry(96, 12, 16, 32), "paper": Geometry(364, 14, 169, 8)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, default=QUESTIONS, help="JSON lines with a prompt each.")
    parser.add_argument("--videos", type=Path, default=VIDEOS, help=f"A folder with {', '.join(CLIPS)}.")
    parser.add_argument("--geometry", choices=GEOMETRIES, help="One of the two alone.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    given = parser.parse_args()
    one_core()
    torch.set_num_threads(1)
    prompts = [json.loads(line)["prompt"] for line in given.questions.read_text(encoding="utf-8").splitlines()]
    clips = [given.videos / name for name in CLIPS]
    names = [given.geometry] if given.geometry else list(GEOMETRIES)
    made = {name: measure(GEOMETRIES[name], prompts, clips, given.rounds) for name in names}
    for name, numbers in made.items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in numbers.items()))
    by_figure = {key: {name: made[name][key] for name in names} for key in made[names[0]]}
    result = {"benchmark": "eval", **about("torch", "transformers"), "rounds": given.rounds, **by_figure}
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def measure(geometry: Geometry, prompts: list[str], clips: list[Path], rounds: int) -> dict[str, Any]:
    model, processor = model_and_processor(geometry, prompts[:300])
    usage, seconds, equal, ratios = Usage(), {}, True, {}

    def way(rows: list[Row], **options: Any) -> Callable[[], list[str]]:
        return lambda: answer(model, processor, rows, num_frames=FRAMES, max_new_tokens=geometry.new_tokens, **options)

    for count, videos in ((18, 1), (3, 2), (1, 4)):
        rows = [row(clips[video], prompts[30 * video + number]) for video in range(videos) for number in range(count)]
        ways = {"plain": way(rows, shared=False), "shared": way(rows, usage=usage)}
        if count == 18:
            ways["batched"] = way(rows, shared=False, batch_size=8)
        way(rows[:1])()
        took = {name: [] for name in ways}
        for turn in range(rounds * (1 if count == 18 else 3)):
            order = list(ways)[:: 1 if turn % 2 else -1]
            said = {name: timed(ways[name], took[name]) for name in order}
            equal &= said["plain"] == said["shared"]
        ratios[count] = statistics.median(a / b for a, b in zip(took["plain"], took["shared"], strict=True))
        if count == 18:
            seconds = {name: len(rows) / statistics.median(times) for name, times in took.items()}
    return {
        **{f"{name}_qps": round(seconds[name], 3) for name in ("plain", "batched", "shared")},
        **{f"ratio_{count}": round(ratio, 2) for count, ratio in ratios.items()},
        "equal": equal,
        "peak_mb": round(usage.bytes / 1e6, 1),
    }


def timed(ask: Callable[[], list[str]], took: list[float]) -> list[str]:
    start = time.process_time()
    said = ask()
    took.append(time.process_time() - start)
    return said


def row(clip: Path, question: str) -> Row:
    content = [media_block("video"), {"type": "text", "text": question}]
    return {
        "id": question, "source": "clips", "media": "video", "messages": [{"role": "user", "content": content}],
        "images": [], "videos": [{"bytes": clip.read_bytes(), "path": str(clip)}], "num_frames": FRAMES,
    }  # fmt: skip


def model_and_processor(geometry: Geometry, texts: list[str]) -> tuple[Any, Any]:
    """An Idefics3 of `tiny`, with a larger language model and frames of the geometry."""
    with tempfile.TemporaryDirectory() as folder:
        tiny.build(folder, texts)
        processor: Idefics3Processor = AutoProcessor.from_pretrained(folder)
        config = Idefics3ForConditionalGeneration.config_class.from_pretrained(folder)
    processor.image_seq_len = geometry.frame_tokens
    processor.image_processor.size = {"longest_edge": geometry.image_px}
    processor.image_processor.max_image_size = {"longest_edge": geometry.image_px}
    vision, text = config.vision_config, config.text_config
    vision.image_size, vision.patch_size = geometry.image_px, geometry.patch_px
    text.hidden_size, text.intermediate_size, text.num_hidden_layers, text.head_dim = 256, 768, 5, 64
    set_seed(0)
    model = Idefics3ForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.normal_(std=0.08)  # as drawn, all replies would be one
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    return model, processor


if __name__ == "__main__":
    main()
