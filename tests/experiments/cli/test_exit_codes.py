"""Exit codes: 1 where something that was named, or that fits, could not be played; a failed plug-in is said once."""

from pathlib import Path

import pytest

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.cli.app import main
from dynmech.experiments.report.page import render_report
from dynmech.experiments.runs.failures import said_once
from dynmech.experiments.runs.stressing import stress
from dynmech.sim.core.errors import Refusal

BROKEN = '''
from dynmech.agents.strategies.base import Strategy


class Broken(Strategy):
    """Raises where it should send something."""

    name = "broken"

    @classmethod
    def candidates(cls, context):
        yield cls()

    def message(self, view):
        raise ValueError("no")
'''

PICKY = '''
from dynmech.mechanisms.groves.team import Team


class Picky(Team):
    """Fits nothing."""

    name = "picky"

    def __init__(self, environment):
        super().__init__(environment)
        raise self.refuse("it is too picky")
'''

STUDY = """
environment = "oil-leases"
mechanisms = [MECHANISMS]
plugins = [PLUGINS]
episodes = 8
[strategies]
truth = "truthful"
lie = "LIE"
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plug-ins in a folder of their own, whose names end with the test."""
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text(BROKEN, encoding="utf-8")
    Path("picky.py").write_text(PICKY, encoding="utf-8")
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        monkeypatch.setattr(registry, "_added", {})


def ends(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and error, in one line each."""
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    said = capsys.readouterr()
    assert isinstance(stop.value.code, int)
    return stop.value.code, " ".join(said.out.split()), " ".join(said.err.split())


FEW = ("--episodes", "8", "--log", "summary", "--out", "out")
STRESS = ("stress", "oil-leases", "--mechanism", "linked", *FEW)


def study(mechanisms: str, plugins: str = "", lie: str = "misreport:map=flip") -> str:
    text = STUDY.replace("MECHANISMS", mechanisms).replace("PLUGINS", plugins).replace("LIE", lie)
    Path("study.toml").write_text(text, encoding="utf-8")
    return "study.toml"


def test_a_plug_in_that_breaks_is_said_once_and_ends_a_stress_test_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ends(capsys, *STRESS, "--plugin", "broken.py")
    assert code == 1
    assert out.count("failed: ") == 1
    assert "failed: strategy 'broken' of agent 'firm 1' in period 0" in out
    assert "(and 1 more failure of it)" in out
    assert render_report("out").count("strategy &#39;broken&#39;") == 1
    assert ends(capsys, *STRESS, "--plugin", "broken.py")[0] == 1, "as long as it is not mended"


def test_what_was_not_named_and_does_not_fit_does_not_count(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ends(capsys, *STRESS)
    assert code == 0, out
    code, out, _ = ends(capsys, "stress", "bilateral-trade-continuous", "--plugin", "picky.py", *FEW[:-1], "all")
    assert code == 0
    assert "picky" in out


def test_a_named_mechanism_that_does_not_fit_leaves_the_rest_and_ends_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = ends(capsys, *STRESS, "--mechanism", "picky", "--plugin", "picky.py")
    assert code == 1
    assert "linked holds" in out
    assert "picky" in out
    code, out, err = ends(
        capsys, "stress", "oil-leases", "--mechanism", "picky", "--plugin", "picky.py", *FEW[:-1], "b"
    )
    assert (code, out) == (1, "")
    assert "it is too picky" in err
    with pytest.raises(Refusal, match="too picky"):
        stress("oil-leases", "picky", episodes=8, out="c")


def test_a_run_of_what_cannot_be_played_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ends(capsys, "run", "oil-leases", "picky", "--plugin", "picky.py", *FEW)
    assert (code, out) == (1, "")
    assert "it is too picky" in err
    lie = ("--strategy", "firm 1=broken", "--plugin", "broken.py")
    assert ends(capsys, "run", "oil-leases", "linked", *lie, *FEW)[0] == 1
    assert ends(capsys, "run", "oil-leases", "linked", *FEW[:-1], "d")[0] == 0


def test_bad_input_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("spoilt.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    assert ends(capsys, "run", "oil-leases", "linked", "--plugin", "spoilt.py", *FEW)[0] == 2
    assert ends(capsys, "stress", "oil-leases", "--mechanism", "linkd", *FEW)[0] == 2
    assert ends(capsys, "tournament", "nowhere.toml")[0] == 2


def test_a_tournament_names_all_that_it_plays(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(capsys, "tournament", study('"linked"'), "--out", "a")[0] == 0
    code, out, _ = ends(capsys, "tournament", study('"linked", "picky"', '"picky.py"'), "--out", "b")
    assert code == 1
    assert "holds under linked" in out
    assert "picky" in out
    code, out, _ = ends(capsys, "tournament", study('"linked"', '"broken.py"', "broken"), "--out", "c")
    assert code == 1
    assert out.count("failed: ") == 1


def test_an_audit_that_is_refused_is_bad_input_still(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(capsys, "audit", "oil-leases", "picky", "--plugin", "picky.py")[0] == 2


def test_other_plug_ins_are_said_apart() -> None:
    texts = ["strategy 'a' of agent 'x': no", "mechanism 'a' in period 0: no", "strategy 'b': no", "killed", "killed"]
    assert said_once({"failed": text} for text in texts) == [*texts[:3], "killed (and 1 more failure of it)"]
