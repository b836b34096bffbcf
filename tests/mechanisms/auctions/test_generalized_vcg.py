"""Liu 2014, §3.4: what eq. (4) promises, what it does on a grid, and where it is the dynamic pivot."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.experiments.scenarios.public_good import PublicGood
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.auctions.generalized_vcg import GeneralizedVCG
from dynmech.mechanisms.conditions.one_dimensional import increasing_differences, interval_order, single_crossing
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.builders import from_arrays, single_object
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from tests.builders.exact import payoffs_of_truth
from tests.builders.generators import generator

seeds = st.integers(0, 10_000)


def ordered_economy(seed: int, agents: int, nodes: int, decisions: int, horizon: int | None = None) -> TableEnvironment:
    """Decisions 0 < 1 < … of growing scale; tastes add up, spill over, persist, and rise with the scale that is run."""
    rng = generator(seed)
    taste = [np.sort(rng.uniform(0, 1, nodes)) for _ in range(agents)]
    signals = np.array(np.meshgrid(*taste, indexing="ij"))
    scale = np.concatenate([[0], np.cumsum(rng.uniform(0.3, 1, decisions - 1))])
    spill, weight = rng.uniform(0, 1, agents), rng.uniform(0.5, 1.5, agents)
    cost = rng.uniform(0.3, 1, agents)
    axes = (decisions, *(1,) * agents)
    utility = np.stack(
        [
            weight[i]
            * (
                scale.reshape(axes) * ((1 - spill[i]) * signals[i] + spill[i] * signals.sum(axis=0))
                - cost[i] * scale.reshape(axes) ** 2
            )
            for i in range(agents)
        ]
    )
    habit = rng.uniform(0, 0.5) * scale / scale[-1]
    kernels = []
    for _ in range(agents):
        stay = rng.uniform(0, 1)
        keep = stay * np.eye(nodes) + (1 - stay) * rng.dirichlet(np.ones(nodes))
        up = np.eye(nodes)[np.minimum(np.arange(nodes) + 1, nodes - 1)]
        kernels.append(np.stack([keep @ ((1 - h) * np.eye(nodes) + h * up) for h in habit]))
    prior = np.full((nodes,) * agents, nodes ** -float(agents))
    return from_arrays(utility, kernels, prior, 0.85, horizon=horizon, name="ordered")


def worst(environment: TableEnvironment, mechanism: Mechanism, family: Family = Family.BEST_RESPONSE) -> float:
    """The largest ex post gain of anybody."""
    return audit(environment, mechanism).worst(family, "ex_post")[1].gain


sizes = st.sampled_from([(2, 2, 2), (2, 5, 2), (2, 4, 3), (3, 2, 2), (3, 3, 3)])


@given(seeds, sizes)
def test_clipped_increments_hold_wherever_the_conditions_do(seed: int, size: tuple[int, int, int]) -> None:
    """No gain ex post; and the payoff level under truth is the one that the payments were worked out from."""
    environment = ordered_economy(seed, *size)
    mechanism = GeneralizedVCG(environment)
    assert all(condition.holds for condition in mechanism.conditions())
    found = audit(environment, mechanism)
    assert found.worst(Family.BEST_RESPONSE, "ex_post")[1].gain < 1e-9
    assert found.verdict == "holds"
    values = payoffs_of_truth(environment, mechanism)
    np.testing.assert_allclose(values, mechanism.values[0].reshape(values.shape), atol=1e-10)


@given(seeds, sizes, st.integers(1, 4))
def test_finite_horizons_go_backwards(seed: int, size: tuple[int, int, int], horizon: int) -> None:
    environment = ordered_economy(seed, *size, horizon=horizon)
    mechanism = GeneralizedVCG(environment)
    assert all(condition.holds for condition in mechanism.conditions())
    assert worst(environment, mechanism) < 1e-9
    expected = (mechanism.values[0] * environment.prior).reshape(len(environment.agents), -1).sum(axis=1)
    truthful = FiniteGame(environment, mechanism).truthful
    np.testing.assert_allclose(truthful.utility - truthful.transfer, expected, atol=1e-12)


@given(seeds, sizes)
def test_payments_are_the_formula_read_aloud(seed: int, size: tuple[int, int, int]) -> None:
    """Eq. (4) by loops over κ, with W and V^i taken from the planner and from the mechanism's own values."""
    environment = ordered_economy(seed, *size)
    mechanism = GeneralizedVCG(environment, "printed")
    best = plan(environment)
    for i in range(len(environment.agents)):
        own = mechanism.own_value(0, i)
        for profile in np.ndindex(*environment.stage(0).axes):
            paid, here = 0.0, list(profile)
            for k in range(1, profile[i] + 1):
                here[i] = k
                x = tuple(here)
                here[i] = k - 1
                before, after = int(best.policy[0][tuple(here)]), int(best.policy[0][x])
                if before != after:
                    rest = best.quality[0] - own  # Y = W − V
                    paid += rest[(before, *x)] - rest[(after, *x)]
            assert mechanism.flow_table(0)[(i, *profile)] == pytest.approx(paid, abs=1e-10)


