"""Compiled loops: made of the text in the package, without numba, once for all processes; anew when they have to be."""

import hashlib
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import huggingface_hub
import numpy as np
import pytest
from filelock import FileLock

from t2vid_hf import _compiled, _loop_text, _object_cache
from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer, bidi, bitmaps, blit, kernels, survey

ROOT = Path(__file__).resolve().parents[2]
LOOPS = (bidi, bitmaps, blit, kernels, survey)
DRAW = """
import json, sys
from t2vid_hf import _compiled
made, kept = [], _compiled.kept
_compiled.kept = lambda name, make: kept(name, lambda: made.append(name.partition("-")[0]) or make())
from t2vid_hf.rendering import RenderConfig, TextRenderer
frames = TextRenderer(RenderConfig.preset("paper")).render("The keeper wound the clock. " * 9).frames
print(json.dumps({"made": made, "numba": "numba" in sys.modules, "ink": int((255 - frames.astype(int)).sum())}))
"""


def start(home: Path, **others: str) -> subprocess.Popen:
    # Nothing of another run: where the home cannot be written, the temporary folder is looked into.
    environment = {**os.environ, "HF_HOME": str(home), "TMPDIR": str(home.parent), **others}
    environment.pop("HF_ASSETS_CACHE", None)
    return subprocess.Popen([sys.executable, "-c", DRAW], env=environment, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen) -> dict:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(output)


def files(home: Path) -> list[Path]:
    return sorted(home.rglob("*.bin"))


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    """A home in which four processes have drawn at once, the first that ever did, and what they told."""
    home = tmp_path_factory.mktemp("home")
    return home, [told(process) for process in [start(home) for _ in range(4)]]


def test_processes_that_start_together_compile_once(warm: tuple[Path, list[dict]]) -> None:
    home, drawn = warm
    assert sorted(name for process in drawn for name in process["made"]) == ["bitmaps", "blit", "kernels"]
    assert len(files(home)) == 3 and len({process["ink"] for process in drawn}) == 1


def test_a_fresh_process_draws_without_numba(warm: tuple[Path, list[dict]]) -> None:
    home, drawn = warm
    assert not any(process["numba"] for process in drawn)
    assert told(start(home)) == {"made": [], "numba": False, "ink": drawn[0]["ink"]}


def test_damaged_object_code_is_made_anew(warm: tuple[Path, list[dict]], tmp_path: Path) -> None:
    home, drawn = warm
    for number, path in enumerate(files(home)):
        copy = tmp_path / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes()
        copy.write_bytes(data[:-200] if number else data[:-9] + bytes(9))
    assert told(start(tmp_path)) == {"made": ["bitmaps", "kernels", "blit"], "numba": False, "ink": drawn[0]["ink"]}
    assert told(start(tmp_path))["made"] == []


def test_where_the_home_cannot_be_written_the_temporary_folder_can(tmp_path: Path) -> None:
    """A file stands where the folder would: that stops root too."""
    (tmp_path / "home").write_text("")
    (tmp_path / "temporary").mkdir()
    drawn = [told(start(tmp_path / "home", TMPDIR=str(tmp_path / "temporary"))) for _ in range(2)]
    assert [process["made"] for process in drawn] == [["bitmaps", "kernels", "blit"], []]


def test_without_any_folder_each_process_compiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: list[int], make: Callable[[], bytes]
) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    monkeypatch.setattr(_object_cache, "folders", lambda: [nowhere / "a", nowhere / "b"])
    assert [_object_cache.kept("loops.bin", make) for _ in range(2)] == [b"code"] * 2 and len(made) == 2


@pytest.fixture
def made() -> list[int]:
    """A number for each time that something was made."""
    return []


