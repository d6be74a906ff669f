"""Fine-tune a vision-language model on a mixture of pages, video and text.

    accelerate launch recipes/sft.py --config recipes/debug/sft_cpu.yaml

Options on the command line win over the YAML file: --model_name_or_path my/checkpoint --learning_rate 1e-5. With
--dry_run the rows are mixed and priced and the model is built without its weights: what a run would take, in seconds.
"""

import sys

from t2vid_hf.cli.train import run
from t2vid_hf.errors import one_line_errors

if __name__ == "__main__":
    with one_line_errors():
        run(sys.argv[1:])
