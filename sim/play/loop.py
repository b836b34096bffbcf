"""The event loop: nature, the designer and every agent as SimPy processes that exchange messages.

Every message carries a *block* of episodes (arrays with a leading axis), so one loop is both the faithful process
model (one episode per message) and the fast one (thousands). Time is measured in periods; period t opens at time t.

Order of simultaneous events: what arrives at the deadline arrives before the designer settles (the alarm that ends
a stage has a lower priority than any delivery), and the designer reads its inbox by agent index. The order in which
processes were created plays no part.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from inspect import GEN_CLOSED, getgeneratorstate
from math import prod
from typing import Any, NamedTuple, cast

import numpy as np
import simpy
from simpy.events import Event, EventPriority

from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, frozen
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import SILENT, Finite, Space
from dynmech.sim.core.streams import Streams, Tapes
from dynmech.sim.economy.environment import State
from dynmech.sim.play.accumulator import Booking
from dynmech.sim.play.channel import Latency
from dynmech.sim.play.disclosure import shown_decision
from dynmech.sim.play.game import Game
from dynmech.sim.play.output_validation import checked_answer, one_line
from dynmech.sim.play.record import Keep, Record
from dynmech.sim.play.roles import Acts, Past, Situation, StrategyProtocol, View
from dynmech.sim.play.rules import Rules

AFTER_DELIVERIES = cast(EventPriority, 2)
"""Event priority below SimPy's URGENT (0) and NORMAL (1)."""

Process = Generator[Event, Any, None]

Letter = tuple[Array, BoolArray | None]
"""Messages, and which of them are on time (None: all)."""


def play_shard(
    game: Game,
    strategies: Sequence[StrategyProtocol],
    streams: Streams,
    *,
    episodes: int | None = None,
    block: int = 4096,
    keep: Keep = "everything",
    order: Sequence[int] | None = None,
    rounds: int | None = None,
) -> Record:
    """Play one shard, block by block; the block size and the order of creation change nothing.

    Where strategies learn, a block's economy is played `rounds` times, each time from its beginning and on draws of its
    own; what learners keep in `view.private` lasts. The last round is on the shard's own draws, those of any other
    play of the shard, and it is the one that is recorded; of the others the record holds mean payoffs (`learning`).

    Args:
        strategies: one per agent.
        streams: the shard's uniform numbers.
        episodes: how many of the shard's episodes exist (the last shard may be short).
        block: episodes per message.
        keep: how much of play the record holds, see `Record`.
        order: in which agent processes are created (for tests).
        rounds: how often the economy is played; None: as often as the most eager strategy wants.

    Raises:
        PlayError: a strategy or the mechanism broke the rules; one line.
    """
    count = streams.episodes if episodes is None else episodes
    rounds = max([1, *(strategy.rounds for strategy in strategies)]) if rounds is None else rounds
    record, practice = Record(game, count, keep, rounds), Record(game, count if rounds > 1 else 0, "payoffs")
    rules, tapes = Rules(game), Tapes(streams, block, count)
    for start in range(0, count, block):
        stop = min(start + block, count)
        notes: list[dict[str, Array]] = [{} for _ in strategies]
        for k in range(rounds - 1):
            fresh = Tapes(replace(streams, scope=f"{streams.scope}/round {k}"), block, stop)
            _Block(strategies, rules, fresh, practice, start, stop, Turn(k, rounds, notes)).run(order)
            record.learned(k, slice(start, stop), practice.payoffs[:, start:stop])
        _Block(strategies, rules, tapes, record, start, stop, Turn(rounds - 1, rounds, notes)).run(order)
    return record


class Turn(NamedTuple):
    """Which round of how many is played, and what every agent has noted down in those before (learners keep it)."""

    round: int
    rounds: int
    notes: list[dict[str, Array]]


