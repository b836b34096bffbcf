"""The balanced mechanism is the formula of the paper, for bases with memory too."""

from collections.abc import Callable

import numpy as np
import pytest

from dynmech.agents.oracle.search import Information
from dynmech.mechanisms.balanced.balanced_base import Balanced
from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.balanced.balancing import news
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.balanced_economies import economy, gain, residual
from tests.builders.generators import generator
from tests.builders.planted_mechanisms import Lottery

# The formula (5.2), over whole histories


def expected_transfers(
    environment: TableEnvironment, base: Mechanism, t: int, memory: int, profile: tuple[int, ...]
) -> FloatArray:
    """Ψ `(N,)`: what the base pays to each from period t on under the truth, by plain recursion."""
    assert environment.horizon is not None
    now, messages = Situation(t, np.array([memory]), np.array([0])), np.array([profile])
    nobody = Acts(np.zeros(messages.shape, np.intp), np.zeros(messages.shape))
    decision = base.decide(now, messages)
    total = -(base.charge(now, messages, decision, nobody) + base.due(now, messages))[0]
    if t + 1 < environment.horizon:
        following = int(base.remember(now, messages, decision, nobody)[0])
        law = environment.kernel(t).row(int(decision[0]), int(np.ravel_multi_index(profile, environment.stage(t).axes)))
        for after in np.ndindex(*law.shape):
            total = total + environment.discount * law[after] * expected_transfers(
                environment, base, t + 1, following, after
            )
    return np.asarray(total, dtype=np.float64)


def balanced_by_hand(
    environment: TableEnvironment, base: Mechanism, t: int, memory: int, law: FloatArray, reports: tuple[int, ...]
) -> FloatArray:
    """p `(N,)` from (5.1) and (5.2), the product of marginals for what the others' signals may be."""
    agents = len(environment.agents)
    worth = {k: expected_transfers(environment, base, t, memory, k) for k in np.ndindex(*law.shape)}
    paid = np.zeros(agents)
    for j in range(agents):
        others = law.sum(axis=j)
        known = sum(
            others[k[:j] + k[j + 1 :]] * value[j] for k, value in worth.items() if k[j] == reports[j]
        )  # fmt: skip
        paid[j] = known - sum(law[k] * value[j] for k, value in worth.items())
    return (paid.sum() - paid) / (agents - 1) - paid


def nuisance(environment: TableEnvironment) -> DirectMechanism:
    """Remembers, charges and lets fall due: a base that uses everything (what it promises does not matter here)."""
    return Lottery(environment, 5)


@pytest.mark.parametrize("make", [Team, Pivot, nuisance])
@pytest.mark.parametrize("agents", [2, 3])
def test_it_is_the_formula_of_the_paper(make: Callable[[TableEnvironment], DirectMechanism], agents: int) -> None:
    environment = economy(agents, agents, 3)
    base = make(environment)
    mechanism, nobody = Balanced(environment, base), Acts(np.zeros((1, agents), np.intp), np.zeros((1, agents)))
    rng = generator(1)
    for _ in range(8):
        here, below, law = 0, 0, environment.prior
        for t in range(3):
            reports = tuple(int(rng.integers(width)) for width in environment.stage(t).axes)
            now, messages = Situation(t, np.array([here]), np.array([0])), np.array([reports])
            decision = mechanism.decide(now, messages)
            expected = balanced_by_hand(environment, base, t, below, law, reports)
            np.testing.assert_allclose(mechanism.charge(now, messages, decision, nobody)[0], expected, atol=1e-12)
            if t < 2:
                here = int(mechanism.remember(now, messages, decision, nobody)[0])
                there = now._replace(memory=np.array([below]))
                assert base.decide(there, messages) == decision
                below = int(base.remember(there, messages, decision, nobody)[0])
                law = environment.kernel(t).row(
                    int(decision[0]), int(np.ravel_multi_index(reports, environment.stage(t).axes))
                )


class Grudge(LastPeriodMechanism):
    """The team mechanism, and a fee that depends on what the *others* said last period: still
    incentive compatible where decisions move nobody's signals."""

    name = "grudge"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        owed = Team(self.environment).charge(now, messages, decision, acts)
        if now.t:
            last = (now.memory - 1) % self.environment.stage(now.t - 1).size
            signals = np.array(np.unravel_index(last, self.environment.stage(now.t - 1).axes)).T
            owed = owed + 3.0 * (signals.sum(axis=1, keepdims=True) - signals)
        return np.asarray(owed, dtype=np.float64)

    def transfer_bound(self) -> float:
        return 100.0


@pytest.mark.parametrize("horizon", [None, 3])
def test_a_base_that_remembers_is_balanced_too(horizon: int | None) -> None:
    moved = economy(4, 2, horizon)
    environment = TableEnvironment(moved.name, moved.agents, moved.prior, (_unmoved(moved.stages[0]),), 0.85, horizon)
    mechanism = Balanced(environment, Grudge(environment))
    assert residual(mechanism) < 1e-12
    for agent in range(2):  # what the others said is no news that i brings: the transfers are those of the team
        np.testing.assert_allclose(mechanism.tables[1][agent], BalancedTeam(environment).tables[1][agent], atol=1e-10)
        assert gain(Grudge(environment), agent, Information.EX_POST) < 1e-9
        assert gain(mechanism, agent) < 1e-9


def _unmoved(stage: Stage) -> Stage:
    kernel = stage.kernel
    assert isinstance(kernel, JointKernel)
    table = np.broadcast_to(kernel.table[:1], kernel.table.shape).copy()
    return Stage(stage.signals, stage.decisions, stage.utility, JointKernel(table, kernel.axes, kernel.next_axes))


def test_where_nothing_can_happen_there_is_no_news() -> None:
    """Of two public states the second never comes; of two signals in the first the second never does."""
    mass = np.array([[[[0.5, 0.5], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    value = np.array([[[[1.0, 3.0], [5.0, 9.0]], [[7.0, 7.0], [7.0, 7.0]]]])
    # A signal that never comes leaves the rest as it was: ½ 5 + ½ 9 instead of ½ 1 + ½ 3.
    assert news(mass, value).tolist() == [[[0.0, 5.0], [0.0, 0.0]]]
