"""`t2vid render`: a text file as pages."""

from pathlib import Path
from typing import Annotated, Any

import typer

from t2vid_hf.cli.script import names_of
from t2vid_hf.errors import InputError
from t2vid_hf.rendering.styles import STYLES


def render(
    text: Annotated[Path, typer.Argument(help="A text file in UTF-8.")],
    output: Annotated[Path, typer.Option(help="Folder for the pages.")],
    preset: Annotated[str, typer.Option(help="paper, dense or native.")] = "paper",
    styles: Annotated[str | None, typer.Option(help=f"One of these for the text: {','.join(STYLES)}.")] = None,
    style_seed: Annotated[int, typer.Option(help="Another number draws another style.")] = 0,
    missing: Annotated[str, typer.Option(help="What no font has: replace, a counted box, or error.")] = "replace",
    max_missing: Annotated[float, typer.Option(help="The largest share of the text that may be boxes.")] = 0.01,
) -> None:
    """Draw a text file as pages: page-0001.png and so on, and sheet.png with all of them."""
    from t2vid_hf.hub.sheets import contact_sheet
    from t2vid_hf.rendering import RenderConfig, TextRenderer, missing_characters
    from t2vid_hf.rendering.fonts import describe

    if not text.is_file():
        raise InputError(f"{text}: no such file; give a text file in UTF-8")
    try:
        content = text.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{text}: byte {error.start} is not UTF-8; convert the file first") from None
    looks: dict[str, Any] = {"styles": names_of(styles), "style_seed": style_seed}
    config = RenderConfig.preset(preset, missing=missing, max_missing=max_missing, **looks)
    pages = TextRenderer(config).render(content)
    images = pages.images()
    output.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images, 1):
        image.save(output / f"page-{number:04}.png")
    contact_sheet(images, columns=6, cell_px=224).save(output / "sheet.png")
    print(f"{len(images)} pages{f' in the style {pages.style}' if pages.style else ''}: {output}")
    if pages.missing:
        found = ", ".join(f"{count} {describe(char)}" for char, count in missing_characters(content).most_common(5))
        print(f"{pages.missing} characters are boxes, of {len(content)}: {found}")
