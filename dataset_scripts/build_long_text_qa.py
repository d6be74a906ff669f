"""Build a data set of pages from files of long-text question answering, with its report and card, and publish it.

python dataset_scripts/build_long_text_qa.py --output out/sample
python dataset_scripts/build_long_text_qa.py --source squality --license cc-by-4.0 --render lazy --max_frames 65 \
    --data_files train=v1-3_txt_train.jsonl --data_files validation=v1-3_txt_dev.jsonl --output out/squality \
    --push user/squality-pages

One script for every source: what differs between them is in t2vid_hf/sources. With --dry_run the files are read, the
rows laid out and the report printed; nothing is written.
"""

from t2vid_hf.cli.build import build
from t2vid_hf.cli.script import run_command

if __name__ == "__main__":
    run_command(build)
