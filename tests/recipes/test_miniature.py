"""The experiment in miniature: its base is the one that was made, reads what it must, and its files agree."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from t2vid_hf._typed import names_of_fields
from t2vid_hf.clips.sequence_language import KINDS, MIRRORED, SHAPES, WORDS, vocabulary
from t2vid_hf.clips.sequence_pictures import draw_shape, draw_words
from t2vid_hf.clips.sequence_questions import ask, tell
from t2vid_hf.clips.sequence_quiz import ASKED
from t2vid_hf.clips.sequence_rows import POOLS, TAUGHT, as_row, as_text
from t2vid_hf.clips.sequence_world import SIZES
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.models import tiny
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.models.weights_hash import weights_hash
from t2vid_hf.schema import conversation, media_block
from t2vid_hf.training import T2VidSFTConfig
from t2vid_hf.training.arguments import RecipeArguments, parse
from t2vid_hf.training.recipe_file import read_yaml

RECIPES = Path(__file__).resolve().parents[2] / "recipes/miniature"
BASE = RECIPES / "base"
HASH = "a2f560152bae5930211e9c0f1fa3c2554ec2173e94089904b2a9c5b6c94e9281"


@pytest.fixture(scope="module")
def base() -> tuple[Any, Any]:
    model, processor, _ = load_checkpoint(str(BASE), dtype="float32")
    return model, processor


def replies(base: tuple[Any, Any], rows: list[dict[str, Any]]) -> list[str]:
    asked = [
        {"id": str(number), "source": "s", **row, "messages": row["messages"][:1]} for number, row in enumerate(rows)
    ]
    return answer(*base, asked, num_frames=1, max_new_tokens=12, batch_size=64)


def test_the_base_is_the_one_that_was_made_and_small():
    assert weights_hash(BASE) == HASH
    assert sum(file.stat().st_size for file in BASE.iterdir()) < 2.5e6
    stored, _, _ = load_checkpoint(str(BASE), dtype="auto")
    assert {weight.dtype for weight in stored.parameters()} == {torch.float16}


def test_the_base_is_of_the_size_that_its_recipe_begins_with(base, tmp_path):
    tiny.build(tmp_path, vocabulary(), size=tiny.MINIATURE)
    untrained, processor, _ = load_checkpoint(str(tmp_path), dtype="float32")
    trained = {name: weight.shape for name, weight in base[0].named_parameters()}
    assert trained == {name: weight.shape for name, weight in untrained.named_parameters()}
    assert processor.tokenizer.get_vocab() == base[1].tokenizer.get_vocab()
    assert processor.image_processor.image_mean == base[1].image_processor.image_mean


def test_the_base_reads_a_picture(base):
    """Pictures of a seed that is nobody's: guessing is right once in 36 times."""
    rng = random.Random("of nobody")
    pictures = [*zip(WORDS, draw_words(rng), strict=True), *((shape, draw_shape(rng, shape)) for shape in SHAPES)]
    rows = [
        {"media": "image_sequence", "messages": conversation([media_block("image")], "what is this ?", item),
         "images": [picture], "videos": [], "num_frames": 1}
        for item, picture in pictures
    ]  # fmt: skip
    right = sum(said == item for said, (item, _) in zip(replies(base, rows), pictures, strict=True))
    assert right >= 0.8 * len(pictures)


def test_the_base_answers_each_kind_on_text(base):
    rng = random.Random("of nobody")
    for kind in TAUGHT:
        rows = []
        for _ in range(20):
            items = tell(rng, "shape", 5, use="test")
            rows.append(as_row(ask(rng, kind, items, KINDS[kind].test, domain="shape"), items, as_text(items), []))
        right = sum(
            said == row["messages"][1]["content"][0]["text"]
            for said, row in zip(replies(base, rows), rows, strict=True)
        )
        assert right >= 16, kind


def test_the_shared_recipe_is_read_whole_and_trains_no_vision():
    given = read_yaml(RECIPES / "sft.yaml", names_of_fields((RecipeArguments, T2VidSFTConfig)))
    options = ["--model_name_or_path", str(BASE), "--output_dir", "out", "--dataset_name", "out/miniature/world"]
    recipe, config = parse(["--config", str(RECIPES / "sft.yaml"), *options])
    assert recipe.dtype == "float32" and not config.tune_vision
    assert config.per_device_train_batch_size == 32 == 38_400 / 1_200
    assert (config.learning_rate, config.num_train_epochs, config.dataloader_num_workers) == (5e-4, 1, 0)
    assert given["vision_feature_cache"] == config.vision_feature_cache


def test_the_base_s_recipe_has_as_many_rows_as_its_pool():
    recipe, config = parse(["--config", str(RECIPES / "base.yaml")])
    assert [part.count for part in recipe.parts()] == [SIZES["base"]]
    assert config.max_steps == 4_500 and config.per_device_train_batch_size == 48


def test_the_experiment_says_what_the_world_has():
    given = yaml.safe_load((RECIPES / "experiment.yaml").read_text())
    assert given["seeds"] == [10, 11, 12, 13]
    assert {pool["name"] for pool in given["pools"].values()} == set(POOLS) - {"base"}
    pairs = list(zip(given["rotate"]["S"], given["rotate"]["H"], strict=True))
    for taught, kept in pairs:  # one of each mirrored pair, and the other
        assert sorted(taught + kept) == sorted(kind for pair in MIRRORED for kind in pair)
        assert all(len(set(pair) & set(taught)) == 1 for pair in MIRRORED)
    for kind in set(ASKED) - {"first"}:
        assert sum(kind in taught for taught, _ in pairs) == len(pairs) / 2
    for arm in given["arms"].values():
        for pool, rows in arm.items():
            if pool in given["pools"]:
                kinds = 2 / len(TAUGHT) if "where" in given["pools"][pool] else 1
                assert rows <= SIZES[given["pools"][pool]["name"]] * kinds
    arms = {name: sum(count for count in arm.values() if isinstance(count, int)) for name, arm in given["arms"].items()}
    assert arms["video_full"] == 38_400 and set(arms.values()) == {0, 38_400, 5_760}
    assert arms["video_small"] == 0.15 * arms["video_full"]
    rates = {name: arm["learning_rate"] for name, arm in given["arms"].items() if name != "zero_shot"}
    assert set(rates.values()) <= {2e-4, 5e-4, 1e-3}
