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
    "scenario": ("my-scenario", "pivot"),
    "mechanism": ("repeated-auction:horizon=2", "my-mechanism:fee=0.25"),
    "strategy": ("repeated-auction:horizon=2", "pivot"),
}
"""What is audited with the file of a kind as a plug-in."""

CHANGES = [
    ("scenario", "self.persistence * np.eye(k)", "0.5 * np.eye(k)"),
    ("mechanism", "everybody - own", "everybody - 2 * own"),
    ("strategy", "view.prescribed - 1", "view.prescribed - 0"),
    ("memory", "now.memory < self.times", "now.memory <= self.times"),
    ("memory", "min(t, self.times) + 1", "1"),
]
"""What of a module is changed into what; its test must fail. `memory` is the mechanism that remembers."""


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


def run_tests(folder: Path, *words: str) -> dict[str, set[str]]:
    """How the tests of each file came out, all in one process of its own: a fork of one with threads may hang."""
    done = python("-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", *words, str(folder))
    found: dict[str, list[str]] = {}
    for outcome, file in re.findall(r"^(PASSED|FAILED|ERROR) (?:\S*/)?test_(\w+)\.py", done.stdout, re.MULTILINE):
        found.setdefault(file, []).append(outcome)
    assert found, done.stdout + done.stderr
    return {file: set(outcomes) for file, outcomes in found.items()} | {"": {str(done.returncode)}}


def write(what: str, name: str, folder: Path) -> Path:
    """The module of a kind, its test beside it."""
    return write_skeleton("mechanism" if what == "memory" else what, name, folder, memory=what == "memory")[0]


@pytest.fixture(scope="module")
def as_written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """How the tests of what is written come out."""
    folder = tmp_path_factory.mktemp("written")
    for what in (*REGISTRIES, "memory"):
        write(what, f"my-{what}", folder)
    return run_tests(folder)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """How they come out once the module is changed; whether it keeps to what it declares is asked of memories only."""
    folder = tmp_path_factory.mktemp("changed")
    for k, (what, right, wrong) in enumerate(CHANGES):
        module = write(what, f"{what}-{k}", folder)
        text = module.read_text(encoding="utf-8")
        assert right in text
        module.write_text(text.replace(right, wrong), encoding="utf-8")
    return run_tests(folder, "-k", "memory or not declares")


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_test_that_is_written_passes_and_the_file_is_a_plug_in(
    kind: str, as_written: dict[str, set[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert as_written[f"my_{kind}"] == {"PASSED"}
    assert as_written[""] == {"0"}
    code, out, err = outcome(capsys, "new", kind, f"my-{kind}", "-o", "some/place")
    assert (code, err) == (0, "")
    module, test = Path(f"some/place/my_{kind}.py"), Path(f"some/place/test_my_{kind}.py")
    assert out.splitlines() == [f"module: {module}", f"test:   {test}", f"try:    dynmech check {module}"]
    assert 20 <= len(module.read_text(encoding="utf-8").splitlines()) <= 30
    assert [path.read_text(encoding="utf-8") for path in (module, test)] == list(render_skeleton(kind, f"my-{kind}"))
    assert test.read_text(encoding="utf-8").count("\ndef test_") == 3
    code, out, err = outcome(capsys, "check", str(module))
    assert code == 0, err
    assert re.fullmatch(rf"{kind} 'my-{kind}': holds( on .*)?\n", out)
    code, out, err = outcome(capsys, "audit", *AUDITED[kind], "--plugin", str(module))
    assert code == 0, out + err


def test_a_mechanism_with_memory_passes_its_test(
    as_written: dict[str, set[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert as_written["my_memory"] == {"PASSED"}
    code, _, err = outcome(capsys, "new", "mechanism", "my-memory", "--memory")
    assert (code, err) == (0, "")
    assert Path("my_memory.py").read_text(encoding="utf-8") == render_skeleton("mechanism", "my-memory", memory=True)[0]


@pytest.mark.parametrize("k", range(len(CHANGES)))
def test_a_test_that_is_written_catches_a_change(k: int, changed: dict[str, set[str]]) -> None:
    assert "FAILED" in changed[f"{CHANGES[k][0]}_{k}"]
    assert "ERROR" not in changed[f"{CHANGES[k][0]}_{k}"], "it can be opened"
    assert changed[""] == {"1"}


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
