"""A judge in `t2vid score` and `t2vid evaluate`: a chat model here, or one behind a server."""

import json
import os
import subprocess
import sys

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.judges import open_judge
from t2vid_hf.models import tiny
from tests.evaluation.chat_server import ChatServer, texts
from tests.metrics.prediction_files import lines, write

VAGUE = "Its pace dwindles, I would think."


def score(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "t2vid_hf", "score", *map(str, arguments)],
        capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "0", **environment},
    )  # fmt: skip


@pytest.fixture
def predictions(tmp_path):
    return write(tmp_path / "pred.jsonl", lines(["B", VAGUE, "nothing at all"]))


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory):
    """A tiny chat model of text."""
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    folder = tmp_path_factory.mktemp("judge")
    tokenizer = tiny._tokenizer(tiny._pieces_of(["Say one letter or the word none. A B C none"] * 4))
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}Assistant:{% endif %}"
    )
    set_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=4096, eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_judge_by_url(predictions, tmp_path):
    asked = ("mlvu", predictions, "--mode", "t2vid_hf", "--json")
    with ChatServer(lambda body: "B" if VAGUE in texts(body) else "None.", token="secret") as server:
        given = (*asked, "--judge", f"wise@{server.url}", "--api_key_env", "JUDGE_TOKEN")
        done = score(*given, JUDGE_TOKEN="secret")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["by"] == {"rule": 1, "judge": 1, "stored": 0} and result["correct"] == 2
        assert (result["judge"]["none"], result["judge"]["identity"]) == (1, "endpoint:wise")
        assert "judge wise: no rule matched 2 of 3 replies; it takes 1 for an option (33.3% of all)" in done.stderr
        assert len(server.chats) == 3 and {chat["temperature"] for chat in server.chats} == {0.0}
        again = score(*given, JUDGE_TOKEN="secret")
        assert again.stdout == done.stdout and len(server.chats) == 3
        elsewhere = score(*given, "--judge_file", tmp_path / "other.jsonl", JUDGE_TOKEN="secret")
        assert elsewhere.stdout == done.stdout and len(server.chats) == 6
        denied = score(*asked, "--judge", f"other@{server.url}")
        assert denied.returncode == 2 and denied.stderr.count("\n") == 1 and "401" in denied.stderr
    kept = score(*given, JUDGE_TOKEN="secret")  # the server is gone, and nothing is asked
    assert kept.stdout == done.stdout
    gone = score(*asked, "--judge", f"third@{server.url}")
    assert gone.returncode == 2 and gone.stderr.count("\n") == 1 and "no server answers" in gone.stderr


def test_a_judge_on_this_machine(chat_model, tmp_path):
    judge = open_judge(str(chat_model), tmp_path / "judge.jsonl")
    said = list(judge.ask(["Which?", "What?"]))
    assert [number for number, _ in said] == [0, 1] and all(isinstance(text, str) for _, text in said)
    assert list(judge.ask(["What?"]))[0][1] == said[1][1]
    import shutil

    shutil.copytree(chat_model, tmp_path / "copy")
    copy = tmp_path / "copy"
    assert open_judge(str(copy), tmp_path / "judge.jsonl").identity == judge.identity  # weights, not their place
    (copy / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert open_judge(str(copy), tmp_path / "judge.jsonl").identity != judge.identity
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="its tokenizer has no chat template"):
        open_judge(str(copy), tmp_path / "judge.jsonl")


def test_what_is_no_chat_model(tiny_checkpoint, tmp_path):
    with pytest.raises(InputError, match="no weights in it"):
        open_judge(str(tmp_path), tmp_path / "judge.jsonl")
    with pytest.raises(InputError, match="--judge .*: no chat model of text: Unrecognized configuration class"):
        list(open_judge(str(tiny_checkpoint), tmp_path / "judge.jsonl").ask(["Which?"]))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--mode", "official", "--judge", "x@http://127.0.0.1:9/v1"), "mode official scores by its own rules alone"),
        (("--mode", "t2vid", "--judge", "x@http://127.0.0.1:9/v1"), "mode t2vid scores by its own rules alone"),
        (("--mode", "t2vid_hf", "--judge_file", "x.jsonl"), "--judge_file is for what a judge says"),
        (("--mode", "t2vid_hf", "--api_key_env", "X"), "--api_key_env is for the URL of a judge"),
        (("--mode", "t2vid_hf", "--judge", "nowhere", "--api_key_env", "X"), "--api_key_env is for an endpoint"),
        (("--mode", "t2vid_hf", "--judge", "x@http://h/v1", "--api_key_env", "NO_SUCH"), "no variable NO_SUCH"),
    ],
)
def test_options_that_do_not_go_together(options, told, predictions):
    done = score("mlvu", predictions, *options)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1 and told in done.stderr


def test_without_a_judge_nothing_of_one_is_imported(predictions):
    code = (
        "import sys; from t2vid_hf.cli.app import main; sys.argv = ['t2vid', 'score', 'mlvu', sys.argv[1], '--mode',"
        "'t2vid_hf']\ntry: main()\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'numpy'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, predictions], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_evaluate_with_a_judge(tmp_path, monkeypatch, capsys):
    from t2vid_hf.metrics.score_file import score_file
    from tests.evaluation.benchmark_layouts import video_mme
    from tests.evaluation.test_benchmark_runs import run

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    layout = video_mme(tmp_path / "set")

    def model(body):
        return "a pair, I gather" if len(server.chats) % 2 else "C"

    with ChatServer(model) as server, ChatServer(lambda body: "B" if "a pair" in texts(body) else "none") as judge:
        given = {"batch_size": None, "max_batch_tokens": None, "concurrency": 1, "judge": f"wise@{judge.url}"}
        results = run("videomme", layout, tmp_path / "out", server.url, **given)
    (model,) = results["models"]
    unmatched = model["judge"]["asked"]
    assert (
        unmatched == 2 and model["judge"]["chosen"] == 2 and len(judge.chats) == 2
    )  # a greeting, and a question that stands twice
    assert model["scores"][-1]["accuracy"] == 0.5 and model["headlines"]["t2vid_hf"]["correct"] == 2
    assert model["headlines"]["official"]["correct"] == 0
    answers = [json.loads(line) for line in (tmp_path / "out/answers.jsonl").read_text().splitlines()]
    assert [line.get("by") for line in answers].count("judge") == 2
    assert "m0: judge wise: no rule matched 2 of 4 replies" in capsys.readouterr().out
    plain = score_file("videomme", str(tmp_path / "out/answers.jsonl"), mode="t2vid_hf")
    assert sum(each.outcome.correct for each in plain.scored) == 0
    assert (tmp_path / "out/judge.jsonl").is_file()
