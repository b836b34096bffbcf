"""What is loaded before a command does its work, the version, and completion of names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import dynmech
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.cli.app import COMMANDS, app, main
from dynmech.experiments.cli.completion import complete_mechanism, complete_scenario, complete_strategy

HEAVY = {"scipy", "pandas", "matplotlib", "pyarrow"}

CALL = """
import sys
from dynmech.__main__ import main
for words in {calls!r}:
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as stopped:
        assert not stopped.code, words
"""


def loaded_by(source: str, **variables: str) -> set[str]:
    """The heavy libraries that a script loads in a Python of its own."""
    script = f"{source}\nimport sys\nprint('LOADED', *({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, **variables}, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_face_loads_no_heavy_library() -> None:
    assert loaded_by("import dynmech; dir(dynmech)") == set()


def test_help_and_version_load_no_heavy_library() -> None:
    calls = [["--help"], ["--version"], [], *([name, "--help"] for name in COMMANDS)]
    assert loaded_by(CALL.format(calls=calls)) == set()


def test_an_audit_of_a_small_game_loads_no_heavy_library() -> None:
    """Its own work takes less than SciPy's optimisers or pandas take to be imported."""
    assert loaded_by(CALL.format(calls=[["audit", "oil-leases-prior", "linked"]])) == set()
    assert loaded_by(CALL.format(calls=[["audit", "oil-leases-prior", "linked", "--json"]])) == set()


def test_a_heavy_library_planted_in_a_command_is_seen() -> None:
    planted = "import dynmech.experiments.cli.bound as module\nexec('import scipy', vars(module))\n"
    assert loaded_by(planted + CALL.format(calls=[["bound", "--help"]])) == {"scipy"}


def test_completion_loads_no_heavy_library_and_no_scenario() -> None:
    words = {"_DYNMECH_COMPLETE": "complete_bash", "COMP_WORDS": "dynmech audit oil", "COMP_CWORD": "2"}
    source = (
        "from dynmech.__main__ import main\ntry:\n    main()\nexcept SystemExit:\n    pass\nimport sys\n"
        "assert not [m for m in sys.modules if m.startswith('dynmech.experiments.scenarios')]"
    )
    assert loaded_by(source, **words) == set()


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert (stopped.value.code, capsys.readouterr().out) == (0, f"dynmech {dynmech.__version__}\n")


def test_a_shell_is_told_the_names_that_begin_so() -> None:
    words = {"_DYNMECH_COMPLETE": "complete_bash", "COMP_WORDS": "dynmech audit oil-leases cremer", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "dynmech"], capture_output=True, text=True, env={**os.environ, **words}, check=False
    )
    assert (done.stdout, done.stderr) == ("cremer-mclean\n", "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("dynmech stress oil-leases --wh", ["--why"]),
        ("dynmech replay runs/lie --qu", ["--quiet"]),
        ("dynmech report runs/lie --js", ["--json"]),
        ("dynmech run oil-leases linked --log s", ["summary"]),
        ("dynmech run oil-leases linked --disclosure d", ["decisions"]),
        ("dynmech list s", ["scenarios", "strategies"]),
        ("dynmech new m", ["mechanism"]),
    ],
)
def test_options_and_their_words_are_completed(
    typed: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"_DYNMECH_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out.split() == offered


def test_every_name_is_completed() -> None:
    assert complete_scenario("") == SCENARIOS.names()
    assert complete_mechanism("") == MECHANISMS.names()
    strategies = sorted([*STRATEGIES.names(), "best-response", "profile"])
    assert complete_strategy("firm 1=") == [f"firm 1={name}" for name in strategies]
    assert complete_strategy("firm 1=one") == ["firm 1=one-shot"]
    assert complete_strategy("firm") == []
    assert complete_scenario("oil-leases-p") == ["oil-leases-prior"]
    assert complete_mechanism("no such name") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown(
    shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    monkeypatch.setattr("dynmech.experiments.cli.app._command", lambda: typer.main.get_command(app))  # it looks there
    with pytest.raises(SystemExit) as stopped:
        main(["--show-completion", shell])
    assert not stopped.value.code
    assert "_DYNMECH_COMPLETE" in capsys.readouterr().out


def test_a_module_of_a_command_has_a_file_of_its_own() -> None:
    files = [Path(sys.modules[command.__module__].__file__ or "") for command in COMMANDS.values()]
    assert len(set(files)) == len(COMMANDS)
