"""Compiled loops are kept for all processes: loaded without a compiler, made once, made anew when they have to be."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import huggingface_hub
import numpy as np
import pytest
from filelock import FileLock

from t2vid_hf import _compiled, _object_cache
from t2vid_hf.rendering import blit, kernels

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
    environment = {**os.environ, "HF_HOME": str(home), **others}
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
    assert told(start(home)) == {"made": [], "numba": False, "ink": drawn[0]["ink"]}


def test_damaged_object_code_is_made_anew(warm: tuple[Path, list[dict]], tmp_path: Path) -> None:
    home, drawn = warm
    for number, path in enumerate(files(home)):
        copy = tmp_path / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes()
        copy.write_bytes(data[:-200] if number else data[:-9] + bytes(9))
    assert told(start(tmp_path)) == {"made": ["bitmaps", "kernels", "blit"], "numba": True, "ink": drawn[0]["ink"]}
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


@pytest.mark.parametrize(("module", "constant"), [(kernels, "SYMBOL_LAST_PLAIN"), (blit, "UNIT"), (blit, "STRIP_PX")])
def test_another_constant_is_another_file(module: ModuleType, constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def key() -> str:
        return _compiled._key({name: loop.source for name, loop in _compiled._by_file[module.__name__].items()})

    before = key()
    assert key() == before
    monkeypatch.setattr(module, constant, getattr(module, constant) + 1)
    assert key() != before


def test_the_key_is_the_same_in_every_process() -> None:
    code = (
        "from t2vid_hf import _compiled; from t2vid_hf.rendering import blit; "
        "print(_compiled._key({'draw': blit.draw.source}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


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
    def difference(number, flag):  # type: ignore[no-untyped-def]
        return number - 1 if flag else number

    assert (difference(np.int32(-4), True), difference(2**40, np.bool_(False))) == (-5, 2**40)
    with pytest.raises(TypeError):
        difference(1.5, True)


def test_a_loop_that_needs_more_than_arithmetic_is_refused() -> None:
    @_compiled.compiled("int64(const int64[])")
    def copied(numbers):  # type: ignore[no-untyped-def]
        return numbers.copy()[0]

    with pytest.raises(Exception, match="NRT|copied"):
        copied(np.zeros(3, np.int64))


@pytest.mark.parametrize(
    "signature", ["int64(int32)", "float64(int64)", "int64()", "int64(int64, int64)", "int64(a[])"]
)
def test_a_signature_that_does_not_fit_is_refused(signature: str) -> None:
    with pytest.raises(TypeError):
        _compiled.compiled(signature)(lambda number: number)
