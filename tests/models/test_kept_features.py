"""Features of a frozen tower, computed once for each distinct picture: the same to the bit, never stale, bounded."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from t2vid_hf.batches.pixels import model_pixels, normalisation_table
from t2vid_hf.errors import InputError
from t2vid_hf.models.feature_store import FolderStore, MemoryStore, open_store
from t2vid_hf.models.kept_features import kept_features
from tests.models.families import Family, family

__all__ = ["family"]  # a fixture
ROOT = Path(__file__).parents[2]


def pictures(family: Family, sizes: list[tuple[int, int]] | None = None) -> list[torch.Tensor]:
    """Seven of the size of a page, or some of other sizes; no two alike."""
    px = family.adapter.page_px(family.processor())
    random = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8, generator=random)
        for height, width in sizes or [(px, px)] * 7
    ]


def seen(family: Family, model, shown: list[torch.Tensor], *, video: bool = False) -> list[torch.Tensor]:
    """What a model's language model is given for pictures, or for the frames of a video: one tensor each."""
    table = normalisation_table(family.processor()).to(model.dtype)
    batch = {"video_pixels": [torch.cat(shown)]} if video else {"pixels": shown}
    inputs = model_pixels(family.adapter, batch, table)
    with torch.no_grad(), family.adapter.while_running(model):
        look = model.model.get_video_features if "pixel_values_videos" in inputs else model.model.get_image_features
        made = look(**inputs)
    tokens = made.pooler_output
    tokens = tokens if torch.is_tensor(tokens) else torch.cat(list(tokens))
    levels = [torch.cat(list(level)) for level in getattr(made, "deepstack_features", None) or []]
    return [tokens, *levels]


def equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("where", ["memory", "folder"])
def test_every_family_sees_the_same_to_the_bit(family, tmp_path, where, dtype):
    model, shown = family.model(dtype=dtype), pictures(family)
    orders = [[2, 0], [5, 2, 1, 0, 0], [0, 1, 2, 3, 4, 5, 6], [6, 3]]
    expected = [seen(family, model, [shown[number] for number in order]) for order in orders]
    with kept_features(model, where if where == "memory" else tmp_path) as kept:
        for order, without in zip(orders, expected, strict=True):
            assert equal(seen(family, model, [shown[number] for number in order]), without)
    assert (kept.pictures, kept.hits) == (16, 9)
    if where == "folder":  # another process, or a later run
        with kept_features(model, tmp_path) as kept:
            assert equal(seen(family, model, shown), expected[2])
        assert (kept.pictures, kept.hits) == (7, 7)


def test_pictures_of_several_sizes(family):
    if not family.adapter.keeps_proportions or family.name == "llava_onevision":
        pytest.skip("the family shows every picture at one size")
    px = family.adapter.page_px(family.processor())
    model = family.model(dtype="float32")
    unit = 28 if family.name != "qwen3_vl" else 32
    shown = pictures(family, [(px, px), (unit, 3 * unit), (2 * unit, unit), (unit, 3 * unit)])
    orders = [[0, 1], [1, 2, 3, 0], [2]]
    expected = [seen(family, model, [shown[number] for number in order]) for order in orders]
    with kept_features(model) as kept:
        for order, without in zip(orders, expected, strict=True):
            found = seen(family, model, [shown[number] for number in order])
            if family.name != "minicpmv":
                assert equal(found, without)
            # A line is filled up to the longest of its batch there, which moves the last bits; kept, it is alone.
            torch.testing.assert_close(found[0], without[0], rtol=1e-4, atol=1e-5)
    assert (kept.pictures, kept.hits) == (7, 3)


def test_frames_of_native_video_are_kept_one_by_one(family):
    if not family.adapter.takes_video:
        pytest.skip("the family takes no video")
    model, shown = family.model(dtype="float32"), pictures(family)
    orders = [[0, 1, 2, 3], [2, 3, 0, 1], [0, 1, 2, 3, 4, 5]]
    expected = [seen(family, model, [shown[number] for number in order], video=True) for order in orders]
    with kept_features(model) as kept:
        for order, without in zip(orders, expected, strict=True):
            assert equal(seen(family, model, [shown[number] for number in order], video=True), without)
    group = family.adapter.frames_a_group
    assert kept.pictures - kept.hits == 6 // group


