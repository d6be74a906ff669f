"""`t2vid evaluate` of a model behind a server on loopback: the requests, the answers, and every way to fail."""

import base64
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.cli.evaluate import evaluate
from t2vid_hf.errors import InputError, Unfinished
from t2vid_hf.evaluation import endpoint_address
from t2vid_hf.evaluation.endpoint_address import find_endpoint
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.evaluation.image_messages import image_messages, image_url
from t2vid_hf.hub.transient import Patience
from t2vid_hf.metrics.comparison import compare_files
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import summary
from tests.evaluation.benchmark_layouts import LAYOUTS, next_qa, video_mme
from tests.evaluation.chat_server import ChatServer, answering, pictures, texts
from tests.evaluation.questions import QUESTIONS, asked, spread
from tests.models.families import Family, family

__all__ = ["family"]  # a fixture

HELLO = 1  # the request that asks whether anybody is there


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch):
    """The Hub's client asks even a server on loopback only where it is not offline; and nothing is waited for."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(endpoint_address, "PATIENCE", Patience(attempts=3, wait_seconds=0.0, longest_wait=0.0))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def run(layout, output, *models, benchmark="videomme", **options):
    """The command with the defaults of its options, which are made for a command line."""
    given = {
        "dataset": None, "revision": None, "task": None, "subtitles": None, "max_missing": 0, "num_frames": 2,
        "fps": None, "max_frames": None, "video": None, "max_new_tokens": 3, "batch_size": None,
        "max_batch_tokens": None, "resume": False, "concurrency": None, "jpeg_quality": None, "timeout": None,
        "api_key_env": None, "judge": None, **options,
    }  # fmt: skip
    evaluate(
        models=list(models),
        benchmark=benchmark,
        questions=layout.questions,
        videos=str(layout.videos),
        output=output,
        **given,
    )
    return json.loads((output / "results.json").read_text())


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def layout(tmp_path):
    return video_mme(tmp_path / "set")


@pytest.fixture
def numbered(tmp_path):
    """Questions that are told apart by their words."""
    made = next_qa(tmp_path / "numbered")
    head, *rows = Path(made.questions).read_text().splitlines()
    rows = [row.replace("where does it go", f"where to in number {number}") for number, row in enumerate(rows)]
    Path(made.questions).write_text("\n".join([head, *rows]) + "\n")
    return made


@pytest.fixture(scope="module")
def tiny(tiny_checkpoint, tmp_path_factory):
    """A tiny model whose replies depend on every token: itself, and its folder."""
    from t2vid_hf.models.loading import load_checkpoint

    model, processor, _ = load_checkpoint(str(tiny_checkpoint))
    folder = tmp_path_factory.mktemp("spread")
    spread(model, processor).save_pretrained(folder)
    processor.save_pretrained(folder)
    return (*load_checkpoint(str(folder))[:2], folder)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("videomme", {}),
        ("videomme", {"subtitles": True, "num_frames": 3}),
        ("videomme_v2", {"subtitles": True}),
        ("mlvu", {"num_frames": None, "fps": 2.0, "max_frames": 3}),
        ("longvideobench", {}),
        ("images", {}),
    ],
)
def test_a_served_checkpoint_answers_as_it_does_here(name, options, tiny, tmp_path):
    model, processor, folder = tiny
    benchmark, task, build = LAYOUTS[name]
    layout = build(tmp_path / "set")
    with ChatServer(answering(model, processor)) as server:
        options = {"benchmark": benchmark, "task": task, "max_new_tokens": 8, **options}
        results = run(layout, tmp_path / "out", f"here={folder}", f"served={server.url}", video="as_frames", **options)
    answers = lines(tmp_path / "out/answers.jsonl")
    here, served = ([line for line in answers if line["model"] == name] for name in ("here", "served"))
    assert len(here) == len(served) == layout.n and all(line["reply"] for line in here)
    assert benchmark != "videomme" or len({line["reply"] for line in here}) > 1
    assert [{**line, "model": ""} for line in here] == [{**line, "model": ""} for line in served]
    scores = [each["scores"] for each in results["models"]]
    assert scores[0] == scores[1] and results["models"][0]["headlines"] == results["models"][1]["headlines"]
    chats = server.chats[HELLO:]
    assert {(chat["path"], chat["model"], chat["temperature"], chat["seed"], chat["max_tokens"]) for chat in chats} == {
        ("/v1/chat/completions", "tiny", 0.0, 0, 8)
    }
    assert not any("authorization" in headers for headers in server.headers)


def test_every_family_is_shown_the_same(family: Family, clip_file):
    """As frames, those of native video too, and in the proportions that the family's processor keeps."""
    processor = family.processor()
    model = spread(family.model(dtype=torch.float32), processor)
    rows, policy = asked([clip_file], QUESTIONS[1:3]), VideoPolicy("as_frames", num_frames=3)
    here = answer(model, processor, rows, policy=policy, max_new_tokens=6)
    reply = answering(model, processor)
    sent = dict(image_messages(rows, policy))
    assert here == [reply({"messages": sent[number], "max_tokens": 6}) for number in range(2)] and all(here)


