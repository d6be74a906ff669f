"""Make a part of a mixture of a video set in the original's JSON, and of the frames that extract_frames.py wrote.

python recipes/extract_frames.py --videos ActivityNet/ --output data/video_chatgpt/frames --workers 8
python recipes/convert_video_qa.py --samples VideoInstruct100K.json --source video_chatgpt --output data/video_chatgpt

A row refers to its folder of frames and holds none of it, so the set is of use only beside them.
"""

from t2vid_hf.cli.convert_video_qa import convert_video_qa
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(convert_video_qa)
