"""Can a page of each script be read as `dense` draws it? At most twice the errors of the page three times as large."""

import pytest
from reading import languages
from script_legibility import DATA, SCRIPTS, dense_at, measure

from t2vid_hf.rendering import RenderConfig
from t2vid_hf.rendering.resolving import sized

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_read_in_the_type_that_dense_gives_it(script: str) -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is absent")
    if SCRIPTS[script].language not in languages():
        pytest.skip(f"apt install tesseract-ocr-{SCRIPTS[script].language}")
    # Numbers and commas are no script: tables of them want 13 px.
    config = dense_at(13) if script == "csv" else sized(RenderConfig.preset("dense"), SCRIPTS[script].text())
    result = measure(script, config, pages=2)
    assert result["legible"], result
