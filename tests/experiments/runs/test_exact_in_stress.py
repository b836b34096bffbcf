"""Exact gains beside simulated ones: they agree, and a disagreement is flagged; replays of the log."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dynmech.agents.oracle.gains import Gain
from dynmech.agents.oracle.search import Family
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.replaying import replay
from dynmech.experiments.runs.running import make_protocol, run
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.searches import exact_searches
from dynmech.experiments.searches.exact import Exact, exact_gains
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.game import Game, ProtocolOptions
from dynmech.sim.play.latency import Latency


@pytest.fixture(scope="module")
def leases(tmp_path_factory: pytest.TempPathFactory) -> StressResult:
    out = tmp_path_factory.mktemp("exact") / "run"
    return stress("oil-leases-prior", ["cremer-mclean", "linked"], episodes=3000, out=out)


def row(result: StressResult, mechanism: str, family: str, agent: str = "firm 1") -> dict[str, Any]:
    gains = result.gains
    here = (gains["mechanism"] == mechanism) & (gains["family"] == family) & (gains["agent"] == agent)
    return {str(key): value for key, value in gains[here].iloc[0].items()}


def test_exact_and_simulated_gains_stand_side_by_side(leases: StressResult) -> None:
    best = row(leases, "cremer-mclean", "best-response")
    assert best["exact"] == pytest.approx(2, abs=1e-9)
    assert abs(best["gain"] - best["exact"]) < 4 * best["half_width"] / 1.96
    assert row(leases, "cremer-mclean", "one-shot")["exact"] == pytest.approx(0, abs=1e-9)
    assert row(leases, "cremer-mclean", "belief-manipulation")["exact"] == pytest.approx(2, abs=1e-9)
    assert leases.gains["agrees"].all()
    by_name = leases.mechanisms.set_index("mechanism")
    assert bool(by_name.loc["linked", "exact"])
    assert not bool(by_name.loc["cremer-mclean", "exact"])
    assert "in period 1, with signal 4, having reported" in best["words"]


@pytest.mark.parametrize(("family", "shift"), [(Family.BEST_RESPONSE, 0.7), (Family.BEST_RESPONSE, -0.7)])
def test_a_wrong_exact_figure_is_flagged(
    family: Family,
    shift: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Planted: the oracle is off by 0.7; the simulation does not follow it."""

    def wrong(game: Game) -> Exact:
        right = exact_gains(game)
        gains = {key: Gain(f.gain + shift * (key[1] is family), f.bound, f.state) for key, f in right.gains.items()}
        return replace(right, gains=gains)

    monkeypatch.setattr(exact_searches, "exact_gains", wrong)
    with pytest.raises(SystemExit):
        main(
            [
                "stress",
                "oil-leases-prior",
                "--mechanism",
                "cremer-mclean",
                "--episodes",
                "2000",
                "--out",
                str(tmp_path / "a"),
            ]
        )
    out = capsys.readouterr().out
    assert "DISAGREEMENT: cremer-mclean, best-response, firm 1" in out


def test_other_house_rules_are_simulated_only(tmp_path: Path) -> None:
    protocol = ProtocolOptions(0.5, (Latency("uniform", 0.4),) * 2)
    result = stress("oil-leases-prior", ["linked"], episodes=300, out=tmp_path / "a", protocol=protocol)
    assert result.gains["exact"].isna().all()
    assert "no late messages" in result.mechanisms.iloc[0]["exact_refused"]


def test_a_replay_shows_the_lie_and_the_truth_beside_it(leases: StressResult) -> None:
    shown = replay(leases.folder, "firm-1.best-response")
    assert shown.mechanism == "cremer-mclean"
    assert list(shown.deviators) == ["firm 1"]
    gain, mean = shown.gains["firm 1"]
    mine = shown.played[shown.played["agent"] == "firm 1"]
    earned = float((mine["utility"] - mine["transfer"]).sum())
    honest = float((mine["truth utility"] - mine["truth transfer"]).sum())
    assert earned - honest == pytest.approx(gain)  # no discounting here
    # The largest gain of an episode: winning at 6 (worth 11) for 5, instead of losing for nothing.
    assert gain == pytest.approx(6)
    assert mean == pytest.approx(row(leases, "cremer-mclean", "best-response")["gain"])
    other = replay(leases.folder, "firm-1.best-response", episode=7)
    assert other.episode == 7
    assert len(other.played) == 3 * 2


