"""No rule of a mechanism changes the world, and every rule is asked again."""

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dynmech.agents.conformance.strategy_check import check_mechanism
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.mechanisms_to_check import Planted, caught


class MovesTheWorld(Planted):
    """Leaves the working directory behind."""

    def extra(self, now: Situation, messages: Array) -> Any:
        os.chdir("/")
        return 0.0


class ChangesTheEconomy(Planted):
    """Makes the good more valuable."""

    def extra(self, now: Situation, messages: Array) -> Any:
        utility = self.environment.stages[0].utility
        utility.flags.writeable = True
        utility *= 1.5
        utility.flags.writeable = False
        return 0.0


def test_no_rule_changes_the_world() -> None:
    here = os.getcwd()
    assert "mechanism 'planted': it changes the working directory" in caught(MovesTheWorld)
    assert os.getcwd() == here
    assert "mechanism 'planted': it changes numbers of Stage.utility" in caught(ChangesTheEconomy)


# All rules, not only charges


class Asks(Mechanism):
    """Recommends, asks, remembers: every rule is called."""

    name = "planted"
    source = "a test double"

    def memory_size(self, t: int) -> int:
        return 2

    def messages(self, t: int, agent: int) -> Space:
        return Finite(("0", "1"))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal

    def default(self, now: Situation, agent: int) -> Array:
        return now.memory

    def decide(self, now: Situation, messages: Array) -> Array:
        return 2 * now.memory

    def asks(self, t: int, agent: int) -> Space | None:
        return Interval(0, 1)

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        return np.clip(utility, 0, 1)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return acts.replies

    def due(self, now: Situation, messages: Array) -> FloatArray:
        return now.memory[:, None] * 1.0

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return (messages[:, 0] + (acts.replies[:, 0] > 0.5)) % 2

    def transfer_bound(self) -> float:
        return 2.0


def asking(rule: type[Mechanism]) -> Game:
    last = Stage(
        (("0", "1"),),
        ("a rest", "a work", "b rest", "b work"),
        np.arange(8).reshape(1, 4, 2) / 8,
        private_actions=(("rest", "work"),),
    )
    stages = (replace(last, kernel=JointKernel(np.full((4, 2, 2), 0.5), (2,), (2,))), last)
    env = TableEnvironment("asking", ("Ann",), np.array([0.5, 0.5]), stages, 1.0, 2)
    return make_game(env, rule(env), ProtocolOptions(0.4, (Latency("uniform", 0.8),)))


@pytest.mark.parametrize("rule", ["prescribed", "default", "decide", "prescribed_reply", "charge", "due", "remember"])
def test_every_rule_is_asked_again(rule: str) -> None:
    check_mechanism(asking(Asks))
    sound = getattr(Asks, rule)

    def by_row(self: Asks, now: Situation, *given: Any) -> Array:
        answer = sound(self, now, *given)
        odd = (np.arange(len(answer)) % 2).reshape(-1, *[1] * (answer.ndim - 1))
        return np.where(odd, answer, 0 * answer).astype(answer.dtype) if now.t == 1 else answer

    spoilt = type("Spoilt", (Asks,), {rule: by_row})
    with pytest.raises(PlayError) as raised:
        check_mechanism(asking(spoilt))
    assert str(raised.value).startswith(f"mechanism 'planted' in period 1: {rule} answers otherwise when it is asked")
