"""Coalitions: the joint best response earns on the event loop what the oracle says, part by part."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.generators import generator
from tests.builders.planted_mechanisms import Nosy
from tests.builders.random_economies import interdependent, working

EPISODES = 4000


def three(seed: int, horizon: int | None = None) -> TableEnvironment:
    """Three agents whose signals move with what is decided; values are their own."""
    return random_environment(
        generator(seed), agents=3, signals=2, decisions=2, discount=0.8, correlation=0, interdependence=0,
        horizon=horizon,
    )  # fmt: skip


def exact_gain(environment: TableEnvironment, mechanism: Mechanism, who: Sequence[int]) -> float:
    problem = build_problem(FiniteGame(environment, mechanism), who)
    truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
    return ex_ante_gain(solve(problem, Family.BEST_RESPONSE, Information.INTERIM), truth).gain


def played(environment: TableEnvironment, mechanism: Mechanism, parts: dict[int, Witness]) -> tuple[Moments, float]:
    """What the members gain together, and the tail."""
    game, agents = make_game(environment, mechanism), range(len(environment.agents))
    streams = Streams(3, "coalition", 0, EPISODES, game.periods + game.closing)
    honest: list[Strategy] = [Truthful() for _ in agents]
    profile = [parts.get(i, Truthful()) for i in agents]
    gains = play_shard(game, profile, streams).payoffs - play_shard(game, honest, streams).payoffs
    return Moments.of(gains[list(parts)].sum(axis=0)), game.tail


@pytest.mark.parametrize("who", [(0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("rule", [Team, Pivot])
@pytest.mark.parametrize("horizon", [None, 3])
def test_the_parts_of_a_plan_earn_its_figure_on_the_event_loop(
    rule: Callable[[TableEnvironment], Mechanism], who: tuple[int, ...], horizon: int | None
) -> None:
    environment = three(5, horizon)
    mechanism = rule(environment)
    exact = exact_gain(environment, mechanism, who)
    parts = Witness(build_problem(FiniteGame(environment, mechanism), who), Family.BEST_RESPONSE).parts()
    assert list(parts) == list(who)
    gain, tail = played(environment, mechanism, parts)
    assert abs(float(gain.mean) - exact) <= 4 * float(gain.error) + 2 * len(who) * tail + 1e-9
    if who == (0, 1, 2) and rule is Team:
        assert exact > 0.5, "together they milk the designer"


def test_where_what_is_paid_depends_on_the_past() -> None:
    """Memory, correlated signals and interdependent values: the last profile's pooled signals matter."""
    environment = interdependent(3)
    mechanism = ContingentSpanning(environment)
    problem = build_problem(FiniteGame(environment, mechanism), (0, 1))
    exact = exact_gain(environment, mechanism, (0, 1))
    gain, tail = played(environment, mechanism, Witness(problem, Family.BEST_RESPONSE).parts())
    assert exact > 0.1
    assert abs(float(gain.mean) - exact) <= 4 * float(gain.error) + 4 * tail


@pytest.mark.parametrize("horizon", [None, 3])
def test_together_they_also_act_and_reply(horizon: int | None) -> None:
    environment = working(1, horizon)
    mechanism = Nosy(environment)
    problem = build_problem(FiniteGame(environment, mechanism), (0, 1))
    exact = exact_gain(environment, mechanism, (0, 1))
    gain, tail = played(environment, mechanism, Witness(problem, Family.BEST_RESPONSE).parts())
    assert exact > max(exact_gain(environment, mechanism, (0,)), exact_gain(environment, mechanism, (1,)))
    assert abs(float(gain.mean) - exact) <= 4 * float(gain.error) + 4 * tail


@given(st.integers(0, 10_000))
def test_one_period_by_brute_force(seed: int) -> None:
    """Every joint message at every pooled signal: the plan's gain is the sum of the largest."""
    environment = three(seed, 1)
    mechanism = Team(environment)
    law, stage = environment.prior.reshape(2, 2, 2), environment.stages[0]
    now = Situation(0, np.zeros(1, np.intp), np.zeros(1, np.intp))
    nothing, gain = np.zeros((1, 3)), 0.0
    for mine in product(range(2), repeat=2):

        def worth(sent: tuple[int, ...], mine: tuple[int, ...] = mine) -> float:
            total = 0.0
            for other in range(2):
                messages = np.array([[*sent, other]])
                decision = mechanism.decide(now, messages)
                paid = mechanism.charge(now, messages, decision, Acts(nothing, nothing))[0]
                flat = int(decision[0]) * 8 + int(np.ravel_multi_index((*mine, other), (2, 2, 2)))
                values = [stage.utility[i].reshape(-1)[flat] for i in (0, 1)]
                total += law[(*mine, other)] * (sum(values) - paid[0] - paid[1])
            return total

        gain += max(worth(sent) for sent in product(range(2), repeat=2)) - worth(mine)
    assert exact_gain(environment, mechanism, (0, 1)) == pytest.approx(gain, abs=1e-9)


def test_the_members_look_at_their_own_number_only() -> None:
    """Changing the outsider's signal changes nothing that they send."""
    environment = three(7)
    mechanism = Team(environment)
    parts = Witness(build_problem(FiniteGame(environment, mechanism), (0, 1)), Family.BEST_RESPONSE).parts()
    game = make_game(environment, mechanism)
    streams = Streams(0, "peek", 0, 500, 1)
    record = play_shard(game, [parts[0], parts[1], Truthful()], streams)
    first = {tuple(row[:2]): set() for row in record.signal[0].T}  # type: ignore[var-annotated]
    for signals, sent in zip(record.signal[0].T, record.report[0].T, strict=True):
        first[tuple(signals[:2])].add(tuple(sent[:2]))
    assert all(len(sent) == 1 for sent in first.values())


def test_a_plan_is_a_best_response() -> None:
    environment = three(1)
    problem = build_problem(FiniteGame(environment, Team(environment)), (0, 1))
    with pytest.raises(Refusal, match="with exit, acts, partners, or ex post only the best response is played"):
        Witness(problem, Family.ONE_SHOT)
