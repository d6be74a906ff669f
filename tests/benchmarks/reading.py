"""What an OCR engine reads on a page, and how far that is from its source. Legibility and peers are measured by it.

Tesseract reads an enlarged page as one block, on one thread. Type below some 30 px is under what it was trained on, so
a page is enlarged first, with bilinear interpolation.
"""

import os
import re
import subprocess
import tempfile
import unicodedata

import numpy as np
from PIL import Image

# Typographic quotes and dashes, and an upright bar for the letter I: engines take one for the other at any size.
_ALIKE = str.maketrans(
    {"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u2014": "-", "\u2013": "-", "|": "I"}
)


def distance(source: str, read: str) -> int:
    """Levenshtein's."""
    a, b = (np.array([ord(char) for char in text], np.int64) for text in (source, read))
    places = np.arange(len(b) + 1)
    row = places.copy()
    for number, char in enumerate(a, 1):
        best = np.concatenate([[number], np.minimum(row[1:] + 1, row[:-1] + (b != char))])
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])


def enlarged(page: Image.Image, times: int) -> Image.Image:
    """A page at so many times its size."""
    return page.resize((times * page.width, times * page.height), Image.Resampling.BILINEAR)


def tesseract(page: Image.Image, *, language: str = "eng") -> str:
    """What Debian's tesseract reads on a page as it is."""
    with tempfile.TemporaryDirectory() as folder:
        page.save(f"{folder}/page.png")
        command = ["tesseract", f"{folder}/page.png", "-", "--oem", "1", "--psm", "6", "-l", language]
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def tesseract_version() -> str:
    """The engine's version."""
    shown = subprocess.run(["tesseract", "--version"], check=True, capture_output=True, text=True).stdout
    return shown.split()[1]


def languages() -> set[str]:
    """The languages that tesseract has data for; none where it is not installed."""
    try:
        listed = subprocess.run(["tesseract", "--list-langs"], check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return set()
    return set(listed.splitlines()[1:])


def plain(text: str, *, spaces: bool) -> str:
    """A text as it is compared: composed, one form of quotes and dashes, runs of white space one space or none.

    Characters without a form (joiners, direction marks) go, since no reader can see them, and full-width forms are
    taken for ASCII, which they resemble.
    """
    text = unicodedata.normalize("NFC", text)
    shown = (char for char in text if unicodedata.category(char) != "Cf" and char != "\u0640")
    text = "".join(chr(ord(char) - 0xFEE0) if "\uff01" <= char <= "\uff5e" else char for char in shown)
    return re.sub(r"\s+", " " if spaces else "", text.translate(_ALIKE)).strip()