def test_the_grid_trap() -> None:
    """A public good on five nodes: eq. (4) as printed loses 0.36, the clipped one nothing."""
    environment = PublicGood(persistence=0.68, habit=0).build()
    printed = GeneralizedVCG(environment, "printed")
    assert worst(environment, printed) == pytest.approx(0.362272, abs=1e-6)
    assert worst(environment, printed, Family.ONE_SHOT) == pytest.approx(0.125, abs=1e-9)
    assert all(condition.holds for condition in printed.conditions()), "its conditions hold, its promise does not"
    assert worst(environment, GeneralizedVCG(environment)) < 1e-9


def test_the_trap_closes_as_the_grid_gets_finer() -> None:
    """One lie gains at most what one node adds to the others' values: γ / (K − 1) in a single period."""
    gains = []
    for nodes in (3, 5, 9, 17):
        environment = PublicGood(nodes=nodes, cost=1.55, habit=0, horizon=1).build()
        gains.append(worst(environment, GeneralizedVCG(environment, "printed")))
        assert gains[-1] <= 0.5 / (nodes - 1) + 1e-12
    assert gains[0] > 0.1
    assert gains[-1] < 0.04


def test_it_is_worth_using_on_the_public_good() -> None:
    """Where everything else loses or is refused."""
    environment = PublicGood().build()
    assert worst(environment, GeneralizedVCG(environment)) < 1e-9
    assert worst(environment, GeneralizedVCG(environment, "printed")) > 0.3
    assert worst(environment, Pivot(environment)) > 0.1
    with pytest.raises(Refusal, match="no spanning for agent 'citizen 1'"):
        ContingentSpanning(environment)


class Myopic(GeneralizedVCG):
    """Planted: own differences of today's utility, as if tomorrow did not follow from the decision."""

    def own_value(self, t: int, agent: int) -> FloatArray:
        return self.environment.stage(t).utility[agent]


class OneTooHigh(GeneralizedVCG):
    """Planted: increments taken at the signal below the change."""

    def _differences(self, t: int, agent: int, table: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, _ = super()._differences(t, agent, table)
        return low - 0.1 * (low != 0), low - 0.1 * (low != 0)


@pytest.mark.parametrize("wrong", [Myopic, OneTooHigh])
def test_planted_payments_lose(wrong: type[GeneralizedVCG]) -> None:
    environment = PublicGood().build()
    assert worst(environment, wrong(environment)) > 0.01


# The dynamic pivot


def auction_with_an_absorbing_zero(absorbing: bool) -> TableEnvironment:
    """Winning moves values; value 0 gets nothing, and stays 0 or not."""
    stay = np.array([[1.0, 0, 0], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]])
    tired = np.array([[1.0, 0, 0], [0.6, 0.3, 0.1], [0.5, 0.3, 0.2]])
    if not absorbing:
        stay, tired = stay.copy(), tired.copy()
        stay[0], tired[0] = [0.3, 0.3, 0.4], [0.9, 0.1, 0]
    kernels = [np.stack([tired if d == i else stay for d in range(2)]) for i in range(2)]
    prior = np.full((3, 3), 1 / 9)
    return single_object([[0, 1, 2]] * 2, kernels, prior, 0.9, reserve=False)


