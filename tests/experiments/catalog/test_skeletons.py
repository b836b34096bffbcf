"""`dynmech new`: what it writes passes its own test, is a plug-in, and never takes the place of anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dynmech.experiments.catalog.skeletons import REGISTRIES, render_skeleton, write_skeleton
from dynmech.experiments.cli.app import main
from dynmech.sim.core.errors import InputError, StorageError

AUDITED = {
    "scenario": ("my-own", "pivot"),
    "mechanism": ("repeated-auction:horizon=2", "my-own:fee=0.25"),
    "strategy": ("repeated-auction:horizon=2", "pivot"),
}
"""What is audited with the file of a kind as a plug-in."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def outcome(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    """Exit code, standard output and standard error of a call."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    return (stopped.value.code, *capsys.readouterr())


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, in the working directory."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what is written needs none
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, env=env)


def run_tests(*words: str) -> tuple[int, str]:
    """Exit code and output of pytest, in a process of its own: a fork of one with threads may hang."""
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words)
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_test_that_is_written_passes_and_the_file_is_a_plug_in(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = outcome(capsys, "new", kind, "my-own", "-o", "some/place")
    assert (code, err) == (0, "")
    module, test = Path("some/place/my_own.py"), Path("some/place/test_my_own.py")
    assert out.splitlines() == [f"module: {module}", f"test:   {test}", f"try:    dynmech check {module}"]
    assert 20 <= len(module.read_text(encoding="utf-8").splitlines()) <= 30
    code, said = run_tests(str(test))
    assert code == 0, said
    assert said.splitlines()[-1].startswith("3 passed" if kind != "mechanism" else "4 passed")
    code, out, err = outcome(capsys, "check", str(module))
    assert code == 0, err
    assert re.fullmatch(rf"{kind} 'my-own': holds( on .*)?\n", out)
    code, out, err = outcome(capsys, "audit", *AUDITED[kind], "--plugin", str(module))
    assert code == 0, out + err


def test_a_mechanism_with_memory_passes_its_test_which_catches_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = outcome(capsys, "new", "mechanism", "my-own", "--memory")
    assert (code, err) == (0, "")
    module, test = Path("my_own.py"), Path("test_my_own.py")
    text = module.read_text(encoding="utf-8")
    code, said = run_tests(str(test))
    assert code == 0, said
    planted = {
        "now.memory < self.times": "now.memory <= self.times",
        "min(t, self.times) + 1": "1",
    }
    for right, wrong in planted.items():
        assert right in text
        module.write_text(text.replace(right, wrong), encoding="utf-8")
        code, said = run_tests("-x", str(test))
        assert code == 1, (wrong, said)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_a_test_that_is_written_catches_a_change(kind: str) -> None:
    module, test = write_skeleton(kind, "my-own")
    text = module.read_text(encoding="utf-8")
    planted = {
        "scenario": ("self.persistence * np.eye(k)", "0.5 * np.eye(k)"),
        "mechanism": ("everybody - own", "everybody - 2 * own"),
        "strategy": ("view.prescribed - 1", "view.prescribed - 0"),
    }[kind]
    assert planted[0] in text
    module.write_text(text.replace(*planted), encoding="utf-8")
    code, said = run_tests("-k", "not declares", str(test))
    assert (code, "failed" in said) == (1, True), said


@pytest.mark.parametrize(("kind", "memory"), [*((kind, False) for kind in REGISTRIES), ("mechanism", True)])
@pytest.mark.parametrize("name", ["my-own", "x", "a2-b3-" + 34 * "c"])
def test_what_is_written_is_formatted_and_of_good_style(kind: str, memory: bool, name: str) -> None:
    paths = [str(path) for path in write_skeleton(kind, name, memory=memory)]
    for words in (["format", "--check"], ["check", "--select", "E,F,W,B,UP,NPY,SIM"]):
        done = python("-m", "ruff", *words, "--isolated", "--line-length", "120", *paths)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["strategy", "mine", "--memory"], "new: --memory is for a mechanism, not for a strategy"),
        (["economy", "mine"], "new: 'economy' is none of scenario, mechanism, strategy"),
        (["strategy", "Mine"], "strategy 'Mine': a name is at most 40 small letters"),
        (["strategy", "../mine"], "strategy '../mine': a name is at most 40 small letters"),
        (["strategy", "a--b"], "a name is at most 40 small letters"),
        (["strategy", "2nd"], "a name is at most 40 small letters"),
        (["strategy", "größe"], "a name is at most 40 small letters"),
        (["strategy", "a\nb"], "a name is at most 40 small letters"),
        (["strategy", 41 * "a"], "a name is at most 40 small letters"),
        (["strategy", "misreport"], "strategy 'misreport' is there already; choose another name"),
        (["mechanism", "pivot"], "mechanism 'pivot' is there already"),
        (["scenario", "oil-leases"], "scenario 'oil-leases' is there already"),
        (["strategy", "lambda"], "strategy 'lambda': Python has a module or a word 'lambda'"),
        (["strategy", "statistics"], "Python has a module or a word 'statistics'"),
        (["strategy", "numpy"], "Python has a module or a word 'numpy'"),
        (["strategy", "dynmech"], "Python has a module or a word 'dynmech'"),
        (["strategy", "agent-context"], "a class AgentContext is what it would be built on"),
        (["mechanism", "flow-mechanism"], "a class FlowMechanism is what it would be built on"),
        (["scenario", "scenario"], "a class Scenario is what it would be built on"),
    ],
)
def test_a_bad_name_gets_one_line_and_nothing_is_written(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = outcome(capsys, "new", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["my_own.py", "test_my_own.py"])
def test_a_file_is_never_overwritten(there: str, tmp_path: Path) -> None:
    Path(there).write_text("mine\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"^{there}: is there already"):
        write_skeleton("strategy", "my-own")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert Path(there).read_text(encoding="utf-8") == "mine\n"


def test_a_link_to_nowhere_counts_as_a_file(tmp_path: Path) -> None:
    Path("my_own.py").symlink_to(tmp_path / "nowhere.py")
    with pytest.raises(InputError, match="is there already"):
        write_skeleton("strategy", "my-own")
    assert not (tmp_path / "nowhere.py").exists()


def test_a_folder_that_cannot_be_made_gets_one_line() -> None:
    Path("file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match=r"^file: cannot be written: File exists$"):
        write_skeleton("strategy", "my-own", "file")


def test_a_kind_has_names_of_its_own() -> None:
    """A strategy may bear the name of a mechanism."""
    assert 'name = "pivot"' in render_skeleton("strategy", "pivot")[0]
