"""Rows that make truth best under every law of motion near the economy's own.

Say every law out of a period is within ρ of the economy's in L1, and let V be what truth is worth to an agent under the
economy's laws, σ the most by which V(m, ·) differs between profiles. Under any such law truth is worth V up to
δ ρ σ / (2 (1 − δ)), and a lie, too, loses up to δ ρ σ / 2 of what follows. So no single lie gains if every one loses

    δ ρ σ / (1 − δ)

under the economy's own law; over a finite horizon Σ_{s > t} δ^{s−t} ρ_s σ_s in period t. With lo(m) <= V(m, θ) <= hi(m)
and hi(m) − lo(m) <= σ that is linear. It is enough, not needed.

Two signals with the same decision and laws that are closer than 2 ρ / (1 − δ) cannot both lose so much by passing for
the other: what they lose adds up to δ (μ − μ') (V(m, ·) − V(m', ·)) <= δ |μ − μ'| σ. They are *pooled*: both pay the
same now, and whatever follows next period, so that no law tells them apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dynmech.mechanisms.design.columns import SpanColumns
from dynmech.mechanisms.design.reach import Reach
from dynmech.mechanisms.design.rows import DEFINITION
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from dynmech.mechanisms.design.truth_rows import AgentRows, InformationSets

ABOVE = 1e-6
"""By how much of itself the need is overdone: solvers meet rows up to a tolerance, and a proof knows none."""

SLACK = 1e-9
"""The same in units of the scale."""

Radii = tuple[FloatArray | None, ...]
"""How far the law out of every stage may be off, `(D, S)`; None where none leads on."""


@dataclass(frozen=True, eq=False)
class NearLaws:
    """The laws under which truth must be best.

    Attributes:
        radii: how far every law may be off.
        pool_all: whether all signals with the same decision are pooled, not only those that must be.
    """

    radii: Radii
    pool_all: bool = False


@dataclass(frozen=True)
class Safety:
    """What one agent's lies must lose.

    Attributes:
        spans: the columns of its bounds.
        radius: ρ of the laws into every entry; 0 of the first.
        discount: δ.
        endless: whether the last entry repeats.
        pool_all: see `NearLaws`.
    """

    spans: SpanColumns
    radius: tuple[float, ...]
    discount: float
    endless: bool
    pool_all: bool

    def needs(self, e: int) -> Iterator[tuple[int, float]]:
        """Yield columns of σ, and by how much of it a lie in an entry must lose."""
        above = 1 + ABOVE
        if self.endless:
            if (most := max(self.radius)) > 0:
                yield self.spans.width, above * self.discount * most / (1 - self.discount)
            return
        for s in range(e + 1, len(self.radius)):
            if self.radius[s] > 0:
                yield self.spans.width + s, above * self.discount ** (s - e) * self.radius[s]

    def pooled(self, agent: "AgentRows", e: int, sets: "InformationSets", report: IntArray) -> BoolArray:
        """Return which lies get the truth's transfers, `(sets,)`; none where more than a period is remembered."""
        entry = agent.nodes.entries[e]
        x = agent.reach.stage(entry.t).swap[sets.profile, report]
        if entry.after is None:
            return agent.alike(e, sets.node, sets.profile, x)
        if any(len(key) > 1 for key in agent.nodes.entries[-1].keys):
            return np.zeros(len(x), np.bool_)
        drawn = agent.rule.drawn[agent.rule.at(entry.t)]
        apart = 2 * max(self.radius) / (1 - self.discount) if self.endless else 2 * self.radius[entry.after]
        return agent.alike(e, sets.node, sets.profile, x, 2.0 if self.pool_all else apart) & (
            drawn[sets.profile] == drawn[x]
        ).all(axis=1)

    def pool(self, agent: "AgentRows", e: int, goal: int, sets: "InformationSets", report: IntArray) -> None:
        """Add that lies pay what the truth pays, now and next period."""
        entry, columns = agent.nodes.entries[e], agent.columns
        x = agent.reach.stage(entry.t).swap[sets.profile, report]
        table = entry.table[sets.node]
        pairs = [np.column_stack([columns.p(table, sets.profile), columns.p(table, x)])]
        if entry.after is not None:
            then = agent.nodes.entries[entry.after].table
            drawn = agent.rule.support(entry.t)
            size = np.arange(agent.reach.environment.stage(agent.nodes.entries[entry.after].t).size)
            for draw in range(drawn.shape[1]):
                some = drawn[x, draw]
                here = then[entry.following[sets.node[some], sets.profile[some], draw]]
                there = then[entry.following[sets.node[some], x[some], draw]]
                both = [columns.p(one[:, None], size).reshape(-1) for one in (here, there)]
                pairs.append(np.column_stack(both))
        same = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)
        same = same[same[:, 0] < same[:, 1]]
        each, ones = np.arange(len(same)), np.ones(len(same))
        parts = [(each, same[:, 0], ones), (each, same[:, 1], -ones)]
        agent.rows.add(("pooled", agent.agent, e), goal, same, parts, np.zeros(len(same)), equal=True)

    def slack(self, e: int) -> float:
        """Return what a lie in an entry must lose beside that."""
        return SLACK if any(True for _ in self.needs(e)) else 0.0


