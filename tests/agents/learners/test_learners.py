"""Learners: what they find against a scheme that breaks and one that holds; rounds on the event loop."""

from functools import cache
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.agents.learners.exp3 import Exp3
from dynmech.agents.learners.fictitious_play import FictitiousPlay
from dynmech.agents.learners.learning import GRID, Learner, LearnerState, Step, nearest
from dynmech.agents.learners.q_learning import QLearning
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.mixture import Mixture
from dynmech.agents.strategies.noisy import Noisy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import make_mechanism, make_strategy
from dynmech.experiments.runs.results import read_run
from dynmech.experiments.runs.running import run
from dynmech.experiments.scenarios.continuous_licence import ContinuousLicence
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.core.streams import Streams
from dynmech.sim.log.tables import rounds_table
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import LESSONS, Record
from dynmech.sim.play.roles import GameSpaces, Past, StrategyProtocol, View
from tests.builders.runs import bytes_below

LEARNERS: tuple[type[Learner], ...] = (QLearning, Exp3, FictitiousPlay)
EPISODES = 200

ROUNDS: dict[type[Learner], int] = {QLearning: 400, Exp3: 400, FictitiousPlay: 1000}
"""After so many rounds a learner has found the best response; fewer do not suffice for fictitious play."""


@cache
def oil(mechanism: str) -> Game:
    environment = OilLeasesPrior().build()
    return make_game(environment, make_mechanism(mechanism, environment))


def play(game: Game, *profile: StrategyProtocol, episodes: int = EPISODES, **how: Any) -> Record:
    streams = Streams(3, "learners", 0, episodes, game.periods + game.closing)
    return play_shard(game, list(profile), streams, **how)


# What they find


@cache
def gains(kind: type[Learner], mechanism: str) -> tuple[Array, Array, Array]:
    """Firm 1's gains `(E,)`, its reports and signals `(P, E)`, after all rounds."""
    game = oil(mechanism)
    record = play(game, kind(rounds=ROUNDS[kind]), Truthful())
    return record.payoffs[0] - play(game, Truthful(), Truthful()).payoffs[0], record.report[:, 0], record.signal[:, 0]


def half(values: Array) -> float:
    return float(4 * values.std() / sqrt(len(values)))


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_best_response_is_found(kind: type[Learner]) -> None:
    """Lie in period 0, and then, where the test shows 6 (signal 1), say 4: worth 2 ex ante, by the oracle too."""
    game = oil("cremer-mclean")
    problem = build_problem(FiniteGame(game.environment, game.mechanism), (0,))  # type: ignore[arg-type] # a finite one
    exact = solve(problem, Family.BEST_RESPONSE, Information.INTERIM).ex_ante
    exact -= solve(problem, Family.PRESCRIBED, Information.INTERIM).ex_ante
    assert exact == pytest.approx(2, abs=1e-10)
    gain, report, signal = gains(kind, "cremer-mclean")
    assert abs(gain.mean() - exact) < half(gain) + 0.15 * exact
    assert gain.mean() > 0.6 * exact
    assert (report[0] != signal[0]).mean() > 0.8
    assert (report[1][signal[1] == 1] == 0).mean() > 0.8


@pytest.mark.parametrize("kind", LEARNERS)
def test_nothing_is_found_where_truth_is_best(kind: type[Learner]) -> None:
    gain, _, _ = gains(kind, "linked")
    assert gain.mean() < half(gain)
    assert gain.mean() < gains(kind, "cremer-mclean")[0].mean() / 2


@pytest.mark.parametrize("kind", LEARNERS)
def test_without_a_lesson_truth_is_told(kind: type[Learner]) -> None:
    """One round, in which nothing is learned: ties go to the prescribed message."""
    record = play(oil("linked"), kind(rounds=1), Truthful(), episodes=20)
    assert np.array_equal(record.report[:, 0], record.signal[:, 0])
    assert record.learning.shape == (0, 2, 20)


def test_learning_pays_over_the_rounds() -> None:
    """Mean payoffs of the last stretch of rounds are above those of the first."""
    record = play(oil("cremer-mclean"), FictitiousPlay(rounds=400), Truthful(), keep="payoffs")
    assert record.learning.shape == (LESSONS, 2, EPISODES)
    rise = record.learning[-1, 0] - record.learning[0, 0]
    assert rise.mean() > half(rise)


# Rounds


