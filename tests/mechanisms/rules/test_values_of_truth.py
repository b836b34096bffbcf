"""What prescribed play is worth and pays, by plain loops over everything that it leads to."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.actions import settle
from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.truthful_utilities import expected_utilities
from dynmech.mechanisms.rules.values_of_truth import budget, largest_transfer
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import FalseDeclaration
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.best_play import outcomes
from tests.builders.economies import weather
from tests.builders.exact import tree_payoffs
from tests.builders.generators import generator
from tests.builders.lottery_mechanisms import Raffle

NOBODY = Acts(np.zeros((1, 2), np.intp), np.zeros((1, 2)))


def economy(seed: int) -> TableEnvironment:
    base = random_environment(generator(seed), agents=2, signals=2, decisions=3)
    return TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)


def totals(
    mechanism: Mechanism, t: int, memory: int, profile: tuple[int, ...]
) -> list[tuple[float, int, int, float, float]]:
    """Chance, decision, next memory, what all pay together and the largest payment, by what is drawn."""
    now, told = Situation(t, np.array([memory]), np.array([0])), np.array([profile])
    out = []
    for chance, drawn in outcomes(mechanism.decide(now, told)):
        decision = np.array([drawn])
        paid = mechanism.charge(now, told, decision, NOBODY)[0] + mechanism.due(now, told)[0]
        after = int(mechanism.remember(now, told, decision, NOBODY)[0])
        out.append((chance, drawn, after, float(paid.sum()), float(np.abs(paid).max())))
    return out


def by_loops(environment: TableEnvironment, mechanism: Mechanism) -> dict[str, float]:
    """The least sums: expected in a period, given what was public before, and in any state; and the largest payment."""
    profiles = list(product(range(2), repeat=2))
    period = sum(
        float(environment.prior[s]) * sum(c * p for c, _, _, p, _ in totals(mechanism, 0, 0, s)) for s in profiles
    )
    now, ex_post = {(0, s) for s in profiles if environment.prior[s] > 0}, np.inf
    largest = 0.0
    for t in range(3):
        after = set()
        for memory, s in now:
            for chance, drawn, following, paid, most in totals(mechanism, t, memory, s):
                if chance == 0:
                    continue
                ex_post, largest = min(ex_post, paid), max(largest, most)
                if t == 2:
                    continue
                row = environment.kernel(t).row(drawn, 2 * s[0] + s[1]).reshape(-1)
                due = [sum(c * p for c, _, _, p, _ in totals(mechanism, t + 1, following, s2)) for s2 in profiles]
                period = min(period, float(row @ due))
                after |= {(following, s2) for s2, p in zip(profiles, row, strict=True) if p > 0}
        now = after
    return {"expected_period": period, "ex_post": ex_post, "largest": largest}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rule", [Pivot, Raffle])
def test_budgets_are_the_least_sums_over_what_truth_leads_to(
    rule: Callable[[TableEnvironment], Mechanism], seed: int
) -> None:
    environment = economy(seed)
    mechanism = rule(environment)
    truthful = FiniteGame(environment, mechanism).truthful
    payoffs, revenue = tree_payoffs(environment, mechanism)
    np.testing.assert_allclose(truthful.utility - truthful.transfer, payoffs, atol=1e-10)
    found = budget(environment, truthful, silent="")
    assert found["ex_ante"].value == pytest.approx(revenue, abs=1e-10)
    amounts = {kind: found[kind].value for kind in ("expected_period", "ex_post")}
    amounts["largest"] = abs(largest_transfer(environment, truthful).value)
    assert amounts == pytest.approx(by_loops(environment, mechanism), abs=1e-10)
    assert ("drawn decision" in found["ex_post"].where) is (rule is Raffle)
    hidden = budget(environment, truthful, silent="they are mute")["expected_period"]
    assert np.isnan(hidden.value)
    assert hidden.where == {"refused": "they are mute"}


@pytest.mark.parametrize("horizon", [None, 1, 3])
def test_utilities_of_truth_add_up_to_what_the_plan_is_worth(horizon: int | None) -> None:
    base = economy(1)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, horizon)
    best = plan(environment)
    values = expected_utilities(environment, lambda t: best.policy[best.at(t)].reshape(-1))
    np.testing.assert_allclose(values.sum(axis=0), best.value[0].reshape(-1), atol=1e-9)


def test_utilities_where_a_public_state_stands_before_the_signals() -> None:
    """Prescribed messages are read off by state and own signal; costs deducted, all get what the plan is worth."""
    environment = weather(3)
    truthful = FiniteGame(environment, Pivot(environment)).truthful
    worth = float((environment.prior * plan(environment).value[0]).sum())
    assert truthful.welfare == pytest.approx(worth, abs=1e-8)
    assert truthful.utility.sum() > worth + 0.1, "decisions cost something"


def test_utilities_where_each_period_has_its_own_stage() -> None:
    environment = load("trading-game")
    assert isinstance(environment, TableEnvironment)
    best = plan(environment)
    values = expected_utilities(environment, lambda t: best.policy[best.at(t)].reshape(-1))
    np.testing.assert_allclose(values.sum(axis=0), best.value[0].reshape(-1), atol=1e-9)


class Forgetful(DirectMechanism):
    """Says that it remembers two things, and remembers the profile."""

    name = "forgetful"

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.zeros(len(messages), np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return np.zeros(messages.shape)

    def memory_size(self, t: int) -> int:
        return 2 if t else 1

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return self.profile(now, messages)

    def transfer_bound(self) -> float:
        return 1.0


def test_a_memory_beyond_the_declared_size_is_caught_wherever_it_is() -> None:
    environment = economy(0)
    mechanism = Forgetful(environment)
    messages, zeros = np.array([[0, 0], [1, 1]]), np.zeros(2, np.intp)
    now = Situation(0, zeros, zeros)
    settle(mechanism, now, messages[:1], messages[:1], zeros[:1], bound=1.0)
    with pytest.raises(FalseDeclaration, match="remember returns values in period 0 that are not among the 2 declared"):
        settle(mechanism, now, messages, messages, zeros, bound=1.0)
