"""Small changes of a module's code, one at a time, found in its syntax tree.

Changed are comparisons, arithmetic, `and` and `or`, conditions, numbers, `min` and `max` and their like. Left alone is
what changes no result: docstrings, annotations, decorators, error messages, asserts, imports, and what stands at the
top of a module (names, sizes, tolerances).
"""

import ast
import copy
import difflib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}

NAMES = {
    "min": "max",
    "argmin": "argmax",
    "minimum": "maximum",
    "any": "all",
    "first_smallest": "first_largest",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "cumsum": "cumprod",
    "flatnonzero": "arange",
    "ceil": "floor",
}
"""Functions and methods that stand for each other."""

SWAPPED = {**NAMES, **{other: name for name, other in NAMES.items() if other != "arange"}}

TINY = 1e-4
"""Numbers below this are tolerances."""


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        path: of the file, from the top of the repository.
        index: of the change among those of its file.
        name: where it is and what it is, in words that do not move with lines: how it is called in a list.
        lines: first and last of the statement that it changes; of one with a body, to the body's first.
        within: a digest of the function that it changes: a result is one of this code only.
    """

    path: str
    index: int
    name: str
    lines: tuple[int, int]
    within: str = ""


Change = Callable[[], None]
"""What makes a node another one, in place."""

Lines = tuple[int, int]


def mutants(path: str, source: str) -> list[Mutant]:
    """All changes of a file.

    >>> [one.name for one in mutants("a.py", "def f(x):\\n    return x + 1\\n")]
    ['a.py: f: x + 1 → x - 1', 'a.py: f: 1 → 2']
    """
    seen: dict[str, int] = {}
    out = []
    for index, (function, digest, words, lines, _) in enumerate(_changes(ast.parse(source))):
        name = f"{path}: {function}: {words}"
        seen[name] = seen.get(name, 0) + 1
        name = name if seen[name] == 1 else f"{name} ({seen[name]})"
        out.append(Mutant(path, index, name, lines, digest))
    return out


def mutated(source: str, index: int) -> str:
    """The file's code after one change.

    >>> print(mutated("def f(x):\\n    return x + 1\\n", 0))
    def f(x):
        return x - 1
    """
    tree = ast.parse(source)
    for k, (*_, change) in enumerate(_changes(tree)):
        if k == index:
            change()
            break
    return ast.unparse(tree)


def difference(source: str, index: int) -> str:
    """The lines that a change takes away and puts in, with one around them."""
    before, after = ast.unparse(ast.parse(source)), mutated(source, index)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def files(root: Path, room: str) -> list[str]:
    """The modules of a room, from the top of the repository."""
    found = sorted((root / room).rglob("*.py")) if (root / room).is_dir() else [root / room]
    return [str(path.relative_to(root)) for path in found if path.name != "__init__.py"]


def _changes(tree: ast.Module) -> Iterator[tuple[str, str, str, Lines, Change]]:
    """Every change as function, its digest, words, lines, and what makes it.

    The tree must be whole when the next is asked for.
    """
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield from _within(statement, "")


def _within(scope: ast.FunctionDef | ast.ClassDef, outer: str) -> Iterator[tuple[str, str, str, Lines, Change]]:
    name = f"{outer}.{scope.name}".lstrip(".")
    code = ast.unparse(scope) if isinstance(scope, ast.FunctionDef) else ""
    digest = hashlib.sha256(code.encode()).hexdigest()[:16]
    for statement in scope.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield from _within(statement, name)
        elif isinstance(scope, ast.FunctionDef):
            yield from ((name, digest, *change) for change in _of_node(statement, _lines(statement)))


def _lines(statement: ast.stmt) -> Lines:
    """The first and last line; of a statement with a body, to the body's first: `while True` itself is not executed."""
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if not body:
        return statement.lineno, statement.end_lineno or statement.lineno
    return statement.lineno, body[0].pattern.lineno if isinstance(statement, ast.Match) else body[0].lineno


def _of_node(node: ast.AST, lines: Lines) -> Iterator[tuple[str, Lines, Change]]:
    """Changes of a statement or expression, which stands on these lines, and of all below it."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        for statement in node.body:
            yield from _of_node(statement, _lines(statement))
        return
    yield from ((words, lines, change) for words, change in _own(node))
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _of_node(child, _lines(child) if isinstance(child, ast.stmt) else lines)


def _own(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Changes of a node itself."""
    match node:
        case ast.Compare():
            for k, operator in enumerate(node.ops):
                if other := COMPARISONS.get(type(operator)):
                    yield _change(node, partial(_compare, k, other))
        case ast.BinOp() if type(node.op) in OPERATORS and not _is_text(node):
            yield _change(node, lambda new: setattr(new, "op", OPERATORS[type(new.op)]()))
        case ast.AugAssign() if type(node.op) in OPERATORS:
            yield _change(node, lambda new: setattr(new, "op", OPERATORS[type(new.op)]()))
        case ast.BoolOp():
            yield _change(node, lambda new: setattr(new, "op", ast.Or() if isinstance(new.op, ast.And) else ast.And()))
        case ast.UnaryOp(op=ast.Not()):
            yield _change(node, lambda new: setattr(new, "operand", ast.UnaryOp(ast.Not(), new.operand)))
        case ast.UnaryOp(op=ast.USub()):
            yield _change(node, lambda new: setattr(new, "op", ast.UAdd()))
        case ast.IfExp() | ast.If() | ast.While():
            yield _change(node, lambda new: setattr(new, "test", ast.UnaryOp(ast.Not(), new.test)))
        case ast.Constant(value=bool()):
            yield _change(node, lambda new: setattr(new, "value", not new.value))
        case ast.Constant(value=int() | float() as number) if number == 0 or abs(number) >= TINY:
            yield _change(node, lambda new: setattr(new, "value", new.value + 1))
        case ast.Name(id=name) if name in SWAPPED and isinstance(node.ctx, ast.Load):
            yield _change(node, lambda new: setattr(new, "id", SWAPPED[new.id]))
        case ast.Attribute(attr=name) if name in SWAPPED:
            yield _change(node, lambda new: setattr(new, "attr", SWAPPED[new.attr]))
        case _:
            return


def _compare(k: int, other: type[ast.cmpop], node: ast.Compare) -> None:
    """Put another operator in place of the k-th."""
    node.ops[k] = other()


def _change(node: ast.AST, make: Callable[[Any], object]) -> tuple[str, Change]:
    """A change as words, and as what makes it in place."""
    new = copy.deepcopy(node)
    make(new)

    def change() -> None:
        node.__dict__.clear()
        node.__dict__.update(new.__dict__)

    return f"{_words(node)} → {_words(new)}", change


def _words(node: ast.AST) -> str:
    """A node's code on one line, without what stands in its body."""
    shown = copy.copy(node)
    if isinstance(shown, ast.If | ast.While):
        shown = shown.test
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(shown))).split())
    return text if len(text) <= 90 else f"{text[:60]} … {text[-25:]}"


def _is_text(node: ast.BinOp) -> bool:
    """Whether a sum is one of texts."""
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )
