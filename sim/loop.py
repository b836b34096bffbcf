"""The event loop: nature, the designer and every agent as SimPy processes that exchange messages.

Every message carries a *block* of episodes (arrays with a leading axis), so one loop is both the faithful process
model (one episode per message) and the fast one (thousands). Time is measured in periods; period t opens at time t.

Order of simultaneous events: what arrives at the deadline arrives before the designer settles (the alarm that ends
a stage has a lower priority than any delivery), and the designer reads its inbox by agent index. The order in which
processes were created plays no part.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from functools import partial
from math import prod
from typing import Any, cast

import numpy as np
import simpy
from simpy.events import Event, EventPriority

from sim.arrays import Array, BoolArray, FloatArray, first, frozen
from sim.disclosure import shown_decision
from sim.environment import State
from sim.errors import DynmechError, PlayError
from sim.game import Game
from sim.kernels import cumulate
from sim.record import Record
from sim.roles import Acts, Past, Situation, Strategy, View
from sim.spaces import SILENT, Finite, Interval, Space
from sim.streams import Streams, Tape

AFTER_DELIVERIES = cast(EventPriority, 2)
"""Event priority below SimPy's URGENT (0) and NORMAL (1)."""

Process = Generator[Event, Any, None]


def play_shard(
    game: Game,
    strategies: Sequence[Strategy],
    streams: Streams,
    *,
    episodes: int | None = None,
    block: int = 4096,
    order: Sequence[int] | None = None,
) -> Record:
    """Play one shard, block by block; the block size and the order of creation change nothing.

    Args:
        strategies: one per agent.
        streams: the shard's uniform numbers.
        episodes: how many of the shard's episodes exist (the last shard may be short).
        block: episodes per message.
        order: in which agent processes are created (for tests).

    Raises:
        PlayError: a strategy or the mechanism broke the rules; one line.
    """
    count = streams.episodes if episodes is None else episodes
    record = Record.empty(game, count)
    for start in range(0, count, block):
        stop = min(start + block, count)
        _Block(game, strategies, streams, record, start, stop).run(order)
    return record


