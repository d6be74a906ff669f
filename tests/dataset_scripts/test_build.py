"""`t2vid build` and the script that calls it: what it writes, reports and refuses, and that it arrives on a Hub."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from datasets import Image, List, load_dataset

from t2vid_hf import sources, with_pages
from t2vid_hf.cli.build import build
from t2vid_hf.data.pages import Pages
from t2vid_hf.data.repository import configs
from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer
from tests.hub_server import HubServer

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "dataset_scripts/build_long_text_qa.py"


def write(path: Path, *lengths: int) -> Path:
    def record(number: int, length: int) -> dict[str, str]:
        text = "The keeper wound the clock. " * length
        return {"id": f"{path.stem}{number}", "context": text, "question": "Who?", "answer": "He."}

    lines = [json.dumps(record(number, length)) for number, length in enumerate(lengths)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(repository: Path, cache: Path, name: str, split: str) -> Any:
    files = {split: str(repository / name / f"{split}-*.parquet")}
    return with_pages(load_dataset("parquet", data_files=files, split=split, cache_dir=str(cache)))


@pytest.mark.parametrize(("render", "column"), [("eager", List(Image())), ("lazy", Pages())])
def test_splits_filter_report_and_card(tmp_path, capsys, render, column):
    train, more, held = (write(tmp_path / f"{name}.jsonl", *sizes) for name, sizes in
                         {"a": (40, 300, 40), "b": (300,), "c": (40,)}.items())  # fmt: skip
    files = [f"train={train}", str(more), f"validation={held}"]
    build(tmp_path / "out", files, render=render, max_frames=5, license="cc-by-4.0")
    printed = capsys.readouterr().out
    assert "5 questions read; dropped: none, about 2 texts" in printed
    assert "train: 2 rows kept; dropped: 2 (more frames than max_frames)" in printed
    assert "validation: 1 rows kept; dropped: none" in printed
    stats = configs(tmp_path / "out")["long_qa"]
    assert stats["rows"] == {"train": 2, "validation": 1} and stats["render"] == render
    assert stats["dropped"]["train"] == {"more frames than max_frames": 2}
    assert "license: cc-by-4.0" in (tmp_path / "out/README.md").read_text("utf-8")
    rows = load(tmp_path / "out", tmp_path / "cache", "long_qa", "train")
    assert rows.features["images"] == column
    assert list(rows["id"]) == ["long_qa/a0", "long_qa/a2"]
    assert [len(row["images"]) for row in rows] == list(rows["num_frames"]) == [2, 2]


def papers(path: Path) -> Path:
    """Three articles of two questions each: one with a box, one of a script that no font has, one with neither."""
    contexts = ["The keeper\x92s clock. " + "All is well. " * 40, "\u0f40 " * 90, "x \u223c y. " * 40]
    records = [
        {"id": f"{number}-{n}", "context": context, "question": "Who?", "answer": "He."}
        for number, context in enumerate(contexts)
        for n in range(2)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.parametrize("render", ["eager", "lazy"])
def test_boxes_and_texts_that_cannot_be_drawn_are_counted(tmp_path, capsys, render):
    file = papers(tmp_path / "a.jsonl")
    with pytest.raises(InputError, match=r"row '1-0' of source 'long_qa': 90 of 180 characters .* max_missing"):
        build(tmp_path / "none", [str(file)], render=render)
    build(tmp_path / "out", [str(file)], render=render, on_error="skip")
    printed = capsys.readouterr().out
    assert "train: 4 rows kept; dropped: 2 (a text that cannot be drawn)" in printed
    assert "1 characters of 1 texts are boxes: 1 U+0092 a control character; rows not drawn: 2, the first:" in printed
    stats = configs(tmp_path / "out")["long_qa"]
    assert stats["dropped"]["train"] == {"a text that cannot be drawn": 2}
    assert stats["boxes"] == {"U+0092 a control character": 1}
    assert "since no font has them: 1 U+0092 a control character." in (tmp_path / "out/README.md").read_text("utf-8")
    rejects = [json.loads(line) for line in (tmp_path / "out/rejects.jsonl").read_text("utf-8").splitlines()]
    assert [reject["place"] for reject in rejects] == ["long_qa/1-0", "long_qa/1-1"]


def test_what_cannot_be_drawn_is_told_before_anything_is_drawn(tmp_path, monkeypatch):
    file = papers(tmp_path / "a.jsonl")  # the second text has it
    monkeypatch.setattr(TextRenderer, "render", lambda *_: pytest.fail("drew a page"))
    with pytest.raises(InputError, match="row '1-0' of source 'long_qa': 90 of 180 characters"):
        build(tmp_path / "out", [str(file)])
    assert not (tmp_path / "out").exists()


CORE = """
import importlib.util, sys
from pathlib import Path

find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in sys.argv[1].split() else find(name, *more)
from datasets import load_dataset
import t2vid_hf
from t2vid_hf.cli.build import build
from t2vid_hf.errors import InputError
from t2vid_hf.rendering.fonts import all_installed

assert not all_installed()
build(Path("out"), max_documents=3)
rows = load_dataset("t2vid", split="train", cache_dir="cache")
print(len(rows))
Path("maths.jsonl").write_text('{"context": "\u2a55\u2a55", "question": "?", "answer": "!"}')
try:
    build(Path("maths"), ["maths.jsonl"])
except InputError as error:
    print(error)
"""


def test_the_core_draws_its_own_sample(tmp_path):
    """And names the extra for what it cannot."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extra = re.findall(r"^([\w-]+) ", setup["options.extras_require"]["fonts"], re.MULTILINE)
    modules = " ".join(name.replace("-", "_") for name in extra)
    command = [sys.executable, "-c", CORE, modules]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *_, rows, _, error = done.stdout.splitlines()
    assert rows == "100" and "2 of 2 characters have no glyph" in error and "pip install 't2vid-hf[fonts]'" in error


