"""A Hugging Face Hub on loopback, in memory, for tests that publish and load with the real clients.

It answers what huggingface_hub 2.4, hf_xet 1.8, datasets 5.2 and transformers 5.23 ask when they create, fill, list and
read model and dataset repositories, so publishing code is tested end to end without the network and without patching a
client. A commit is an immutable snapshot (path -> blob), so branches, tags and old revisions resolve as on the Hub. The
price: every byte stays in memory, and one lock serves one request at a time.

    with HubServer() as hub:
        environment = {**os.environ, **hub.environment(tmp_path)}
        subprocess.run([sys.executable, "recipes/push.py"], env=environment, check=True)
        assert "config.json" in hub.files("alice/tiny")

`HF_ENDPOINT` is read when huggingface_hub is imported, so a client needs its own process. By hand, from the root:

    python -m tests.hub_server --port 8765

What goes wrong is chosen by route (`fail_next`), by the number of the request (`fail_at`), or from a number on
(`fail_from`, `lift_faults`), with a status or a dropped connection; `requests` logs what was asked.

Left out: spaces, `.gitignore`, discussions (a pull request can be opened, filled and read, not merged), and Xet's
deduplication against other people's chunks. A call without a route gets a 501.
"""

from tests.hub_server.faults import LoggedRequest
from tests.hub_server.repository import git_sha1
from tests.hub_server.server import HubServer
from tests.hub_server.wire import byte_range

__all__ = ["HubServer", "LoggedRequest", "byte_range", "git_sha1"]
