"""Where an agent's own lies, and everybody else's truth, lead to; and where everybody's truth leads to.

An agent's *past* at a node is its true signal of the last period and the action that it took: (node, k, a). The law of
the next profile is that of the node's reports and decision with the agent's own signal and action put right.
"""

from functools import cached_property
from math import prod

import numpy as np

from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.public_nodes import PublicNodes, next_law
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment


class AgentStage:
    """An agent's side of one period.

    Attributes:
        own: its signal in every profile, `(S,)`.
        swap: the profile with its signal replaced, `(S, K)`.
        rest: what the others and the public state are in every profile, numbered, `(S,)`.
        public: the public state of every profile, `(S,)`; zeros where there is none.
        actions: how many private actions it has; 1 where it has no choice.
        recommended: the action that every decision recommends to it, `(D,)`.
        taken: the decision with its action replaced, `(D, actions)`.
        utility: its flow utility, `(S, D)`.
    """

    def __init__(self, environment: TableEnvironment, t: int, agent: int) -> None:
        stage = environment.stage(t)
        axis = stage.offset + agent
        profiles = np.arange(stage.size).reshape(stage.axes)
        grid = np.indices(stage.axes).reshape(len(stage.axes), -1)
        self.signals = stage.axes[axis]
        self.own: IntArray = grid[axis]
        step = prod(stage.axes[axis + 1 :])
        self.swap: IntArray = np.arange(stage.size)[:, None] + step * (np.arange(self.signals) - self.own[:, None])
        by_rest = np.moveaxis(profiles, axis, -1).reshape(-1, self.signals)
        self.rest = np.empty(stage.size, np.intp)
        self.rest[by_rest] = np.arange(len(by_rest))[:, None]
        self.public: IntArray = grid[0] if stage.public else np.zeros(stage.size, np.intp)
        counts = [len(labels) for labels in stage.private_actions] or [1] * len(environment.agents)
        self.actions = counts[agent]
        step = prod(counts[agent + 1 :])
        decisions = np.arange(len(stage.decisions))
        self.recommended: IntArray = decisions // step % self.actions
        self.taken: IntArray = decisions[:, None] + step * (np.arange(self.actions) - self.recommended[:, None])
        self.utility: FloatArray = stage.utility[agent].reshape(len(stage.decisions), -1).T


class Reach:
    """What one agent can bring about.

    Attributes:
        stages: its side of every distinct stage.
        pasts: per entry, which (node, true signal, action) can come about, `(n, K, A)`; of the first `(1, 1, 1)`.
        told: the same before the agent acts, `(n, K)`.
        occurs: per entry, which profiles can come about at a node, `(n, S)`.
    """

    def __init__(self, environment: TableEnvironment, rule: DecisionRule, nodes: PublicNodes, agent: int) -> None:
        self.environment, self.rule, self.nodes, self.agent = environment, rule, nodes, agent
        self.stages = [AgentStage(environment, t, agent) for t in environment.table_stages]
        self.pasts: list[BoolArray] = [np.ones((1, 1, 1), np.bool_)]
        self.told: list[BoolArray] = [np.ones((1, 1), np.bool_)]
        for e in range(1, len(nodes.entries)):
            before = self.stage(nodes.before(e))
            self.told.append(np.zeros((len(nodes.entries[e].keys), before.signals), np.bool_))
            self.pasts.append(np.zeros((*self.told[-1].shape, before.actions), np.bool_))
        self.occurs = [np.zeros((len(entry.keys), self._size(entry.t)), np.bool_) for entry in nodes.entries]
        self._spread()

    def _size(self, t: int) -> int:
        return self.environment.stage(t).size

    def stage(self, t: int) -> AgentStage:
        """Return the agent's side of period t."""
        return self.stages[t if len(self.stages) > 1 else 0]

    def _spread(self) -> None:
        """Follow every lie until nothing new can come about."""
        todo = [0]
        while todo:
            e = todo.pop(0)
            entry = self.nodes.entries[e]
            node, signal, action = np.nonzero(self.pasts[e])
            before = np.count_nonzero(self.occurs[e])
            np.logical_or.at(self.occurs[e], node, self.law(e, node, signal, action) > 0)
            if entry.after is None or np.count_nonzero(self.occurs[e]) == before:
                continue
            self._report(e, entry.after)
            todo.append(entry.after)

    def _report(self, e: int, after: int) -> None:
        """Mark where every report at every profile that occurs leads to."""
        entry, side = self.nodes.entries[e], self.stage(self.nodes.entries[e].t)
        node, profile = np.nonzero(self.occurs[e])
        for report in range(side.signals):
            x = side.swap[profile, report]
            chance = self.rule.draws(e, entry.t, node, x)[1]
            for draw in range(chance.shape[1]):
                some = chance[:, draw] > 0
                then = entry.following[node[some], x[some], draw]
                self.told[after][then, side.own[profile[some]]] = True
        self.pasts[after] |= self.told[after][..., None]

    def law(self, e: int, node: IntArray, signal: IntArray, action: IntArray) -> FloatArray:
        """Return the law of the next profile at pasts `(m,)` of an entry, `(m, S)`."""
        if e == 0:
            return np.broadcast_to(self.environment.prior.reshape(-1), (len(node), self.environment.prior.size))
        entry, t = self.nodes.entries[e], self.nodes.before(e)
        side = self.stage(t)
        decision = side.taken[entry.decision[node], action]
        return self.rows(t)[decision, side.swap[entry.last[node], signal]]

    def rows(self, t: int) -> FloatArray:
        """Return the law of the next profile out of period t, `(D, S, S')`."""
        return self._rows[t if len(self.stages) > 1 else 0]

    @cached_property
    def _rows(self) -> dict[int, FloatArray]:
        """Return every law of motion that leads somewhere."""
        stages = self.environment.table_stages
        last = len(stages) - 1 if self.environment.horizon is not None and len(stages) > 1 else None
        if self.environment.horizon == 1:
            return {}
        return {t: next_law(self.environment, t) for t in stages if t != last}


def on_path(environment: TableEnvironment, rule: DecisionRule, nodes: PublicNodes) -> list[FloatArray]:
    """Return per entry the law of the profile at every node that truth by everybody leads to, `(n, S)`; else zeros."""
    laws = [np.zeros((len(entry.keys), environment.stage(entry.t).size)) for entry in nodes.entries]
    laws[0][:] = environment.prior.reshape(-1)
    todo, seen = [0], [np.zeros(len(entry.keys), np.bool_) for entry in nodes.entries]
    seen[0][:] = True
    while todo:
        e = todo.pop(0)
        entry = nodes.entries[e]
        if entry.after is None:
            continue
        node, profile = np.nonzero(laws[e] > 0)
        possible = rule.draws(e, entry.t, node, profile)[1] > 0
        then = np.unique(entry.following[node][np.arange(len(node)), profile][possible])
        new = then[~seen[entry.after][then]]
        if len(new):
            seen[entry.after][new] = True
            ahead, rows = nodes.entries[entry.after], next_law(environment, entry.t)
            laws[entry.after][new] = rows[ahead.decision[new], ahead.last[new]]
            todo.append(entry.after)
    return laws
