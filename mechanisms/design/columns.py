"""The unknowns of a design program, numbered; amounts are in units of the economy's scale.

For agent i, transfer table m, profile x, node n, true signal k, action a:

    p(m, x)      what it pays
    V(m, θ)      what truth is worth from here on at profile θ
    C(n, k, a)   what follows at node n if its signal was k and it took action a, δ E[V]
    Y(n, k)      the same with the best action, this period's utility included (where it has private actions)
    Z(n, x, l, k)  what follows if it may refuse to pay, the bill included (default, Bayesian)

and for everybody W(t, θ), welfare from here on; B, the largest transfer; ε, the least loss of a lie. Where truth must
be best under laws that are off, too, every agent has bounds of V at every table, lo(m) and hi(m), and σ, how far they
are apart at most (of every entry; one for all under an infinite horizon).
"""

from dataclasses import dataclass, field

import numpy as np

from dynmech.mechanisms.design.public_nodes import PublicNodes
from dynmech.mechanisms.design.reach import Reach
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.economy.environment import TableEnvironment

BLOCKS = ("p", "V", "C", "Y", "Z")
"""Of every agent, in this order."""


@dataclass(eq=False)
class AgentColumns:
    """Where an agent's unknowns stand.

    Attributes:
        start: where the agent's transfers, V, C, Y, Z begin, and where all end.
        tables: where every table begins within transfers and V.
        entries: where every entry begins within C, Y and Z.
        shape: true signals and actions before every entry.
    """

    start: dict[str, int]
    end: int
    tables: IntArray
    entries: dict[str, list[int]]
    shape: list[tuple[int, int]]

    def p(self, table: IntArray, profile: IntArray) -> IntArray:
        """Return the columns of transfers."""
        return self.start["p"] + self.tables[table] + profile

    def v(self, table: IntArray, profile: IntArray) -> IntArray:
        """Return the columns of what truth is worth."""
        return self.start["V"] + self.tables[table] + profile

    def c(self, e: int, node: IntArray, signal: IntArray, action: IntArray) -> IntArray:
        """Return the columns of what follows."""
        signals, actions = self.shape[e]
        return self.start["C"] + self.entries["C"][e] + (node * signals + signal) * actions + action

    def y(self, e: int, node: IntArray, signal: IntArray) -> IntArray:
        """Return the columns of what follows with the best action."""
        return self.start["Y"] + self.entries["Y"][e] + node * self.shape[e][0] + signal

    def z(self, e: int, case: IntArray) -> IntArray:
        """Return the columns of what follows a bill; cases are numbered within the entry that reports are made in."""
        return self.start["Z"] + self.entries["Z"][e] + case


@dataclass(frozen=True)
class SpanColumns:
    """Where the bounds of what truth is worth begin.

    Attributes:
        low, high: of every table.
        width: σ of every entry.
        end: where they end.
    """

    low: int
    high: int
    width: int
    end: int


@dataclass(eq=False)
class Columns:
    """All unknowns.

    Attributes:
        agents: by agent; None for those that the program leaves out.
        spans: by agent, where its bounds are; empty where they are not needed.
        welfare: where W of every distinct stage begins; empty where it is not needed.
        bound, margin: the columns of B and ε; None where they are not unknown.
        count: how many columns there are.
    """

    agents: list[AgentColumns | None]
    spans: dict[int, SpanColumns] = field(default_factory=dict)
    welfare: list[int] = field(default_factory=list)
    bound: int | None = None
    margin: int | None = None
    count: int = 0

    def of(self, agent: int) -> AgentColumns:
        """Return an agent's columns, which must be there."""
        columns = self.agents[agent]
        assert columns is not None
        return columns


def place_columns(
    environment: TableEnvironment,
    nodes: PublicNodes,
    reaches: list[Reach | None],
    *,
    refusals: bool,
    welfare: bool,
    bound: bool,
    margin: bool,
    spans: bool = False,
) -> Columns:
    """Number the unknowns of the agents that are in the program."""
    out = Columns([])
    for reach in reaches:
        out.agents.append(None if reach is None else _of_agent(environment, nodes, reach, out.count, refusals))
        out.count = out.agents[-1].end if out.agents[-1] is not None else out.count
    if welfare:
        for t in environment.table_stages:
            out.welfare.append(out.count)
            out.count += environment.stage(t).size
    for i in [i for i, own in enumerate(out.agents) if own is not None and spans]:
        high = out.count + len(nodes.tables)
        width = high + len(nodes.tables)
        out.spans[i] = SpanColumns(out.count, high, width, width + len(nodes.entries))
        out.count = out.spans[i].end
    if bound:
        out.bound, out.count = out.count, out.count + 1
    if margin:
        out.margin, out.count = out.count, out.count + 1
    return out


def _of_agent(
    environment: TableEnvironment, nodes: PublicNodes, reach: Reach, start: int, refusals: bool
) -> AgentColumns:
    sizes = [environment.stage(t).size for t in nodes.tables]
    tables = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    shape = [(past.shape[1], past.shape[2]) for past in reach.pasts]
    widths = {
        "C": [past.size for past in reach.pasts],
        "Y": [told.size if past.shape[2] > 1 else 0 for told, past in zip(reach.told, reach.pasts, strict=True)],
        "Z": [entry.following.size * reach.stage(entry.t).signals if refusals else 0 for entry in nodes.entries],
    }
    offsets = {name: [0, *np.cumsum(width).tolist()] for name, width in widths.items()}
    lengths = {"p": int(tables[-1]), "V": int(tables[-1]), **{name: offset[-1] for name, offset in offsets.items()}}
    starts = {}
    for name in BLOCKS:
        starts[name], start = start, start + lengths[name]
    return AgentColumns(starts, start, tables, offsets, shape)