def test_the_replay_command(leases: StressResult, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["replay", str(leases.folder), "--case", "firm-1.best-response"])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    assert out.startswith("cremer-mclean, episode ")
    words = " ".join(out.split())
    assert "gains 6.00 in this episode, 1." in words
    assert "on average over all (discounted)" in words


def test_a_replay_of_prescribed_play_says_so(leases: StressResult, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(leases.folder, "prescribed", mechanism="cremer-mclean", episode=2).deviators == {}
    with pytest.raises(SystemExit):
        main(["replay", str(leases.folder), "--case", "prescribed", "--mechanism", "cremer-mclean", "--episode", "2"])
    assert capsys.readouterr().out.startswith("cremer-mclean, episode 2: everybody plays as prescribed.\n")


@pytest.mark.parametrize(
    ("case", "options", "why"),
    [
        ("firm-1.best-respnse", {}, "no case 'firm-1.best-respnse'; cases: "),
        ("firm-1.one-shot", {}, "under cremer-mclean, linked; choose one with --mechanism"),
        ("firm-1.best-response", {"mechanism": "linked"}, "was not played under 'linked'"),
        ("firm-1.best-response", {"episode": 3000}, "no episode 3000; there are 0 to 2999"),
    ],
)
def test_a_replay_of_what_is_not_there(leases: StressResult, case: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        replay(leases.folder, case, **options)


def test_a_latency_that_can_never_make_the_deadline_is_refused() -> None:
    with pytest.raises(InputError, match=r"no message of 'a' \(constant 0\.2\) can arrive by the deadline 0"):
        make_protocol(("a", "b"), 0.0, {"a": "0.2"})
    with pytest.raises(InputError, match="no message of 'b'"):
        make_protocol(("a", "b"), 0.0, {"b": "exponential:0.2"})
    assert make_protocol(("a", "b"), 0.2, {"all": "0.2"}).latency[1].value == 0.2


PLUGIN = '''
import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.mechanisms.groves.team import Team
from dynmech.experiments.scenarios.base import Scenario


class Shade(Strategy):
    """Lies with probability p."""

    name = "shade"
    width = 1

    def __init__(self, p=0.5):
        self.p = p

    def message(self, view):
        return np.where(view.uniforms[:, 0] < self.p, 0, view.prescribed)


class Needy(Shade):
    """Has no default."""

    name = "needy"

    def __init__(self, p: float):
        self.p = p


class Dice(Team):
    """Throws dice."""

    name = "dice"

    def charge(self, now, messages, decision, acts):
        return super().charge(now, messages, decision, acts) * np.random.random()


class Cheap(Team):
    """Understates its transfers."""

    name = "cheap"

    def transfer_bound(self):
        return 0.1


class Orphan(Team):
    """Forgets its parents."""

    name = "orphan"

    def __init__(self, environment):
        self.promise = 1


class Nothing(Scenario):
    """Builds nothing."""

    name = "nothing"

    def build(self):
        pass
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


def line(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    err = capsys.readouterr().err
    assert stop.value.code == code
    return err.splitlines()[-1]


def test_an_option_of_a_user_s_strategy_is_part_of_the_run(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dynmech.experiments.catalog.names import take_in_plugins

    monkeypatch.chdir(tmp_path)
    take_in_plugins([plugin])
    results = [run("oil-leases", "team", {"firm 1": f"shade:p={p}"}, episodes=200) for p in (0.1, 0.9)]
    assert results[0].folder != results[1].folder
    assert results[0].agents["strategy"][0] == "shade:p=0.1"  # a number, although the option is not annotated
    assert results[0].agents["gain"][0] != results[1].agents["gain"][0]


def test_users_mechanisms_are_held_to_their_word(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--plugin", str(plugin), "--episodes", "50")
    assert "charge answers otherwise when it is asked again" in line(capsys, "run", "oil-leases", "dice", *given)
    assert "exceeds its transfer_bound() 0.1" in line(capsys, "run", "oil-leases", "cheap", *given)
    assert "must call super().__init__(environment)" in line(capsys, "run", "oil-leases", "orphan", *given, code=2)
    assert "build() returned NoneType" in line(capsys, "run", "nothing", "team", *given, code=2)


def test_a_family_that_cannot_be_tried_is_named(plugin: Path, tmp_path: Path) -> None:
    from dynmech.experiments.catalog.names import take_in_plugins

    take_in_plugins([plugin])
    result = stress("oil-leases", ["linked"], episodes=100, out=tmp_path / "s")
    assert result.untried == {"needy": "it needs p; give it a default, or define candidates()"}
