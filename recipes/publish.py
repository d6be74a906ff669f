"""Write the card of a checkpoint, and put data set and checkpoint on the Hub, each in one commit.

python recipes/publish.py --dataset out/demo/dataset --checkpoint out/demo/checkpoint --scores out/demo/scores.json
python recipes/publish.py ... --push user/name
"""

from t2vid_hf.cli.hub import publish_run
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(publish_run)
