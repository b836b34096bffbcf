"""The oracle's best deviation as a strategy that plays on the event loop.

At t ≥ 1 its state is (memory, last decision, last profile, own information): its own past signal is its own, the
others' are read off their last messages, which prescribed play makes true. One-lie families also keep a phase: honest
so far, just lied (respond, in a belief manipulation), prescribed play for good.

A coalition has one plan, and a strategy for each member: all members see the pooled signals of their own number, look
the joint best response up, and each does its part of it.
"""

from collections.abc import Iterator
from copy import copy
from math import prod
from typing import Self

import numpy as np

from dynmech.agents.oracle.problem import Problem
from dynmech.agents.oracle.search import (
    Family,
    Information,
    Value,
    best_actions,
    best_messages,
    best_messages_spying,
    require_revealing,
    solve,
)
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import LEAVE, Finite
from dynmech.sim.play.roles import View

HONEST, RESPOND, DONE = 0, 1, 2
"""Phases of the families with one lie."""


class Witness(Strategy):
    """The best strategy of one family against prescribed play, knowing what the deviator knows when it reports.

    Of a coalition this is the part of its first member; `parts` has them all. Ex post it sees the others' current
    signals too, and spies in play.

    Args:
        problem: the deviator's problem; of a coalition, or with private actions, only for the best response.
        family: which deviations are allowed.
        words: what it does, as words that follow the agent's name.
        information: what the deviator knows; one-lie families are interim only.
        value: what the family is worth, where that has been worked out.

    Raises:
        Refusal: one-lie families of a coalition, ex post, with exit or where there are acts to choose, or messages
            that do not reveal signals.
    """

    source = "the exact oracle"
    memory_periods = 1
    complexity = 5

    def __init__(
        self,
        problem: Problem,
        family: Family,
        words: str = "plays its best response",
        information: Information = Information.INTERIM,
        value: Value | None = None,
    ) -> None:
        acts = any(period.acts > 1 for period in problem.periods)
        joint, spying = len(problem.deviator) > 1, information is Information.EX_POST
        if (problem.exit or acts or joint or spying) and family is not Family.BEST_RESPONSE:
            raise Refusal("witness: with exit, acts, partners, or ex post only the best response is played")
        require_revealing(problem)
        self.name = "best-response" if family is Family.BEST_RESPONSE else f"best-{family.value.replace('_', '-')}"
        self.family, self.agent, self.words = family, problem.deviator[0], words
        self.leaves = problem.exit
        self.spies = joint or spying  # without spying only the partners' columns are looked at
        self.information = information
        self._problem = problem
        tables, who = problem.game.tables, problem.deviator
        self._messages = [[rules.shape[i + 1] for i in who] for rules in tables]
        self._replies = [[rules.replies[i] for i in who] for rules in tables]
        self._signals = [_signal_of_message(problem, t) for t in range(len(problem.periods))]
        self.value: Value = solve(problem, family, information) if value is None else value
        self._policy = best_messages_spying(problem, self.value) if spying else best_messages(problem, self.value)
        self._actions = best_actions(problem, self.value) if acts else None
        self._response: list[IntArray] | None = None
        if family is Family.BELIEF_MANIPULATION:
            truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
            self._response = best_messages(problem, truth, respond=True)

    def __repr__(self) -> str:
        """Return who plays what against which mechanism."""
        game = self._problem.game
        who, place = game.environment.agents[self.agent], f"{game.mechanism.name} on {game.environment.name}"
        return f"<{self.name} of {who} under {place}, {self.information.value}>"

    def parts(self) -> "dict[int, Witness]":
        """Return the strategy of each member of the deviator, by agent; all use the same plan."""
        members = {}
        for agent in self._problem.deviator:
            members[agent] = copy(self)
            members[agent].agent = agent
        return members

    def _entry(self, t: int) -> int:
        """Return the entry of the problem's periods for period t."""
        return min(t, 1) if self._problem.stationary else t

    def message(self, view: View) -> Array:
        """Return the best message in the phase that each episode is in, shape `(n,)`."""
        if self.information is Information.EX_POST:
            return self._part(self._look_up_spying(view), self._messages[self._entry(view.t)])
        pooled = self._pooled(view)
        before, view.private["pooled"] = view.private.get("pooled", pooled), pooled
        planned = self._look_up(self._policy, view, pooled, before)
        if self.family is Family.BEST_RESPONSE:
            return self._part(planned, self._messages[self._entry(view.t)])
        phase = view.private.setdefault("phase", np.full(view.size, HONEST))
        out = np.where(phase == HONEST, planned, view.prescribed)
        if self._response is not None:
            out = np.where(phase == RESPOND, self._look_up(self._response, view, pooled, before), out)
        lied = (phase == HONEST) & (out != view.prescribed)
        after_lie = RESPOND if self._response is not None else DONE
        view.private["phase"] = np.where(lied, after_lie, np.where(phase == RESPOND, DONE, phase))
        return out

    def private_after(self, signals: IntArray) -> dict[str, Array] | None:
        """Return the deviator's own last signals, where there is no phase and nothing is done after the decision."""
        if self.family is not Family.BEST_RESPONSE or self._actions is not None:
            return None
        return {"pooled": signals[:, list(self._problem.deviator)]}

    def action(self, view: View) -> Array:
        """Return the best private action after the reports, shape `(n,)`."""
        return view.prescribed if self._actions is None else self._act(view)[self._rank]

    def reply(self, view: View) -> Array:
        """Return the best reply from a finite set, else the prescribed one, shape `(n,)`."""
        if self._actions is None or not isinstance(view.space, Finite):
            return view.prescribed
        return self._act(view)[len(self._problem.deviator) + self._rank]

    @property
    def _rank(self) -> int:
        """Its position among the members."""
        return self._problem.deviator.index(self.agent)

    def _part(self, joint: Array, sizes: list[int]) -> Array:
        """Return its own part of a joint message, or `LEAVE` for the index behind the last."""
        leaves = joint >= prod(sizes)
        part: Array = np.unravel_index(np.where(leaves, 0, joint), sizes)[self._rank]
        return np.where(leaves, LEAVE, part)

    def _acts(self, t: int) -> list[int]:
        """Return how many actions each member has, then how many replies."""
        sizes = [len(labels) for labels in self._problem.environment.actions(t)]
        return [sizes[i] if sizes else 1 for i in self._problem.deviator] + self._replies[self._entry(t)]

    def _act(self, view: View) -> tuple[Array, ...]:
        """Return the best actions and replies; note the decision taken for the next period."""
        assert self._actions is not None
        state, profile, report, draw = self._case(view)
        entry = self._entry(view.t)
        period = self._problem.periods[entry]
        act = self._actions[entry][state, profile, report, draw]
        view.private["done"] = period.decision[state, profile, report, draw * period.acts + act]
        return np.unravel_index(act, self._acts(view.t))

    def _state(self, view: View) -> IntArray:
        """Return the state of the problem that each episode is in, `(n,)`.

        Raises:
            Refusal: the memory is not shown.
        """
        if view.memory is None:
            raise Refusal("witness: it needs everything public")
        state: IntArray = self._problem.periods[self._entry(view.t)].merged[view.memory]
        return state

    def _case(self, view: View) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return state, profile, own message and draw after the decision, `(n,)` each."""
        if view.reports is None or view.decision is None:
            raise Refusal("witness: it needs everything public")
        entry = self._entry(view.t)
        stage = self._problem.environment.stage(view.t)
        profile = stage.flat(view.public, self._true_signals(view.t, view.public, view.reports, self._pooled(view)))
        state = self._state(view)
        reports = view.reports[:, list(self._problem.deviator)].astype(np.intp)
        report = np.ravel_multi_index(list(reports.T), self._messages[self._entry(view.t)])
        drawn = self._problem.periods[entry].drawn[state, profile, report]
        return state, profile, report, (drawn == view.decision[:, None]).argmax(axis=1)

    def _pooled(self, view: View) -> Array:
        """Return the current signals of the deviator, `(n, |C|)`."""
        return view.others[:, list(self._problem.deviator)] if self.spies else view.signal[:, None]

    def _true_signals(self, t: int, public: Array, reports: Array, pooled: Array) -> Array:
        """Return the true signals of all agents, `(n, N)`: the others' read off messages, the own ones as known."""
        signals = np.array(reports)
        for j in range(signals.shape[1]):
            signals[:, j] = self._signals[self._entry(t)][j][public, reports[:, j]]
        signals[:, list(self._problem.deviator)] = pooled
        return signals

    def _look_up(self, policy: list[IntArray], view: View, pooled: Array, before: Array) -> Array:
        """Return the deviator's best message, given its current signals and those of the period before, `(n, |C|)`."""
        entry = self._entry(view.t)
        stage = self._problem.environment.stage(view.t)
        sizes = [len(stage.signals[i]) for i in self._problem.deviator]
        own = view.public * prod(sizes) + np.ravel_multi_index(list(pooled.T), sizes)
        state = self._state(view)
        if view.t == 0:
            return policy[0][state, own]
        past = view.past[-1]
        if past.reports is None or past.decision is None:
            raise Refusal("witness: it needs everything public")
        last = self._problem.environment.stage(past.t)
        profile = last.flat(past.public, self._true_signals(past.t, past.public, past.reports, before))
        done = view.private["done"] if self._actions is not None else past.decision
        return policy[entry][state, done, profile, own]

    def _look_up_spying(self, view: View) -> Array:
        """Return the deviator's best message, given all current signals, `(n,)`."""
        entry = self._entry(view.t)
        state = self._state(view)
        signals = np.array(view.others)
        signals[:, self.agent] = view.signal
        profile = self._problem.environment.stage(view.t).flat(view.public, signals)
        return self._policy[entry][state, profile]

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return the words given when it was made."""
        return self.words

    def options(self) -> dict[str, str]:
        """Return the information, where it is not its own signals only, and whether it may leave."""
        given = {"information": "ex_post"} if self.information is Information.EX_POST else {}
        return {**given, "exit": "true"} if self.leaves else given

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing: it is made from a problem, not from options."""
        return iter(())


def _signal_of_message(problem: Problem, t: int) -> list[IntArray]:
    """Return each agent's signal by public state and message, `(O, R_j)`."""
    tables = problem.game.tables[t]
    out = []
    for j, sent in enumerate(tables.prescribed):
        if (sent != sent[:1]).any():
            raise Refusal(
                "witness: prescribed messages depend on the memory; signals cannot be read off messages alone"
            )
        inverse = np.zeros((sent.shape[1], tables.shape[j + 1]), np.intp)
        for o in range(sent.shape[1]):
            inverse[o, sent[0, o]] = np.arange(sent.shape[2])
        out.append(inverse)
    return out
