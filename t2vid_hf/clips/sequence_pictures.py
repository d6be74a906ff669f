"""The pictures of the sequence world: each shape and each word in 200 renders, the last fifth for tests alone.

A clip is its frames, and a frame is one of these pictures, so that 57,600 clips are 2,400 pictures: a row holds paths,
and a vision tower that does not train sees each picture once. The price: two clips of one story may differ in nothing
but which of its shape's renders a frame shows. Shapes differ in colour, place, size and background; words are drawn by
[`~t2vid_hf.rendering.TextRenderer`], one a page, in different type at different places.
"""

import math
import random
from pathlib import Path

from PIL import Image, ImageDraw

from t2vid_hf.clips.sequence_language import SHAPES, WORDS
from t2vid_hf.clips.sequence_questions import Use
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.seeding import stable_hash

PICTURE_PX = 32
RENDERS: dict[Use, range] = {"tuning": range(160), "validation": range(160, 180), "test": range(180, 200)}
"""Which renders are for what."""
COLOURS = ((220, 30, 30), (30, 150, 50), (40, 80, 240), (235, 195, 20), (150, 40, 190), (20, 20, 20))
BACKGROUNDS = ((255, 255, 255), (225, 225, 225))
_FINE = 4  # drawn so many times as large and reduced: smooth edges
# Corners about the middle, in parts of the radius; a shape is one polygon or two.
_POLYGONS: dict[str, list[list[tuple[float, float]]]] = {
    "square": [[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]],
    "triangle": [[(0, -1), (-1, 0.8), (1, 0.8)]],
    "bar": [[(-1, -0.3), (1, -0.3), (1, 0.3), (-1, 0.3)]],
    "pole": [[(-0.3, -1), (0.3, -1), (0.3, 1), (-0.3, 1)]],
    "cross": [
        [(-1, -0.25), (1, -0.25), (1, 0.25), (-1, 0.25)],
        [(-0.25, -1), (0.25, -1), (0.25, 1), (-0.25, 1)],
    ],
    "diamond": [[(0, -1), (0.7, 0), (0, 1), (-0.7, 0)]],
    "star": [
        [
            ((0.4 if corner % 2 else 1) * math.sin(corner * math.pi / 5),
             -(0.4 if corner % 2 else 1) * math.cos(corner * math.pi / 5))
            for corner in range(10)
        ]
    ],
    "arrow": [[(-1, -0.25), (0.1, -0.25), (0.1, -0.8), (1, 0), (0.1, 0.8), (0.1, 0.25), (-1, 0.25)]],
}  # fmt: skip


def picture_name(item: str, render: int) -> str:
    """The path of a picture below the world's folder.

    Args:
        item (`str`): A shape or a word.
        render (`int`): Which of its renders.
    """
    return f"pictures/{item}/{render:03}.png"


def write_pictures(folder: Path, *, seed: int = 0) -> int:
    """Draw every picture of the world.

    Args:
        folder (`Path`): The world's folder.
        seed (`int`, *optional*, defaults to `0`): Another one draws other pictures.

    Returns:
        `int`: how many there are.
    """
    for item in (*SHAPES, *WORDS):
        (folder / picture_name(item, 0)).parent.mkdir(parents=True, exist_ok=True)
    renders = [render for part in RENDERS.values() for render in part]
    for render in renders:
        rng = random.Random(stable_hash(f"render/{seed}/{render}"))
        pictures = [*zip(WORDS, draw_words(rng), strict=True), *((shape, draw_shape(rng, shape)) for shape in SHAPES)]
        for item, picture in pictures:
            picture.save(folder / picture_name(item, render), compress_level=1)
    return len(renders) * (len(SHAPES) + len(WORDS))


def draw_words(rng: random.Random) -> list[Image.Image]:
    """The words, a page each, all in one type.

    Args:
        rng (`random.Random`): Draws the typeface, its size and the place on the page.
    """
    while True:
        size = rng.randint(10, 14)
        margin = rng.randint(0, PICTURE_PX // 2 - size)  # two ems are the least that a line may have
        room = PICTURE_PX - 2 * margin
        config = RenderConfig(
            width_px=PICTURE_PX,
            height_px=PICTURE_PX,
            font_px=size,
            line_px=rng.randint(room // 2 + 1, room),  # a page of one line
            margin_px=margin,
            max_words=1,
            vertical=rng.choice(("top", "center")),
            face=rng.choice(("sans", "serif")),
            ink=rng.randint(0, 60),
            paper=rng.randint(225, 255),
        )
        pages = TextRenderer(config).render(" ".join(WORDS)).images()
        if len(pages) == len(WORDS):  # else the widest word does not fit a line of this type
            return pages


def draw_shape(rng: random.Random, shape: str) -> Image.Image:
    """A shape in a frame.

    Args:
        rng (`random.Random`): Draws its colour, size and place, and the background.
        shape (`str`): One of `SHAPES`.

    Example:

    ```python
    >>> import random
    >>> from t2vid_hf.clips.sequence_pictures import draw_shape
    >>> draw_shape(random.Random(0), "moon").size
    (32, 32)

    ```
    """
    background, colour = rng.choice(BACKGROUNDS), rng.choice(COLOURS)
    canvas = Image.new("RGB", (PICTURE_PX * _FINE, PICTURE_PX * _FINE), background)
    draw = ImageDraw.Draw(canvas)
    radius = rng.uniform(7, 10) * _FINE
    x, y = (rng.uniform(11, 21) * _FINE for _ in "xy")

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return x + left * radius, y + top * radius, x + right * radius, y + bottom * radius

    if shape in ("circle", "moon"):
        draw.ellipse(box(-1, -1, 1, 1), fill=colour)
    if shape == "moon":
        draw.ellipse(box(-0.4, -0.8, 1.2, 0.8), fill=background)
    elif shape == "ring":
        draw.ellipse(box(-1, -1, 1, 1), outline=colour, width=round(radius * 0.35))
    elif shape == "frame":
        draw.rectangle(box(-0.85, -0.85, 0.85, 0.85), outline=colour, width=round(radius * 0.3))
    for corners in _POLYGONS.get(shape, ()):
        draw.polygon([(x + radius * across, y + radius * down) for across, down in corners], fill=colour)
    return canvas.reduce(_FINE)
