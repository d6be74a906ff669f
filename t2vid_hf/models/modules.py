"""A model's modules by the part that they belong to: vision, connector, language."""

from dataclasses import dataclass

LLAMA_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Last names of the linear layers of Llama, and of the language models that are built as it is."""


@dataclass(frozen=True)
class ModelParts:
    """A model's modules by the part they belong to, as paths in `model.named_modules()` of the loaded class.

    Vision, connector and language together cover every parameter, each once.

    Args:
        vision (`tuple[str, ...]`): The vision tower.
        connector (`tuple[str, ...]`): What turns the tower's output into tokens. A path may also be that of a parameter
            which is no submodule's.
        language (`tuple[str, ...]`): The language model, its embeddings and its head.
        lora (`tuple[str, ...]`, *optional*, defaults to `LLAMA_LINEAR`): Last names of the linear layers of the
            language model that LoRA adapts. Vision towers have layers of these names too: take those below `language`.
        unused (`tuple[str, ...]`, *optional*, defaults to `()`): What of these no forward uses, so that it never has a
            gradient.
    """

    vision: tuple[str, ...]
    connector: tuple[str, ...]
    language: tuple[str, ...]
    lora: tuple[str, ...] = LLAMA_LINEAR
    unused: tuple[str, ...] = ()
