"""Each benchmark in its authors' layout, with clips and questions of our own: a folder of files, and one of videos."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow
from PIL import Image
from pyarrow import parquet

from t2vid_hf.clips.shapes import make_clip, write_clip
from t2vid_hf.evaluation.benchmarks.ask_mvbench import _FOLDERS
from t2vid_hf.metrics.benchmarks.mlvu import FILES
from t2vid_hf.video.reading import read_frames
from tests.metrics.prediction_files import prompt, write


@dataclass
class Layout:
    """A benchmark on disk: its question file, its videos, and how many questions it has."""

    questions: str
    videos: Path
    n: int


def clip(path: Path, number: int = 0) -> Path:
    """A clip of 16 frames and 2 seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(make_clip(number), path)
    return path


def frames(folder: Path, count: int = 6) -> None:
    """A folder of frames."""
    folder.mkdir(parents=True)
    source = clip(folder.parent / "source.mp4")
    for number, frame in enumerate(read_frames(source, count).data, 1):
        Image.fromarray(frame).save(folder / f"{number:05}.jpg")
    source.unlink()


def video_mme(folder: Path) -> Layout:
    rows = [
        {"video_id": f"{n // 2 + 1:03}", "duration": ("short", "long")[n // 2], "domain": "Life Record",
         "sub_category": "Food", "url": "-", "videoID": ("aB-1", "cD_2")[n // 2], "question_id": f"{n // 2 + 1:03}-{n}",
         "task_type": "Counting Problem", "question": "How many shapes move?",
         "options": ["A. One.", "B. Two.", "C. Three.", "D. None."], "answer": "B"}
        for n in range(4)
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "test-00000-of-00001.parquet")
    clip(folder / "videos/data/aB-1.mp4")
    clip(folder / "videos/data/cD_2.mp4", 1)
    (folder / "videos/subtitle").mkdir()
    (folder / "videos/subtitle/aB-1.srt").write_text(
        "1\n00:00:00,000 --> 00:00:00,900\n<font color=\"white\">A circle comes.</font>\n\n"
        "2\n00:00:01,800 --> 00:00:09,000\nIt is gone.\n"
    )  # fmt: skip
    return Layout(str(folder / "test-00000-of-00001.parquet"), folder / "videos", 4)


def video_mme_v2(folder: Path) -> Layout:
    options = "\n".join(f"{letter}. shape {letter.lower()}" for letter in "ABCDEFGH")
    rows = [
        {"video_id": "001", "question_id": f"001-{n}", "question": f"Which is number {n}?", "options": options,
         "answer": "ABCD"[n - 1], "group_type": "logic", "group_structure": "[1, 2, 3, 4]",
         "level": 2 if n == 4 else None, "second_head": None, "third_head": "Order" if n == 4 else None}
        for n in range(1, 5)
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "test.parquet")
    clip(folder / "videos/video/001.mp4")
    words = [("Look", 0.0, 0.2), ("there.", 0.3, 0.5), ("A", 0.7, 0.8), ("circle", 0.9, 1.2)]
    lines = [{"text": text, "start_time": start, "end_time": end} for text, start, end in words]
    (folder / "videos/subtitle").mkdir()
    write(folder / "videos/subtitle/001.jsonl", lines)
    return Layout(str(folder / "test.parquet"), folder / "videos", 4)


def mvbench(folder: Path) -> Layout:
    """All 20 tasks: a webm, an avi, a folder of frames, one name in two folders, and parts of clips."""
    for number, (task, place) in enumerate(_FOLDERS.items()):
        suffix = {"ssv2_video": "webm", "nturgbd": "avi"}.get(place, "mp4")
        name = f"clip_{number % 3}" if "frames" in place else f"clip_{number % 3}.{suffix}"
        record = {
            "video": name,
            "question": "Where does it go?",
            "candidates": ["up", "down", "away"],
            "answer": "down",
        }
        bounds = (
            {"start": 0.5, "end": 1.5, "accurate_start": 0.5}
            if task in ("action_sequence", "episodic_reasoning")
            else {}
        )
        (folder / "json").mkdir(parents=True, exist_ok=True)
        write(folder / f"json/{task}.json", [{**record, **bounds}])
        path = folder / "video" / place / name
        if "frames" in place:
            frames(path)
        elif not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(clip(folder / f"all/{number % 3}.{suffix}", number % 3), path)
    return Layout(str(folder / "json"), folder / "video", 20)


def mlvu(folder: Path) -> Layout:
    for task in FILES:
        record = {"video": "a_1.mp4", "duration": 2.0, "question": "What moves?", "answer": "a square",
                  "question_type": task.partition("_")[2], "candidates": ["a circle", "a square"]}  # fmt: skip
        (folder / "json").mkdir(parents=True, exist_ok=True)
        write(folder / f"json/{task}.json", [record])
        clip(folder / "video" / task / "a_1.mp4")
    return Layout(str(folder / "json"), folder / "video", 7)


TEMPCOMPASS = {
    "multi-choice": {"question": "Where to?\nA. up\nB. down", "answer": "B. down"},
    "yes_no": {"question": "Does it go up?", "answer": "no"},
    "caption_matching": {"question": "Which fits?\nOption 1: It goes up.\nOption 2: It goes down.",
                         "answer": "Option 2: It goes down."},
    "captioning": {"question": "Write a caption.\nInformation A: up\nInformation B: down\nGenerated Caption:",
                   "answer": "B. down"},
}  # fmt: skip


def tempcompass(task: str) -> Callable[[Path], Layout]:
    def build(folder: Path) -> Layout:
        clip(folder / "videos/1034.mp4")
        clip(folder / "videos/1035.mp4", 1)
        asked = {
            name: {"direction": [TEMPCOMPASS[task]] * 2, "speed": [TEMPCOMPASS[task]]} for name in ("1034", "1035")
        }
        (folder / "questions").mkdir()
        return Layout(write(folder / f"questions/{task}.json", asked), folder / "videos", 6)

    return build


def next_qa(folder: Path) -> Layout:
    text = "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4\n"
    for number, (name, kind) in enumerate((("4010069381", "CW"), ("4010069381", "TP"), ("48828", "DL"))):
        text += f"{name},16,96,96,where does it go,{number},{number},{kind},up,down,left,right,away\n"
    clip(folder / "NExTVideo/1164/4010069381.mp4")
    clip(folder / "NExTVideo/1201/48828.mp4", 1)
    return Layout(write(folder / "val.csv", text), folder / "NExTVideo", 3)


def long_video_bench(folder: Path) -> Layout:
    records = [
        {"video_id": "86Cx", "video_path": "86Cx.mp4", "subtitle_path": "86Cx_en.json", "id": f"86Cx_{n}",
         "question": "What is said when the circle comes?", "candidates": ["nothing", "hello", "stop"],
         "correct_choice": 1, "question_category": ("TOS", "S2E")[n], "duration_group": 15, "duration": 2.0,
         "starting_timestamp_for_subtitles": 10, "position": [1], "topic_category": "KA"}
        for n in range(2)
    ]  # fmt: skip
    clip(folder / "videos/86Cx.mp4")
    said = [
        {"start": "00:00:10.000", "end": "00:00:10.600", "line": "hello"},
        {"timestamp": [11.4, 11.9], "text": "stop"},
    ]
    (folder / "subtitles").mkdir()
    write(folder / "subtitles/86Cx_en.json", said)
    return Layout(write(folder / "lvb_val.json", records), folder, 2)


def images(folder: Path) -> Layout:
    (folder / "SEED-Bench-image").mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (64, 48), (200, 40 * number, 0)).save(folder / f"SEED-Bench-image/77_{number}", "JPEG")
    asked = [
        {"question_id": f"q{n}", "data_id": f"77_{n}", "data_type": "image", "question": "Which colour?",
         "question_type_id": 3, "choice_a": "red", "choice_b": "blue", "choice_c": "green", "choice_d": "none",
         "answer": "A", "segment": None}
        for n in range(2)
    ]  # fmt: skip
    asked.append({**asked[0], "question_id": "v", "data_type": "video", "data_id": "x.mp4"})
    file = write(folder / "SEED-Bench.json", {"question_type": {"Instance Attributes": 3}, "questions": asked})
    return Layout(file, folder / "SEED-Bench-image", 2)


def original(folder: Path) -> Layout:
    """The original's jsonl, two questions about a clip; one of MLVU's has an option that is empty."""
    listed = [
        {"question_id": number, "video": "video/4_count/count_1.mp4", "prompt": prompt("How many?", options), "GT": "B",
         "category": "count"}
        for number, options in ((1, ("one", "two", "three")), (589, ("one", "two", "")))
    ]  # fmt: skip
    clip(folder / "MLVU/video/4_count/count_1.mp4")
    return Layout(write(folder / "mlvu.jsonl", listed), folder, 2)


LAYOUTS: dict[str, tuple[str, str | None, Callable[[Path], Layout]]] = {
    "videomme": ("videomme", None, video_mme),
    "videomme_v2": ("videomme_v2", None, video_mme_v2),
    "mvbench": ("mvbench", None, mvbench),
    **{f"tempcompass {task}": ("tempcompass", task, tempcompass(task)) for task in TEMPCOMPASS},
    "nextqa": ("nextqa", None, next_qa),
    "mlvu": ("mlvu", None, mlvu),
    "longvideobench": ("longvideobench", None, long_video_bench),
    "images": ("images", None, images),
    "original": ("mlvu", None, original),
}


def shown(value: object) -> str:
    """A value as a snapshot: JSON that is read line by line."""
    return json.dumps(value, indent=1, ensure_ascii=False)
