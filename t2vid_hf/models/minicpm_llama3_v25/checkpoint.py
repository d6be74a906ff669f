"""Between files and modules: the published names of weights, and that each of them is used once."""

from typing import Any

from transformers.core_model_loading import WeightRenaming

from t2vid_hf.errors import InputError

# Names in files -> names of modules; transformers turns them round to save.
RENAMINGS = [
    WeightRenaming(source_patterns=r"^llm\.lm_head\.", target_patterns="lm_head."),
    WeightRenaming(source_patterns=r"^llm\.model\.", target_patterns="model.llm."),
    WeightRenaming(source_patterns=r"^vpm\.", target_patterns="model.vpm."),
    WeightRenaming(source_patterns=r"^resampler\.", target_patterns="model.resampler."),
]
KINDS = {"missing": "missing_keys", "left over": "unexpected_keys", "of another shape": "mismatched_keys"}


def check_loaded(info: dict[str, Any]) -> None:
    """Refuse a checkpoint that is not the model's, of which transformers warns at most.

    Args:
        info (`dict`): What `from_pretrained(..., output_loading_info=True)` returns beside the model.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a key is missing, left over, or of another shape.
    """
    wrong = {kind: sorted(str(key) for key in info[name]) for kind, name in KINDS.items() if info[name]}
    if wrong:
        found = "; ".join(
            f"{len(keys)} {kind}: {', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''}"
            for kind, keys in wrong.items()
        )
        raise InputError(f"the checkpoint is not one of MiniCPM-Llama3-V-2.5 with this configuration: {found}")
