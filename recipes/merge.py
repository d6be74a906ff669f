"""Merge an adapter into its base model: a checkpoint that transformers and vLLM serve without peft.

python recipes/merge.py --adapter out/idefics3-8b/lora --output out/idefics3-8b/merged
"""

from t2vid_hf.cli.merge import merge_adapter
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(merge_adapter)
