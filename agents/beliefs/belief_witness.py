"""The best deviation from a profile as a strategy: it follows what it comes to believe, node by node of the graph.

At every node it sends the best message, its own part of the profile where that is as good. What it is shown then leads
to the next node. At beliefs that the search did not follow it plays its part of the profile for good, which is what the
lower bound of its gain counts.
"""

from collections import defaultdict

import numpy as np

from dynmech.agents.beliefs.belief_gains import BeliefSearch
from dynmech.agents.beliefs.period_outcomes import announced_sign
from dynmech.agents.beliefs.profile_part import ProfilePart
from dynmech.agents.beliefs.profiles import SURE
from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.base import AgentContext
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.ties import TIE, first_largest, scale_of
from dynmech.sim.play.roles import Past, View

LOST = -1
"""In place of a node: a belief that was not followed."""


class BeliefWitness(ProfilePart):
    """The best response of one agent to a profile, knowing its own signals and what is disclosed.

    Args:
        search: what the agent can come to believe, and what that is worth.
        own: its part of the profile.
    """

    def __init__(self, search: BeliefSearch, own: ProfilePart) -> None:
        super().__init__(own.profile, own.agent, own.file)
        self.memory_periods = 1
        self._graph, self._shown = search.graph, search.graph.shown
        best = search.values.solve(Family.BEST_RESPONSE).lower
        worth = search.values.worth(best)
        self._message = self._messages(search, best)
        self._acts = self._choices(worth, scale_of(search.values.scale, best))
        choice, node, _ = self._graph.moves
        self._next = _grouped(choice, np.column_stack([node, self._graph.seen]))

    def _messages(self, search: BeliefSearch, best: FloatArray) -> IntArray:
        """Return the best message at every node, `LOST` where none is known."""
        values, graph = search.values, search.graph
        node, message = values.message_at()
        worth, kept = values.of_messages(best), values.kept(best, leaf=best)
        scale = scale_of(values.scale, best)
        out = np.full(len(graph.nodes), LOST)
        for number, rows in _grouped(node, np.column_stack([message, np.arange(len(node))])).items():
            sent, offered = rows[:, 0], worth[rows[:, 1]]
            at = graph.nodes[number]
            usual = graph.outcomes[at.entry].follow[at.states[0]][sent] > SURE
            as_good = offered.max() <= kept[number] + TIE * scale
            out[number] = sent[first_largest(np.where(usual | ~as_good, offered, -np.inf), scale)]
        return out

    def _choices(self, worth: FloatArray, scale: float) -> dict[tuple[int, int], int]:
        """Return the choice by node and what is shown before the action; the action that is asked where it is best."""
        graph, offered = self._graph, defaultdict[tuple[int, int], list[int]](list)
        for k in np.flatnonzero(graph.choice_message == self._message[graph.choice_node]).tolist():
            offered[int(graph.choice_node[k]), int(graph.choice_before[k])].append(k)
        out = dict[tuple[int, int], int]()
        for (node, before), rows in offered.items():
            asked = graph.outcomes[graph.nodes[node].entry].obey[before]
            first = np.argsort(graph.choice_act[rows] != asked, kind="stable")
            order = np.array(rows)[first]
            out[node, before] = int(order[first_largest(worth[order], scale)])
        return out

    def message(self, view: View) -> Array:
        """Return the best messages at what it believes, shape `(n,)`."""
        node = self._opening(view) if view.t == 0 else self._arrived(view, view.private["choice"])
        best = np.where(node == LOST, LOST, self._message[node])
        node = np.where(best == LOST, LOST, node)
        view.private["node"] = node
        view.private["choice"] = self._chosen(node, np.zeros_like(node))
        return np.where(best == LOST, super().message(view), best)

    def action(self, view: View) -> Array:
        """Return the best actions after what is shown, shape `(n,)`."""
        node, t = view.private["node"], self.entry(view.t)
        whole = np.column_stack([view.prescribed, *self._told(view)])
        signs = self._graph.outcomes[t].signs_before
        before = (whole[:, None] == signs).all(axis=2).argmax(axis=1)
        choice = self._chosen(node, before)
        view.private["choice"] = choice
        return np.where(choice == LOST, view.prescribed, self._graph.choice_act[choice])

    def _chosen(self, node: IntArray, before: IntArray) -> IntArray:
        """Return the choice at nodes and what is shown before the action, `(n,)`."""
        pairs, where = np.unique(np.column_stack([node, before]), axis=0, return_inverse=True)
        found = [self._acts.get((int(one), int(shown)), LOST) for one, shown in pairs]
        return np.array(found, np.intp)[where.reshape(-1)]

    def _told(self, of: View | Past) -> list[Array]:
        """Return what it is told of a period's decision and messages, as `period_outcomes` has it."""
        columns = [] if of.decision is None else [of.decision]
        if self._shown.disclosure == "everything":
            assert of.reports is not None, "everything is public"
            shape = self.profile.game.tables[self.entry(of.t)].shape
            columns.append(np.ravel_multi_index([of.public, *of.reports.T.astype(np.intp)], shape))
        if of.announced is not None:
            columns.append(announced_sign(of.announced))
        return columns

    def _opens(self, view: View) -> list[Array]:
        """Return what a period opens with, as `Shown.opening` has it."""
        stage = self.profile.game.environment.stage(view.t)
        signals = np.zeros((view.size, len(stage.signals)), np.intp)
        signals[:, self.agent] = view.signal
        known = self._shown.known_signals(self.entry(view.t))[stage.flat(view.public, signals)]
        return [known, view.prescribed, *([] if view.memory is None else [np.asarray(view.memory)])]

    def _opening(self, view: View) -> IntArray:
        """Return the node at which play begins, `(n,)`."""
        starts = np.array(list(self._graph.start))
        signs = self._shown.opening(0)[[self._graph.nodes[k].states[0] for k in starts]]
        same = (np.column_stack(self._opens(view))[:, None] == signs).all(axis=2)
        return np.where(same.any(axis=1), starts[same.argmax(axis=1)], LOST)

    def _arrived(self, view: View, choice: IntArray) -> IntArray:
        """Return the node that a choice and what was shown since lead to, `(n,)`."""
        past = view.past[-1]
        whole = np.column_stack([*self._told(past), *self._opens(view)])
        amounts = np.column_stack([past.utility, past.transfer])
        signs = self._graph.outcomes[self.entry(past.t)].signs
        out = np.full(view.size, LOST)
        for number in np.unique(choice).tolist():
            moves = self._next.get(number)
            if moves is None:
                continue
            rows = np.flatnonzero(choice == number)
            fits = (whole[rows][:, None] == signs.whole[moves[:, 1]]).all(axis=2)
            off = np.abs(amounts[rows][:, None] - signs.amounts[moves[:, 1]]).sum(axis=2)
            nearest = np.where(fits, off, np.inf).argmin(axis=1)
            out[rows] = np.where(fits.any(axis=1), moves[nearest, 0], LOST)
        return out

    def options(self) -> dict[str, str]:
        """Return the file, and that it deviates."""
        return {**super().options(), "deviate": "true"}

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return what it does in words."""
        return f"plays its best response to {self.file or 'the profile'}"


def _grouped(keys: IntArray, rows: IntArray) -> dict[int, IntArray]:
    """Return rows by key."""
    order = np.argsort(keys, kind="stable")
    distinct, starts = np.unique(keys[order], return_index=True)
    return {int(key): part for key, part in zip(distinct, np.split(rows[order], starts[1:]), strict=True)}