def test_the_connector_has_gradients_and_the_model_is_as_it_came(family):
    model, shown = family.model(dtype="float32"), pictures(family)
    table = normalisation_table(family.processor())
    weights = dict(model.named_parameters())
    for name, weight in weights.items():
        weight.requires_grad_(any(name.startswith(path) for path in family.adapter.parts.connector))

    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        made = model.model.get_image_features(**model_pixels(family.adapter, {"pixels": shown}, table))
        tokens = made.pooler_output
        (tokens if torch.is_tensor(tokens) else torch.cat(list(tokens))).square().sum().backward()
        return [weight.grad.clone() for weight in weights.values() if weight.grad is not None]

    without = gradients()
    before = {name: set(vars(module)) for name, module in model.named_modules()}
    with kept_features(model):
        assert equal(gradients(), without) and equal(gradients(), without)
    assert without and {name: set(vars(module)) for name, module in model.named_modules()} == before


def test_a_weight_that_changes_is_noticed_at_the_next_call(family):
    model, shown = family.model(dtype="float32"), pictures(family)
    with kept_features(model) as kept:
        old = seen(family, model, shown)
        weight = next(w for n, w in model.named_parameters() if n.startswith(family.adapter.parts.vision[0]))
        with torch.no_grad():
            weight.mul_(1.5)
        new = seen(family, model, shown)
    assert kept.hits == 0 and not equal(old, new)
    assert equal(new, seen(family, model, shown))


def test_a_folder_serves_no_other_weights_and_a_store_serves_several_models(tiny_checkpoint, tmp_path):
    one, other = (Family("idefics3", tiny_checkpoint).model(dtype="float32") for _ in range(2))
    tiny = Family("idefics3", tiny_checkpoint)
    with torch.no_grad():
        next(other.model.vision_model.parameters()).add_(1)
    shown, store = pictures(tiny), open_store(tmp_path, 1)
    expected = {id(model): seen(tiny, model, shown) for model in (one, other)}
    for model, hits in ((one, 0), (other, 0), (one, 7), (other, 7)):
        with kept_features(model, store) as kept:
            assert equal(seen(tiny, model, shown), expected[id(model)])
        assert kept.hits == hits


def test_what_was_computed_for_inference_alone_trains_later(tiny_checkpoint):
    tiny = Family("idefics3", tiny_checkpoint)
    model, shown, store = tiny.model(dtype="float32"), pictures(tiny), MemoryStore(1)
    inputs = model_pixels(tiny.adapter, {"pixels": shown}, normalisation_table(tiny.processor()))
    with kept_features(model, store), torch.inference_mode():
        model.model.get_image_features(**inputs)
    for weight in model.model.vision_model.parameters():
        weight.requires_grad_(False)
    with kept_features(model, store) as kept:
        torch.cat(list(model.model.get_image_features(**inputs).pooler_output)).sum().backward()
    assert kept.hits == 7 and model.model.connector.modality_projection.proj.weight.grad is not None


# --- Contradictions ---------------------------------------------------------------------------------------------------


def test_a_tower_that_trains_is_refused(tiny_checkpoint):
    tiny = Family("idefics3", tiny_checkpoint)
    model = tiny.model(dtype="float32")
    inputs = model_pixels(tiny.adapter, {"pixels": pictures(tiny)}, normalisation_table(tiny.processor()))
    with kept_features(model), pytest.raises(InputError, match="tune_vision.*vision_feature_cache"):
        model.model.get_image_features(**inputs)


def test_dropout_is_refused(family):
    model = family.model(dtype="float32")
    model.get_submodule(family.adapter.parts.vision[0])
    family.adapter.tower(model).module.config.attention_dropout = 0.1
    with pytest.raises(InputError, match=r"attention_dropout=0.1.*vision_feature_cache"), kept_features(model):
        pass


@pytest.mark.parametrize("gb", [0, -1, float("nan")])
def test_a_bound_that_holds_nothing_is_refused(tmp_path, gb):
    for where in ("memory", tmp_path):
        with pytest.raises(InputError, match="vision_feature_cache_gb"):
            open_store(where, gb)


def test_a_bound_below_one_picture_and_a_folder_that_is_a_file_are_told(tmp_path):
    for store in (MemoryStore(1e-9), FolderStore(tmp_path / "kept", 1e-9)):
        with pytest.raises(InputError, match="does not hold the features of one picture"):
            store.put("w/aa", torch.zeros(9))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="vision_feature_cache"):
        open_store(tmp_path / "file", 1)