def test_boxes_can_be_refused_and_allowed(tmp_path, capsys):
    file = papers(tmp_path / "a.jsonl")
    with pytest.raises(InputError, match=r"row '0-0' of source 'long_qa': character 10 of the text: U\+0092"):
        build(tmp_path / "out", [str(file)], missing="error", dry_run=True)
    build(tmp_path / "out", [str(file)], max_missing=1.0, dry_run=True)
    assert "91 characters of 2 texts are boxes: 90 U+0F40 TIBETAN LETTER KA, 1 U+0092" in capsys.readouterr().out


@pytest.mark.parametrize("render", ["eager", "lazy"])
def test_each_text_is_drawn_in_a_style_and_the_card_says_so(tmp_path, capsys, render):
    file = write(tmp_path / "a.jsonl", *range(40, 52))
    build(tmp_path / "out", [str(file)], render=render, styles="serif, dark,two_columns", style_seed=5)
    config = RenderConfig.preset("paper", styles=("serif", "dark", "two_columns"), style_seed=5)
    stats = configs(tmp_path / "out")["long_qa"]
    assert stats["render_fingerprint"] == config.fingerprint()
    assert json.loads(stats["render_config"])["styles"] == ["dark", "serif", "two_columns"]
    shares = Counter(config.style_of(qa.context) for qa in sources.read(file))
    assert stats["styles"] == shares and shares.total() == 12 and len(shares) == 3
    often = ", ".join(f"{count} {style}" for style, count in shares.most_common())
    assert f"texts in each style: {often}" in capsys.readouterr().out
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert re.search(
        r"Render styles, one drawn for each text, before any row was left out: (\d+ \w+(, )?){3} \(texts\)", card
    )
    plain = tmp_path / "plain"
    build(plain, [str(file)], render="lazy")
    assert "Render styles" not in (plain / "README.md").read_text("utf-8")


def test_a_dry_run_reports_and_writes_nothing(tmp_path, capsys):
    file = write(tmp_path / "a.jsonl", 40, 300)
    build(tmp_path / "out", [str(file)], max_frames=5, dry_run=True)
    assert "train: 1 rows kept; dropped: 1 (more frames than max_frames)" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_bad_rows_are_skipped_where_asked_and_counted(tmp_path, capsys):
    file = write(tmp_path / "a.jsonl", 40)
    file.write_text(file.read_text("utf-8") + '{"context": "x"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="a.jsonl:2"):
        build(tmp_path / "out", [str(file)])
    build(tmp_path / "out", [str(file)], on_error="skip")
    assert "1 questions read; dropped: 1 missing_field" in capsys.readouterr().out
    assert configs(tmp_path / "out")["long_qa"]["not_read"] == {"missing_field": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"render": "later"}, "known: eager, lazy"),
        ({"styles": "gothic"}, "unknown style 'gothic'; known: airy"),
        ({"style_seed": 1}, "style_seed=1 without styles"),
        ({"preset": "papre"}, "unknown render preset"),
        ({"source": "squalid"}, "unknown source"),
        ({"data_files": ["train=none.jsonl"]}, "none.jsonl"),
    ],
)
def test_options_that_cannot_be_taken(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        build(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_two_text_configs_in_a_folder_load_for_everyone(tmp_path):
    for name in ("other", "first"):
        build(tmp_path / "out", [str(write(tmp_path / f"{name}.jsonl", 40))], name=name)
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert card.count("default: true") == 1
    for name, held in ((None, "first"), ("first", "first"), ("other", "other")):
        rows = load_dataset(str(tmp_path / "out"), name, split="train", cache_dir=str(tmp_path / "cache"))
        assert list(rows["id"]) == [f"long_qa/{held}0"]


def test_an_id_in_two_files_of_a_split(tmp_path):
    (tmp_path / "other").mkdir()
    files = [str(write(folder / "a.jsonl", 40)) for folder in (tmp_path, tmp_path / "other")]
    with pytest.raises(InputError, match="also stands in an earlier file"):
        build(tmp_path / "out", files)
    build(tmp_path / "out", [files[0], f"test={files[1]}"])


def test_published_and_read_from_the_hub(tmp_path):
    file = write(tmp_path / "a.jsonl", 40, 80)
    command = [sys.executable, str(SCRIPT), "--output", str(tmp_path / "out"), "--render", "lazy"]
    read = (
        "import t2vid_hf, datasets\n"
        "print(len(t2vid_hf.with_pages(datasets.load_dataset('alice/pages', split='train'))[1]['images']))"
    )
    with HubServer() as hub:
        environment = {**os.environ, **hub.environment(tmp_path / "hf")}
        for arguments in ([*command, "--data_files", str(file), "--push", "alice/pages"], [sys.executable, "-c", read]):
            done = subprocess.run(arguments, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
        assert set(hub.files("alice/pages", repo_type="dataset")) >= {
            "README.md",
            "long_qa/train-00000-of-00001.parquet",
        }
    assert done.stdout.split()[-1] == "4"


@pytest.mark.parametrize("called", [[str(SCRIPT)], ["-m", "t2vid_hf", "build"]])
@pytest.mark.parametrize("option", ["--data_files", "--data-files"])
def test_an_error_is_one_line(tmp_path, called, option):
    command = [sys.executable, *called, "--output", str(tmp_path / "out"), option, "none.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith("error: none.jsonl") and done.stderr.count("\n") == 1
