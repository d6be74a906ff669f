"""Idefics3 and SmolVLM: pages and frames as images, without splitting.

Splitting off makes a page one block: 169 tokens and its delimiters, as in the paper. They are 3 tokens, or 6 on
Idefics3-8B, whose tokenizer has none for `<global-img>` and spells it (transformers pull request 32473). The default
`size` would enlarge each page to 1,456 px and shrink it again to 364, which blurs the text and takes four times as
long; the size the vision tower sees is asked for directly.
"""

from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText

# Idefics3Processor calls it `global_image_tag` and SmolVLMProcessor `global_image_token`; the text is the same.
GLOBAL_IMAGE = "<global-img>"


class Idefics3Adapter(Adapter):
    """Idefics3 (`idefics3`) and its successor SmolVLM (`smolvlm`), which share their processing.

    Args:
        features_in_model_type (`bool`, *optional*, defaults to `False`): Whether the model turns images' features into
            its own type, as SmolVLM's does.
    """

    parts = ModelParts(
        vision=("model.vision_model",), connector=("model.connector",), language=("model.text_model", "lm_head")
    )

    def __init__(self, *, features_in_model_type: bool = False) -> None:
        self.features_in_model_type = features_in_model_type

    def configure(self, processor: Any) -> None:
        """Show each image whole, at the size that the vision tower sees."""
        image_processor = processor.image_processor
        image_processor.do_image_splitting = False
        image_processor.size = dict(image_processor.max_image_size)

    def page_px(self, processor: Any) -> int:
        """Side of the square that the vision tower sees."""
        return processor.image_processor.max_image_size["longest_edge"]

    def image_text(self, processor: Any) -> ImageText:
        """A border, `<global-img>`, the image's tokens, and the border again."""
        if processor.image_processor.do_image_splitting:
            raise InputError(
                "the processor splits images, so their tokens depend on their size: call adapter.configure(processor)"
            )
        border = processor.fake_image_token
        return ImageText(
            processor.image_token,
            token=processor.image_token,
            repeats=processor.image_seq_len,
            before=border + GLOBAL_IMAGE,
            after=border,
        )

    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of image, border and, where the tokenizer has it, `<global-img>`."""
        tokenizer = processor.tokenizer
        ids = [processor.image_token_id, tokenizer.convert_tokens_to_ids(processor.fake_image_token)]
        ids.append(tokenizer.convert_tokens_to_ids(GLOBAL_IMAGE))
        return tuple(token for token in ids if token is not None)

    def resize(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into the square, by the processor itself."""
        # Two steps, as the processor takes them: first the longer side, then both.
        made = processor.image_processor([list(frames)], do_rescale=False, do_normalize=False, return_tensors="pt")
        return made["pixel_values"][0].byte()  # whole numbers: padding has made them float

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """All images as those of one row."""
        # (1, images, 3, page_px, page_px): the model flattens both, so no row is padded with empty images
        return {"pixel_values": values.unsqueeze(0)}
