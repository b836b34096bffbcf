"""Static VCG period by period: right where periods do not touch, wrong where they do."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.scenarios.public_good import PublicGood
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.static_vcg import StaticVCG
from dynmech.mechanisms.groves.static_vcg_efficient import StaticVCGEfficient
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.economy.builders import from_arrays, random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Situation
from tests.builders.generators import generator

seeds = st.integers(0, 10_000)


def worst(environment: TableEnvironment, mechanism: Mechanism) -> float:
    return audit(environment, mechanism).worst(Family.BEST_RESPONSE, "ex_post")[1].gain


@given(seeds, st.integers(2, 3))
def test_both_are_the_pivot_where_decisions_move_nothing(seed: int, agents: int) -> None:
    """Private values and one law of motion for all decisions: Vickrey every period, whoever plans ahead or not."""
    rng = generator(seed)
    base = random_environment(rng, agents=agents, signals=2, decisions=1, correlation=0, independent=True)
    factors = [np.repeat(f, 3, axis=0) for f in base.kernel(0).factors]  # type: ignore[union-attr]
    own = [np.moveaxis(rng.uniform(-1, 1, (3, 2, *(1,) * (agents - 1))), 1, 1 + i) for i in range(agents)]
    utility = np.stack([np.broadcast_to(table, (3, *(2,) * agents)) for table in own])
    environment = from_arrays(utility, factors, base.prior, 0.9)
    for rule in (StaticVCG, StaticVCGEfficient):
        mechanism = rule(environment)
        np.testing.assert_allclose(mechanism.tables[0], Pivot(environment).tables[0], atol=1e-9)
        assert worst(environment, mechanism) < 1e-9


@given(seeds)
def test_payments_are_todays_externality_and_never_negative(seed: int) -> None:
    environment = random_environment(generator(seed), agents=3, signals=2, decisions=3, discount=0.8)
    welfare, utility = environment.stage(0).welfare, environment.stage(0).utility
    for mechanism, policy in (
        (StaticVCG(environment), welfare.argmax(axis=0)),
        (StaticVCGEfficient(environment), plan(environment).policy[0]),
    ):
        for profile in np.ndindex(2, 2, 2):
            here = (slice(None), slice(None), *profile)
            now = Situation(0, np.zeros(1, np.intp), np.zeros(1, np.intp))
            assert mechanism.decide(now, np.array([profile]))[0] == policy[profile]
            for i in range(3):
                others = np.delete(utility[here], i, axis=0).sum(axis=0)
                paid = others.max() - others[policy[profile]]
                assert mechanism.tables[0][i][np.ravel_multi_index(profile, (2, 2, 2))] == pytest.approx(
                    paid, abs=1e-12
                )
                assert paid >= 0


def test_decisions_that_move_signals_break_both() -> None:
    """Private values, but having the good makes a taste for it: one rule wastes welfare, the other can be bent."""
    environment = PublicGood(interdependence=0, persistence=0.92, habit=0.5, cost=1.3).build()
    myopic, efficient = audit(environment, StaticVCG(environment)), audit(environment, StaticVCGEfficient(environment))
    statuses = {v.promise.partition(":")[0]: v.status for v in myopic.verdicts}
    assert statuses == {"incentive": "breaks", "budget": "holds", "efficient": "breaks"}
    statuses = {v.promise.partition(":")[0]: v.status for v in efficient.verdicts}
    assert statuses == {"incentive": "breaks", "budget": "holds", "efficient": "holds"}
    assert audit(environment, Pivot(environment)).holds
