"""Contingent transfers where agents act in private: what is admitted holds, by search and by recursion; what is not."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.audits.auditing import audit
from dynmech.mechanisms.contingent.average_externality import AverageExternality
from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.private_actions import with_best_actions
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.gains import game_of
from tests.builders.random_economies import acting_apart, interdependent
from tests.builders.samples import diagonals

RULES = (ContingentConvex, ContingentSpanning, AverageExternality, SurplusExtraction)
SHARES = {ContingentConvex: 1.0, ContingentSpanning: 1.0, AverageExternality: 0.5, SurplusExtraction: 0.0}

Rule = Callable[[TableEnvironment], ContingentMechanism]


class Recommended(AverageExternality):
    """Planted: the target is that of the action that was recommended, not of the agent's best one."""

    def target(self, t: int, agent: int) -> np.ndarray:
        self.settled = self.environment
        return super().target(t, agent)


class AnyAction(ContingentSpanning):
    """Planted: every private action is admitted."""

    def _unfit_actions(self) -> None:
        return None


def best_play(environment: TableEnvironment, mechanism: ContingentMechanism, agent: int) -> float:
    """What the best lies and actions earn an agent that sees all signals, by recursion from memory and profile."""

    @cache
    def after(t: int, profile: tuple[int, ...], memory: int) -> float:
        stage, options = environment.stage(t), []
        state = int(np.ravel_multi_index(profile, stage.axes))
        for report in range(stage.axes[agent]):
            messages = np.array([profile])
            messages[0, agent] = report
            now = Situation(t, np.array([memory]), np.array([0]))
            asked = mechanism.decide(now, messages)
            acts = Acts(np.zeros((1, 2), np.intp), np.zeros((1, 2)))
            paid = (mechanism.charge(now, messages, asked, acts) + mechanism.due(now, messages))[0, agent]
            following = int(mechanism.remember(now, messages, asked, acts)[0])
            for action in range(2):
                public, *actions = map(int, np.unravel_index(int(asked[0]), (2, 2, 2)))
                actions[agent] = action
                done = int(np.ravel_multi_index((public, *actions), (2, 2, 2)))
                earned = float(stage.utility[agent, done][profile] - paid)
                if t + 1 < (environment.horizon or 0):
                    law = environment.kernel(t).row(done, state)
                    earned += environment.discount * sum(
                        float(law[then]) * after(t + 1, then, following) for then in np.ndindex(*law.shape)
                    )
                options.append(earned)
        return max(options)

    return sum(float(mass) * after(0, profile, 0) for profile, mass in np.ndenumerate(environment.prior))


def searched(environment: TableEnvironment, mechanism: ContingentMechanism, agent: int) -> tuple[float, float]:
    """What the best response earns, and prescribed play, by the search, seeing all signals."""
    problem = build_problem(game_of(environment, mechanism), (agent,))
    families = (Family.BEST_RESPONSE, Family.PRESCRIBED)
    return tuple(solve(problem, family, Information.EX_POST).ex_ante for family in families)  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rule", RULES)
def test_every_promise_holds_and_payoffs_are_the_share(rule: Rule, seed: int) -> None:
    environment = acting_apart(seed)
    mechanism = rule(environment)
    found = audit(environment, mechanism)
    assert {verdict.status for verdict in found.verdicts} == {"holds"}
    assert {verdict.promise for verdict in found.verdicts} >= {"incentive: periodic ex post", "efficient"}
    stay = FiniteGame(environment, mechanism).truthful.periods[0].stay[:, 0]
    level = SHARES[rule] * plan(environment).value[0].reshape(-1)  # type: ignore[index]
    np.testing.assert_allclose(stay, np.broadcast_to(level, stay.shape), atol=1e-9)


@pytest.mark.parametrize(("rule", "seed"), diagonals([*RULES, Recommended], range(3), 2))
def test_the_search_agrees_with_plain_recursion(rule: Rule, seed: int) -> None:
    environment = acting_apart(seed, 3)
    mechanism = rule(environment)
    for agent in range(2):
        best, truth = searched(environment, mechanism, agent)
        assert best == pytest.approx(best_play(environment, mechanism, agent), abs=1e-9)
        if rule is not Recommended:
            assert best == pytest.approx(truth, abs=1e-9)


def test_a_target_of_the_recommended_action_is_caught() -> None:
    """A lie makes the transfer ignore what the liar then does best; with less than the whole surplus that pays."""
    gains = [np.subtract(*searched(e, Recommended(e), i)) for e in map(acting_apart, range(3)) for i in range(2)]
    assert max(gains) > 1e-2


@pytest.mark.parametrize("seed", range(3))
def test_a_last_decision_is_held_in_its_public_part(seed: int) -> None:
    environment = acting_apart(seed, 3)
    mechanism = ContingentSpanning(environment, last="1/0/1")
    last = mechanism.policy(2)
    assert set(last // 4) == {1}
    utility = environment.stage(2).utility.reshape(2, 8, 4)
    for profile, decision in enumerate(last):  # each does what is best for itself there
        assert utility[:, decision, profile].sum() == pytest.approx(utility[:, 4:, profile].sum(axis=0).max())
    for agent in range(2):
        best, truth = searched(environment, mechanism, agent)
        assert best == pytest.approx(truth, abs=1e-9)
        assert best == pytest.approx(best_play(environment, mechanism, agent), abs=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_actions_that_move_signals_are_refused_by_name(rule: Rule) -> None:
    with pytest.raises(Refusal, match=r"agent 'Ann' does in private moves the next signals.*'1/0/0' and '1/1/0'"):
        rule(acting_apart(0, on_signals=0.3))


@pytest.mark.parametrize("rule", RULES)
def test_actions_that_concern_others_are_refused_by_name(rule: Rule) -> None:
    with pytest.raises(Refusal, match=r"agent 'Bob' does in private changes the utility of 'Ann', by 0\.3 "):
        rule(acting_apart(0, on_others=0.3))


def test_actions_that_cost_the_designer_are_refused() -> None:
    environment = acting_apart(0)
    stage = environment.stage(0)
    cost = (np.arange(8) % 2 * 0.25).astype(np.float64)
    dear = TableEnvironment("dear", environment.agents, environment.prior, (replace(stage, cost=cost),), 0.85, None)
    with pytest.raises(Refusal, match=r"'Bob' does in private changes the designer's cost, by 0\.25 "):
        ContingentSpanning(dear)


@pytest.mark.parametrize(("on_signals", "on_others"), [(0.9, 0.0), (0.0, 2.0)])
def test_what_is_refused_would_break(on_signals: float, on_others: float) -> None:
    """Moving the signals that pay one, or helping nobody, gains where it is admitted."""
    gains = []
    for seed in range(3):
        environment = acting_apart(seed, on_signals=on_signals, on_others=on_others)
        gains += [np.subtract(*searched(environment, AnyAction(environment), i)) for i in range(2)]
    assert max(gains) > 1e-2


def test_without_private_actions_nothing_changes() -> None:
    environment = interdependent(1)
    assert with_best_actions(environment) is environment
    mechanism = ContingentSpanning(environment)
    assert mechanism.settled is environment
