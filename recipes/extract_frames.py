"""Write the frames of a folder of videos, one a second, to a folder for each: the paper's preprocessing.

python recipes/extract_frames.py --videos my_videos/ --output out/frames --workers 4

Start it again after an interruption: finished folders are kept. `read_frames` takes such a folder for a video.
"""

from t2vid_hf.cli.extract_frames import extract_frames
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(extract_frames)
