"""Machine code of loops: numba compiles them, LLVM writes an object file, LLVM's execution engine takes that file up.

Only `compile_loops` imports numba (0.3 to 0.5 s); for `take_up`, all that a process does when the file is kept already,
LLVM is enough (0.04 s).

Around each loop is an *entry*, a function of two rows of 64-bit words: what the loop is given, the addresses of the
array objects and the numbers; and for each array two words, the addresses of NumPy's array type and of the data type
object. It reads shape and data from the array object, where each C extension reads them (`PyArrayObject_fields`, part
of NumPy's binary interface), and refuses what is not as declared. To ask for an address in Python takes 0.3 to 2.6 us
an array, this nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

# What an entry returns for an array that is not as declared. No loop returns it.
REFUSED = -(2**63)
_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400
# Where the fields of an array object are, behind what every Python object begins with, which ends with its type
_HEAD, _TYPE, _DATA, _NDIM, _SHAPE, _DTYPE, _FLAGS = object.__basicsize__, -8, 0, 8, 16, 40, 48


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


def native_target() -> Any:
    """The target machine of this processor, for an execution engine, as numba's own."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    host = {"cpu": llvm.get_host_cpu_name(), "features": llvm.get_host_cpu_features().flatten()}
    triple = llvm.Target.from_default_triple()
    return triple.create_target_machine(**host, opt=3, reloc="default", codemodel="jitdefault", jit=True)


def compile_loops(sources: Mapping[str, Source]) -> bytes:
    """Compile loops into one object file; the entry of the loop `name` is its symbol `entry.name`.

    Raises:
        `NotImplementedError`: a loop needs what is not there without numba: it allocates, raises, or calls a library.
    """
    import llvmlite.binding as llvm

    target = native_target()
    whole = llvm.parse_assembly("")
    for name, source in sources.items():
        symbol, text = _numba_text(source)
        module = llvm.parse_assembly(f"{text}\n{_entry_text(name, symbol, source)}")
        module.verify()
        for each in (*module.functions, *module.global_variables):
            if not each.is_declaration and not each.name.startswith("entry."):
                each.linkage = "internal"
        whole.link_in(module)
    # numba has optimised each loop. Now that nobody else calls it LLVM sees that it returns no error.
    passes = llvm.create_new_module_pass_manager()
    passes.add_ipsccp_pass()
    passes.add_simplify_cfg_pass()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    passes.run(whole, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
    items = (*whole.functions, *whole.global_variables)
    missing = [each.name for each in items if each.is_declaration and not each.name.startswith("llvm.")]
    if missing:
        raise NotImplementedError(f"the compiled loops {', '.join(sources)} need {', '.join(missing)}")
    return target.emit_object(whole)


def take_up(code: bytes, names: tuple[str, ...]) -> tuple[Any, dict[str, int]]:
    """Load an object file into this process.

    Returns:
        `tuple[Any, dict[str, int]]`: what has to live as long as the loops are called; each loop's address.
    """
    import llvmlite.binding as llvm

    target = native_target()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine, {name: engine.get_function_address(f"entry.{name}") for name in names}


def _numba_text(source: Source) -> tuple[str, str]:
    """The symbol that takes a loop's arguments as C would, and LLVM's optimised text."""
    from numba import cfunc, types

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


def _entry_text(name: str, symbol: str, source: Source) -> str:
    """The entry of a loop as LLVM's text."""
    checks: list[str] = []
    body: list[str] = []
    passed = []
    arrays = 0
    for number, argument in enumerate(source.arguments):
        at = f"%a{number}"
        if not argument.ndim:
            body += [*_field(at, "%words", "i64", 8 * number), f"{at}.flag = icmp ne i64 {at}, 0"]
            passed.append(f"i1 {at}.flag" if argument.dtype == "bool" else f"i64 {at}")
            continue
        flags = _CONTIGUOUS | _ALIGNED | (_WRITEABLE if argument.written else 0)
        checks += [
            *_field(f"{at}.object", "%words", "ptr", 8 * number),
            *_field(f"{at}.array", "%known", "i64", 16 * arrays),
            *_field(f"{at}.wanted", "%known", "i64", 16 * arrays + 8),
            *_field(f"{at}.type", f"{at}.object", "i64", _HEAD + _TYPE),
            # What is no array has none of the other fields.
            *_check(f"{at}.is_array", f"i64 {at}.type, {at}.array"),
            *_field(f"{at}.dtype", f"{at}.object", "i64", _HEAD + _DTYPE),
            *_check(f"{at}.is_typed", f"i64 {at}.dtype, {at}.wanted"),
            *_field(f"{at}.ndim", f"{at}.object", "i32", _HEAD + _NDIM),
            *_check(f"{at}.is_shaped", f"i32 {at}.ndim, {argument.ndim}"),
            *_field(f"{at}.flags", f"{at}.object", "i32", _HEAD + _FLAGS),
            f"{at}.set = and i32 {at}.flags, {flags}",
            *_check(f"{at}.is_plain", f"i32 {at}.set, {flags}"),
        ]
        array = f"{{ ptr, ptr, i64, i64, ptr, [{argument.ndim} x i64], [{argument.ndim} x i64] }}"
        body += _array(at, array, argument)
        passed.append(f"{array} {at}")
        arrays += 1
    call = f'call {"i64" if source.returns else "ptr"} @"{symbol}"({", ".join(passed)})'
    run = [*body, f"%result = {call}", "ret i64 %result" if source.returns else "ret i64 0"]
    lines = [*checks, *run, "refuse:", f"ret i64 {REFUSED}"]
    return "\n".join([f'define i64 @"entry.{name}"(ptr %words, ptr %known) {{', *lines, "}"])


def _check(name: str, equal: str) -> list[str]:
    following = name.removeprefix("%")
    return [f"{name} = icmp eq {equal}", f"br i1 {name}, label %{following}.so, label %refuse", f"{following}.so:"]


def _field(name: str, place: str, kind: str, offset: int) -> list[str]:
    return [f"{name}_place = getelementptr i8, ptr {place}, i64 {offset}", f"{name} = load {kind}, ptr {name}_place"]


def _array(at: str, array: str, argument: Argument) -> list[str]:
    """An array as numba passes it: two owners (none), elements, bytes of one, data, shape, strides."""
    lines = [
        *_field(f"{at}.data", f"{at}.object", "ptr", _HEAD + _DATA),
        *_field(f"{at}.shape", f"{at}.object", "ptr", _HEAD + _SHAPE),
    ]
    values = [("ptr null", "0"), ("ptr null", "1"), (f"i64 {argument.itemsize}", "3"), (f"ptr {at}.data", "4")]
    stride = str(argument.itemsize)
    for axis in reversed(range(argument.ndim)):
        lines += _field(f"{at}.size{axis}", f"{at}.shape", "i64", 8 * axis)
        values += [(f"i64 {at}.size{axis}", f"5, {axis}"), (f"i64 {stride}", f"6, {axis}")]
        lines.append(f"{at}.stride{axis} = mul i64 {stride}, {at}.size{axis}")
        stride = f"{at}.stride{axis}"
    lines.append(f"{at}.elements = sdiv exact i64 {stride}, {argument.itemsize}")
    values.append((f"i64 {at}.elements", "2"))
    before = "undef"
    for number, (value, place) in enumerate(values):
        name = at if number == len(values) - 1 else f"{at}.part{number}"
        lines.append(f"{name} = insertvalue {array} {before}, {value}, {place}")
        before = name
    return lines
