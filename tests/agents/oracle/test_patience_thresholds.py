"""How patient agents must be: a market whose thresholds are fractions, and the paper's bound by its formula."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dynmech.agents.oracle.patience_thresholds import (
    CLOSE,
    Level,
    _narrowed,
    least_patience,
    patience,
    sufficient,
    worst_exit,
)
from dynmech.mechanisms.balanced.blackwell import long_run
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.balanced.with_enforcement import enforced
from dynmech.sim.core.errors import Refusal
from tests.builders.repeated_market import INDEPENDENT, market


@pytest.mark.parametrize("level", Level)
def test_least_patience_without_persistence_is_a_fraction(level: Level) -> None:
    assert least_patience(market(persistence=0.5), level) == pytest.approx(INDEPENDENT[level], abs=1e-8)


def test_payments_that_nobody_is_patient_enough_for_are_refused() -> None:
    with pytest.raises(Refusal, match=r"does not enforce itself at level A even at discount 0\.995"):
        least_patience(market(persistence=0.5), Level.AFTER_LIES, 1e6)


def test_the_bound_is_the_papers_formula() -> None:
    """K = 2 C + M/N, and δ/(1 − δ) = N (C + 2 N K + 2 M)/Σ ū; with two agents N − 1 is 1, and both readings agree."""
    environment = market(persistence=0.5)
    run = long_run(enforced(environment).environment)
    spread = max(float(np.abs(run.excess(delta)).max()) for delta in np.linspace(0, 1, 1001))
    for printed in (False, True):
        bound = sufficient(environment, printed=printed)
        assert bound.spread == pytest.approx(spread)
        assert bound.largest == environment.utility_bound()
        assert bound.constant == pytest.approx(2 * spread + bound.largest / 2)
        odds = 2 * (spread + 4 * bound.constant + 2 * bound.largest) / float(run.average.sum())
        assert bound.discount / (1 - bound.discount) == pytest.approx(odds)


def test_a_condition_names_who_leaves_when_and_after_which_reports() -> None:
    """Between the thresholds of levels C and A: what fails is named, in the economy's labels."""
    environment = market(0.86, 0.5)
    by_level = dict(zip(Level, patience(SelfEnforcing(environment)), strict=True))
    assert [by_level[level].holds for level in (Level.TRUTHFUL, Level.BEST_RESPONSE, Level.AFTER_LIES)] == [
        True,
        True,
        False,
    ]
    for level in (Level.TRUTHFUL, Level.AFTER_LIES):
        exit, where = worst_exit(environment, level), by_level[level].where
        stage = environment.stage(0)
        profiles = [
            ", ".join(labels) for labels in np.array(np.meshgrid(*stage.signals, indexing="ij")).reshape(2, -1).T
        ]
        assert exit.profile is not None
        assert exit.report is not None
        assert where["agent"] == environment.agents[exit.agent]
        assert where["period"] == exit.period
        assert where["profile"] == profiles[exit.profile]
        assert where["report"] == stage.signals[exit.agent][exit.report]
        assert ("last reports" in where) == (exit.last is not None)
        if exit.last is not None:
            assert where["last reports"] == profiles[exit.last]
    assert set(by_level[Level.BEST_RESPONSE].where) == {"agent", "period"}
    for level in Level:
        assert f"δ* = {INDEPENDENT[level]:.6g}" in by_level[level].note
    assert replace(environment, discount=0.5).discount == 0.5


EXCESSES: dict[str, tuple[Callable[[float], float], int]] = {
    "straight": (lambda x: 3 * x, 15),
    "curved": (lambda x: float(np.expm1(40 * x)), 16),
    "with a kink": (lambda x: 100 * x if x > 0 else 0.01 * x, 30),
    "that jumps": (lambda x: 1.0 if x > 0 else -1e-3, 30),
    "refused below": (lambda x: np.inf if x > 0 else -2.0, 30),
    "flat about it": (lambda x: 1e6 * x**3, 30),
}
"""Excess by the distance to the discount factor at which it is 0, and how often it may be asked for on average."""


@pytest.mark.parametrize("kind", EXCESSES)
def test_a_bracket_is_narrowed_from_both_sides(kind: str) -> None:
    """To the upper end of the interval that bisection would find too, in no more than one step beyond its number."""
    excess, most = EXCESSES[kind]
    counts = []
    for where in np.linspace(0.5000001, 0.5199999, 60):
        asked: list[float] = []

        def of(discount: float, where: float = where, asked: list[float] = asked) -> float:
            asked.append(discount)
            return excess(where - discount)

        least = _narrowed(of, (0.5, of(0.5)), (0.52, of(0.52)))
        assert where <= least <= where + CLOSE * (1 + 1e-5)
        assert of(least) <= 0
        counts.append(len(asked) - 3)  # both ends, and the line before
    assert max(counts) <= 29
    assert np.mean(counts) <= most
