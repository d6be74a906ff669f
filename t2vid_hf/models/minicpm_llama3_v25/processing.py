"""Chats and images -> what MiniCPM-Llama3-V-2.5 takes.

An image is written `<image>`, 96 times `<unk>`, `</image>`; its slices follow between `<slice>` and `</slice>`, each
written as an image, rows of them divided by line breaks. In a chat it is first one placeholder, `(<image>./</image>)`,
as in the published code.
"""

from typing import Any

from transformers.processing_utils import ProcessorMixin

PLACEHOLDER = "(<image>./</image>)"
IMAGE_TOKEN, IMAGE_START, IMAGE_END, SLICES_START, SLICES_END = "<unk>", "<image>", "</image>", "<slice>", "</slice>"

# Llama 3's, for blocks and for plain strings. As in the published `chat`, blocks are joined by line breaks; the
# published template always opens the assistant's turn, this one where it is asked to.
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{% set turn = namespace(text='') %}"
    "{% if message['content'] is string %}{% set turn.text = message['content'] %}{% else %}"
    "{% for block in message['content'] %}"
    "{% set written = '" + PLACEHOLDER + "' if block['type'] == 'image' else block['text'] %}"
    "{% set turn.text = turn.text + ('' if loop.first else '\n') + written %}"
    "{% endfor %}{% endif %}"
    "{{ turn.text | trim + '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)


class MiniCPMVProcessor(ProcessorMixin):
    """An image processor and a tokenizer as one.

    Args:
        image_processor ([`MiniCPMVImageProcessor`], *optional*): What makes pixel values of the images.
        tokenizer ([`~transformers.PreTrainedTokenizerFast`], *optional*): A tokenizer with `<unk>`, `<image>`,
            `</image>`, `<slice>` and `</slice>`.
        chat_template (`str`, *optional*): How a chat is written, in Jinja; `None` takes Llama 3's, with image blocks.
            (The published tokenizer's own takes strings only.)
    """

    def __init__(
        self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None, **kwargs: Any
    ) -> None:
        self.image_token = PLACEHOLDER
        if tokenizer is not None:
            tokenizer.init_kwargs.pop("auto_map", None)  # as in the image processor
        super().__init__(image_processor, tokenizer, chat_template=chat_template or CHAT_TEMPLATE, **kwargs)

    @property
    def unused_input_names(self) -> list[str]:
        """What the image processor makes and the model does not take: the text tells the grids."""
        return ["grids"]

    def image_text(self) -> str:
        """What is written for one image, or one slice."""
        return IMAGE_START + IMAGE_TOKEN * self.image_processor.image_feature_size + IMAGE_END

    def replace_image_token(self, image_inputs: Any, image_idx: int, **kwargs: Any) -> str:
        """What is written for an image and its slices.

        Args:
            image_inputs (`BatchFeature`): What the image processor made.
            image_idx (`int`): Number of the image, from 0.
            **kwargs (`Any`): Not used.
        """
        one = self.image_text()
        columns, rows = (int(count) for count in image_inputs["grids"][image_idx])
        if not rows:
            return one
        return one + SLICES_START + "\n".join([one * columns] * rows) + SLICES_END
