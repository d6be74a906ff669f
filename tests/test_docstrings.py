"""Docstrings in one form, checked in the syntax tree: one argument a line, its default told, none forgotten.

The form is Hugging Face's: "name (`type`): what it is", "name (`type`, *optional*): ..." where the default is `None` or
made anew for each object, and "name (`type`, *optional*, defaults to `value`): ..." for any other default.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "t2vid_hf"
MODULES = sorted(PACKAGE.rglob("*.py"))

SECTIONS = ("Args:", "Attributes:")
ENTRY = re.compile(r"(?P<name>\**\w+) \((?P<type>.+?)\): (?P<text>\S.*)")
OPTIONAL = re.compile(r", \*optional\*(?:, defaults to `(?P<value>[^`]+)`)?$")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = Function | ast.ClassDef | ast.Module


@dataclass(frozen=True)
class Parameter:
    """What the code says of a parameter or of a field: `default` is `None` where it has none or one made by a call."""

    name: str
    optional: bool = False
    default: ast.expr | None = None


@dataclass
class Entry:
    """One entry of a section: its lines joined."""

    section: str
    line: str
    more: list[str] = field(default_factory=list)

    @property
    def joined(self) -> str:
        return " ".join([self.line, *self.more])


def problems(source: str, file: str) -> list[str]:
    """Where the docstrings of a module depart from the form, as "file:line: name: what is wrong"."""
    tree, found = ast.parse(source), []
    constants = {
        target.id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    is_public_module = not Path(file).name.startswith("_") or Path(file).name == "__init__.py"
    for node, name, is_public in _documentable(tree):
        docstring = ast.get_docstring(node)
        place = f"{file}:{getattr(node, 'lineno', 1)}: {name or 'module'}"
        if docstring is None:
            if is_public and is_public_module:
                found.append(f"{place}: no docstring")
            continue
        wrong = [*_of_lines(docstring), *_sections(docstring, node, is_public and is_public_module, constants)]
        if is_public and is_public_module and not docstring.splitlines()[0].endswith((".", ":")):
            wrong.append("the first line ends with neither a full stop nor a colon")
        found += [f"{place}: {problem}" for problem in wrong]
    return found


def _documentable(node: Node, prefix: str = "", public: bool = True) -> Iterator[tuple[Node, str, bool]]:
    yield node, prefix, public
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try):
            yield from list(_documentable(child, prefix, public))[1:]
        elif isinstance(child, Function | ast.ClassDef):
            seen = public and not child.name.startswith("_") and not isinstance(node, Function)
            yield from _documentable(child, f"{prefix}.{child.name}" if prefix else child.name, seen)


def _of_lines(docstring: str) -> list[str]:
    lines = [line.strip() for line in docstring.splitlines()]
    return [f"a line begins with 'Of': {line}" for line in lines if re.match(r"Of[ ,]", line)]


def _sections(docstring: str, node: Node, is_public: bool, constants: dict[str, ast.expr]) -> list[str]:
    parameters, wrong, told = _parameters(node), [], []
    entries = list(_entries(docstring))
    for entry in entries:
        match = ENTRY.fullmatch(entry.joined)
        plain = re.sub(r"\[?`[^`]+`\]?", "", match["type"]) if match else ""
        if match is None or re.search(r"[()`\[\]]", plain) or not re.match(r"\[?`", match["type"]):
            wrong.append(f'not "name (`type`): what it is", one argument a line: {entry.joined}')
            continue
        # what an object has, beside what it is given
        is_extra = entry.section == "Attributes:" and isinstance(node, ast.ClassDef) and not _is_record(node)
        if not is_extra:
            told.append(match["name"])
        if re.match(r"Of[ ,]", match["text"]):
            wrong.append(f"{match['name']}: the description begins with 'Of'")
        if parameters is not None and match["name"] in parameters and not is_extra:
            wrong += _default(parameters[match["name"]], match["type"], constants)
    if entries and is_public and parameters is not None:
        names, told = list(parameters), [name for name in told if not name.startswith("*")]
        wrong += [f"{name} is not documented" for name in names if name not in told]
        if not _takes_more(node):
            wrong += [f"{name} is documented and does not exist" for name in told if name not in names]
        known = [name for name in told if name in names]
        if set(names) == set(known) and names != known:
            wrong.append(f"documented in the order {', '.join(known)}, and the signature is {', '.join(names)}")
    return wrong


def _entries(docstring: str) -> Iterator[Entry]:
    """The entries of `Args:` and `Attributes:`: lines indented by 4, each with the deeper lines that go on with it."""
    section, entry = "", None
    for line in docstring.splitlines():
        if line and not line.startswith(" "):
            section = line if line in SECTIONS else ""
        elif section and line.strip():
            if re.match(r" {4}\S", line):
                if entry:
                    yield entry
                entry = Entry(section, line.strip())
            elif entry:
                entry.more.append(line.strip())
    if entry:
        yield entry


def _default(parameter: Parameter, kind: str, constants: dict[str, ast.expr]) -> list[str]:
    """What an entry's type says of the default, against the code; a constant stands there by name or by value."""
    match = OPTIONAL.search(kind)
    name, default = parameter.name, parameter.default
    if not parameter.optional:
        return [f"{name} has no default and is said to have one"] if "optional" in kind or "defaults" in kind else []
    is_none = default is None or (isinstance(default, ast.Constant) and default.value is None)
    if match is None:
        ending = ", *optional*" if is_none else ", *optional*, defaults to `value`"
        return [f'{name} has a default; its type must end with "{ending}"']
    if is_none:
        return [f"{name}: no value is named where the default is `None` or made anew"] if match["value"] else []
    if match["value"] is None:
        return [f"{name}: the default is not told: {ast.unparse(default)}"]
    try:
        said = ast.dump(ast.parse(match["value"], mode="eval").body)
    except SyntaxError:
        said = ""
    allowed = [default, constants.get(default.id, default)] if isinstance(default, ast.Name) else [default]
    wrong = said not in map(ast.dump, allowed) or "'" in match["value"]
    return [f"{name} defaults to {ast.unparse(default)}, not to {match['value']}"] if wrong else []


