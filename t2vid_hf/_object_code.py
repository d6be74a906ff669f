"""Machine code of loops: LLVM makes an object file of their text, and its execution engine takes that file up.

The first takes 0.1 s a file of loops; the second, all that a process does when the object file is kept already, 0.04 s.

Around each loop is an *entry*, a function of two rows of 64-bit words: what the loop is given, the addresses of the
array objects and the numbers; and for each array two words, the addresses of NumPy's array type and of the data type
object. It reads shape and data from the array object, where each C extension reads them (`PyArrayObject_fields`, part
of NumPy's binary interface), and refuses what is not as declared. To ask for an address in Python takes 0.3 to 2.6 us
an array, this nothing.
"""

from collections.abc import Mapping
from typing import Any

from t2vid_hf._loop_text import Argument, Source

# What an entry returns for an array that is not as declared. No loop returns it.
REFUSED = -(2**63)
_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400
# Where the fields of an array object are, behind what every Python object begins with, which ends with its type
_HEAD, _TYPE, _DATA, _NDIM, _SHAPE, _DTYPE, _FLAGS = object.__basicsize__, -8, 0, 8, 16, 40, 48


def native_target() -> Any:
    """The target machine of this processor, for an execution engine, as numba's own."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    host = {"cpu": llvm.get_host_cpu_name(), "features": llvm.get_host_cpu_features().flatten()}
    triple = llvm.Target.from_default_triple()
    return triple.create_target_machine(**host, opt=3, reloc="default", codemodel="jitdefault", jit=True)


def object_code(text: str, sources: Mapping[str, Source]) -> bytes:
    """Make an object file of LLVM's text of loops; the entry of the loop `name` is its symbol `entry.name`.

    Raises:
        `RuntimeError`: this version of LLVM cannot read the text.
    """
    import llvmlite.binding as llvm

    target = native_target()
    module = llvm.parse_assembly("\n".join([text, *(_entry_text(name, source) for name, source in sources.items())]))
    module.triple, module.data_layout = target.triple, str(target.target_data)
    module.verify()
    return target.emit_object(module)


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


def _entry_text(name: str, source: Source) -> str:
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
    call = f'call {"i64" if source.returns else "ptr"} @"loop.{name}"({", ".join(passed)})'
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