def test_captions_of_an_endpoint(tmp_path):
    benchmark, task, build = LAYOUTS["tempcompass captioning"]
    layout = build(tmp_path / "set")
    with ChatServer() as server:
        with pytest.raises(InputError, match="--judge: captions choose no option"):
            run(layout, tmp_path / "out", f"m={server.url}", benchmark=benchmark, task=task, judge=f"x@{server.url}")
        with pytest.raises(FileNotFoundError):
            run(layout, tmp_path / "out", f"m={server.url}", benchmark=benchmark, task=task)
    assert (tmp_path / "out/predictions/m/captioning.json").is_file()


def test_frames_stand_where_the_chat_has_them(tmp_path):
    benchmark, _, build = LAYOUTS["videomme_v2"]
    layout = build(tmp_path / "set")
    with ChatServer() as server:
        given = {"benchmark": benchmark, "subtitles": True, "concurrency": 1}
        run(layout, tmp_path / "png", f"m={server.url}", **given)
        sent = server.chats[-1]
        run(layout, tmp_path / "jpeg", f"m={server.url}", jpeg_quality=90, **given)
        packed = server.chats[-1]
    (message,) = sent["messages"]
    kinds = [block["type"] for block in message["content"]]
    assert kinds[-1] == "text" and kinds.count("image_url") == 2 and kinds.count("text") > 1
    assert [image.format for image in pictures(sent)] == ["PNG"] * 2
    assert [image.format for image in pictures(packed)] == ["JPEG"] * 2
    assert texts(sent) == texts(packed)
    recorded = [
        json.loads((tmp_path / name / "results.json").read_text())["models"][0]["settings"] for name in ("png", "jpeg")
    ]
    assert [each["endpoint"]["images"] for each in recorded] == ["png", "jpeg, quality 90"]
    _, differing = compare_files(*(str(tmp_path / name / "answers.jsonl") for name in ("png", "jpeg")))
    assert set(differing) == {"settings.endpoint.images"}


def test_what_is_recorded(layout, tmp_path):
    with ChatServer() as server:
        results = run(layout, tmp_path / "out", f"m=user/name@{server.url}", num_frames=None)
    (model,) = results["models"]
    assert (model["checkpoint"], model["weights"]) == (f"user/name@{server.url}", "endpoint:user/name")
    settings = model["settings"]
    assert settings["endpoint"] == {
        "url": server.url, "model": "user/name", "weights": "not known: the model's name stands for them",
        "images": "png", "temperature": 0, "seed": 0,
    }  # fmt: skip
    assert settings["frames"]["told"] == "24 frames, one image each" and settings["chat_template"] is None
    assert settings["first_question"]["pixels"][0] == [96, 128, 3] or len(settings["first_question"]["pixels"]) == 16
    assert server.chats[-1]["model"] == "user/name"