def _parameters(node: Node) -> dict[str, Parameter] | None:
    """The parameters of a function, the fields of a dataclass or named tuple, or those of `__init__`; else `None`."""
    if isinstance(node, Function):
        return _of_signature(node.args)
    if isinstance(node, ast.ClassDef):
        if _is_record(node):
            return {each.name: each for each in map(_of_field, node.body) if each}
        for child in node.body:
            if isinstance(child, Function) and child.name == "__init__":
                return _of_signature(child.args)
    return None


def _takes_more(node: Node) -> bool:
    """Whether arguments that the signature does not name may be given: a class may list those of `**kwargs`."""
    found = [child for child in node.body if isinstance(child, Function) and child.name == "__init__"]
    return isinstance(node, ast.ClassDef) and not _is_record(node) and any(child.args.kwarg for child in found)


def _is_record(node: ast.ClassDef) -> bool:
    """Whether a class's annotations are its parameters: a dataclass, a named tuple, a configuration of transformers."""
    named = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in node.decorator_list]
    return any(ast.unparse(name).endswith("dataclass") for name in named) or any(
        ast.unparse(base).endswith(("NamedTuple", "Config")) for base in node.bases
    )


def _of_signature(args: ast.arguments) -> dict[str, Parameter]:
    placed = [*args.posonlyargs, *args.args]
    defaults = [*[None] * (len(placed) - len(args.defaults)), *args.defaults]
    pairs = [*zip(placed, defaults, strict=True), *zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    return {
        arg.arg: Parameter(arg.arg, default is not None, default)
        for arg, default in pairs
        if arg.arg not in ("self", "cls")
    }


def _of_field(statement: ast.stmt) -> Parameter | None:
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        return None
    name, value = statement.target.id, statement.value
    if name.startswith("_") or ast.unparse(statement.annotation).startswith("ClassVar"):
        return None
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("field"):
        given = {keyword.arg: keyword.value for keyword in value.keywords}
        if isinstance(given.get("init"), ast.Constant) and not given["init"].value:  # type: ignore[attr-defined]
            return None
        return Parameter(name, "default" in given or "default_factory" in given, given.get("default"))
    return Parameter(name, value is not None, value)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_hold_the_form(path: Path) -> None:
    found = problems(path.read_text("utf-8"), str(path.relative_to(PACKAGE)))
    assert not found, "\n".join(found)


def test_the_whole_package_is_looked_at() -> None:
    assert len(MODULES) > 100


HEAD = '''"""A module."""

class Pen:
    """Draws.

    Args:
        width (`int`): Width of a line in pixels.
        name (`str`, *optional*): What it is called; `None` for a pen without a name.
        style (`str`, *optional*, defaults to `"plain"`): How it draws, over
            two lines.

    Attributes:
        ink (`float`): How much of it is left, in millilitres.
    """

    def __init__(self, width: int, *, name: str | None = None, style: str = "plain", **more: int) -> None: ...
'''
FIELDS = '''"""A module."""

WIDTH = 80

@dataclass(frozen=True)
class Page:
    """A page.

    Args:
        lines (`list[str]`, *optional*): Its lines, from the top.
        width (`int`, *optional*, defaults to `WIDTH`): Its width in pixels.
        shape (`np.ndarray` of shape `(a, b)`, float32): What it looks like.
    """

    lines: list[str] = field(default_factory=list)
    width: int = WIDTH
    shape: np.ndarray
'''


@pytest.mark.parametrize(
    "source", [HEAD, FIELDS, FIELDS.replace("`WIDTH`", "`80`")], ids=["arguments", "fields", "value of a constant"]
)
def test_the_form_is_accepted(source: str) -> None:
    assert problems(source, "planted.py") == []


@pytest.mark.parametrize(
    ("source", "old", "new", "problem"),
    [
        (HEAD, "width (`int`): Width", "width (`int`), name (`str`): Width", "one argument a line"),
        (HEAD, "width (`int`)", "width, name (`int`)", "one argument a line"),
        (HEAD, "width (`int`)", "width (int)", "one argument a line"),
        (HEAD, "width (`int`): Width of a line in pixels.", "width (`int`).", "one argument a line"),
        (HEAD, "name (`str`, *optional*)", "name (`str`)", "name has a default"),
        (HEAD, "name (`str`, *optional*)", "name (`str`, *optional*, defaults to `None`)", "no value is named"),
        (HEAD, ', *optional*, defaults to `"plain"`', "", "style has a default"),
        (HEAD, ', defaults to `"plain"`', "", "the default is not told: 'plain'"),
        (HEAD, '`"plain"`', '"plain"', "style has a default"),
        (HEAD, '`"plain"`', '`"fine"`', "style defaults to 'plain', not to \"fine\""),
        (HEAD, '`"plain"`', "`'plain'`", "style defaults to 'plain'"),
        (HEAD, "width (`int`)", "width (`int`, *optional*)", "width has no default"),
        (HEAD, "Width of", "Of", "begins with 'Of'"),
        (HEAD, "two lines.", "Of two lines.", "a line begins with 'Of'"),
        (HEAD, "width (`int`): Width of a line in pixels.\n        ", "", "width is not documented"),
        (HEAD, "width (`int`)", "breadth (`int`)", "width is not documented"),
        (HEAD, "self, width: int, *, name: str | None = None", "self, *, name=None, width: int", "in the order"),
        (HEAD, "Draws.", "Draws", "the first line ends with"),
        (HEAD, "ink (`float`)", "ink (float)", "one argument a line"),
        (HEAD, "How much", "Of what", "begins with 'Of'"),
        (HEAD, '"""A module."""', "", "no docstring"),
        (HEAD, '"""Draws.', '"', "no docstring"),
        (FIELDS, "lines (`list[str]`, *optional*)", "lines (`list[str]`)", "lines has a default"),
        (FIELDS, "defaults to `WIDTH`", "defaults to `640`", "width defaults to WIDTH"),
        (FIELDS, "shape: np", "depth: np", "depth is not documented"),
        (FIELDS, "shape: np", "depth: np", "shape is documented and does not exist"),
    ],
)
def test_a_planted_departure_is_reported(source: str, old: str, new: str, problem: str) -> None:
    planted = source.replace(old, new, 1)
    if new == '"':  # a class whose docstring is gone
        planted = re.sub(r'    """Draws.*?"""\n', "", source, flags=re.DOTALL)
    assert planted != source
    assert any(problem in each for each in problems(planted, "planted.py")), problems(planted, "planted.py")
