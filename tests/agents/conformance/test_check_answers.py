"""Wrong answers of strategies are stopped with one line that names the agent."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dynmech.agents.conformance.strategy_check import check_strategy
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Interval, Space
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Acts, Situation, StrategyProtocol, View
from tests.builders.strategies_to_check import HONEST, continuous, games


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
