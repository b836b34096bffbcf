"""Liu's contingent mechanisms: no lie gains, and payoffs are exactly what the theorems say."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dynmech.agents.conformance.strategy_check import check_mechanism
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.conditions.last_period import ex_post_implementable
from dynmech.mechanisms.contingent.average_externality import AverageExternality
from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Situation
from tests.builders.economies import (
    endless,
    least_distance,
    least_singular_value,
    more_signals,
    unfolding,
    weather,
)
from tests.builders.gains import RULES, due_under_truth, largest_gain, pages, rounding

seeds = st.integers(0, 10_000)
sizes = st.sampled_from([(2, 2), (2, 3), (2, 4), (3, 2), (3, 3), (3, 4)])


@pytest.mark.parametrize("name", RULES)
@given(seed=seeds, size=sizes)
def test_endless_economies(name: str, seed: int, size: tuple[int, int]) -> None:
    """V_t^i = λ W(θ_t) − what is due, after every history, and nobody gains, whatever it knows and however it lies."""
    environment = endless(seed, *size)
    assert least_singular_value(environment) >= 0.02 - 1e-12
    rule, share = RULES[name]
    mechanism = rule(environment)
    close = rounding(environment, mechanism)
    for t, page in pages(environment, mechanism):
        ahead = share(size[0]) * plan(environment).value[0].reshape(-1) - due_under_truth(environment, mechanism, t)
        np.testing.assert_allclose(page.stay, ahead, atol=close)
    assert largest_gain(environment, mechanism) <= close


@pytest.mark.parametrize("name", RULES)
@given(seed=seeds, agents=st.sampled_from([2, 2, 3]))
def test_unfolding_economies(name: str, seed: int, agents: int) -> None:
    """Four different periods; the last leaves V_T^i = u^i − p_T^i."""
    environment = unfolding(seed, agents)
    rule, share = RULES[name]
    mechanism = rule(environment)
    close = rounding(environment, mechanism)
    for t, page in pages(environment, mechanism):
        last = np.stack([mechanism.last_value(i) for i in range(agents)])[:, None, :]
        value = last if t == 3 else share(agents) * plan(environment).value[t].reshape(-1)
        np.testing.assert_allclose(page.stay, value - due_under_truth(environment, mechanism, t), atol=close)
    assert largest_gain(environment, mechanism) <= close


@pytest.mark.parametrize("rule", [ContingentSpanning, ContingentConvex])
@given(seed=seeds)
def test_a_constant_last_decision(rule: Callable[..., ContingentMechanism], seed: int) -> None:
    """Nothing need be implementable in the last period; earlier decisions stay efficient, and still V_0 = W_0."""
    environment = unfolding(seed, private_end=False)
    if not ex_post_implementable(environment).holds:
        with pytest.raises(Refusal, match=r"gains .* around the cycle of reports s. → .*last=DECISION"):
            rule(environment)
    mechanism = rule(environment, last="d1")
    close = rounding(environment, mechanism)
    for t, page in pages(environment, mechanism):
        last = environment.stage(3).utility[:, 1].reshape(2, 1, -1)
        value = last if t == 3 else plan(environment).value[t].reshape(-1)
        np.testing.assert_allclose(page.stay, value - due_under_truth(environment, mechanism, t), atol=close)
    assert largest_gain(environment, mechanism) <= close
    found = audit(environment, mechanism)
    assert found.holds
    assert not mechanism.promises.efficient
    assert (
        found.truthful.welfare < (plan(environment).value[0] * environment.prior).sum() - 0.01
    )  # surplus is lost; the designer pays


def test_interdependent_last_periods_are_seldom_implementable() -> None:
    refused = sum(not ex_post_implementable(unfolding(seed, private_end=False)).holds for seed in range(20))
    assert 12 <= refused < 20


@given(seed=seeds)
@settings(max_examples=12)
def test_convex_independence_without_spanning(seed: int) -> None:
    """Four signals, three things to say: no spanning, but every belief is a corner."""
    environment = more_signals(seed)
    assert least_distance(environment) > 0.05
    with pytest.raises(Refusal, match=r"no spanning for agent 'agent 1', .*missed by .*singular value 0; .*'s3'"):
        ContingentSpanning(environment)
    for name, (rule, share) in RULES.items():
        if "spanning" in name:
            continue
        mechanism = rule(environment)
        for t, page in pages(environment, mechanism):
            ahead = share(2) * plan(environment).value[0].reshape(-1) - due_under_truth(environment, mechanism, t)
            np.testing.assert_allclose(page.stay, ahead, atol=rounding(environment, mechanism))
        assert largest_gain(environment, mechanism) <= rounding(environment, mechanism)


@pytest.mark.parametrize("name", RULES)
@given(seed=st.integers(0, 50))
def test_public_states_and_costs(name: str, seed: int) -> None:
    """Others' profiles include the public state; welfare is net of cost, which average externality recovers."""
    environment = weather(seed)
    rule, share = RULES[name]
    mechanism = rule(environment)
    for t, page in pages(environment, mechanism):
        ahead = share(2) * plan(environment).value[0].reshape(-1) - due_under_truth(environment, mechanism, t)
        np.testing.assert_allclose(page.stay, ahead, atol=rounding(environment, mechanism))
    assert largest_gain(environment, mechanism) <= rounding(environment, mechanism)
    truthful = FiniteGame(environment, mechanism).truthful
    if "average" in name:
        costs = float(truthful.periods[0].cost_ahead[0] @ environment.prior.reshape(-1))
        assert truthful.transfer.sum() == pytest.approx(costs, abs=2 * rounding(environment, mechanism))
    if name == "spanning":
        balanced = ContingentSpanning(environment, budget="ex-ante")
        assert FiniteGame(environment, balanced).truthful.transfer.sum() == pytest.approx(
            0, abs=2 * rounding(environment, balanced)
        )
        assert largest_gain(environment, balanced) <= rounding(environment, balanced)


