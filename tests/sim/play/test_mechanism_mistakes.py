"""A mechanism that breaks the rules of play is stopped with one line."""

from typing import Any

import numpy as np
import pytest

from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.play.game import ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.played_games import play

# A mechanism that breaks the rules


class Sound(DirectMechanism):
    """Decides 0, charges nothing, remembers nothing: what the broken ones below break."""

    name = "broken"
    source = "a test double"

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.zeros(len(messages), np.intp)

    def transfer_bound(self) -> float:
        return 0.0


def breaking(rule: str, wrong: Any) -> type[Sound]:
    """A mechanism that answers `wrong` (a value, or a function of the rule's arguments) in period 1."""

    def broken(self: Sound, now: Situation, *args: Any) -> Any:
        if now.t != 1:
            return getattr(super(cls, self), rule)(now, *args)
        return wrong(now, *args) if callable(wrong) else wrong

    cls = type("Broken", (Sound,), {rule: broken})
    return cls


def raising(*_: Any) -> Any:
    raise ValueError("no such\nprice")


NAN = np.zeros((5, 2))
NAN[3, 1] = np.nan

MISTAKES: list[tuple[str, Any, str]] = [
    ("decide", np.zeros(4, np.intp), "decide returned an array of shape (4,), expected (5,)"),
    ("decide", 0, "decide returned an array of shape (), expected (5,)"),
    ("decide", np.zeros(5), "decide returned type float64, first value 0.0, expected elements of 0..1: 'd0', 'd1'"),
    ("decide", np.array([0, 1, 2, 3, 0]), "decide returned 2 (row 2 of the block), outside 0..1: 'd0', 'd1'"),
    ("decide", raising, "decide raised ValueError: no such price"),
    ("decide", np.full((5, 2), 0.6), "decide returned a lottery that is not a row of probabilities per episode"),
    ("decide", np.full((5, 3), 1 / 3), "decide returned a lottery that is not a row of probabilities per episode"),
    ("decide", np.full((5, 2), np.nan), "decide returned a lottery that is not a row of probabilities per episode"),
    ("decide", np.tile([1.5, -0.5], (5, 1)), "decide returned a lottery that is not a row of probabilities per"),
    (
        "charge",
        NAN,
        "charge returned nan for agent 'agent 2' (row 3 of the block), expected a finite number",
    ),
    ("charge", np.zeros(2), "charge returned an array of shape (2,), expected (5, 2)"),
    ("charge", np.zeros((2, 5)), "charge returned an array of shape (2, 5), expected (5, 2)"),
    ("charge", None, "charge returned an array of shape (), expected (5, 2)"),
    ("charge", np.full((5, 2), "x"), "charge returned type <U1, expected numbers"),
    ("charge", raising, "charge raised ValueError: no such price"),
    ("due", np.full((5, 2), np.inf), "due returned inf for agent 'agent 1' (row 0 of the block), expected a finite"),
    ("due", raising, "due raised ValueError: no such price"),
    ("remember", np.zeros(3, np.intp), "remember returned an array of shape (3,), expected (5,)"),
    ("remember", np.full(5, 4), "remember returned 4 (row 0 of the block), outside the declared 0..0"),
    ("remember", np.full(5, -1), "remember returned -1 (row 0 of the block), outside the declared 0..0"),
    ("remember", np.full(5, 1.5), "remember returned 1.5 (row 0 of the block), outside the declared 0..0"),
    ("remember", np.full(5, None), "remember returned type object, expected numbers"),
    ("remember", raising, "remember raised ValueError: no such price"),
    ("prescribed", np.zeros(3, np.intp), "prescribed for agent 'agent 1' returned an array of shape (3,), expected"),
    ("prescribed", np.full(5, 9), "prescribed for agent 'agent 1' returned 9 (row 0 of the block), outside 0..1"),
    ("prescribed", raising, "prescribed raised ValueError: no such price"),
    ("default", np.full(5, -2), "default for agent 'agent 1' returned -2 (row 0 of the block), outside 0..1"),
    ("default", raising, "default raised ValueError: no such price"),
]


@pytest.mark.parametrize(("rule", "wrong", "message"), MISTAKES)
def test_a_mechanism_that_breaks_the_rules_is_stopped_with_one_line(rule: str, wrong: Any, message: str) -> None:
    environment = RandomEconomy(seed=2, signals=2, horizon=3).build()
    late = ProtocolOptions(0.0, (Latency("constant", 0.5), Latency()))  # so that the default is asked for
    sound = play(make_game(environment, Sound(environment), late), episodes=5)
    assert (sound.decision == 0).all()
    with pytest.raises(PlayError) as caught:
        play(make_game(environment, breaking(rule, wrong)(environment), late), episodes=5)
    assert str(caught.value).startswith(f"mechanism 'broken' in period 1: {message}")
    assert "\n" not in str(caught.value)


def test_a_mechanism_cannot_rewrite_what_it_was_told() -> None:
    def scribble(_now: Situation, messages: Array) -> Array:
        messages[:] = 0
        return messages[:, 0]

    environment = RandomEconomy(seed=2, signals=2, horizon=3).build()
    with pytest.raises(PlayError, match=r"mechanism 'broken' in period 1: decide raised ValueError: .*read-only"):
        play(make_game(environment, breaking("decide", scribble)(environment)), episodes=5)


def test_a_mechanism_cannot_rewrite_what_it_remembers() -> None:
    """Nor what it handed back: the loop has a copy."""

    class Scribbling(Sound):
        kept: Array

        def memory_size(self, t: int) -> int:
            return 9

        def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
            if now.t == 0:
                self.kept = np.full(len(decision), 4)
                return self.kept
            self.kept[:] = 99
            assert now.memory.tolist() == [4] * len(decision)
            now.memory[:] = 5
            return now.memory

    environment = RandomEconomy(seed=2, signals=2, horizon=3).build()
    with pytest.raises(PlayError, match=r"'broken' in period 1: remember raised ValueError: .*read-only"):
        play(make_game(environment, Scribbling(environment)), episodes=5)


def test_a_memory_that_is_kept_is_held_to_what_each_period_declares() -> None:
    class Shrinking(Sound):
        def memory_size(self, t: int) -> int:
            return 5 - t

        def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
            return np.full(len(decision), 3) if now.t == 0 else now.memory

    environment = RandomEconomy(seed=2, signals=2, horizon=4).build()
    with pytest.raises(PlayError) as caught:
        play(make_game(environment, Shrinking(environment)), episodes=5)
    message = "remember returned 3 (row 0 of the block), outside the declared 0..2"
    assert str(caught.value) == f"mechanism 'broken' in period 1: {message}"


def test_private_choices_reach_no_mechanism_that_does_not_ask() -> None:
    seen: list[Acts] = []

    class Looking(Sound):
        def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
            seen.append(acts)
            return np.zeros(messages.shape)

    environment = RandomEconomy(seed=2, signals=2, horizon=3).build()
    play(make_game(environment, Looking(environment)), episodes=5)
    assert [(a.seen.tolist(), a.replies.tolist()) for a in seen] == [([[0, 0]] * 5, [[0.0, 0.0]] * 5)] * 3
