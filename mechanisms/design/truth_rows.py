"""Rows of one agent: what truth is worth, what follows, obedience, and that no single lie gains.

By the one-shot-deviation principle no play gains iff no single lie does at any state that own lies and the others'
truth can lead to. With the functions of `columns`, at table m of node n, profile θ, report r (x = θ with r), draws d:

    V(m, θ) = E_d [u(d, θ) + C(n(θ, d), θ_i, recommended)] − p(m, θ)
    C(n, k, a) = δ E[V(m', θ') | reports and decision of n, own signal k, own action a]
    V(m, θ) + p(m, x) − E_d [u(d, θ) + C(n(x, d), θ_i)] >= ε           ex post; Bayesian in expectation over θ_−i

and with private actions Y(n, k) >= u(d with a, k) + C(n, k, a) for every a in the place of u + C after a lie, and
recommended actions as good as any after the truth.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.design.columns import AgentColumns
from dynmech.mechanisms.design.decision_rule import chances
from dynmech.mechanisms.design.reach import Reach
from dynmech.mechanisms.design.rows import DEFINITION, Rows, Terms
from dynmech.mechanisms.design.safety import Safety
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray

ALIKE = 1e-12
"""Probabilities up to this apart are the same."""


@dataclass(frozen=True, eq=False)
class InformationSets:
    """What an agent may know when it reports in an entry: sets of profiles with weights that sum to 1.

    Attributes:
        node: whose transfers are in force, `(sets,)`.
        member: per profile of a set, the set; `(m,)`.
        profile, weight: the profile and its weight, `(m,)`.
        place: what tells the sets apart, `(sets, k)`.
    """

    node: IntArray
    member: IntArray
    profile: IntArray
    weight: FloatArray
    place: IntArray

    def of(self, some: BoolArray) -> "InformationSets":
        """Return some of the sets, each of which holds one profile."""
        count = np.arange(int(some.sum()))
        return InformationSets(self.node[some], count, self.profile[some], self.weight[some], self.place[some])


class AgentRows:
    """Everything that is asked of one agent's transfers."""

    def __init__(
        self,
        reach: Reach,
        columns: AgentColumns,
        rows: Rows,
        *,
        ex_post: bool,
        refuses: bool = False,
        safety: Safety | None = None,
    ) -> None:
        self.reach, self.columns, self.rows, self.ex_post, self.safety = reach, columns, rows, ex_post, safety
        self.refuses = refuses  # pay or not, once the bill is known
        self.agent = reach.agent
        self.nodes, self.rule = reach.nodes, reach.rule
        self.discount = reach.environment.discount

    # What is worth how much

    def define(self) -> None:
        """Add the rows that define V, C and Y."""
        done: list[IntArray] = []
        for e, entry in enumerate(self.nodes.entries):
            node, profile = self._states(e, done)
            places = np.column_stack([node, profile])
            honest = self.report_terms(e, node, profile, profile, honest=True)
            each = np.arange(len(node))
            parts = [(each, self.columns.v(entry.table[node], profile), np.ones(len(node)))]
            parts.append((each[:, None], honest.columns, -honest.values))
            self.rows.add(("worth", self.agent, e), DEFINITION, places, parts, honest.constant, equal=True)
            if e > 0:
                self._follow(e)

    def _states(self, e: int, done: list[IntArray]) -> tuple[IntArray, IntArray]:
        """Return nodes and profiles that occur, each transfer table once over all entries."""
        entry = self.nodes.entries[e]
        node, profile = np.nonzero(self.reach.occurs[e])
        code = self.columns.v(entry.table[node], profile)
        _, first = np.unique(code, return_index=True)
        first = np.sort(first[~np.isin(code[first], np.concatenate(done) if done else [])])
        done.append(code[first])
        return node[first], profile[first]

    def _follow(self, e: int) -> None:
        """Add the rows of C, and of Y where there are private actions."""
        entry = self.nodes.entries[e]
        node, signal, action = np.nonzero(self.reach.pasts[e])
        law = self.reach.law(e, node, signal, action)
        row, profile = np.nonzero(law)
        parts = [
            (np.arange(len(node)), self.columns.c(e, node, signal, action), np.ones(len(node))),
            (row, self.columns.v(entry.table[node[row]], profile), -self.discount * law[row, profile]),
        ]
        places = np.column_stack([node, signal, action])
        self.rows.add(("follows", self.agent, e), DEFINITION, places, parts, np.zeros(len(node)), equal=True)
        if self.reach.pasts[e].shape[2] > 1:
            less, utility = self.worth_before(e, node, signal, action)
            parts = [(np.arange(len(node)), self.columns.y(e, node, signal), np.ones(len(node)))]
            parts.append((np.arange(len(node)), self.columns.c(e, node, signal, action), -np.ones(len(node))))
            parts += [(row, column, -value) for row, column, value in less]
            self.rows.add(("acts", self.agent, e), DEFINITION, places, parts, utility)

    def worth_before(
        self, e: int, node: IntArray, signal: IntArray, action: IntArray
    ) -> tuple[list[tuple[IntArray, IntArray, FloatArray]], FloatArray]:
        """Return the utility of the period before, as parts of a row per node (none here) and as constants."""
        return [], self._utility_then(e, node, signal, action)

    def gone(self, e: int) -> float:
        """Return what it is worth to be out from the period after entry e on."""
        environment = self.reach.environment
        outside, horizon = environment.outside, environment.horizon
        if not outside:
            return 0.0
        left = self.discount / (1 - self.discount) if horizon is None else 0.0
        for s in range(1, 0 if horizon is None else horizon - self.nodes.entries[e].t):
            left += self.discount**s
        return outside[self.agent] * left

    def refusal(self, e: int, node: IntArray, profile: IntArray, x: IntArray) -> Terms:
        """Return what reports x are worth where nothing is paid and one is out from then on, `(m,)`."""
        side = self.reach.stage(self.nodes.entries[e].t)
        drawn, chance = self.rule.draws(e, self.nodes.entries[e].t, node, x)
        best = side.utility[profile[:, None, None], side.taken[drawn]].max(axis=2)
        nothing = np.zeros((len(node), 0))
        return Terms(nothing.astype(np.intp), nothing, (chance * best).sum(axis=1) + self.gone(e))

    def _utility_then(self, e: int, node: IntArray, signal: IntArray, action: IntArray) -> FloatArray:
        """Return the utility of the period before, at the agent's true signal and with its action."""
        entry, side = self.nodes.entries[e], self.reach.stage(self.nodes.before(e))
        truth = side.swap[entry.last[node], signal]
        return side.utility[truth, side.taken[entry.decision[node], action]]

    def report_terms(self, e: int, node: IntArray, profile: IntArray, x: IntArray, *, honest: bool) -> Terms:
        """Return what reports x at true profiles are worth: −p + E_d [u + what follows], `(m,)`."""
        entry = self.nodes.entries[e]
        side = self.reach.stage(entry.t)
        drawn, chance = self.rule.draws(e, entry.t, node, x)
        constant = np.zeros(len(node))
        chooses = side.actions > 1 and not honest
        if self.refuses and not honest:
            return self._billed(e, node, profile, x)
        columns = [self.columns.p(entry.table[node], x)]
        values = [-np.ones(len(node))]
        for draw in range(drawn.shape[1]):
            d, weight = drawn[:, draw], chance[:, draw]
            if not (chooses and entry.after is not None):
                utility = side.utility[profile[:, None], side.taken[d]].max(axis=1) if chooses else None
                constant += weight * (side.utility[profile, d] if utility is None else utility)
            if entry.after is None:
                continue
            then, own = entry.following[node, x, draw], side.own[profile]
            follows = (
                self.columns.y(entry.after, then, own)
                if chooses
                else self.columns.c(entry.after, then, own, side.recommended[d])
            )
            columns.append(follows)
            values.append(weight)
        return Terms(np.stack(columns, axis=1), np.stack(values, axis=1), constant)

    def _billed(self, e: int, node: IntArray, profile: IntArray, x: IntArray) -> Terms:
        """Return what false reports x are worth where the bill may be refused, `(m,)`."""
        entry = self.nodes.entries[e]
        side = self.reach.stage(entry.t)
        drawn, chance = self.rule.draws(e, entry.t, node, x)
        draws, own = np.arange(drawn.shape[1]), side.own[profile]
        case = self.bill(e, node[:, None], x[:, None], draws, own[:, None])
        utility = side.utility[profile[:, None], drawn] if side.actions == 1 else np.zeros(drawn.shape)
        return Terms(self.columns.z(e, case), chance, (chance * utility).sum(axis=1))

    def bill(self, e: int, node: IntArray, x: IntArray, draw: IntArray, own: IntArray) -> IntArray:
        """Return the number of a bill within an entry: node, reports, draw and true signal."""
        _, profiles, draws = self.nodes.entries[e].following.shape
        return ((node * profiles + x) * draws + draw) * self.reach.stage(self.nodes.entries[e].t).signals + own

    # Incentives

    def truth(self, goal: int, margin: float, column: int | None) -> None:
        """Add the rows that no lie gains, and those of obedience; `column`: of the unknown margin."""
        done: list[IntArray] = []
        for e in range(len(self.nodes.entries)):
            for sets, report in self._lies(e, done):
                if self.safety is not None:
                    pooled = self.safety.pooled(self, e, sets, report)
                    self.safety.pool(self, e, goal, sets.of(pooled), report[pooled])
                    sets, report = sets.of(~pooled), report[~pooled]
                self._no_gain(e, goal, sets, report, margin, column)
            self._obey(e, goal)

    def _lies(self, e: int, done: list[IntArray]) -> list[tuple[InformationSets, IntArray]]:
        """Return the information sets, and for each of its members the report in question; one pair per lie."""
        sets = self.ex_post_sets(e, done) if self.ex_post else self.interim_sets(e)
        side = self.reach.stage(self.nodes.entries[e].t)
        own = side.own[sets.profile]
        return [(sets, (own + shift) % side.signals) for shift in range(1, side.signals)]

    def ex_post_sets(self, e: int, done: list[IntArray]) -> InformationSets:
        """Return every profile that occurs as a set of its own."""
        node, profile = self._states(e, done)
        place = np.column_stack([node, np.full(len(node), -1), np.full(len(node), -1), profile])
        return InformationSets(node, np.arange(len(node)), profile, np.ones(len(node)), place)

    def interim_sets(self, e: int) -> InformationSets:
        """Return what the agent may know: node, own past, public state and own signal; the same laws only once."""
        entry, side = self.nodes.entries[e], self.reach.stage(self.nodes.entries[e].t)
        node, signal, action = np.nonzero(self.reach.pasts[e])
        law = self.reach.law(e, node, signal, action)
        cells = side.public * side.signals + side.own
        members, profiles, weights, places, tables = [], [], [], [], []
        seen, count = set[tuple[int, bytes]](), 0
        for cell in np.unique(cells):
            at = np.flatnonzero(cells == cell)
            mass = law[:, at].sum(axis=1)
            for k in np.flatnonzero(mass > 0):
                weight = law[k, at] / mass[k]
                key = (int(entry.table[node[k]]) * len(cells) + int(at[0]), np.round(weight, 13).tobytes())
                if key in seen:
                    continue
                seen.add(key)
                some = weight > 0
                members.append(np.full(int(some.sum()), count))
                profiles.append(at[some])
                weights.append(weight[some])
                places.append((node[k], signal[k], action[k], at[0]))
                tables.append(node[k])
                count += 1
        return InformationSets(
            np.array(tables, np.intp),
            np.concatenate(members),
            np.concatenate(profiles),
            np.concatenate(weights),
            np.array(places, np.intp),
        )

    def _no_gain(
        self, e: int, goal: int, sets: InformationSets, report: IntArray, margin: float, column: int | None
    ) -> None:
        """Add a row per information set: truth is worth at least what the report is."""
        entry, side = self.nodes.entries[e], self.reach.stage(self.nodes.entries[e].t)
        node = sets.node[sets.member]
        x = side.swap[sets.profile, report]
        terms = self.report_terms(e, node, sets.profile, x, honest=False)
        weight = sets.weight
        limit: FloatArray = np.bincount(sets.member, weight * terms.constant, len(sets.node)).astype(np.float64)
        parts = [
            (sets.member, self.columns.v(entry.table[node], sets.profile), weight),
            (sets.member[:, None], terms.columns, -weight[:, None] * terms.values),
        ]
        alike = np.ones(len(sets.node), np.bool_)
        np.logical_and.at(alike, sets.member, self.alike(e, node, sets.profile, x))
        each = np.arange(len(sets.node))
        for width, factor in () if self.safety is None else self.safety.needs(e):
            parts.append((each, np.full(len(each), width), np.full(len(each), -factor)))
        if column is not None:
            parts.append((each, np.full(len(each), column), np.where(alike, 0.0, -1.0)))
        limit = limit + np.where(alike, 0.0, margin) + (0.0 if self.safety is None else self.safety.slack(e))
        parts += self.leeway(e, sets.node)
        first = np.unique(sets.member, return_index=True)[1]
        self.rows.add(("truth", self.agent, e), goal, np.column_stack([sets.place, report[first]]), parts, limit)

    def leeway(self, e: int, node: IntArray) -> list[tuple[IntArray, IntArray, FloatArray]]:
        """Return by how much truth may be worth less than a lie at nodes, as parts of a row per node: by nothing."""
        del e, node
        return []

    def alike(self, e: int, node: IntArray, profile: IntArray, x: IntArray, apart: float = ALIKE) -> BoolArray:
        """Return where a lie cannot cost anything: the same decision, and laws of what comes next that close in L1."""
        entry = self.nodes.entries[e]
        side, decisions = self.reach.stage(entry.t), len(self.reach.environment.stage(entry.t).decisions)
        drawn, chance = self.rule.draws(e, entry.t, node, x)
        true = chances(*self.rule.draws(e, entry.t, node, profile), decisions)
        same = np.asarray((np.abs(true - chances(drawn, chance, decisions)) <= ALIKE).all(axis=1))
        if entry.after is None:
            return same & (side.actions == 1)
        rows = self.reach.rows(entry.t)
        for draw in range(drawn.shape[1]):
            d = side.taken[drawn[:, draw]]
            close = np.abs(rows[d, profile[:, None]] - rows[d, x[:, None]]).sum(axis=2).max(axis=1) <= apart
            same &= close | (chance[:, draw] == 0)
        return same & (side.actions == 1)

    def _obey(self, e: int, goal: int) -> None:
        """Add the rows that recommended actions are as good as any after the truth."""
        entry = self.nodes.entries[e]
        side = self.reach.stage(entry.t)
        if side.actions == 1:
            return
        if entry.after is None:
            self._obey_last(e, goal)
            return
        after = entry.after
        told = self.reach.told[after]
        before, nodes = side, self.nodes.entries[after]
        node = np.flatnonzero(told[np.arange(len(told)), before.own[nodes.last]])
        own, asked = before.own[nodes.last[node]], side.recommended[nodes.decision[node]]
        honest, honestly = self.worth_before(after, node, own, asked)
        for shift in range(1, side.actions):
            action = (asked + shift) % side.actions
            other, otherwise = self.worth_before(after, node, own, action)
            each, ones = np.arange(len(node)), np.ones(len(node))
            parts = [
                (each, self.columns.c(after, node, own, asked), ones),
                (each, self.columns.c(after, node, own, action), -ones),
                *honest,
                *((row, column, -value) for row, column, value in other),
            ]
            places = np.column_stack([node, own, action])
            self.rows.add(("obey", self.agent, after), goal, places, parts, otherwise - honestly)

    def _obey_last(self, e: int, goal: int) -> None:
        """The same in the last period, where nothing follows: rows without unknowns."""
        entry = self.nodes.entries[e]
        side = self.reach.stage(entry.t)
        node, profile = np.nonzero(self.reach.occurs[e])
        if not self.rule.by_history:
            profile = np.unique(profile)
            node = np.zeros(len(profile), np.intp)
        drawn, chance = self.rule.draws(e, entry.t, node, profile)
        for draw in range(drawn.shape[1]):
            possible = chance[:, draw] > 0
            some, d = profile[possible], drawn[possible, draw]
            for shift in range(1, side.actions):
                action = (side.recommended[d] + shift) % side.actions
                limit = side.utility[some, side.taken[d, action]] - side.utility[some, d]
                places = np.column_stack([some, d, action])
                self.rows.add(("obey last", self.agent, e), goal, places, [], limit)