def test_a_failure_that_passes_is_waited_out(layout, tmp_path):
    faults = {2: 429, 3: 503, 5: "drop", 6: "half", 8: "page", 9: "junk", 11: "list"}
    with ChatServer(faults=lambda number, body: faults.get(number)) as server:
        results = run(layout, tmp_path / "out", f"m={server.url}", concurrency=1)
    assert len(server.chats) == HELLO + 4 + len(faults)
    assert results["questions"] == 4 and results["models"][0]["missing"] == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (400, r"the server answered 400 \(At most 1 image\(s\) may be .*\); send fewer with --num_frames"),
        (413, "the server answered 413 .overloaded.; send fewer with --num_frames"),
        (422, r"the server answered 422 \(\[.*too long"),
        (500, r"the server answered 500 \(overloaded\), 3 times"),
        ("drop", "3 times"),
        ("half", "3 times"),
        ("page", "what came is no chat completion .*, 3 times"),
        ("filtered", r"the server has filtered the reply \(content_filter\)"),
    ],
)  # fmt: skip
def test_what_a_server_refuses_is_missing_and_named(fault, told, numbered, tmp_path, capsys):
    with ChatServer(faults=lambda number, body: fault if "number 1" in texts(body) else None) as server:
        with pytest.raises(Unfinished, match="1 questions could not be asked, and --max_missing is 0"):
            run(numbered, tmp_path / "out", f"m={server.url}", benchmark="nextqa")
        results = json.loads((tmp_path / "out/results.json").read_text())
        (missing,) = results["models"][0]["missing"]
        assert missing["id"] == "4010069381_1" and re.search(told, missing["reason"]), missing
        assert results["questions"] == 2 and results["models"][0]["scores"][-1]["n"] == 2
        assert "over 2 of 3 questions: 1 could not be asked: 4010069381_1" in capsys.readouterr().out
        run(numbered, tmp_path / "out", f"m={server.url}", benchmark="nextqa", max_missing=1)
        server.faults = lambda number, body: None
        asked = len(server.chats)
        results = run(numbered, tmp_path / "out", f"m={server.url}", benchmark="nextqa", resume=True)
        assert len(server.chats) == asked + HELLO + 1  # what was refused is asked again
    assert results["models"][0]["missing"] == [] and results["questions"] == 3


def test_questions_that_are_scored_as_one_are_missing_as_one(tmp_path):
    layout = LAYOUTS["videomme_v2"][2](tmp_path / "set")
    rows = parquet.read_table(layout.questions).to_pylist()
    others = [{**row, "video_id": "002", "question_id": row["question_id"].replace("001", "002")} for row in rows]
    parquet.write_table(pyarrow.Table.from_pylist(rows + others), layout.questions)
    shutil.copy(layout.videos / "video/001.mp4", layout.videos / "video/002.mp4")
    given = {"benchmark": "videomme_v2", "concurrency": 1, "max_missing": 4}
    with ChatServer(faults=lambda number, body: 400 if number == HELLO + 6 else None) as server:
        results = run(layout, tmp_path / "out", f"m={server.url}", **given)
    missing = {each["id"]: each["reason"] for each in results["models"][0]["missing"]}
    assert list(missing) == ["002-2", "002-1", "002-3", "002-4"] and results["questions"] == 4
    assert missing["002-1"] == "it is scored with 002-2, which has no reply"


