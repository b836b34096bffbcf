"""What one child had to import, the next finds imported; a child cannot have just anything imported."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import dynmech
from dynmech.experiments.workers.sandbox import confined
from dynmech.experiments.workers.warm_modules import import_noted, imported_since, note_imports, warm_modules
from tests.builders.sandboxed import QUICK

NAME = "dynmech.warmth"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules, of ours and of others; a module says that it was imported by a file."""
    (tmp_path / "warmth.py").write_text("", encoding="utf-8")
    (tmp_path / "cold.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "foreign.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close()", encoding="utf-8")
    monkeypatch.setattr(dynmech, "__path__", [*dynmech.__path__, str(tmp_path)])
    monkeypatch.syspath_prepend(tmp_path)
    import_noted()  # what earlier tests have left
    yield tmp_path
    for name in (NAME, "dynmech.cold", "foreign"):
        sys.modules.pop(name, None)


def loaded_at_first() -> bool:
    """Whether the module was there before it is imported."""
    there = NAME in sys.modules
    importlib.import_module(NAME)
    return there


def test_the_second_child_finds_what_the_first_had_to_import() -> None:
    assert confined(loaded_at_first, QUICK).opened().value is False
    assert NAME not in sys.modules, "one child alone costs this process nothing"
    assert confined(loaded_at_first, QUICK).opened().value is True
    assert NAME in sys.modules
    assert confined(loaded_at_first, QUICK).imported == ()


def test_only_modules_of_ours_and_of_known_libraries_are_imported(folder: Path) -> None:
    """`numpy.f2py.__main__` is a program that would run."""
    note_imports(("foreign", "dynmech/../foreign", "dynmech.warmth; import foreign", "numpy.f2py.__main__", 3))
    note_imports("dynmech.warmth")
    note_imports(None)
    import_noted()
    assert not (folder / "imported").exists()
    assert not {NAME, "numpy.f2py.__main__"} & set(sys.modules)
    note_imports((NAME,))
    import_noted()
    assert NAME in sys.modules


def test_what_has_been_imported_since_is_told() -> None:
    before = warm_modules()
    assert imported_since(before) == ()
    assert imported_since([]) == tuple(before)
    assert imported_since(before[:3]) == tuple(before[3:])
    assert {"numpy", "dynmech.experiments.workers.sandbox"} <= set(before)


def test_what_cannot_be_imported_is_tried_once_and_left_to_the_children(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, imported = list[str](), importlib.import_module

    def watched(name: str) -> ModuleType:
        tried.append(name)
        return imported(name)

    monkeypatch.setattr(importlib, "import_module", watched)
    note_imports(("dynmech.cold", "dynmech.nobody"))
    import_noted()
    import_noted()
    assert sorted(tried) == ["dynmech.cold", "dynmech.nobody"]
