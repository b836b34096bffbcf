"""An agent: the process that sends messages, acts and replies as its strategy says, and remembers what it was told."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from simpy import Environment

from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, frozen
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import LEAVE, Space
from dynmech.sim.economy.environment import State
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.block import Block
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.messages import Channel, Inbox, Message, Process
from dynmech.sim.play.output_validation import checked_answer, checked_payment, one_line
from dynmech.sim.play.roles import Past, Situation, StrategyProtocol, View


class Told(NamedTuple):
    """What is shown of a period's messages: all of them `(n, N)`, or what is announced of them `(n,)`."""

    reports: Array | None
    announced: Array | None


NOTHING_TOLD = Told(None, None)


class Agent:
    """One agent in one block of episodes.

    The designer calls `open_period`, `ask` and `end_period`; the first two send a view to the process, which answers
    through the inbox.

    Args:
        index: the agent's index.
        inbox: the designer's.
        private: the arrays that its strategy keeps; in those of an earlier round a learner finds what it has learned.

    Attributes:
        reliable: whether no message of it can be late or missing.
        sent: its last messages as it sent them, `(n,)`.
        gone: where it has left, `(n,)`; None: its strategy never does.
        watches: whether anything uses what it is told once a period is over.
        learns: whether its strategy is to learn in this round.
    """

    sent: Array

    def __init__(
        self,
        index: int,
        strategy: StrategyProtocol,
        block: Block,
        clock: Environment,
        inbox: Inbox,
        private: dict[str, Array],
    ) -> None:
        self.index, self.strategy = index, strategy
        self._block, self._clock, self._inbox, self._private = block, clock, inbox, private
        latencies = block.game.protocol.latency
        self._latency = latencies[index] if latencies else Latency()
        self._slow = self._latency.value > 0
        self.reliable = not (self._slow or strategy.silent)
        self.learns = block.round + 1 < block.rounds and strategy.rounds > 1
        self.watches = self.learns or strategy.memory_periods != 0
        self.gone: BoolArray | None = np.zeros(block.size, np.bool_) if strategy.leaves else None
        self._past: deque[Past] = deque(maxlen=strategy.memory_periods)
        self._views = Channel(clock)
        self._view: View | None = None
        self._no_uniforms = frozen(np.zeros((block.size, 0)))

    # The process

    def run(self) -> Process:
        """In every period, send a message; act and reply where the agenda says so; pay the bill, or not."""
        block, i, strategy = self._block, self.index, self.strategy
        billed = block.game.protocol.payments is not None
        while True:
            view: View = yield self._views.receive()
            if view.bill is not None:  # in a closing period there is nothing but bills
                self._inbox.put_answer(i, self._payment(view, view.bill))
                continue
            t = view.t
            message = self.sent = self._message(view)
            if block.record.everything:
                block.record.report[t, i, block.episodes] = message
            if self._slow:
                yield from self._send_slowly(t, message)
            else:
                self._inbox.put_message(i, Message(message, None))
            agenda = block.rules.agenda(t)
            if agenda.actions:
                view = yield self._views.receive()
                self._inbox.put_answer(i, self._answer(strategy.action, view))
            if agenda.asks[i] is not None:
                view = yield self._views.receive()
                self._inbox.put_answer(i, self._answer(strategy.reply, view))
            if billed:
                view = yield self._views.receive()
                assert view.bill is not None
                self._inbox.put_answer(i, self._payment(view, view.bill))

    def _message(self, view: View) -> Array:
        """The strategy's message, `(n,)`; whoever has left stays away, whatever the strategy says later."""
        strategy = self.strategy
        message = self._answer(strategy.message, view, silent=strategy.silent, leaves=strategy.leaves)
        if self.gone is None:
            return message
        self.gone = self.gone | (message == LEAVE)
        return np.where(self.gone, LEAVE, message)

    def _send_slowly(self, t: int, message: Array) -> Process:
        """Deliver the messages that are on time when the last of them arrives; late ones are never delivered."""
        block, deadline = self._block, self._block.game.protocol.deadline
        latency = self._latency.draw(block.uniforms((f"latency {self.index}",), 1, t)[:, 0])
        on_time = latency <= deadline
        if block.record.everything:
            place = t, self.index, block.episodes
            block.record.put("latency", place, latency)
            if not on_time.all():
                block.record.put("late", place, ~on_time)
        if on_time.any():
            yield self._clock.timeout(min(float(latency[on_time].max()), t + deadline - self._clock.now))
            self._inbox.put_message(self.index, Message(message, on_time))

    def _answer(
        self, move: Callable[[View], Array], view: View, *, silent: bool = False, leaves: bool = False
    ) -> Array:
        """The strategy's answer, `(n,)`, held to what the view said before the strategy was called.

        Raises:
            PlayError: the strategy raised something or returned what it may not; one line.
        """
        t, space, prescribed = view.t, view.space, view.prescribed
        try:
            answer = move(view)
        except PlayError as error:
            raise PlayError(f"{self._who(t)}: {error}") from error
        except (Exception, SystemExit) as error:
            raise PlayError(f"{self._who(t)}: {move.__name__} raised {one_line(error)}") from error
        if answer is prescribed:
            return prescribed  # which nobody can have written to, and which was checked before it was shown
        who = lambda: f"{self._who(t)}: {move.__name__}"  # noqa: E731 - asked for where something is wrong only
        return checked_answer(answer, space, self._block.size, who, silent=silent, leaves=leaves)

    def _payment(self, view: View, bill: Bill) -> FloatArray:
        """What the agent pays, `(n,)`, from 0 to what it owes.

        Raises:
            PlayError: the strategy raised something or returned what it may not; one line.
        """
        if self._block.game.protocol.voluntary is None:
            return bill.owed
        who = f"{self._who(view.t)}: pay"
        try:
            answer = self.strategy.pay(view, bill)
        except PlayError as error:
            raise PlayError(f"{self._who(view.t)}: {error}") from error
        except (Exception, SystemExit) as error:
            raise PlayError(f"{who} raised {one_line(error)}") from error
        return bill.owed if answer is bill.owed else checked_payment(answer, bill, who)

    # What the designer tells it

    def open_period(
        self, now: Situation, state: State, signal: Array, memory: Array | None, prescribed: Array, space: Space
    ) -> None:
        """Show the agent its own signal `(n,)`, and ask for a message from `space`."""
        block, strategy = self._block, self.strategy
        width = strategy.width
        uniforms = frozen(block.uniforms((f"agent {self.index}",), width, now.t)) if width else self._no_uniforms
        self._view = View(
            t=now.t,
            agent=self.index,
            signal=signal,
            public=now.public,
            memory=memory,
            space=space,
            prescribed=prescribed,
            uniforms=uniforms,
            past=tuple(self._past),
            private=self._private,
            game_spaces=block.game.game_spaces,
            spied=frozen(state.signals) if strategy.spies else None,
            round=block.round,
            rounds=block.rounds,
        )
        self._views.send(self._view)

    def ask(self, space: Space, prescribed: Array, decision: Array | None, told: Told, utility: Array | None) -> None:
        """Ask for an action or a reply from `space`, after the decision."""
        asked = frozen(prescribed)
        self._views.send(
            self._opening_view.after_decision(
                space=space, prescribed=asked, decision=decision, utility=utility, **told._asdict()
            )
        )

    def ask_to_pay(self, t: int, bill: Bill, decision: Array | None, told: Told, utility: Array | None) -> None:
        """Send the agent its bill, after the decision."""
        self._views.send(
            replace(self._opening_view, t=t, bill=bill, decision=decision, utility=utility, **told._asdict())
        )

    def end_period(
        self,
        now: Situation,
        decision: Array | None,
        told: Told,
        transfer: Array,
        transfers: Array | None,
        utility: Array,
    ) -> None:
        """Add a period to the agent's past, as far as the policy shows it; let a learner learn from it."""
        past = Past(
            t=now.t,
            public=now.public,
            signal=self._opening_view.signal,
            message=frozen(self.sent),
            decision=decision,
            reports=told.reports,
            transfer=transfer,
            transfers=transfers,
            utility=utility,
            announced=told.announced,
        )
        self._past.append(past)
        if self.learns:
            self.observe(past)

    def observe(self, past: Past) -> None:
        """Show a learner a period that is over.

        Raises:
            PlayError: the strategy raised something; one line.
        """
        try:
            self.strategy.observe(self._opening_view, past)
        except PlayError as error:
            raise PlayError(f"{self._who(past.t)}: {error}") from error
        except (Exception, SystemExit) as error:
            raise PlayError(f"{self._who(past.t)}: observe raised {one_line(error)}") from error

    @property
    def _opening_view(self) -> View:
        """What the agent saw when it was asked for its last message."""
        assert self._view is not None, "no period has been opened"
        return self._view

    def _who(self, t: int) -> str:
        name = self._block.game.environment.agents[self.index]
        return f"strategy {self.strategy.name!r} of agent {name!r} in period {t}"
