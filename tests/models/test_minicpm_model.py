"""MiniCPM-Llama3-V-2.5 as a transformers model: files, strictness, packing, batches, training, generation."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AttentionInterface, AttentionMaskInterface, AutoConfig, AutoModelForImageTextToText
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from t2vid_hf.errors import InputError
from t2vid_hf.models import register
from t2vid_hf.models.minicpm_llama3_v25.configuration import MiniCPMVConfig
from t2vid_hf.models.minicpm_llama3_v25.vision import patch_lines
from tests.models.minicpm_checkpoint import IDS, PUBLISHED_CONFIG, REFERENCE_TEXT, published_shapes, write_model

register()

QUERIES, UNK, START, END = 8, 3, 4, 5
IMAGE = [START, *[UNK] * QUERIES, END]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("minicpm")
    write_model(folder)
    return folder


def load(folder: Path, **options):
    return AutoModelForImageTextToText.from_pretrained(folder, trust_remote_code=False, **options).eval()


@pytest.fixture(scope="module")
def model(folder):
    return load(folder)


def words(seed: int, length: int) -> list[int]:
    return torch.randint(11, 96, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def pixels(seed: int, images: int, rows: int = 4, columns: int = 4) -> torch.Tensor:
    return torch.rand(images, 3, 14 * rows, 14 * columns, generator=torch.Generator().manual_seed(seed)) * 2 - 1


ROWS = [words(0, 5) + IMAGE + words(1, 4), words(2, 7), words(3, 2) + IMAGE + IMAGE + words(4, 6) + [UNK] + words(5, 2)]
IMAGES = [1, 0, 2]
PIXELS = pixels(0, sum(IMAGES))


def alone(number: int) -> dict[str, torch.Tensor]:
    """A row by itself, with its images if it has any."""
    inputs = {"input_ids": torch.tensor([ROWS[number]])}
    if IMAGES[number]:
        inputs["pixel_values"] = PIXELS.split(IMAGES)[number]
    return inputs


def test_files_are_as_published_and_come_back_the_same(folder, model, tmp_path):
    model.save_pretrained(tmp_path)
    before, after = load_file(folder / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert before.keys() == after.keys() == published_shapes(REFERENCE_TEXT, vision(folder), QUERIES).keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    written = json.loads((tmp_path / "config.json").read_text())
    # `auto_map` names files of the published repository, which a checkpoint that is saved here does not have
    left = ("_", "torch", "transformers", "auto_map")
    kept = {key: value for key, value in PUBLISHED_CONFIG.items() if not key.startswith(left)}
    assert {key: written[key] for key in kept} == kept and "auto_map" not in written
    assert written["rope_theta"] == 500000.0 and written["vision_config"]["model_type"] == "idefics2"
    for name, parameter in load(tmp_path).named_parameters():
        assert torch.equal(parameter, model.get_parameter(name)), name


def vision(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())["vision_config"]


def test_the_whole_model_has_the_published_number_of_parameters():
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(MiniCPMVConfig())
    assert model.num_parameters() == 34148369344 // 4  # `total_size` of the published index, in float32


def test_weights_of_a_new_model_are_drawn(folder):
    config = AutoConfig.from_pretrained(folder)
    torch.manual_seed(0)
    drawn = dict(AutoModelForImageTextToText.from_config(config).named_parameters())
    for name, parameter in drawn.items():
        assert bool(parameter.isfinite().all()) and (parameter.ndim == 1 or float(parameter.std()) > 0), name
    assert abs(float(drawn["model.resampler.attn.in_proj_weight"].std()) - 0.02) < 1e-3
    assert abs(float(drawn["model.resampler.proj"].std()) - 256**-0.5) < 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("vpm.post_layernorm.bias"), "1 missing: model.vpm.post_layernorm.bias"),
        (lambda state: state.pop("llm.lm_head.weight"), "1 missing: lm_head.weight"),
        (lambda state: state.update({"resampler.pos": torch.ones(2)}), "1 left over: .*resampler.pos"),
        (lambda state: state.update({"llm.model.layers.7.x": torch.ones(2)}), "1 left over: .*layers.7.x"),
    ],
)
def test_a_checkpoint_has_every_key_and_no_other(folder, tmp_path, change, message):
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(InputError, match=message):
        load(tmp_path)


def test_a_weight_of_another_shape_is_an_error(folder, tmp_path):
    state = load_file(folder / "model.safetensors")
    state["resampler.query"] = torch.ones(QUERIES + 1, 256)
    save_file(state, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(InputError, match="1 of another shape: .*resampler.query.*9, 256.*8, 256"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "2.6"}, "version 2.6"),
        ({"version": 4.0, "vision_config": {"model_type": "siglip_vision_model"}}, "version 4.0"),
        # MiniCPM-V 2.0, as in github.com/HwwwwwwwH/MiniCPM-V-2
        ({"version": None, "vision_config": None, "vision_encoder": "vit_so400m", "scale_emb": 12}, "1.0 or 2.0"),
        ({"version": None, "vision_config": None}, "neither 'version' nor 'vision_config'"),
        ({"version": None, "vision_config": {"model_type": "siglip_vision_model"}}, "type 'siglip_vision_model'"),
        ({"drop_vision_last_layer": True}, "without its last layer"),
        ({"hidden_size": 192}, "multiple of 4 and of resampler_head_dim"),
    ],
)
def test_other_versions_are_refused_by_name(tmp_path, changes, message):
    config = {**PUBLISHED_CONFIG, **REFERENCE_TEXT, "vision_config": {"model_type": "idefics2"}, **changes}
    config = {key: value for key, value in config.items() if value is not None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=message):
        AutoConfig.from_pretrained(tmp_path, trust_remote_code=False)


def test_the_first_published_configuration_has_no_version(tmp_path):
    config = {key: value for key, value in PUBLISHED_CONFIG.items() if key != "version"}
    (tmp_path / "config.json").write_text(json.dumps({**config, "vision_config": {"model_type": "idefics2"}}))
    assert AutoConfig.from_pretrained(tmp_path, trust_remote_code=False).query_num == 96


def learned(model, batches: list[dict]) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    """Logits of each batch, and the gradients of the sum of all."""
    model.zero_grad()
    logits = [model(**batch, use_cache=False).logits for batch in batches]
    sum((each * torch.cos(torch.arange(each.shape[-1]))).sum() for each in logits).backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return [each.detach()[0] for each in logits], gradients


@pytest.mark.parametrize("attention", ["sdpa", "sdpa_packed", "eager"])
def test_packed_rows_are_as_alone(folder, attention):
    model = load(folder, attn_implementation=attention)
    apart, expected = learned(model, [alone(number) for number in range(len(ROWS))])
    packed = {
        "input_ids": torch.tensor([sum(ROWS, [])]),
        "position_ids": torch.tensor([[place for row in ROWS for place in range(len(row))]]),
        "pixel_values": PIXELS,
    }
    (together,), gradients = learned(model, [packed])
    torch.testing.assert_close(together, torch.cat(apart), rtol=1e-5, atol=1e-5)
    assert gradients.keys() == {name for name, _ in model.named_parameters()}
    for name, gradient in gradients.items():
        scale = float(expected[name].abs().max())
        torch.testing.assert_close(gradient, expected[name], rtol=1e-5, atol=1e-5 * max(scale, 1), msg=name)
    # The comparison can fail: rows that see each other differ.
    seen = model(**{**packed, "position_ids": None}, use_cache=False).logits[0]
    assert (seen - together).abs().max() > 1e-2


def padded(numbers: list[int], *, left: bool) -> dict[str, torch.Tensor]:
    """A batch of rows, padded."""
    longest = max(len(ROWS[number]) for number in numbers)
    ids, mask = [], []
    for number in numbers:
        pad = [0] * (longest - len(ROWS[number]))
        ones = [1] * len(ROWS[number])
        ids.append(pad + ROWS[number] if left else ROWS[number] + pad)
        mask.append(pad + ones if left else ones + pad)
    chosen = [PIXELS.split(IMAGES)[number] for number in numbers]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask), "pixel_values": torch.cat(chosen)}


def test_rows_of_a_batch_are_as_alone(model):
    with torch.inference_mode():
        together = model(**padded([0, 1, 2], left=False)).logits
        for number, row in enumerate(ROWS):
            expected = model(**alone(number)).logits[0]
            torch.testing.assert_close(together[number, : len(row)], expected, rtol=1e-5, atol=1e-5)


def test_gradient_checkpointing_changes_nothing_but_is_done(folder):
    plain, checkpointed = load(folder).train(), load(folder).train()
    checkpointed.gradient_checkpointing_enable()
    calls = {"layers": 0}
    for layer in (*checkpointed.model.llm.layers, *checkpointed.model.vpm.encoder.layers):
        layer.self_attn.register_forward_hook(lambda *_: calls.update(layers=calls["layers"] + 1))
    logits, expected = learned(plain, [alone(2)])
    made, gradients = learned(checkpointed, [alone(2)])
    torch.testing.assert_close(made, logits, rtol=0, atol=1e-6)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-5, atol=1e-5, msg=name)
    assert calls["layers"] == 2 * (2 + 3)  # forward, and once more for the backward


def test_the_attention_of_tower_and_language_model_is_replaceable(folder, model):
    """As `attn_implementation="flash_attention_2"` does it, which needs a GPU."""
    seen = set()

    def recorded(module, *args, **kwargs):
        seen.add(type(module).__name__)
        return sdpa_attention_forward(module, *args, **kwargs)

    AttentionInterface.register("recorded", recorded)
    AttentionMaskInterface.register("recorded", sdpa_mask)
    other = load(folder, attn_implementation="recorded")
    with torch.inference_mode():
        torch.testing.assert_close(other(**alone(2)).logits, model(**alone(2)).logits)
    assert seen == {"LlamaAttention", "Idefics2VisionAttention"}
    assert type(other)._supports_flash_attn and type(other)._supports_sdpa


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}])
def test_generation_sees_the_images_once_and_rows_do_not_mix(model, options):
    options = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": -1, **options}
    batch = padded([0, 2], left=True)
    # A `<unk>` of the text would be counted as an image's by transformers' expansion for beams.
    batch["input_ids"][batch["input_ids"] == UNK] = 50
    for row, column in (batch["input_ids"] == START).nonzero().tolist():
        batch["input_ids"][row, column + 1 : column + 1 + QUERIES] = UNK
    towers = []
    hook = model.model.vpm.register_forward_hook(lambda *_: towers.append(1))
    together = model.generate(**batch, **options)
    hook.remove()
    assert len(towers) == 1
    for place, number in enumerate([0, 2]):
        length = len(ROWS[number])
        ids = batch["input_ids"][place : place + 1, -length:]
        apart = model.generate(input_ids=ids, pixel_values=PIXELS.split(IMAGES)[number], **options)
        assert together[place, -6:].tolist() == apart[0, -6:].tolist()
    if not options.get("num_beams"):
        ids = batch["input_ids"][1:]
        for _ in range(6):  # without a cache
            logits = model(input_ids=ids, pixel_values=PIXELS[1:]).logits
            ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)
        assert ids[0, -6:].tolist() == together[1, -6:].tolist()


def test_generation_stops_at_the_end_of_a_turn(model, folder, tmp_path):
    assert model.generation_config.eos_token_id == [IDS["eos_token_id"], IDS["end_of_turn_token_id"]]
    model.save_pretrained(tmp_path)
    assert load(tmp_path).generation_config.eos_token_id == [2, 10]


def test_the_fused_head_of_trl_gives_the_same_log_probabilities(folder):
    utils = pytest.importorskip("trl.trainer.utils", reason="needs the extra 'train'")
    model = load(folder)
    labels = torch.tensor([ROWS[0]])
    logits = model(**alone(0)).logits
    expected = torch.log_softmax(logits[:, :-1], dim=-1).gather(2, labels[:, 1:, None])[..., 0]
    utils.add_fused_lm_head(model)
    made = model(**alone(0), labels=labels, fused_lm_head=True).log_probs
    torch.testing.assert_close(made, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(model(**alone(0), labels=labels).loss, -expected.mean())


def test_images_of_several_sizes(folder):
    """As published a smaller image depends on the largest of its batch; with `mask_padded_patches` it does not."""
    small, large = pixels(1, 1, 3, 5), pixels(2, 1, 6, 2)
    both = torch.zeros(2, 3, 84, 70)
    both[0, :, :42], both[1, :, :, :28] = small[0], large[0]
    sizes = torch.tensor([[3, 5], [6, 2]])
    for masked in (False, True):
        config = AutoConfig.from_pretrained(folder, mask_padded_patches=masked)
        model = load(folder, config=config)
        with torch.inference_mode():
            together = model.get_image_features(both, sizes).pooler_output
            first, second = (model.get_image_features(one).pooler_output[0] for one in (small, large))
        torch.testing.assert_close(together[0], first, rtol=1e-5, atol=1e-5)  # the longest line is its own
        assert torch.allclose(together[1], second, rtol=1e-5, atol=1e-5) == masked


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"input_ids": [words(0, 4)], "images": 1}, "0 image tokens .* for 1 images"),
        ({"input_ids": [words(0, 4) + IMAGE[:-3]], "images": 1}, "6 image tokens"),
        ({"input_ids": [IMAGE], "images": 2}, "8 image tokens .* for 2 images"),
        ({"input_ids": [words(0, 3) + [UNK] * QUERIES], "images": 1}, "0 image tokens"),
        ({"inputs_embeds": True, "images": 1}, "images need input_ids"),
        ({}, "one of input_ids and inputs_embeds"),
    ],
)
def test_images_and_text_that_do_not_agree(model, inputs, message):
    given = {}
    if "input_ids" in inputs:
        given["input_ids"] = torch.tensor(inputs["input_ids"])
    if "inputs_embeds" in inputs:
        given["inputs_embeds"] = torch.zeros(1, 3, 256)
    if "images" in inputs:
        given["pixel_values"] = pixels(0, inputs["images"])
    with pytest.raises(InputError, match=message):
        model(**given)


@pytest.mark.parametrize("sizes", [[[5, 4]], [[4, 0]], [[4, 4], [4, 4]], [4, 4]])
def test_target_sizes_that_are_not_of_the_images(sizes):
    with pytest.raises(InputError, match="target_sizes has to be of shape"):
        patch_lines(pixels(0, 1), torch.tensor(sizes), 14)


def test_sides_are_multiples_of_a_patch():
    with pytest.raises(InputError, match="57 x 56 px: both sides have to be multiples of 14"):
        patch_lines(torch.zeros(1, 3, 56, 57), None, 14)
