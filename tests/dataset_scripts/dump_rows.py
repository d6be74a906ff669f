"""Load a set and print one line of JSON a row, pixels as a digest. Run by test_script.py on two versions of `datasets`.

python tests/dataset_scripts/dump_rows.py PATH '{"name": "squality", "data_files": "dev.jsonl", ...}'
"""

import hashlib
import json
import sys

import datasets
import numpy as np
from datasets import load_dataset

import t2vid_hf  # noqa: F401, for load_dataset("t2vid")


def pixels(image) -> str:
    return hashlib.blake2b(np.asarray(image).tobytes(), digest_size=8).hexdigest() + f" {image.mode} {image.size}"


if __name__ == "__main__":
    dataset = load_dataset(sys.argv[1], **json.loads(sys.argv[2]))
    print(json.dumps({"datasets": datasets.__version__, "torch": "torch" in sys.modules}))
    for row in dataset:
        print(json.dumps({**row, "images": [pixels(image) for image in row["images"]]}, sort_keys=True))
