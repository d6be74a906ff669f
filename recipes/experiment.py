"""Compare mixtures: arms that differ in their rows alone, run over bases and seeds, with a report.

python recipes/experiment.py --config recipes/my_data/experiment.yaml --dry_run
"""

from t2vid_hf.cli.experiment import experiment
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(experiment)
