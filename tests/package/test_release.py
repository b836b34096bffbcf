"""What a release says of itself in several places is the same everywhere."""

import re
import tomllib
from pathlib import Path

import dynmech

ROOT = Path(__file__).resolve().parents[2]


def test_the_version_is_one() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (cited,) = re.findall(r"^version: (\S+)$", citation, re.MULTILINE)
    (year, month, day) = re.findall(r"^date-released: (\d+)-(\d+)-(\d+)$", citation, re.MULTILINE)[0]
    newest, date = re.findall(r"^## (\S+) \((.*)\)$", changes, re.MULTILINE)[0]
    assert cited == newest == dynmech.__version__
    assert date.split()[0] == str(int(day))
    assert date.split()[2] == year
    assert 1 <= int(month) <= 12


def test_what_is_named_as_tried_is_what_is_asked_for() -> None:
    """The oldest Python of the classifiers is the one that is required."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pythons = [word.rpartition(" ")[2] for word in project["classifiers"] if "Python :: 3." in word]
    assert pythons == ["3.11", "3.12", "3.13"]
    assert project["requires-python"] == f">={pythons[0]}"


def test_pages_at_the_top_are_in_the_source_archive() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    pages = {path.name for path in ROOT.glob("*.md")} | {"CITATION.cff", "LICENSE"}
    assert pages <= set(packed)
