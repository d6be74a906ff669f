"""Write a video question answering set: of generated clips of moving shapes, or of a folder of real ones.

python recipes/make_clips.py --output out/my_set --count 80
python recipes/make_clips.py --output out/my_set --videos my_videos/
"""

from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(make_clips)