# --- Bounds, kills, and others at the same time -----------------------------------------------------------------------


def bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))


def test_memory_lets_go_of_what_was_not_asked_for_longest():
    store = MemoryStore(gb=4e-6)  # ten of 100 float32 numbers
    for number in range(10):
        store.put(f"w/{number}", torch.full((100,), float(number)))
    assert store.get("w/0") is not None
    store.put("w/10", torch.zeros(100))
    assert store.get("w/1") is None and store.get("w/0") is not None and store.bytes == 4000
    store.put("w/10", torch.ones(100))
    assert store.bytes == 4000 and store.get("w/2") is not None


def test_a_folder_stays_below_its_bound_and_keeps_what_was_read_last(tmp_path):
    store = FolderStore(tmp_path, gb=20e-6)
    for number in range(10):
        store.put(f"w/{number:02}", torch.full((400,), float(number)))
        os.utime(tmp_path / f"w/{number:02}/{number:02}.safetensors", (number, number))
    fresh = FolderStore(tmp_path, gb=20e-6)
    assert fresh.get("w/00") is not None  # read now, so that it is the newest
    fresh.put("w/20", torch.zeros(400))
    fresh.put("w/21", torch.zeros(400))
    assert bytes_in(tmp_path) <= 20_000
    last = FolderStore(tmp_path, gb=20e-6)
    assert last.get("w/00") is not None and last.get("w/01") is None


def test_the_order_of_memory_is_kept(tmp_path):
    lies = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)
    FolderStore(tmp_path, 1).put("w/aa", lies)
    found = FolderStore(tmp_path, 1).get("w/aa")
    assert torch.equal(found, lies) and found.stride() == lies.stride()


def test_what_a_machine_that_lost_power_left_is_computed_again(tmp_path):
    FolderStore(tmp_path, 1).put("w/aa", torch.ones(3))
    (file,) = tmp_path.rglob("*.safetensors")
    for content in (b"", b"\x08\0\0\0\0\0\0\0{"):
        file.write_bytes(content)
        store = FolderStore(tmp_path, 1)
        assert store.get("w/aa") is None
        store.put("w/aa", torch.ones(3))
        assert FolderStore(tmp_path, 1).get("w/aa").tolist() == [1, 1, 1]


def test_what_a_killed_process_left_goes_when_it_is_old(tmp_path):
    (tmp_path / "w/aa").mkdir(parents=True)
    old, new = (tmp_path / f"w/aa/{name}.part" for name in ("old", "new"))
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    FolderStore(tmp_path, 1)
    assert not old.exists() and new.exists()


WRITER = """
import sys, torch
from t2vid_hf.models.feature_store import FolderStore
store = FolderStore(sys.argv[1], float(sys.argv[2]))
print("begun", flush=True)
for turn in range(10**6 if sys.argv[3] == "forever" else int(sys.argv[3])):
    for number in range(40):
        key = f"w/{number:02}"
        found = store.get(key)
        assert found is None or (found == number).all() and found.shape == (5000,), key
        store.put(key, torch.full((5000,), float(number)))
print("done", flush=True)
"""


def writer(folder: Path, gb: float, turns: str) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(folder), str(gb), turns]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def whole(folder: Path) -> list[int]:
    """The pictures in a folder, each of which is whole."""
    found = []
    for file in sorted(folder.rglob("*.safetensors")):
        feature = FolderStore(folder, 1).get(f"w/{file.stem}")
        assert feature is not None and feature.tolist() == [float(file.stem)] * 5000
        found.append(int(file.stem))
    return found


def test_a_killed_writer_leaves_whole_files_alone(tmp_path):
    for wait in (0.0, 0.013, 0.05):
        process = writer(tmp_path, 1, "forever")
        assert process.stdout.readline() == "begun\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        whole(tmp_path)
    assert whole(tmp_path)


def test_two_processes_write_and_clear_one_folder_at_the_same_time(tmp_path):
    both = [writer(tmp_path, 400e-6, "6") for _ in range(2)]  # room for half of the pictures: each clears, too
    for process in both:
        told, errors = process.communicate()
        assert process.returncode == 0 and told.endswith("done\n"), errors
    assert whole(tmp_path) and not [file for file in tmp_path.rglob("*") if re.search(r"\.part$", file.name)]
    store = FolderStore(tmp_path, 400e-6)
    store.put("w/00", torch.zeros(5000))
    assert bytes_in(tmp_path) <= 420_000
