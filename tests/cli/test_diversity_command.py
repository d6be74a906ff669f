"""`t2vid diversity` from files to table, figure, map and picked rows."""

import json

import pytest

from t2vid_hf import sources
from t2vid_hf.cli.diversity import diversity
from t2vid_hf.errors import InputError

pytest.importorskip("sentence_transformers")


@pytest.fixture
def questions(tmp_path):
    """Questions that repeat, and some in Chinese, of which one row has none."""
    path = tmp_path / "video.jsonl"
    asked = ["What is the man doing?"] * 8 + [f"Where does dog number {number} go?" for number in range(8)]
    rows = [
        {"messages": [{"role": "user", "content": f"<video>\n{text}"}], "id": f"v/{n}"} for n, text in enumerate(asked)
    ]
    rows.append({"messages": [{"role": "user", "content": "<video>"}], "id": "v/none"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_everything_is_told_and_written(questions, minilm, tmp_path, capsys):
    output = tmp_path / "out"
    given = [f"text={sources.SAMPLE}", f"video={questions}"]
    diversity(given, model=minilm, against=("video", "text"), output=output, draws=4, as_json=True)
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert result == json.loads((output / "diversity.json").read_text("utf-8"))
    assert {path.name for path in output.iterdir()} == {"diversity.json", "tsne.png", "tsne.pdf", "map.html"}
    video = result["sets"]["video"]
    assert video["instructions"] == 16 and video["left_out"] == {"no text": 1} and result["sample"] == 8
    assert video["redundancy"]["largest"][0] == {"text": "What is the man doing?", "count": 8, "wordings": 1}
    assert result["against"]["difference"]["vendi"]["low"] > 0
    assert "8 times: What is the man doing?" in err and "1 left out (no text)" in err
    assert "in place of more" in " ".join(err.split())


def test_more_rows_than_there_are_cannot_be_picked(questions, minilm, tmp_path):
    with pytest.raises(InputError, match="--pick 17: 'video' has 16 rows; give 2 to that many"):
        diversity([f"video={questions}"], model=minilm, pick=17, output=tmp_path)


def test_rows_are_picked(questions, minilm, tmp_path, capsys):
    diversity([f"video={questions}"], model=minilm, pick=6, output=tmp_path / "out", draws=2, points=5)
    picked = (tmp_path / "out/picked.txt").read_text("utf-8").split()
    assert len(set(picked)) == 6 and sum(int(name.removeprefix("v/")) < 8 for name in picked) == 1
    assert "6 rows that cover the set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"against": ("video", "txet")}, "unknown set in --against 'txet'"),
        ({"draws": 1}, "--draws 1: an interval needs 2"),
        ({"threshold": 1.5}, "--threshold 1.5"),
        ({"sample": 99}, "--sample 99: give 2 to 8"),
        ({"pick": 3}, "give one set and a folder"),
        ({"against": ("video", "video")}, "give two sets"),
    ],
)
def test_options_that_cannot_be_taken_are_told_before_the_work(questions, minilm, options, problem, monkeypatch):
    monkeypatch.setattr("t2vid_hf.diversity.embedding.Embedder.__init__", lambda *_: pytest.fail("it worked first"))
    with pytest.raises(InputError, match=problem):
        diversity([f"text={sources.SAMPLE}", f"video={questions}"], model=minilm, **options)
