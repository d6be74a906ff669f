"""The picture of the README: a long text becomes pages, a clip frames, and both one mixture. Light and dark.

python .github/picture.py

All in it is made by the package: the text is the first of the shipped sample, drawn by `TextRenderer` at the preset
`paper`; the clip is one of the generated ones; questions and answers are theirs, the first of the text's cut at its
half. Shapes are drawn twice as large and reduced, which smooths their edges. The type is Arimo, the font of the pages.
"""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from t2vid_hf import sources
from t2vid_hf.clips.shapes import make_clip, render_clip
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.fonts import font_files

FOLDER = Path(__file__).parent
SCALE = 2  # of what is drawn, over what is written
WIDTH, HEIGHT = 1600, 872
EDGE, TILE, GAP, HOLES = 60, 188, 16, 30  # px: around all, a frame's side, between frames, above and below them
STRIP_X, TILES = 318, 4
STRIP_HEIGHT = TILE + 2 * HOLES
STRIP_RIGHT = STRIP_X + TILES * (TILE + GAP) + GAP
ROWS = (116, 512)  # top of each strip
CLIP = 12  # a race of two shapes on a dark ground
MODEL = (1262, 226, WIDTH - EDGE, 650)
CELLS, CELL = 6, 28  # of the mixture: rows and columns, px a cell

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Theme:
    """The colours of one picture; `pages` and `video` are (strip, its holes, ribbon, text in that colour)."""

    card: Colour
    line: Colour
    ink: Colour
    grey: Colour
    pages: tuple[Colour, Colour, Colour, Colour]
    video: tuple[Colour, Colour, Colour, Colour]
    model: Colour
    shadow: int
    rim: bool  # a line around dark frames on a dark ground


@dataclass(frozen=True)
class Said:
    """What one row shows and says."""

    title: str
    count: str
    source: Image.Image
    frames: list[Image.Image]
    question: str
    answer: str


THEMES = {
    "light": Theme(
        card=(246, 248, 250),
        line=(208, 215, 222),
        ink=(31, 35, 40),
        grey=(87, 96, 106),
        pages=((224, 226, 252), (246, 248, 250), (129, 132, 236), (67, 56, 202)),
        video=((200, 238, 228), (246, 248, 250), (53, 178, 158), (15, 110, 98)),
        model=(255, 255, 255),
        shadow=46,
        rim=False,
    ),
    "dark": Theme(
        card=(22, 27, 34),
        line=(61, 68, 77),
        ink=(240, 246, 252),
        grey=(157, 167, 179),
        pages=((52, 51, 110), (22, 27, 34), (120, 118, 236), (176, 178, 255)),
        video=((20, 74, 70), (22, 27, 34), (38, 166, 148), (110, 226, 203)),
        model=(33, 40, 49),
        shadow=130,
        rim=True,
    ),
}


@cache
def font(px: float, weight: int = 400) -> ImageFont.FreeTypeFont:
    """Arimo at a size and a weight (400 to 700)."""
    loaded = ImageFont.truetype(str(font_files()[0]), round(px * SCALE))
    loaded.set_variation_by_axes([weight])
    return loaded


