"""The main job on small input, end to end and twice in a row; and what bad input to a step says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from t2vid_hf.clips.shapes import make_clip, write_clip
from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "recipes"


def run(*command: object, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    full = [sys.executable, *map(str, command)]
    return subprocess.run(full, cwd=cwd, capture_output=True, text=True, env={**os.environ, **(environment or {})})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> tuple[Path, Path]:
    """A question file of four short texts, and a folder of three clips with questions."""
    folder = tmp_path_factory.mktemp("inputs")
    records = [
        {"id": f"text-{n}", "context": f"The keeper of tower {n} wound the clock. " * 12, "question": "Who wound it?",
         "answer": "The keeper."}
        for n in range(4)
    ]  # fmt: skip
    (folder / "long.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    videos = folder / "videos"
    videos.mkdir()
    asked = []
    for index in range(3):
        clip = make_clip(index)
        write_clip(clip, videos / f"{clip.name}.mp4".replace("-", "_"))
        for question in clip.questions:
            asked.append(
                {"video": f"{clip.name}.mp4".replace("-", "_"), "question": question.question,
                 "options": question.options, "answer": question.answer, "kind": question.kind}
            )  # fmt: skip
    (videos / "questions.jsonl").write_text("".join(json.dumps(question) + "\n" for question in asked))
    return folder / "long.jsonl", videos


@pytest.fixture(scope="module")
def demo(inputs, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess, HubServer]:
    """The main job, pushed to a Hub on loopback."""
    folder = tmp_path_factory.mktemp("demo")
    long_qa, videos = inputs
    with HubServer() as hub:
        options = ("--long_qa", long_qa, "--videos", videos, "--push", "alice/tiny")
        done = run(RECIPES / "demo.py", *options, cwd=folder, environment=hub.environment(folder / "home"))
        assert done.returncode == 0, done.stdout + done.stderr
        yield folder, done, hub


def test_everything_is_made(demo):
    folder, done, _ = demo
    made = folder / "out/demo"
    for path in ("dataset/README.md", "dataset/synthetic", "checkpoint/model.safetensors", "checkpoint/README.md",
                 "scores.json", "scores.md", "answers.html", "report.html"):  # fmt: skip
        assert (made / path).exists(), path
    assert "What was made" in done.stdout
    run_record = json.loads((made / "checkpoint/run.json").read_text())
    video, synthetic = (part["sampled"] for part in run_record["mixture"])
    assert synthetic == video // 2 > 0
    (way,) = run_record["video"]
    assert f"A clip was given as {way}." in (made / "checkpoint/README.md").read_text()
    assert f"A clip is given as {way}." in (made / "report.html").read_text()


def test_the_second_run_reuses_what_is_there(demo, inputs):
    folder, _, _ = demo
    before = (folder / "out/demo/checkpoint/model.safetensors").stat().st_mtime_ns
    done = run(RECIPES / "demo.py", "--long_qa", inputs[0], "--videos", inputs[1], cwd=folder)
    assert done.returncode == 0, done.stderr
    # all but "publish", whose command has lost its --to
    assert done.stdout.count("reused: nothing that it depends on has changed") == 5
    assert (folder / "out/demo/checkpoint/model.safetensors").stat().st_mtime_ns == before


def test_the_checkpoint_loads_with_plain_transformers_and_answers(demo):
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = demo[0] / "out/demo/checkpoint"
    model, info = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    processor = AutoProcessor.from_pretrained(folder)
    prompt = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": "Who?"}]}], add_generation_prompt=True
    )
    inputs = processor(text=[prompt], return_tensors="pt", add_special_tokens=False)
    assert model.generate(**inputs, max_new_tokens=4).shape[1] > inputs["input_ids"].shape[1]


def test_stock_trl_trains_on_the_published_synthetic_set(demo, tmp_path):
    """The synthetic rows, as `load_dataset` hands them out, are TRL's own format."""
    from datasets import load_dataset
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import SFTConfig, SFTTrainer

    made = demo[0] / "out/demo"
    dataset = load_dataset(str(made / "dataset"), "synthetic", split="train", cache_dir=str(tmp_path / "cache"))
    config = SFTConfig(
        output_dir=str(tmp_path), max_steps=1, per_device_train_batch_size=2, max_length=None, use_cpu=True, bf16=False,
        report_to="none", save_strategy="no", gradient_checkpointing=False, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = SFTTrainer(
        AutoModelForImageTextToText.from_pretrained(made / "checkpoint", dtype="float32"),
        args=config,
        train_dataset=dataset,
        processing_class=AutoProcessor.from_pretrained(made / "checkpoint"),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["pixel_values"].shape[0] == 2  # stock TRL saw the pages
    assert trainer.train().training_loss > 0


def test_both_repositories_are_on_the_hub(demo):
    _, _, hub = demo
    assert {"README.md", "model.safetensors", "config.json", "tokenizer.json"} <= set(hub.files("alice/tiny"))
    assert "training_args.bin" not in hub.files("alice/tiny")
    data = hub.files("alice/tiny", repo_type="dataset")
    assert b'load_dataset("alice/tiny", "synthetic", revision="t2vid-' in data["README.md"]
    assert not [request for request in hub.requests if request.status in (500, 501)]


def test_the_report_is_one_file_with_this_run_s_numbers(demo):
    made = demo[0] / "out/demo"
    page = (made / "report.html").read_text()
    assert 'src="http' not in page and 'href="http' not in page
    scores = json.loads((made / "scores.json").read_text())
    for model in scores["models"]:
        assert f"{100 * model['scores'][-1]['accuracy']:.1f} %" in page
    assert page.count("data:image/webp") == 4 + 1  # four texts, one held-out clip


@pytest.mark.parametrize(
    ("script", "options", "content", "message"),
    [
        ("build_long_text_qa.py", "--data_files FILE", None, "no such file"),
        ("build_long_text_qa.py", "--data_files FILE", "", "the file is empty"),
        ("build_long_text_qa.py", "--data_files FILE", '{"context": "a", "answer": "x"}\n', "'question' is missing"),
        ("build_long_text_qa.py", "--data_files FILE", "not json\n", "not a JSON object"),
        ("build_long_text_qa.py", "--source nope", None, "unknown source 'nope'; known: auto"),
        ("build_long_text_qa.py", "--preset nope", None, "unknown render preset 'nope'; known: "),
        ("make_clips.py", "--videos FOLDER", None, "no such folder"),
        ("make_clips.py", "--videos FOLDER", "a text", "clip.mp4: Invalid data"),
        ("demo.py", "--long-qa FILE", None, "no such file or folder"),
        ("sft.py", "--config FILE", "model_name_or_path: a\nnum_frame: 3\n", "unknown key 'num_frame'"),
        ("sft.py", "--config FILE", "model_name_or_path: a\nuse_cpu: true\nbf16: false\n", "nothing to train on"),
        ("eval_video.py", "--dataset FOLDER --models a=b --benchmark nope --output FILE", None, "unknown benchmark"),
        ("eval_video.py", "--dataset FOLDER --models a=b --output FILE", None, "give a folder that holds one"),
        ("push.py", "--dataset FOLDER --checkpoint FOLDER --scores FILE", None, "no such folder"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_2(tmp_path, script, options, content, message):
    file, folder, output = tmp_path / "input.jsonl", tmp_path / "videos", tmp_path / "out"
    (output / "synthetic").mkdir(parents=True)
    (output / "synthetic" / "kept").touch()
    if content is not None:
        file.write_text(content)
        folder.mkdir()
        (folder / "clip.mp4").write_text(content)
    given = [{"FILE": str(file), "FOLDER": str(folder)}.get(word, word) for word in options.split()]
    target = ["--output", str(output)] if script in ("build_long_text_qa.py", "make_clips.py") else []
    path = ROOT / "dataset_scripts" / script if script.startswith("build") else RECIPES / script
    done = run(path, *given, *target, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and message in lines[0], done.stderr
    assert "Traceback" not in done.stderr
    assert (output / "synthetic" / "kept").exists()
