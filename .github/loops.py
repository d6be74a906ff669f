"""LLVM's text of the package's compiled loops, t2vid_hf/loops.json.xz, from which an installed package draws.

python .github/loops.py           # write it, if what it was made from has changed
python .github/loops.py --check   # exit status 1 where it has

numba writes it for a processor of no particular model, without vector instructions but those that a loop asks for, so
that each machine makes its own code of it. The same versions of numba, llvmlite and Python write the same bytes.
"""

import argparse
import importlib
import json
import lzma
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# numba reads them when it is imported.
GENERIC = {"CPU_NAME": "generic", "CPU_FEATURES": "", "LOOP_VECTORIZE": "0", "SLP_VECTORIZE": "0"}
MODULES = ("bidi", "bitmaps", "blit", "kernels", "survey")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="Write nothing; say whether it is up to date.")
    check = parser.parse_args().check
    sys.path.insert(0, str(ROOT))
    os.environ.update({f"NUMBA_{name}": value for name, value in GENERIC.items()})
    from t2vid_hf import _compiled, _loop_text

    for name in MODULES:
        importlib.import_module(f"t2vid_hf.rendering.{name}")
    sources = [{name: loop.source for name, loop in loops.items()} for loops in _compiled._by_file.values()]
    digests = [_loop_text.digest_of(each) for each in sources]
    if set(_loop_text.shipped_texts()) == set(digests):
        return
    if check:
        raise SystemExit("t2vid_hf/loops.json.xz is of other loops: run `python .github/loops.py`")
    texts = {digest: _loop_text.numba_text(each) for digest, each in zip(digests, sources, strict=True)}
    _loop_text.SHIPPED.write_bytes(lzma.compress(json.dumps(texts).encode(), preset=9))


if __name__ == "__main__":
    main()
