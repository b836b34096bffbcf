"""OpenSpiel's best response against the oracle's, on small mechanisms exported as games."""

from collections.abc import Callable

import pytest

pytest.importorskip("pyspiel", reason="OpenSpiel is no dependency: pip install dynmech[spiel]")

from dynmech.agents.beliefs import Shown, prescribed_profile, search_beliefs
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.bridges import openspiel_observer
from dynmech.experiments.bridges.openspiel import Prescribed, best_response_value, export_game, nash_conv
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.generators import generator
from tests.builders.planted_mechanisms import Lottery
from tests.builders.random_economies import interdependent
from tests.builders.shown_play import Machine, changing_economy


@pytest.mark.parametrize("rule", [CremerMcLean, Linked, Team])
def test_oil_leases(rule: Callable[[TableEnvironment], Mechanism]) -> None:
    environment = OilLeasesPrior().build()
    mechanism = rule(environment)
    for agent in range(2):
        ours = solve(
            build_problem(FiniteGame(environment, mechanism), (agent,)), Family.BEST_RESPONSE, Information.INTERIM
        ).ex_ante
        assert best_response_value(environment, mechanism, agent) == pytest.approx(ours, abs=1e-10)


@pytest.mark.parametrize("rule", [Team, PayYourReport, Lottery])
def test_random_two_period_games(rule: Callable[[TableEnvironment], Mechanism]) -> None:
    base = random_environment(generator(11), agents=2, signals=2, decisions=2)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 2)
    mechanism = rule(environment)
    for agent in range(2):
        ours = solve(
            build_problem(FiniteGame(environment, mechanism), (agent,)), Family.BEST_RESPONSE, Information.INTERIM
        ).ex_ante
        assert best_response_value(environment, mechanism, agent) == pytest.approx(ours, abs=1e-10)


@pytest.mark.parametrize("disclosure", ["everything", "announced", "own"])
@pytest.mark.parametrize("seed", [2, 4])
def test_mechanisms_that_decide_by_lottery(seed: int, disclosure: str) -> None:
    """Rules at random on random stages: what is drawn is nature's move after the reports."""
    environment = changing_economy(seed)
    mechanism = Machine(environment, seed)
    assert max(tables.draws for tables in FiniteGame(environment, mechanism).tables) > 1
    for agent in range(2):
        shown = Shown(prescribed_profile(FiniteGame(environment, mechanism)), (agent,), disclosure)
        search = search_beliefs(shown, families=(Family.BEST_RESPONSE,), ex_post=False)
        best, start = search.values.solve(Family.BEST_RESPONSE).lower, search.graph.start
        ours = sum(best[node] * chance for node, chance in start.items())
        assert best_response_value(environment, mechanism, agent, disclosure) == pytest.approx(ours, abs=1e-10)


def test_truth_earns_what_the_ledger_says() -> None:
    from open_spiel.python.algorithms.expected_game_score import policy_value

    environment = OilLeasesPrior().build()
    game = export_game(environment, Linked(environment))
    values = policy_value(game.new_initial_state(), [Prescribed(game)] * 2)
    assert list(values) == pytest.approx([13.5, 6.5], abs=1e-12)


def test_infinite_horizons_are_refused() -> None:
    environment = interdependent(0)
    with pytest.raises(Refusal, match="give a horizon"):
        export_game(environment, Team(environment))


@pytest.mark.parametrize("disclosure", ["everything", "announced", "decisions", "own"])
@pytest.mark.parametrize("rule", [Team, PayYourReport])
def test_less_disclosure(rule: Callable[[TableEnvironment], Mechanism], disclosure: str) -> None:
    """The search over beliefs, shown what a run shows, and OpenSpiel on information states that say the same."""
    for seed in (11, 12):
        base = random_environment(generator(seed), agents=2, signals=2, decisions=3)
        environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 2)
        mechanism = rule(environment)
        vars(mechanism)["announces"] = lambda now, messages, decision: messages.max(axis=1)  # noqa: ARG005
        for agent in range(2):
            shown = Shown(prescribed_profile(FiniteGame(environment, mechanism)), (agent,), disclosure)
            search = search_beliefs(shown, families=(Family.BEST_RESPONSE,), ex_post=False)
            best, start = search.values.solve(Family.BEST_RESPONSE).lower, search.graph.start
            ours = sum(best[node] * chance for node, chance in start.items())
            assert best_response_value(environment, mechanism, agent, disclosure) == pytest.approx(ours, abs=1e-10)


# NashConv, in C++: what all agents gain ex ante, added up


def gains(environment: TableEnvironment, mechanism: Mechanism, disclosure: str) -> float:
    """Return the sum over agents of the ex ante gain, by the search over beliefs."""
    total = 0.0
    for agent in range(len(environment.agents)):
        shown = Shown(prescribed_profile(FiniteGame(environment, mechanism)), (agent,), disclosure)
        search = search_beliefs(shown, families=(Family.BEST_RESPONSE,), ex_post=False)
        best, start = search.values.solve(Family.BEST_RESPONSE).lower, search.graph.start
        total += sum(best[node] * chance for node, chance in start.items())
    truth = FiniteGame(environment, mechanism).truthful
    return float(total - (truth.utility - truth.transfer).sum())


@pytest.mark.parametrize(("mechanism", "gain"), [("cremer-mclean", 2.0), ("linked", 0.0)])
def test_nash_conv_of_the_oil_leases(mechanism: str, gain: float) -> None:
    assert nash_conv("oil-leases-prior", mechanism) == pytest.approx(gain, abs=1e-10)


@pytest.mark.parametrize("disclosure", ["everything", "announced", "decisions", "own"])
@pytest.mark.parametrize("seed", [9, 18])
def test_nash_conv_of_rules_at_random(seed: int, disclosure: str) -> None:
    """Public states, lotteries, messages that are not the signals."""
    environment = changing_economy(seed)
    mechanism = Machine(environment, seed)
    ours = gains(environment, mechanism, disclosure)
    assert ours > 0.01
    assert nash_conv(environment, mechanism, disclosure) == pytest.approx(ours, abs=1e-9)


def test_who_sees_what_is_hidden_gains_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted violation: information states that tell the others' signals; the comparison above would catch it."""
    environment = changing_economy(18, horizon=1)
    mechanism = Machine(environment, 18)
    monkeypatch.setattr(openspiel_observer, "_private_now", lambda state, who: [f"{who} sees {state.signals}"])
    assert nash_conv(environment, mechanism) > gains(environment, mechanism, "everything") + 0.01
