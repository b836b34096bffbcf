"""Formulas of Kakade, Lobel and Nazerzadeh as they are printed, failing where the corrected ones hold."""

import numpy as np
import pytest

from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.planning.batch_plan import Plans, follow
from dynmech.mechanisms.virtual.frozen_plans import continuation, flow, plans
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.mechanisms.virtual.weights import include_all
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.separable import Economy, Later, SeparableEnvironment
from dynmech.sim.economy.separable_builders import beta_signal
from tests.builders.audit_figures import by_first_report
from tests.builders.separable_economies import on_midpoints, three_arms


@pytest.mark.parametrize("text", ["ar1-additive", "ar1-additive:buyers=1,rho=0.5", "ar1-additive:cost=0.2"])
def test_beta_is_added(text: str) -> None:
    """(18) as printed, − β̂ in the recursion: its plan loses virtual welfare, and so revenue."""
    made = load(text)
    assert isinstance(made, SeparableEnvironment)
    economy, mechanism = made.economy, VirtualPivot(made)
    every = np.arange(mechanism.profiles)
    right = mechanism.counted(every, every)
    scale = np.stack([v.scale[mechanism.node_of(every, i)] for i, v in enumerate(mechanism.values)], axis=1)
    printed = include_all(2 * scale - right.multiplier, right.included)
    flows = [flow(economy, t, right) for t in range(len(economy.later))]
    best = plans(economy, right)
    np.testing.assert_allclose(follow(economy, best.policy, flows)[0], best.value[0], atol=1e-12)
    lost = best.value[0] - follow(economy, plans(economy, printed).policy, flows)[0]
    assert lost.min() > -1e-12
    assert lost.mean() > 0.02


class AsOfTheStart(VirtualPivot):
    """W_{−i} discounted to period 0, δ^τ, as (17) prints it: in period 1 its sequel counts for δ² of what it is."""

    name = "as-of-the-start"

    def _after_others(self, t: int, alone: Plans) -> FloatArray:
        return self.economy.discount**2 * continuation(self.economy, t, alone)


def test_continuations_are_discounted_to_the_present() -> None:
    """With δ^{τ−t} nobody gains; with δ^τ the externality on those who learn later is priced too low."""
    right = VirtualPivot(three_arms(2))
    assert max(search_frozen(right, i).later_gain for i in range(3)) <= 1e-10
    printed = AsOfTheStart(three_arms(2), continuation="others")
    assert max(search_frozen(printed, i).later_gain for i in range(3)) > 0.01


def road() -> Economy:
    """Two agents and a road that both use or neither does: nobody can be left out."""
    table, still = np.array([[0.0], [1.0]]), np.ones((2, 1, 1))
    period = Later((("open",),) * 2, (table,) * 2, (np.zeros((2, 1)),) * 2, np.zeros(2), (still,) * 2)
    start = (np.ones(1),) * 2
    return Economy("road", ("1", "2"), "multiplicative", (beta_signal(),) * 2, ("no", "yes"), start, (period,), 0.9)


def test_weights_that_are_not_positive_must_be_excluded() -> None:
    """Lemma 5.2: with public decisions p* > 0 does not exclude α̂ ≤ 0, and such an agent lies; leaving it out holds.

    First signals 0.4 and 0.62, uniform: virtual values −0.2 and 0.24, so that the road is built; agent 1 is expected
    to pay 3.42 in all, has α̂ = −0.5, and gains 0.08 a period by re-reporting 1.
    """
    x, other, periods = 0.4, 2 * 0.62 - 1, 9.0
    alpha = (2 * x - 1) / x
    z = (np.arange(100_000) + 0.5) / 100_000
    rent = periods * float((2 * z[z < x] - 1 + other > 0).mean() * x)
    assert periods * x - rent == pytest.approx(3.42, abs=1e-4)

    def payoff(report: float) -> float:
        built = alpha * report + other > 0
        contribution = built * (alpha * report + other) - max(other, 0.0)
        return x * built - (report * built - contribution / alpha)

    assert alpha == pytest.approx(-0.5)
    assert payoff(1.0) - payoff(x) == pytest.approx(0.08)
    theta = 2 * z[::100] - 1
    assert np.maximum(theta[:, None] + theta, 0).mean() == pytest.approx(1 / 3, abs=1e-3)
    assert 2 * np.maximum(theta, 0).mean() == pytest.approx(1 / 2, abs=1e-3)
    found = by_first_report(VirtualPivot(on_midpoints(road(), 5)))
    assert found.holds
    assert [c.name for c in found.conditions if c.holds is False] == ["everybody can be left out"]
