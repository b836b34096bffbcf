"""Rows of one agent where decisions are sought as well: everything is counted by how likely a history is.

With x(h, r, d) the chance that the lotteries on the way to h, and the one after reports r, come out as h and d say, and
R(h) that of h alone, unknowns are P = R p, V = R V, C = x C and Y = x Y. Then

    Σ_d x(h, r, d) = R(h),   R(h') = Σ x over the decisions that lead to h'
    V(h, θ) = Σ_d [x(h, θ, d) u(d, θ) + C(n(θ, d), θ_i, recommended)] − P(h, θ)
    V(h, θ) + P(h, r) − Σ_d [x(h, r, d) u(d, θ) + C(n(r, d), θ_i)] >= 0        and so on

are linear. Nature's weights are constants, and a lottery's reach is common to all that an agent does not know.
"""

from collections.abc import Sequence

import numpy as np

from dynmech.mechanisms.design.columns import AgentColumns
from dynmech.mechanisms.design.public_nodes import PublicNodes
from dynmech.mechanisms.design.reach import Reach
from dynmech.mechanisms.design.rows import DEFINITION, Rows, Terms
from dynmech.mechanisms.design.truth_rows import AgentRows, InformationSets
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment


class LotteryColumns:
    """Where the unknowns of decisions stand: x(h, r, d) and R(h) of every entry.

    Attributes:
        start, end: the first column, and the one after the last.
    """

    def __init__(self, environment: TableEnvironment, nodes: PublicNodes, start: int) -> None:
        self.nodes, self.start, self.end = nodes, start, start
        self.shapes, self._x, self._r = list[tuple[int, int, int]](), list[int](), list[int]()
        for entry in nodes.entries:
            stage = environment.stage(entry.t)
            self.shapes.append((len(entry.keys), stage.size, len(stage.decisions)))
            self._x.append(self.end)
            self._r.append(self.end + int(np.prod(self.shapes[-1])))
            self.end = self._r[-1] + len(entry.keys)

    def x(self, e: int, node: IntArray, profile: IntArray, decision: IntArray) -> IntArray:
        """Return the columns of x."""
        _, profiles, decisions = self.shapes[e]
        return self._x[e] + (node * profiles + profile) * decisions + decision

    def r(self, e: int, node: IntArray) -> IntArray:
        """Return the columns of R."""
        return self._r[e] + node

    @property
    def sure(self) -> list[bool]:
        """Whether every node of an entry is reached whatever is decided: no history tells decisions apart."""
        out = [True]
        for entry in self.nodes.entries[:-1]:
            out.append(out[-1] and bool((entry.following == entry.following[:, :, :1]).all()))
        return out

    def lots(self, solution: FloatArray) -> list[FloatArray]:
        """Return the unknowns x, `(n, S, D)` per entry."""
        return [
            solution[first : first + int(np.prod(shape))].reshape(shape)
            for first, shape in zip(self._x, self.shapes, strict=True)
        ]

    def define(self, rows: Rows) -> None:
        """Add the rows of x and R."""
        for e, entry in enumerate(self.nodes.entries):
            count, profiles, decisions = self.shapes[e]
            node, profile = (grid.reshape(-1) for grid in np.indices((count, profiles)))
            each = np.arange(len(node))
            columns = self.x(e, node[:, None], profile[:, None], np.arange(decisions))
            parts = [(each[:, None], columns, np.ones(columns.shape)), (each, self.r(e, node), -np.ones(len(node)))]
            places = np.column_stack([node, profile])
            rows.add(("lottery", -1, e), DEFINITION, places, parts, np.zeros(len(node)), equal=True)
            if e + 1 < len(self.nodes.entries):
                self._reach(rows, e, entry.following)

    def _reach(self, rows: Rows, e: int, following: IntArray) -> None:
        """Add the rows of R of the next entry."""
        count = self.shapes[e + 1][0]
        node, profile, decision = (grid.reshape(-1) for grid in np.indices(following.shape))
        then = following.reshape(-1)
        parts = [
            (np.arange(count), self.r(e + 1, np.arange(count)), np.ones(count)),
            (then, self.x(e, node, profile, decision), -np.ones(len(then))),
        ]
        rows.add(("reach", -1, e + 1), DEFINITION, np.arange(count)[:, None], parts, np.zeros(count), equal=True)


