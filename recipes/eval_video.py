"""Ask checkpoints the questions of a video benchmark, and write scores and every single answer.

    python recipes/eval_video.py --dataset out/demo/dataset --models trained=out/demo/checkpoint \\
        --models untrained=out/demo/untrained --output out/demo/scores.json
    python recipes/eval_video.py --benchmark nextqa --questions val.csv --videos NExTVideo --models tuned=out/tuned \\
        --output out/nextqa
"""

from t2vid_hf.cli.evaluate import evaluate
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(evaluate)
