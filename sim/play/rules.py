"""The rules of a mechanism as the event loop calls them: errors are caught, and what a rule returns is checked.

What a rule raises, and whatever it returns that it should not, becomes one line that names mechanism, rule and period.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray, IntArray, first, frozen
from dynmech.sim.core.errors import DynmechError, PlayError
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.economy.kernels import cumulate
from dynmech.sim.play.game import Game
from dynmech.sim.play.output_validation import INDEX, checked_answer, finite, one_line, within
from dynmech.sim.play.roles import Acts, Situation


class Agenda(NamedTuple):
    """What is fixed for a period before it is played.

    Attributes:
        messages: every agent's message set.
        kind: how messages are kept: as numbers if an interval is among the sets, else as indices.
        decisions: what may be decided.
        actions: the private actions of each agent; empty where there are none.
        asks: what each agent is asked for after the decision (None: nothing).
    """

    messages: tuple[Space, ...]
    kind: type
    decisions: Space
    actions: tuple[tuple[str, ...], ...]
    asks: tuple[Space | None, ...]


class Rules:
    """The rules of a game's mechanism; what is fixed for a period is asked for once."""

    def __init__(self, game: Game) -> None:
        self.game, self.mechanism = game, game.mechanism
        self.names = game.environment.agents
        self._agendas: dict[int, Agenda] = {}
        self._sizes: dict[int, int | None] = {}

    def agenda(self, t: int) -> Agenda:
        """Period t's agenda; in a closing period nobody acts or is asked."""
        agenda = self._agendas.get(t)
        if agenda is None:
            agenda = self._agendas[t] = self._agenda(t)
        return agenda

    def _agenda(self, t: int) -> Agenda:
        agents, environment = range(len(self.names)), self.game.environment
        played = t < self.game.periods
        asks: tuple[Space | None, ...] = ()
        if played:
            asks = tuple(self._guarded(t, "asks", partial(self.mechanism.asks, t, i)) for i in agents)
            messages = self.game.game_spaces.messages[t]
        else:
            messages = tuple(self.mechanism.messages(t, i) for i in agents)
        actions = environment.actions(t) if played else ()
        kind = np.float64 if any(isinstance(space, Interval) for space in messages) else np.intp
        return Agenda(messages, kind, environment.decision_space(t), actions, asks)

    def room(self, t: int, n: int) -> Array:
        """Room for period t's messages, `(N, n)`."""
        return np.empty((len(self.names), n), self.agenda(t).kind)

    def seen(self, t: int, agent: int, action: Array) -> IntArray:
        """What the mechanism observes of an agent's actions, `(n,)`: zeros where it sees nothing."""
        shown = self._guarded(t, "sees", partial(self.mechanism.sees, t, agent))
        if shown is None:
            return np.zeros(len(action), np.intp)
        seen: IntArray = self._guarded(t, "sees", partial(np.take, shown, action))
        return seen

    def prescribed(self, now: Situation, agent: int, signal: Array, space: Space) -> Array:
        """The message asked of an agent, `(n,)`, frozen: the (frozen) signal itself where that is the answer."""
        try:
            message = self.mechanism.prescribed(now, agent, signal)
        except DynmechError:
            raise
        except (Exception, SystemExit) as error:
            raise self._raised(now.t, "prescribed", error) from error
        if message is signal and signal.dtype is INDEX and isinstance(space, Finite) and within(signal, space.size):
            return signal
        return frozen(self._proposed(np.asarray(message), "prescribed", now, agent))

    def default(self, now: Situation, agent: int) -> Array:
        """What stands in for a late or missing message, `(n,)`."""
        return self._proposed(self._rule("default", now, agent), "default", now, agent)

    def prescribed_reply(
        self, now: Situation, agent: int, space: Space, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        """The reply asked of an agent, `(n,)`."""
        reply = self._rule("prescribed_reply", now, agent, messages, decision, utility)
        who = partial(self._whose, "prescribed_reply", now.t, agent)
        return checked_answer(reply, space, len(now.memory), who)

    def decide(self, now: Situation, messages: Array, uniforms: Callable[[int], FloatArray]) -> Array:
        """Decisions `(n,)`; a lottery is drawn from with period t's uniform numbers, uniforms(t) `(n, 1)`."""
        decision = self._rule("decide", now, messages)
        space = self.agenda(now.t).decisions
        if decision.ndim == 2 and isinstance(space, Finite):
            if (
                decision.shape != (len(now.memory), space.size)
                or not (decision >= 0).all()
                or not (np.abs(np.cumsum(decision, axis=1)[:, -1] - 1) < 1e-9).all()
            ):
                raise self._broken(now.t, "decide returned a lottery that is not a row of probabilities per episode")
            decision = (cumulate(decision)[:, :-1] <= uniforms(now.t)).sum(axis=1)
        return checked_answer(decision, space, len(now.memory), lambda: f"{self._who(now.t)}: decide")

    def announces(self, now: Situation, messages: Array, decision: Array) -> Array:
        """What is announced of the messages, `(n,)`, frozen."""
        told = self._rule("announces", now, messages, decision)
        if told.shape != (len(now.memory),) or told.dtype.kind not in "iuf":
            raise self._broken(now.t, f"announces returned {told.dtype} of shape {told.shape}, expected a number each")
        return frozen(told)

    def transfers(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """What is charged now and what falls due now, `(n, N)`."""
        charged, due = self._flows("charge", now, messages, decision, acts), self._flows("due", now, messages)
        # Agent by agent in memory, whichever way round the rules have theirs: so it is added up and booked.
        return np.add(charged.T, due.T, out=np.empty(charged.T.shape)).T

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """What falls due now, `(n, N)`."""
        return self._flows("due", now, messages)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """The next memory, `(n,)`, frozen, if it is among the values declared (`(n, …)` where it is not finite)."""
        memory = self._rule("remember", now, messages, decision, acts)
        size, n = self._size(now.t + 1), len(now.memory)
        if memory is now.memory and now.t and size == self._size(now.t):
            return memory  # which was checked when it was new
        if memory.shape[:1] != (n,) or (size is not None and memory.ndim > 1):
            raise self._broken(now.t, f"remember returned an array of shape {memory.shape}, expected ({n},)")
        if memory.dtype.hasobject:
            raise self._broken(now.t, f"remember returned type {memory.dtype}, expected numbers")
        if size is not None and not (memory.dtype == np.intp and within(memory, size)):
            inside = (memory >= 0) & (memory < size)
            if not inside.all():
                k = int(np.argmin(inside))
                what = f"remember returned {memory[k]} (row {k} of the block), outside the declared 0..{size - 1}"
                raise self._broken(now.t, what)
        return frozen(memory)

    def _size(self, t: int) -> int | None:
        """Number of memory values in period t; None after the last one and where they are not finite."""
        if t not in self._sizes:
            over = t >= self.game.periods + self.game.closing
            declared = partial(self.mechanism.memory_size, t)
            self._sizes[t] = None if over else self._guarded(t - 1, "memory_size", declared)
        return self._sizes[t]

    def _flows(self, name: str, now: Situation, *args: Any) -> FloatArray:
        """What a rule makes the agents pay, `(n, N)`, if it is one finite number each."""
        flows = self._rule(name, now, *args)
        expected = (len(now.memory), len(self.names))
        if flows.shape != expected:
            raise self._broken(now.t, f"{name} returned an array of shape {flows.shape}, expected {expected}")
        if flows.dtype.kind not in "iuf":
            raise self._broken(now.t, f"{name} returned type {flows.dtype}, expected numbers")
        if not finite(flows):
            row, i = first(~np.isfinite(flows))
            who = f"agent {self.names[i]!r} (row {row} of the block)"
            raise self._broken(now.t, f"{name} returned {flows[row, i]} for {who}, expected a finite number")
        return flows

    def _proposed(self, message: Array, name: str, now: Situation, agent: int) -> Array:
        """A copy of a message that the mechanism itself puts forward, if it is one."""
        space = self.agenda(now.t).messages[agent]
        return checked_answer(message, space, len(now.memory), partial(self._whose, name, now.t, agent))

    def _rule(self, name: str, now: Situation, *args: Any) -> Array:
        """The answer of one of the mechanism's rules."""
        try:
            return np.asarray(getattr(self.mechanism, name)(now, *args))
        except DynmechError:
            raise
        except (Exception, SystemExit) as error:
            raise self._raised(now.t, name, error) from error

    def _guarded(self, t: int, name: str, call: Callable[[], Any]) -> Any:
        """Call the mechanism; what it raises becomes one line."""
        try:
            return call()
        except DynmechError:
            raise
        except (Exception, SystemExit) as error:
            raise self._raised(t, name, error) from error

    def _raised(self, t: int, name: str, error: BaseException) -> PlayError:
        return self._broken(t, f"{name} raised {one_line(error)}")

    def _broken(self, t: int, what: str) -> PlayError:
        return PlayError(f"{self._who(t)}: {what}")

    def _whose(self, name: str, t: int, agent: int) -> str:
        return f"{self._who(t)}: {name} for agent {self.names[agent]!r}"

    def _who(self, t: int) -> str:
        return f"mechanism {self.mechanism.name!r} in period {t}"
