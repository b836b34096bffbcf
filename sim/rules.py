"""A mechanism as the event loop may trust it: every rule is called with a net, and what it returns is checked.

What a rule raises, and whatever it returns that it should not, becomes one line that names mechanism, rule and period.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sim.answers import checked_answer, one_line
from sim.arrays import Array, FloatArray, IntArray, first
from sim.errors import DynmechError, PlayError
from sim.game import Game
from sim.kernels import cumulate
from sim.roles import Acts, Situation
from sim.spaces import Finite, Interval, Space


class Rules:
    """The rules of a game's mechanism for blocks of n episodes.

    Args:
        luck: period t's uniform numbers `(n, 1)` for lotteries over decisions.
    """

    def __init__(self, game: Game, n: int, luck: Callable[[int], FloatArray]) -> None:
        self.game, self.mechanism, self.n, self.luck = game, game.mechanism, n, luck
        self.names = game.environment.agents

    def room(self, t: int) -> Array:
        """Room for period t's messages, `(N, n)`: numbers if an interval is among the message sets, else indices."""
        spaces = [self.messages(t, i) for i in range(len(self.names))]
        kind = np.float64 if any(isinstance(space, Interval) for space in spaces) else np.intp
        return np.empty((len(self.names), self.n), kind)

    def messages(self, t: int, agent: int) -> Space:
        """The message set; the lexicon ends before the closing periods."""
        lexicon = self.game.lexicon.messages
        return lexicon[t][agent] if t < len(lexicon) else self.mechanism.messages(t, agent)

    def asks(self, t: int, agent: int) -> Space | None:
        """What is asked of an agent after the decision."""
        space: Space | None = self._guarded(t, "asks", partial(self.mechanism.asks, t, agent))
        return space

    def seen(self, t: int, agent: int, action: Array) -> IntArray:
        """What the mechanism observes of an agent's actions, `(n,)`: zeros where it sees nothing."""
        shown = self._guarded(t, "sees", partial(self.mechanism.sees, t, agent))
        if shown is None:
            return np.zeros(self.n, np.intp)
        seen: IntArray = self._guarded(t, "sees", partial(np.take, shown, action))
        return seen

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """The message asked of an agent, `(n,)`."""
        return self._proposed("prescribed", now, agent, signal)

    def default(self, now: Situation, agent: int) -> Array:
        """What stands in for a late or missing message, `(n,)`."""
        return self._proposed("default", now, agent)

    def prescribed_reply(
        self, now: Situation, agent: int, space: Space, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        """The reply asked of an agent, `(n,)`."""
        reply = self._rule("prescribed_reply", now, agent, messages, decision, utility)
        who = f"{self._who(now.t)}: prescribed_reply for agent {self.names[agent]!r}"
        return checked_answer(reply, space, self.n, who)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Decisions `(n,)`; a lottery is drawn here."""
        decision = self._rule("decide", now, messages)
        space = self.game.environment.decision_space(now.t)
        if decision.ndim == 2 and isinstance(space, Finite):
            if (
                decision.shape != (self.n, space.size)
                or not (decision >= 0).all()
                or not (np.abs(np.cumsum(decision, axis=1)[:, -1] - 1) < 1e-9).all()
            ):
                raise self._broken(now.t, "decide returned a lottery that is not a row of probabilities per episode")
            decision = (cumulate(decision)[:, :-1] <= self.luck(now.t)).sum(axis=1)
        return checked_answer(decision, space, self.n, f"{self._who(now.t)}: decide")

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Transfers caused now, `(n, N)`."""
        return self._flows("charge", now, messages, decision, acts)

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Transfers that fall due now, `(n, N)`."""
        return self._flows("due", now, messages)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """The next period's memory, `(n,)`, if it is among the values declared (`(n, …)` where it is not finite)."""
        memory = self._rule("remember", now, messages, decision, acts)
        last = now.t + 1 >= self.game.periods + self.game.closing
        size = None if last else self._guarded(now.t, "memory_size", partial(self.mechanism.memory_size, now.t + 1))
        if memory.shape[:1] != (self.n,) or (size is not None and memory.ndim > 1):
            raise self._broken(now.t, f"remember returned an array of shape {memory.shape}, expected ({self.n},)")
        if size is not None:
            inside = (memory >= 0) & (memory < size)
            if not inside.all():
                k = int(np.argmin(inside))
                what = f"remember returned {memory[k]} (row {k} of the block), outside the declared 0..{size - 1}"
                raise self._broken(now.t, what)
        return memory

    def _flows(self, name: str, now: Situation, *args: Any) -> FloatArray:
        """What a rule makes the agents pay, `(n, N)`, if it is one finite number each."""
        flows = self._rule(name, now, *args)
        expected = (self.n, len(self.names))
        if flows.shape != expected:
            raise self._broken(now.t, f"{name} returned an array of shape {flows.shape}, expected {expected}")
        if flows.dtype.kind not in "iuf":
            raise self._broken(now.t, f"{name} returned type {flows.dtype}, expected numbers")
        if not np.isfinite(flows).all():
            row, i = first(~np.isfinite(flows))
            who = f"agent {self.names[i]!r} (row {row} of the block)"
            raise self._broken(now.t, f"{name} returned {flows[row, i]} for {who}, expected a finite number")
        return flows

    def _proposed(self, name: str, now: Situation, agent: int, *args: Any) -> Array:
        """A message that the mechanism itself puts forward, if it is one."""
        message = self._rule(name, now, agent, *args)
        who = f"{self._who(now.t)}: {name} for agent {self.names[agent]!r}"
        checked_answer(message, self.messages(now.t, agent), self.n, who)
        return message

    def _rule(self, name: str, now: Situation, *args: Any) -> Array:
        """The answer of one of the mechanism's rules."""
        return self._guarded(now.t, name, lambda: np.asarray(getattr(self.mechanism, name)(now, *args)))

    def _guarded(self, t: int, name: str, call: Callable[[], Any]) -> Any:
        """Call the mechanism; what it raises becomes one line."""
        try:
            return call()
        except DynmechError:
            raise
        except (Exception, SystemExit) as error:
            raise self._broken(t, f"{name} raised {one_line(error)}") from error

    def _broken(self, t: int, what: str) -> PlayError:
        return PlayError(f"{self._who(t)}: {what}")

    def _who(self, t: int) -> str:
        return f"mechanism {self.mechanism.name!r} in period {t}"