def test_a_constant_last_decision_takes_lotteries_or_spanning() -> None:
    """Convex independence alone, as printed, is not enough for transfers that do not know the own report."""
    base = more_signals(0)
    environment = TableEnvironment("three periods", base.agents, base.prior, base.stages, 0.9, 3)
    with pytest.raises(Refusal, match=r"no spanning for agent 'agent 1', .*, period [01]: "):
        ContingentSpanning(environment, last="d0")
    mechanism = ContingentConvex(environment, last="d0")
    assert audit(environment, mechanism).holds
    np.testing.assert_allclose(
        FiniteGame(environment, mechanism).truthful.periods[0].stay[:, 0],
        [plan(environment).value[0].reshape(-1)] * 2,
        atol=1e-8,
    )


def test_the_linear_program_never_pays_more_than_the_explicit_solution() -> None:
    smaller = 0
    for seed in range(8):
        environment = endless(seed, 2, 3)
        explicit, smallest = ContingentConvex(environment), ContingentConvex(environment, transfers="smallest")
        assert smallest.transfer_bound() <= explicit.transfer_bound() + 1e-9
        smaller += smallest.transfer_bound() < 0.7 * explicit.transfer_bound()
        largest = max(float(np.abs(stage.welfare - u).max()) for stage in environment.stages for u in stage.utility)
        bound = (1 + 4 / least_distance(environment)) * largest / environment.discount
        assert explicit.transfer_bound() <= bound * (1 + 1e-12)
    assert smaller >= 4


@pytest.mark.parametrize("made", [endless, unfolding])
@pytest.mark.parametrize("name", RULES)
def test_on_the_event_loop(name: str, made: Callable[[int], TableEnvironment]) -> None:
    """Rules that do what they declare, and simulated payoffs of truth that are λ E[W] within four standard errors."""
    environment = made(6)
    rule, share = RULES[name]
    game = make_game(environment, rule(environment), tail=1e-3)
    check_mechanism(game)
    streams = Streams(0, "contingent", 0, 6000, game.periods + game.closing)
    payoffs = play_shard(game, [Truthful(), Truthful()], streams).payoffs
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    error = payoffs.std(axis=1, ddof=1) / np.sqrt(payoffs.shape[1])
    assert (np.abs(payoffs.mean(axis=1) - share(2) * surplus) <= 4 * error + 2 * game.tail).all()


def test_the_oil_leases() -> None:
    """Liu's example, no discounting: −(N − 1) E[W] = −19, and everything promised holds; with the prior too."""
    for environment in (OilLeases().build(), OilLeasesPrior().build()):
        for rule in (ContingentSpanning, ContingentConvex):
            found = audit(environment, rule(environment))
            assert found.holds
            assert found.truthful.transfer.sum() == pytest.approx(-19)
        assert audit(environment, AverageExternality(environment)).holds
        found = audit(environment, SurplusExtraction(environment))
        assert found.holds
        assert found.truthful.transfer.sum() == pytest.approx(19)


def test_a_due_transfer_reads_the_past_reports_as_it_should() -> None:
    """Spanning: the own last report counts through the decision only; convex: it counts; the own current one never."""
    environment = endless(3)
    spanning, convex = ContingentSpanning(environment), ContingentConvex(environment)

    def due(mechanism: ContingentMechanism, memory: int, *reports: int) -> list[float]:
        now = Situation(4, np.array([memory]), np.zeros(1, np.intp))
        return mechanism.due(now, np.array([reports]))[0].tolist()

    def after(first: int, second: int) -> int:
        return 1 + 2 * first + second  # the documented code of the memory

    policy = spanning.policy(0).reshape(2, 2)
    compared = 0
    for mechanism, old, new in product((spanning, convex), range(2), range(2)):
        assert due(mechanism, 0, old, new) == [0, 0]  # no past, nothing due
        one, other = due(mechanism, after(0, old), 0, new)[0], due(mechanism, after(1, old), 1, new)[0]
        if mechanism is convex or policy[0, old] != policy[1, old]:
            assert one != other
        else:
            assert one == other
            compared += 1
        assert due(mechanism, after(0, old), 0, new)[0] == due(mechanism, after(0, old), 1, new)[0]
    assert compared
