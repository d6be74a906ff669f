"""Which size of type does a script need? Character errors at a size, beside those of the page drawn at three times it.

    python tests/benchmarks/script_legibility.py                       # all scripts, as `dense` draws them
    python tests/benchmarks/script_legibility.py --sizes 10 11 12 13 14 16
    python tests/benchmarks/script_legibility.py --scripts thai hindi --sizes 12 14 --pages 3
    python tests/benchmarks/script_legibility.py --output tests/benchmarks/results/legibility_by_script.json

An engine makes errors of its own, many in some scripts, at any size. So a page is compared with itself: once enlarged
to three times its size, and once *drawn* at three times the size (page, type, lines and margins), where nothing is lost
to small type. A size is legible where its error is at most twice the large page's, or 0.3 %, whichever is more.

The engine is Debian's tesseract with the data of the script's language (`apt install tesseract-ocr-LANGUAGE`). White
space is compared as one space, and not at all in scripts that write none between words. Pages are those of `dense` at
another size of type; Markdown and CSV keep their lines (`whitespace="keep"`). Words a page are characters in scripts
without spaces.
"""

import argparse
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from machine import about
from reading import distance, enlarged, languages, plain, tesseract, tesseract_version

from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.resolving import sized

DATA = Path(__file__).resolve().parents[3] / "shared/data"
TIMES = 3
PAGES = 6
# Where a page holds much, fewer pages say as much, and are read in less time.
CHARACTERS = 6000


def declaration(name: str) -> Callable[[], str]:
    """The Universal Declaration of Human Rights; without its heading, which is no prose."""

    def read() -> str:
        with zipfile.ZipFile(DATA / "texts/udhr/udhr2_all_389_languages.zip") as archive:
            lines = archive.read(f"udhr2/{name}.txt").decode("utf-8").splitlines()
        return "\n".join(lines[5:])

    return read


def file(*names: str) -> Callable[[], str]:
    """Files of the shared data, one after another."""
    return lambda: "\n".join((DATA / name).read_text(encoding="utf-8") for name in names)


@dataclass(frozen=True)
class Script:
    """Where a script's text is, what reads it, and how it is compared.

    Args:
        text (`Callable[[], str]`): Reads the text.
        language (`str`): Tesseract's name of its language.
        spaces (`bool`, *optional*, defaults to `True`): Whether words are written with spaces between them.
        whitespace (`str`, *optional*, defaults to `"flow"`): What a page does with the text's own lines.
    """

    text: Callable[[], str]
    language: str
    spaces: bool = True
    whitespace: str = "flow"


SCRIPTS = {
    "english": Script(file("texts/english/2009-Obama.txt", "texts/english/1961-Kennedy.txt"), "eng"),
    "chinese": Script(declaration("cmn_hans"), "chi_sim", spaces=False),
    "chinese_traditional": Script(declaration("cmn_hant"), "chi_tra", spaces=False),
    "japanese": Script(declaration("jpn"), "jpn", spaces=False),
    "korean": Script(declaration("kor"), "kor"),
    "thai": Script(declaration("tha"), "tha", spaces=False),
    "hindi": Script(declaration("hin"), "hin"),
    "arabic": Script(declaration("arb"), "ara"),
    "hebrew": Script(declaration("heb"), "heb"),
    "vietnamese": Script(declaration("vie"), "vie"),
    "russian": Script(declaration("rus"), "rus"),
    "greek": Script(declaration("ell_monotonic"), "ell"),
    "bengali": Script(declaration("ben"), "ben"),
    "tamil": Script(declaration("tam"), "tam"),
    "markdown": Script(file("texts/mixed/sparrow_TRAIN.md"), "eng", whitespace="keep"),
    "csv": Script(file("bench/nextqa/val.csv"), "eng", whitespace="keep"),
}


