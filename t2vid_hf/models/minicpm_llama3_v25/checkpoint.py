"""The names of weights in published files, and those of the modules that they are for."""

from transformers.core_model_loading import WeightRenaming

# Names in files -> names of modules; transformers turns them round to save.
RENAMINGS = [
    WeightRenaming(source_patterns=r"^llm\.lm_head\.", target_patterns="lm_head."),
    WeightRenaming(source_patterns=r"^llm\.model\.", target_patterns="model.llm."),
    WeightRenaming(source_patterns=r"^vpm\.", target_patterns="model.vpm."),
    WeightRenaming(source_patterns=r"^resampler\.", target_patterns="model.resampler."),
]
