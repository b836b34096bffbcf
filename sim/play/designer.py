"""The designer: the process that asks for messages, settles at the deadline, decides, charges and remembers."""

from collections.abc import Generator, Sequence
from math import prod
from typing import Any, cast

import numpy as np
from simpy import Environment
from simpy.events import Event, EventPriority

from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, frozen
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import State
from dynmech.sim.play.accumulator import Booking
from dynmech.sim.play.agent import NOTHING_TOLD, Agent, Told
from dynmech.sim.play.billing import Ledger
from dynmech.sim.play.block import Block
from dynmech.sim.play.disclosure import ANNOUNCED, shown_decision
from dynmech.sim.play.late_messages import with_default
from dynmech.sim.play.messages import Channel, Inbox, Message, Process
from dynmech.sim.play.roles import Acts, Past, Situation

AFTER_DELIVERIES = cast(EventPriority, 2)
"""Event priority below SimPy's URGENT (0) and NORMAL (1)."""


class Designer:
    """Carries out the mechanism in one block of episodes; its process ends with the block.

    Args:
        agents: in the order of their indices.
        inbox: where they answer.
        states: brings nature's state when a period opens.
        decisions: carries back to nature what was realised, `(n,)`, when the period is over.
    """

    def __init__(
        self,
        block: Block,
        clock: Environment,
        agents: Sequence[Agent],
        inbox: Inbox,
        states: Channel,
        decisions: Channel,
    ) -> None:
        self._block, self._clock, self._agents, self._inbox = block, clock, agents, inbox
        self._states, self._decisions = states, decisions
        self._game, self._rules, self._record = block.game, block.rules, block.record
        self._environment = block.game.environment
        self._everything = block.game.protocol.disclosure == "everything"
        self._announces = block.game.protocol.disclosure == ANNOUNCED
        self._accounts = Booking(block.record, block.episodes)
        nothing = np.zeros((block.size, len(agents)))
        self._no_acts = Acts(frozen(nothing.astype(np.intp)), frozen(nothing))
        self._watching = [agent for agent in agents if agent.watches]
        self._learners = [agent for agent in agents if agent.learns]
        billed = self._game.protocol.payments is not None
        self._ledger = Ledger(self._game, block.size) if billed else None
        outside = getattr(self._environment, "outside", ()) or (0.0,) * len(agents)
        self._outside = np.array(outside)
        self._leaving = [agent for agent in agents if agent.gone is not None]
        self._record.leaving |= bool(self._leaving)
        if billed and self._leaving:
            who = f"strategy {self._leaving[0].strategy.name!r}"
            raise PlayError(f"{who}: nobody leaves where {self._game.protocol.instead_of_leaving}")
        self._reads = bool(getattr(self._game.mechanism, "reads_payments", False))

    def run(self) -> Process:
        """Play all periods, closing ones included, and hand the sums over to the record."""
        memory = frozen(np.zeros(self._block.size, np.intp))
        for t in range(self._game.periods):
            state = yield self._states.receive()
            now = Situation(t, memory, frozen(state.public))
            self._open(now, state)
            yield self._alarm(self._game.protocol.deadline)
            messages = self._settle(now)
            decision = self._rules.decide(now, messages, self._uniforms)
            realised, utility, acts = yield from self._after_decision(now, state, messages, decision)
            if self._ledger is not None and self._reads:
                acts = acts._replace(paid=frozen(self._ledger.good.T))
            transfers = self._rules.transfers(now, messages, decision, acts)
            utility, transfers = self._where_they_stay(utility), self._where_they_stay(transfers)
            if self._ledger is not None:
                shown = self._told(now, messages, decision), decision
                utility, transfers, acts = yield from self._collect(self._ledger, now, acts, transfers, utility, shown)
            memory = self._rules.remember(now, messages, decision, acts)
            cost = self._environment.cost(t, state, realised) if self._record.sums else None
            self._accounts.period(t, state, decision, utility, transfers, cost)
            self._disclose(now, messages, decision, transfers, utility)
            self._decisions.send(realised)
        yield from self._close(memory)
        self._accounts.close()

    def _close(self, memory: Array) -> Process:
        """Play the closing periods of a truncated horizon: messages as prescribed; only what falls due is booked."""
        for t in range(self._game.periods, self._game.periods + self._game.closing):
            state = yield self._states.receive()
            now = Situation(t, memory, frozen(state.public))
            room, spaces = self._rules.room(t, self._block.size), self._rules.agenda(t).messages
            for i, column in enumerate(state.signals.T):
                room[i] = self._rules.prescribed(now, i, frozen(column), spaces[i])
            messages = room.T
            due = self._where_they_stay(self._rules.due(now, messages))
            if self._ledger is not None:
                _, due, _ = yield from self._collect(self._ledger, now, self._no_acts, due)
            self._accounts.closing(t, state, due)
            self._show_due(now, state, messages, due)
            decision = self._rules.decide(now, messages, self._uniforms)
            memory = self._rules.remember(now, messages, decision, self._no_acts)
            self._decisions.send(decision)

    def _uniforms(self, t: int) -> FloatArray:
        """The designer's own uniform numbers of period t, `(n, 1)`."""
        return self._block.uniforms(("designer",), 1, t)

    def _alarm(self, delay: float) -> Event:
        """An event that comes after everything else at its time."""
        event = Event(self._clock)
        event._ok, event._value = True, None
        self._clock.schedule(event, AFTER_DELIVERIES, delay)
        return event

    # Messages

    def _open(self, now: Situation, state: State) -> None:
        """Let every agent see its own signal, and ask it for a message."""
        memory = now.memory if self._everything else None
        spaces, columns = self._rules.agenda(now.t).messages, state.signals.T
        signals = [frozen(columns[i]) for i in range(len(self._agents))]
        for agent, signal, space in zip(self._agents, signals, spaces, strict=True):
            prescribed = self._rules.prescribed(now, agent.index, signal, space)
            agent.open_period(now, state, signal, memory, prescribed, space)

    def _settle(self, now: Situation) -> Array:
        """The messages that count, `(n, N)`: what arrived, else the default; agents in the order of their indices."""
        counted = self._rules.room(now.t, self._block.size)
        for i, agent in enumerate(self._agents):
            message = self._inbox.take_message(i)
            sure = message is not None and agent.reliable
            counted[i] = message.values if message is not None and sure else self._with_default(now, agent, message)
            out = self._out(i)
            if out is not None and out.any():
                counted[i] = self._without(now, i, out, counted[i])
        if self._record.everything and self._record.counted is not self._record.report:
            self._record.counted[now.t, :, self._block.episodes] = counted
        counted.flags.writeable = False
        return counted.T

    def _with_default(self, now: Situation, agent: Agent, message: Message | None) -> Array:
        """An agent's messages `(n,)`, with the default where they are late or missing."""
        i, silent = agent.index, agent.strategy.silent
        counted, missing = with_default(message, lambda: self._rules.default(now, i), self._block.size, silent=silent)
        if self._record.everything and missing.any():
            self._record.put("defaulted", (now.t, i, self._block.episodes), missing)
            self._record.put("counted", (now.t, i, self._block.episodes), counted)
        return counted

    def _without(self, now: Situation, i: int, out: BoolArray, counted: Array) -> Array:
        """An agent's messages `(n,)`, with the default where it is out."""
        replaced = np.where(out, self._rules.default(now, i), counted)
        if self._record.everything:
            place = now.t, i, self._block.episodes
            self._record.put("defaulted", place, self._record.defaulted[place] | out)
            self._record.put("counted", place, replaced)
        return replaced

    # Who is out

    def _out(self, i: int) -> BoolArray | None:
        """Where an agent has been excluded or has left, `(n,)`; None: nowhere."""
        return self._agents[i].gone if self._ledger is None else self._ledger.out[i]

    def _where_they_stay(self, flows: FloatArray) -> FloatArray:
        """Flows `(n, N)` with 0 for agents that have left: they neither enjoy nor pay anything."""
        if not self._leaving:
            return flows
        flows = np.array(flows)
        for agent in self._leaving:
            assert agent.gone is not None
            flows[agent.gone, agent.index] = 0.0
        return flows

    # Actions and replies

    def _after_decision(
        self, now: Situation, state: State, messages: Array, decision: Array
    ) -> Generator[Event, Any, tuple[Array, FloatArray, Acts]]:
        """Let agents act and reply: what was realised `(n,)`, utilities `(n, N)`, and what the designer sees."""
        agenda, realised, acts = self._rules.agenda(now.t), decision, self._no_acts
        if agenda.actions:
            actions = yield from self._collect_actions(now, messages, decision)
            realised, seen = self._realise(now.t, decision, actions)
            acts = acts._replace(seen=seen)
        utility = self._environment.utility(now.t, state, realised)
        if any(agenda.asks):
            replies = yield from self._collect_replies(now, messages, decision, utility)
            acts = acts._replace(replies=replies)
        return realised, utility, acts

    def _collect_actions(self, now: Situation, messages: Array, decision: Array) -> Generator[Event, Any, list[Array]]:
        """Every agent's private action, `(n,)` each; `decision` carries what is recommended."""
        labels = self._environment.actions(now.t)
        sizes = [len(names) for names in labels]
        recommended = np.unravel_index(decision % prod(sizes), sizes)
        told = self._told(now, messages, decision)
        for i, agent in enumerate(self._agents):
            shown = self._shown_decision(now.t, decision, i)
            agent.ask(Finite(labels[i]), recommended[i], shown, told, None)
        yield self._alarm(0)
        actions: list[Array] = []
        for i in range(len(self._agents)):
            action = self._unless_out(i, self._inbox.take_answer(i), recommended[i])
            if self._record.everything:
                self._record.put("action", (now.t, i, self._block.episodes), action)
            actions.append(action)
        return actions

    def _realise(self, t: int, decision: Array, actions: list[Array]) -> tuple[Array, Array]:
        """The decision with the actions really taken `(n,)`, and what the designer sees of them `(n, N)`."""
        sizes = [len(labels) for labels in self._environment.actions(t)]
        public = decision // prod(sizes)
        realised = public * prod(sizes) + np.ravel_multi_index(actions, sizes)
        return realised, np.stack([self._rules.seen(t, i, action) for i, action in enumerate(actions)], axis=1)

    def _collect_replies(
        self, now: Situation, messages: Array, decision: Array, utility: FloatArray
    ) -> Generator[Event, Any, FloatArray]:
        """Replies `(n, N)` of the agents that are asked, who know their own flow utility; zeros for the others."""
        replies = np.zeros((self._block.size, len(self._agents)))
        asked = {i: space for i, space in enumerate(self._rules.agenda(now.t).asks) if space is not None}
        told = self._told(now, messages, decision)
        for i, space in asked.items():
            own = frozen(utility[:, i])
            prescribed = self._rules.prescribed_reply(now, i, space, messages, decision, own)
            shown = self._shown_decision(now.t, decision, i)
            self._agents[i].ask(space, prescribed, shown, told, own)
            replies[:, i] = prescribed
        yield self._alarm(0)
        for i in asked:
            replies[:, i] = self._unless_out(i, self._inbox.take_answer(i), replies[:, i])
            if self._record.everything:
                self._record.put("reply", (now.t, i, self._block.episodes), replies[:, i])
        return replies

    def _unless_out(self, i: int, answer: Array, prescribed: Array) -> Array:
        """An agent's actions or replies `(n,)`, the prescribed ones where it is out."""
        out = self._out(i)
        return answer if out is None else np.where(out, prescribed, answer)

    # Bills

    def _collect(
        self,
        ledger: Ledger,
        now: Situation,
        acts: Acts,
        transfers: FloatArray,
        utility: FloatArray | None = None,
        shown: tuple[Told, Array] | None = None,
    ) -> Generator[Event, Any, tuple[FloatArray, FloatArray, Acts]]:
        """Send every agent its bill and take what it pays: utilities and payments `(n, N)`, and who is in standing.

        An agent that has been excluded is not billed, and what it enjoys is its outside option.
        """
        felt = np.zeros(transfers.shape) if utility is None else np.where(ledger.out.T, self._outside, utility)
        for agent, bill in zip(self._agents, ledger.bill(now.t, transfers), strict=True):
            i = agent.index
            told, decision = (NOTHING_TOLD, None) if shown is None else shown
            seen = None if decision is None else self._shown_decision(now.t, decision, i)
            agent.ask_to_pay(now.t, bill, seen, told, None if utility is None else frozen(felt[:, i]))
        yield self._alarm(0)
        settled = ledger.book(now.t, np.stack([self._inbox.take_answer(i) for i in range(len(self._agents))]))
        self._accounts.payments(now.t, settled)
        return felt, settled.transfer.T, acts._replace(paid=ledger.good.T) if self._reads else acts

    # Disclosure

    def _disclose(
        self, now: Situation, messages: Array, decision: Array, transfers: FloatArray, utility: FloatArray
    ) -> None:
        """Tell agents of the period that is over, as far as the policy shows it."""
        if not self._watching:
            return
        told = self._told(now, messages, decision)
        all_transfers = frozen(transfers) if self._everything else None
        for agent in self._watching:
            i = agent.index
            shown = self._shown_decision(now.t, decision, i)
            agent.end_period(now, shown, told, frozen(transfers[:, i]), all_transfers, frozen(utility[:, i]))

    def _show_due(self, now: Situation, state: State, messages: Array, due: FloatArray) -> None:
        """Let learners see what fell due in a closing period."""
        for agent in self._learners:
            i = agent.index
            own = frozen(state.signals[:, i]), frozen(messages[:, i])
            paid, nothing = frozen(due[:, i]), frozen(np.zeros(self._block.size))
            agent.observe(Past(now.t, now.public, *own, None, None, paid, None, nothing))

    def _shown_decision(self, t: int, decision: Array, agent: int) -> Array | None:
        """The decision as the policy shows it to an agent, `(n,)`."""
        shown = shown_decision(self._game.protocol.disclosure, self._environment, t, decision, agent)
        return None if shown is None else frozen(shown)

    def _told(self, now: Situation, messages: Array, decision: Array) -> Told:
        """What the policy shows of the messages that counted `(n, N)`: all, what is announced of them, or nothing."""
        if self._everything:
            return Told(frozen(messages), None)
        return Told(None, self._rules.announces(now, messages, decision)) if self._announces else NOTHING_TOLD