def dense_at(font_px: int) -> RenderConfig:
    """A page of `dense` with another size of type; lines a tenth farther apart than the type is large, rounded up."""
    return RenderConfig.preset("dense", font_px=font_px, line_px=-(-font_px * 11 // 10))


def errors(script: str, config: RenderConfig, *, pages: int = PAGES) -> tuple[float, float]:
    """The shares of characters that are read wrongly: on pages of this configuration, and drawn three times as large.

    Args:
        script (`str`): A key of `SCRIPTS`.
        config ([`~t2vid_hf.rendering.RenderConfig`]): The page; its `whitespace` is the script's.
        pages (`int`, *optional*, defaults to `6`): How many pages are read at most, the first; fewer where the text
            ends or `CHARACTERS` are read.
    """
    numbers = measure(script, config, pages=pages)
    return numbers["cer"] / 100, numbers["cer_enlarged"] / 100


def measure(script: str, config: RenderConfig, *, pages: int = PAGES) -> dict[str, Any]:
    """Percents of [`errors`], and what a page holds."""
    how = SCRIPTS[script]
    config = replace(config, whitespace=how.whitespace)
    sides = ("width_px", "height_px", "font_px", "line_px", "margin_px")
    large = replace(config, **{name: TIMES * getattr(config, name) for name in sides})
    text = how.text()
    small_error, spans = _read(text, how, config, pages, TIMES)
    large_error, _ = _read(text, how, large, pages, 1)
    sources = [text[start:end] for start, end in spans]
    held = [len(source.split()) if how.spaces else len(plain(source, spaces=False)) for source in sources]
    full = held[:-1] or held  # the last page that was read may be the text's end
    return {
        "script": script,
        "font_px": config.font_px,
        "line_px": config.line_px,
        "cer": small_error,
        "cer_enlarged": large_error,
        "legible": small_error <= max(2 * large_error, 0.3),
        ("words_a_page" if how.spaces else "characters_a_page"): round(sum(full) / len(full)),
        "pages": len(spans),
    }


def _read(text: str, how: Script, config: RenderConfig, pages: int, times: int) -> tuple[float, list[tuple[int, int]]]:
    renderer = TextRenderer(config)
    spans = [span for span in renderer.char_spans(text)[:pages] if span[0] < CHARACTERS]
    drawn = renderer.render(text[: spans[-1][1]])
    wrong = characters = 0
    for image, (start, end) in zip(drawn.images(), spans, strict=False):
        source = plain(text[start:end], spaces=how.spaces)
        seen = plain(tesseract(enlarged(image, times), language=how.language), spaces=how.spaces)
        wrong += distance(source, seen)
        characters += len(source)
    return round(100 * wrong / characters, 3), spans


def smallest(rows: list[dict[str, Any]]) -> dict[str, int | None]:
    """For each script the smallest size from which on all sizes are legible; `None` where the largest is not."""
    found: dict[str, int | None] = {}
    for script in dict.fromkeys(row["script"] for row in rows):
        found[script] = None
        for row in sorted((row for row in rows if row["script"] == script), key=lambda row: -row["font_px"]):
            if not row["legible"]:
                break
            found[script] = row["font_px"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripts", nargs="+", default=list(SCRIPTS), choices=list(SCRIPTS))
    parser.add_argument("--sizes", nargs="+", type=int, help="Pixels per em; what `dense` takes unless given.")
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--output", type=Path, help="JSON file to write the table to as well.")
    given = parser.parse_args()
    rows = []
    installed = languages()
    for script in given.scripts:
        language = SCRIPTS[script].language
        if language not in installed:
            print(f"{script:20} not read: apt install tesseract-ocr-{language.replace('_', '-')}", flush=True)
            continue
        for size in given.sizes or [None]:
            how = SCRIPTS[script]
            dense = RenderConfig.preset("dense", whitespace=how.whitespace)
            config = sized(dense, how.text()) if size is None else dense_at(size)
            rows.append(measure(script, config, pages=given.pages))
            row = rows[-1]
            held = row.get("words_a_page", row.get("characters_a_page"))
            print(
                f"{script:20} {row['font_px']:3} px  {row['cer']:7.3f} %  large {row['cer_enlarged']:7.3f} %  "
                f"{held:5} a page  {'legible' if row['legible'] else '-'}",
                flush=True,
            )
    result = {
        "benchmark": "percent of characters read wrongly; see tests/benchmarks/script_legibility.py",
        **about("uharfbuzz", "fontpkg-arimo", "manimgx-fonts", "manimgx-fonts-cjk"),
        "tesseract": tesseract_version(),
        "smallest_legible_px": smallest(rows),
        "rows": rows,
    }
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["smallest_legible_px"]))


if __name__ == "__main__":
    main()
