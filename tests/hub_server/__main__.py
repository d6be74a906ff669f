"""The Hub on loopback by hand: `python -m tests.hub_server --port 8765`, from the root of the repository."""

import argparse
import threading

from tests.hub_server import HubServer

parser = argparse.ArgumentParser(description="A Hugging Face Hub on loopback, in memory.")
parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
parser.add_argument("--xet", action="store_true", help="large files go by Xet, as on the Hub; without it by LFS")
options = parser.parse_args()
with HubServer(port=options.port, xet=options.xet) as hub:
    # With hf_xet installed an upload does not fall back to LFS.
    print(f"export HF_ENDPOINT={hub.url} HF_TOKEN=hf_alice HF_HUB_DISABLE_XET={int(not options.xet)}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
