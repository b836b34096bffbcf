"""Rows of agents that see a bill before they choose whether to pay it (default, Bayesian or where lots are drawn).

An agent that has reported learns everybody's reports, the decision and its bill; then it may refuse to pay and is out
from then on, with its outside option in every later period, worth o in all. With Z(n, x, d, k) what a lie that made the
reports x is worth from there on, k its true signal,

    Z >= −p(m, x) + C(n(x, d), k, recommended),   Z >= o,
    −p(m, θ) + C(n(θ, d), θ_i, recommended) >= o         after the truth, whatever the others' signals are;

with private actions Z holds this period's utility: Z >= −p + Y, Z >= o + u of the best action. An agent for whom truth
is best ex post learns nothing from its bill unless the decision is drawn by lot.
"""

import numpy as np

from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.goals import Goals
from dynmech.mechanisms.design.rows import DEFINITION
from dynmech.mechanisms.design.truth_rows import AgentRows
from dynmech.sim.core.arrays import FloatArray, IntArray


def bills_are_seen(goals: Goals, rule: DecisionRule) -> bool:
    """Return whether a bill tells an agent more than it knew when it reported."""
    tells = goals.incentive == "bayesian" or (goals.incentive == "ex-post" and not rule.certain)
    return goals.participation == "default" and tells


def define_bills(agent: AgentRows, e: int) -> None:
    """Add the rows of Z of an entry."""
    node, x, own, draw, d = _cases(agent, e)
    entry, side = agent.nodes.entries[e], agent.reach.stage(agent.nodes.entries[e].t)
    each, ones = np.arange(len(node)), np.ones(len(node))
    best = _best(agent, e, x, own, d) if side.actions > 1 else np.zeros(len(node))
    z = (each, agent.columns.z(e, agent.bill(e, node, x, draw, own)), ones)
    parts, limit = [z, (each, agent.columns.p(entry.table[node], x), ones)], np.zeros(len(node))
    if entry.after is not None:
        then = entry.following[node, x, draw]
        follows = (
            agent.columns.y(entry.after, then, own)
            if side.actions > 1
            else agent.columns.c(entry.after, then, own, side.recommended[d])
        )
        parts.append((each, follows, -ones))
    else:
        limit = best
    places = np.column_stack([node, x, d, own])
    agent.rows.add(("bill", agent.agent, e), DEFINITION, places, parts, limit)
    agent.rows.add(("refuses", agent.agent, e), DEFINITION, places, [z], best + agent.gone(e))


def _best(agent: AgentRows, e: int, x: IntArray, own: IntArray, d: IntArray) -> FloatArray:
    """Return the utility of the best action at true signals, reports and decisions, `(m,)`."""
    side = agent.reach.stage(agent.nodes.entries[e].t)
    best: FloatArray = side.utility[side.swap[x, own][:, None], side.taken[d]].max(axis=1)
    return best


def _cases(agent: AgentRows, e: int) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Return every node, false reports, true signal, draw and decision that a lie can bring about, once."""
    entry, side = agent.nodes.entries[e], agent.reach.stage(agent.nodes.entries[e].t)
    node, profile = np.nonzero(agent.reach.occurs[e])
    found = []
    for shift in range(1, side.signals):
        x = side.swap[profile, (side.own[profile] + shift) % side.signals]
        drawn, chance = agent.rule.draws(e, entry.t, node, x)
        for draw in range(drawn.shape[1]):
            some = chance[:, draw] > 0
            numbers = np.full(int(some.sum()), draw)
            found.append(np.column_stack([node[some], x[some], side.own[profile[some]], numbers, drawn[some, draw]]))
    cases = np.concatenate(found) if found else np.zeros((0, 5), np.intp)
    one, two, three, four, five = np.unique(cases, axis=0).T
    return one, two, three, four, five


def pays_rows(agent: AgentRows, e: int, goal: int) -> None:
    """Add that paying is worth it after the truth, whatever is decided and whatever the others reported."""
    entry, side = agent.nodes.entries[e], agent.reach.stage(agent.nodes.entries[e].t)
    at, profiles = np.nonzero(agent.reach.occurs[e])
    drawn, chance = agent.rule.draws(e, entry.t, at, profiles)
    for draw in range(drawn.shape[1]):
        some = chance[:, draw] > 0
        node, x, d = at[some], profiles[some], drawn[some, draw]
        own, each, ones = side.own[x], np.arange(len(node)), np.ones(len(node))
        parts = [(each, agent.columns.p(entry.table[node], x), -ones)]
        if entry.after is not None:
            then = entry.following[node, x, draw]
            parts.append((each, agent.columns.c(entry.after, then, own, side.recommended[d]), ones))
        limit = _best(agent, e, x, own, d) - side.utility[x, d] + agent.gone(e)
        agent.rows.add(("pays", agent.agent, e), goal, np.column_stack([node, x, d]), parts, limit)
