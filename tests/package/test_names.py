"""Nothing is there twice: floors are imported as `dynmech.…`, by whatever way they come in."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.runs import ROOT

FLOORS = ("sim", "mechanisms", "agents", "experiments")

STRESS = """
import sys
from pathlib import Path
from dynmech.experiments.cli.app import main
try:
    main(["stress", "oil-leases", "--mechanism", "team", "--episodes", "50", "--workers", "2", "--out", sys.argv[1]])
except SystemExit as stop:
    assert stop.code in (0, 1), stop.code
root = Path(sys.argv[2])
files = {name: Path(getattr(module, "__file__", None) or "/").resolve() for name, module in sys.modules.items()}
floors = [root / floor for floor in ("sim", "mechanisms", "agents", "experiments")]
ours = [name for name, path in files.items() if any(path.is_relative_to(floor) for floor in floors)]
print(len(ours), [name for name in ours if not name.startswith("dynmech.")])
"""


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_of_the_checkout_says_what_to_import_instead(floor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    with pytest.raises(ImportError, match=rf"^import dynmech\.{floor}, not {floor}: "):
        importlib.import_module(floor)
    assert floor not in sys.modules


def test_after_a_stress_test_no_module_is_there_under_a_second_name(tmp_path: Path) -> None:
    words = [sys.executable, "-c", STRESS, str(tmp_path / "run"), str(ROOT)]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    count, strangers = shown.split(" ", 1)
    assert int(count) > 50
    assert strangers == "[]"


IMPORTS = "import {0}\nfrom {0} import base\nfrom {0}.core import errors\nimport {0}.core\n"


def linted(text: str) -> list[str]:
    """Return the lines that the linter gives for a module's imports, as the project has set it up."""
    words = [
        "check",
        "--quiet",
        "--select",
        "TID251",
        "--output-format",
        "concise",
        "--stdin-filename",
        "planted.py",
        "-",
    ]
    ruff = Path(sys.executable).with_name("ruff")
    shown = subprocess.run([ruff, *words], input=text, cwd=ROOT, capture_output=True, text=True, check=False)
    return shown.stdout.splitlines()


@pytest.mark.parametrize("floor", FLOORS)
def test_such_an_import_is_an_error_of_the_linter(floor: str) -> None:
    told = linted(IMPORTS.format(floor))
    assert [line.partition(": ")[0] for line in told] == [
        f"planted.py:{k}:{c}" for k, c in ((1, 8), (2, 1), (3, 1), (4, 8))
    ]
    assert all(line.endswith(f"write dynmech.{floor}") for line in told)
    assert linted(IMPORTS.format(f"dynmech.{floor}")) == []
