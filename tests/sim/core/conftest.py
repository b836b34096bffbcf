"""A fixture that tests of installed packages share."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynmech.sim.core.registry import USERS
from tests.builders.installed_packages import REGISTRIES


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for installed packages, on the path of this process; afterwards all is forgotten."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(tmp_path)
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_offers", None)
        monkeypatch.setattr(registry, "_imported", {})
    before = set(sys.modules)
    yield folder
    USERS.clear()
    for module in set(sys.modules) - before:
        if module.partition(".")[0] in {path.name for path in folder.iterdir()}:
            del sys.modules[module]
    importlib.invalidate_caches()