class _Block:
    """One block of episodes on one SimPy environment."""

    def __init__(
        self,
        game: Game,
        strategies: Sequence[Strategy],
        streams: Streams,
        record: Record,
        start: int,
        stop: int,
    ) -> None:
        self.game, self.strategies, self.record = game, strategies, record
        self.environment, self.mechanism = game.environment, game.mechanism
        self.names = game.environment.agents
        self.here, self.n = slice(start, stop), stop - start
        self.clock = simpy.Environment()
        self.opened, self.done = self.clock.event(), self.clock.event()
        self.bells = [self.clock.event() for _ in self.names]
        self.inbox: list[tuple[Array, BoolArray | None] | None] = [None] * len(self.names)
        self.desk: list[Array | None] = [None] * len(self.names)
        self.stale = 0
        self.tapes: dict[str, Tape] = {}
        self.tape: Callable[[str, int], Tape] = partial(self._tape, streams, start, stop)
        self.empty = frozen(np.zeros((self.n, 0)))
        self.asked: list[Space | None] = [None] * len(self.names)
        self.past: list[deque[Past]] = [deque(maxlen=strategy.memory_periods) for strategy in strategies]
        self.private: list[dict[str, Array]] = [{} for _ in self.names]

    def run(self, order: Sequence[int] | None) -> None:
        """Create the processes and let the clock run until the designer is done."""
        self.clock.process(self._nature())
        for i in order if order is not None else range(len(self.names)):
            self.clock.process(self._agent(i))
        self.clock.run(until=self.clock.process(self._designer()))

    # Nature

    def _nature(self) -> Process:
        state: State | None = None
        realised: Array | None = None
        for t in range(self.game.periods + self.game.closing):
            names = self.environment.streams(t)
            uniforms = np.concatenate([self.tape(name, 1).at(t) for name in names], axis=1)
            state = self.environment.draw(t, state, realised, uniforms)
            self.opened.succeed(state)
            realised = yield self.done
            self.done = self.clock.event()
            yield self.clock.timeout(t + 1 - self.clock.now)

    # The designer

    def _designer(self) -> Process:
        memory: Array = np.zeros(self.n, np.intp)
        for t in range(self.game.periods):
            state = yield self.opened
            self.opened = self.clock.event()
            now = Situation(t, memory, state.public)
            self.record.public[t, self.here] = state.public
            self.record.signal[t, :, self.here] = state.signals.T
            signals = [frozen(state.signals[:, i]) for i in range(len(self.names))]
            self.asked = [self._guarded(t, "asks", partial(self.mechanism.asks, t, i)) for i in range(len(self.names))]
            views = self._open(now, state, signals)
            yield self._alarm(self.game.conduct.deadline)
            messages = self._settle(now)
            decision = self._decide(now, messages)
            realised, acts = decision, self._nobody
            utility = None
            if self.environment.actions(t):
                actions = yield from self._stage_actions(now, views, decision)
                realised, seen = self._realise(t, decision, actions)
                acts = acts._replace(seen=seen)
            utility = self.environment.utility(t, state, realised)
            if any(space is not None for space in self.asked):
                replies = yield from self._stage_replies(now, views, messages, decision, utility)
                acts = acts._replace(replies=replies)
            transfers = self._flows("charge", now, messages, decision, acts) + self._flows("due", now, messages)
            memory = self._remember(now, messages, decision, acts)
            self._book(t, state, decision, realised, utility, transfers)
            self._disclose(now, signals, messages, decision, transfers)
            self.done.succeed(realised)
        yield from self._close(memory)

    def _close(self, memory: Array) -> Process:
        """After a truncated horizon: prescribed messages, nothing decided anew is booked, only what is due."""
        for t in range(self.game.periods, self.game.periods + self.game.closing):
            state = yield self.opened
            self.opened = self.clock.event()
            now = Situation(t, memory, state.public)
            messages = self._letters(t)
            for i in range(len(self.names)):
                messages[i] = self._proposed("prescribed", now, i, frozen(state.signals[:, i]))
            messages = messages.T
            self.record.public[t, self.here] = state.public
            self.record.signal[t, :, self.here] = state.signals.T
            self.record.transfer[t, :, self.here] = self._flows("due", now, messages).T
            decision = self._decide(now, messages)
            memory = self._remember(now, messages, decision, self._nobody)
            self.done.succeed(decision)

    @property
    def _nobody(self) -> Acts:
        return Acts(np.zeros((self.n, len(self.names)), np.intp), np.zeros((self.n, len(self.names))))

    def _alarm(self, delay: float) -> Event:
        """An event that comes after everything else at its time."""
        event = Event(self.clock)
        event._ok, event._value = True, None
        self.clock.schedule(event, AFTER_DELIVERIES, delay)
        return event

    def _open(self, now: Situation, state: State, signals: list[Array]) -> list[View]:
        """Let every agent see its own signal, and ring its bell."""
        shown = self.game.conduct.disclosure == "everything"
        memory = frozen(now.memory) if shown else None
        public = frozen(now.public)
        views = []
        for i, strategy in enumerate(self.strategies):
            prescribed = self._proposed("prescribed", now, i, signals[i])
            view = View(
                t=now.t,
                agent=i,
                signal=signals[i],
                public=public,
                memory=memory,
                space=self.game.lexicon.messages[now.t][i],
                prescribed=signals[i] if prescribed is signals[i] else frozen(prescribed),
                uniforms=frozen(self.tape(f"agent {i}", strategy.width).at(now.t)) if strategy.width else self.empty,
                past=tuple(self.past[i]),
                private=self.private[i],
                lexicon=self.game.lexicon,
                spied=frozen(state.signals) if strategy.spies else None,
            )
            views.append(view)
            self._ring(i, view)
        return views

    def _ring(self, agent: int, view: View) -> None:
        bell, self.bells[agent] = self.bells[agent], self.clock.event()
        bell.succeed(view)

    def _settle(self, now: Situation) -> Array:
        """The messages that count, `(n, N)`: what arrived, else the default."""
        t = now.t
        counted = self._letters(t)
        for i in range(len(self.names)):
            letter, self.inbox[i] = self.inbox[i], None
            if letter is None:
                counted[i] = self._proposed("default", now, i)
                self.record.defaulted[t, i, self.here] = True
                continue
            message, on_time = letter
            missing = message == SILENT if self.strategies[i].silent else None
            if on_time is not None:
                missing = ~on_time if missing is None else missing | ~on_time
            if missing is not None and missing.any():
                message = np.where(missing, self._proposed("default", now, i), message)
                self.record.defaulted[t, i, self.here] = missing
            counted[i] = message
        self.record.counted[t, :, self.here] = counted
        counted.flags.writeable = False
        return counted.T

    def _letters(self, t: int) -> Array:
        """Room for period t's messages, `(N, n)`: numbers if an interval is among the message sets, else indices."""
        spaces = [self._messages(t, i) for i in range(len(self.names))]
        kind = np.float64 if any(isinstance(space, Interval) for space in spaces) else np.intp
        return np.empty((len(self.names), self.n), kind)

    def _messages(self, t: int, agent: int) -> Space:
        """The message set; the lexicon ends before the closing periods."""
        lexicon = self.game.lexicon.messages
        return lexicon[t][agent] if t < len(lexicon) else self.mechanism.messages(t, agent)

    def _decide(self, now: Situation, messages: Array) -> Array:
        decision = self._rule("decide", now, messages)
        space = self.environment.decision_space(now.t)
        if decision.ndim == 2 and isinstance(space, Finite):
            if (
                decision.shape != (self.n, space.size)
                or not (decision >= 0).all()
                or not (np.abs(np.cumsum(decision, axis=1)[:, -1] - 1) < 1e-9).all()
            ):
                raise self._broken(now.t, "decide returned a lottery that is not a row of probabilities per episode")
            luck = self.tape("designer", 1).at(now.t)
            decision = (cumulate(decision)[:, :-1] <= luck).sum(axis=1)
        return checked_answer(decision, space, self.n, f"{self._rules(now.t)}: decide")

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

    def _remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """The next period's memory, if it is one of the values that the mechanism declares."""
        memory = self._rule("remember", now, messages, decision, acts)
        if memory.shape != (self.n,):
            raise self._broken(now.t, f"remember returned an array of shape {memory.shape}, expected ({self.n},)")
        if now.t + 1 < self.game.periods + self.game.closing:
            size = self._guarded(now.t, "memory_size", partial(self.mechanism.memory_size, now.t + 1))
            inside = np.ones(self.n, np.bool_) if size is None else (memory >= 0) & (memory < size)
            if not inside.all():
                k = int(np.argmin(inside))
                what = f"remember returned {memory[k]} (row {k} of the block), outside the declared 0..{size - 1}"
                raise self._broken(now.t, what)
        return memory

    def _proposed(self, name: str, now: Situation, agent: int, *args: Any) -> Array:
        """A message that the mechanism itself puts forward, prescribed or default, if it is one."""
        message = self._rule(name, now, agent, *args)
        who = f"{self._rules(now.t)}: {name} for agent {self.names[agent]!r}"
        checked_answer(message, self._messages(now.t, agent), self.n, who)
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
            raise self._broken(t, f"{name} raised {_one_line(error)}") from error

    def _broken(self, t: int, what: str) -> PlayError:
        return PlayError(f"{self._rules(t)}: {what}")

    def _rules(self, t: int) -> str:
        return f"mechanism {self.mechanism.name!r} in period {t}"

    def _book(
        self,
        t: int,
        state: State,
        decision: Array,
        realised: Array,
        utility: FloatArray,
        transfers: FloatArray,
    ) -> None:
        record, here = self.record, self.here
        record.decision[t, here] = decision
        record.utility[t, :, here] = utility.T
        record.transfer[t, :, here] = transfers.T
        record.cost[t, here] = self.environment.cost(t, state, realised)

    def _disclose(
        self, now: Situation, signals: list[Array], messages: Array, decision: Array, transfers: FloatArray
    ) -> None:
        """Add the period to what each agent knows of the past, as far as the policy shows it."""
        if all(strategy.memory_periods == 0 for strategy in self.strategies):
            return
        policy = self.game.conduct.disclosure
        everything = policy == "everything"
        classes = self.environment.outcome_classes(now.t)
        public, reports, all_transfers = frozen(now.public), frozen(messages), frozen(transfers)
        for i, strategy in enumerate(self.strategies):
            if strategy.memory_periods == 0:
                continue
            shown = shown_decision(policy, decision, classes, i)
            self.past[i].append(
                Past(
                    t=now.t,
                    public=public,
                    signal=signals[i],
                    message=frozen(self.record.report[now.t, i, self.here]),
                    decision=None if shown is None else frozen(shown),
                    reports=reports if everything else None,
                    transfer=frozen(transfers[:, i]),
                    transfers=all_transfers if everything else None,
                )
            )

    # Acts

    def _stage_actions(self, now: Situation, views: list[View], decision: Array) -> Generator[Event, Any, list[Array]]:
        """Every agent with a choice acts; `decision` carries what is recommended."""
        sizes = [len(labels) for labels in self.environment.actions(now.t)]
        recommended = np.unravel_index(decision % prod(sizes), sizes)
        out: list[Array] = []
        for i, labels in enumerate(self.environment.actions(now.t)):
            self._ring(i, self._later(i, views[i], now, decision, Finite(labels), recommended[i], None))
        yield self._alarm(0)
        for i in range(len(self.names)):
            action = self._collect(i)
            self.record.action[now.t, i, self.here] = action
            out.append(action)
        return out

    def _realise(self, t: int, decision: Array, actions: list[Array]) -> tuple[Array, Array]:
        """What was actually done, and what the designer sees of it."""
        sizes = [len(labels) for labels in self.environment.actions(t)]
        public = decision // prod(sizes)
        realised = public * prod(sizes) + np.ravel_multi_index(actions, sizes)
        seen = np.zeros((self.n, len(self.names)), np.intp)
        for i, action in enumerate(actions):
            shown = self._guarded(t, "sees", partial(self.mechanism.sees, t, i))
            if shown is not None:
                seen[:, i] = self._guarded(t, "sees", partial(np.take, shown, action))
        return realised, seen

    def _stage_replies(
        self, now: Situation, views: list[View], messages: Array, decision: Array, utility: FloatArray
    ) -> Generator[Event, Any, FloatArray]:
        """Every agent that is asked replies, knowing its own flow utility."""
        replies = np.zeros((self.n, len(self.names)))
        asked = {i: space for i, space in enumerate(self.asked) if space is not None}
        for i, space in asked.items():
            own = frozen(utility[:, i])
            prescribed = self._rule("prescribed_reply", now, i, messages, decision, own)
            who = f"{self._rules(now.t)}: prescribed_reply for agent {self.names[i]!r}"
            checked_answer(prescribed, space, self.n, who)
            self._ring(i, self._later(i, views[i], now, decision, space, prescribed, own))
        yield self._alarm(0)
        for i in asked:
            replies[:, i] = self._collect(i)
            self.record.reply[now.t, i, self.here] = replies[:, i]
        return replies

    def _collect(self, agent: int) -> Array:
        answer, self.desk[agent] = self.desk[agent], None
        assert answer is not None, "an agent that was rung answers at once"
        return answer

    def _later(
        self,
        agent: int,
        view: View,
        now: Situation,
        decision: Array,
        space: Space,
        prescribed: Array,
        utility: Array | None,
    ) -> View:
        """The agent's view after the decision."""
        classes = self.environment.outcome_classes(now.t)
        shown = shown_decision(self.game.conduct.disclosure, decision, classes, agent)
        return view.after_decision(
            space=space,
            prescribed=frozen(prescribed),
            decision=None if shown is None else frozen(shown),
            utility=utility,
        )

    # Agents

    def _agent(self, i: int) -> Process:
        strategy = self.strategies[i]
        while True:
            view: View = yield self.bells[i]
            t = view.t
            message = self._answer(i, strategy.message, view, silent=strategy.silent)
            self.record.report[t, i, self.here] = message
            yield from self._send(i, t, message)
            if self.environment.actions(t):
                view = yield self.bells[i]
                self.desk[i] = self._answer(i, strategy.action, view)
            if self.asked[i] is not None:
                view = yield self.bells[i]
                self.desk[i] = self._answer(i, strategy.reply, view)

    def _send(self, i: int, t: int, message: Array) -> Process:
        """Post a message; what is on time arrives as one letter, what is late as another, after the deadline."""
        conduct = self.game.conduct
        if not conduct.latency or conduct.latency[i].value == 0:
            self.inbox[i] = (message, None)
            return
        latency = conduct.latency[i].draw(self.tape(f"latency {i}", 1).at(t)[:, 0])
        on_time = latency <= conduct.deadline
        self.record.latency[t, i, self.here] = latency
        self.record.late[t, i, self.here] = ~on_time
        if not on_time.all():
            self.clock.process(self._courier(float(latency[~on_time].max()), int((~on_time).sum())))
        if on_time.any():
            yield self.clock.timeout(min(float(latency[on_time].max()), t + conduct.deadline - self.clock.now))
            self.inbox[i] = (message, on_time)

    def _courier(self, delay: float, letters: int) -> Process:
        """Late letters reach the designer after it has settled; they are counted and thrown away."""
        yield self.clock.timeout(delay)
        self.stale += letters

    def _answer(self, i: int, move: Callable[[View], Array], view: View, *, silent: bool = False) -> Array:
        """A strategy's answer, or one line that says what is wrong with it; it is held to what the view said before."""
        t, space = view.t, view.space
        who = f"strategy {self.strategies[i].name!r} of agent {self.names[i]!r} in period {t}"
        try:
            answer = move(view)
        except PlayError as error:
            raise PlayError(f"{who}: {error}") from error
        except (Exception, SystemExit) as error:
            raise PlayError(f"{who}: {move.__name__} raised {_one_line(error)}") from error
        return checked_answer(answer, space, self.n, f"{who}: {move.__name__}", silent=silent)

    def _tape(self, streams: Streams, start: int, stop: int, name: str, width: int) -> Tape:
        tape = self.tapes.get(name)
        if tape is None:
            tape = self.tapes[name] = streams.tape(name, width, start, stop)
        return tape


def checked_answer(answer: object, space: Space, n: int, who: str, *, silent: bool = False) -> Array:
    """A private copy of an answer, if it is one element of `space` per episode.

    Raises:
        PlayError: wrong type, wrong shape, or the first value outside the space.
    """
    if not isinstance(answer, np.ndarray):
        shown = " ".join(f"{answer!r}".split())
        raise PlayError(f"{who} returned {type(answer).__name__} {shown:.40}, expected an array of shape ({n},)")
    answer = np.asarray(answer)
    if answer.shape != (n,):
        raise PlayError(f"{who} returned an array of shape {answer.shape}, expected ({n},)")
    if not space.accepts(answer.dtype):
        shown = f", first value {' '.join(str(answer[0]).split()):.40}" if n else ""
        raise PlayError(f"{who} returned type {answer.dtype}{shown}, expected elements of {space.describe()}")
    inside = space.contains(answer)
    if silent:
        inside = inside | (answer == SILENT)
    if not inside.all():
        k = int(np.argmin(inside))
        raise PlayError(f"{who} returned {answer[k]} (row {k} of the block), outside {space.describe()}")
    return answer.astype(np.intp if isinstance(space, Finite) else np.float64)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
