"""The checker of mechanisms: shipped ones pass, and each planted violation is caught and named."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.conformance.strategy_check import check_mechanism
from dynmech.experiments.catalog.names import MECHANISMS, load, make_mechanism
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError, Refusal
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.homes import ECONOMIES
from tests.builders.mechanisms_to_check import Planted, caught, game


@cache
def economy(environment: str) -> Environment:
    """An economy, opened once for all mechanisms."""
    return load(environment)


SOME = 6
"""How many of the economies that it fits a mechanism is checked in by the quick suite."""


def fitting(name: str, first: int = 0) -> Iterator[tuple[Environment, Mechanism]]:
    """Every economy that a mechanism fits, with the mechanism for it; from the given one on, around the list."""
    first %= len(ECONOMIES)
    for environment in map(economy, [*ECONOMIES[first:], *ECONOMIES[:first]]):
        with suppress(Refusal):
            yield environment, make_mechanism(name, environment)


@pytest.mark.parametrize(
    "both", [pytest.param(False, id="turns"), pytest.param(True, id="both", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", MECHANISMS.all())
def test_shipped_mechanisms_keep_their_word_wherever_they_fit(name: str, both: bool) -> None:
    """In time and late messages take turns from economy to economy; whoever fits a single one meets both there.

    The quick suite takes some economies for each: the next mechanism begins at the next place of the list.
    """
    pairs = list(fitting(name) if both else islice(fitting(name, MECHANISMS.names().index(name)), SOME))
    assert pairs, "a mechanism that fits none of the economies is not tried"
    for k, (environment, rules) in enumerate(pairs):
        late = ProtocolOptions(0.4, (Latency("uniform", 0.8),) * len(environment.agents))
        protocols = (None, late) if both or len(pairs) == 1 else ((None, late)[k % 2],)
        for protocol in protocols:
            check_mechanism(make_game(environment, rules, protocol, tail=5.0), episodes=12 if both else 6)


@given(st.integers(0, 10**6))
def test_transfers_that_fall_due_are_within_the_bound_on_random_economies(seed: int) -> None:
    env = RandomEconomy(seed, signals=2, discount=0.5, singular_value=0.05).build()
    check_mechanism(make_game(env, ContingentSpanning(env), tail=1.0), episodes=6)


AGAIN = "charge answers otherwise when it is asked again; a rule may depend on situation and messages only"


class Sound(Planted):
    """Charges by memory of nothing and by what is reported."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return messages[:, :1] / 2


class Random(Planted):
    """NumPy's generator, afresh."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return np.random.default_rng().random(messages.shape)


class FixedSeed(Planted):
    """The same numbers each time, by row of the block."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return np.random.default_rng(7).random(messages.shape)


class Counts(Planted):
    """A memory that is not the mechanism's memory."""

    calls = 0

    def extra(self, now: Situation, messages: Array) -> Any:
        self.calls += 1
        return self.calls % 2


class RemembersReports(Planted):
    """Charges by last period's reports, which it keeps for itself."""

    def extra(self, now: Situation, messages: Array) -> Any:
        before = getattr(self, "last", messages)
        self.last = messages.copy()
        return (before != messages)[: len(messages)] if len(before) == len(messages) else 0.0


class NotesTheDecision(Planted):
    """Writes down in `decide` what `charge` then looks up."""

    def decide(self, now: Situation, messages: Array) -> Array:
        self.noted = messages.max(axis=1)
        return super().decide(now, messages)

    def extra(self, now: Situation, messages: Array) -> Any:
        return (self.noted / 4)[: len(messages), None]


class LooksAtTheBlock(Planted):
    """Charges what the average episode reports."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return messages.mean() / 4


class CountsTheBlock(Planted):
    """Charges more when episodes come one at a time."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return float(len(messages) == 1)


