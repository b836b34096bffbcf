"""Equilibria where truth breaks: what is found is one, by the audit and by trees; planted games with a known answer."""

import json
from pathlib import Path

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.beliefs import Shown, search_beliefs
from dynmech.agents.beliefs.equilibrium_search import find_equilibrium, judge
from dynmech.agents.oracle.search import Family
from dynmech.experiments.cli.result_shapes import EquilibriumShape
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.cli_calls import exit_code
from tests.builders.shown_play import ShownTree
from tests.builders.shown_profiles import behaviour_of


class Pennies(DirectMechanism):
    """Planted: reports are coins; the first agent wins 1 from the second where they match. Truth says nothing."""

    name = "pennies"

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.zeros(len(messages), np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        match = np.where(messages[:, 0] == messages[:, 1], 1.0, -1.0)
        return np.stack([-match, match], axis=1)

    def transfer_bound(self) -> float:
        return 1.0


def coins() -> TableEnvironment:
    """One period, two signals each, and nothing at stake but payments; both always see heads."""
    stage = Stage((("heads", "tails"),) * 2, ("-",), np.zeros((2, 1, 2, 2)))
    return TableEnvironment("coins", ("Ann", "Bob"), np.array([[1.0, 0.0], [0.0, 0.0]]), (stage,), 1.0, 1)


def test_fictitious_play_finds_the_mixed_equilibrium_where_replies_cycle() -> None:
    """Matching pennies: no pure profile is one, and the average mixes evenly."""
    environment = coins()
    game = FiniteGame(environment, Pennies(environment))
    found = find_equilibrium(game, "none", 1e-6, 128)
    assert found.epsilon < 0.2
    assert found.at_least > 0
    assert 128 <= found.rounds <= 128 + 4, "four profiles are replied to in turn at most, then averages are"
    for chances in found.profile.chances[0]:
        np.testing.assert_allclose(chances[0, 0, 0], 0.5, atol=0.1)


def test_what_the_oil_leases_come_to() -> None:
    """Firm 1 says the opposite of what it knows of the correlation, and is believed."""
    result = dm.equilibrium("oil-leases-prior", "cremer-mclean")
    assert result.found
    assert result.epsilon < 1e-9
    assert not result.profile.is_prescribed
    again = dm.audit("oil-leases-prior", "cremer-mclean", profile=result.profile)
    assert again.verdict == "holds"
    assert again.gains.query("family == 'best_response' and information == 'ex_ante'").gain.abs().max() < 1e-9
    for agent in range(2):
        tree = ShownTree(result.profile.game.mechanism, agent, behaviour_of(result.profile))
        assert tree.value("anything") - tree.value("kept") < 1e-9
        assert tree.value("kept") == pytest.approx(result.worth.payoff[agent], abs=1e-9)  # type: ignore[index] # known


def test_what_the_repeated_auction_comes_to() -> None:
    """Who is worth 2 bids 1, whatever the other does: winning at 2 earns nothing."""
    result = dm.equilibrium("repeated-auction", "pay-your-report")
    assert result.found
    lies = {(row["signal"], *row["sends"]) for row in result.data()["situations"]}
    assert lies == {("0", "0"), ("1", "1"), ("2", "1")}
    assert result.worth.revenue == pytest.approx(80 / 9)
    assert result.truth.revenue == pytest.approx(130 / 9)
    assert result.worth.payoff == pytest.approx([10 / 3, 10 / 9])


def test_where_truth_holds_it_is_the_equilibrium() -> None:
    result = dm.equilibrium("repeated-auction:values=2", "pivot")
    assert result.found
    assert result.profile.is_prescribed
    assert "the truth is an equilibrium" in repr(result)


def test_every_round_is_judged_by_what_no_recall_limits() -> None:
    """The ε of a profile is the largest gain of the search over beliefs, of whoever gains most."""
    result = dm.equilibrium("repeated-auction:horizon=2,values=4", "pay-your-report", recall="none", rounds=2)
    assert not result.found
    gains = [
        search_beliefs(Shown(result.profile, (i,)), ex_post=False).figures[Family.BEST_RESPONSE]["ex_ante"].lower
        for i in range(2)
    ]
    assert max(gains) == pytest.approx(result.epsilon, abs=1e-9)
    assert result.epsilon <= judge(result.profile).epsilon
    better = dm.equilibrium("repeated-auction:horizon=2,values=4", "pay-your-report", recall="reports", rounds=8)
    assert better.epsilon < result.epsilon


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line, path = ["equilibrium", "oil-leases-prior", "cremer-mclean"], str(tmp_path / "profile.json")
    assert exit_code([*line, "--json", "-o", path]) == 0
    parsed = EquilibriumShape.model_validate(json.loads(capsys.readouterr().out))
    assert parsed.found
    assert exit_code([*line, "-o", path]) == 0
    shown = capsys.readouterr().out
    assert "payoff of firm 1" in shown
    assert f"dynmech audit oil-leases-prior cremer-mclean --profile {path}\n" in shown
    assert exit_code(["audit", "repeated-auction", "pay-your-report", "--profile", path]) == 2
    said = capsys.readouterr().err
    assert "has ['bidder 1', 'bidder 2']\n" in said, said
    assert exit_code(["audit", "oil-leases-prior", "cremer-mclean", "--profile", path]) == 0
    assert "is an equilibrium" in " ".join(capsys.readouterr().out.split())
    short = ("--recall", "none", "--rounds", "2")
    assert exit_code(["equilibrium", "repeated-auction:horizon=2,values=4", "pay-your-report", *short]) == 1
    assert "no equilibrium was found" in " ".join(capsys.readouterr().out.split())


def test_refusals() -> None:
    with pytest.raises(InputError, match="recall: 'all' is none of auto, none"):
        dm.equilibrium("oil-leases-prior", "cremer-mclean", recall="all")
    with pytest.raises(InputError, match="rounds: 0 is below 1"):
        dm.equilibrium("oil-leases-prior", "cremer-mclean", rounds=0)
    with pytest.raises(Refusal, match="it acts on replies or observed actions"):
        dm.equilibrium("repeated-trade", "self-enforcing")