def off_pivot(environment: TableEnvironment) -> float:
    """How far the payments are from the dynamic pivot's."""
    return float(np.abs(GeneralizedVCG(environment).tables[0] - Pivot(environment).tables[0]).max())


def test_it_is_the_dynamic_pivot_where_the_lowest_signal_counts_for_nothing() -> None:
    """Remark 3.9 with its missing condition: value 0 at the lowest signal, which is absorbing or moves freely."""
    assert off_pivot(auction_with_an_absorbing_zero(True)) < 1e-9
    assert off_pivot(RepeatedAuction(values=4).build()) < 1e-9
    # What the decision does to the lowest signal counts: without the condition the identity fails, visibly.
    assert off_pivot(auction_with_an_absorbing_zero(False)) > 0.05


@given(seeds, st.integers(2, 3), st.integers(2, 4))
def test_it_is_the_dynamic_pivot_on_random_goods_that_move_nothing(seed: int, agents: int, nodes: int) -> None:
    """Private values that start at 0, any independent transitions that no decision moves."""
    rng = generator(seed)
    values = [[0.0, *np.cumsum(rng.uniform(0.1, 1, nodes - 1))] for _ in range(agents)]
    kernels = [rng.dirichlet(np.ones(nodes), nodes) for _ in range(agents)]
    environment = single_object(values, kernels, np.full((nodes,) * agents, nodes ** -float(agents)), 0.9)
    assert off_pivot(environment) < 1e-9
    contribution = plan(environment).value[0] - plan(environment, 0).value[0]
    np.testing.assert_allclose(GeneralizedVCG(environment).values[0][0], contribution, atol=1e-9)


# Where it does not fit, and where its conditions fail


def test_a_decision_given_up_and_taken_again_is_refused() -> None:
    utility = np.zeros((2, 2, 3, 1))
    utility[0, 1, :, 0] = [-1, 1, -1]
    environment = from_arrays(utility, [np.full((2, 3, 3), 1 / 3), np.ones((2, 1, 1))], np.full((3, 1), 1 / 3), 0.5)
    found = interval_order(environment, plan(environment))
    assert (found.holds, found.value) == (False, 1)
    assert found.where["signal"] == "2"
    with pytest.raises(Refusal, match=r"chosen, given up and chosen again \(period 0, agent agent 1, decisions d0, d1"):
        GeneralizedVCG(environment)
    crossing = single_crossing(environment, plan(environment))
    assert (crossing.holds, crossing.value) == (False, 1)


def test_own_differences_that_fall_are_refused_or_shown() -> None:
    """Firm 1 wins the first lease where it wants it less: 7 at the signal 4, 11 at 6."""
    environment = OilLeases().build()
    with pytest.raises(Refusal, match=r"period 0 agent 'firm 1' gains 4 less from '2' instead of '1' at the signal 6"):
        GeneralizedVCG(environment)
    printed = GeneralizedVCG(environment, "printed")
    falling = next(c for c in printed.conditions() if c.name.startswith("increasing"))
    assert not falling.holds
    assert falling.value == pytest.approx(4)
    assert falling.where == {"period": 0, "agent": "firm 1", "decisions": "1, 2", "signal": "6", "others": "-"}
    assert worst(environment, printed) > 1


