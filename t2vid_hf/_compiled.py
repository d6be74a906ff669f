"""Loops over NumPy arrays, compiled once on a machine: `@compiled("int64(const int32[], uint8[,])")`.

The loops of a file are compiled together, when the first of them is called, and their object code is kept in a folder
that all processes share (`_object_cache.py`). A later process loads it in 0.05 s and imports no numba. What is kept
goes by what the loops depend on, not by names and times: their code, the values of the constants in it, the versions of
numba and llvmlite, the processor. Change any of it and they are compiled again.

A loop takes arrays and whole numbers, and can neither allocate an array nor raise an error.
"""

import ctypes
import hashlib
import os
import platform
import re
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from operator import index
from threading import RLock
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from t2vid_hf._object_cache import kept
from t2vid_hf._object_code import REFUSED, Argument, Source, compile_loops, take_up

_ARGUMENT = re.compile(r"(const )?(u?int(?:8|16|32|64)|bool)(\[,*\])?")
_by_file: dict[str, "dict[str, Loop]"] = {}
_engines: list[Any] = []
# Held while loops are compiled or loaded; a fork waits for it. rendering/turns.py imports this module first: so a fork
# waits for the text that is being drawn before it takes this lock, in the order in which drawing takes them.
_loading = RLock()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release)


def compiled(signature: str, **late: Callable[[], Any]) -> "Callable[[Callable[..., Any]], Loop]":
    """Declare a function as a loop that is compiled when it, or another loop of its file, is first called.

    Args:
        signature (`str`): What it returns, `int64` or `void`, and what it takes, in its order: `int64` or `bool` for a
            number, `uint8[]` for an array of one dimension, `int32[,]` for one of two. Arrays have to be contiguous,
            and writable unless the loop only reads them and says so: `const int32[]`.
        **late (`Callable`): What makes a global of the function that is there only while it is compiled, such as one
            of numba's intrinsics, by the global's name.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf._compiled import compiled
    >>> @compiled("int64(const int32[])")
    ... def total(numbers):
    ...     result = 0
    ...     for number in numbers:
    ...         result += number
    ...     return result
    >>> total(np.arange(10, dtype=np.int32))
    45

    ```
    """
    if not isinstance(signature, str):
        raise TypeError('a compiled loop names its types: @compiled("int64(const int32[])")')
    return partial(Loop, signature=signature, late=late)


class Loop:
    """A compiled function, called as the function is. See [`compiled`].

    Args:
        function (`Callable`): What is compiled.
        signature (`str`): Its types.
        late (`Mapping[str, Callable]`): What makes globals that are there only while it is compiled.
    """

    def __init__(self, function: FunctionType, *, signature: str, late: Mapping[str, Callable[[], Any]]) -> None:
        returned, _, inside = signature.removesuffix(")").partition("(")
        arguments = tuple(_argument(text.strip()) for text in re.split(r",(?![,\]])", inside))
        if returned not in ("int64", "void") or len(arguments) != function.__code__.co_argcount:
            raise TypeError(f"{function.__name__}: {signature!r} is not its signature")
        self.__doc__, self.__name__, self.__module__ = function.__doc__, function.__name__, function.__module__
        self.__qualname__, self.__wrapped__ = function.__qualname__, function
        self.source = Source(function, arguments, returned == "int64", late)
        self._count = len(arguments)
        casts = {"bool": bool, "int64": index}
        self._numbers = [(place, casts[each.dtype]) for place, each in enumerate(arguments) if not each.ndim]
        self._dtypes = [(place, np.dtype(each.dtype)) for place, each in enumerate(arguments) if each.ndim]
        known = [word for _, dtype in self._dtypes for word in (id(np.ndarray), id(dtype))]
        self._known = struct.pack(f"{len(known)}q", *known)
        self._pack = struct.Struct(f"{len(arguments)}q").pack
        self.entry: Callable[[bytes, bytes], int] | None = None
        _by_file.setdefault(function.__module__, {})[function.__name__] = self

    def __call__(self, *given: Any) -> int | None:
        entry = self.entry
        if entry is None:
            entry = self._load()
        if len(given) != self._count:
            raise TypeError(f"{self.__name__} takes {self._count} arguments, not {len(given)}")
        words = list(map(id, given))
        for place, cast in self._numbers:
            words[place] = cast(given[place])
        result = entry(self._pack(*words), self._known)
        if result == REFUSED:
            usual = self._usual(given)
            for (place, _), array in zip(self._dtypes, usual, strict=True):
                words[place] = id(array)
            result = entry(self._pack(*words), self._known)
        return result if self.source.returns else None

    def _load(self) -> Callable[[bytes, bytes], int]:
        with _loading:
            if self.entry is None:
                loops = {**_by_file[self.__module__], self.__name__: self}
                _load_together([loop for loop in loops.values() if loop.entry is None])
        assert self.entry is not None
        return self.entry

    def _usual(self, given: tuple[Any, ...]) -> list[np.ndarray]:
        """The arrays, where only their class or the name of their data type is not the usual; else what is wrong."""
        usual = []
        for place, dtype in self._dtypes:
            value, argument = given[place], self.source.arguments[place]
            fits = isinstance(value, np.ndarray) and value.dtype == dtype and value.ndim == argument.ndim
            fits = fits and value.flags.c_contiguous and value.flags.aligned
            if not fits or (argument.written and not value.flags.writeable):
                found = f"{value.dtype} of {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
                told = "contiguous and writable" if argument.written else "contiguous"
                raise TypeError(
                    f"argument {place} of {self.__name__} has to be a {told} array "
                    f"of {argument.dtype} with {argument.ndim} dimensions, not {found}"
                )
            usual.append(np.asarray(value).view(dtype))
        return usual


