"""Derivatives of exact gains, against finite differences of audits of the economy with one number changed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.robustness.derivatives import Derivatives
from dynmech.agents.robustness.deviations import Hinges, ex_ante_hinges, ex_post_hinges
from dynmech.agents.robustness.robust_values import walk_of
from dynmech.experiments.catalog.accepted import as_mechanism
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel

STEP = 1e-6

Change = Callable[[TableEnvironment, float], TableEnvironment]


def with_law(s: int, event: int, profile: int) -> Change:
    """Move mass to one next profile, from all in proportion."""

    def change(environment: TableEnvironment, h: float) -> TableEnvironment:
        stage, kernel = environment.stages[s], environment.kernel(s)
        rows = kernel.rows().copy()
        row = rows.reshape(-1, rows.shape[2])[event]
        row *= 1 - h
        row[profile] += h
        table = rows.reshape(rows.shape[0], *kernel.axes, *kernel.next_axes)
        own = replace(stage, kernel=JointKernel(table, kernel.axes, kernel.next_axes))
        return replace(environment, stages=(*environment.stages[:s], own, *environment.stages[s + 1 :]))

    return change


def with_utility(s: int, agent: int, event: int) -> Change:
    """Raise one utility."""

    def change(environment: TableEnvironment, h: float) -> TableEnvironment:
        stage = environment.stages[s]
        utility = stage.utility.copy()
        utility[agent].reshape(-1)[event] += h
        own = replace(stage, utility=utility)
        return replace(environment, stages=(*environment.stages[:s], own, *environment.stages[s + 1 :]))

    return change


def with_prior(profile: int) -> Change:
    """Move mass to one first profile, from all in proportion."""

    def change(environment: TableEnvironment, h: float) -> TableEnvironment:
        prior = environment.prior * (1 - h)
        prior.reshape(-1)[profile] += h
        return replace(environment, prior=prior)

    return change


def with_discount(environment: TableEnvironment, h: float) -> TableEnvironment:
    """Raise the discount factor."""
    return replace(environment, discount=environment.discount + h)


def gain_of(game: FiniteGame, agent: int, hinges: Hinges, change: Change, h: float) -> float:
    """The exact gain under a changed economy, rules and transfers as they are: by the search of an audit."""
    problem = build_problem(FiniteGame(change(game.environment, h), game.mechanism), (agent,), exit=False)
    known = Information.INTERIM if hinges.start is None else Information.EX_POST
    best, truth = (solve(problem, family, known) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    if hinges.start is None:
        return best.ex_ante - truth.ex_ante
    t, state, _ = hinges.start
    profile = state % problem.periods[t].flow.shape[1]
    gains = best.choices[t].max(axis=2) - truth.choices[t][..., 0]
    assert len(gains) == 1, "a mechanism without memory: the state is the profile"
    return float(gains[0, profile])


def slope(game: FiniteGame, agent: int, hinges: Hinges, change: Change) -> float:
    """A central difference."""
    up, down = (gain_of(game, agent, hinges, change, h) for h in (STEP, -STEP))
    return (up - down) / (2 * STEP)


def centred(slopes: FloatArray, law: FloatArray) -> FloatArray:
    """The derivative of moving mass to each place from all in proportion."""
    out: FloatArray = slopes - (slopes * law).sum(axis=-1, keepdims=True)
    return out


def check(game: FiniteGame, agent: int, hinges: Hinges) -> int:
    """Hold every kind of derivative against finite differences; how many were not zero."""
    told, environment = hinges.derivatives, game.environment
    generator = np.random.default_rng(0)
    scale, found = environment.scale / (1 - environment.discount), 0
    cases: list[tuple[float, Change]] = [(told.discount, with_discount)]
    for s, stage in enumerate(environment.stages):
        law = told.law[s]
        for event in generator.choice(stage.size * len(stage.decisions), 3, replace=False):
            cases.append((float(told.utility[s][event]), with_utility(s, agent, int(event))))
        if law is None or stage.kernel is None:
            continue
        rows = stage.kernel.rows().reshape(law.shape)
        slopes = centred(law, rows)
        busy = np.argsort(-np.abs(slopes).max(axis=1))[:2]
        for event in [*busy, int(generator.integers(len(law)))]:
            profile = int(np.abs(slopes[event] * (rows[event] > 0.01)).argmax())
            cases.append((float(slopes[event, profile]), with_law(s, int(event), profile)))
    if hinges.start is None:
        slopes = centred(told.prior, environment.prior.reshape(-1))
        cases += [(float(slopes[k]), with_prior(k)) for k in (0, 1)]
    for value, change in cases:
        assert value == pytest.approx(slope(game, agent, hinges, change), abs=2e-5 * scale)
        found += abs(value) > 1e-4 * scale
    return found


def game_of(seed: int, horizon: int | None, mechanism: str) -> FiniteGame:
    """A random economy and a mechanism."""
    environment = random_environment(
        np.random.default_rng(seed), signals=3, decisions=3, discount=0.7, horizon=horizon, interdependence=0.5
    )
    return FiniteGame(environment, as_mechanism(mechanism, environment))


@pytest.mark.parametrize(("seed", "horizon", "mechanism"), [(0, None, "pay-your-report"), (2, 3, "pay-your-report")])
@pytest.mark.parametrize("information", ["ex_ante", "ex_post"])
def test_derivatives_are_those_of_finite_differences(
    seed: int, horizon: int | None, mechanism: str, information: str
) -> None:
    game = game_of(seed, horizon, mechanism)
    walk = walk_of(game, 0)
    hinges = ex_ante_hinges(walk) if information == "ex_ante" else ex_post_hinges(walk, 1e-9)
    assert hinges.derivatives.value > 0.01, "there is something to gain"
    assert hinges.derivatives.value == pytest.approx(gain_of(game, 0, hinges, with_discount, 0.0), abs=1e-8)
    assert check(game, 0, hinges) >= 3


def test_stages_of_their_own_and_memory() -> None:
    environment = load("oil-leases-prior")
    assert isinstance(environment, TableEnvironment)
    patient = replace(environment, discount=0.9)
    game = FiniteGame(patient, as_mechanism("cremer-mclean", patient))
    hinges = ex_ante_hinges(walk_of(game, 0))
    assert hinges.derivatives.value == pytest.approx(gain_of(game, 0, hinges, with_discount, 0.0))
    told = hinges.derivatives
    assert told.discount == pytest.approx(slope(game, 0, hinges, with_discount), abs=1e-5)
    for s, stage in enumerate(patient.stages):
        for event in range(stage.size * len(stage.decisions)):
            found = slope(game, 0, hinges, with_utility(s, 0, event))
            assert told.utility[s][event] == pytest.approx(found, abs=1e-5)
    assert max(np.abs(own).max() for own in told.utility) > 0.2


def test_where_nobody_gains_it_is_the_lie_that_loses_least() -> None:
    environment = random_environment(np.random.default_rng(1), signals=2, discount=0.6, interdependence=0.0)
    game = FiniteGame(environment, as_mechanism("team", environment))
    hinges = ex_post_hinges(walk_of(game, 0), 1e-9)
    assert hinges.derivatives.value <= 1e-9
    assert hinges.start is not None


def test_a_tie_is_said() -> None:
    """Under pivot in an auction many lies cost nothing: there is no one best deviation."""
    environment = load("repeated-auction:values=2")
    assert isinstance(environment, TableEnvironment)
    game = FiniteGame(environment, as_mechanism("pivot", environment))
    assert not ex_post_hinges(walk_of(game, 0), 1e-9).unique
    assert ex_ante_hinges(walk_of(game_of(0, None, "pay-your-report"), 0)).unique


def test_the_difference_is_taken_part_by_part() -> None:
    one = Derivatives(3.0, (np.ones((1, 2)), None), np.ones(2), (np.ones(2),), 1.0)
    two = one.less(one)
    assert two.value == two.discount == 0
    assert two.law[0] is not None
    assert not two.law[0].any()
    assert two.law[1] is None
