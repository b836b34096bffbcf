"""Bounds from both sides: they hold the exact gain, close where H is the best response, and notice what is planted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.bounds import bracket
from dynmech.agents.bounds.bracket import WORST_STATE, Effort, bracket_gain
from dynmech.agents.bounds.confidence import mean_of
from dynmech.agents.bounds.finite_candidates import tabled_candidates, worst_state_bounds
from dynmech.agents.bounds.inner_problem import Limits, Samples, TabledCandidate
from dynmech.agents.bounds.path_problem import along_paths
from dynmech.agents.bounds.penalties import improved, no_penalty, penalty_from_values, truthful_penalty
from dynmech.agents.oracle.gains import search_deviator
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams
from tests.builders.clairvoyance import best_in_hindsight, exact_gain, problem_of
from tests.builders.economies import weather
from tests.builders.following_reserve import following_reserve
from tests.builders.random_economies import interdependent, private_values

SAMPLE = [
    ("repeated-auction", "pay-your-report"),
    ("repeated-auction:fatigue=0.5", "pay-your-report"),
    ("oil-leases-prior", "cremer-mclean"),
    ("oil-leases-prior", "linked"),
    ("power-plants", "balanced-team"),
    ("graded-ore", "pivot"),
    ("renewable-resource", "static-vcg"),
]
"""Decisions that move signals and such that do not, memories, acts, what falls due, short horizons."""

ALL = [pytest.param(s, m, marks=pytest.mark.slow) for s in SCENARIOS.all() for m in MECHANISMS.all()]

CERTAIN = 1 - 1e-6
"""So many comparisons are made that none may fail by chance."""


def following() -> Problem:
    mechanism = following_reserve()
    return build_problem(FiniteGame(mechanism.environment, mechanism), (0,))


def held(problem: Problem, *, spying: bool, steps: float = 2e6) -> None:
    """Hold the bracket, and the bounds at the worst state, against the exact search."""
    scale = problem.environment.scale
    candidates = tabled_candidates(problem, 0, spying=spying)
    exact, slack = exact_gain(problem, spying=spying), 1e-9 * scale
    bracket = bracket_gain(candidates, scale, Effort(width=1e-3 * scale, steps=steps, confidence=CERTAIN))
    assert bracket.lower - slack <= exact <= bracket.upper + slack
    search = search_deviator(problem)
    worst = search.figures[Family.BEST_RESPONSE]["ex_post" if spying else "interim"].gain
    low, high = worst_state_bounds(candidates)
    assert low - slack <= worst <= high + slack


@pytest.mark.parametrize(("scenario", "mechanism"), [*SAMPLE, *ALL])
@pytest.mark.parametrize("spying", [False, True])
def test_bounds_hold_the_exact_gain_of_shipped_games(scenario: str, mechanism: str, spying: bool) -> None:
    problem = problem_of(scenario, mechanism)
    if problem is None:
        pytest.skip("no finite game of these two")
    if problem.silence is not None and not spying:
        with pytest.raises(Refusal, match="reveal"):
            held(problem, spying=spying)
        return
    held(problem, spying=spying)


@given(st.integers(0, 10_000), st.booleans(), st.sampled_from(["private", "interdependent", "weather"]))
def test_bounds_hold_the_exact_gain_of_random_economies(seed: int, spying: bool, kind: str) -> None:
    make = {"private": private_values, "interdependent": interdependent, "weather": weather}[kind]
    environment = make(seed)
    name = sorted(MECHANISMS.all())[seed % len(MECHANISMS.all())]
    try:
        problem = build_problem(FiniteGame(environment, MECHANISMS.all()[name](environment)), (0,))
    except Refusal:  # it does not fit
        problem = build_problem(FiniteGame(environment, Team(environment)), (0,))
    if problem.silence is not None and not spying:
        with pytest.raises(Refusal):
            held(problem, spying=spying, steps=5e5)
    else:
        held(problem, spying=spying, steps=5e5)


@pytest.mark.parametrize("spying", [False, True])
def test_the_value_of_the_best_response_leaves_no_gap_and_needs_no_path(spying: bool) -> None:
    problem = following()
    scale = problem.environment.scale
    paths = along_paths(problem)
    honest = truthful_penalty(paths, spying=spying)
    best = TabledCandidate(improved(honest, 300), honest, 30, 0)
    bracket = bracket_gain([best], scale, Effort(width=1e-6 * scale))
    assert (bracket.paths, bracket.enough) == (0, True)
    assert bracket.lower == pytest.approx(exact_gain(problem, spying=spying), abs=1e-6 * scale)


def test_a_truthful_rule_has_bounds_of_zero_on_every_path() -> None:
    problem = problem_of("repeated-auction", "pivot")
    assert problem is not None
    paths = along_paths(problem)
    honest = truthful_penalty(paths)
    played = TabledCandidate(honest, honest, 40, 0).play("here", 0, 200)
    assert np.abs(played.upper).max() < 1e-11
    clairvoyant = TabledCandidate(no_penalty(paths, spying=True), honest, 40, 0).play("here", 0, 200)
    assert clairvoyant.upper.std() > 1, "raw payoffs are far from certain"


@pytest.mark.parametrize("horizon", [None, 4])
def test_without_a_penalty_the_inner_problem_is_hindsight(horizon: int | None) -> None:
    mechanism = following_reserve(values=3, horizon=horizon)
    problem = build_problem(FiniteGame(mechanism.environment, mechanism), (0,))
    paths, n = along_paths(problem), 12
    honest = truthful_penalty(paths, spying=True)
    candidate = TabledCandidate(no_penalty(paths, spying=True), honest, 4, 3)
    drawn = paths.draw(Streams(3, "here", 0, n, 4), 4, n)
    by_hand = [best_in_hindsight(mechanism, 0, [int(drawn[t][k, 0]) for t in range(4)]) for k in range(n)]
    assert candidate.play("here", 0, n).upper == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("spying", [False, True])
def test_prescribed_play_is_worth_the_same_whatever_the_penalty(spying: bool) -> None:
    for problem in (following(), problem_of("power-plants", "balanced-team")):
        assert problem is not None
        for candidate in tabled_candidates(problem, 1, spying=spying):
            assert abs(offset(candidate)) < 4.5


def offset(candidate: TabledCandidate) -> float:
    """Return by how many standard errors prescribed play is off its exact value under a penalty."""
    truth = candidate.play("check", 0, 500).truth + candidate.shift
    scale = candidate.paths.problem.environment.scale
    return float(truth.mean() / max(truth.std() / np.sqrt(len(truth)), 1e-9 * scale))


def test_a_penalty_that_costs_something_in_expectation_is_noticed() -> None:
    problem = following()
    candidate = tabled_candidates(problem, 1)[1]
    gift = [None if x is None else x - 0.2 * np.abs(x) for x in candidate.penalty.ahead]
    worth = [table - 0.2 * np.abs(table) for table in candidate.penalty.worth]
    planted = replace(candidate, penalty=replace(candidate.penalty, ahead=tuple(gift), worth=tuple(worth)))
    assert abs(offset(candidate)) < 4.5 < abs(offset(planted))
    played = planted.play("check", 0, 500)
    assert planted.shift + played.upper.mean() < exact_gain(problem, spying=False), "no upper bound any more"


def test_a_penalty_chosen_on_the_test_draws_is_too_low() -> None:
    """The least of many means of zero-mean noise: chosen on other draws, the bound holds; on the same, it does not."""
    problem = following()
    paths, rng = along_paths(problem), np.random.default_rng(5)
    honest = truthful_penalty(paths)
    best = improved(honest, 200)
    noisy = []
    for k in range(40):
        values = [choices.max(axis=2) + 0.5 * rng.standard_normal(choices.shape[:2]) for choices in best.choices]
        noisy.append(TabledCandidate(penalty_from_values(f"noise {k}", paths, values), honest, 40, 7))
    exact, few = exact_gain(problem, spying=False), 12
    seen = [candidate.shift + candidate.play("test", 0, few).upper.mean() for candidate in noisy]
    chosen = noisy[int(np.argmin(seen))]
    fresh = chosen.shift + chosen.play("other", 0, 400).upper.mean()
    assert fresh > exact
    assert fresh - min(seen) > 0.3 * (fresh - exact), "looking at the test draws pays"


def test_without_the_interim_term_the_bound_is_that_of_a_spy() -> None:
    problem = problem_of("power-plants", "balanced-team")
    assert problem is not None
    scale = problem.environment.scale
    interim, spy = (
        bracket_gain(tabled_candidates(problem, 0, spying=spying), scale, Effort()) for spying in (False, True)
    )
    assert exact_gain(problem, spying=False) == pytest.approx(0, abs=1e-9)
    assert interim.upper < 1e-6 < 0.5 < spy.lower


def test_coalitions_are_bounded_too() -> None:
    mechanism = following_reserve(values=3)
    problem = build_problem(FiniteGame(mechanism.environment, mechanism), (0, 1))
    held(problem, spying=False)


def test_leaving_and_too_many_states_are_refused_with_what_would_help() -> None:
    mechanism = following_reserve(values=3)
    with pytest.raises(Refusal, match="leave --exit out"):
        along_paths(build_problem(FiniteGame(mechanism.environment, mechanism), (0,), exit=True))


def test_play_stops_at_the_width_or_the_budget_and_says_how_many_paths_are_missing() -> None:
    problem = following()
    candidates, scale = tabled_candidates(problem, 0)[:3], problem.environment.scale
    wide = bracket_gain(candidates, scale, Effort(width=0.5 * scale))
    assert wide.enough
    assert wide.upper - wide.lower <= 0.5 * scale
    poor = bracket_gain(candidates, scale, Effort(width=1e-9 * scale, steps=1e5))
    assert not poor.enough
    assert poor.further is None, "the gap of the means stays"
    again = bracket_gain(candidates, scale, Effort(width=1e-9 * scale, steps=1e5))
    assert again == poor, "equal seeds, equal bounds"


def test_the_upper_bound_is_never_above_what_is_known_for_certain() -> None:
    problem = following()
    candidates, effort = tabled_candidates(problem, 0)[:1], Effort(width=1e-9, steps=1e5)
    free = bracket_gain(candidates, problem.environment.scale, effort)
    known = (free.lower + free.upper) / 2
    bound = bracket_gain(candidates, problem.environment.scale, effort, most=known)
    assert (bound.upper, bound.lower, bound.penalty) == (known, free.lower, WORST_STATE)
    assert bound.estimate_above <= known
    tied = bracket_gain(candidates, problem.environment.scale, effort, most=free.upper * (1 - 1e-14))
    assert tied.penalty == free.penalty, "the last bit decides nothing that is said"
    assert bracket_gain(candidates, problem.environment.scale, effort, most=2 * free.upper) == free
    assert bracket_gain(candidates, problem.environment.scale, effort, most=0.0).upper == 0.0


def test_samples_that_differ_by_rounding_only_are_within_their_range() -> None:
    problem = problem_of("repeated-auction", "team")
    assert problem is not None
    for candidate in tabled_candidates(problem, 0):
        played, limits = candidate.play("here", 0, 500), candidate.limits
        assert limits.low < played.lower.min() <= played.upper.max() < limits.high


class Recorded:
    """Even numbers on either side; writes down what is played."""

    name, steps, batch, shift, limits = "recorded", 1.0, 100, 0.0, Limits(0.0, 1.0, 0.0, 0.0)

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def play(self, scope: str, shard: int, n: int) -> Samples:
        self.scopes.append(scope)
        numbers = np.random.default_rng([len(scope), shard]).random(n)
        return Samples(numbers, numbers, np.zeros(n))


def test_what_is_chosen_on_is_not_what_is_bounded_on_and_each_side_has_half_the_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    levels: list[float] = []

    def made(low: float, high: float, alpha: float) -> object:
        levels.append(alpha)
        return mean_of(low, high, alpha)

    monkeypatch.setattr(bracket, "mean_of", made)
    candidate = Recorded()
    bracket_gain([candidate], 1.0, Effort(width=1e-9, steps=500, confidence=0.9), scope="here")
    pilot, *played = candidate.scopes
    assert pilot not in played
    assert len(played) == 5
    assert levels == pytest.approx([0.05, 0.05])
