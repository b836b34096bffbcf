"""The checker of strategies, held against strategies that break their word; and what is stopped while it is played."""

import itertools
import random
import sys
import threading
import time
from itertools import product
from typing import Any

import numpy as np
import pytest

from dynmech.agents.conformance.strategy_check import check_strategy
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.per_episode import EpisodeStrategy, EpisodeView
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import STRATEGIES
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.streams import Tapes
from dynmech.sim.play.roles import View
from tests.builders.samples import diagonals
from tests.builders.strategies_to_check import HONEST, Planted, continuous, games

GAMES = ("oil", "endless", "auction, late")


PLACES = list(product(GAMES, (0, 1)))


def first_and_last(name: str, place: tuple[str, int]) -> list[Strategy]:
    """The ends of a family's menu; of a family without one what it is by itself."""
    game, agent = place
    family = STRATEGIES.get(name)
    candidates = list(family.candidates(AgentContext.of(games()[game], agent))) or [family()]
    return [candidates[0], candidates[-1]]


@pytest.mark.parametrize(("name", "place"), diagonals(STRATEGIES.all(), PLACES, 3))
def test_shipped_strategies_keep_their_word(name: str, place: tuple[str, int]) -> None:
    """The first of a menu plays for the first agent, the last for the second."""
    game, agent = place
    check_strategy(first_and_last(name, place)[agent], agent, games()[game], HONEST)


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES.all())
def test_shipped_strategies_keep_their_word_in_every_place(name: str) -> None:
    for place in PLACES:
        game, agent = place
        for strategy in first_and_last(name, place):
            check_strategy(strategy, agent, games()[game], HONEST)


class DrawsGlobally(Planted):
    """np.random's hidden generator."""

    def heads(self, view: View) -> Any:
        return np.random.rand(view.size) < 0.5  # noqa: NPY002 - the planted violation


class DrawsAfresh(Planted):
    """A generator of its own, seeded by the machine."""

    def heads(self, view: View) -> Any:
        return np.random.default_rng().random(view.size) < 0.5


class DrawsFromAFixedSeed(Planted):
    """The same numbers each time, but by row of the block, not by episode."""

    def heads(self, view: View) -> Any:
        return np.random.default_rng(7).random(view.size) < 0.5


class DrawsFromTheStandardLibrary(Planted):
    """The standard library's."""

    def heads(self, view: View) -> Any:
        return [random.random() < 0.5 for _ in range(view.size)]


class DrawsFromOneGenerator(Planted):
    """A generator with a fixed seed, but kept in `self`: what it gives depends on how often it was asked."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(7)

    def heads(self, view: View) -> Any:
        return self.generator.random(view.size) < 0.5


class ReadsTheClock(Planted):
    """Lies when the nanoseconds are odd."""

    def heads(self, view: View) -> Any:
        return [time.perf_counter_ns() % 2 for _ in range(view.size)]


class CountsItsCalls(Planted):
    """Keeps a counter in `self`, across episodes and blocks."""

    def __init__(self) -> None:
        self.calls = 0

    def heads(self, view: View) -> Any:
        self.calls += 1
        return self.calls % 2 == 1


class CountsForTheClass(Planted):
    """The counter belongs to the class, where no copy of the strategy loses it."""

    calls = 0

    def __init__(self) -> None:
        type(self).calls = 0

    def heads(self, view: View) -> Any:
        type(self).calls += 1
        return type(self).calls % 2 == 1


class RemembersInSelf(Strategy):
    """Repeats in period 1 what it wrote down, in `self`, in period 0."""

    name = "planted"
    source = "a planted violation"

    def message(self, view: View) -> Array:
        if view.t == 0:
            self.first = view.prescribed
        return self.first if view.t == 1 else view.prescribed


class LooksThroughTheFrames(Planted):
    """Climbs the stack to the loop and reads there what nature is about to draw."""

    def heads(self, view: View) -> Any:
        frame: Any = sys._getframe()
        while frame is not None:
            block = getattr(frame.f_locals.get("self"), "_block", None)
            if block is not None:
                return block.uniforms(block.game.environment.streams(view.t), 1, view.t)[:, 0] < 0.5
            frame = frame.f_back
        return False


class LooksForAnyTape(Planted):
    """Searches every variable of every caller for nature's draws, whoever keeps them."""

    def heads(self, view: View) -> Any:
        frame: Any = sys._getframe()
        while frame is not None:
            for value in list(frame.f_locals.values()):
                tapes = value if isinstance(value, Tapes) else getattr(value, "tapes", None)
                if isinstance(tapes, Tapes):
                    return tapes.at(games()["oil"].environment.streams(view.t), 1, view.t, 0, view.size)[:, 0] < 0.5
            frame = frame.f_back
        return False


class LooksThroughTheFramesOrFails(LooksThroughTheFrames):
    """The same, and does not get along without."""

    def heads(self, view: View) -> Any:
        seen = super().heads(view)
        if seen is False:
            raise SystemExit("nothing to see")
        return seen


FUNCTION = "message is not a function of its view; it draws outside its stream (use view.uniforms), keeps notes "
ALONE = "report differs when episodes come one at a time; an episode's play may depend on that episode only"


class LooksAtTheBlock(Planted):
    """Lies unless it is alone."""

    def heads(self, view: View) -> Any:
        return view.size > 1


class FollowsTheCrowd(Planted):
    """Does in every episode what most episodes of the block would do."""

    def heads(self, view: View) -> Any:
        return view.prescribed.mean() > 0.5


class CountsRows(Planted):
    """Lies in every other row of the block."""

    def heads(self, view: View) -> Any:
        return np.arange(view.size) % 2


