"""What a process pays: a light import, a flat memory, and a compiler only when a text is drawn."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

MEMORY = """
import json, resource, sys
from t2vid_hf.rendering import RenderConfig, TextRenderer
texts = json.load(sys.stdin)
for preset in ("paper", "dense"):
    renderer = TextRenderer(RenderConfig.preset(preset, max_missing=1.0))
    for text in texts:
        renderer.render(text).pngs()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def run(program: str, given: object = None) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(given), capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("module", ["t2vid_hf", "t2vid_hf.rendering"])
def test_an_import_loads_neither_compiler_nor_torch(module: str) -> None:
    code = f"import sys, {module}; print([name for name in ('numba', 'llvmlite', 'torch') if name in sys.modules])"
    assert run(code) == "[]"


def test_left_to_right_text_compiles_no_reading_order() -> None:
    code = (
        "from t2vid_hf.rendering import RenderConfig, TextRenderer, bidi; "
        "TextRenderer(RenderConfig.preset('paper')).render('abc'); print(bidi.resolve.entry)"
    )
    assert run(code) == "None"


def test_ten_times_the_stories_take_the_same_memory(texts: Callable[[str], list[tuple[str, str]]]) -> None:
    stories = [text for _, text in texts("data/longqa/squality") if len(text) > 10_000]
    longest = sorted(stories, key=len)[-8:]
    few, many = (int(run(MEMORY, longest + part)) for part in ([], stories[:72]))
    assert len(stories) >= 72 and many - few < 50, (few, many)
