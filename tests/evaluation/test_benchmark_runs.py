"""`t2vid evaluate` of every benchmark on a tiny model, and `t2vid score` of what it has written."""

import json
import re

import pytest

from t2vid_hf.cli.evaluate import evaluate
from t2vid_hf.cli.score import score
from t2vid_hf.errors import InputError, Unfinished
from t2vid_hf.metrics.comparison import compare_files
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from tests.evaluation.benchmark_layouts import LAYOUTS, next_qa, tempcompass, video_mme


def run(benchmark, layout, output, *checkpoints, task=None, **options):
    """The command with the defaults of its options, which are made for a command line."""
    given = {"num_frames": 2, "max_new_tokens": 3, "batch_size": 4, **options}
    evaluate(
        models=[f"m{number}={path}" for number, path in enumerate(checkpoints)],
        benchmark=benchmark,
        questions=layout.questions,
        videos=str(layout.videos),
        output=output,
        task=task,
        **{"dataset": None, "revision": None, "subtitles": None, "max_missing": 0, "fps": None, "max_frames": None,
           "video": None, "max_batch_tokens": 32_768, "resume": False, **given},
    )  # fmt: skip
    return json.loads((output / "results.json").read_text())


@pytest.mark.parametrize("name", [name for name in LAYOUTS if "captioning" not in name])
def test_what_a_model_answered_is_scored_in_every_mode(name, tiny_checkpoint, tmp_path, capsys):
    benchmark, task, build = LAYOUTS[name]
    layout = build(tmp_path / "set")
    results = run(benchmark, layout, tmp_path / "out", tiny_checkpoint, task=task)
    assert (results["benchmark"], results["questions"]) == (benchmark, layout.n)
    answers = str(tmp_path / "out/answers.jsonl")
    modes = ("official", "t2vid_hf") if task in ("yes_no", "caption_matching") else ("official", "t2vid", "t2vid_hf")
    for mode in modes:
        for questions in (None, layout.questions):
            scored = score_file(benchmark, answers, mode=mode, task=task, questions=questions)
            found = summary(scored)
            assert (found["form"], found["n"] + len(found["dropped"])) == ("answers", layout.n)
        quoted = results["models"][0]["headlines"][mode]
        assert {name: found[name] for name in quoted} == quoted
    assert set(results["models"][0]["headlines"]) == set(modes)
    has_figures = benchmark in ("videomme", "mvbench", "mlvu", "longvideobench") or task == "multi-choice"
    assert ("github.com/" in (tmp_path / "out/results.md").read_text()) == has_figures
    with_mode = {line["id"]: line["correct"] for line in item_lines(scored)}
    assert with_mode == {line["id"]: line["correct"] for line in map(json.loads, open(answers))}
    assert "mode official: " in capsys.readouterr().out


def test_captions_are_written_for_the_authors_judge(tiny_checkpoint, tmp_path, capsys):
    layout = tempcompass("captioning")(tmp_path / "set")
    path = tmp_path / "out/predictions/m0/captioning.json"
    with pytest.raises(FileNotFoundError):
        run("tempcompass", layout, tmp_path / "out", tiny_checkpoint, task="captioning")
    written = json.loads(path.read_text())
    assert {
        video: {aspect: len(listed) for aspect, listed in aspects.items()} for video, aspects in written.items()
    } == {name: {"direction": 2, "speed": 1} for name in ("1034", "1035")}
    assert set(written["1034"]["speed"][0]) == {"question", "answer", "prediction"}
    assert "for the judge of the benchmark's authors" in capsys.readouterr().out


def test_what_is_missing_is_told_at_the_end(tiny_checkpoint, tmp_path, capsys):
    layout = video_mme(tmp_path / "set")
    (layout.videos / "data/aB-1.mp4").write_bytes(b"no video")
    with pytest.raises(Unfinished, match="2 questions could not be asked, and --max_missing is 0: see .*results.json"):
        run("videomme", layout, tmp_path / "out", tiny_checkpoint)
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert [each["id"] for each in results["models"][0]["missing"]] == ["001-0", "001-1"] and results["questions"] == 2
    assert "over 2 of 4 questions: 2 could not be asked: 001-0 (aB-1: " in capsys.readouterr().out
    run("videomme", layout, tmp_path / "again", tiny_checkpoint, max_missing=2)
    (layout.videos / "data/cD_2.mp4").unlink()
    with pytest.raises(InputError, match="over 0 of 4 questions: 4 could not be asked.*is --videos the right folder"):
        run("videomme", layout, tmp_path / "none", tiny_checkpoint, max_missing=4)


