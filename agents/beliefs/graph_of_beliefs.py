"""What a deviator can come to believe: a graph whose nodes are beliefs over states, followed by Bayes' rule.

A node is a period and a distribution over its states, which all look the same to the deviator. From a node, a message
and, after what is shown before it, an action lead to further nodes, one for each thing that may be shown. Beliefs that
are equal to `SAME` are one node. Under a finite horizon the graph ends, and is refused where it has more than `MOST`
nodes; under an infinite one it may close, and where it does not, the nodes that matter most (chance × discount) are
followed and the others are left as *leaves*.
"""

from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush

import numpy as np

from dynmech.agents.beliefs.period_outcomes import Outcomes, Shown, outcomes
from dynmech.agents.beliefs.profiles import SURE, require_playable
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal

MOST = 200_000
"""Nodes that a finite horizon may lead to."""

FOLLOWED = 2_000
"""Nodes that are followed where an infinite horizon leads to ever new ones."""

SAME = 12
"""Digits to which beliefs are compared."""


@dataclass(frozen=True, eq=False)
class Node:
    """A belief: entry, states and their chances, the discounted chance of the path that found it, and from where.

    `parent`: the node and the choice that found it; None at the start.
    """

    entry: int
    states: IntArray
    chances: FloatArray
    weight: float
    depth: int
    parent: tuple[int, int] | None


