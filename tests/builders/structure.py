"""What a tree of Python files breaks of the rules on its size and its names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FILES_IN_A_FOLDER, LINES_IN_A_FILE, LINES_IN_A_FUNCTION = 30, 400, 50
STANDS_ALONE = ("certificates", "verify.py")
FROM_A_TEST = re.compile(r"^\s*(?:from|import) tests\.(?:\w+\.)*test_\w+", re.MULTILINE)


def breaches(folder: Path, *, tests: bool = False) -> list[str]:
    """Return a line for everything below a folder that breaks a rule; of tests only who imports from whom counts."""
    paths = sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
    rules = (imports_from_tests,) if tests else (long_file, long_functions, own_name)
    lines = [line for path in paths for rule in rules for line in rule(path)]
    return lines if tests else [*crowded(folder), *lines]


def crowded(folder: Path) -> Iterator[str]:
    """Folders that hold too many files."""
    for place in sorted({path.parent for path in folder.rglob("*.py")}):
        if (files := len(list(place.glob("*.py")))) > FILES_IN_A_FOLDER:
            yield f"{place.relative_to(folder.parent)}: {files} files"


def long_file(path: Path) -> Iterator[str]:
    """A file of too many lines; the checker of certificates, which must be one file, is counted without docstrings."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines()) - (docstring_lines(text) if path.parts[-2:] == STANDS_ALONE else 0)
    if lines > LINES_IN_A_FILE:
        yield f"{path.name}: {lines} lines"


def docstring_lines(text: str) -> int:
    """Lines of a module's docstrings."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    said = [node.body[0] for node in ast.walk(ast.parse(text)) if isinstance(node, kinds) and ast.get_docstring(node)]
    return sum(int(one.end_lineno or 0) - one.lineno + 1 for one in said)


def long_functions(path: Path) -> Iterator[str]:
    """Functions of too many lines, their docstrings not counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and (lines := body_lines(node)) > LINES_IN_A_FUNCTION:
            yield f"{path.name}: {node.name} has {lines} lines"


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function from `def` on, without its docstring."""
    lines = int(function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    text = function.body[0]
    return lines - (int(text.end_lineno or 0) - text.lineno + 1)


def own_name(path: Path) -> Iterator[str]:
    """A module that has the name of something its package exports: the two could not be told apart."""
    stub = path.with_name("__init__.pyi")
    if not stub.is_file():
        return
    names = [alias.asname for node in ast.parse(stub.read_text(encoding="utf-8")).body for alias in imported(node)]
    if path.stem in names:
        yield f"{path.parent.name}/{path.name}: its package exports something of this name"


def imported(node: ast.stmt) -> list[ast.alias]:
    """What a line of a stub imports from modules beside it; whole modules that are exported do not count."""
    return node.names if isinstance(node, ast.ImportFrom) and node.module else []


def imports_from_tests(path: Path) -> Iterator[str]:
    """A file of tests that imports from another file of tests."""
    for match in FROM_A_TEST.finditer(path.read_text(encoding="utf-8")):
        yield f"{path.name}: {match[0].strip()}"
