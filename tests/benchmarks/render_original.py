"""The original's way of drawing pages, written out from the description of Sparrow's `draw_text.py`, and its material.

NLTK's `word_tokenize` (here a regular expression that splits as the treebank tokeniser does on prose, several times
faster than NLTK, which favours the original), pages of 115 tokens, a font opened for each page, lines wrapped by
`getbbox(word + " ")[2]` up to 448 - 40 px, the height of each line from its own `getbbox`, twice, text drawn line by
line on an RGB image. *draw* is the text to the RGB images; *png* adds `Image.save` with zlib's level 6.
"""

import importlib.util
import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SHARED = Path(__file__).resolve().parents[3] / "shared"
SQUALITY = SHARED / "data/longqa/squality/v1-3_txt_dev.jsonl"
SIDE_PX, MARGIN_PX, FONT_PX, TOKENS = 448, 20, 20, 115
# The treebank rules that fire on prose: quotes, dots, brackets, dashes, contractions, a full stop at the end.
_TOKEN = re.compile(
    r"\.\.\.|--|``|''|n't\b|'(?:s|m|d|ll|re|ve)\b|[()\[\]{}<>\"?!;:@#$%&]|,(?!\d)|\.(?=\s|$)"
    r"|(?:(?!n't\b|'(?:s|m|d|ll|re|ve)\b|--|\.\.\.|,(?!\d)|\.(?:\s|$))[^\s()\[\]{}<>\"?!;:@#$%&])+"
)


def original_draw(text: str, font_file: str) -> list[Image.Image]:
    """The paper's pages of a text."""
    tokens = _TOKEN.findall(text)
    images = []
    for start in range(0, len(tokens), TOKENS):
        font = ImageFont.truetype(font_file, FONT_PX)
        image = Image.new("RGB", (SIDE_PX, SIDE_PX), "white")
        draw = ImageDraw.Draw(image)
        lines, line, used = [], [], 0.0
        for word in " ".join(tokens[start : start + TOKENS]).split(" "):
            width = font.getbbox(word + " ")[2]
            if used + width <= SIDE_PX - 2 * MARGIN_PX:
                line.append(word)
                used += width
            else:
                lines.append(" ".join(line))
                line, used = [word], width
        lines.append(" ".join(line))
        y = (SIDE_PX - sum(font.getbbox(line)[3] for line in lines)) / 2
        for line_text in lines:
            draw.text((MARGIN_PX, y), line_text, font=font, fill="black")
            y += font.getbbox(line_text)[3]
        images.append(image)
    return images


def original_seconds(texts: list[str], font_file: str) -> tuple[float, float]:
    """Time to draw the paper's pages of all texts, and to encode them as PNG."""
    drawn = encoded = 0.0
    for text in texts:
        begin = time.process_time()
        images = original_draw(text, font_file)
        middle = time.process_time()
        for image in images:
            image.save(io.BytesIO(), format="PNG")
        drawn += middle - begin
        encoded += time.process_time() - middle
    return drawn, encoded


def documents(most: int | None = None) -> list[str]:
    """The distinct documents of SQuALITY dev."""
    with SQUALITY.open(encoding="utf-8") as file:
        return list(dict.fromkeys(json.loads(line)["document"] for line in file))[:most]


def seconds(function: Callable[[str], object], texts: list[str]) -> float:
    """Processor time for all texts, one after the other; results are dropped at once."""
    begin = time.process_time()
    for text in texts:
        function(text)
    return time.process_time() - begin


def font_in(package: str, file: str) -> str:
    """The path of a font that a package brings."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the package {package} is not installed: pip install 't2vid-hf[fonts]'")
    return str(Path(spec.origin).parent / file)


def arimo() -> str:
    """Arimo, whose widths are Arial's."""
    return font_in("fontpkg_arimo", "files/Arimo[wght].ttf")