class FreeRows(AgentRows):
    """Everything that is asked of one agent's transfers and of the decisions.

    Attributes:
        lots: the unknowns of decisions.
        slack: per entry, by how much the rows that come next may be missed; empty: by nothing.
        asked: the number of entries in which lies must not gain, the first ones; None: all.
    """

    def __init__(
        self,
        reach: Reach,
        columns: AgentColumns,
        rows: Rows,
        lots: LotteryColumns,
        *,
        ex_post: bool,
        asked: int | None = None,
    ) -> None:
        super().__init__(reach, columns, rows, ex_post=ex_post)
        self.lots, self.asked = lots, asked
        self.slack: Sequence[float] = ()

    def _lies(self, e: int, done: list[IntArray]) -> list[tuple[InformationSets, IntArray]]:
        """Return the lies that must not gain, as there."""
        return [] if self.asked is not None and e >= self.asked else super()._lies(e, done)

    def leeway(self, e: int, node: IntArray) -> list[tuple[IntArray, IntArray, FloatArray]]:
        """Return by how much truth may be worth less than a lie at nodes, as parts of a row per node."""
        if not self.slack or self.slack[e] == 0:
            return []
        return [(np.arange(len(node)), self.lots.r(e, node), np.full(len(node), self.slack[e]))]

    def report_terms(self, e: int, node: IntArray, profile: IntArray, x: IntArray, *, honest: bool) -> Terms:
        """Return what reports x at true profiles are worth: −P + Σ_d x u + what follows, `(m,)`."""
        entry = self.nodes.entries[e]
        side = self.reach.stage(entry.t)
        decisions = np.arange(side.utility.shape[1])
        columns = [self.columns.p(entry.table[node], x)[:, None]]
        values = [-np.ones((len(node), 1))]
        chooses = side.actions > 1 and not honest
        if not (chooses and entry.after is not None):
            utility = side.utility[profile[:, None, None], side.taken].max(axis=2) if chooses else side.utility[profile]
            columns.append(self.lots.x(e, node[:, None], x[:, None], decisions))
            values.append(utility)
        if entry.after is not None:
            first = np.flatnonzero(self.rule.remembered(entry.t, decisions) == decisions)
            then, own = entry.following[node[:, None], x[:, None], first], side.own[profile][:, None]
            recommended = np.broadcast_to(side.recommended[first], then.shape)
            columns.append(
                self.columns.y(entry.after, then, own)
                if chooses
                else self.columns.c(entry.after, then, own, recommended)
            )
            values.append(np.ones(then.shape))
        return Terms(np.concatenate(columns, axis=1), np.concatenate(values, axis=1), np.zeros(len(node)))

    def alike(self, e: int, node: IntArray, profile: IntArray, x: IntArray, apart: float = 0.0) -> BoolArray:
        """Return where a lie cannot cost anything; of interest for margins only, which are not sought here."""
        del e, node, x, apart
        return np.zeros(len(profile), np.bool_)

    def refusal(self, e: int, node: IntArray, profile: IntArray, x: IntArray) -> Terms:
        """Return what reports x are worth where nothing is paid and one is out from then on, `(m,)`."""
        side = self.reach.stage(self.nodes.entries[e].t)
        best = side.utility[profile[:, None, None], side.taken].max(axis=2)
        columns = self.lots.x(e, node[:, None], x[:, None], np.arange(best.shape[1]))
        columns = np.concatenate([columns, self.lots.r(e, node)[:, None]], axis=1)
        best = np.concatenate([best, np.full((len(node), 1), self.gone(e))], axis=1)
        return Terms(columns, best, np.zeros(len(node)))

    def worth_before(
        self, e: int, node: IntArray, signal: IntArray, action: IntArray
    ) -> tuple[list[tuple[IntArray, IntArray, FloatArray]], FloatArray]:
        """Return the utility of the period before as parts of a row per node, to be added, and as constants."""
        utility = self._utility_then(e, node, signal, action)
        reach = self.lots.r(e, node)
        return [(np.arange(len(node)), reach, utility)], np.zeros(len(node))

    def _obey_last(self, e: int, goal: int) -> None:
        """Add the rows that recommended actions are as good as any, in the last period."""
        entry = self.nodes.entries[e]
        side = self.reach.stage(entry.t)
        node, profile = np.nonzero(self.reach.occurs[e])
        each = np.arange(len(node))
        for d in range(side.utility.shape[1]):
            for shift in range(1, side.actions):
                action = (side.recommended[d] + shift) % side.actions
                gain = side.utility[profile, d] - side.utility[profile, side.taken[d, action]]
                decision = np.full(len(node), d)
                places = np.column_stack([node, profile, decision, np.full(len(node), action)])
                parts = [(each, self.lots.x(e, node, profile, decision), gain)]
                self.rows.add(("obey last", self.agent, e), goal, places, parts, np.zeros(len(node)))