class Spy(Strategy):
    """Writes down, outside its notes, what it is shown; in period 0 it sends a random message."""

    name = "spy"
    source = "a test double"
    width = 1

    def __init__(self, rounds: int = 5) -> None:
        self.rounds = rounds
        self.views: list[View] = []
        self.seen: list[tuple[View, Past]] = []

    def message(self, view: View) -> Array:
        self.views.append(view)
        count = view.private.setdefault("count", np.zeros(view.size, np.intp))
        view.private["count"] = count + 1
        return np.where(view.uniforms[:, 0] < 0.5, 0, view.prescribed)

    def observe(self, view: View, seen: Past) -> None:
        self.seen.append((view, seen))


def test_rounds_are_told_notes_last_and_the_last_round_is_not_observed() -> None:
    spy, game = Spy(5), oil("linked")
    play(game, spy, Truthful(), episodes=8)
    assert [(view.round, view.t) for view in spy.views] == [(r, t) for r in range(5) for t in range(3)]
    assert [view.learning for view in spy.views] == [True] * 12 + [False] * 3
    assert spy.views[-1].private["count"].tolist() == [15] * 8
    assert [(view.round, seen.t) for view, seen in spy.seen] == [(r, t) for r in range(4) for t in range(3)]
    assert all(view.t == seen.t and view.memory is not None for view, seen in spy.seen)


def test_the_last_round_is_on_the_draws_of_any_other_play_and_the_others_are_not() -> None:
    spy, game = Spy(4), oil("linked")
    record = play(game, spy, Truthful(), episodes=64)
    alone = play(game, Spy(1), Truthful(), episodes=64)
    assert np.array_equal(record.signal[0], alone.signal[0])
    assert np.array_equal(record.report[0], alone.report[0])
    assert np.array_equal(record.payoffs, alone.payoffs)
    first = np.array([view.signal for view in spy.views if view.t == 0])
    luck = np.array([view.uniforms[:, 0] for view in spy.views if view.t == 0])
    assert len({row.tobytes() for row in first}) == 4
    assert len({row.tobytes() for row in luck}) == 4


def test_the_curve_holds_what_was_earned_in_every_round() -> None:
    """Flows that are observed add up to the payoffs of the rounds; with 3 of them each has a stretch of its own."""
    spy, game = Spy(4), oil("cremer-mclean")
    record = play(game, spy, Truthful(), episodes=16)
    earned = np.zeros((3, 16))
    for view, seen in spy.seen:
        earned[view.round] += seen.utility - seen.transfer
    assert record.lessons == [0, 1, 2, 3]
    assert np.allclose(record.learning[:, 0], earned, rtol=0, atol=1e-12)
    assert (np.abs(earned).max(axis=1) > 1).all()
    long = play(game, Spy(51), Truthful(), episodes=4)
    assert (long.lessons[0], long.lessons[-1], len(long.lessons)) == (0, 50, LESSONS + 1)


def test_what_falls_due_in_closing_periods_is_observed() -> None:
    environment = RandomEconomy(seed=3, signals=2, discount=0.5, singular_value=0.1).build()
    game = make_game(environment, ContingentSpanning(environment), tail=0.3)
    assert game.closing == 1
    spy = Spy(2)
    record = play(game, spy, Truthful(), episodes=10)
    assert [seen.t for _, seen in spy.seen] == list(range(game.periods + 1))
    view, last = spy.seen[-1]
    assert (view.t, last.t) == (game.periods - 1, game.periods)
    assert not last.utility.any()
    assert np.abs(last.transfer).max() > 0
    flows = np.array([seen.utility - seen.transfer for _, seen in spy.seen])
    assert np.allclose(record.discounted(flows), record.learning[0, 0], rtol=0, atol=1e-12)


def test_who_does_not_learn_begins_every_round_afresh() -> None:
    spy, game = Spy(1), oil("linked")
    play(game, QLearning(rounds=4), spy, episodes=8)
    assert [view.round for view in spy.views] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert spy.views[-1].private["count"].tolist() == [3] * 8
    assert spy.seen == []


def test_the_most_eager_says_how_many_rounds() -> None:
    short, long = Spy(2), Spy(6)
    record = play(oil("linked"), short, long, episodes=4)
    assert record.rounds == 6
    assert len(short.views) == len(long.views) == 18
    assert len(short.seen) == 15
    assert play(oil("linked"), short, long, episodes=4, rounds=3).rounds == 3


@pytest.mark.parametrize("kind", LEARNERS)
def test_learners_meet_in_any_cut(kind: type[Learner]) -> None:
    """Two that learn from each other: however episodes are cut, and whoever is created first."""
    game = oil("cremer-mclean")
    whole = play(game, kind(rounds=12), Exp3(rounds=9), episodes=12)
    for how in ({"block": 1}, {"block": 5}, {"order": [1, 0]}):
        again = play(game, kind(rounds=12), Exp3(rounds=9), episodes=12, **how)
        assert np.array_equal(whole.report, again.report)
        assert np.array_equal(whole.payoffs, again.payoffs)
        assert np.array_equal(whole.learning, again.learning)


