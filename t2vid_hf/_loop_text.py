"""LLVM's text of loops: shipped in one file for those of this package, written anew by numba where that does not fit.

The text is numba's, for no particular processor: `_object_code.py` makes machine code of it in 0.1 s a file of loops,
where numba takes seconds. So an installed package draws without numba, which only a developer needs, who changes a loop
or writes one. Which text is whose goes by a digest of what it is made from, the same under every version of Python: the
source of the loops and of this file's way to compile them, and the values of the constants in it.

`python .github/loops.py` writes the file, `loops.json.xz`.
"""

import hashlib
import json
import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError

SHIPPED = Path(__file__).with_name("loops.json.xz")
# Comments, and what this LLVM knows of functions and another version may not: it finds that out by itself.
_LEFT_OUT = r" *;.*$| #\d+|^attributes .*\n|\b(captures|range)\(.*?\) ?"


@dataclass(frozen=True)
class Argument:
    """An argument of a loop.

    Args:
        dtype (`str`): The name of NumPy's data type; `int64` or `bool` for a number.
        itemsize (`int`): Bytes of an element.
        ndim (`int`): The number of dimensions; 0 is a number.
        written (`bool`): Whether the loop may write into the array.
    """

    dtype: str
    itemsize: int
    ndim: int
    written: bool


@dataclass(frozen=True)
class Source:
    """A loop before it is compiled.

    Args:
        function (`FunctionType`): What numba compiles.
        arguments (`tuple[Argument, ...]`): Its arguments.
        returns (`bool`): Whether it returns a number.
        late (`Mapping[str, Callable]`): What makes those of the function's globals that are there only while it is
            compiled, such as numba's intrinsics.
    """

    function: FunctionType
    arguments: tuple[Argument, ...]
    returns: bool
    late: Mapping[str, Callable[[], Any]]


def digest_of(sources: Mapping[str, Source]) -> str:
    """What the text of loops depends on, as a name."""
    # The text is for processors that have the byte order and the size of an address of that which wrote it.
    parts: list[object] = [sys.byteorder, sys.maxsize, *identity(numba_text)]
    for name, source in sources.items():
        parts += [name, source.arguments, source.returns, *identity(source.function)]
        for late, make in source.late.items():
            parts += [late, *identity(make)]
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=12).hexdigest()


def shipped_texts() -> dict[str, str]:
    """The texts in the package, by digest; none if the file is absent or damaged."""
    import lzma

    try:
        return json.loads(lzma.decompress(SHIPPED.read_bytes()))
    except (OSError, ValueError, lzma.LZMAError):
        return {}


def numba_text(sources: Mapping[str, Source]) -> str:
    """The text of loops, optimised, by numba; the loop `name` is its function `loop.name`, called as C would.

    Raises:
        `NotImplementedError`: a loop needs what is not there without numba: it allocates, raises, or calls a library.
        [`~t2vid_hf.errors.InputError`]: numba is not installed.
    """
    import llvmlite.binding as llvm

    whole = llvm.parse_assembly("")
    for name, source in sources.items():
        symbol, text = _text_of_one(source)
        module = llvm.parse_assembly(text.replace(symbol, f"loop.{name}"))
        for each in (*module.functions, *module.global_variables):
            if not each.is_declaration and each.name != f"loop.{name}":
                each.linkage = "internal"
        whole.link_in(module)
    whole.triple = whole.data_layout = ""
    # numba has optimised each loop. Now that nobody else calls it LLVM sees that it returns no error.
    llvm.initialize_native_target()
    passes = llvm.create_new_module_pass_manager()
    passes.add_ipsccp_pass()
    passes.add_simplify_cfg_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    machine = llvm.Target.from_default_triple().create_target_machine()
    passes.run(whole, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    items = (*whole.functions, *whole.global_variables)
    missing = [each.name for each in items if each.is_declaration and not each.name.startswith("llvm.")]
    if missing:
        raise NotImplementedError(f"the compiled loops {', '.join(sources)} need {', '.join(missing)}")
    return re.sub(_LEFT_OUT, "", str(whole), flags=re.MULTILINE)


def _text_of_one(source: Source) -> tuple[str, str]:
    """The symbol that takes a loop's arguments as C would, and LLVM's optimised text."""
    try:
        from numba import cfunc, types
    except ModuleNotFoundError:
        raise InputError(
            f"the package holds no text of the loop '{source.function.__qualname__}' that llvmlite can read here, and "
            "numba, which would write it, is not installed: pip install numba"
        ) from None

    function = source.function
    known = {**function.__globals__, **{name: make() for name, make in source.late.items()}}
    function = FunctionType(function.__code__, known, function.__name__, function.__defaults__, function.__closure__)
    given = [
        types.Array(getattr(types, each.dtype), each.ndim, "C") if each.ndim else getattr(types, each.dtype)
        for each in source.arguments
    ]
    result = types.int64 if source.returns else types.void
    # A division does not raise, and nothing is allocated, so that no array has an owner to be counted.
    options: dict[str, Any] = {"error_model": "numpy", "boundscheck": False, "_nrt": False}
    compiled = cfunc(result(*given), **options)(function)
    return compiled.native_name, compiled.inspect_llvm()


def identity(value: object, seen: set[object] | None = None) -> Iterator[str]:
    """What a function does: its source, and the values of the globals in it, functions of its package with theirs."""
    seen = set() if seen is None else seen
    if isinstance(value, FunctionType):
        package = value.__module__.partition(".")[0]
        if value in seen or (seen and package not in seen):
            return
        seen |= {value, package}
        yield _text(value)
        for name in sorted(_names(value.__code__)):
            if name in value.__globals__:
                yield name
                yield from identity(value.__globals__[name], seen)
    elif isinstance(value, np.generic):
        yield f"{type(value).__name__} {value.item()!r}"
    elif isinstance(value, int | float | str | bytes | tuple | list | dict | None):
        yield repr(value)
    else:
        yield getattr(value, "__qualname__", getattr(value, "__name__", type(value).__name__))


def _text(function: FunctionType) -> str:
    """A function in its file: up to the last line of its code, and what is still indented below. `ast` takes 30 ms."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise OSError(f"cannot read {code.co_filename}: what is kept of a compiled loop goes by its source")
    start = code.co_firstlineno - 1
    margin = len(lines[start]) - len(lines[start].lstrip())
    end = max(line for _, _, line in code.co_lines() if line)
    while end < len(lines) and lines[end][: margin + 1].isspace():
        end += 1
    return "".join(lines[start:end]).rstrip()


def _names(code: CodeType) -> set[str]:
    """The globals and attributes that a function names, and the functions in it."""
    return {*code.co_names}.union(*(_names(each) for each in code.co_consts if isinstance(each, CodeType)))
