"""Mechanisms that are wrong on purpose, or that depend on everything they may depend on."""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.generators import generator


class FlippedTeam(Team):
    """Liu's eq. (3) as printed: the sign is missing."""

    def flow_table(self, t: int) -> FloatArray:
        return -super().flow_table(t)


class Nosy(DirectMechanism):
    """Planted: observes actions, asks for one of three replies, remembers and charges by all of it, at random."""

    name = "nosy"

    @cached_property
    def draw(self) -> tuple[FloatArray, IntArray, IntArray]:
        rng = generator(7)
        shape = (2, 2, 2, 2, 2, 2, 3, 3)  # memory, messages, what is recommended (public), seen, replies
        return rng.uniform(-1, 1, (2, *shape)), rng.integers(0, 2, shape), rng.integers(0, 3, (2, 2, 2, 2))

    def memory_size(self, t: int) -> int:
        return 1 if t == 0 else 2

    def sees(self, t: int, agent: int) -> IntArray:
        return np.arange(2)

    def asks(self, t: int, agent: int) -> Space:
        return Finite(("a", "b", "c"))

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        return self.draw[2][agent, messages[:, 0], messages[:, 1], (utility > 0).astype(np.intp)]

    def _key(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> tuple[Array, ...]:
        said = acts.replies.astype(np.intp)
        return (now.memory, *messages.T, decision // 4, *acts.seen.T, *said.T)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        key = self._key(now, messages, decision, acts)
        return np.stack([table[key] for table in self.draw[0]], axis=1)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return self.draw[1][self._key(now, messages, decision, acts)]

    def transfer_bound(self) -> float:
        return 1.0


class Nosier(Nosy):
    """As `Nosy`, with replies that do not depend on payoffs, which no file holds."""

    name = "nosier"

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        return self.draw[2][agent, messages[:, 0], messages[:, 1], 0]


class Lottery(LastPeriodMechanism):
    """A planted rule whose memory matters in every way: past reports price this period's, own past report included."""

    name = "planted lottery"

    def __init__(self, environment: TableEnvironment, seed: int = 0) -> None:
        super().__init__(environment)
        rng = generator(seed)
        size = environment.stage(0).size
        memories = 1 + len(environment.stage(0).decisions) * size
        self.table = rng.uniform(-1, 1, (len(environment.agents), memories, size))
        self.late = rng.uniform(-1, 1, (len(environment.agents), memories, size))
        self.late[:, 0] = 0

    def charge(self, now: Situation, messages: FloatArray, decision: FloatArray, acts: Acts) -> FloatArray:
        return self.table[:, now.memory, self.profile(now, messages)].T

    def due(self, now: Situation, messages: FloatArray) -> FloatArray:
        return self.late[:, now.memory, self.profile(now, messages)].T

    @property
    def lags(self) -> int:
        return 1

    def transfer_bound(self) -> float:
        return 2.0