class Canvas:
    """A picture in px of what is written; everything is drawn `SCALE` times as large."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), theme.card)
        self.draw = ImageDraw.Draw(self.image)

    def box(
        self, box: tuple[float, ...], radius: float, fill: Colour | None = None, line: Colour | None = None
    ) -> None:
        """A rectangle with round corners."""
        scaled = [round(side * SCALE) for side in box]
        self.draw.rounded_rectangle(scaled, radius * SCALE, fill=fill, outline=line, width=2 * SCALE if line else 0)

    def text(
        self, x: float, y: float, words: str, px: float, colour: Colour, weight: int = 400, at: str = "ls"
    ) -> float:
        """A line of text from its base line; returns where it ends."""
        self.draw.text((x * SCALE, y * SCALE), words, fill=colour, font=font(px, weight), anchor=at)
        return x + font(px, weight).getlength(words) / SCALE

    def tile(self, picture: Image.Image, x: float, y: float, width: float, height: float, radius: float = 8) -> None:
        """A picture with round corners and a shadow below it."""
        size = (round(width * SCALE), round(height * SCALE))
        at = (round(x * SCALE), round(y * SCALE))
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius * SCALE, fill=255)
        far = 12 * SCALE
        shade = Image.new("L", (size[0] + 2 * far, size[1] + 2 * far))
        shade.paste(mask.point(lambda level: level * self.theme.shadow // 255), (far, far))
        shade = shade.filter(ImageFilter.GaussianBlur(4 * SCALE))
        self.image.paste((0, 0, 0), (at[0] - far, at[1] - far + 3 * SCALE), shade)
        self.image.paste(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS), at, mask)
        if self.theme.rim:
            self.box((x, y, x + width, y + height), radius, line=self.theme.line)

    def ribbon(self, start: tuple[float, ...], end: tuple[float, ...], pale: Colour, full: Colour) -> None:
        """A band from (x, top, bottom) to (x, top, bottom), level at both ends; its colour goes from pale to full."""
        left, right = round(start[0] * SCALE), round(end[0] * SCALE)
        part = np.linspace(0, 1, right - left)
        ease = part**2 * (3 - 2 * part)
        top, bottom = ((start[side] + (end[side] - start[side]) * ease) * SCALE for side in (1, 2))
        rows = np.arange(HEIGHT * SCALE)[:, None]
        inside = np.clip(np.minimum(rows + 1 - top, bottom - rows), 0, 1)  # a pixel cut by the edge counts in part
        colours = np.array(pale) + (np.array(full) - np.array(pale)) * ease[:, None]
        band = Image.fromarray(np.repeat(colours.round().astype(np.uint8)[None], HEIGHT * SCALE, 0))
        self.image.paste(band, (left, 0), Image.fromarray((255 * inside).astype(np.uint8)))

    def strip(self, top: float, colours: tuple[Colour, ...]) -> None:
        """A film strip without its frames."""
        self.box((STRIP_X, top, STRIP_RIGHT, top + STRIP_HEIGHT), 16, colours[0])
        for x in np.linspace(STRIP_X + GAP + 8, STRIP_RIGHT - GAP - 8 - 15, 6 * TILES):
            for y in (top + 9, top + STRIP_HEIGHT - 9 - 11):
                self.box((x, y, x + 15, y + 11), 4, colours[1])

    def arrow(self, left: float, right: float, y: float) -> None:
        """From a source to its strip."""
        points = [(right - 10, y - 9), (right, y), (right - 10, y + 9)]
        for line in ([(left, y), (right, y)], points):
            self.draw.line([(a * SCALE, b * SCALE) for a, b in line], self.theme.grey, 3 * SCALE, joint="curve")

    def finished(self) -> Image.Image:
        """The picture at its size, its corners cut off."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, *self.image.size), 28 * SCALE, fill=255)
        self.image.putalpha(mask)
        return self.image.reduce(SCALE)


def sheet(text: str) -> Image.Image:
    """The beginning of a text as it is read, on one narrow page that fades out."""
    config = RenderConfig(width_px=400, height_px=496, font_px=20, line_px=27, margin_px=28)
    frame = TextRenderer(config).render(text).frames[0]
    paper = Image.fromarray(frame).convert("RGB")
    fade = np.clip((np.arange(frame.shape[0]) - 300) / 170, 0, 1) * 235
    paper.paste((255, 255, 255), (0, 0), Image.fromarray(np.repeat(fade[:, None], frame.shape[1], 1).astype(np.uint8)))
    return paper


def player(frame: Image.Image) -> Image.Image:
    """A frame with a button and a bar of progress: the clip that the strip is taken from."""
    picture = frame.resize((400, 496 - 96), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (400, 496), (20, 20, 24))
    whole.paste(picture, (0, 48))
    draw = ImageDraw.Draw(whole, "RGBA")
    draw.ellipse((158, 206, 242, 290), fill=(255, 255, 255, 235))
    draw.polygon([(188, 226), (188, 270), (225, 248)], fill=(20, 20, 24, 255))
    draw.rounded_rectangle((32, 452, 368, 460), 4, fill=(255, 255, 255, 80))
    draw.rounded_rectangle((32, 452, 150, 460), 4, fill=(255, 255, 255, 255))
    draw.ellipse((140, 446, 160, 466), fill=(255, 255, 255, 255))
    return whole


