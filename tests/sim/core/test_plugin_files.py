"""Plug-in files side by side: they import each other, build on each other's classes, and count as changed together."""

import json
import sys
from pathlib import Path

import pytest

from dynmech import InputError, audit, run, use_plugins
from dynmech.experiments.catalog.fingerprint import code_hashes, file_hash, plugin_hash
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES, make_strategy
from dynmech.experiments.cli.app import main
from dynmech.experiments.workers.parcels import Parcel
from dynmech.sim.core.plugin_files import imported_files, load_plugin

BASE = '''
import numpy as np
from dynmech import DirectMechanism, Promises
from steps import STEP

class Cheap(DirectMechanism):
    """The highest report wins and pays nothing."""
    name = "cheap"
    promises = Promises(efficient=True)

    def decide(self, now, messages):
        return 1 + messages.argmax(axis=1)

    def charge(self, now, messages, decision, acts):
        return np.zeros(messages.shape)

    def transfer_bound(self):
        return 10.0 * STEP
'''

DEAR = '''
import numpy as np
from base_rule import Cheap

class Dear(Cheap):
    """The same, and the winner pays its report."""
    name = "dear"

    def charge(self, now, messages, decision, acts):
        from steps import STEP
        winner = np.arange(messages.shape[1]) == decision[:, None] - 1
        return np.where(winner, STEP * messages, 0.0)
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three files: constants, a rule, and a rule that builds on it; what they define is forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        monkeypatch.setattr(registry, "_added", {})
    for name, text in {"steps": "STEP = 1.0\n", "base_rule": BASE, "dear": DEAR}.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_plugin_builds_on_the_class_of_its_neighbour(folder: Path) -> None:
    use_plugins([folder / "dear.py"])
    assert MECHANISMS.get("dear").__mro__[1].__name__ == "Cheap"
    with pytest.raises(InputError, match="unknown mechanism 'cheap'"):  # it was imported, and not asked for
        MECHANISMS.get("cheap")
    use_plugins([folder / "base_rule.py"])
    assert issubclass(MECHANISMS.get("dear"), MECHANISMS.get("cheap"))
    assert not {"steps", "base_rule", "dear"} & set(sys.modules)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["audit", "repeated-auction:horizon=2", "dear"], "gains"),
        (["run", "repeated-auction:horizon=2", "dear", "--episodes", "50"], "agents"),
        pytest.param(
            ["stress", "repeated-auction:horizon=2", "--mechanism", "dear", "--episodes", "50"],
            "mechanisms",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_on_the_command_line_too(words: list[str], key: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--plugin", "dear.py", "--json"])
    output = capsys.readouterr()
    assert json.loads(output.out)[key], output.err
    assert ended.value.code == 0, output.err


def test_what_is_charged_is_the_neighbours_constant(folder: Path) -> None:
    economy, cost = "repeated-auction:horizon=1", {}
    for step in (1.0, 2.0):
        (folder / "steps.py").write_text(f"STEP = {step}\n", encoding="utf-8")
        use_plugins([folder / "dear.py"])
        cost[step] = sum(audit(economy, "dear").truth.transfer or [])
    assert cost[2.0] == pytest.approx(2 * cost[1.0])
    assert cost[1.0] > 0.1


def test_another_text_beside_it_is_another_plugin(folder: Path) -> None:
    path = folder / "dear.py"
    assert [file.name for file in imported_files(path)] == ["dear.py", "base_rule.py", "steps.py"]
    first, hashes = load_plugin(path), plugin_hash(path)
    codes = code_hashes([vars(first)["Dear"]])
    assert load_plugin(path) is first
    (folder / "steps.py").write_text("STEP = 3.0\n", encoding="utf-8")
    second = load_plugin(path)
    assert second is not first
    assert plugin_hash(path) != hashes
    assert code_hashes([vars(second)["Dear"]]) != codes
    assert plugin_hash(folder / "steps.py") == file_hash(folder / "steps.py"), "one alone is its text"


def test_a_run_is_another_one_once_the_neighbour_has_changed(folder: Path) -> None:
    use_plugins([folder / "dear.py"])
    run("repeated-auction:horizon=1", "dear", episodes=20, out="runs/a")
    (folder / "steps.py").write_text("STEP = 3.0\n", encoding="utf-8")
    use_plugins([folder / "dear.py"])
    with pytest.raises(InputError, match="another run"):
        run("repeated-auction:horizon=1", "dear", episodes=20, out="runs/a")


def test_a_parcel_opens_files_that_name_nothing(folder: Path) -> None:
    (folder / "dates.py").write_text("class Date:\n    t = 1\n", encoding="utf-8")
    (folder / "mine.py").write_text(
        "from dynmech import Strategy\nfrom dates import Date\n\nclass Mine(Strategy):\n    name = 'mine'\n"
        "    date = Date()\n    def __init__(self):\n        self.date = Date()\n"
        "    def message(self, view):\n        return view.prescribed\n",
        encoding="utf-8",
    )
    use_plugins([folder / "mine.py"])
    parcel = Parcel.of(make_strategy("mine"))
    assert {Path(path).name for path, _ in parcel.plugins} == {"dates.py", "mine.py"}
    assert [Path(path).name for path in parcel.in_use] == ["mine.py"]
    assert parcel.open().date.t == 1
    (folder / "dates.py").write_text("class Date:\n    t = 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="changed while it was in use"):
        parcel.open()


def test_files_of_two_folders_may_be_called_the_same(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "shared.py").write_text(f"WORD = {name!r}\n", encoding="utf-8")
        (folder / name / "mine.py").write_text("from .shared import WORD\nfrom . import shared\n", encoding="utf-8")
    words = [vars(load_plugin(folder / name / "mine.py")) for name in ("one", "two")]
    assert [word["WORD"] for word in words] == ["one", "two"]
    assert [word["shared"].WORD for word in words] == ["one", "two"]


def test_pythons_own_modules_come_first_and_a_file_is_not_its_own_neighbour(folder: Path) -> None:
    (folder / "random.py").write_text("raise RuntimeError\n", encoding="utf-8")
    (folder / "numpy.py").write_text("import random\nimport numpy\nimport os.path\n", encoding="utf-8")
    module = vars(load_plugin(folder / "numpy.py"))
    assert module["random"] is __import__("random")
    assert module["numpy"] is __import__("numpy")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from steps import STRIDE\n", "plug-in {0}/mine.py: ImportError: cannot import name 'STRIDE' from"),
        ("import broken\n", "plug-in {0}/broken.py: ZeroDivisionError: division by zero (broken.py, line 1)"),
        ("import nowhere_at_all\n", "plug-in {0}/mine.py: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("from circle import X\nY = 1\n", "plug-in {0}/circle.py: ImportError: cannot import name 'Y' from"),
        ("from .nowhere import X\n", "plug-in {0}/mine.py: ImportError: attempted relative import"),
    ],
)
def test_what_cannot_be_imported_is_one_line(folder: Path, text: str, line: str) -> None:
    (folder / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    (folder / "circle.py").write_text("from mine import Y\nX = 2\n", encoding="utf-8")
    (folder / "mine.py").write_text(text, encoding="utf-8")
    before = set(sys.modules)
    with pytest.raises(InputError) as raised:
        load_plugin(folder / "mine.py")
    assert str(raised.value).startswith(line.format(folder))
    assert "\n" not in str(raised.value)
    left = {str(vars(sys.modules[name])["__file__"]) for name in set(sys.modules) - before if "plugin" in name}
    assert not {str(folder / name) for name in ("mine.py", "broken.py", "circle.py")} & left
