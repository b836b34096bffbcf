"""The relaxed bound of a continuum, two other ways: by sums over many signals, and by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from dynmech.mechanisms.virtual.relaxed_bound import _midpoint_rule, continuum_bound
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.separable import Economy, FirstSignal
from dynmech.sim.economy.separable_builders import beta_signal
from tests.builders.generators import generator
from tests.builders.separable_economies import START, TASTES, frequency, random_sale, sale


def by_sums(economy: Economy, cells: int = 1500) -> float:
    """The mean of virtual welfare over equally likely first signals."""
    return _midpoint_rule(economy, cells)


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
    period = economy.later[0]
    kernel = (np.stack([stays] * 3),) * 2
    economy = Economy(
        "sale", economy.agents, economy.kind, economy.first, economy.decisions, economy.initial,
        (type(period)(period.states, period.slope, period.intercept, period.cost, kernel),), 0.9,
    )  # fmt: skip
    np.testing.assert_allclose(frequency(economy), 9 * START)
    theta = np.maximum(2 * (np.arange(600) + 0.5) / 600 - 1, 0)
    worth = np.multiply.outer(TASTES, theta)
    best = np.maximum(np.maximum(worth[:, None, :, None], worth[None, :, None, :]) - 0.3, 0).mean(axis=(2, 3))
    found = continuum_bound(economy)
    assert found.value == pytest.approx(9 * float(START @ best @ START), abs=found.error)