class Pools(QLearning):
    """A planted violation: learns from all episodes of its block together."""

    name = "pools"

    def learn(self, view: View, steps: list[Any]) -> None:
        super().learn(view, [step._replace(flow=np.full(view.size, step.flow.mean())) for step in steps])


def test_learning_from_other_episodes_is_seen() -> None:
    game = oil("cremer-mclean")
    whole, cut = (play(game, Pools(rounds=12), Truthful(), episodes=12, block=b) for b in (12, 1))
    assert not np.array_equal(whole.learning, cut.learning)


# The log


@pytest.mark.parametrize("level", ["full", "episodes"])
def test_the_log_tells_how_it_was_learned(tmp_path: Path, level: str) -> None:
    """Two rounds to learn in and the one that counts; nothing of the kind where nobody learns; the workers alike."""
    sampling: dict[str, Any] = {"episodes": 24, "seed": 1, "shard": 10}
    learner = {"firm 1": "exp3:rounds=3"}
    found = run("oil-leases-prior", "linked", learner, **sampling, log=level, out=tmp_path / "a")
    rounds = read_run(tmp_path / "a").rounds()
    assert list(rounds["round"].unique()) == list(rounds["first_round"].unique()) == [0, 1, 2]
    assert len(rounds) == 24 * 3 * 2
    assert set(rounds["case"]) == {"deviation"}
    counted = rounds[(rounds["round"] == 2) & (rounds["agent"] == "firm 1")]
    assert counted["payoff"].mean() == pytest.approx(found.agents["payoff"][0], abs=1e-12)
    assert len(counted) == 24
    again = {**sampling, "block": 3}
    run("oil-leases-prior", "linked", learner, **again, log=level, out=tmp_path / "b")
    assert bytes_below(tmp_path / "a" / "rounds") == bytes_below(tmp_path / "b" / "rounds")
    run("oil-leases-prior", "linked", {"firm 1": "random"}, **sampling, log=level, out=tmp_path / "c")
    assert not (tmp_path / "c" / "rounds").exists()


def test_stretches_of_rounds_are_named_by_their_ends() -> None:
    record = play(oil("linked"), Spy(44), Truthful(), episodes=2)
    table = rounds_table(record, 5, ["spy", "truthful"]).to_pandas()
    one = table[(table["episode"] == 6) & (table["agent"] == "firm 2")]
    assert one["first_round"].tolist() == [*record.lessons[:-1], 43]
    assert one["round"].tolist() == [*(k - 1 for k in record.lessons[1:]), 43]
    assert one["payoff"].tolist() == [*record.learning[:, 1, 1], record.payoffs[1, 1]]
    assert (one["first_round"].iloc[1:].to_numpy() == one["round"].iloc[:-1].to_numpy() + 1).all()


# Wrapped


def test_a_mixture_with_a_learner_lies_half_as_often_and_keeps_its_draw() -> None:
    """Every second episode is the learner's in all its rounds; shares of lies within four standard errors."""
    game, learner = oil("cremer-mclean"), FictitiousPlay(rounds=120)
    mixed = Mixture("half", [Truthful(), learner], [0.5, 0.5])
    assert mixed.rounds == 120
    half_as_often, often = (
        (record.report[0, 0] != record.signal[0, 0])
        for record in (play(game, mixed, Truthful()), play(game, learner, Truthful()))
    )
    assert often.mean() > 0.3
    error = sqrt((half_as_often.var() + often.var() / 4) / EPISODES)
    assert abs(half_as_often.mean() - often.mean() / 2) < 4 * error


def test_noise_hides_from_a_learner_only_what_it_meant() -> None:
    """It learns from what was sent."""
    game = oil("cremer-mclean")
    record = play(game, Noisy(QLearning(rounds=150), 0.2), Truthful())
    gain = record.payoffs[0] - play(game, Truthful(), Truthful()).payoffs[0]
    assert gain.mean() > half(gain) / 2


# Rules of learning, by hand


def trace(kind: Learner, rounds: int) -> dict[str, Array]:
    """A learner's notes after so many rounds of one episode against `linked`."""
    notes: dict[str, Array] = {}

    class Watched(type(kind)):  # type: ignore[misc] # the learner's own class
        def message(self, view: View) -> Array:
            answer: Array = super().message(view)
            notes.update({key: value.copy() for key, value in view.private.items()})
            return answer

    kind.__class__ = Watched
    play(oil("linked"), kind, Truthful(), episodes=1, rounds=rounds)
    return notes


