"""Wrappers do what they say, at the stated frequency, one episode at a time as in blocks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dynmech.agents.conformance.strategy_check import check_strategy
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.delayed import Delayed
from dynmech.agents.strategies.mixture import Mixture
from dynmech.agents.strategies.noisy import Noisy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.shaded import Shaded
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_strategy
from dynmech.experiments.runs.shards import users_code
from dynmech.experiments.runs.simulation import Case, make_game_of
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import SILENT
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import View


def auction(values: int = 5, horizon: int = 6) -> Game:
    environment = load(f"repeated-auction:bidders=2,values={values},horizon={horizon}")
    return make_game_of(environment, "pivot", None, 1e-4)


def played(strategy: Strategy, game: Game, episodes: int = 4000) -> Record:
    streams = Streams(seed=5, scope="test", shard=0, episodes=episodes, periods=game.periods + game.closing)
    return play_shard(game, [strategy, Truthful()], streams, episodes=episodes, block=1024)


WRAPPED: list[Callable[[], Strategy]] = [
    lambda: Noisy(Truthful(), 0.3),
    lambda: Delayed(Truthful(), 2),
    lambda: Shaded(Truthful(), 0.25),
    lambda: Mixture("mix", [Truthful(), RandomReport(), Shaded(Truthful(), 1.0)], [0.2, 0.3, 0.5]),
    lambda: Noisy(Delayed(Shaded(RandomReport(), -0.5), 1), 0.5),
    lambda: Mixture("mix", [Delayed(RandomReport(), 2), Noisy(make_strategy("misreport:map=down"), 0.5)], [0.5, 0.5]),
    lambda: Mixture("outer", [Mixture("inner", [RandomReport(), Truthful()], [0.5, 0.5]), Truthful()], [0.5, 0.5]),
]


@pytest.mark.parametrize("make", WRAPPED)
def test_a_wrapped_strategy_keeps_its_word(make: Callable[[], Strategy]) -> None:
    """A function of its view, and of one episode at a time."""
    check_strategy(make(), 0, auction(), [Truthful(), Truthful()])


def test_the_checker_sees_a_mixture_that_draws_elsewhere() -> None:
    class Loose(Mixture):
        def message(self, view: View) -> Array:
            self.bounds = np.random.default_rng(view.t).random(1)
            view.private.pop("drawn", None)
            return super().message(view)

    class Outside(Mixture):
        calls = 0

        def message(self, view: View) -> Array:
            self.calls += 1
            return np.where(self.calls % 2 == 0, view.prescribed, 0)

    parts: list[Strategy] = [Truthful(), RandomReport()]
    with pytest.raises(PlayError, match="not a function of its view"):
        check_strategy(Outside("outside", parts, [0.5, 0.5]), 0, auction(), [Truthful(), Truthful()])
    check_strategy(Loose("loose", parts, [0.5, 0.5]), 0, auction(), [Truthful(), Truthful()])  # odd, but a function


@pytest.mark.parametrize("noise", [0.0, 0.2, 1.0])
def test_noise_is_as_frequent_as_it_says_and_even(noise: float) -> None:
    record = played(Noisy(Truthful(), noise), auction())
    report, signal = record.report[:, 0], record.signal[:, 0]
    changed = float((report != signal).mean())
    expected = noise * 4 / 5  # one in five of the messages drawn is the one that was meant
    assert changed == pytest.approx(expected, abs=4 * np.sqrt(max(expected * (1 - expected), 1e-12) / report.size))
    if noise == 1.0:
        shares = np.bincount(report.ravel().astype(int), minlength=5) / report.size
        assert shares == pytest.approx(np.full(5, 0.2), abs=0.012)
        assert abs(np.corrcoef(report.ravel(), signal.ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("delay", [1, 3])
def test_a_delayed_strategy_says_what_it_would_have_said(delay: int) -> None:
    record = played(Delayed(Truthful(), delay), auction(), 200)
    report, signal = record.report[:, 0], record.signal[:, 0]
    assert (report[delay:] == signal[:-delay]).all()
    assert (report[:delay] == signal[:delay]).all()
    assert (report != signal).any()


def test_what_was_noted_for_a_delay_is_forgotten_when_it_was_said() -> None:
    class Watched(Delayed):
        most = 0

        def message(self, view: View) -> Array:
            Watched.most = max(Watched.most, len(view.private))
            return super().message(view)

    class Inside(Noisy):
        most = 0

        def message(self, view: View) -> Array:
            Inside.most = max(Inside.most, len(view.private))
            return super().message(view)

    played(Watched(Truthful(), 2), auction(horizon=9), 10)
    played(Inside(Delayed(Truthful(), 2), 0.5), auction(horizon=9), 10)
    assert Watched.most == Inside.most == 2


@pytest.mark.parametrize(
    ("shade", "sent"),
    [
        (0.25, [0, 0, 1, 2, 3]),
        (-0.25, [1, 2, 3, 4, 4]),
        (0.1, [0, 1, 2, 3, 4]),
        (0.15, [0, 0, 1, 2, 3]),
        (1.0, [0] * 5),
        (-1.0, [4] * 5),
    ],
)
def test_a_shaded_report_is_lowered_by_its_share_of_the_range(shade: float, sent: list[int]) -> None:
    record = played(Shaded(Truthful(), shade), auction(), 400)
    report, signal = record.report[:, 0].ravel().astype(int), record.signal[:, 0].ravel().astype(int)
    assert {(int(s), int(r)) for s, r in zip(signal, report, strict=True)} == set(enumerate(sent))


def test_a_mixture_is_drawn_once_per_episode_in_its_shares() -> None:
    low, high, mid = Shaded(Truthful(), 1.0), Shaded(Truthful(), -1.0), Delayed(Truthful(), 1)
    record = played(Mixture("mix", [low, high, mid], [0.2, 0.3, 0.5]), auction())
    report = record.report[:, 0]
    lows, highs = (report == 0).all(axis=0), (report == 4).all(axis=0)
    delayed = (report[1:] == record.signal[:-1, 0]).all(axis=0)
    assert (lows | highs | delayed).all()
    assert lows.mean() == pytest.approx(0.2, abs=0.03)
    assert highs.mean() == pytest.approx(0.3, abs=0.03)


class Shy(Strategy):
    """Says nothing in even periods."""

    name = "shy"
    silent = True

    def message(self, view: View) -> Array:
        return np.where(view.t % 2 == 0, SILENT, view.prescribed)


def test_silence_is_neither_shaded_nor_lost_on_the_way() -> None:
    game = auction()
    shaded = played(Shaded(Shy(), 0.25), game, 50)
    assert shaded.defaulted[::2, 0].all()
    assert not shaded.defaulted[1::2, 0].any()
    late = played(Delayed(Shy(), 1), game, 50)
    assert late.defaulted[1::2, 0].all()
    assert not late.defaulted[2::2, 0].any()


def test_parts_see_only_what_they_would_see_alone() -> None:
    class Spy(Strategy):
        name = "spy"
        spies = True

        def message(self, view: View) -> Array:
            return view.others[:, 1]

    class Peeker(Strategy):
        name = "peeker"

        def message(self, view: View) -> Array:
            return view.others[:, 1]

    mixture = Mixture("mix", [Spy(), Truthful()], [1.0, 0.0])
    assert mixture.spies
    assert (played(mixture, auction(), 20).report[:, 0] == played(mixture, auction(), 20).signal[:, 1]).all()
    with pytest.raises(PlayError, match="without declaring spies"):
        played(Mixture("mix", [Spy(), Peeker()], [0.5, 0.5]), auction(), 20)


def test_a_users_part_makes_the_whole_the_users() -> None:
    game = auction()
    case = Case("case", (Noisy(Mixture("mix", [Shy(), Truthful()], [0.5, 0.5]), 0.1), Truthful()))
    assert users_code(game, case) == ["strategy 'mix+noise=0.1'"]
    assert users_code(game, replace(case, strategies=(Noisy(Truthful(), 0.1), Truthful()))) == []


@pytest.mark.parametrize("weights", [[0.5, 0.6], [-0.1, 1.1], [float("nan"), 0.5], [1.0]])
def test_weights_that_are_no_probabilities_are_refused(weights: list[float]) -> None:
    with pytest.raises(InputError, match="mixture 'mix'"):
        Mixture("mix", [Truthful(), Truthful()], weights)