@dataclass(eq=False)
class BeliefGraph:
    """The graph; a *choice* is (node, message, what is shown before the action, action).

    Attributes:
        outcomes: of every entry.
        nodes: those that are followed come in any order; `leaves` are not.
        start: chance of every node at which play begins.
        choice_node, choice_message, choice_before, choice_act: what each choice is, sorted by all four.
        flow: its expected payoff, times the chance of what was shown before it.
        move_choice, move_node, move_chance: where choices lead.
        exact: whether the beliefs at nodes are exact to `SAME` digits and no node is left out.
    """

    shown: Shown
    outcomes: tuple[Outcomes, ...]
    nodes: list[Node] = field(default_factory=list)
    start: dict[int, float] = field(default_factory=dict)
    followed: list[bool] = field(default_factory=list)
    _choices: list[tuple[int, IntArray, FloatArray]] = field(default_factory=list)
    _moves: list[tuple[IntArray, IntArray, FloatArray, IntArray]] = field(default_factory=list)
    _numbers: dict[tuple[int, bytes, bytes], int] = field(default_factory=dict)
    _count: int = 0

    @property
    def discount(self) -> float:
        """δ."""
        return self.shown.profile.game.environment.discount

    @property
    def stationary(self) -> bool:
        """Whether the horizon is infinite."""
        return self.shown.profile.game.environment.horizon is None

    @cached_property
    def leaves(self) -> BoolArray:
        """Which nodes are not followed."""
        return ~np.array(self.followed)

    @cached_property
    def choice_node(self) -> IntArray:
        """The node of every choice."""
        return np.concatenate([np.full(len(keys), node) for node, keys, _ in self._choices])

    @cached_property
    def _keys(self) -> IntArray:
        return np.concatenate([keys for _, keys, _ in self._choices])

    @cached_property
    def _parts(self) -> tuple[IntArray, IntArray, IntArray]:
        """Message, what is shown before the action, and action of every choice."""
        entry = np.array([node.entry for node in self.nodes])[self.choice_node]
        acts = np.array([one.acts for one in self.outcomes])[entry]
        shown = np.array([one.seen_before for one in self.outcomes])[entry]
        return self._keys // (acts * shown), self._keys // acts % shown, self._keys % acts

    @property
    def choice_message(self) -> IntArray:
        """The message of every choice."""
        return self._parts[0]

    @property
    def choice_before(self) -> IntArray:
        """What is shown before the action of every choice."""
        return self._parts[1]

    @property
    def choice_act(self) -> IntArray:
        """The action of every choice."""
        return self._parts[2]

    @cached_property
    def flow(self) -> FloatArray:
        """The payoff of every choice."""
        return np.concatenate([flow for _, _, flow in self._choices])

    @cached_property
    def moves(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Choice, next node and chance of every move."""
        if not self._moves:
            return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
        choice, node, chance, _ = (np.concatenate(column) for column in zip(*self._moves, strict=True))
        return choice, node, chance

    @cached_property
    def seen(self) -> IntArray:
        """What is shown on every move, a row of the signs of its entry."""
        return np.concatenate([seen for *_, seen in self._moves]) if self._moves else np.zeros(0, np.intp)

    @cached_property
    def follow(self) -> FloatArray:
        """The chance with which the deviator's own strategy makes every choice, once there."""
        out = np.zeros(len(self.flow))
        entries = np.array([node.entry for node in self.nodes])[self.choice_node]
        first = np.array([node.states[0] for node in self.nodes])[self.choice_node]
        for t, one in enumerate(self.outcomes):
            some = entries == t
            sent = one.follow[first[some], self.choice_message[some]]
            out[some] = sent * (self.choice_act[some] == one.obey[self.choice_before[some]])
        return out

    @cached_property
    def on_path(self) -> BoolArray:
        """Which nodes the deviator's own strategy leads to."""
        choice, node, _ = self.moves
        out = np.zeros(len(self.nodes), np.bool_)
        out[list(self.start)] = True
        while True:
            arrives = node[out[self.choice_node[choice]] & (self.follow[choice] > 0)]
            if out[arrives].all():
                return out
            out[arrives] = True

    def at_nodes(self, tables: list[FloatArray]) -> FloatArray:
        """Return expectations at every node of values by state, a table per entry."""
        return np.array([float(tables[node.entry][node.states] @ node.chances) for node in self.nodes])


def belief_graph(shown: Shown, *, most: int = MOST, followed: int = FOLLOWED) -> BeliefGraph:
    """Return everything that a deviator can come to believe.

    Raises:
        Refusal: a finite horizon leads to more than `most` beliefs; a strategy depends on what is not shown; the
            mechanism acts on replies or observed actions.
    """
    require_playable(shown.profile, shown.disclosure)
    graph = BeliefGraph(shown, tuple(outcomes(shown, t) for t in range(shown.profile.game.entries)))
    heap: list[tuple[float, int]] = []
    for mass, states, chances in _openings(graph):
        number = _numbered(graph, Node(0, states, chances, mass, 0, None), heap)
        graph.start[number] = graph.start.get(number, 0.0) + mass
    count = 0
    while heap and not (graph.stationary and count >= followed):
        if len(graph.nodes) > most and not graph.stationary:
            raise Refusal(_too_many(graph, most))
        number = heappop(heap)[1]
        _follow(graph, number, heap)
        graph.followed[number] = True
        count += 1
    return graph


def _too_many(graph: BeliefGraph, most: int) -> str:
    names = " + ".join(repr(graph.shown.profile.game.environment.agents[i]) for i in graph.shown.who)
    deepest = max(node.depth for node in graph.nodes)
    return (
        f"what {names} can come to believe has more than {most:,} states by period {deepest} of "
        f"{graph.shown.profile.game.entries}: too many for an exact search under disclosure "
        f"{graph.shown.disclosure!r}; shorten the horizon"
    )


def _openings(graph: BeliefGraph) -> list[tuple[float, IntArray, FloatArray]]:
    """Return the beliefs with which play begins: chance, states and their chances."""
    shown = graph.shown
    prior = shown.profile.game.environment.prior.reshape(-1)
    states = np.flatnonzero(prior > 0)  # nothing is recalled, and that is number 0
    opening = np.unique(shown.opening(0)[states], axis=0, return_inverse=True)[1].reshape(-1)
    out = []
    for k in range(opening.max() + 1):
        some = states[opening == k]
        mass = float(prior[some].sum())
        out.append((mass, some, prior[some] / mass))
    return out


def _numbered(graph: BeliefGraph, node: Node, heap: list[tuple[float, int]]) -> int:
    """Return the number of a node, a new one if nobody has believed that so far."""
    key = (node.entry, node.states.tobytes(), np.round(node.chances, SAME).tobytes())
    number = graph._numbers.setdefault(key, len(graph.nodes))
    if number == len(graph.nodes):
        graph.nodes.append(node)
        graph.followed.append(False)
        heappush(heap, (-node.weight if graph.stationary else float(number), number))
    return number


def _rows(start: IntArray, states: IntArray) -> tuple[IntArray, IntArray]:
    """Return the rows of some states, and how many each has."""
    low, counts = start[states], start[states + 1] - start[states]
    ends = np.cumsum(counts)
    return np.arange(ends[-1]) - np.repeat(ends - counts, counts) + np.repeat(low, counts), counts


def _summed(codes: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the distinct codes, sorted, and the sum of the values of each."""
    distinct, where = np.unique(codes, return_inverse=True)
    return distinct, np.bincount(where, values, len(distinct)).astype(np.float64)


def _follow(graph: BeliefGraph, number: int, heap: list[tuple[float, int]]) -> None:
    """Add the choices of a node, and what they lead to."""
    node = graph.nodes[number]
    one = graph.outcomes[node.entry]
    _require_told(graph, node)
    rows, counts = _rows(one.flow_start, node.states)
    keys, flow = _summed(one.choice[rows], np.repeat(node.chances, counts) * one.flow[rows])
    first = graph._count
    graph._choices.append((number, keys, flow))
    graph._count += len(keys)
    after = graph.shown.entry_after(node.entry)
    if after is None:
        return
    rows, counts = _rows(one.move_start, node.states)
    codes = (one.move_choice[rows] * one.shown + one.seen[rows]) * one.following_states + one.following[rows]
    codes, mass = _summed(codes, np.repeat(node.chances, counts) * one.move_chance[rows])
    arrives, state = np.divmod(codes, one.following_states)
    starts = np.flatnonzero(np.diff(arrives, prepend=-1))
    choice = first + np.searchsorted(keys, arrives[starts] // one.shown)
    chance = np.add.reduceat(mass, starts)
    beliefs = mass / np.repeat(chance, np.diff(starts, append=len(codes)))
    ends = [*starts[1:].tolist(), len(codes)]
    targets = np.empty(len(starts), np.intp)
    for k, (low, high) in enumerate(zip(starts.tolist(), ends, strict=True)):
        weight = node.weight * graph.discount * min(1.0, float(chance[k]))
        found = Node(after, state[low:high], beliefs[low:high], weight, node.depth + 1, (number, int(choice[k])))
        targets[k] = _numbered(graph, found, heap)
    graph._moves.append((choice, targets, chance, arrives[starts] % one.shown))


def _require_told(graph: BeliefGraph, node: Node) -> None:
    """Raise where the deviator's own strategy differs between states that look the same to it.

    Raises:
        Refusal: names the deviator.
    """
    follow = graph.outcomes[node.entry].follow[node.states]
    if np.abs(follow - follow[0]).max() > SURE:
        agents = graph.shown.profile.game.environment.agents
        names = " + ".join(repr(agents[i]) for i in graph.shown.who)
        raise Refusal(f"the strategy of {names} depends on what is not shown under {graph.shown.disclosure!r}")