def test_null_is_no_answer_and_thoughts_are_not_read(layout, tmp_path, capsys):
    said = ["<think>A? No, D.</think>\n\nB", "<think>It is B, because", "B", "C"]
    faults = {HELLO + 3: "null"}
    with ChatServer(
        lambda body: said[len(server.chats) - HELLO - 1], faults=lambda number, body: faults.get(number)
    ) as server:
        run(layout, tmp_path / "out", f"m={server.url}", concurrency=1)
    answers = lines(tmp_path / "out/answers.jsonl")
    assert [line["choice"] for line in answers] == ["B", None, None, "C"]
    assert [line["reply"] for line in answers] == [said[0], said[1], "", "C"]
    scored = summary(score_file("videomme", str(tmp_path / "out/answers.jsonl"), mode="t2vid_hf"))
    assert (scored["n"], scored["no_answer"]) == (4, 2)
    assert "25% of the replies are empty" in capsys.readouterr().out


def test_half_a_character_can_be_written(layout, tmp_path):
    with ChatServer(lambda body: "B \ud83d") as server:
        run(layout, tmp_path / "out", f"m={server.url}")
    assert {line["reply"] for line in lines(tmp_path / "out/answers.jsonl")} == {"B ?"}


def closed_port():
    with ChatServer() as server:
        return server.url


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: None, "no server answers at http://127.0.0.1:"),
        (lambda: ChatServer(faults=lambda number, body: 401), r"401 \(Incorrect API key provided.*--api_key_env"),
        (lambda: ChatServer(faults=lambda number, body: 403), "does not let us in: the server answered 403"),
        (lambda: ChatServer(faults=lambda number, body: 404), "has no model 'tiny'.*does not exist.*; it has tiny"),
        (lambda: ChatServer(models=["a", "b"]), r"lists 2 models \(a, b\); say which is meant: MODEL@http"),
        (lambda: ChatServer(models=[]), "lists no models; say which is meant"),
    ],
)
def test_a_server_that_answers_nothing_ends_in_one_line_before_any_video(make, told, tmp_path):
    from tests.evaluation.benchmark_layouts import Layout

    nowhere = Layout(str(tmp_path / "none.parquet"), tmp_path, 0)
    server = make()
    if server is None:
        with pytest.raises(InputError, match=told):
            run(nowhere, tmp_path / "out", f"m={closed_port()}")
        with pytest.raises(InputError, match=told):
            run(nowhere, tmp_path / "out", f"m=name@{closed_port()}")
        return
    with server, pytest.raises(InputError, match=told) as error:
        run(nowhere, tmp_path / "out", f"m={server.url}")
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_a_token_goes_to_whom_it_is_named_for_and_is_not_told(layout, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_hub")
    monkeypatch.setenv("MY_TOKEN", "secret-token")
    with ChatServer(token="secret-token") as server, ChatServer() as other:
        run(layout, tmp_path / "out", f"a={server.url}", f"b=x@{other.url}", api_key_env=["a=MY_TOKEN"])
        assert {headers.get("authorization") for headers in server.headers} == {"Bearer secret-token"}
        assert {headers.get("authorization") for headers in other.headers} == {None}
        for name in ("results.json", "answers.settings.json", "answers.jsonl"):
            assert "secret" not in (tmp_path / "out" / name).read_text()
        with pytest.raises(InputError, match="401 .*name the environment variable") as error:
            run(layout, tmp_path / "out", f"a=x@{server.url}")
        server.token = "another"
        with pytest.raises(InputError, match=r"provided: \(token\)") as error:
            run(layout, tmp_path / "out", f"a=x@{server.url}", api_key_env=["MY_TOKEN"])
        assert "secret" not in str(error.value)
        for given, told in (
            (["MY_TOKEN"], "2 endpoints are asked .a, b.; say whose token"),
            (["c=MY_TOKEN"], "'c' is no endpoint; known: a, b"),
            (["a=NO_SUCH"], "no variable NO_SUCH in the environment"),
        ):
            with pytest.raises(InputError, match=told):
                run(layout, tmp_path / "out", f"a={server.url}", f"b=x@{other.url}", api_key_env=given)


def test_a_server_that_fails_stops_the_run_and_what_came_is_kept(tmp_path):
    layout = LAYOUTS["mvbench"][2](tmp_path / "set")
    bad = {"from": 8}
    with ChatServer(faults=lambda number, body: 503 if number >= bad["from"] else None) as server:
        with pytest.raises(Unfinished, match="gave no reply to 10 questions in a row, the last: .*503.*--resume"):
            run(layout, tmp_path / "out", f"m={server.url}", benchmark="mvbench", concurrency=2)
        assert len(lines(tmp_path / "out/answers.jsonl")) == 6
        bad["from"] = 10**9
        done = run(layout, tmp_path / "out", f"m={server.url}", benchmark="mvbench", concurrency=2, resume=True)
        assert done["questions"] == 20
        asked = {texts(chat) for chat in server.chats}
        assert all(texts(chat) in asked for chat in server.chats)
    with ChatServer(faults=lambda number, body: 400 if number > HELLO else None) as server:
        with pytest.raises(Unfinished, match="10 questions in a row, the last: .*400 .At most 1 image"):
            run(layout, tmp_path / "all", f"m={server.url}", benchmark="mvbench", max_missing=20)
        assert len(server.chats) < HELLO + 20
        short = next_qa(tmp_path / "short")
        with pytest.raises(Unfinished, match="m: no reply to any of 3 questions, to the first: .* 400"):
            run(short, tmp_path / "few", f"m={server.url}", benchmark="nextqa", max_missing=4)


def test_a_server_that_goes_away(layout, tmp_path):
    with ChatServer() as server:

        def stop(number, body):
            if number == HELLO + 2:
                server._server.socket.close()
                threading.Thread(target=server._server.shutdown).start()
                return "drop"
            return "drop" if number > HELLO + 2 else None

        server.faults = stop
        with pytest.raises(Unfinished, match="no server answers at http"):
            run(layout, tmp_path / "out", f"m={server.url}", concurrency=1)
    assert len(lines(tmp_path / "out/answers.jsonl")) == 1


def test_a_slow_server_is_not_waited_for(layout, tmp_path):
    slow = {HELLO + 1}
    with ChatServer(faults=lambda number, body: "slow" if number in slow else None) as server:
        results = run(layout, tmp_path / "out", f"m={server.url}", timeout=1.0, concurrency=1)
    assert results["questions"] == 4 and len(server.chats) == HELLO + 5


def test_requests_at_once(tmp_path):
    layout = LAYOUTS["mvbench"][2](tmp_path / "set")
    gate = threading.Barrier(3)

    def wait(body):
        if HELLO < len(server.chats) <= HELLO + 3:
            gate.wait(timeout=60)  # all three are there, or none goes on
        return "A"

    with ChatServer(wait) as server:
        run(layout, tmp_path / "out", f"m={server.url}", benchmark="mvbench", concurrency=3)
    assert server.most_busy == 3
    ids = [line["id"] for line in lines(tmp_path / "out/answers.jsonl")]
    assert len(set(ids)) == len(ids) == 20


@pytest.mark.parametrize(
    ("models", "options", "told"),
    [
        (["m={url}"], {"batch_size": 4}, "--batch_size is for a checkpoint, and an endpoint does not heed it"),
        (["m={url}"], {"max_batch_tokens": 4}, "--max_batch_tokens is for a checkpoint"),
        (["m={url}"], {"video": "native"}, "--video native: an endpoint is sent frames"),
        (["m={url}"], {"fps": 1.0}, "max_frames"),
        (["m=out"], {"concurrency": 4}, "--concurrency is for an endpoint, and a checkpoint does not heed it"),
        (["m=out"], {"timeout": 4.0}, "--timeout is for an endpoint"),
        (["m=out"], {"jpeg_quality": 4}, "--jpeg_quality is for frames that are sent to an endpoint"),
        (["m=out"], {"api_key_env": ["X"]}, "--api_key_env is for an endpoint"),
        (["m=http://me:pass@host/v1"], {}, "neither a user, a password nor a query"),
        (["m=x@http://host/v1?key=pass"], {}, "neither a user, a password nor a query"),
        (["judge={url}"], {"judge": "x@{url}"}, "the name is taken by --judge"),
        (["m=out", "judge=out"], {"judge": "x@{url}"}, "the name is taken by --judge"),
    ],
)
def test_options_that_would_not_be_heeded(models, options, told, layout, tmp_path):
    with ChatServer() as server:
        options = {name: value.format(url=server.url) if name == "judge" else value for name, value in options.items()}
        with pytest.raises(InputError, match=told) as error:
            run(layout, tmp_path / "out", *(model.format(url=server.url) for model in models), **options)
    assert "pass@" not in str(error.value) and "key=pass" not in str(error.value)
    assert not server.chats


def test_the_hubs_offline_mode_is_told(layout, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for model in ("m=x@http://127.0.0.1:9/v1", "m=http://127.0.0.1:9/v1"):
        with pytest.raises(InputError, match="HF_HUB_OFFLINE is set.*unset it"):
            run(layout, tmp_path / "out", model)


def test_one_process_asks_an_endpoint(layout, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with ChatServer() as server, pytest.raises(InputError, match="one process.*without `accelerate launch`"):
        run(layout, tmp_path / "out", f"m={server.url}")
    assert not server.chats


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("m@http://host:8000", "http://host:8000/v1"),
        ("m@http://host:8000/", "http://host:8000/v1"),
        ("m@http://host:8000/v1/", "http://host:8000/v1"),
        ("m@https://host/api/v1", "https://host/api/v1"),
        ("m@https://host/v1beta/openai/chat/completions", "https://host/v1beta/openai"),
    ],
)
def test_addresses(given, url):
    assert (found := find_endpoint(given)).url == url and found.model == "m"


def command(layout, url, output, *more):
    words = ["evaluate", "--models", f"m={url}", "--benchmark", "mvbench", "--questions", layout.questions, "--videos",
             layout.videos, "--output", output, "--num_frames", "2", "--concurrency", "2", *more]  # fmt: skip
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "OMP_NUM_THREADS": "1"}
    blocked = "import sys; sys.modules['torch'] = sys.modules['transformers'] = None; from t2vid_hf.cli.app import main"
    return subprocess.Popen(
        [sys.executable, "-c", f"{blocked}; main()", *map(str, words)],
        env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def test_killed_and_resumed_without_torch(tmp_path):
    layout = LAYOUTS["mvbench"][2](tmp_path / "set")
    draw, answers = random.Random(5), tmp_path / "killed/answers.jsonl"

    def answer(body):
        time.sleep(0.02)
        return "ABC"[len(texts(body)) % 3]

    with ChatServer(answer) as server:
        straight = command(layout, server.url, tmp_path / "straight")
        assert straight.wait() == 0, straight.stderr.read().decode()
        for _ in range(2):
            killed = command(layout, server.url, tmp_path / "killed", "--resume")
            there = answers.read_bytes().count(b"\n") if answers.is_file() else 0
            wanted = min(there + draw.randrange(1, 4), 19)
            while killed.poll() is None and (not answers.is_file() or answers.read_bytes().count(b"\n") < wanted):
                time.sleep(0.002)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        done = command(layout, server.url, tmp_path / "killed", "--resume")
        assert done.wait() == 0, done.stderr.read().decode()
        for name in ("answers.jsonl", "results.json"):
            assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
        other = command(layout, f"other@{server.url}", tmp_path / "killed", "--resume")
        assert other.wait() == 2
    told = other.stderr.read().decode().splitlines()[-1]
    assert "other settings of 'm': weights endpoint:tiny there, endpoint:other now" in told


def test_png_has_the_pixels():
    for shape in ((5, 7), (5, 7, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        data = base64.b64decode(image_url(pixels).partition(",")[2])
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)