def test_what_is_recorded_and_compared(tiny_checkpoint, tmp_path):
    layout = video_mme(tmp_path / "set")
    results = run("videomme", layout, tmp_path / "a", tiny_checkpoint, tiny_checkpoint)
    settings = results["models"][0]["settings"]
    assert list(settings) == [
        "dtype", "attention", "frames", "first_question", "media_fed", "prompts", "chat_template", "extractor",
    ]  # fmt: skip
    assert settings["dtype"] == "float32" and settings["frames"]["num_frames"] == 2 and settings["attention"]
    assert settings["first_question"]["pixels"][0][0] == 2  # frames
    fed = [json.loads(line) for line in (tmp_path / "a/fed.jsonl").read_text().splitlines()]
    assert (fed[0]["id"], fed[0]["seconds"], fed[0]["height"], len(fed)) == ("001-0", [0.5, 1.375], 96, 8)
    run("videomme", layout, tmp_path / "b", tiny_checkpoint, subtitles=True, num_frames=3)
    a, b = (str(tmp_path / name / "answers.jsonl") for name in "ab")
    assert compare_files(a, a, models="m0,m1")[1] == {}
    _, differing = compare_files(a, b, models="m0,m0")
    assert {"settings.frames.num_frames", "settings.prompts", "settings.media_fed", "subtitles"} <= set(differing)
    assert not {"settings.dtype", "settings.chat_template", "weights"} & set(differing)


def test_the_page_shows_the_frames_that_were_fed(tiny_checkpoint, tmp_path, capsys):
    layout, out = video_mme(tmp_path / "set"), tmp_path / "out"
    run("videomme", layout, out, tiny_checkpoint, tiny_checkpoint, num_frames=3)
    assert "answers.html: the answers with their frames" in capsys.readouterr().out
    fed = {line["id"]: line["seconds"] for line in map(json.loads, (out / "fed.jsonl").open())}
    kept = [json.loads(line) for line in (out / "frames.jsonl").open()]
    assert [line["questions"] for line in kept] == [
        {name: [f"00{n}-{2 * n - 2}", f"00{n}-{2 * n - 1}"] for name in ("m0", "m1")} for n in (1, 2)
    ]  # a sheet a video
    assert all(line["seconds"] == fed[line["questions"]["m0"][0]] for line in kept)
    page = (out / "answers.html").read_text()
    assert all(line["picture"] in page for line in kept) and str(tmp_path) not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    assert data["runs"] == ["m0", "m1"] and {item["id"] for item in data["items"]} == set(fed)
    assert data["items"][0]["frames"] == [{"sheet": 0, "of": [], "seconds": [0.25, 0.88, 1.5], "fed": 3}]
    again = tmp_path / "again.html"
    score("videomme", str(out / "answers.jsonl"), mode="official", model="m1", page=again)
    assert "Frames of 2 videos" in again.read_text() and kept[1]["picture"] in again.read_text()


def test_replies_that_are_none_raise_an_alarm(tiny_checkpoint, tmp_path, monkeypatch, capsys):
    from t2vid_hf.cli import evaluate as command

    layout = next_qa(tmp_path / "set")
    asked = command.ask_on

    def broken(*given, **options):
        from dataclasses import replace

        return [replace(answer, reply="!" * 30) for answer in asked(*given, **options)]

    monkeypatch.setattr(command, "ask_on", broken)
    results = run("nextqa", layout, tmp_path / "out", tiny_checkpoint)
    assert [(alarm["kind"], alarm["share"]) for alarm in results["models"][0]["alarms"]] == [("repeating", 1.0)]
    assert "m0: 100% of the replies repeat one thing ('!!!" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "give --questions, the file of its authors, and --videos; for clips --dataset"),
        ({"dataset": "x", "videos": "y"}, "go with --questions, not with --dataset"),
        ({"questions": "x"}, "give the folder of the videos with --videos"),
        ({"questions": "x", "videos": "y", "dataset": "z"}, "and no --dataset"),
    ],
)
def test_options_that_do_not_go_together(options, told, tmp_path):
    from t2vid_hf.cli.question_source import question_source

    given = {"questions": None, "videos": None, "task": None, "subtitles": None, "revision": None, **options}
    with pytest.raises(InputError, match=told):
        question_source("nextqa", given.pop("dataset", None), **given)
