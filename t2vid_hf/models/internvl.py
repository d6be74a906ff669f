"""InternVL in transformers' port (InternVL2.5, 3, 3.5 `-hf`): a page is one tile, without tiles of its parts.

256 tokens and 2 delimiters a page of 448 px. The processor asks for tiles on every call (`crop_to_patches`), above
what its image processor is set to, so the number of tiles is set to one instead.
"""

from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter, ModelParts
from t2vid_hf.models.media_text import ImageText


class InternVLAdapter(Adapter):
    """InternVL (`internvl`)."""

    parts = ModelParts(
        vision=("model.vision_tower",),
        connector=("model.multi_modal_projector",),
        language=("model.language_model", "lm_head"),
    )

    def configure(self, processor: Any) -> None:
        """Make one tile of each image."""
        image_processor = processor.image_processor
        image_processor.crop_to_patches = False
        image_processor.min_patches = image_processor.max_patches = 1

    def page_px(self, processor: Any) -> int:
        """Side of a tile."""
        return processor.image_processor.size["height"]

    def image_text(self, processor: Any, size: tuple[int, int] | None = None) -> ImageText:
        """The tokens of one tile between `<img>` and `</img>`."""
        if processor.image_processor.max_patches != 1:
            raise InputError(
                "the processor cuts images into tiles, so their tokens depend on their size: call "
                "adapter.configure(processor)"
            )
        return ImageText(
            processor.image_token,
            token=processor.image_token,
            repeats=processor.image_seq_length,
            before=processor.start_image_token,
            after=processor.end_image_token,
        )

    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of image, `<img>` and `</img>`."""
        return processor.image_token_id, processor.start_image_token_id, processor.end_image_token_id

    def resize(self, processor: Any, frames: Any) -> Any:
        """Squeeze frames into a tile, as the processor does."""
        image_processor = processor.image_processor
        return image_processor.resize(frames, image_processor.size, image_processor.resample)

    def model_inputs(self, values: Any) -> dict[str, Any]:
        """The pixels as they are."""
        return {"pixel_values": values}

    def tower(self, model: Any) -> Any:
        """The tower, of which one layer is read, the last one or another."""
        from t2vid_hf.models.vision_towers import WholeTower

        layer = model.config.vision_feature_layer
        layers = layer if isinstance(layer, list) else [layer]
        return WholeTower(model.model.vision_tower, layers=[] if layer == -1 else layers)
