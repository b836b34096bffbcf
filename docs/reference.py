"""One page of reference per module, and one with the tests that pages cite: a new module needs no entry anywhere.

The pages lie in `docs/reference/`, are not kept under version control, and change only when they must.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from docs.markdown import escaped

FLOORS = ("dynmech.sim", "dynmech.mechanisms", "dynmech.agents", "dynmech.experiments")
ROOT = Path(__file__).resolve().parent.parent
CITED = re.compile(r"\{test\}`(test_\w+)::(test_\w+)`")


def modules(floor: str) -> Iterator[tuple[str, Path]]:
    """Every module below a package, by name."""
    for path in sorted((ROOT / floor.removeprefix("dynmech.")).rglob("*.py")):
        parts = ("dynmech", *path.relative_to(ROOT).with_suffix("").parts)
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def path_of_tests(name: str) -> Path:
    """The path of a test module, below the root; the folders mirror the rooms and no two modules share a name."""
    (path,) = (ROOT / "tests").rglob(f"{name}.py")
    return path.relative_to(ROOT)


@cache
def summary(path: Path) -> str:
    """The first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def module_page(name: str, floor: str = "") -> str:
    """A module: the package that it belongs to, its docstring and its members.

    Modules stand in no table of contents: the list of all would be part of every page. Their package's page has it.
    """
    above = f"In :doc:`{floor}`.\n\n" if floor else ""
    orphan = ":orphan:\n\n" if floor else ""
    return f"{orphan}{name}\n{'=' * len(name)}\n\n{above}.. automodule:: {name}\n"


def floor_page(floor: str) -> str:
    """A package: its docstring, and a line per module."""
    inner = [(name, path) for name, path in modules(floor) if name != floor]
    rows = [f"   * - :doc:`{name} <{name}>`\n     - {escaped(summary(path))}" for name, path in inner]
    table = ".. list-table::\n   :widths: 35 65\n\n" + "\n".join(rows)
    return f"{module_page(floor)}   :no-members:\n\n{table}\n"


def cited_tests() -> dict[str, list[str]]:
    """The tests that pages cite as {test}`file::function`, by file."""
    pages = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))]
    found = sorted({match for page in pages for match in CITED.findall(page)})
    return {file: [test for name, test in found if name == file] for file in dict.fromkeys(name for name, _ in found)}


def tests_page() -> str:
    """The source of every test that is cited."""
    parts = [
        "Tests\n=====\n\nThe tests that the pages on theory cite. They run with `python -m pytest tests/FILE.py`.\n"
    ]
    for file, tests in cited_tests().items():
        parts.append(f"{file}\n{'-' * len(file)}\n\n{escaped(summary(ROOT / path_of_tests(file)))}\n")
        for test in tests:
            source = f"   .. literalinclude:: ../../{path_of_tests(file)}\n      :pyobject: {test}\n"
            parts.append(f".. test:: {file}::{test}\n\n{source}")
    return "\n".join(parts)


def write_reference(folder: Path) -> None:
    """Bring the pages up to date; those of modules that are gone go too."""
    folder.mkdir(exist_ok=True)
    pages = {"tests.rst": tests_page()} | {f"{floor}.rst": floor_page(floor) for floor in FLOORS}
    for floor in FLOORS:
        pages |= {f"{name}.rst": module_page(name, floor) for name, _ in modules(floor) if name != floor}
    for path in folder.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
