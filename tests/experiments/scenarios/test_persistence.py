"""Persistence is the probability of staying, in every scenario that has the option."""

import numpy as np
import pytest

from dynmech.experiments.catalog.names import SCENARIOS, load
from dynmech.experiments.catalog.options import options_of
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment

LAST = {
    "ad-exchange": "ad-exchange",  # the first one's: the exchange, which stands last, has none
    "bilateral-trade": "bilateral-trade:values=4",
    "common-state": "common-state:states=3,informativeness=0",  # else sightings tell where the sea has gone
    "power-plants": "power-plants",
    "public-good": "public-good:nodes=3",
    "renewable-resource": "renewable-resource",
    "repeated-auction": "repeated-auction:values=4",
    "repeated-trade": "repeated-trade",
}
"""A finite economy of each scenario, whose last signal persists, or in two of them the first."""

DRAWN_ANEW = {
    "common-state:states=3": 0.8 + 0.2 / 3,
    "public-good:nodes=3": 0.8 + 0.2 / 3,
    "repeated-auction:values=4": 0.6 + 0.4 / 4,
    "supply-chain:most=3": 0.5 + 0.5 / 4,
}
"""Where the default is said in terms of another option, what it comes to."""


def staying(environment: TableEnvironment, axis: int) -> FloatArray:
    """P(the coordinate stays | profile) after the first decision, `(S,)`."""
    axes = environment.stage(0).axes
    coordinate = np.indices(axes)[axis].reshape(-1)
    law = environment.kernel(0).rows()[0]
    return np.asarray((law * (coordinate[:, None] == coordinate)).sum(axis=1), dtype=np.float64)


def test_every_scenario_with_the_option_is_looked_at() -> None:
    named = {name for name, cls in SCENARIOS.all().items() if "persistence" in options_of(cls)}
    assert named == {*LAST, "bilateral-trade-continuous", "supply-chain"}


@pytest.mark.parametrize("persistence", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("name", LAST)
def test_a_signal_stays_with_that_probability(name: str, persistence: float) -> None:
    text = LAST[name]
    environment = load(f"{text}{',' if ':' in text else ':'}persistence={persistence}")
    assert isinstance(environment, TableEnvironment)
    axis = 0 if name in ("ad-exchange", "common-state") else -1
    np.testing.assert_allclose(staying(environment, axis), persistence, atol=1e-12)


@pytest.mark.parametrize("persistence", [0.0, 0.3, 1.0])
def test_demand_stays_with_that_probability(persistence: float) -> None:
    environment = load(f"supply-chain:persistence={persistence}")
    assert isinstance(environment, SeparableEnvironment)
    for table in environment.economy.later[0].kernel:
        np.testing.assert_allclose(np.diagonal(table, axis1=1, axis2=2), persistence, atol=1e-12)


def test_values_on_an_interval_stay_with_that_probability() -> None:
    environment = load("bilateral-trade-continuous:persistence=0.3")
    assert isinstance(environment, FunctionEnvironment)
    last, uniforms = np.full((10_000, 1), 0.123), (np.arange(10_000)[:, None] + 0.5) / 10_000
    following = environment.law(1, last, np.zeros(10_000, np.intp), uniforms)
    assert (following == last).mean() == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize("text", DRAWN_ANEW)
def test_the_default_is_what_its_docstring_says(text: str) -> None:
    default, typed = load(text), load(f"{text},persistence={DRAWN_ANEW[text]}")
    assert isinstance(default, TableEnvironment)
    assert isinstance(typed, TableEnvironment)
    t = 1 if text.startswith("supply-chain") else 0
    np.testing.assert_allclose(default.kernel(t).rows(), typed.kernel(t).rows(), atol=1e-12)
