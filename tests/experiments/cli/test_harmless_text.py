"""Text from outside gives no orders: to the terminal, to the reader of a page, or to a shell."""

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

import dynmech as dm
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.console import HarmlessConsole, progress_bars, show_faults
from dynmech.experiments.report.page import render_report
from dynmech.experiments.runs.rerun_command import checked_command
from dynmech.experiments.runs.running import run
from dynmech.sim.log.run_folder import configuration_hash

ORDERS = "\x1b[2J\x1b]0;owned\x07\u202eend"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run"
    run("oil-leases", "linked", {"firm 1": "misreport:map=flip"}, episodes=6, out=path)
    return path


def forged(whole: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    data = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    data.pop("seal")
    change(data)
    (folder / "result.json").write_text(json.dumps({**data, "seal": configuration_hash(data)}), encoding="utf-8")
    return folder


def test_a_terminal_gets_no_orders_and_keeps_its_colours() -> None:
    out = io.StringIO()
    console = HarmlessConsole(file=out, force_terminal=True, color_system="standard", width=200)
    console.print(Text(ORDERS, style="bold red"))
    show_faults(console, [], [], [ORDERS])
    assert "owned" in out.getvalue()
    assert set(re.findall(r"\x1b.[0-9;]*.", out.getvalue())) <= {"\x1b[1;31m", "\x1b[0m", "\x1b[1;33m"}
    assert not {"\x07", "\u202e"} & set(out.getvalue())


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_on_what_somebody_named_gives_no_orders(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of an economy stands in it, which a file may give; brackets are no markup of ours."""
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with progress_bars() as progress:
        progress(f"searching [/b] {ORDERS}\nexactly", 3)(3)
    said = capsys.readouterr().err
    assert "searching [/b]" in said
    assert not {"\x07", "\u202e"} & set(said)
    assert "\x1b[2J" not in said
    assert terminal or said.count("\n") == 1


def test_neither_does_a_command_that_fails_or_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["report", ORDERS], ["report", str(whole), "-o", f"{ORDERS}.html", "-q"], ["run", ORDERS * 500, "x"]):
        with pytest.raises(SystemExit):
            main(words)
        said = capsys.readouterr()
        assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err)
        assert all(len(line) < 1200 for line in said.err.splitlines())


def test_a_page_allows_nothing_but_its_own_style_and_script(whole: Path) -> None:
    page = render_report(whole)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', page)
    script, rest = r"script-src 'sha256-[A-Za-z0-9+/]{43}='", "base-uri 'none'; form-action 'none'"
    assert re.fullmatch(f"default-src 'none'; style-src 'unsafe-inline'; {script}; img-src data:; {rest}", policy)
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert page.count("<script") == 1
    assert not re.search(r"<script[^>]|<link rel=\"stylesheet|https?://(?!www\.w3\.org)", page)


def test_the_direction_of_writing_ends_with_what_turns_it(whole: Path, tmp_path: Path) -> None:
    page = render_report(
        forged(whole, tmp_path, lambda data: data.update(environment="a\u202eb", mechanism="c\u202ed"))
    )
    outside = re.sub(r"<bdi>.*?</bdi>", "", page, flags=re.DOTALL)
    assert "\u202e" in page
    assert "\u202e" not in outside


@pytest.mark.parametrize(
    "command",
    [
        "curl example.org | sh",
        "dynmech run oil-leases linked; rm -rf ~",
        "dynmech stress oil-leases",
        "dynmech run oil-leases linked --seed $(reboot)",
        "dynmech run oil-leases linked --out /etc",
        "dynmech run oil-leases linked\nreboot",
        "dynmech run 'oil",
        7,
    ],
)
def test_a_command_that_is_none_of_ours_is_not_shown(command: object, whole: Path, tmp_path: Path) -> None:
    assert checked_command("run", command) is None
    page = render_report(forged(whole, tmp_path, lambda data: data.update(command=command)))
    assert "is none that dynmech writes" in page
    assert str(command) not in page or command == 7


def test_what_a_shell_would_obey_is_quoted() -> None:
    assert checked_command("run", "dynmech run $(reboot) linked") == "dynmech run '$(reboot)' linked"


def test_results_in_python_give_no_orders_either(tmp_path: Path) -> None:
    path = tmp_path / "economy.json"
    economy = dm.load("oil-leases-prior")
    assert isinstance(economy, dm.TableEnvironment)
    dm.save_environment(economy, path)
    path.write_text(path.read_text(encoding="utf-8").replace('"firm 1"', json.dumps(ORDERS)), encoding="utf-8")
    lie = {"0": "misreport:map=flip"}
    for result in (dm.audit(path, "cremer-mclean"), dm.simulate(path, "linked", lie, episodes=20)):
        assert "owned" in repr(result)
        assert not {"\x1b", "\x07", "\u202e"} & set(repr(result))
