"""Folders, files and functions stay small, modules bear names of their own, and tests share builders, not tests."""

from pathlib import Path

import pytest

from tests.builders.runs import ROOT
from tests.builders.structure import breaches


@pytest.mark.parametrize("floor", ["sim", "mechanisms", "agents", "experiments"])
def test_a_floor_keeps_its_size(floor: str) -> None:
    assert breaches(ROOT / floor) == []


def test_no_test_module_imports_from_another() -> None:
    assert breaches(ROOT / "tests", tests=True) == []


def test_what_breaks_a_rule_is_named(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    for k in range(29):
        (room / f"module_{k}.py").touch()
    body = "".join(f"    x = {k}\n" for k in range(49))
    files = {
        "__init__.py": "",
        "__init__.pyi": "from .pivot import pivot as pivot\nfrom . import whole as whole\n",
        "pivot.py": f'def fits():\n    """Of\n\n    many lines."""\n{body}',
        "whole.py": f"def spills():\n{body}    return x\n\n" + "#\n" * 349,
    }
    for name, text in files.items():
        (room / name).write_text(text, encoding="utf-8")
    assert breaches(tmp_path) == [
        f"{tmp_path.name}/room: 32 files",
        "pivot.py: its package exports something of this name".replace("pivot.py", "room/pivot.py"),
        "whole.py: 401 lines",
        "whole.py: spills has 51 lines",
    ]


@pytest.mark.parametrize("line", ["from tests.rules.test_base import economy", "    import tests.rules.test_base as t"])
def test_a_test_that_imports_from_another_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text(f"def test_it():\n{line}\n", encoding="utf-8")
    assert breaches(tmp_path, tests=True) == [
        f"test_planted.py: {line.strip().partition(' as')[0].partition(' import e')[0]}"
    ]
