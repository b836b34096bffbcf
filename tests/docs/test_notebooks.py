"""The notebooks: no outputs are kept, the docs link to them, and every cell runs from top to bottom."""

import ast
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
BOOKS = sorted(path.stem for path in (DOCS / "notebooks").glob("*.ipynb"))

NEEDS = {"ppo": "stable_baselines3"}
"""What a notebook needs beside the dependencies of these tests."""


def cells(name: str) -> list[dict[str, Any]]:
    """Return the cells of a notebook."""
    book = json.loads((DOCS / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    return list(book["cells"])


def script_of(parts: list[dict[str, Any]]) -> str:
    """Return a program that does what the cells do: of a cell's last value the text, or its HTML, is asked for."""
    lines = []
    for part in parts:
        if part["cell_type"] != "code":
            continue
        tree = ast.parse("".join(part["source"]))
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            shown = ast.unparse(tree.body.pop())
            lines += [ast.unparse(tree), f"(lambda value: getattr(value, '_repr_html_', value.__repr__)())({shown})"]
        else:
            lines.append(ast.unparse(tree))
    return "\n".join(lines)


def play(parts: list[dict[str, Any]], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the cells in a folder of their own."""
    settings = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    # The program is read from a file: what it plays in child processes must be able to start it again.
    program = folder / "notebook.py"
    program.write_text(f"if __name__ == '__main__':\n    exec({script_of(parts)!r}, globals())\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(program)], cwd=folder, env=settings, capture_output=True, text=True, check=False
    )


def test_these_are_the_notebooks() -> None:
    assert BOOKS == ["market", "oil_leases", "own_mechanism", "ppo"]


@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_is_light_and_linked(name: str) -> None:
    parts = cells(name)
    assert parts[0]["cell_type"] == "markdown"
    assert len({part["id"] for part in parts}) == len(parts)
    for part in parts:
        if part["cell_type"] == "code":
            assert part["outputs"] == []
            assert part["execution_count"] is None
            ast.parse("".join(part["source"]))
    pages = [path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")]
    assert sum(f"notebooks/{name}.ipynb" in page for page in pages) >= 2, "the contents and one page link to it"


@pytest.mark.slow
@pytest.mark.parametrize("name", BOOKS)
def test_a_notebook_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    needed = NEEDS.get(name)
    if needed is not None and find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed here: it brings PyTorch, and runs in an environment of its own")
    ended = play(cells(name), tmp_path)
    assert ended.returncode == 0, ended.stderr[-2000:]


def test_a_notebook_that_is_wrong_is_caught(tmp_path: Path) -> None:
    def code(text: str) -> dict[str, Any]:
        return {"cell_type": "code", "source": text.splitlines(keepends=True)}

    assert play([code("a = 1"), code("assert a == 1\na")], tmp_path).returncode == 0
    assert "AssertionError" in play([code("a = 1"), code("assert a == 2")], tmp_path).stderr
    broken = "class A:\n    def _repr_html_(self):\n        raise ValueError('no page')\nA()"
    assert "no page" in play([code(broken)], tmp_path).stderr
