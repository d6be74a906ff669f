"""`t2vid train` leaves no group of processes of its own behind, and anyone else's as it is."""

import pytest
from torch import distributed

from t2vid_hf.cli.train import run
from t2vid_hf.training import arguments, fine_tuning
from t2vid_hf.training.arguments import RecipeArguments


@pytest.mark.parametrize("there", [False, True])
def test_a_group_that_training_made_is_taken_down(monkeypatch, tmp_path, there):
    def meet():
        distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'met'}", rank=0, world_size=1)

    seen = []
    monkeypatch.setattr(arguments, "parse", lambda argv: (there or meet(), (RecipeArguments("a"), None))[1])
    monkeypatch.setattr(fine_tuning, "fine_tune", lambda *_, **__: seen.append(distributed.is_initialized()))
    if there:
        meet()
    try:
        run([])
        assert seen == [True] and distributed.is_initialized() == there
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
