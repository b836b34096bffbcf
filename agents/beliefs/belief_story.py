"""Where a best response first departs from the deviator's own strategy, in words."""

import numpy as np

from dynmech.agents.beliefs.belief_values import BeliefValues
from dynmech.agents.oracle.search import Family
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import TIE, scale_of
from dynmech.sim.economy.labels import own_text


def first_difference(values: BeliefValues) -> str:
    """Return where and how the best response first departs; empty where it never does.

    Followed from the start along best messages, own ones where these are as good; of the nodes of the earliest date the
    likeliest is named.
    """
    graph = values.graph
    worth, slack, first = _worth(values)
    frontier, seen = sorted(graph.start, key=lambda k: -graph.start[k]), set(graph.start)
    choice, target, _ = graph.moves
    while frontier:
        departures = [node for node in frontier if node in worth and not _keeps(worth[node], slack)]
        if departures:
            return _text(values, departures[0], worth[departures[0]][0])
        own = np.isin(choice, np.concatenate([first[node] for node in frontier if node in first] or [np.zeros(0)]))
        arrives = [int(k) for k in target[own] if k not in seen]
        seen.update(arrives)
        frontier = sorted(set(arrives), key=lambda k: -graph.nodes[k].weight)
    return ""


def _keeps(worth: tuple[FloatArray, float], slack: float) -> bool:
    """Return whether the own strategy is as good as the best message."""
    return bool(worth[0].max() <= worth[1] + slack)


def _worth(values: BeliefValues) -> tuple[dict[int, tuple[FloatArray, float]], float, dict[int, FloatArray]]:
    """Return, by node, what every message and the own strategy are worth; the slack; the own strategy's choices."""
    graph, best = values.graph, values.solve(Family.BEST_RESPONSE).lower
    by_message = values.of_messages(best)
    kept = values.kept(best, leaf=best)
    node, _ = values.message_at()
    out: dict[int, tuple[FloatArray, float]] = {}
    starts = np.flatnonzero(np.diff(node, prepend=-1))
    for low, high in zip(starts, [*starts[1:], len(node)], strict=True):
        out[int(node[low])] = by_message[low:high], float(kept[node[low]])
    followed = np.flatnonzero(graph.follow > 0)
    first: dict[int, FloatArray] = {}
    for number in np.unique(graph.choice_node[followed]):
        first[int(number)] = followed[graph.choice_node[followed] == number].astype(float)
    return out, TIE * scale_of(values.scale, best), first


def _text(values: BeliefValues, node: int, worth: FloatArray) -> str:
    """Return one departure: the period, what the deviator sees, and what it sends instead."""
    shown = values.graph.shown
    game, at = shown.profile.game, values.graph.nodes[node]
    period = at.entry if game.environment.horizon is not None else at.depth
    own = int(shown.known_signals(at.entry)[at.states[0] % game.environment.stage(at.entry).size])
    usual = int(values.graph.outcomes[at.entry].follow[at.states[0]].argmax())
    message = int(worth.argmax())
    signal = own_text(game.environment, at.entry, shown.who, own)
    if message == usual:
        return f"in period {period}, with signal {signal}, it acts otherwise than asked"
    sent, instead = (message_text(values, at.entry, k) for k in (message, usual))
    return f"first in period {period}, with signal {signal}, it sends {sent} in place of {instead}"


def message_text(values: BeliefValues, t: int, message: int) -> str:
    """Return the labels of a deviator's message."""
    shown = values.graph.shown
    game = shown.profile.game
    spaces = [game.mechanism.messages(t, i) for i in shown.who]
    sizes = tuple(getattr(space, "size", 1) for space in spaces)
    index = np.unravel_index(message, sizes)
    return ", ".join(str(getattr(space, "labels", ("?",))[int(k)]) for space, k in zip(spaces, index, strict=True))