@pytest.mark.parametrize(
    ("cls", "what"),
    [
        (DrawsGlobally, FUNCTION),
        (DrawsAfresh, FUNCTION),
        (DrawsFromTheStandardLibrary, FUNCTION),
        (CountsForTheClass, FUNCTION),
        (RemembersInSelf, FUNCTION),
        (LooksThroughTheFrames, FUNCTION),
        (LooksForAnyTape, FUNCTION),
        (LooksThroughTheFramesOrFails, FUNCTION),
        (DrawsFromAFixedSeed, ALONE),
        (LooksAtTheBlock, ALONE),
        (FollowsTheCrowd, ALONE),
        (CountsRows, ALONE),
    ],
)
def test_a_planted_violation_is_caught_and_named(cls: type[Strategy], what: str) -> None:
    """In oil leases firm 1 has a choice in periods 0 and 1; all of these are honest in period 0."""
    with pytest.raises(PlayError) as caught:
        check_strategy(cls(), 0, games()["oil"], HONEST)
    assert str(caught.value).startswith(f"strategy 'planted' of agent 'firm 1' in period 1: {what}")
    assert "\n" not in str(caught.value)


def test_the_clock_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that ticks like a real one, but the same in every run of this test."""
    ticks = itertools.accumulate(itertools.cycle([3, 1, 4, 1, 5, 9, 2, 6]))
    monkeypatch.setattr(time, "perf_counter_ns", lambda: next(ticks))
    with pytest.raises(PlayError, match=r"'planted' of agent 'firm 1' in period 1: message is not a function"):
        check_strategy(ReadsTheClock(), 0, games()["oil"], HONEST)


@pytest.mark.parametrize("cls", [CountsItsCalls, DrawsFromOneGenerator])
def test_state_in_self_is_caught(cls: type[Strategy]) -> None:
    """In the auction, with its four periods, the counter has moved on by the second call."""
    with pytest.raises(PlayError) as caught:
        check_strategy(cls(), 1, games()["auction, late"], HONEST)
    first = str(caught.value)
    assert first.startswith("strategy 'planted' of agent 'bidder 2' in period ")
    assert FUNCTION in first
    assert "\n" not in first


def test_looking_at_the_others_without_spying_is_stopped_in_the_first_period() -> None:
    class Looks(Strategy):
        name = "planted"
        source = "a planted violation"

        def message(self, view: View) -> Array:
            return view.others[:, view.agent]

    with pytest.raises(PlayError) as caught:
        check_strategy(Looks(), 1, games()["oil"], HONEST)
    assert str(caught.value) == (
        "strategy 'planted' of agent 'firm 2' in period 0: "
        "it looked at the others' signals without declaring spies = True"
    )
    honest_spy = type("Spy", (Looks,), {"spies": True})()
    check_strategy(honest_spy, 1, games()["oil"], HONEST)


class HoldsALock(Truthful):
    """Cannot be copied."""

    name = "locked"

    def __init__(self) -> None:
        self.lock = threading.Lock()


class FailsToCopy(Truthful):
    """Says so over two lines."""

    name = "uncopied"

    def __deepcopy__(self, memo: object) -> Any:
        raise RuntimeError("there is\nonly one")


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        (HoldsALock(), "TypeError: cannot pickle '_thread.lock' object"),
        (FailsToCopy(), "RuntimeError: there is only one"),
    ],
)
def test_a_strategy_that_cannot_be_copied_is_refused(strategy: Strategy, why: str) -> None:
    with pytest.raises(PlayError) as caught:
        check_strategy(strategy, 0, games()["oil"], HONEST)
    assert str(caught.value) == (
        f"strategy '{strategy.name}' of agent 'firm 1': cannot be copied ({why}); a strategy must be deep-copyable"
    )


# What is allowed must pass


class Notebook(Strategy):
    """Random, with notes and all of history: everything that is allowed, in the allowed way."""

    name = "notebook"
    source = "a test double"
    width = 2
    memory_periods = None

    def message(self, view: View) -> Array:
        mood = view.private.get("mood", np.zeros(view.size))
        view.private["mood"] = mood = mood + view.uniforms[:, 1] + sum(p.transfer for p in view.past)
        lie = (mood % 1 > 0.5) & (view.uniforms[:, 0] < 0.7)
        return np.where(lie, view.space.size - 1 - view.prescribed, view.prescribed)  # type: ignore[union-attr]


class Stubborn(EpisodeStrategy):
    """Episode by episode, notes that are changed in place."""

    name = "stubborn"
    source = "a test double"

    def report(self, view: EpisodeView) -> float:
        said = view.private.setdefault("said", [])
        said.append(int(view.prescribed) if not said or view.t > 1 else min(said[0], view.space.size - 1))  # type: ignore[union-attr]
        return said[-1]


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("strategy", [Notebook(), Stubborn()], ids=lambda s: s.name)
def test_luck_notes_and_history_pass(strategy: Strategy, game: str) -> None:
    check_strategy(strategy, 0, games()[game], HONEST)


def test_on_numbers_the_checker_passes_and_catches_alike() -> None:
    class Shades(Strategy):
        """Shades its report by its luck, or by that of the whole block."""

        name = "shades"
        source = "a test double"
        width = 1

        def __init__(self, together: bool) -> None:
            self.together = together

        def message(self, view: View) -> Array:
            luck = view.uniforms[:, 0]
            return view.prescribed * (luck.mean() if self.together else luck)

    game = continuous()
    assert game.closing == 1
    check_strategy(Shades(together=False), 0, game, [Truthful()])
    with pytest.raises(PlayError, match=r"strategy 'shades' of agent 'Ann' in period 0: report differs when episodes"):
        check_strategy(Shades(together=True), 0, game, [Truthful()])
