"""One cheap call of every command that works, and what it needs: for tests of manners that all commands share."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.certificates.certified_audit import certify
from dynmech.experiments.cli.app import main
from dynmech.experiments.reproductions.base import Claim
from tests.builders.runs import strategy

STUDY = """
mechanisms = ["cremer-mclean"]
episodes = 40
out = "t"
[environment]
use = "oil-leases-prior"
[strategies]
truth = "truthful"
flip = "misreport:map=flip"
"""

CALLS: dict[str, tuple[str, ...]] = {
    "list": ("list", "strategies"),
    "check": ("check", "mine.py", "--environment", "oil-leases"),
    "new": ("new", "strategy", "fresh"),
    "run": ("run", "oil-leases-prior", "cremer-mclean", "--episodes", "40", "--strategy", "firm 1=misreport:map=flip",
            "--out", "r"),
    "stress": ("stress", "oil-leases-prior", "--mechanism", "linked", "--episodes", "40", "--out", "s"),
    "audit": ("audit", "oil-leases-prior", "cremer-mclean"),
    "equilibrium": ("equilibrium", "oil-leases-prior", "cremer-mclean"),
    "tournament": ("tournament", "study.toml"),
    "report": ("report", "lie"),
    "export": ("export", "lie", "--to", "csv"),
    "replay": ("replay", "lie", "--case", "deviation"),
    "bound": ("bound", "two-period-sale:grid=2"),
    "reproduce": ("reproduce", "planted"),
    "sweep": ("sweep", "repeated-auction:horizon=2,values=2", "--vary", "discount=0.5", "--mechanism", "pivot"),
    "verify": ("verify", "proof.json"),
    "robust": ("robust", "repeated-auction:horizon=2,values=2", "pivot", "--draws", "30", "--replications", "2",
               "--out", "b"),
    "estimate": ("estimate", "lie", "--environment", "oil-leases-prior"),
    "design": ("design", "oil-leases", "--memory", "none"),
}  # fmt: skip
"""By command; `prepare` makes the files that they name."""

CODES = {"audit": 1, "design": 1}
"""Exit codes that are not 0."""


class PlantedPaper:
    """A paper of two claims that cost nothing."""

    PAPER, TITLE = "planted", "A planted paper"

    @staticmethod
    def claims() -> list[Claim]:
        return [Claim("planted", "one", 1.0, 1.0), Claim("planted", "two", None, 2.0)]


def prepare(folder: Path) -> None:
    """Make the files that the calls need, in the working directory."""
    (folder / "mine.py").write_text(strategy("mine", "return view.prescribed", head="width = 0"), encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    certify(audit("oil-leases-prior", "linked"), folder / "proof.json")
    with pytest.raises(SystemExit) as stopped:
        main([*CALLS["run"][:-1], str(folder / "lie")])
    assert not stopped.value.code


def enter(prepared: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to an empty folder that holds what the calls need, and plant the paper."""
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("dynmech.experiments.reproductions.claims.papers", lambda: {"planted": PlantedPaper})


def exit_code(words: Sequence[str]) -> object:
    """The exit code of a call in this process."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    return stopped.value.code
