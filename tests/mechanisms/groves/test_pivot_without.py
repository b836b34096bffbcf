"""The pivot mechanism with a choice of what the others may do without an agent."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.planning.feasibility import decisions_without, restricted
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import single_object
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.exact import best_ex_post_gain, payoffs_of_truth
from tests.builders.random_economies import private_values
from tests.builders.trades import market

seeds = st.integers(0, 10_000)


def best_of(environment: TableEnvironment, agent: int, allowed: list[int]) -> FloatArray:
    """W_{−i} with these decisions only, by plain value iteration."""
    stage, rows = environment.stage(0), environment.kernel(0).rows()
    flow = np.delete(stage.utility, agent, axis=0).sum(axis=0).reshape(len(stage.decisions), -1)
    value = np.zeros(stage.size)
    for _ in range(400):
        value = np.max([flow[d] + environment.discount * rows[d] @ value for d in allowed], axis=0)
    return value


def test_what_is_feasible_is_read_from_who_takes_part() -> None:
    environment = market(0)
    found = [decisions_without(environment, i, "feasible") for i in range(3)]
    assert [f[0].tolist() for f in found if f] == [[0], [0, 2], [0, 1]]  # no trade; the other buyer
    named = decisions_without(environment, 1, "no trade+buyer 2")
    assert named is not None
    assert named[0].tolist() == [0, 2]
    assert decisions_without(environment, 1, "all") is None


@given(seeds)
def test_feasible_pivot_gives_marginal_contributions_that_are_never_negative(seed: int) -> None:
    environment = market(seed)
    mechanism = Pivot(environment, without="feasible")
    values = payoffs_of_truth(environment, mechanism)
    surplus = plan(environment).value[0].reshape(-1)
    for i, allowed in enumerate(([0], [0, 2], [0, 1])):
        np.testing.assert_allclose(values[i], surplus - best_of(environment, i, allowed), atol=1e-8)
        np.testing.assert_allclose(mechanism.contributions[0][i].reshape(-1), values[i], atol=1e-8)
    assert values.min() > -1e-9
    assert best_ex_post_gain(environment, mechanism).max() < 1e-8


@given(seeds)
def test_all_decisions_never_run_a_deficit_and_may_drive_the_seller_away(seed: int) -> None:
    environment = market(seed)
    mechanism = Pivot(environment)
    assert min(float(table.min()) for table in mechanism.tables) > -1e-9
    assert (
        payoffs_of_truth(environment, mechanism)[0].max() <= 1e-9
    )  # the others could take the good without paying its cost


def test_in_trade_the_designer_pays_the_gains_from_trade() -> None:
    environment = load("bilateral-trade:values=3,chain=random,seed=2")
    assert isinstance(environment, TableEnvironment)
    found = audit(environment, Pivot(environment, without="feasible"))
    assert found.holds
    assert found.budget["ex_ante"].value == pytest.approx(-found.truthful.welfare, abs=1e-9)
    payoff = found.truthful.utility - found.truthful.transfer
    np.testing.assert_allclose(payoff, found.truthful.welfare, atol=1e-9)  # W_{−i} = 0
    loses = audit(environment, Pivot(environment))
    assert loses.holds  # no deficit is what it promises
    assert loses.participation["ex_post"][0].value < -0.1


def test_without_over_all_decisions_the_sellers_absence_is_worth_the_buyers_value() -> None:
    """Yoon's W_{−s} over all of A: Σ δ^t E θ_b = ½ / (1 − δ), not 0."""
    environment = load("bilateral-trade")
    assert isinstance(environment, TableEnvironment)
    assert float((Pivot(environment).alone(0).value[0] * environment.prior).sum()) == pytest.approx(5.0, abs=1e-9)
    assert float(np.abs(Pivot(environment, "feasible").alone(0).value[0]).max()) < 1e-12


def test_a_restricted_economy_keeps_costs_and_finite_horizons() -> None:
    base = market(5)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 1.0, 3)
    less = restricted(environment, [np.array([0, 2])])
    assert less.stage(0).decisions == ("no trade", "buyer 2")
    np.testing.assert_array_equal(less.kernel(0).rows()[1], environment.kernel(0).rows()[2])
    assert audit(environment, Pivot(environment, without="feasible")).holds


def test_without_an_agent_that_takes_part_in_everything_it_refuses() -> None:
    environment = private_values(1)
    with pytest.raises(Refusal, match="agent 'agent 1' takes part in every decision"):
        Pivot(environment, without="feasible")
    Pivot(environment, without="d0")  # naming one is the way out


@pytest.mark.parametrize(
    ("without", "told"), [("sell", "'sell' is none of all, feasible, none, 1, 2"), ("", "'' is none")]
)
def test_decisions_that_do_not_exist_get_one_line(without: str, told: str) -> None:
    environment = single_object([[0, 1], [0, 1]], [np.eye(2)] * 2, np.full((2, 2), 0.25), 0.5)
    with pytest.raises(InputError, match=told):
        Pivot(environment, without=without)
