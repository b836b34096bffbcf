"""The relaxed bound: against the linear program, by sums over many signals, and by hand."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from dynmech.experiments.audits.relaxed_economy import relaxation
from dynmech.mechanisms.revenue.dynamic_program import dynamic_revenue, relaxed_revenue
from dynmech.mechanisms.virtual.relaxed_bound import continuum_bound, expected_virtual_welfare, grid_bound
from dynmech.mechanisms.virtual.virtual_values import grid_virtual
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.separable import Economy, FirstSignal, Grid, separable_environment
from dynmech.sim.economy.separable_builders import beta_signal
from tests.builders.generators import generator
from tests.builders.separable_economies import (
    START,
    TASTES,
    frequency,
    on_midpoints,
    random_decisions,
    random_sale,
    sale,
    shared,
)


def by_sums(economy: Economy, cells: int = 1500) -> float:
    """The mean of virtual welfare over the middles of equally likely cells of all first signals."""
    middles = (np.arange(cells) + 0.5) / cells
    virtual = [first.virtual(np.asarray(first.law.ppf(middles))) for first in economy.first]
    return expected_virtual_welfare(economy, virtual, [np.full(cells, 1 / cells)] * len(virtual))


@settings(max_examples=8)
@given(st.floats(0.4, 3), st.floats(0.4, 3), st.floats(0, 2), st.floats(0.3, 2))
@example(0.2, 0.2, 1.0, 1.0)  # a virtual value that falls
@example(0.5, 0.2, 2.0, 1.0)
def test_one_buyer_by_sums(a: float, b: float, base: float, power: float) -> None:
    """Any law and scale: regular or not."""
    economy = sale(1, first=beta_signal(a, b, base=base, power=power))
    found = continuum_bound(economy)
    assert found.error < 1e-6
    assert found.value == pytest.approx(by_sums(economy), abs=2e-3)


@given(st.integers(0, 10_000))
def test_one_buyer_whose_states_decisions_move(seed: int) -> None:
    """Plans that look ahead."""
    economy = random_sale(generator(seed), 1, controlled=True)
    assert continuum_bound(economy).value == pytest.approx(by_sums(economy), abs=2e-3)


def test_a_virtual_value_that_falls_is_not_taken_for_one_that_rises() -> None:
    """Planted: the virtual value made to rise gives another number."""
    wild = beta_signal(0.2, 0.2, base=1.0)

    @dataclass(frozen=True)
    class Ironed(FirstSignal):
        def virtual(self, x: FloatArray) -> FloatArray:
            order = np.argsort(x)
            out = np.empty_like(x)
            out[order] = np.maximum.accumulate(super().virtual(x)[order])
            return out

    right = continuum_bound(sale(1, first=wild)).value
    assert by_sums(sale(1, first=Ironed(wild.law, wild.scale))) > right + 0.1


def test_two_buyers_by_hand() -> None:
    """Uncontrolled tastes that start as they stay: 9 E max(θ_i B_i − γ)^+ at δ = 0.9."""
    stays = 0.6 * np.eye(3) + 0.4 * START
    economy = sale(2)
    period = replace(economy.later[0], kernel=(np.stack([stays] * 3),) * 2)
    economy = replace(economy, later=(period,))
    np.testing.assert_allclose(frequency(economy), 9 * START)
    theta = np.maximum(2 * (np.arange(600) + 0.5) / 600 - 1, 0)
    worth = np.multiply.outer(TASTES, theta)
    best = np.maximum(np.maximum(worth[:, None, :, None], worth[None, :, None, :]) - 0.3, 0).mean(axis=(2, 3))
    found = continuum_bound(economy)
    assert found.value == pytest.approx(9 * float(START @ best @ START), abs=found.error)


# Decisions that serve several agents


def test_a_decision_that_serves_two() -> None:
    """E max(0, θ_1 + θ_2): 1/3 on the continuum, 0.46875 on four nodes, what the program earns."""
    economy = shared([[0, 1], [0, 1]], [0, 0], horizon=2, discount=1.0)
    found, environment = continuum_bound(economy), on_midpoints(economy, 4)
    assert found.value == pytest.approx(1 / 3, abs=1e-9)
    assert found.error < 1e-5
    assert grid_bound(environment) == pytest.approx(0.46875, abs=1e-12)
    assert relaxed_revenue(environment).net_revenue == pytest.approx(0.46875, abs=1e-8)
    assert dynamic_revenue(environment).net_revenue == pytest.approx(0.46875, abs=1e-8)


def test_nothing_that_is_earned_without_end_refutes_the_bound() -> None:
    """δ = 0.9: nine times as much, 4.21875 on four nodes, by `yes` where Σ θ > 0; two periods of it by the program."""
    economy = shared([[0, 1], [0, 1]], [0, 0], horizon=None, discount=0.9)
    environment = on_midpoints(economy, 4)
    assert continuum_bound(economy).value == pytest.approx(3.0, abs=1e-8)
    assert grid_bound(environment) >= 4.21875 - 1e-9
    theta = grid_virtual(economy.first[0], environment.grids[0])
    assert 9 * float(np.maximum(theta[:, None] + theta, 0).mean()) == pytest.approx(4.21875, abs=1e-12)
    twice = on_midpoints(shared([[0, 1], [0, 1]], [0, 0], horizon=3, discount=0.9), 4)
    assert dynamic_revenue(twice).net_revenue == pytest.approx((0.9 + 0.81) * 0.46875, abs=1e-7)
    assert grid_bound(twice) == pytest.approx((0.9 + 0.81) * 0.46875, abs=1e-9)


def test_three_agents_that_are_served_together() -> None:
    """The sum of three uniform virtual values: E (Σ (2x − 1))^+ = 13/32."""
    found = continuum_bound(shared([[0, 1]] * 3, [0, 0], horizon=2, discount=1.0))
    assert found.value == pytest.approx(13 / 32, abs=found.error)
    assert found.error < 1e-3


def test_leaving_out_may_cost_something() -> None:
    """Serving is free and leaving out costs 0.2: E max(2x − 1, −0.2) = −0.08 + 0.24."""
    found = continuum_bound(shared([[1, 0]], [0.0, 0.2], horizon=2, discount=1.0))
    assert found.value == pytest.approx(0.16, abs=1e-6)


@pytest.mark.parametrize("law", [(1, 1, 1, 0), (2, 2, 1, 0.5), (0.4, 0.5, 1, 0.3), (5, 5, 1, 0), (1, 1, 0.5, 1)])
@pytest.mark.parametrize("agents", [1, 2])
def test_who_is_always_served_pays_for_the_least_signal(law: tuple[float, float, float, float], agents: int) -> None:
    """One decision only: everybody pays A(0), whatever the law, virtual values as low as can be included."""
    first = beta_signal(law[0], law[1], power=law[2], base=law[3])
    economy = shared([[1]] * agents, [0.1], horizon=2, discount=1.0, first=first)
    assert continuum_bound(economy).value == pytest.approx(agents * law[3] - 0.1, abs=1e-9)
    least = float(first.scale(on_midpoints(economy, 5).grids[0].points[:1])[0])
    assert grid_bound(on_midpoints(economy, 5)) == pytest.approx(agents * least - 0.1, abs=1e-9)


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_two_agents_by_sums(seed: int) -> None:
    """Random decisions, shared and exclusive: the cells of the second agent against a product of middles."""
    bounded = (beta_signal(1, 1.7, base=0.2), beta_signal(1, 0.8))  # virtual values, that is: sums are exact enough
    economy = replace(random_decisions(generator(seed), 2), first=bounded)
    found = continuum_bound(economy)
    assert found.value == pytest.approx(by_sums(economy, 300), abs=1e-4 + found.error)
    assert found.error < 1e-3


@settings(max_examples=40)
@given(st.integers(0, 100_000), st.integers(1, 2))
def test_the_grid_bound_against_the_linear_program(seed: int, agents: int) -> None:
    """Never below it; equal to the one with public later signals where nodes are equally likely and evenly spaced."""
    economy = random_decisions(generator(seed), agents)
    nodes = 3 if agents == 1 else 2
    environment = on_midpoints(economy, nodes)
    bound, relaxed = grid_bound(environment), relaxed_revenue(environment).net_revenue
    assert bound >= relaxed - 1e-7
    assert bound >= dynamic_revenue(environment).net_revenue - 1e-7
    even = replace(economy, first=(beta_signal(),) * agents)
    environment = on_midpoints(even, nodes)
    assert grid_bound(environment) == pytest.approx(relaxed_revenue(environment).net_revenue, abs=1e-7)


def test_random_decisions_hold_what_they_should() -> None:
    """Planted: who serves nobody below a virtual value of 0, as if everybody could be left out, earns too little."""
    refuted = 0
    for seed in range(30):
        economy = random_decisions(generator(seed), 2)
        environment = on_midpoints(economy, 2)
        virtual = [np.maximum(grid_virtual(f, g), 0) for f, g in zip(economy.first, environment.grids, strict=True)]
        none = expected_virtual_welfare(economy, virtual, [g.masses for g in environment.grids])
        refuted += abs(none - grid_bound(environment)) > 1e-6
    assert refuted > 5


def test_nodes_of_probability_0_are_no_types() -> None:
    """The bound is that of the grid without them."""
    economy = shared([[0, 1, 1], [0, 1, 0]], [0.0, 0.2, 0.1], horizon=2, discount=1.0)
    whole = Grid(np.array([0.2, 0.5, 0.8]), np.array([0.5, 0.0, 0.5]))
    without = Grid(np.array([0.2, 0.8]), np.array([0.5, 0.5]))
    bounds = [grid_bound(separable_environment(economy, [grid] * 2)) for grid in (whole, without)]
    assert bounds[0] == bounds[1]


def test_whether_everybody_can_be_left_out_is_shown() -> None:
    """As data and where it fails; exclusive decisions leave everybody out."""
    both = relaxation(on_midpoints(shared([[0, 1], [0, 1]], [0, 0], horizon=2, discount=1.0), 3)).data()
    assert both["everybody_can_be_left_out"] == {
        "holds": False,
        "where": {"period": 1, "agent": "agent 1", "decision": "1"},
    }
    assert both["relaxed_continuum"]["value"] == pytest.approx(1 / 3, abs=1e-9)
    one = relaxation(on_midpoints(shared([[0, 1, 0], [0, 0, 1]], [0, 0, 0], horizon=2, discount=1.0), 3)).data()
    assert one["everybody_can_be_left_out"] == {"holds": True, "where": {}}
