"""Write the cards of checkpoints and data sets, and put them on the Hub together, under one tag.

python recipes/push.py --dataset out/demo/dataset --checkpoint out/demo/checkpoint --scores out/demo/scores.json
python recipes/push.py ... --to user/name --dry_run
python recipes/push.py ... --to user/name --tag v1
"""

from t2vid_hf.cli.push import push
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(push)
