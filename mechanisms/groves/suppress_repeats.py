"""Another mechanism, in which an agent is not asked again for a signal that only repeats what it has reported.

Timing: that of the base mechanism. Where an agent's next signal is a function of its last one (a type that stays what
it is), the report of the period in which it was news is taken to stand. The base mechanism is handed the completed
profile. This is how a game is played in which each type is reported when it is learnt, although utilities depend on it
later as well.

Source: Athey–Segal 2007, §2: in the trading game each agent makes one report.
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.mechanisms.rules.tabulation import acts_matter
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.registry import Registry
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.play.roles import Acts, Situation

STANDS = Finite(("-",))


class SuppressRepeats(Mechanism):
    """Asks for a signal only where it is news; memory is the base's, times last period's completed profile.

    Args:
        base: a mechanism that asks for signals, or the name of one that needs no options. As text with options:
            `base=balanced:base=pivot`, several joined by `+`.

    Raises:
        Refusal: the base does not ask for signals, asks for replies or observes actions, or does not fit.
    """

    name = "once"
    source = "Athey–Segal 2007 §2: each agent makes one report"
    environment: TableEnvironment

    def __init__(self, environment: Environment, base: str | Mechanism = "balanced-team") -> None:
        super().__init__(environment)
        known = Registry("mechanism", Mechanism, "dynmech.mechanisms")  # type: ignore[type-abstract]
        made = known.get(base)(environment) if isinstance(base, str) else base
        if made.environment is not self.environment:
            raise self.refuse(f"its base {made.name!r} was made for another economy")
        if not isinstance(made, DirectMechanism) or acts_matter(made, 0):
            raise self.refuse(f"its base {made.name!r} does not ask for signals, or for more than those")
        self.base, self.promises = made, made.promises

    @property
    def lags(self) -> int:
        """The base's lags."""
        return self.base.lags

    def standing(self, t: int, agent: int) -> IntArray | None:
        """Return agent i's signal of period t by its last one, `(K,)`, if that is all it depends on; else None."""
        if t == 0:
            return None
        period = t if self.environment.horizon is not None else 1
        return self._standing[period][agent]

    @cached_property
    def _standing(self) -> list[list[IntArray | None]]:
        """`standing` by period and agent."""
        periods = 2 if self.environment.horizon is None else self.environment.horizon
        agents = len(self.environment.agents)
        return [[None] * agents, *([self._follows(t, i) for i in range(agents)] for t in range(1, periods))]

    def _follows(self, t: int, agent: int) -> IntArray | None:
        """Return agent i's signal of period t as a function of its last one, `(K,)`; None where it is none."""
        before, after, rows = self.environment.stage(t - 1), self.environment.stage(t), laws(self.environment, t - 1)
        axis, width = after.offset + agent, len(after.signals[agent])
        law = np.moveaxis(rows.reshape(*rows.shape[:2], *after.axes), 2 + axis, 2).reshape(*rows.shape[:2], width, -1)
        chance = law.sum(axis=-1).reshape(len(before.decisions), *before.axes, width)
        own = np.moveaxis(chance, 1 + before.offset + agent, 0).reshape(len(before.signals[agent]), -1, width)
        certain = (own > 1 - 1e-12).all(axis=1)
        return certain.argmax(axis=1).astype(np.intp) if width > 1 and certain.any(axis=1).all() else None

    def memory_size(self, t: int) -> int | None:
        """Return the base's memory size times the profiles of the period before."""
        size = self.base.memory_size(t)
        over = self.environment.horizon is not None and t >= self.environment.horizon
        return size if size is None or t == 0 else size * (1 if over else self.environment.stage(t - 1).size)

    def messages(self, t: int, agent: int) -> Finite:
        """Return the signals where they are news; else a single message."""
        return self.base.messages(t, agent) if self.standing(t, agent) is None else STANDS

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """Return the true signal where it is news, `(n,)`."""
        if self.standing(now.t, agent) is not None:
            return np.zeros(len(signal), np.intp)
        return self.base.prescribed(self._below(now), agent, signal)

    def _below(self, now: Situation) -> Situation:
        """Return the situation as the base sees it."""
        return now if now.t == 0 else now._replace(memory=now.memory // self.environment.stage(now.t - 1).size)

    def completed(self, now: Situation, messages: Array) -> Array:
        """Return everybody's reported signal, reported now or before, `(n, N)`."""
        out = np.array(messages)
        if now.t:
            before = self.environment.stage(now.t - 1)
            last = np.unravel_index(now.memory % before.size, before.axes)[before.offset :]
            for i in range(out.shape[1]):
                stands = self.standing(now.t, i)
                if stands is not None:
                    out[:, i] = stands[last[i]]
        return out

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the base's decision at the completed profile, `(n,)`."""
        return self.base.decide(self._below(now), self.completed(now, messages))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Return the base's charge at the completed profile, `(n, N)`."""
        return self.base.charge(self._below(now), self.completed(now, messages), decision, acts)

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return what falls due in the base at the completed profile, `(n, N)`."""
        return self.base.due(self._below(now), self.completed(now, messages))

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """Return what the base remembers together with the completed profile, `(n,)`."""
        completed = self.completed(now, messages)
        memory = self.base.remember(self._below(now), completed, decision, acts)
        if self.environment.horizon is not None and now.t + 1 >= self.environment.horizon:
            return memory
        return memory * self.environment.stage(now.t).size + self.base.profile(now, completed)

    def transfer_bound(self) -> float:
        """Return the base's bound."""
        return self.base.transfer_bound()
