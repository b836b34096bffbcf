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

from sim.answers import checked_answer, one_line
from sim.arrays import Array, BoolArray, FloatArray, frozen
from sim.disclosure import shown_decision
from sim.environment import State
from sim.errors import PlayError
from sim.game import Game
from sim.record import Record
from sim.roles import Acts, Past, Situation, Strategy, View
from sim.rules import Rules
from sim.spaces import SILENT, Finite, Space
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
        self.environment = game.environment
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
        self.rules = Rules(game, self.n, lambda t: self.tape("designer", 1).at(t))
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
            self.asked = [self.rules.asks(t, i) for i in range(len(self.names))]
            views = self._open(now, state, signals)
            yield self._alarm(self.game.conduct.deadline)
            messages = self._settle(now)
            decision = self.rules.decide(now, messages)
            realised, acts = decision, self._nobody
            utility = None
            if self.environment.actions(t):
                actions = yield from self._stage_actions(now, views, messages, decision)
                realised, seen = self._realise(t, decision, actions)
                acts = acts._replace(seen=seen)
            utility = self.environment.utility(t, state, realised)
            if any(space is not None for space in self.asked):
                replies = yield from self._stage_replies(now, views, messages, decision, utility)
                acts = acts._replace(replies=replies)
            transfers = self.rules.charge(now, messages, decision, acts) + self.rules.due(now, messages)
            memory = self.rules.remember(now, messages, decision, acts)
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
            messages = self.rules.room(t)
            for i in range(len(self.names)):
                messages[i] = self.rules.prescribed(now, i, frozen(state.signals[:, i]))
            messages = messages.T
            self.record.public[t, self.here] = state.public
            self.record.signal[t, :, self.here] = state.signals.T
            self.record.transfer[t, :, self.here] = self.rules.due(now, messages).T
            decision = self.rules.decide(now, messages)
            memory = self.rules.remember(now, messages, decision, self._nobody)
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
            prescribed = self.rules.prescribed(now, i, signals[i])
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
        counted = self.rules.room(t)
        for i in range(len(self.names)):
            letter, self.inbox[i] = self.inbox[i], None
            if letter is None:
                counted[i] = self.rules.default(now, i)
                self.record.defaulted[t, i, self.here] = True
                continue
            message, on_time = letter
            missing = message == SILENT if self.strategies[i].silent else None
            if on_time is not None:
                missing = ~on_time if missing is None else missing | ~on_time
            if missing is not None and missing.any():
                message = np.where(missing, self.rules.default(now, i), message)
                self.record.defaulted[t, i, self.here] = missing
            counted[i] = message
        self.record.counted[t, :, self.here] = counted
        counted.flags.writeable = False
        return counted.T

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

    def _stage_actions(
        self, now: Situation, views: list[View], messages: Array, decision: Array
    ) -> Generator[Event, Any, list[Array]]:
        """Every agent with a choice acts; `decision` carries what is recommended."""
        sizes = [len(labels) for labels in self.environment.actions(now.t)]
        recommended = np.unravel_index(decision % prod(sizes), sizes)
        out: list[Array] = []
        for i, labels in enumerate(self.environment.actions(now.t)):
            self._ring(i, self._later(i, views[i], now, messages, decision, Finite(labels), recommended[i], None))
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
        return realised, np.stack([self.rules.seen(t, i, action) for i, action in enumerate(actions)], axis=1)

    def _stage_replies(
        self, now: Situation, views: list[View], messages: Array, decision: Array, utility: FloatArray
    ) -> Generator[Event, Any, FloatArray]:
        """Every agent that is asked replies, knowing its own flow utility."""
        replies = np.zeros((self.n, len(self.names)))
        asked = {i: space for i, space in enumerate(self.asked) if space is not None}
        for i, space in asked.items():
            own = frozen(utility[:, i])
            prescribed = self.rules.prescribed_reply(now, i, space, messages, decision, own)
            self._ring(i, self._later(i, views[i], now, messages, decision, space, prescribed, own))
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
        messages: Array,
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
            reports=frozen(messages) if self.game.conduct.disclosure == "everything" else None,
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
            raise PlayError(f"{who}: {move.__name__} raised {one_line(error)}") from error
        return checked_answer(answer, space, self.n, f"{who}: {move.__name__}", silent=silent)

    def _tape(self, streams: Streams, start: int, stop: int, name: str, width: int) -> Tape:
        tape = self.tapes.get(name)
        if tape is None:
            tape = self.tapes[name] = streams.tape(name, width, start, stop)
        return tape
