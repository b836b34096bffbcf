"""What a package exports is the same for Python, for `dir` and for type checkers, and all of it can be imported."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import dynmech
from tests.builders.runs import ROOT

FLOORS = ("sim", "mechanisms", "agents", "experiments")
ROOMS = sorted(
    f"dynmech.{path.parent.relative_to(ROOT).as_posix().replace('/', '.')}"
    for floor in FLOORS
    for path in (ROOT / floor).rglob("__init__.pyi")
)
PACKAGES = ["dynmech", *ROOMS]


def stub_of(package: str) -> str:
    """Return the text of a package's stub."""
    return Path(str(importlib.import_module(package).__file__)).with_suffix(".pyi").read_text(encoding="utf-8")


def public_names(stub: str) -> list[str]:
    """Return what a type checker takes as exported by a stub: only `X as X` is."""
    imports = [node for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom)]
    return [alias.name for node in imports for alias in node.names if alias.name == alias.asname]


def imported_names(stub: str) -> list[str]:
    """Return all that a stub imports."""
    return [alias.name for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_every_room_has_a_stub() -> None:
    rooms = {path.parent for floor in FLOORS for path in (ROOT / floor).glob("*/__init__.py")}
    assert [room for room in sorted(rooms) if not (room / "__init__.pyi").is_file()] == []
    assert len(ROOMS) > 25


def test_the_page_on_where_things_are_lists_every_room() -> None:
    text = (ROOT / "docs" / "tree.md").read_text(encoding="utf-8")
    for floor in FLOORS:
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{floor}` |")]
        listed = re.findall(r"`([a-z]+)`", line.split("|")[2])
        assert sorted(listed) == sorted(path.parent.name for path in (ROOT / floor).glob("*/__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_python_dir_and_type_checkers_see_the_same_names(package: str) -> None:
    module, stub = importlib.import_module(package), stub_of(package)
    names = public_names(stub)
    assert names == imported_names(stub)
    assert len(names) == len(set(names))
    assert sorted(module.__all__) == sorted(names)
    assert set(names) <= set(dir(module))
    assert [name for name in names if getattr(module, name, None) is None] == []


def test_a_name_that_type_checkers_do_not_see_is_caught() -> None:
    stub = "from .a import B as B, C\n"
    assert public_names(stub) == ["B"]
    assert imported_names(stub) == ["B", "C"]


def test_a_misspelt_name_is_said() -> None:
    with pytest.raises(AttributeError, match="stres"):
        dynmech.stres  # type: ignore[attr-defined]  # noqa: B018


def test_all_can_be_imported_at_once() -> None:
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    subprocess.run([sys.executable, "-c", code, *PACKAGES], env={**os.environ, "EAGER_IMPORT": "1"}, check=True)


def undescribed(function: FunctionType) -> list[str]:
    """Return the parameters of a function that its docstring's section Parameters does not describe."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w+\n-+$|\Z)", inspect.getdoc(function) or "", re.DOTALL | re.MULTILINE
    )
    described = re.findall(r"^(\w[\w, ]*?) :", section[1], re.MULTILINE) if section else []
    names = {name for names in described for name in names.split(", ")}
    return [name for name in inspect.signature(function).parameters if name not in names]


FUNCTIONS = {name: found for name in dynmech.__all__ if isinstance(found := getattr(dynmech, name), FunctionType)}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_parameter_of_the_face_is_described(name: str) -> None:
    assert undescribed(FUNCTIONS[name]) == []


def test_a_parameter_that_is_not_described_is_named() -> None:
    def planted(episodes: int, seed: int, tail: float) -> None:
        """Play.

        Parameters
        ----------
        episodes, seed : int
            How much, and of what.

        Notes
        -----
        tail : float
        """

    assert undescribed(planted) == ["tail"]  # type: ignore[arg-type]
    planted.__doc__ = None
    assert undescribed(planted) == ["episodes", "seed", "tail"]  # type: ignore[arg-type]


def test_the_face_is_loaded_without_heavy_packages() -> None:
    code = "import sys, dynmech; print([name for name in ('scipy', 'pandas', 'matplotlib') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