def _argument(text: str) -> Argument:
    found = _ARGUMENT.fullmatch(text)
    if found is None or (not found[3] and found[2] not in ("int64", "bool")):
        raise TypeError(f"{text!r} is not a number or an array of a signature")
    return Argument(found[2], np.dtype(found[2]).itemsize, len(found[3]) - 1 if found[3] else 0, not found[1])


def _load_together(loops: "list[Loop]") -> None:
    sources = {loop.__name__: loop.source for loop in loops}
    name = f"{loops[0].__module__.rpartition('.')[2]}-{_key(sources)}.bin"
    engine, addresses = take_up(kept(name, partial(compile_loops, sources)), tuple(sources))
    _engines.append(engine)
    # It keeps the interpreter's lock, as a short function does.
    entry = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_char_p, ctypes.c_char_p)
    for loop in loops:
        loop.entry = entry(addresses[loop.__name__])


def _key(sources: Mapping[str, Source]) -> str:
    """A digest of all that the object code of loops depends on."""
    import llvmlite
    import llvmlite.binding as llvm

    host = platform.machine(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    versions = sys.version, llvmlite.__version__, _numba_version()
    parts: list[object] = [*host, *versions, *_identity(compile_loops, set())]
    for name, source in sources.items():
        parts += [name, source.arguments, source.returns, *_identity(source.function, set())]
        for late, make in source.late.items():
            parts += [late, *_identity(make, set())]
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=12).hexdigest()


def _numba_version() -> str:
    """The version of numba that is installed, without an import of it, or of `importlib.metadata` (0.03 s)."""
    spec = find_spec("numba")
    if spec is None or spec.origin is None:
        return ""
    beside = os.listdir(os.path.dirname(os.path.dirname(spec.origin)))
    found = sorted(name for name in beside if name.startswith("numba-") and name.endswith(".dist-info"))
    if found:
        return found[0]
    from importlib.metadata import version

    return version("numba")


def _identity(value: object, seen: set[object]) -> Iterator[str]:
    """What a function does: its code, and the values of the globals in it, functions of its package with theirs."""
    if isinstance(value, FunctionType):
        package = value.__module__.partition(".")[0]
        if value in seen or (seen and package not in seen):
            return
        seen |= {value, package}
        for code in _codes(value.__code__):
            yield code.co_code.hex()
            yield repr((code.co_argcount, code.co_varnames, code.co_freevars, code.co_cellvars))
            constants = [each for each in code.co_consts if not isinstance(each, CodeType)]
            yield repr([sorted(map(repr, each)) if isinstance(each, frozenset) else each for each in constants])
            for name in code.co_names:
                yield name
                if name in value.__globals__:
                    yield from _identity(value.__globals__[name], seen)
    elif isinstance(value, int | float | str | bytes | tuple | list | dict | np.generic | None):
        yield f"{type(value).__name__} {value!r}"
    else:
        yield value.__name__ if isinstance(value, ModuleType) else f"{type(value)} {getattr(value, '__qualname__', '')}"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)
