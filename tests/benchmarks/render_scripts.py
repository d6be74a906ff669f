"""How fast each script is drawn the first time, again, and by a fresh process; beside the original with a font for it.

    python tests/benchmarks/render_scripts.py                # a line of JSON a script
    python tests/benchmarks/render_scripts.py hin cmn_hans

The texts are the Universal Declaration of Human Rights in 25 languages (`../shared/data/texts/udhr`; Tibetan has no
font in the packages), the pages those of the preset `paper`. Each number is from a process of its own; all are the
processor's time, so that other jobs count little.

- *first pass*: the process has drawn an English text, so that code is loaded and Latin type open, and then draws the
  script's text once, where no process has drawn it before: every glyph and word is drawn for the first time.
- *next process*: the same in a second process, which finds what the first has kept.
- *warm*: the same text again, the median of several.
- *fresh*: what `import t2vid_hf.rendering` takes, and then the first page of the script, with nothing loaded; where
  nothing is kept, as after an installation, and in the third process.
- *original*: the paper's algorithm (`render_original.py`) with the Noto font of the script, Arimo for Latin and
  Cyrillic. It breaks lines at white space alone, so that most of a Chinese, Japanese or Thai text stands outside its
  pages, undrawn, which favours it.

`ratio` is characters a second, ours in the first pass over the original's, which has nothing to warm.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from render_original import SHARED, arimo, documents, font_in, original_draw

UDHR = SHARED / "data/texts/udhr"
WARM_PASSES = 5
# The Noto font of a language; Arimo has the others.
_NOTO = {
    "amh": "Ethiopic",
    "arb": "Arabic",
    "ben": "Bengali",
    "heb": "Hebrew",
    "hin": "Devanagari",
    "hye": "Armenian",
    "kat": "Georgian",
    "khm": "Khmer",
    "lao": "Lao",
    "mya": "Myanmar",
    "nep": "Devanagari",
    "pes_1": "Arabic",
    "tam": "Tamil",
    "tha": "Thai",
    "urd": "Arabic",
}
_CJK = ("cmn_hans", "cmn_hant", "jpn", "kor")
_WITHOUT_FONT = "bod"
# Alone, since whatever this file imports would be loaded already
_FRESH = """
import json, sys, time
text = sys.stdin.read()
begin = time.process_time()
from t2vid_hf.rendering import RenderConfig, TextRenderer
imported = time.process_time()
TextRenderer(RenderConfig.preset("paper")).render(text)
print(json.dumps({"import_s": imported - begin, "first_page_s": time.process_time() - imported}))
"""
_FIRST_PAGE = """
import json, sys
from t2vid_hf.rendering import RenderConfig, TextRenderer
print(json.dumps(TextRenderer(RenderConfig.preset("paper")).char_spans(sys.stdin.read())[0][1]))
"""


def languages() -> list[str]:
    """The languages that there is a text and a font for."""
    return sorted(path.stem for path in UDHR.glob("*.txt") if path.stem != _WITHOUT_FONT)


def original_font(language: str) -> str:
    """What the original would have to be given for a language."""
    if language in _CJK:
        return font_in("manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc")
    if language in _NOTO:
        return font_in("manimgx_fonts", f"NotoSans{_NOTO[language]}[wght].ttf")
    return arimo()


def loops_alone(home: Path) -> None:
    """Let a process make the code of all loops, so that none is made within a measured time, and forget its glyphs."""
    for language in ("arb", "cmn_hans"):
        _run(home, [__file__, "--pass", language])
    for atlas in home.rglob("atlas-*"):
        atlas.unlink()


def measure(language: str, loops: Path) -> dict[str, Any]:
    """All numbers of a language; `loops` is a folder as [`loops_alone`] leaves it."""
    text = (UDHR / f"{language}.txt").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        home = shutil.copytree(loops, Path(folder) / "home")
        first, following = (_run(home, [__file__, "--pass", language]) for _ in range(2))
        original = _run(home, [__file__, "--original", language])
        page = text[: _run(home, ["-c", _FIRST_PAGE], text)]
        fresh, installed = (_run(place, ["-c", _FRESH], page) for place in (home, Path(folder) / "nothing"))
    characters = first["characters"]
    ours, theirs = characters / first["first_s"], characters / original["draw_s"]
    return {
        "script": language,
        "characters": characters,
        "pages": first["pages"],
        "first_pass_pages_per_second": round(first["pages"] / first["first_s"]),
        "next_process_pages_per_second": round(first["pages"] / following["first_s"]),
        "warm_pages_per_second": round(first["pages"] / following["warm_s"]),
        "fresh_import_s": round(fresh["import_s"], 3),
        "fresh_first_page_s": round(fresh["first_page_s"], 3),
        "installed_first_page_s": round(installed["first_page_s"], 3),
        "first_pass_characters_per_second": round(ours),
        "original_characters_per_second": round(theirs),
        "original_font": Path(original_font(language)).name,
        "ratio": round(ours / theirs, 1),
    }


def _run(home: Path, arguments: list[str], given: str = "") -> Any:
    environment = {**os.environ, "PYTHONUTF8": "1", "HF_HOME": str(home)}
    environment.pop("HF_ASSETS_CACHE", None)
    command = [sys.executable, *arguments]
    return json.loads(
        subprocess.run(command, input=given.encode(), env=environment, check=True, stdout=subprocess.PIPE).stdout
    )


def _pass(text: str) -> dict[str, Any]:
    from t2vid_hf.rendering import RenderConfig, TextRenderer

    renderer = TextRenderer(RenderConfig.preset("paper"))
    renderer.render(documents(1)[0])
    renderer.render("end")  # before which that is written for other processes
    times = []
    for _ in range(1 + WARM_PASSES):
        begin = time.process_time()
        pages = len(renderer.render(text).frames)
        times.append(time.process_time() - begin)
    return {
        "characters": len(text),
        "pages": pages,
        "first_s": times[0],
        "warm_s": statistics.median(times[1:]),
    }


def _original(text: str, font_file: str) -> dict[str, float]:
    original_draw(text[:200], font_file)
    begin = time.process_time()
    original_draw(text, font_file)
    return {"draw_s": time.process_time() - begin}


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1].startswith("--"):
        task, language = sys.argv[1][2:], sys.argv[2]
        text = (UDHR / f"{language}.txt").read_text(encoding="utf-8")
        if task == "original":
            result: dict[str, Any] = _original(text, original_font(language))
        else:
            result = _pass(text)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as loops:
        loops_alone(Path(loops))
        for language in sys.argv[1:] or languages():
            print(json.dumps(measure(language, Path(loops))), flush=True)


if __name__ == "__main__":
    main()
