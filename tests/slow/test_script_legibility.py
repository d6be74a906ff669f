"""Can a page of each script be read at a size? Twice the errors of the page drawn three times as large, at most."""

import pytest
from reading import languages
from script_legibility import DATA, SCRIPTS, dense_at, measure

pytestmark = pytest.mark.slow


# Of the sizes in tests/benchmarks/results/legibility_by_script.json the smallest that is read, and all above it.
@pytest.mark.parametrize(
    ("script", "font_px"),
    [("english", 10), ("russian", 10), ("hebrew", 10), ("japanese", 13), ("korean", 13), ("hindi", 13), ("csv", 13)],
)
def test_a_script_is_read_at_its_size(script: str, font_px: int) -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is absent")
    if SCRIPTS[script].language not in languages():
        pytest.skip(f"apt install tesseract-ocr-{SCRIPTS[script].language}")
    result = measure(script, dense_at(font_px), pages=2)
    assert result["legible"], result
