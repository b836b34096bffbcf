"""The checker of strategies, held against strategies that break their word; and what is stopped while it is played."""

import gc
import itertools
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from dynmech.agents.conformance.strategy_check import check_strategy
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.per_episode import EpisodeStrategy, EpisodeView
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import STRATEGIES
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.core.streams import Streams, Tapes
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Acts, Situation, StrategyProtocol, View


@cache
def games() -> dict[str, Game]:
    """A finite game, an endless one with a closing period, one with late messages."""
    oil = OilLeasesPrior().build()
    endless = RandomEconomy(seed=3, signals=2, discount=0.5, singular_value=0.1).build()
    auction = RepeatedAuction(bidders=2, values=3, horizon=4).build()
    late = ProtocolOptions(0.4, (Latency("exponential", 0.4), Latency("uniform", 0.8)))
    return {
        "oil": make_game(oil, Linked(oil)),
        "endless": make_game(endless, ContingentSpanning(endless), tail=1.0),
        "auction, late": make_game(auction, Team(auction), late),
    }


GAMES = ("oil", "endless", "auction, late")
HONEST = (Truthful(), Truthful())


@pytest.mark.parametrize("agent", [0, 1])
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("name", STRATEGIES.all())
def test_shipped_strategies_keep_their_word(name: str, game: str, agent: int) -> None:
    candidates = list(STRATEGIES.get(name).candidates(AgentContext.of(games()[game], agent))) or [
        STRATEGIES.get(name)()
    ]
    for strategy in (candidates[0], candidates[-1]):
        check_strategy(strategy, agent, games()[game], HONEST)


# Planted: each breaks its word in one way


class Planted(Strategy):
    """Tells the truth in period 0; from period 1 on it flips where `heads` says so."""

    name = "planted"
    source = "a planted violation"

    def heads(self, view: View) -> Any:
        raise NotImplementedError

    def message(self, view: View) -> Array:
        if view.t == 0:
            return view.prescribed
        heads = np.broadcast_to(np.asarray(self.heads(view), np.bool_), (view.size,))
        return np.where(heads, view.space.size - 1 - view.prescribed, view.prescribed)  # type: ignore[union-attr]


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


# Traits, and the world around

TRAITS: list[tuple[str, Any, str]] = [
    ("width", -1, "width is -1, expected a whole number from 0 to 1024"),
    ("width", 10**9, "width is 1000000000, expected a whole number from 0 to 1024"),
    ("width", 1.0, "width is 1.0, expected a whole number"),
    ("width", True, "width is True, expected a whole number"),
    ("width", None, "width is None, expected a whole number"),
    ("memory_periods", -1, "memory_periods is -1, expected a whole number from 0 on, or None"),
    ("memory_periods", "all", "memory_periods is 'all', expected a whole number from 0 on, or None"),
    ("spies", 1, "spies is 1, expected True or False"),
    ("silent", None, "silent is None, expected True or False"),
]


@pytest.mark.parametrize(("name", "value", "what"), TRAITS)
def test_what_is_declared_must_make_sense(name: str, value: Any, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        check_strategy(type("Odd", (Truthful,), {"name": "odd", name: value})(), 0, games()["oil"], HONEST)
    assert str(caught.value).startswith(f"strategy 'odd' of agent 'firm 1': {what}")


def widens(view: View) -> None:
    """Makes room for a third signal, for all to see."""
    object.__setattr__(view.game_spaces, "messages", tuple((Finite(("4", "5", "6")),) * 2 for _ in range(3)))


def relabels(view: View) -> None:
    """Takes a label away."""
    object.__setattr__(view.space, "labels", ("4",))


def moves(_view: View) -> None:
    os.chdir("/")


def seeds(_view: View) -> None:
    np.random.seed(1)  # noqa: NPY002 - the planted violation


def lets_pass(_view: View) -> None:
    np.seterr(all="ignore")


def rewrites_the_rules(view: View) -> None:
    """Reaches the game by way of whoever holds what it is shown, and with it the economy's numbers."""
    for holder in gc.get_referrers(view.game_spaces):
        environment = holder.get("environment") if isinstance(holder, dict) else getattr(holder, "environment", None)
        if isinstance(environment, TableEnvironment):
            utility = environment.stages[1].utility
            utility.flags.writeable = True
            utility += 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (widens, "it changes GameSpaces.messages"),
        (relabels, "it changes Finite.labels"),
        (moves, "it changes the working directory"),
        (seeds, "it changes np.random's generator"),
        (lets_pass, "it changes NumPy's handling of errors"),
        (rewrites_the_rules, "it changes numbers of Stage.utility"),
    ],
)
def test_a_strategy_changes_nothing_of_the_world(change: Callable[[View], None], what: str) -> None:
    class Changes(Truthful):
        """Tells the truth, and does something beside."""

        name = "changes"

        def message(self, view: View) -> Array:
            if view.t == 1:
                change(view)
            return view.prescribed

    here, labels = os.getcwd(), games()["oil"].game_spaces.messages
    with pytest.raises(PlayError) as caught:
        check_strategy(Changes(), 0, games()["oil"], HONEST)
    assert str(caught.value) == (f"strategy 'changes' of agent 'firm 1': {what}; it may only answer what it is asked")
    assert os.getcwd() == here
    assert games()["oil"].game_spaces.messages is labels
    check_strategy(Truthful(), 0, games()["oil"], HONEST)