def mixture(canvas: Canvas) -> None:
    """The model's box: cells of both colours, 1 to 2, as rows of both kinds follow one another in training."""
    theme, (left, top, right, _) = canvas.theme, MODEL
    canvas.box(MODEL, 24, theme.model, theme.line)
    rng = random.Random("pages and video")
    order = [cell for _ in range(CELLS) for cell in rng.sample([theme.pages[2]] * 2 + [theme.video[2]] * 4, CELLS)]
    step = CELL + 8
    x0, y0 = (left + right - CELLS * step + 8) / 2, top + 44
    for index, colour in enumerate(order):
        row, column = divmod(index, CELLS)
        x, y = x0 + column * step, y0 + row * step
        canvas.box((x, y, x + CELL, y + CELL), 7, colour)
    middle, base = (left + right) / 2, y0 + CELLS * step + 44
    canvas.text(middle, base, "One mixture", 29, theme.ink, 700, at="ms")
    canvas.text(middle, base + 39, "to fine-tune a", 24, theme.grey, at="ms")
    canvas.text(middle, base + 71, "vision-language model", 24, theme.grey, at="ms")


def row(canvas: Canvas, top: float, inlet: tuple[float, float], colours: tuple[Colour, ...], said: Said) -> None:
    """A source, its strip, the question about it, and the ribbon to the model."""
    middle, half = top + STRIP_HEIGHT / 2, (inlet[1] - inlet[0]) / 2
    start = (STRIP_RIGHT - 1, middle - half, middle + half)
    canvas.ribbon(start, (MODEL[0] + 2, *inlet), colours[0], colours[2])
    end = canvas.text(EDGE, top - 28, said.title, 30, canvas.theme.ink, 700)
    canvas.text(end + 18, top - 28, said.count, 26, canvas.theme.grey)
    canvas.tile(said.source, EDGE, top, 200, STRIP_HEIGHT, 10)
    canvas.arrow(EDGE + 215, STRIP_X - 15, middle)
    canvas.strip(top, colours)
    for number, picture in enumerate(said.frames):
        canvas.tile(picture, STRIP_X + GAP + number * (TILE + GAP), top + HOLES, TILE, TILE)
    end = canvas.text(EDGE, top + STRIP_HEIGHT + 44, said.question, 23, canvas.theme.grey)
    canvas.text(end + 12, top + STRIP_HEIGHT + 44, said.answer, 23, colours[3], 700)


def paint(theme: Theme) -> Image.Image:
    """The whole picture."""
    asked = next(iter(sources.read(sources.SAMPLE)))
    pages = TextRenderer(RenderConfig.preset("paper")).render(asked.context).images()
    clip = make_clip(CLIP, size=384)
    frames = [Image.fromarray(frame) for frame in render_clip(clip)]
    text = Said(
        title="A long text, drawn as pages",
        count=f"{len(asked.context.split()):,} words, {len(pages)} pages",
        source=sheet(asked.context),
        frames=pages[:TILES],
        question=asked.question.partition(", and")[0] + "?",
        answer=asked.answer.partition(";")[0] + ".",
    )
    video = Said(
        title="A little video, taken as frames",
        count=f"{len(frames) / clip.fps:.0f} seconds, {len(frames)} frames",
        source=player(frames[5]),
        frames=[frames[round(place)] for place in np.linspace(0, len(frames) - 1, TILES)],
        question=clip.questions[1].question,
        answer=clip.questions[1].answer_text.capitalize() + ".",
    )
    canvas = Canvas(theme)
    top, bottom = MODEL[1] + 50, MODEL[3] - 50
    third = top + (bottom - top) / 3  # 1 : 2, as in the mixture
    row(canvas, ROWS[0], (top, third), theme.pages, text)
    row(canvas, ROWS[1], (third, bottom), theme.video, video)
    mixture(canvas)
    return canvas.finished()


def main() -> None:
    for name, theme in THEMES.items():
        path = FOLDER / f"picture-{name}.png"
        paint(theme).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
