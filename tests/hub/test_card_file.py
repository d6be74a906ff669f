"""What a person wrote into README.md is theirs: it is moved aside, and told, never written over."""

from huggingface_hub import DatasetCard

from t2vid_hf.hub.card_file import write_card

CARD = "---\nlicense: mit\n---\n# A set\n"


def test_a_card_is_written_again_where_it_is_as_it_was_written(tmp_path, capsys):
    write_card(tmp_path, CARD, DatasetCard)
    write_card(tmp_path, CARD + "More.\n", DatasetCard)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"] and not capsys.readouterr().out
    text = (tmp_path / "README.md").read_text()
    assert text.startswith(CARD + "More.\n<!-- t2vid_hf wrote") and text.count("<!--") == 1
    assert DatasetCard.load(tmp_path / "README.md").data.license == "mit"


def test_words_of_a_person_are_kept(tmp_path, capsys):
    kept = []
    for words in (b"My own words.\n", b"More of them.\n", b"\xff not UTF-8, and without a card above"):
        write_card(tmp_path, CARD, DatasetCard)
        path = tmp_path / "README.md"
        path.write_bytes(path.read_bytes() + words if b"UTF" not in words else words)
        kept.append(path.read_bytes())
        write_card(tmp_path, CARD, DatasetCard)
        assert capsys.readouterr().out.count("README.by_hand") == 1
        assert path.read_bytes().startswith(CARD.encode() + b"<!--")
    assert sorted(path.read_bytes() for path in tmp_path.glob("README.by_hand*.md")) == sorted(kept)
