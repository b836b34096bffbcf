"""Every value lies within its error bound of the truth, and the bound says no more than it must."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.oracle import search
from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, Value, solve
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning import planner
from dynmech.mechanisms.planning.anderson import Anderson
from dynmech.mechanisms.rules import values_of_truth
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.ties import scale_of
from tests.builders.random_economies import interdependent

COARSE = 0.03
"""Precision at which what is left to do is far above rounding, so that bounds can be seen to hold, or not to."""

ONE_LIE = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION)


@contextmanager
def coarse(module: ModuleType) -> Iterator[None]:
    """Plain iteration in one module, stopped early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PRECISION", COARSE)
        if hasattr(module, "Anderson"):
            patch.setattr(module, "Anderson", lambda: Anderson(0))
        yield


def problem(seed: int) -> Problem:
    environment = interdependent(seed)
    return build_problem(FiniteGame(environment, Team(environment)), (0,))


def off(found: Value, right: Value) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(found.choices, right.choices, strict=True))


@pytest.mark.parametrize("information", list(Information))
@pytest.mark.parametrize("family", list(Family))
def test_values_of_the_search_lie_within_their_bound(family: Family, information: Information) -> None:
    shares = []
    for seed in (1, 3):
        posed = problem(seed)
        right = solve(posed, family, information)
        with coarse(search):
            found = solve(posed, family, information)
        shares.append(off(found, right) / found.bound)
        assert found.bound <= 4 * COARSE * scale_of(*right.choices), "the bound is what was aimed at, or near it"
    assert max(shares) <= 1
    assert max(shares) > 0.1, "a bound ten times as small would not hold"


@pytest.mark.parametrize("centred", [False, True])
def test_the_bound_of_an_iteration_is_no_larger_and_no_smaller_than_its_worst_case(centred: bool) -> None:
    """Two states that never meet: what is left is the bound itself, after any number of steps."""
    posed = problem(1)
    flow = np.array([1.0, -1.0 if centred else 0.5])
    with coarse(search):
        found, bound = search.fixed_point(
            lambda x: flow + posed.discount * x, np.zeros(2), posed.discount, posed.environment.scale, centred=centred
        )
    error = float(np.abs(found - flow / (1 - posed.discount)).max())
    assert error <= bound
    assert error > 0.8 * bound


def test_the_planners_value_lies_within_its_bound() -> None:
    shares = []
    for seed in range(6):
        right = planner.plan(interdependent(seed))
        with coarse(planner):
            found = planner.plan(interdependent(seed))
        shares.append(float(np.abs(found.value[0] - right.value[0]).max()) / found.bound)
    assert max(shares) <= 1
    assert max(shares) > 0.1


def test_what_truth_is_worth_lies_within_its_bound() -> None:
    shares = []
    for seed in range(6):
        environment, again = interdependent(seed), interdependent(seed)
        right = FiniteGame(environment, Team(environment)).truthful
        with coarse(values_of_truth):
            found = FiniteGame(again, Team(again)).truthful
        error = max(
            float(np.abs(getattr(one, name) - getattr(other, name)).max())
            for name in ("utility_ahead", "transfer_ahead")
            for one, other in zip(found.periods, right.periods, strict=True)
        )
        shares.append(error / found.bound)
    assert max(shares) <= 1
    assert max(shares) > 0.1


@pytest.mark.parametrize("information", list(Information))
def test_a_lie_inherits_the_error_of_what_follows_it(information: Information) -> None:
    """The families of one lie: their own residual, and that of the values after the lie."""
    posed = problem(1)
    with coarse(search):
        truth, *families = (solve(posed, family, information) for family in (Family.PRESCRIBED, *ONE_LIE))
    for lies in families:
        assert lies.bound >= truth.bound + COARSE * posed.environment.scale
        gain = worst_gain(posed, lies, truth)
        assert gain.bound >= lies.bound + truth.bound
        assert gain.bound <= 1.5 * (lies.bound + truth.bound), "rounded up to one digit"


def test_what_is_printed_is_that_bound() -> None:
    result = dm.audit(interdependent(1), "team")
    assert (result.gains.query("kind == 'exact'")["bound"] > 0).all()
    for found in result.searches:
        for family in ONE_LIE:
            for kind, information in (("interim", Information.INTERIM), ("ex_post", Information.EX_POST)):
                both = found.values[family, information].bound + found.values[Family.PRESCRIBED, information].bound
                rows = result.gains[result.gains["agent"] == result.name(found)]
                printed = rows[(rows["family"] == family.value) & (rows["information"] == kind)]
                assert both <= printed["bound"].item() <= 2 * both + 1e-12
                assert both > found.values[Family.PRESCRIBED, information].bound
