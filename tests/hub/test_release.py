"""Releases with the real client, against a Hub on loopback: whole under their tag, or not there.

The client reads its endpoint when it is imported, so each test's client is a process of its own.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from t2vid_hf.cli.push import push
from t2vid_hf.errors import InputError, Unfinished
from t2vid_hf.hub import transient
from t2vid_hf.hub.release_part import ReleasePart
from t2vid_hf.hub.release_terms import ReleaseTerms
from t2vid_hf.hub.transient import Patience, persist
from tests.hub.fault_matrix import kill, parts
from tests.hub_server import HubServer

PUBLISH = """
import sys, time
pauses = []
time.sleep = pauses.append
from pathlib import Path
from t2vid_hf.errors import one_line_errors
from t2vid_hf.hub.release import plan_release, release
from t2vid_hf.hub.release_part import ReleasePart, content_tag
from t2vid_hf.hub.release_terms import ReleaseTerms
root = Path({root!r})
model, dataset = ReleasePart(root / "model1", "alice/m", "model"), ReleasePart(root / "set1", "alice/d", "dataset")
with one_line_errors():
    {code}
"""


def publishing(hub: HubServer, root: Path, code: str, *, user: str | None = "alice", **more) -> tuple[int, str, str]:
    environment = {**os.environ, **hub.environment(root / "home", user=user, **more)}
    command = [sys.executable, "-c", PUBLISH.format(root=str(root), code=code.replace("\n", "\n    "))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    parts(tmp_path, 1)
    return tmp_path


def held(hub: HubServer, repo_type: str = "model", revision: str = "main") -> set[str]:
    names = hub.files("alice/m" if repo_type == "model" else "alice/d", repo_type=repo_type, revision=revision)
    return set(names) - {".gitattributes"}


def test_every_request_may_fail_once_and_an_outage_may_begin_at_any():
    done = subprocess.run(
        [sys.executable, "-m", "tests.hub.fault_matrix"], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    found = json.loads(done.stdout)
    assert found["problems"] == [] and found["requests"] > 30 and found["releases"] > 500, found


def test_a_killed_release_is_completed_by_the_same_command(tmp_path):
    draw = random.Random(1)
    with HubServer() as hub:
        problems = [kill(hub, tmp_path, number, draw.randrange(2, 36)) for number in range(1, 4)]
    assert problems == [[], [], []]


def test_a_release_again_writes_nothing_and_one_that_was_half_sent_sends_the_rest(root):
    with HubServer() as hub:
        code = 'print(release([dataset, model], ReleaseTerms("v1", message="the first")))'
        hub.fail_next("PUT", "", 500, times=1000)  # a file of several
        status, _, said = publishing(hub, root, code)
        assert status == 1 and "On the Hub now: model alice/m: new and empty" in said and "data set alice/d" in said
        hub.lift_faults()
        status, out, _ = publishing(hub, root, code)
        assert status == 0 and f"{hub.url}/alice/m/tree/v1" in out and f"{hub.url}/datasets/alice/d/tree/v1" in out
        assert [commit.title for commit in hub.commits("alice/m")] == ["the first", "initial commit"]
        mark = len(hub.requests)
        assert publishing(hub, root, code)[0] == 0
        assert {request.method for request in hub.requests[mark:]} == {"GET", "POST"}
        assert {request.path for request in hub.requests[mark:] if request.method == "POST"} == {"/api/validate-yaml"}
        # a large file that was sent before the outage is not sent again
        parts(root, 2)
        sizes = {name: (root / "model2" / name).stat().st_size for name in os.listdir(root / "model2")}
        code = code.replace("model]", 'ReleasePart(root / "model2", "alice/m2", "model")]')
        hub.fail_next("POST", "/commit/", 503, times=1000)
        mark = len(hub.requests)
        assert publishing(hub, root, code)[0] == 1
        sent = [request.received for request in hub.requests[mark:] if request.method == "PUT"]
        assert sorted(sent) == sorted(size for name, size in sizes.items() if name.endswith(".safetensors"))
        hub.lift_faults()
        mark = len(hub.requests)
        assert publishing(hub, root, code)[0] == 0
        assert not [request for request in hub.requests[mark:] if request.method == "PUT"]


def test_a_release_replaces_what_it_releases_and_nothing_else(root):
    """Old weights under new ones are what a loader takes first; files of the user's own stay."""
    old = root / "old"
    old.mkdir()
    for name in ("model.safetensors", "config.json", "README.md", "vocab.json"):
        (old / name).write_text("{}")
    with HubServer() as hub:
        assert (
            publishing(hub, root, 'release([ReleasePart(root / "old", "alice/m", "model")], ReleaseTerms("v0"))')[0]
            == 0
        )
        status, _, _ = publishing(hub, root, """
from huggingface_hub import HfApi
HfApi().upload_file(path_or_fileobj=b"mine", path_in_repo="notes.txt", repo_id="alice/m")""")  # fmt: skip
        assert status == 0
        mark = len(hub.requests)
        _, out, _ = publishing(hub, root, """
from t2vid_hf.cli.push import show_plan
show_plan([model, dataset], ReleaseTerms("v1"))""")  # fmt: skip
        for line in ("  - model.safetensors  replaced", "  - vocab.json", "    notes.txt  on the Hub, not of a release",
                     "    optimizer.pt  here, not released", "  + model-00001-of-00002.safetensors  1,500 bytes",
                     "data set alice/d, tag v1: 3 files to send"):  # fmt: skip
            assert line in out, out
        assert {request.method for request in hub.requests[mark:]} <= {"GET", "POST"} and len(
            hub.commits("alice/m")
        ) == 3
        assert publishing(hub, root, 'release([model], ReleaseTerms("v1"))')[0] == 0
        assert len(hub.commits("alice/m")) == 4  # what came and what went are one commit
        assert held(hub) == {"README.md", "config.json", "notes.txt", "model.safetensors.index.json",
                             "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}  # fmt: skip
        assert held(hub, revision="v0") == {"model.safetensors", "config.json", "README.md", "vocab.json"}


def test_a_tag_is_not_moved_unless_it_is_said(root):
    with HubServer() as hub:
        assert publishing(hub, root, 'release([model], ReleaseTerms("v1"))')[0] == 0
        (root / "model1/config.json").write_text('{"other": 1}')
        status, _, said = publishing(hub, root, 'release([model, dataset], ReleaseTerms("v1"))')
        assert status == 2 and "tag v1 of model alice/m is there already, with other files" in said
        assert "alice/d" not in [repo_id for _, repo_id in hub.repositories()]
        assert publishing(hub, root, 'release([model, dataset], ReleaseTerms("v1", force=True))')[0] == 0
        assert hub.files("alice/m", revision="v1")["config.json"] == b'{"other": 1}'


def test_private_a_branch_and_a_pull_request(root):
    with HubServer() as hub:
        assert publishing(hub, root, 'release([model], ReleaseTerms("v1", revision="next"))')[0] == 0
        assert held(hub) == set() and "config.json" in held(hub, revision="next")
        status, _, said = publishing(hub, root, 'release([dataset, model], ReleaseTerms("v2", private=True))')
        assert status == 2 and "model alice/m is there already and public" in said
        assert publishing(hub, root, 'release([dataset], ReleaseTerms("v2", private=True))')[0] == 0
        assert hub.repo("alice/d", repo_type="dataset").private and not hub.repo("alice/m").private
        status, out, _ = publishing(hub, root, "print(release([model], ReleaseTerms(None, create_pr=True)))")
        assert status == 0 and "/discussions/1" in out, out
        assert held(hub) == set() and "config.json" in held(hub, revision="refs/pr/1")
        status, _, said = publishing(hub, root, """
release([ReleasePart(root / "model1", "alice/none", "model")], ReleaseTerms(None, create_pr=True))""")  # fmt: skip
        assert status == 2 and "not there, so no pull request" in said


@pytest.mark.parametrize(
    ("user", "more", "environment", "match"),
    [
        (None, {}, {}, "no token to write to the Hub"),
        ("bob", {}, {}, "'alice/m' is not yours to write to: the token is of bob"),
        ("alice", {"role": "read"}, {}, "the token may only read"),
        ("alice", {}, {"HF_TOKEN": "hf_wrong_token"}, "the Hub answered 401"),
        ("alice", {}, {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
    ],
)
def test_what_may_not_be_written_is_one_line_before_anything_is_sent(root, monkeypatch, user, more, environment, match):
    with HubServer() as hub:
        made = hub.environment(root / "home", user=user, **more) | environment
        monkeypatch.setattr(HubServer, "environment", lambda *_, **__: made)
        status, _, said = publishing(hub, root, 'release([dataset, model], ReleaseTerms("v1"))')
        assert status == 2 and match in said and said.count("\n") == 1, said
        assert "hf_wrong" not in said and not hub.repositories()


def test_metadata_that_the_hub_refuses(root):
    with HubServer() as hub:
        (root / "model1/README.md").write_text("---\nlicense: [\n---\n")
        status, _, said = publishing(hub, root, 'release([dataset, model], ReleaseTerms("v1"))')
        assert status == 2 and "README.md: the Hub refuses its metadata" in said and not hub.repositories()


def test_retry_after_is_kept_to(root):
    with HubServer() as hub:
        hub.fail_next("POST", "/commit/", 429, retry_after=77)
        status, out, _ = publishing(hub, root, 'release([model], ReleaseTerms("v1"))\nprint(pauses)')
        assert status == 0 and "77" in out.splitlines()[-1] and "trying again in 77 s" in out


def test_pauses_double_and_the_last_failure_is_passed_on(monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(transient.time, "sleep", pauses.append)

    def broken():
        raise ConnectionResetError("reset")

    with pytest.raises(ConnectionResetError):
        persist(broken, patience=Patience(attempts=4, wait_seconds=3), show=lambda line: None)
    assert pauses == [3, 6, 12]


def test_names_and_terms_that_cannot_be(root):
    for name in ("name", "a/b/c", "alice/..", "alice/a--b", "", "/"):
        with pytest.raises(InputError, match="no repository's name"):
            ReleasePart(root, name, "model")
    for terms in ({"tag": None}, {"tag": "v1", "create_pr": True}):
        with pytest.raises(InputError, match="give one of them"):
            ReleaseTerms(**terms)
    for name in ("v 1", "v..1", "a//b", "/v1", "v1/", "-v1", "v1.lock", 'v"1', "v~1", "v1.", ""):
        with pytest.raises(InputError, match="is no tag's name"):
            ReleaseTerms(name)
        with pytest.raises(InputError, match="is no branch's name"):
            ReleaseTerms("v1", revision=name)
    for terms in ({"tag": "main", "revision": "next"}, {"tag": "next", "revision": "next"}):
        with pytest.raises(InputError, match="is a branch, and a tag of its name"):
            ReleaseTerms(**terms)
    assert ReleaseTerms("release/v1.0+ü", revision="refs/pr/1").tag
    assert issubclass(Unfinished, RuntimeError)


def test_a_tag_and_a_branch_are_two_things(root):
    """A tag of a branch's name was reported as set; a commit to a tag was refused when files were sent."""
    with HubServer() as hub:
        assert publishing(hub, root, 'release([model], ReleaseTerms("v1", revision="next"))')[0] == 0
        mark = len(hub.requests)
        for terms, told in (
            ('"next"', "'next' is a branch of model alice/m: give another tag"),
            ('"v2", revision="v1"', "'v1' is a tag of model alice/m, and commits go to a branch"),
        ):
            status, _, said = publishing(hub, root, f"release([model, dataset], ReleaseTerms({terms}))")
            assert status == 2 and told in said, said
        assert {request.method for request in hub.requests[mark:]} == {"GET", "POST"}
        assert len(hub.repositories()) == 1


def test_a_pull_request_for_nothing_names_what_is_there(root):
    with HubServer() as hub:
        assert publishing(hub, root, 'release([model], ReleaseTerms("v1"))')[0] == 0
        _, out, _ = publishing(hub, root, "print(release([model], ReleaseTerms(None, create_pr=True)))")
        assert f"{hub.url}/alice/m/tree/main'" in out and len(hub.commits("alice/m")) == 2


def test_what_the_hub_refuses_is_not_told_as_unanswered(root):
    with HubServer() as hub:
        hub.fail_next("POST", "/commit/", 403)
        status, _, said = publishing(hub, root, 'release([model], ReleaseTerms("v1"))')
        assert status == 1 and "the Hub answered 403" in said and "was not answered" not in said


def test_an_endpoint_that_is_no_address(root, monkeypatch):
    with HubServer() as hub:
        made = hub.environment(root / "home") | {"HF_ENDPOINT": "nonsense"}
        monkeypatch.setattr(HubServer, "environment", lambda *_, **__: made)
        status, out, said = publishing(hub, root, 'release([model], ReleaseTerms("v1"))')
    assert status == 2 and said.startswith("error: HF_ENDPOINT is 'nonsense', and no address") and "trying" not in out


def test_an_interrupt_before_anything_is_written(root):
    with HubServer() as hub:
        status, _, said = publishing(hub, root, """
def interrupted(*_):
    raise KeyboardInterrupt
terms = ReleaseTerms("v1")
terms.api.whoami = interrupted
release([model], terms)""")  # fmt: skip
        assert status == 1 and "interrupted; nothing was changed" in said and not hub.repositories()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"dataset": ["set1"], "base_model": "a/base"}, "--base_model is for checkpoints: give --checkpoint"),
        ({"dataset": ["set1"], "base_revision": "v1"}, "--base_revision is for checkpoints: give --checkpoint"),
        ({"checkpoint": ["model1"], "accept_license": True}, "--accept_license is for data sets: give --dataset"),
    ],
)
def test_an_option_that_nothing_takes_is_refused(root, monkeypatch, given, told):
    monkeypatch.chdir(root)
    with pytest.raises(InputError, match=told):
        push(**given)