def test_a_strategy_that_draws_from_a_seed_it_sets_is_caught() -> None:
    class Seeds(Planted):
        """A function of its view, and alike for one and many; but the generator is everybody's."""

        def heads(self, view: View) -> Any:
            np.random.seed(view.t)  # noqa: NPY002
            return np.random.rand() < 0.5  # noqa: NPY002

    with pytest.raises(PlayError, match=r"it changes np\.random's generator"):
        check_strategy(Seeds(), 0, games()["oil"], HONEST)


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


def continuous() -> Game:
    """An endless game on numbers: its closing period has no reports, which must not count as a difference."""

    class Free(Mechanism):
        name = "free"
        source = "a test double"

        @property
        def lags(self) -> int:
            return 1

        def messages(self, t: int, agent: int) -> Space:
            return Interval(0, 1)

        def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
            return signal

        def decide(self, now: Situation, messages: Array) -> Array:
            return (messages[:, 0] > 0.5).astype(np.intp)

        def transfer_bound(self) -> float:
            return 1.0

    environment = FunctionEnvironment(
        name="numbers",
        agents=("Ann",),
        discount=0.5,
        horizon=None,
        signals=(Interval(0, 1),),
        decisions=Finite(("no", "yes")),
        law=lambda _t, _last, _decision, uniforms: uniforms,
        payoff=lambda _t, signals, decision: signals * decision[:, None],
        bound=1.0,
    )
    return make_game(environment, Free(environment), tail=0.5)


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


class Asks(Mechanism):
    """Recommends an action and asks for a number, so that all three kinds of answers are given."""

    name = "asks"
    source = "a test double"

    def messages(self, t: int, agent: int) -> Space:
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.zeros(len(messages), np.intp)

    def asks(self, t: int, agent: int) -> Space | None:
        return Interval(0, 1)

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        return np.zeros(len(messages))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return acts.replies

    def transfer_bound(self) -> float:
        return 1.0


def acting() -> Game:
    """One period, two signals, two private actions."""
    stage = Stage((("0", "1"),), ("rest", "work"), np.zeros((1, 2, 2)), private_actions=(("rest", "work"),))
    environment = TableEnvironment("acting", ("Ann",), np.array([0.5, 0.5]), (stage,), 1.0, 1)
    return make_game(environment, Asks(environment))


@pytest.mark.parametrize("method", ["message", "action", "reply"])
@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda view: np.random.default_rng().integers(0, 2, view.size), "{0} is not a function of its view; it draws"),
        (lambda view: np.full(view.size, int(view.size > 1)), "{1} differs when episodes come one at a time; an"),
    ],
)
def test_all_three_kinds_of_answers_are_checked(method: str, answer: Callable[[View], Array], what: str) -> None:
    strategy = type("Odd", (Truthful,), {"name": "odd", method: lambda self, view: answer(view)})()  # noqa: ARG005
    check_strategy(Truthful(), 0, acting(), [Truthful()])
    with pytest.raises(PlayError) as caught:
        check_strategy(strategy, 0, acting(), [Truthful()])
    column = {"message": "report"}.get(method, method)
    assert str(caught.value).startswith(f"strategy 'odd' of agent 'Ann' in period 0: {what.format(method, column)}")


def test_checking_leaves_the_strategy_as_it_was() -> None:
    class Grows(Scripted):
        """Keeps views, which does no harm."""

        name = "grows"

        def __init__(self) -> None:
            super().__init__("1")
            self.views: list[View] = []

        def message(self, view: View) -> Array:
            self.views.append(view)
            return super().message(view)

    strategy = Grows()
    check_strategy(strategy, 0, games()["oil"], HONEST)
    assert strategy.views == []


# Stopped while it is played


