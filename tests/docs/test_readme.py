"""README.md and the tour of all commands describe the tree that exists: their commands and code run."""

import pkgutil
import re
import shlex
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from dynmech.experiments.cli.app import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = README + (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the run folder that a command makes; each is played once."""

    @cache
    def play(folder: str) -> Path:
        made = tmp_path_factory.mktemp("played") / Path(folder).name
        arguments = recorded(folder)
        arguments[arguments.index(folder)] = str(made)
        with pytest.raises(SystemExit):
            main([*arguments, "--episodes", "50"] if arguments[0] == "run" else arguments)
        return made

    return play


def commands() -> list[str]:
    """Every `dynmech …` line, once."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("dynmech ")]
    return list(dict.fromkeys(lines))


LONG = ("dynmech stress repeated-auction:bidders=2,horizon=4", "dynmech reproduce liu")
"""Commands that take long and differ from others only in what they are asked about; they run with the slow tests."""


@pytest.mark.parametrize(
    "command", [pytest.param(line, marks=pytest.mark.slow) if line in LONG else line for line in commands()]
)
def test_commands_run(
    command: str,
    played: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shade.py").write_text(strategy_example(), encoding="utf-8")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    expected = re.search(r"# exit code (\d)$", command)
    arguments = shlex.split(command, comments=True)[1:]
    if arguments[0] in ("run", "stress"):
        arguments += ["--episodes", "50"]
    if arguments[0] in ("replay", "report", "export"):
        shutil.copytree(played(arguments[1]), tmp_path / arguments[1])
        capsys.readouterr()
    if arguments[0] == "verify":
        with pytest.raises(SystemExit):
            main(next(shlex.split(line)[1:] for line in commands() if f"--certificate {arguments[1]}" in line))
        capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    assert stop.value.code == (int(expected[1]) if expected else 0), err
    assert len(out.splitlines()) > (0 if arguments[0] in ("report", "export") else 3)
    if "--plugin" in arguments:
        assert "shade" in out


def recorded(folder: str) -> list[str]:
    """The command that makes a run folder."""
    return next(shlex.split(line)[1:] for line in commands() if f"--out {folder}" in line)


def strategy_example() -> str:
    """The strategy that is written in one block."""
    return next(block for block in blocks("python") if "class Shade" in block)


def test_the_mechanism_example_holds_and_fails_where_the_text_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(next(block for block in blocks("python") if "class SecondPrice" in block), encoding="utf-8")
    for environment, expected in (("repeated-auction", 0), ("repeated-auction:fatigue=0.5", 1)):
        with pytest.raises(SystemExit) as stop:
            main(["audit", environment, "second-price-each-period", "--plugin", str(path)])
        assert stop.value.code == expected
    assert "gains" in capsys.readouterr().out


def test_python_example_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(next(block for block in blocks("python") if "read_run" in block), scope)
    assert "cremer-mclean" in capsys.readouterr().out
    paid = scope["paid"]
    # Crémer–McLean charges firm 1 only in period 1, and only if it reports 4.
    assert paid.loc[(1, "4")] > 5  # type: ignore[attr-defined]
    assert paid.loc[(1, "6")] == 0  # type: ignore[attr-defined]
    assert scope["found"].verdicts[0].worst == pytest.approx(4)  # type: ignore[attr-defined]


def test_the_pictures_are_drawn_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(next(block for block in blocks("python") if "write_plots" in block), {})
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["gains.png", "tradeoff.png"]
    out = capsys.readouterr().out
    assert all(name in out for name in names)


def test_the_sweep_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec(next(block for block in blocks("python") if "import sweep" in block), scope)
    assert scope["fading"].figures["largest_transfer"].is_monotonic_increasing  # type: ignore[attr-defined]
    assert (tmp_path / "fading.png").exists()


def test_main_and_test_commands_install_with_hashes_and_name_files_that_exist() -> None:
    lines = {
        name: re.search(rf"<!-- {name} command -->\n```sh\n(.*?)\n```", README, re.DOTALL) for name in ("main", "test")
    }
    for name, requirements, last in (
        ("main", "requirements.txt", "dynmech stress oil-leases-prior"),
        ("test", "requirements-dev.txt", "python -m tests"),
    ):
        match = lines[name]
        assert match is not None
        assert "\n" not in match[1]
        assert f"--require-hashes -r {requirements}" in match[1]
        assert match[1].endswith(last)
        assert (ROOT / requirements).is_file()


@pytest.mark.parametrize("page", ["README.md", "docs/design.md", "docs/tour.md", "docs/tree.md"])
def test_links_and_paths_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    paths = re.findall(r"`((?:sim|agents|mechanisms|experiments|docs)/[\w/.]+)`", text)
    assert links or paths or page != "README.md"
    for link in [(ROOT / page).parent / link for link in links] + [ROOT / path for path in paths]:
        assert link.exists(), link


def test_the_readme_is_one_screen() -> None:
    assert len(README.split()) < 650
    assert len(re.findall(r"!\[", README)) == 1


def test_every_dotted_name_exists() -> None:
    for name in re.findall(r"`((?:sim|agents|mechanisms|experiments)(?:\.\w+)+)`", TEXT):
        assert pkgutil.resolve_name(name) is not None


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_locks_have_hashes_and_no_index(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"^--|https?:|file:", text, re.MULTILINE)
    pins = re.findall(r"^[a-z][\w.-]*==\S+", text, re.MULTILINE)
    assert len(pins) > 20
    assert text.count("--hash=sha256:") >= len(pins)
