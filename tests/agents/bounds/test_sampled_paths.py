"""Bounds by asking rules along paths: they hold the exact gain, need no tables, and refuse what they cannot say."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dynmech.agents.bounds.bracket import Bracket, Candidate, Effort, bracket_gain
from dynmech.agents.bounds.sampled_conditions import require_drawn_apart, require_sampled_bounds
from dynmech.agents.bounds.sampled_paths import SampledCandidate, distinct
from dynmech.agents.oracle.problem import build_problem
from dynmech.experiments.audits import sampled_bounds
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.roles import Situation
from tests.builders.clairvoyance import exact_gain, problem_of
from tests.builders.following_reserve import following_reserve
from tests.builders.large_auction import SealedBid, large_auction


def held(mechanism: Mechanism, agent: int, exact: float, paths: int = 400) -> tuple[float, float]:
    """Hold the exact gain against bounds that may fail once in a million times; return them."""
    game = make_game(mechanism.environment, mechanism, None, tail=5e-3)
    require_sampled_bounds(game, 0)
    candidate = SampledCandidate(game, agent, 16, 0)
    bracket = bracket_gain([candidate], 1.0, Effort(width=1e-9, steps=paths * candidate.steps, confidence=1 - 1e-6))
    assert bracket.lower <= exact <= bracket.upper
    return bracket.estimate_below, bracket.estimate_above


@pytest.mark.parametrize("agent", [0, 1])
def test_they_hold_the_exact_gain_of_an_auction_on_tables(agent: int) -> None:
    environment = load("repeated-auction:discount=0.6")
    problem = problem_of("repeated-auction:discount=0.6", "pay-your-report", agent)
    assert problem is not None
    exact = exact_gain(problem, spying=False)
    below, above = held(make_mechanism("pay-your-report", environment), agent, exact)
    assert 0.7 * exact < below < above < 1.3 * exact


@pytest.mark.parametrize("horizon", [None, 5])
def test_they_hold_the_exact_gain_where_a_lie_is_remembered(horizon: int | None) -> None:
    mechanism = following_reserve(values=3, horizon=horizon, discount=0.6)
    exact = exact_gain(build_problem(FiniteGame(mechanism.environment, mechanism), (0,)), spying=False)
    below, above = held(mechanism, 0, exact)
    assert exact > 0.1
    assert below < exact < above


def test_an_auction_given_by_functions_gains_what_its_tables_say() -> None:
    """The same auction in half the units, by functions and rules alone, for the bidder who wins no ties."""
    problem = problem_of("repeated-auction:discount=0.8", "pay-your-report", 1)
    assert problem is not None
    exact = exact_gain(problem, spying=False) / 2
    held(SealedBid(large_auction(2, 3), first_price=True), 1, exact, paths=200)


def test_a_truthful_rule_gains_nothing_on_any_path_even_with_millions_of_profiles() -> None:
    game = make_game(large_auction(8, 8), SealedBid(large_auction(8, 8)), None, tail=0.05)
    played = SampledCandidate(game, 3, 8, 0).play("here", 0, 30)
    assert np.abs(played.upper).max() < 1e-12
    assert np.abs(played.lower).max() < 1e-12


@pytest.mark.slow
def test_memory_is_flat_in_paths_and_signals() -> None:
    peaks = []
    for paths, values in ((20, 4), (100, 4), (100, 8)):
        environment = large_auction(8, values)
        game = make_game(environment, SealedBid(environment, first_price=True), None, tail=0.05)
        candidate = SampledCandidate(game, 0, 16, 0)
        tracemalloc.start()
        bracket_gain([candidate], 1.0, Effort(width=1e-9, steps=paths * candidate.steps))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0], "five times the paths"
    assert peaks[2] < 2.5 * peaks[1], "twice the values"


class Pooling(SealedBid):
    """Everybody is asked for the same message whatever its signal is."""

    name = "pooling"

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return np.zeros(len(signal), np.intp)


def test_where_messages_do_not_reveal_signals_there_is_no_policy() -> None:
    environment = large_auction(2, 3)
    game = make_game(environment, Pooling(environment), None, tail=0.05)
    played = SampledCandidate(game, 1, 8, 0).play("here", 0, 50)
    assert np.abs(played.lower).max() == 0
    assert played.upper.mean() > 0.3, "whoever is not first wins with any other bid"


def test_memories_of_each_path_are_told_apart() -> None:
    memory = np.array([[[1.0, 2.0], [1.0, 2.0], [0.0, 5.0]], [[7.0, 7.0], [7.0, 7.0], [7.0, 7.0]]])
    kept, place = distinct(memory)
    assert kept.shape == (2, 2, 2)
    for path in range(2):
        assert np.array_equal(kept[path][place[path]], memory[path])


def game_of(scenario: str, mechanism: str) -> Game:
    environment = load(scenario)
    return make_game(environment, make_mechanism(mechanism, environment), None, tail=0.05)


def test_refusals_say_what_would_make_it_possible() -> None:
    with pytest.raises(Refusal, match=r"decisions move signals, so that .* would make it possible"):
        require_sampled_bounds(game_of("repeated-auction:fatigue=0.5", "pivot"), 0)
    with pytest.raises(Refusal, match=r"drawn together.*would make it possible"):
        SampledCandidate(game_of("graded-ore", "pivot"), 0, 4, 0).play("here", 0, 20)


def test_a_policy_is_paid_by_other_draws_than_those_it_is_chosen_on() -> None:
    """Chosen on one profile and paid by it, it would see that profile: more than any deviation gains."""
    environment = large_auction(2, 6, discount=0.3)
    game = make_game(environment, SealedBid(environment, first_price=True), None, tail=0.05)
    few, many = (SampledCandidate(game, 1, again, 0).play("here", 0, 600) for again in (2, 64))
    assert few.lower.mean() + 4 * few.lower.std() / 600**0.5 < 0.9 * many.upper.mean()
    assert many.lower.mean() > 0.8 * many.upper.mean()


def test_the_draws_of_either_half_are_spread_by_themselves() -> None:
    environment = large_auction(2, 3, discount=0.3)
    game = make_game(environment, SealedBid(environment), None, tail=0.05)
    candidate = SampledCandidate(game, 0, 8, 0)
    fresh, inside = (Streams(0, scope, 0, 40, game.periods) for scope in ("one", "other"))
    made = candidate._spread(0, fresh, inside, 5).reshape(5, 2, 4, 2)
    assert (np.sort((4 * made).astype(int), axis=2) == np.arange(4)[:, None]).all()


def test_all_agents_are_bounded_at_one_level(monkeypatch: pytest.MonkeyPatch) -> None:
    levels: list[float] = []

    def bounded(candidates: Sequence[Candidate], scale: float, effort: Effort, **options: Any) -> Bracket:
        levels.append(effort.confidence)
        return bracket_gain(candidates, scale, replace(effort, width=1.0), **options)

    monkeypatch.setattr(sampled_bounds, "bracket_gain", bounded)
    monkeypatch.setattr(sampled_bounds, "STEPS", 1e5)
    environment = large_auction(5, 3, discount=0.3)
    audit(environment, SealedBid(environment), bounds=True)
    assert levels == pytest.approx([0.99] * 5)


def test_replies_of_a_later_period_are_refused_too() -> None:
    class Asks(SealedBid):
        def asks(self, t: int, agent: int) -> Finite | None:
            return Finite(("yes", "no")) if (t, agent) == (1, 1) else None

    environment = large_auction(2, 3, discount=0.5)
    require_sampled_bounds(make_game(environment, SealedBid(environment, first_price=True), None, tail=0.05), 0)
    with pytest.raises(Refusal, match="act or reply after the decision"):
        require_sampled_bounds(make_game(environment, Asks(environment, first_price=True), None, tail=0.05), 0)


@pytest.mark.parametrize("refined", [True, False])
def test_a_number_that_tells_more_than_its_signal_is_no_signal(refined: bool) -> None:
    """Who is drawn from one number cannot see it: else "high" would know where above the middle the other is."""

    def law(t: int, last: object, decision: object, uniforms: Array) -> Array:  # noqa: ARG001
        return np.stack([np.floor(2 * uniforms[:, 0]), uniforms[:, 0] if refined else uniforms[:, 1]], axis=1)

    environment = FunctionEnvironment(
        name="one number",
        agents=("coarse", "fine"),
        discount=0.9,
        horizon=2,
        signals=(Finite(("low", "high")), Interval(0.0, 1.0)),
        decisions=Finite(("no", "yes")),
        law=law,
        payoff=lambda t, signals, decision: np.zeros(signals.shape),  # noqa: ARG005
        bound=1.0,
    )
    asked = replace(game_of("bilateral-trade-continuous", "trading-pivot"), environment=environment)
    require_drawn_apart(asked, 1, 0)
    if refined:
        with pytest.raises(Refusal, match=r"in period 0 the signal of agent 'coarse' .* drawn together"):
            require_drawn_apart(asked, 0, 0)
    else:
        require_drawn_apart(asked, 0, 0)


def test_the_audit_bounds_what_has_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled_bounds, "STEPS", 2e6)
    environment: Environment = large_auction(2, 3, discount=0.5)
    result = audit(environment, SealedBid(environment, first_price=True), bounds=True, width=0.3)
    assert result.backend == "bounds"
    rows = result.gains.query("family == 'best_response' and information == 'ex_ante'")
    assert set(rows.kind) == {"bounds"}
    assert (rows.lower <= rows.upper).all()
    for bracket in result.to_dict()["brackets"]:
        assert bracket["enough"] == (bracket["upper"] - bracket["lower"] <= 0.3)
        assert bracket["width"] == 0.3
    assert "…" in result.sentence or "no deviation gains more than" in result.sentence
    assert isinstance(environment.decision_space(0), Finite)
