"""Worst laws in a ball: closed forms against linear programs, bounds against drawn laws, radius 0 against audits."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.robustness.balls import Ball, highest, highest_law
from dynmech.agents.robustness.found_laws import _gain_from, _towards, first_lies, largest_found, solve_under
from dynmech.agents.robustness.gain_bounds import RADII, _first, radius_bounds, robust_gain
from dynmech.agents.robustness.other_beliefs import other_discounts, with_utilities
from dynmech.agents.robustness.pair_bound import upper_bound
from dynmech.agents.robustness.robust_values import Walk, robust_values, walk_of
from dynmech.experiments.catalog.accepted import as_mechanism
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel

GENERATOR = np.random.default_rng(11)


def by_program(values: FloatArray, law: FloatArray, radius: float) -> float:
    """The highest expectation in a ball, by a linear program."""
    n = len(law)
    apart = np.block([[np.eye(n), -np.eye(n)], [-np.eye(n), -np.eye(n)], [np.zeros(n), np.ones(n)]])
    limits = np.concatenate([law, -law, [radius]])
    bounds = [(0, None if p > 0 else 0) for p in law] + [(0, None)] * n
    found = linprog(np.r_[-values, np.zeros(n)], apart, limits, [np.r_[np.ones(n), np.zeros(n)]], [1], bounds)
    assert found.fun is not None
    return -float(found.fun)


@pytest.mark.parametrize("radius", [0.0, 0.05, 0.7, 2.0])
def test_the_highest_expectation_is_that_of_a_linear_program(radius: float) -> None:
    for _ in range(15):
        law = GENERATOR.dirichlet(np.full(5, 0.5))
        law[GENERATOR.integers(5)] = 0
        law /= law.sum()
        values = GENERATOR.integers(-2, 3, 5).astype(float)
        found = float(highest(values, law, radius))
        assert found == pytest.approx(by_program(values, law, radius), abs=1e-9)
        attains = highest_law(values, law, radius)
        assert attains @ values == pytest.approx(found)
        assert np.abs(attains - law).sum() <= radius + 1e-12
        assert attains.sum() == pytest.approx(1)
        assert (attains >= 0).all()
        assert (attains[law == 0] == 0).all()


def economy(seed: int, horizon: int | None = None, signals: int = 2, decisions: int = 2) -> TableEnvironment:
    """A random economy."""
    return random_environment(
        np.random.default_rng(seed), signals=signals, decisions=decisions, discount=0.6, horizon=horizon,
        interdependence=0.0,
    )  # fmt: skip


CASES = [
    (1, None, "team"), (8, None, "pivot"), (1, 3, "contingent-spanning"), (10, None, "contingent-spanning"),
    (8, 3, "average-externality"), (7, None, "static-vcg"), (2, 3, "pivot"),
]  # fmt: skip


def game_of(case: tuple[int, int | None, str]) -> FiniteGame:
    """The game of a case."""
    seed, horizon, mechanism = case
    environment = economy(seed, horizon)
    return FiniteGame(environment, as_mechanism(mechanism, environment))


def nominal_gain(game: FiniteGame) -> float:
    """The largest exact gain ex post, as an audit finds it."""
    most = 0.0
    for i in range(2):
        problem = build_problem(game, (i,))
        best, truth = (solve(problem, f, Information.EX_POST) for f in (Family.BEST_RESPONSE, Family.PRESCRIBED))
        most = max(most, worst_gain(problem, best, truth).gain)
    return most


@pytest.mark.parametrize("case", CASES)
def test_radius_0_gives_the_gain_of_an_audit(case: tuple[int, int | None, str]) -> None:
    game = game_of(case)
    found = robust_gain(game, 0.0)
    scale = max(game.environment.scale, game.truthful.scale)
    assert found.lower == pytest.approx(nominal_gain(game), abs=1e-9 * scale)
    assert found.upper == pytest.approx(nominal_gain(game), abs=1e-9 * scale)


def drawn(ball: Ball, extreme: bool) -> tuple[FloatArray | None, ...]:
    """A law in a ball: every row moved towards a vertex of the simplex, or at random."""
    out: list[FloatArray | None] = []
    for rows, radii in zip(ball.rows, ball.radii, strict=True):
        if rows is None or radii is None:
            out.append(None)
        elif extreme:
            out.append(highest_law(GENERATOR.normal(size=rows.shape), rows, radii))
        else:
            other = GENERATOR.dirichlet(np.full(rows.shape[1], 0.3), size=len(rows)) * (rows > 0)
            other /= other.sum(axis=1, keepdims=True)
            far = np.abs(other - rows).sum(axis=1)
            share = np.minimum(1.0, radii / np.maximum(far, 1e-300))
            out.append(rows + share[:, None] * (other - rows))
    return tuple(out)


@pytest.mark.parametrize("case", CASES)
def test_no_law_that_is_drawn_beats_the_upper_bound(case: tuple[int, int | None, str]) -> None:
    game, radius = game_of(case), 0.3
    ball = Ball.around(game.environment, radius)
    nominal = nominal_gain(game)
    for i in range(2):
        walk = walk_of(game, i)
        upper, lower = upper_bound(walk, ball), largest_found(walk, ball)
        slack = 1e-9 * walk.money
        most = max(solve_under(walk, drawn(ball, k % 2 == 0)).gain for k in range(8))
        assert most <= upper + slack
        assert lower <= upper + slack
        assert lower >= solve_under(walk, ball.rows).gain - slack
    assert robust_gain(game, radius).lower >= nominal - 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_hundred_laws_do_not_beat_the_upper_bound(case: tuple[int, int | None, str]) -> None:
    game = game_of(case)
    for radius in (0.02, 0.5):
        ball = Ball.around(game.environment, radius)
        for i in range(2):
            walk = walk_of(game, i)
            upper = upper_bound(walk, ball)
            assert max(solve_under(walk, drawn(ball, k % 2 == 0)).gain for k in range(200)) <= upper + 1e-9


def test_a_bound_that_is_too_small_is_caught_by_the_laws_that_are_found() -> None:
    """Planted: the bound of a smaller ball is beaten by laws in the larger one."""
    game = game_of(CASES[3])
    walk, large = walk_of(game, 0), Ball.around(game.environment, 0.3)
    small = Ball.around(game.environment, 0.02)
    assert upper_bound(walk, small) < largest_found(walk, large)
    assert upper_bound(walk, small) < max(solve_under(walk, drawn(large, True)).gain for _ in range(30))


@pytest.mark.parametrize("case", [CASES[2], CASES[3]])
def test_a_law_is_searched_as_an_audit_under_it_would(case: tuple[int, int | None, str]) -> None:
    """What is due is counted when it is paid; an audit counts it where it is caused. Rules and transfers stay."""
    game = game_of(case)
    environment = game.environment
    stage = environment.stages[0]
    ball = Ball.around(environment, 0.4)
    rows = drawn(ball, True)
    assert rows[0] is not None
    law = JointKernel(rows[0].reshape(len(stage.decisions), *stage.axes, *stage.axes), stage.axes, stage.axes)
    other = replace(environment, stages=(replace(stage, kernel=law),))
    again = FiniteGame(other, game.mechanism)
    assert max(solve_under(walk_of(game, i), rows).gain for i in range(2)) == pytest.approx(
        nominal_gain(again), abs=1e-8
    )


def test_the_derivative_of_a_gain_in_the_law_is_that_of_finite_differences() -> None:
    game = game_of(CASES[3])
    walk = walk_of(game, 0)
    ball = Ball.around(game.environment, 0.5)
    nominal = solve_under(walk, ball.rows)
    (first, *_) = first_lies(walk, nominal)
    (target,) = _towards(walk, ball, nominal, first)
    assert target is not None
    base, rows = _gain_from(walk, nominal, first), ball.rows[0]
    assert rows is not None

    def along(other: FloatArray) -> float:
        step = 1e-5
        return (_gain_from(walk, solve_under(walk, (rows + step * (other - rows),)), first) - base) / step

    best = along(target)
    assert best > 0
    for _ in range(20):
        other = drawn(ball, True)[0]
        assert other is not None
        assert along(other) <= best + 1e-4 * abs(best), "no law in the ball is better along the derivative"


def test_the_pairs_are_far_tighter_than_the_two_apart() -> None:
    game = game_of((4, None, "team"))
    ball = Ball.around(game.environment, 0.3)
    walk = walk_of(game, 0)
    values = robust_values(walk, ball)
    apart = float((values.lie[1] - values.low[1]).max())
    assert upper_bound(walk, ball) < 0.2 * apart


def test_robust_values_hold_those_of_every_law() -> None:
    game = game_of(CASES[3])
    walk, ball = walk_of(game, 1), Ball.around(game.environment, 0.3)
    values = robust_values(walk, ball)
    for k in range(10):
        solved = solve_under(walk, drawn(ball, k % 2 == 0))
        best, truth = (v.choices[1].max(axis=2).reshape(-1) for v in (solved.best, solved.truth))
        assert (best <= values.lie[1] + 1e-9).all()
        assert (truth <= values.high[1] + 1e-9).all()
        assert (truth >= values.low[1] - 1e-9).all()


def test_a_margin_gives_a_radius_and_a_tie_gives_none() -> None:
    linked = load("oil-leases-prior")
    assert isinstance(linked, TableEnvironment)
    tied = FiniteGame(linked, as_mechanism("linked", linked))
    assert radius_bounds(tied, 1e-6 * linked.scale) == (0.0, RADII[1])
    broken = FiniteGame(linked, as_mechanism("cremer-mclean", linked))
    assert radius_bounds(broken, 1e-6 * linked.scale) == (0.0, 0.0)
    environment = economy(5, 3)
    team = FiniteGame(environment, as_mechanism("team", environment))
    proved, refuted = radius_bounds(team, 1e-6 * environment.scale)
    assert 0.0 < proved < (refuted or 2.0), "lies lose something here, so that there is room"
    tolerance = 1e-6 * environment.scale
    walks: list[Walk] = [walk_of(team, i) for i in range(2)]
    ball = Ball.around(environment, proved)
    assert all(solve_under(walk, drawn(ball, True)).gain <= tolerance for walk in walks for _ in range(20))


@pytest.mark.parametrize("count", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_claim_of_no_gain_holds_on_laws_that_are_drawn(count: int) -> None:
    """Lotteries that punish every lie that moves something: truth is best far from the law that they were made for."""
    environment = load("oil-leases")
    assert isinstance(environment, TableEnvironment)
    game = FiniteGame(environment, as_mechanism("contingent-convex", environment))
    radius, tolerance = 0.39, 1e-6 * environment.scale
    assert robust_gain(game, radius).upper <= tolerance
    ball = Ball.around(environment, radius)
    walks = [walk_of(game, i) for i in range(2)]
    assert max(solve_under(walk, drawn(ball, k % 2 == 0)).gain for walk in walks for k in range(count)) <= tolerance
    assert robust_gain(game, 0.45).lower > tolerance, "and it does not hold everywhere"


@pytest.mark.parametrize("first", [0, 1, 4, 7, 8])
def test_the_first_index_is_found(first: int) -> None:
    assert _first(lambda k: k >= first, 0, 8) == first


def test_what_cannot_be_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    game = game_of(CASES[0])
    for radius in (-0.1, 2.1):
        with pytest.raises(InputError, match="not in \\[0, 2\\]"):
            robust_gain(game, radius)
    walk = walk_of(game, 0)
    monkeypatch.setattr("dynmech.sim.core.memory_budget.room", lambda: 500.0)
    with pytest.raises(Refusal, match="would need"):
        upper_bound(walk, Ball.around(game.environment, 0.1))


@pytest.mark.parametrize("case", [CASES[2], *(pytest.param(CASES[k], marks=pytest.mark.slow) for k in (1, 5))])
def test_no_utilities_within_the_error_beat_the_upper_bound(case: tuple[int, int | None, str]) -> None:
    game, error = game_of(case), 0.2
    ball = Ball.around(game.environment, 0.1)
    found = robust_gain(game, 0.1, utility_error=error)
    assert robust_gain(game, 0.1).upper < found.upper
    nominal = robust_gain(game, 0.0, utility_error=error)
    assert nominal_gain(game) < nominal.lower <= nominal.upper <= found.upper + 1e-9
    most = 0.0
    for i in range(2):
        walk = walk_of(game, i, error)
        for k in range(6):
            sizes = [len(stage.decisions) * stage.size for stage in game.environment.stages]
            off = with_utilities(walk, [error * GENERATOR.choice([-1.0, 1.0], size) for size in sizes])
            most = max(most, solve_under(off, drawn(ball, k % 2 == 0)).gain)
    assert most <= found.upper + 1e-9


def test_utilities_that_are_off_are_those_of_an_economy_of_its_own() -> None:
    game = game_of(CASES[3])
    stage = game.environment.stages[0]
    off = GENERATOR.normal(size=(len(stage.decisions), stage.size))
    utility = stage.utility.copy()
    utility[0] += off.reshape(utility[0].shape)
    other = replace(game.environment, stages=(replace(stage, utility=utility),))
    again = FiniteGame(other, game.mechanism)
    rows = Ball.around(game.environment, 0.0).rows
    changed = solve_under(with_utilities(walk_of(game, 0), [off.reshape(-1)]), rows).gain
    assert changed == pytest.approx(solve_under(walk_of(again, 0), rows).gain)


@pytest.mark.parametrize("case", [CASES[6], *(pytest.param(CASES[k], marks=pytest.mark.slow) for k in (1, 5))])
def test_no_discount_factor_within_the_error_beats_the_upper_bound(case: tuple[int, int | None, str]) -> None:
    game, error = game_of(case), 0.1
    found = robust_gain(game, 0.05, discount_error=error)
    assert robust_gain(game, 0.05).upper < found.upper
    ball = Ball.around(game.environment, 0.05)
    for discount in (0.5, 0.55, 0.66, 0.7):
        other = FiniteGame(replace(game.environment, discount=discount), game.mechanism)
        for i in range(2):
            assert solve_under(walk_of(other, i), drawn(ball, True)).gain <= found.upper + 1e-9
    low, high = (nominal_gain(FiniteGame(replace(game.environment, discount=d), game.mechanism)) for d in (0.5, 0.7))
    nominal = robust_gain(game, 0.0, discount_error=error)
    assert nominal.lower >= max(low, high) - 1e-9
    assert nominal.upper >= nominal.lower
    _, *others = other_discounts(walk_of(game, 0, patience=error))
    assert [walk.problem.discount for walk in others] == pytest.approx([0.5, 0.7])
    with pytest.raises(InputError, match="not within"):
        robust_gain(game, 0.1, discount_error=0.5)