def raises(_view: View) -> Any:
    raise ValueError("out of\n  ideas")


def leaves(_view: View) -> Any:
    raise SystemExit(3)


def writes(view: View) -> Any:
    view.prescribed[0] = 1


def writes_history(view: View) -> Any:
    view.past[-1].reports[0, 1] = 1  # type: ignore[index]


class Ugly:
    """Shown over two lines."""

    def __repr__(self) -> str:
        return "two\nlines"


SPACE = "0..1: '4', '6'"
ANSWERS: list[tuple[Any, str]] = [
    (raises, "raised ValueError: out of ideas"),
    (leaves, "raised SystemExit: 3"),
    (writes, "raised ValueError: assignment destination is read-only"),
    (writes_history, "raised ValueError: assignment destination is read-only"),
    (None, "returned NoneType None, expected an array of shape (5,)"),
    ([0] * 5, "returned list [0, 0, 0, 0, 0], expected an array of shape (5,)"),
    (1, "returned int 1, expected an array of shape (5,)"),
    (Ugly(), "returned Ugly two lines, expected an array of shape (5,)"),
    (np.zeros(4, int), "returned an array of shape (4,), expected (5,)"),
    (np.zeros((5, 1), int), "returned an array of shape (5, 1), expected (5,)"),
    (np.array(1), "returned an array of shape (), expected (5,)"),
    (np.zeros(5), f"returned type float64, first value 0.0, expected elements of {SPACE}"),
    (np.full(5, np.nan), f"returned type float64, first value nan, expected elements of {SPACE}"),
    (np.ones(5, np.bool_), f"returned type bool, first value True, expected elements of {SPACE}"),
    (np.array(["6"] * 5), f"returned type <U1, first value '6', expected elements of {SPACE}"),
    (np.array([None] * 5), f"returned type object, first value None, expected elements of {SPACE}"),
    (np.array([0, 1, 0, 2, 3]), f"returned 2 (row 3 of the block), outside {SPACE}"),
    (np.full(5, -1), f"returned -1 (row 0 of the block), outside {SPACE}"),
    (np.full(5, 255, np.uint8), f"returned 255 (row 0 of the block), outside {SPACE}"),
    (np.ma.masked_array(np.full(5, 9), mask=True), f"returned 9 (row 0 of the block), outside {SPACE}"),
]
"""Answers in period 1, where firm 1 may send 4 or 6, and what is said of each."""


class Errs(Strategy):
    """Answers in period 1 as given: a value, or a function of the view."""

    name = "errs"
    source = "a planted violation"
    memory_periods = 1

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def message(self, view: View) -> Array:
        if view.t != 1:
            return view.prescribed
        return self.answer(view) if callable(self.answer) else self.answer


def play(game: Game, *strategies: StrategyProtocol, episodes: int = 5) -> Any:
    streams = Streams(0, "test", 0, episodes, game.periods + game.closing)
    return play_shard(game, strategies, streams, episodes=episodes)


@pytest.mark.parametrize(("answer", "what"), ANSWERS)
def test_a_wrong_answer_is_stopped_with_one_line(answer: Any, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        play(games()["oil"], Errs(answer), Truthful())
    assert str(caught.value) == f"strategy 'errs' of agent 'firm 1' in period 1: message {what}"


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int32, np.int64])
def test_integers_of_any_width_will_do(kind: type[np.integer[Any]]) -> None:
    record = play(games()["oil"], Errs(lambda view: np.ones(view.size, kind)), Truthful())
    assert record.report[1, 0].tolist() == [1] * 5


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.nan, "message returned nan (row 2 of the block), outside [0, 1]"),
        (np.inf, "message returned inf (row 2 of the block), outside [0, 1]"),
        (1.5, "message returned 1.5 (row 2 of the block), outside [0, 1]"),
    ],
)
def test_on_an_interval_what_is_no_number_inside_is_stopped(value: float, what: str) -> None:
    answer = np.array([0, 1, value, 0.5, value])
    with pytest.raises(PlayError) as caught:
        play(continuous(), Errs(answer))
    assert str(caught.value) == f"strategy 'errs' of agent 'Ann' in period 1: {what}"


def test_a_line_names_the_agent_that_erred_even_if_others_play_the_same_object() -> None:
    class Second(RandomReport):
        """Errs in the second place only."""

        name = "second"

        def message(self, view: View) -> Array:
            return super().message(view) - 9 * (view.agent == 1)

    both = Second()
    with pytest.raises(PlayError, match=r"^strategy 'second' of agent 'firm 2' in period 0: message returned -9 "):
        play(games()["oil"], both, both)
