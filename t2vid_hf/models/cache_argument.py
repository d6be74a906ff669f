"""What a model's forward calls its keys and values of earlier tokens: `past_key_values`, since 5.24 `cache`."""

from dataclasses import fields

from transformers.modeling_outputs import CausalLMOutputWithPast

CACHE = "cache" if "cache" in {item.name for item in fields(CausalLMOutputWithPast)} else "past_key_values"
