"""The trainer: it trains what it says, saves what loads, and refuses what would go wrong in silence."""

from pathlib import Path

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForImageTextToText, AutoProcessor

from t2vid_hf.errors import InputError
from t2vid_hf.schema import features
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer


def config(folder: Path, **changes) -> T2VidSFTConfig:
    settings = {
        "output_dir": str(folder), "max_steps": 2, "per_device_train_batch_size": 3, "learning_rate": 1e-3,
        "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": "none", "save_strategy": "no",
        "dataloader_pin_memory": False, "disable_tqdm": True, "num_frames": 4, "logging_steps": 1,
        "dataloader_num_workers": 0,
    }  # fmt: skip
    return T2VidSFTConfig(**{**settings, **changes})


@pytest.fixture
def dataset(rows) -> Dataset:
    return Dataset.from_list(rows, features=features())


def trainer(checkpoint: Path, args: T2VidSFTConfig, dataset: Dataset) -> T2VidSFTTrainer:
    model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype="float32")
    processor = AutoProcessor.from_pretrained(checkpoint)
    return T2VidSFTTrainer(model, args=args, train_dataset=dataset, processing_class=processor)


def test_every_parameter_moves_and_the_checkpoint_answers(tiny_checkpoint, dataset, tmp_path):
    run = trainer(tiny_checkpoint, config(tmp_path), dataset)
    before = {name: value.detach().clone() for name, value in run.model.named_parameters()}
    run.train()
    still = [name for name, value in run.model.named_parameters() if torch.equal(value, before[name])]
    # The tower's own pooling head is not on the way to the features that Idefics3 reads.
    assert not [name for name in still if "head" not in name], still
    run.save_model()
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    processor = AutoProcessor.from_pretrained(tmp_path)
    assert processor.image_processor.do_image_splitting is False
    prompt = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]}],
        add_generation_prompt=True,
    )
    inputs = processor(text=[prompt], images=[dataset[1]["images"][:1]], return_tensors="pt")
    assert model.generate(**inputs, max_new_tokens=3, do_sample=False).shape[1] > inputs["input_ids"].shape[1]


def test_the_loss_falls_on_rows_that_it_sees_again(tiny_checkpoint, dataset, tmp_path):
    run = trainer(tiny_checkpoint, config(tmp_path, max_steps=12), dataset)
    run.train()
    losses = [entry["loss"] for entry in run.state.log_history if "loss" in entry]
    assert losses[-1] < 0.7 * losses[0]


def test_video_is_not_dropped(tiny_checkpoint, rows, tmp_path):
    """Stock TRL trains a row of video as text alone, without a word; here its frames reach the model."""
    dataset = Dataset.from_list(rows[2:], features=features())
    run = trainer(tiny_checkpoint, config(tmp_path, per_device_train_batch_size=1), dataset)
    assert next(iter(run.get_train_dataloader()))["pixels"].shape[0] == 4


def test_a_tokenizer_is_no_processor(tiny_checkpoint, dataset, tmp_path):
    model, processor = (kind.from_pretrained(tiny_checkpoint) for kind in (AutoModelForImageTextToText, AutoProcessor))
    with pytest.raises(InputError, match="give the model's processor"):
        T2VidSFTTrainer(model, args=config(tmp_path), train_dataset=dataset, processing_class=processor.tokenizer)


def test_a_video_without_its_column_is_told(tiny_checkpoint, dataset, tmp_path):
    run = trainer(tiny_checkpoint, config(tmp_path), dataset.remove_columns("videos"))
    with pytest.raises(InputError, match="row 'video' has 1 places for a medium of kind video .* and 0 to fill"):
        list(run.get_train_dataloader())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"remove_unused_columns": True}, "would drop the videos"),
        ({"packing": True}, "set max_length"),
        ({"max_images": 3}, "set packing"),
        ({"labels": "answers"}, "assistant"),
    ],
)
def test_settings_that_would_lose_something_are_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        config(tmp_path, **change)


@pytest.mark.parametrize("padding_free", [True, False])
def test_the_loss_of_each_source_is_that_of_its_rows_alone(tiny_checkpoint, rows, tmp_path, padding_free):
    def logged(chosen: list) -> dict[str, float]:
        dataset = Dataset.from_list(chosen, features=features())
        run = trainer(tiny_checkpoint, config(tmp_path, max_steps=1, padding_free=padding_free), dataset)
        run.train()
        return next(entry for entry in run.state.log_history if "loss" in entry)

    named = [{**row, "source": f"source {index}"} for index, row in enumerate(rows)]
    together = logged(named)
    for row in named:
        alone = logged([row])
        assert alone["loss"] == pytest.approx(alone[f"loss/{row['source']}"], rel=1e-5)
        assert together[f"loss/{row['source']}"] == pytest.approx(alone["loss"], rel=1e-5)


def test_the_largest_batch_is_logged_before_the_first_step(tiny_checkpoint, dataset, tmp_path):
    args = config(tmp_path, packing=True, max_length=200, per_device_train_batch_size=2)
    run = trainer(tiny_checkpoint, args, dataset)
    run.train()
    first = run.state.log_history[0]
    assert first["step"] == 0 and first["largest_batch_tokens"] == 400
    images = [run.prices.images[bin_].sum() for bins in run.packing_plan.steps(0) for bin_ in bins]
    assert first["largest_batch_images"] == 2 * max(images)
    assert first["estimated_memory_gib"] > 0