class CountsRows(Planted):
    """Charges by the place in the block."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return (np.arange(len(messages)) % 2)[:, None]


class FailsLater(Planted):
    """Works the first time only."""

    used = False

    def extra(self, now: Situation, messages: Array) -> Any:
        if now.t == 3 and self.used:
            raise SystemExit("no more")
        self.used = self.used or now.t == 3
        return 0.0


ONE_AT_A_TIME = "the same play brings another transfer when episodes come one at a time"


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (Random, AGAIN),
        (FixedSeed, AGAIN),
        (Counts, AGAIN),
        (RemembersReports, AGAIN),
        (NotesTheDecision, AGAIN),
        (CountsRows, AGAIN),
        (FailsLater, AGAIN),
        (LooksAtTheBlock, ONE_AT_A_TIME),
        (CountsTheBlock, ONE_AT_A_TIME),
    ],
)
def test_rules_must_be_functions_of_what_they_are_shown(rule: type[Mechanism], what: str) -> None:
    said = caught(rule)
    assert what in said
    assert " in period 0:" not in said, "period 0 is sound"


def test_what_is_allowed_passes() -> None:
    check_mechanism(game(Sound))
    check_mechanism(game(Lottery))


class Lottery(Team):
    """Draws its decision, in the way in which that is allowed."""

    name = "lottery"
    source = "a test double"

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.full((len(messages), 3), 1 / 3)


class LotteryByRow(Lottery):
    """Odds by the place in the block."""

    name = "planted"

    def decide(self, now: Situation, messages: Array) -> Array:
        odds = np.linspace(0, 0.5, len(messages))[:, None]
        return np.concatenate([odds, odds, 1 - 2 * odds], axis=1)


def test_lotteries_are_held_to_the_same() -> None:
    assert "in period 0: decide answers otherwise when it is asked again" in caught(LotteryByRow)


# Bounds


def bound(value: Any) -> type[Mechanism]:
    return type("Bound", (Sound,), {"transfer_bound": lambda _self: value})


@pytest.mark.parametrize("value", [-1.0, True, "much", None])
def test_a_bound_must_be_a_number(value: Any) -> None:
    assert f"transfer_bound() is {value!r}, expected a finite number of at least 0" in caught(bound(value))


def test_a_bound_must_be_finite() -> None:
    assert "transfer_bound() is nan, expected a finite number" in caught(bound(float("nan")))
    assert "transfer_bound() is inf, expected a finite number" in caught(bound(float("inf")))


def test_a_transfer_beyond_its_bound_is_caught() -> None:
    assert "in period 0: a transfer of 2 exceeds its transfer_bound() 1.5" in caught(bound(1.5))
    check_mechanism(game(bound(3)))


class DearLies(Planted):
    """Charges much for reports that truth never leads to: in oil leases, those of the other signal after a low one."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return 50.0 * (messages.max(axis=1, keepdims=True) == 1)


def test_a_bound_is_also_held_to_off_the_path_of_truth() -> None:
    stages = tuple(
        Stage(
            (("a", "b"), ("a", "b")),
            ("-",),
            np.zeros((2, 1, 2, 2)),
            kernel=IndependentKernel((np.eye(2)[None],) * 2) if t == 0 else None,
        )
        for t in range(2)
    )
    prior = np.array([[1.0, 0.0], [0.0, 0.0]])
    env = TableEnvironment("silent", ("A", "B"), prior, stages, 1.0, 2)
    with pytest.raises(PlayError, match=r"in period 1: a transfer of 50 exceeds its transfer_bound\(\) 1"):
        check_mechanism(make_game(env, DearLies(env)))


class OwesLater(Planted):
    """Lets half of a report fall due for ever, and says that nothing does."""

    def extra(self, now: Situation, messages: Array) -> Any:
        return 0.0

    def due(self, now: Situation, messages: Array) -> FloatArray:
        return messages / 2.0


def test_what_falls_due_must_be_declared_under_an_infinite_horizon() -> None:
    assert "something falls due although it declares lags = 0" in caught(OwesLater, horizon=None, discount=0.5)
    check_mechanism(game(OwesLater))


# Writing


def writes(place: Callable[[Situation, Array, Array, Acts], Array]) -> type[Mechanism]:
    def charge(self: Team, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        flows = Team.charge(self, now, messages, decision, acts)
        array = place(now, messages, decision, acts)
        base = array.base if isinstance(array.base, np.ndarray) else array
        base.flags.writeable = True
        array[...] = 1 - array
        return flows

    return type("Writes", (Planted,), {"charge": charge})


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("messages", lambda _now, messages, _decision, _acts: messages),
        ("memory", lambda now, _messages, _decision, _acts: now.memory),
        ("public", lambda now, _messages, _decision, _acts: now.public),
        ("decision", lambda _now, _messages, decision, _acts: decision),
        ("replies", lambda _now, _messages, _decision, acts: acts.replies),
        ("seen", lambda _now, _messages, _decision, acts: acts.seen),
    ],
)
def test_no_rule_writes_to_what_it_is_shown(name: str, place: Callable[..., Array]) -> None:
    said = caught(writes(place))
    assert said.startswith("mechanism 'planted' in period 0: charge ")
    assert f"charge writes to the {name} it is shown" in said or "WRITEABLE" in said or "read-only" in said
