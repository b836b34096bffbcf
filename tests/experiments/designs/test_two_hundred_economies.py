"""Two hundred random economies of every kind: designs hold, what is impossible is proved, nested goals agree.

Kinds: two and three agents, two and three signals, joint and independent laws, private and interdependent values, a
public state, lotteries, private actions; horizons without end, of one period and of two.
"""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from dynmech.experiments.designs.designing import design
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders import balanced_economies
from tests.builders.designs import Dice, check
from tests.builders.random_economies import acting_apart, working

HORIZONS = (None, 1, 2)

PLAIN: dict[str, dict[str, Any]] = {
    "joint, interdependent": {},
    "independent, interdependent": {"correlation": 0.0, "independent": True},
    "joint, private values": {"interdependence": 0.0},
    "three agents": {"agents": 3},
    "lottery": {},
    "three agents, independent, lottery": {"agents": 3, "correlation": 0.0, "independent": True},
}
KINDS = (*PLAIN, "public state", "private actions", "private actions, interdependent")

NESTED: tuple[dict[str, str], ...] = (
    {},
    {"participation": "exit"},
    {"participation": "exit", "budget": "no-deficit", "budget_level": "period"},
    {"participation": "exit", "budget": "no-deficit"},
)
"""Each asks for more than the one before."""

MANY = 9
"""Profiles up to which budgets are asked for: they tie agents together, and programs of more take minutes."""


def economy_of(number: int) -> tuple[TableEnvironment, dict[str, Any]]:
    """An economy, and the rule that is asked for."""
    kind, turn = KINDS[number % len(KINDS)], number // len(KINDS)
    horizon = HORIZONS[turn % len(HORIZONS)]
    if kind == "public state":
        return balanced_economies.economy(number, horizon=horizon, publics=2), {}
    if kind.startswith("private actions"):
        return (working if kind == "private actions" else acting_apart)(number, horizon), {}
    options = PLAIN[kind]
    rare = 8 if options.get("agents") == 3 else 2  # of three agents with three signals there are few: they take long
    env = random_environment(
        np.random.default_rng(number),
        signals=2 + (turn % rare == 1),
        decisions=2 + turn % 2,
        discount=0.8,
        horizon=horizon,
        **options,
    )
    return env, {"rule": Dice(env)} if "lottery" in kind else {}


def statuses(number: int) -> Counter[str]:
    """Design for every set of goals, and hold each result, and all of them together, to what must be so."""
    env, rule = economy_of(number)
    nested = NESTED[:2] if env.prior.size > MANY else NESTED
    least, seen = np.zeros((2, len(nested))), Counter[str]()
    for row, incentive in enumerate(("bayesian", "ex-post")):
        for column, goals in enumerate(nested):
            found = design(env, **{"incentive": incentive, **goals, **rule})
            check(found)
            seen[found.status] += 1
            least[row, column] = np.inf if found.objective is None else found.objective / found.task.unit
    without = design(env, memory="none", **rule)
    check(without)
    most = np.nan_to_num(least, posinf=1e9)
    assert (np.diff(most, axis=1) >= -1e-7).all(), f"more goals are easier: {least}"
    assert (np.diff(most, axis=0) >= -1e-7).all(), f"knowing more makes truth easier: {least}"
    if without.objective is not None:
        assert without.objective / without.task.unit >= most[1, 0] - 1e-7, "less memory is easier"
    return seen + Counter([without.status])


def test_every_kind_comes_with_every_horizon() -> None:
    shapes = {(number % len(KINDS), number // len(KINDS) % len(HORIZONS)) for number in range(200)}
    assert len(shapes) == len(KINDS) * len(HORIZONS)
    assert {len(env.agents) for env, _ in map(economy_of, range(40))} == {2, 3}


@pytest.mark.parametrize("number", [2, 8])
def test_some_of_them(number: int) -> None:
    statuses(number)


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_two_hundred(kind: int) -> None:
    """By kind: designs hold by the exact search, what is impossible is proved, nested goals agree; both occur."""
    seen = sum((statuses(number) for number in range(kind, 200, len(KINDS))), Counter[str]())
    assert seen["possible"] > 0
    assert set(seen) <= {"possible", "impossible"}