class _Block:
    """One round of one block of episodes on one SimPy environment."""

    def __init__(
        self,
        strategies: Sequence[StrategyProtocol],
        rules: Rules,
        tapes: Tapes,
        record: Record,
        start: int,
        stop: int,
        turn: Turn,
    ) -> None:
        self.game, self.strategies, self.rules, self.record = rules.game, strategies, rules, record
        self.environment, self.names = self.game.environment, self.game.environment.agents
        self.agents = range(len(self.names))
        self.tapes, self.here, self.n = tapes, slice(start, stop), stop - start
        self.clock = simpy.Environment()
        self.begun: list[Process] = []
        self.opened, self.done = Event(self.clock), Event(self.clock)
        self.bells = [Event(self.clock) for _ in self.names]
        self.inbox: list[Letter | None] = [None] * len(self.names)
        self.desk: list[Array | None] = [None] * len(self.names)
        self.sent: list[Array] = [np.empty(0)] * len(self.names)
        self.stale = 0
        self.book = Booking(record, self.here)
        nothing = np.zeros((self.n, len(self.names)))
        self.nobody = Acts(frozen(nothing.astype(np.intp)), frozen(nothing))
        self.empty = frozen(np.zeros((self.n, 0)))
        latency = self.game.protocol.latency or [Latency()] * len(self.names)
        self.slow = [one.value > 0 for one in latency]
        self.sure = [not (slow or one.silent) for slow, one in zip(self.slow, strategies, strict=True)]
        self.looking_back = [i for i, strategy in enumerate(strategies) if strategy.memory_periods != 0]
        self.past: list[deque[Past]] = [deque(maxlen=strategy.memory_periods) for strategy in strategies]
        self.turn = turn
        self.private = [kept if one.rounds > 1 else {} for one, kept in zip(strategies, turn.notes, strict=True)]
        lasting = turn.round + 1 < turn.rounds
        self.learners = [i for i, strategy in enumerate(strategies) if lasting and strategy.rounds > 1]

    def run(self, order: Sequence[int] | None) -> None:
        """Create the processes and let the clock run until the designer is done."""
        try:
            self._begin(self._nature())
            for i in order if order is not None else self.agents:
                self._begin(self._agent(i))
            self.clock.run(until=self._begin(self._designer()))
        finally:
            # Who still waits leads back to the block: closed, it goes at once, and with it what it holds.
            for process in self.begun:
                process.close()
        self.book.close()

    def _begin(self, process: Process) -> Event:
        self.begun = [*(one for one in self.begun if getgeneratorstate(one) != GEN_CLOSED), process]
        return self.clock.process(process)

    def luck(self, names: tuple[str, ...], width: int, t: int) -> FloatArray:
        """Period t's uniform numbers, `(n, streams × width)`."""
        return self.tapes.at(names, width, t, self.here.start, self.here.stop)

    def lots(self, t: int) -> FloatArray:
        """The designer's own, `(n, 1)`."""
        return self.luck(("designer",), 1, t)

    # Nature

    def _nature(self) -> Process:
        state: State | None = None
        realised: Array | None = None
        for t in range(self.game.periods + self.game.closing):
            uniforms = self.luck(self.environment.streams(t), 1, t)
            state = self.environment.draw(t, state, realised, uniforms)
            self.opened.succeed(state)
            realised = yield self.done
            self.done = Event(self.clock)
            yield self.clock.timeout(t + 1 - self.clock.now)

    # The designer

    def _designer(self) -> Process:
        memory = frozen(np.zeros(self.n, np.intp))
        for t in range(self.game.periods):
            state = yield self.opened
            self.opened = Event(self.clock)
            now = Situation(t, memory, frozen(state.public))
            columns = state.signals.T
            signals = [frozen(columns[i]) for i in self.agents]
            agenda = self.rules.agenda(t)
            views = self._open(now, state, signals)
            yield self._alarm(self.game.protocol.deadline)
            messages = self._settle(now)
            decision = self.rules.decide(now, messages, self.lots)
            realised, acts = decision, self.nobody
            if agenda.actions:
                done = yield from self._stage_actions(now, views, messages, decision)
                realised, seen = self._realise(t, decision, done)
                acts = acts._replace(seen=seen)
            utility = self.environment.utility(t, state, realised)
            if any(agenda.asks):
                replies = yield from self._stage_replies(now, views, messages, decision, utility)
                acts = acts._replace(replies=replies)
            transfers = self.rules.transfers(now, messages, decision, acts)
            memory = self.rules.remember(now, messages, decision, acts)
            cost = self.environment.cost(t, state, realised) if self.record.sums else None
            self.book.period(t, state, decision, utility, transfers, cost)
            self._disclose(now, views, messages, decision, transfers, utility)
            self.done.succeed(realised)
        yield from self._close(memory, views)

    def _close(self, memory: Array, views: list[View]) -> Process:
        """After a truncated horizon: prescribed messages, nothing decided anew is booked, only what is due."""
        for t in range(self.game.periods, self.game.periods + self.game.closing):
            state = yield self.opened
            self.opened = Event(self.clock)
            now = Situation(t, memory, frozen(state.public))
            room, spaces = self.rules.room(t, self.n), self.rules.agenda(t).messages
            for i, column in enumerate(state.signals.T):
                room[i] = self.rules.prescribed(now, i, frozen(column), spaces[i])
            messages = room.T
            due = self.rules.due(now, messages)
            self.book.closing(t, state, due)
            self._settle_up(now, views, state, messages, due)
            decision = self.rules.decide(now, messages, self.lots)
            memory = self.rules.remember(now, messages, decision, self.nobody)
            self.done.succeed(decision)

    def _alarm(self, delay: float) -> Event:
        """An event that comes after everything else at its time."""
        event = Event(self.clock)
        event._ok, event._value = True, None
        self.clock.schedule(event, AFTER_DELIVERIES, delay)
        return event

    def _open(self, now: Situation, state: State, signals: list[Array]) -> list[View]:
        """Let every agent see its own signal, and ring its bell."""
        memory = now.memory if self.game.protocol.disclosure == "everything" else None
        spaces, prescribed = self.rules.agenda(now.t).messages, self.rules.prescribed
        views = []
        for i, strategy in enumerate(self.strategies):
            signal, width = signals[i], strategy.width
            view = View(
                t=now.t,
                agent=i,
                signal=signal,
                public=now.public,
                memory=memory,
                space=spaces[i],
                prescribed=prescribed(now, i, signal, spaces[i]),
                uniforms=frozen(self.luck((f"agent {i}",), width, now.t)) if width else self.empty,
                past=tuple(self.past[i]),
                private=self.private[i],
                game_spaces=self.game.game_spaces,
                spied=frozen(state.signals) if strategy.spies else None,
                round=self.turn.round,
                rounds=self.turn.rounds,
            )
            views.append(view)
            self._ring(i, view)
        return views

    def _ring(self, agent: int, view: View) -> None:
        bell, self.bells[agent] = self.bells[agent], Event(self.clock)
        bell.succeed(view)

    def _settle(self, now: Situation) -> Array:
        """The messages that count, `(n, N)`: what arrived, else the default."""
        counted = self.rules.room(now.t, self.n)
        for i in self.agents:
            letter, self.inbox[i] = self.inbox[i], None
            counted[i] = letter[0] if letter is not None and self.sure[i] else self._mended(now, i, letter)
        if self.record.everything and self.record.counted is not self.record.report:
            self.record.counted[now.t, :, self.here] = counted
        counted.flags.writeable = False
        return counted.T

    def _mended(self, now: Situation, agent: int, letter: Letter | None) -> Array:
        """A message with the default where it is late or missing."""
        if letter is None:
            counted, missing = self.rules.default(now, agent), np.ones(self.n, np.bool_)
        else:
            message, on_time = letter
            missing = message == SILENT if self.strategies[agent].silent else np.zeros(self.n, np.bool_)
            missing = missing if on_time is None else missing | ~on_time
            if not missing.any():
                return message
            counted = np.where(missing, self.rules.default(now, agent), message)
        if self.record.everything:
            self.record.put("defaulted", (now.t, agent, self.here), missing)
            self.record.put("counted", (now.t, agent, self.here), counted)
        return counted

    def _disclose(
        self,
        now: Situation,
        views: list[View],
        messages: Array,
        decision: Array,
        transfers: FloatArray,
        utility: FloatArray,
    ) -> None:
        """Add the period to what each agent knows of the past, as far as the policy shows it; let learners learn."""
        if not (self.looking_back or self.learners):
            return
        everything = self.game.protocol.disclosure == "everything"
        reports, all_transfers = (frozen(messages), frozen(transfers)) if everything else (None, None)
        for i in sorted({*self.looking_back, *self.learners}):
            seen = Past(
                t=now.t,
                public=now.public,
                signal=views[i].signal,
                message=frozen(self.sent[i]),
                decision=self._shown(now.t, decision, i),
                reports=reports,
                transfer=frozen(transfers[:, i]),
                transfers=all_transfers,
                utility=frozen(utility[:, i]),
            )
            self.past[i].append(seen)
            if i in self.learners:
                self._teach(i, views[i], seen)

    def _settle_up(self, now: Situation, views: list[View], state: State, messages: Array, due: FloatArray) -> None:
        """Let learners see what fell due in a closing period."""
        for i in self.learners:
            own = frozen(state.signals[:, i]), frozen(messages[:, i])
            paid, nothing = frozen(due[:, i]), frozen(np.zeros(self.n))
            self._teach(i, views[i], Past(now.t, now.public, *own, None, None, paid, None, nothing))

    def _teach(self, agent: int, view: View, seen: Past) -> None:
        """Show a learner a period that is over; what it raises becomes one line."""
        try:
            self.strategies[agent].observe(view, seen)
        except PlayError as error:
            raise PlayError(f"{self._whose(agent, seen.t)}: {error}") from error
        except (Exception, SystemExit) as error:
            raise PlayError(f"{self._whose(agent, seen.t)}: observe raised {one_line(error)}") from error

    def _shown(self, t: int, decision: Array, agent: int) -> Array | None:
        shown = shown_decision(self.game.protocol.disclosure, self.environment, t, decision, agent)
        return None if shown is None else frozen(shown)

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
        for i in self.agents:
            action = self._collect(i)
            if self.record.everything:
                self.record.put("action", (now.t, i, self.here), action)
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
        asked = {i: space for i, space in enumerate(self.rules.agenda(now.t).asks) if space is not None}
        for i, space in asked.items():
            own = frozen(utility[:, i])
            prescribed = self.rules.prescribed_reply(now, i, space, messages, decision, own)
            self._ring(i, self._later(i, views[i], now, messages, decision, space, prescribed, own))
        yield self._alarm(0)
        for i in asked:
            replies[:, i] = self._collect(i)
            if self.record.everything:
                self.record.put("reply", (now.t, i, self.here), replies[:, i])
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
        return view.after_decision(
            space=space,
            prescribed=frozen(prescribed),
            decision=self._shown(now.t, decision, agent),
            reports=frozen(messages) if self.game.protocol.disclosure == "everything" else None,
            utility=utility,
        )

    # Agents

    def _agent(self, i: int) -> Process:
        strategy, slow = self.strategies[i], self.slow[i]
        while True:
            view: View = yield self.bells[i]
            t = view.t
            message = self.sent[i] = self._answer(i, strategy.message, view, strategy.silent)
            if self.record.everything:
                self.record.report[t, i, self.here] = message
            if slow:
                yield from self._send(i, t, message)
            else:
                self.inbox[i] = (message, None)
            agenda = self.rules.agenda(t)
            if agenda.actions:
                view = yield self.bells[i]
                self.desk[i] = self._answer(i, strategy.action, view)
            if agenda.asks[i] is not None:
                view = yield self.bells[i]
                self.desk[i] = self._answer(i, strategy.reply, view)

    def _send(self, i: int, t: int, message: Array) -> Process:
        """Post a message; what is on time arrives as one letter, what is late as another, after the deadline."""
        protocol = self.game.protocol
        latency = protocol.latency[i].draw(self.luck((f"latency {i}",), 1, t)[:, 0])
        on_time = latency <= protocol.deadline
        if self.record.everything:
            self.record.put("latency", (t, i, self.here), latency)
        if not on_time.all():
            if self.record.everything:
                self.record.put("late", (t, i, self.here), ~on_time)
            self._begin(self._courier(float(latency[~on_time].max()), int((~on_time).sum())))
        if on_time.any():
            yield self.clock.timeout(min(float(latency[on_time].max()), t + protocol.deadline - self.clock.now))
            self.inbox[i] = (message, on_time)

    def _courier(self, delay: float, letters: int) -> Process:
        """Late letters reach the designer after it has settled; they are counted and thrown away."""
        yield self.clock.timeout(delay)
        self.stale += letters

    def _answer(self, i: int, move: Callable[[View], Array], view: View, silent: bool = False) -> Array:
        """A strategy's answer, or one line that says what is wrong with it; it is held to what the view said before."""
        t, space, prescribed = view.t, view.space, view.prescribed
        try:
            answer = move(view)
        except PlayError as error:
            raise PlayError(f"{self._whose(i, t)}: {error}") from error
        except (Exception, SystemExit) as error:
            raise PlayError(f"{self._whose(i, t)}: {move.__name__} raised {one_line(error)}") from error
        if answer is prescribed:
            return prescribed  # which nobody can have written to, and which was checked before it was shown
        return checked_answer(answer, space, self.n, lambda: f"{self._whose(i, t)}: {move.__name__}", silent=silent)

    def _whose(self, agent: int, t: int) -> str:
        return f"strategy {self.strategies[agent].name!r} of agent {self.names[agent]!r} in period {t}"