def test_the_first_lesson_is_taken_whole() -> None:
    notes = trace(QLearning(), 2)
    tables = [notes[key] for key in sorted(notes) if key.startswith("value")]
    flows = [notes[f"flow {t}"][0] for t in range(3)]
    found = [float(table[table != 0][0]) if (table != 0).any() else 0.0 for table in tables]
    assert found == pytest.approx([sum(flows), sum(flows[1:]), flows[2]], abs=1e-12)


def test_fictitious_play_counts() -> None:
    notes = trace(FictitiousPlay(), 41)
    tried = [notes[key].sum() for key in sorted(notes) if key.startswith("tried")]
    moved = [notes[key].sum() for key in sorted(notes) if key.startswith("next")]
    assert tried == [40, 40, 40]
    assert moved == [40, 40]


def test_exp3_credits_by_importance() -> None:
    """One place, two messages; returns 3, 5, 0 with odds 1/2, 1/4, 1/2 and baselines 3 (the first is its own), 3, 4."""
    learner, space, nothing = Exp3(explore=0.1), Finite(("a", "b")), np.zeros(1, np.intp)
    game_spaces = GameSpaces(("Ann",), (space,), ((space,),), (space,), ((space,),))
    view = View(0, 0, nothing, nothing, None, space, nothing, np.zeros((1, 2)), (), {}, game_spaces)
    state = LearnerState("here", 1, 1, 2, nothing)
    for sent, flow, odds in ((0, 3.0, 0.5), (1, 5.0, 0.25), (0, 0.0, 0.5)):
        law = np.where(np.arange(2) == sent, odds, 1 - odds)[None]
        learner.learn(view, [Step(state, np.array([sent]), np.array([flow]), law)])
    assert learner.worth(view, state).tolist() == [[-4 / 0.5, 2 / 0.25]]
    rate = sqrt(log(2) / (2 * 3)) / 4  # seen three times, the farthest return 4 from its baseline
    assert learner.odds(view, state)[0, 1] == pytest.approx(1 / (1 + exp(-16 * rate)), abs=1e-15)
    assert learner.best(view, state).tolist() == [1]


# Small parts


def test_numbers_are_told_apart_on_a_grid() -> None:
    space = Interval(-1, 1)
    assert nearest(np.array([-1.0, -0.99, 0.01, 1.0]), space).tolist() == [0, 0, GRID // 2, GRID - 1]
    assert nearest(np.array([1, 0]), Finite(("a", "b"))).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q-learning:rounds=0", "rounds: 0 is below 1"),
        ("exp3:explore=0", "explore: 0.0 is not above 0 and at most 1"),
        ("fictitious-play:horizon=0", "horizon: 0 is below 1"),
        ("q-learning:patience=-1", "patience: -1.0 is below 0"),
    ],
)
def test_options_out_of_range_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_strategy(text)


def test_what_cannot_be_held_is_refused_in_one_line() -> None:
    environment = RepeatedAuction(bidders=2, values=9, horizon=3).build()
    with pytest.raises(PlayError) as caught:
        play(make_game(environment, Team(environment)), QLearning(rounds=3), Truthful(), episodes=2)
    line = "3 × 729 states with 9 messages are too many to learn; give a smaller horizon or coarser sets"
    assert str(caught.value) == f"strategy 'q-learning' of agent 'bidder 1' in period 1: {line}"


@pytest.mark.parametrize("kind", LEARNERS)
def test_on_a_continuum_a_learner_sends_numbers_of_its_grid(kind: type[Learner]) -> None:
    environment = ContinuousLicence().build()
    game = make_game(environment, make_mechanism("contingent-density", environment), tail=1.0)
    record = play(game, kind(rounds=4, horizon=1), Truthful(), episodes=6)
    sent, asked = record.report[: game.periods, 0], record.signal[: game.periods, 0]
    on_grid = np.isin(np.round(sent * (GRID - 1), 9), np.arange(GRID))
    assert (on_grid | (sent == asked)).all()
    assert on_grid.any()


def test_an_observer_that_raises_gets_one_line() -> None:
    class Clumsy(Spy):
        def observe(self, view: View, seen: Past) -> None:
            raise ValueError("dropped it")

    with pytest.raises(PlayError) as caught:
        play(oil("linked"), Clumsy(2), Truthful(), episodes=2)
    line = "strategy 'spy' of agent 'firm 1' in period 0: observe raised ValueError: dropped it"
    assert str(caught.value) == line


def test_what_is_shown_cannot_be_written_to() -> None:
    spy = Spy(2)
    play(oil("linked"), spy, Truthful(), episodes=2)
    for _, seen in spy.seen:
        assert not any(value.flags.writeable for value in seen if isinstance(value, np.ndarray))