def safety_of(reach: Reach, spans: SpanColumns, laws: NearLaws) -> Safety:
    """Return what the radii ask of an agent that can bring about so much."""
    environment, nodes = reach.environment, reach.nodes
    radius = [0.0]
    for e in range(1, len(nodes.entries)):
        node, signal, action = np.nonzero(reach.pasts[e])
        t, entry = nodes.before(e), nodes.entries[e]
        own, side = laws.radii[t if len(laws.radii) > 1 else 0], reach.stage(t)
        assert own is not None
        profile = side.swap[entry.last[node], signal]
        radius.append(float(own[side.taken[entry.decision[node], action], profile].max(initial=0.0)))
    return Safety(spans, tuple(radius), environment.discount, environment.horizon is None, laws.pool_all)


def span_rows(agent: "AgentRows", safety: Safety) -> None:
    """Add the rows of lo, hi and σ."""
    spans, columns = safety.spans, agent.columns
    for e, entry in enumerate(agent.nodes.entries[1:], 1):
        node, profile = np.nonzero(agent.reach.occurs[e])
        pairs = np.unique(np.column_stack([entry.table[node], profile]), axis=0)
        each, ones = np.arange(len(pairs)), np.ones(len(pairs))
        worth = columns.v(pairs[:, 0], pairs[:, 1])
        for start, sign in ((spans.low, 1.0), (spans.high, -1.0)):
            parts = [(each, worth, sign * ones), (each, start + pairs[:, 0], -sign * ones)]
            agent.rows.add(("span", agent.agent, e), DEFINITION, pairs, parts, np.zeros(len(pairs)))
        tables = np.unique(pairs[:, 0])
        each, ones = np.arange(len(tables)), np.ones(len(tables))
        width = np.full(len(tables), spans.width + (0 if safety.endless else e))
        parts = [(each, width, ones), (each, spans.high + tables, -ones), (each, spans.low + tables, ones)]
        agent.rows.add(("span", agent.agent, e), DEFINITION, tables[:, None], parts, np.zeros(len(tables)))


def pooled_exactly(names: list[tuple[str, int, int, IntArray]], x: FloatArray) -> FloatArray:
    """Return unknowns in which transfers that are the same are so to the last bit: a proof in rationals sees it."""
    out = x.copy()
    pairs = [places for kind, _, _, places in names if kind == "pooled" and len(places)]
    if pairs:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        first, second = np.concatenate(pairs).T
        graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(x), len(x)))
        _, group = connected_components(graph, directed=False)
        leader = np.full(len(x), len(x))
        np.minimum.at(leader, group, np.arange(len(x)))
        out = x[leader[group]]
    return out
