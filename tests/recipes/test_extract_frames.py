"""The paper's preprocessing as a command, on real clips."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = Path(__file__).resolve().parents[2] / "recipes/extract_frames.py"
CLIPS = ("decord/corrupted.mp4", "mdn/flower.mp4", "mdn/flower.webm", "torchcodec/nasa_13013.mp4")


def run(*options: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, RECIPE, *map(str, options)], capture_output=True, text=True)


@pytest.fixture
def videos(shared, tmp_path) -> Path:
    for name in CLIPS:
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).write_bytes((shared / "data/videos" / name).read_bytes())
    return tmp_path / "videos"


def test_a_folder_of_videos_is_extracted_and_resumed(videos):
    output = videos / "frames"  # inside: what is written is not taken for a video by the next run
    first = run("--videos", videos, "--output", output, "--workers", 2)
    assert first.returncode == 1
    lines = first.stdout.splitlines()
    assert lines[0].startswith("failed: decord/corrupted.mp4: Invalid data found") and "after 28 frames" in lines[0]
    assert lines[1:] == [f"3 folders made (23 frames), 0 kept from before, 1 failed: {output}"]
    assert sorted(path.name for path in (output / "mdn").iterdir()) == ["flower.mp4", "flower.webm"]
    assert len(list((output / "torchcodec/nasa_13013").glob("frame_*.jpg"))) == 13
    second = run("--videos", videos, "--output", output, "--on_damage", "keep")
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines() == [
        "made: decord/corrupted.mp4: Invalid data found when processing input; 22 frames lost",
        f"1 folders made (3 frames), 3 kept from before, 0 failed: {output}",
    ]
    saved = json.loads((output / "extract_frames.json").read_text())
    assert (saved["made"], saved["kept"], saved["failed"], list(saved["reasons"])) == (
        1,
        3,
        0,
        ["decord/corrupted.mp4"],
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--videos", "nowhere"), "nowhere: no such folder; give a folder of videos"),
        (("--on-damage", "skip"), "unknown --on_damage 'skip'; known: error, keep"),
        (("--suffix", "tiff"), "unknown --suffix 'tiff'; known: jpg, png"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, options, message):
    done = run("--videos", tmp_path, "--output", tmp_path / "out", *options)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines() == [done.stderr.strip()] and message in done.stderr