@given(seeds)
def test_where_conditions_fail_the_promise_may_fail_and_where_they_hold_it_holds(seed: int) -> None:
    """Random utilities on an independent kernel: never a gain unless a condition says why."""
    rng = generator(seed)
    kernels = [rng.dirichlet(np.ones(3), (2, 3)) for _ in range(2)]
    environment = from_arrays(rng.uniform(-1, 1, (2, 2, 3, 3)), kernels, np.full((3, 3), 1 / 9), 0.9)
    try:
        mechanism = GeneralizedVCG(environment)
    except Refusal:
        return
    failing = [c.name for c in mechanism.conditions() if not c.holds]
    assert worst(environment, mechanism) < 1e-9 or "increasing differences of own values" in failing


def restless(seed: int = 1356) -> TableEnvironment:
    """Found by search: going back from a last period stretches differences of values by a quarter each period."""
    rng = np.random.default_rng(seed)
    nodes, decisions = int(rng.integers(2, 5)), int(rng.integers(2, 4))
    kernels = [rng.dirichlet(np.full(nodes, 0.05), (decisions, nodes)) for _ in range(2)]
    utility = rng.uniform(-1, 1, (2, decisions, nodes, nodes))
    for i in range(2):
        shape = [1, *(nodes if j == i else 1 for j in range(2))]
        utility[i] += 3 * np.arange(decisions).reshape(-1, 1, 1) * np.sort(rng.uniform(-1, 1, nodes)).reshape(shape)
    return from_arrays(utility, kernels, np.full((nodes, nodes), nodes**-2.0), 0.97)


@pytest.mark.parametrize("increments", ["clipped", "printed"])
def test_stationary_values_exist_where_a_long_horizon_does_not_lead_to_them(increments: str) -> None:
    environment = restless()
    mechanism = GeneralizedVCG(environment, increments)  # type: ignore[arg-type]
    assert all(condition.holds for condition in mechanism.conditions())
    assert worst(environment, mechanism) < 1e-9
    stationary = mechanism.values[0]
    np.testing.assert_allclose(mechanism._before(0, stationary), stationary, atol=1e-9)
    value, apart = np.zeros_like(stationary), []
    for _ in range(200):  # periods before the last one
        value = mechanism._before(0, value)
        apart.append(float(np.ptp((value - stationary)[0])))
    assert min(apart[100:]) > apart[0], "clipping keeps it in bounds, but it does not get there"
    assert mechanism.clipped or apart[-1] > 1e12


def test_an_audit_shows_what_it_rests_on() -> None:
    environment = PublicGood(nodes=3).build()
    shown = {c.name: c.holds for c in audit(environment, GeneralizedVCG(environment)).conditions}
    assert shown["interval order"]
    assert shown["increasing differences of own values"]
    assert "interval order" not in {c.name for c in audit(environment, Pivot(environment)).conditions}


def test_increasing_differences_names_where_they_fall() -> None:
    environment = PublicGood(nodes=3).build()
    falling = increasing_differences(environment, plan(environment), lambda _t, i: -environment.stage(0).utility[i])
    assert not falling.holds
    assert falling.value == pytest.approx(0.5)
    assert falling.where["decisions"] == "without, with"


# In play


def test_play_earns_the_values() -> None:
    """Sampled from the event loop: payoffs within five standard errors of V^i, and no closing payments."""
    environment = replace(PublicGood().build(), discount=0.7)
    mechanism = GeneralizedVCG(environment)
    game = make_game(environment, mechanism, tail=1e-3)
    record = play_shard(game, [Truthful()] * 2, Streams(0, "test", 0, 4000, game.periods + game.closing))
    exact = (mechanism.values[0] * environment.prior).reshape(2, -1).sum(axis=1)
    moments = Moments.of(record.payoffs)
    assert (moments.error < 0.05).all()
    assert (np.abs(moments.mean - exact) <= 5 * moments.error + game.tail).all()