@pytest.fixture
def make(made: list[int]) -> Callable[[], bytes]:
    """Makes something."""

    def code() -> bytes:
        made.append(1)
        return b"code"

    return code


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder where files are kept."""
    monkeypatch.setattr(_object_cache, "folders", lambda: [tmp_path])
    return tmp_path


@pytest.mark.parametrize("damaged", [b"", b"code", bytes(40)])
def test_a_damaged_file_is_replaced(folder: Path, made: list[int], make: Callable[[], bytes], damaged: bytes) -> None:
    (folder / "loops.bin").write_bytes(damaged)
    assert [_object_cache.kept("loops.bin", make) for _ in range(2)] == [b"code"] * 2 and len(made) == 1


def test_a_process_that_hangs_is_not_waited_for(
    folder: Path, made: list[int], make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_object_cache, "WAIT_S", 0.1)
    with FileLock(folder / ".lock"):
        assert _object_cache.kept("loops.bin", make) == b"code" and made


def test_a_process_that_was_killed_is_not_waited_for(folder: Path, make: Callable[[], bytes]) -> None:
    lock = str(folder / ".lock")
    hold = f"import os; from filelock import FileLock; FileLock({lock!r}).acquire(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", hold])
    begin = time.monotonic()
    assert _object_cache.kept("loops.bin", make) == b"code" and time.monotonic() - begin < 10


def test_the_files_unused_for_longest_are_dropped(folder: Path, make: Callable[[], bytes]) -> None:
    for number in range(_object_cache.MOST_FILES + 3):
        _object_cache.kept(f"{number}.bin", make)
        os.utime(folder / f"{number}.bin", (number, number))
        if number > 2:
            _object_cache.kept("0.bin", make)
    names = {path.name for path in folder.glob("*.bin")}
    assert len(names) <= _object_cache.MOST_FILES + 1 and "0.bin" in names and "1.bin" not in names


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_file_that_is_not_whole_does_not_stay(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with suppress(KeyboardInterrupt):
        _object_cache.keep("atlas", b"content")
    assert not list(folder.iterdir())


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no users here")
def test_a_folder_that_others_may_write_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: list[int], make: Callable[[], bytes]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(_object_cache, "folders", lambda: [tmp_path / "open"])
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert [_object_cache.kept("loops.bin", make) for _ in range(2)] == [b"code"] * 2 and len(made) == 2


def test_files_lie_where_hugging_face_s_libraries_keep_theirs() -> None:
    assert _object_cache.folders()[0] == huggingface_hub.cached_assets_path("t2vid_hf", "kernels")


# --- The text in the package, and numba ------------------------------------------------------------------------------

TEXTS = [
    "The keeper wound the clock; AVAST, fi fl. " * 40,
    "\u0434\u043e\u043c\t12 % \u03bb\u03cc\u03b3\u03bf\u03c2\n" * 30,
    "\u0641\u064a \u0627\u0644\u0628\u062f\u0621 123 abc (\u0645\u062b\u0627\u0644) " * 30,
    "\u05d1\u05e8\u05d0\u05e9\u05d9\u05ea 3.5 kg\n" * 30,
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u4f60\u597d\u3002" * 30,
]
BY_NUMBA = """
import json, sys
from pathlib import Path
from t2vid_hf import _loop_text
_loop_text.SHIPPED = Path("nowhere")
from tests.rendering.test_compiled import drawn
print(json.dumps([drawn(text) for text in json.load(sys.stdin)]), "numba" in sys.modules)
"""


def drawn(text: str) -> list[str]:
    """A digest of the pages of a text in each preset."""
    configs = [RenderConfig.preset(name, max_missing=1.0) for name in ("paper", "dense")]
    return [hashlib.sha256(TextRenderer(config).render(text).frames.tobytes()).hexdigest() for config in configs]


def sources(module: ModuleType) -> dict[str, _loop_text.Source]:
    return {name: loop.source for name, loop in _compiled._by_file[module.__name__].items()}


def test_the_text_in_the_package_is_that_of_its_loops() -> None:
    done = subprocess.run([sys.executable, ROOT / ".github/loops.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {_loop_text.digest_of(sources(module)) for module in LOOPS} == set(_loop_text.shipped_texts())
    assert _loop_text.SHIPPED.stat().st_size < 60_000


def test_the_text_is_for_any_processor() -> None:
    """Vectors are those that a loop asks for itself; nothing names a processor, a system or a library."""
    for text in _loop_text.shipped_texts().values():
        assert not re.search(r"target|attributes|personality|@(?!loop\.|_ZN8t2vid_hf|llvm\.)", text)
        assert set(re.findall(r"<\d+ x \w+>", text)) <= {"<16 x i8>"}


def test_pages_are_those_that_numba_draws(tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", BY_NUMBA]
    done = subprocess.run(command, input=json.dumps(TEXTS), env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == f"{json.dumps([drawn(text) for text in TEXTS])} True", done.stderr


def test_the_same_text_is_written_every_time() -> None:
    code = (
        "from t2vid_hf import _compiled, _loop_text; from t2vid_hf.rendering import bitmaps; "
        "print(_loop_text.numba_text({'bound': bitmaps.bound.source}))"
    )
    assert len({output(code, seed) for seed in "12"}) == 1


@pytest.mark.parametrize(("module", "constant"), [(kernels, "SYMBOL_LAST_PLAIN"), (blit, "UNIT"), (blit, "STRIP_PX")])
def test_another_constant_is_another_text(module: ModuleType, constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _loop_text.digest_of(sources(module)) in _loop_text.shipped_texts()
    monkeypatch.setattr(module, constant, getattr(module, constant) + 1)
    assert _loop_text.digest_of(sources(module)) not in _loop_text.shipped_texts()


@pytest.mark.parametrize("text", ["no text of LLVM's", None])
def test_where_the_text_does_not_fit_numba_compiles_or_an_error_asks_for_it(
    text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    @_compiled.compiled("int64(int64, int64)")
    def difference(one, other):
        return one - other

    given = {"difference": difference.source}
    digest = _loop_text.digest_of(given)
    monkeypatch.setattr(_compiled, "shipped_texts", lambda: {digest: text} if text else {})
    assert len(_compiled._compile(given, digest)) > 500 and difference(9, 4) == 5
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(InputError, match=r"difference.* pip install numba"):
        _compiled._compile(given, digest)


def test_a_damaged_file_of_texts_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_loop_text, "SHIPPED", tmp_path / "loops.json.xz")
    for content in (b"", b"text", lzma.compress(b"[]")[:-9]):
        _loop_text.SHIPPED.write_bytes(content)
        assert _loop_text.shipped_texts() == {}


def output(code: str, seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout


def test_the_key_is_the_same_in_every_process() -> None:
    code = (
        "from t2vid_hf import _compiled; from t2vid_hf.rendering import blit; given = {'draw': blit.draw.source}; "
        "print(_compiled._key(given, _compiled.digest_of(given)))"
    )
    assert len({output(code, seed) for seed in "12"}) == 1


# --- What a loop is given ---------------------------------------------------------------------------------------------


def good() -> list[np.ndarray]:
    """Arguments of `look_up`, for one character."""
    return [
        np.zeros(1, np.uint32),
        np.zeros(9, np.int32),
        np.zeros(9, np.uint8),
        np.zeros(1, np.int32),
        np.ones(2, int),
    ]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, np.zeros(1, np.int32)),
        (1, np.zeros(9, np.int64)),
        (1, np.zeros(18, np.int32)[::2]),
        (1, np.zeros((3, 3), np.int32)),
        (1, np.zeros(9, np.dtype(np.int32).newbyteorder())),
        (1, np.frombuffer(bytes(37), np.uint8)[1:].view(np.int32)),
        (3, np.frombuffer(bytes(4), np.int32)),
        (4, [0, 0]),
        (2, None),
    ],
)
def test_an_array_that_is_not_as_declared_is_refused(place: int, wrong: object) -> None:
    given: list[object] = [*good()]
    given[place] = wrong
    with pytest.raises(TypeError, match=f"argument {place} of look_up has to be a contiguous"):
        kernels.look_up(*given)


def test_an_array_whose_type_has_another_name_is_taken(tmp_path: Path) -> None:
    given = good()
    given[4] = np.ones(2, np.longlong)
    given[1] = np.memmap(tmp_path / "slots", np.int32, "w+", shape=9)
    kernels.look_up(*given)
    assert given[4].tolist() == [1, 0]


def test_numbers_and_their_count_are_checked() -> None:
    with pytest.raises(TypeError, match="5 arguments, not 4"):
        kernels.look_up(*good()[:4])

    @_compiled.compiled("int64(int64, bool)")
    def difference(number, flag):
        return number - 1 if flag else number

    assert (difference(np.int32(-4), True), difference(2**40, np.bool_(False))) == (-5, 2**40)
    with pytest.raises(TypeError):
        difference(1.5, True)


def test_a_loop_that_needs_more_than_arithmetic_is_refused() -> None:
    @_compiled.compiled("int64(const int64[])")
    def copied(numbers):
        return numbers.copy()[0]

    with pytest.raises(Exception, match="NRT|copied"):
        copied(np.zeros(3, np.int64))


@pytest.mark.parametrize(
    "signature", ["int64(int32)", "float64(int64)", "int64()", "int64(int64, int64)", "int64(a[])"]
)
def test_a_signature_that_does_not_fit_is_refused(signature: str) -> None:
    with pytest.raises(TypeError):
        _compiled.compiled(signature)(lambda number: number)
