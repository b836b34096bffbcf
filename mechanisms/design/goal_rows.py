"""Rows of participation, of the budget and of the bound on transfers.

Participation: V >= 0 at the start (ex ante), in expectation at every information set (interim), at every profile (ex
post), over everything that own lies and the others' truth can lead to; leaving at any time then never pays. Default: an
agent that takes the decision and does not pay is out from then on, worth o: V(m, θ) >= E u(χ(r, θ_−i), θ) + o for
all r; Bayesian, or where lots are drawn, see `bill_rows`.

Budget: Σ_i p_i >= cost (or =) at all reports that truth by everybody leads to, for every decision that may be drawn; in
expectation given what was public before; or over all periods, by W = E_d [Σ u − cost + δ E W'] and prior · (W − Σ V).
"""

import numpy as np

from dynmech.mechanisms.design.bill_rows import pays_rows
from dynmech.mechanisms.design.columns import Columns
from dynmech.mechanisms.design.decision_rule import DecisionRule
from dynmech.mechanisms.design.history_rule import history_welfare
from dynmech.mechanisms.design.public_nodes import PublicNodes, next_law
from dynmech.mechanisms.design.rows import DEFINITION, Rows
from dynmech.mechanisms.design.truth_rows import AgentRows
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment


def participation_rows(agent: AgentRows, kind: str, goal: int, *, start_only: bool = False) -> None:
    """Add what one agent's participation asks; `start_only`: when play begins, and not later."""
    rows, columns, who = agent.rows, agent.columns, agent.agent
    if kind == "ex-ante":
        prior = agent.reach.environment.prior.reshape(-1)
        some = np.flatnonzero(prior)
        zero = np.zeros(len(some), np.intp)
        parts = [(zero, columns.v(zero, some), prior[some]), *agent.leeway(0, zero[:1])]
        rows.add(("stays ex ante", who, 0), goal, np.zeros((1, 1), np.intp), parts, np.zeros(1))
        return
    done: list[IntArray] = []
    for e, entry in enumerate(agent.nodes.entries[:1] if start_only else agent.nodes.entries):
        if kind == "default":
            if agent.refuses:
                pays_rows(agent, e, goal)
            else:
                _default(agent, e, goal, done)
            continue
        sets = agent.ex_post_sets(e, done) if kind == "ex-post" else agent.interim_sets(e)
        place = columns.v(entry.table[sets.node[sets.member]], sets.profile)
        parts = [(sets.member, place, sets.weight), *agent.leeway(e, sets.node)]
        rows.add(("stays", who, e), goal, sets.place, parts, np.zeros(len(sets.node)))


def _default(agent: AgentRows, e: int, goal: int, done: list[IntArray]) -> None:
    """Add, ex post, that no report is worth sending in order not to pay; the truth is one of them."""
    entry, side = agent.nodes.entries[e], agent.reach.stage(agent.nodes.entries[e].t)
    sets = agent.ex_post_sets(e, done)
    each, ones = np.arange(len(sets.node)), np.ones(len(sets.node))
    for shift in range(side.signals):
        report = (side.own[sets.profile] + shift) % side.signals
        x = side.swap[sets.profile, report]
        terms = agent.refusal(e, sets.node, sets.profile, x)
        parts = [(each, agent.columns.v(entry.table[sets.node], sets.profile), ones)]
        parts.append((each[:, None], terms.columns, -terms.values))
        place = np.column_stack([sets.place, report])
        agent.rows.add(("default", agent.agent, e), goal, place, parts, terms.constant)


class BudgetRows:
    """What the budget asks of all agents' transfers together."""

    def __init__(
        self,
        environment: TableEnvironment,
        rule: DecisionRule,
        nodes: PublicNodes,
        path: list[FloatArray],
        columns: Columns,
        rows: Rows,
    ) -> None:
        self.environment, self.rule, self.nodes, self.path = environment, rule, nodes, path
        self.columns, self.rows = columns, rows
        self.agents = range(len(environment.agents))

    def add(self, level: str, goal: int, *, balanced: bool) -> None:
        """Add the rows of one level."""
        if level == "ex-ante":
            self._ex_ante(goal, balanced)
            return
        done: list[IntArray] = []
        for e in range(len(self.nodes.entries)):
            (self._per_period if level == "period" else self._ex_post)(e, goal, balanced, done)

    def _ex_post(self, e: int, goal: int, balanced: bool, done: list[IntArray]) -> None:
        entry = self.nodes.entries[e]
        node, profile = np.nonzero(self.path[e] > 0)
        code = self.columns.of(0).p(entry.table[node], profile)
        _, first = np.unique(code, return_index=True)
        first = np.sort(first[~np.isin(code[first], np.concatenate(done) if done else [])])
        done.append(code[first])
        node, profile = node[first], profile[first]
        cost = self._cost(entry.t)
        drawn, chance = self.rule.draws(e, entry.t, node, profile)
        for draw in range(drawn.shape[1]):
            some = chance[:, draw] > 0
            n, x, d = node[some], profile[some], drawn[some, draw]
            places = np.column_stack([n, x, d])
            each, ones = np.arange(len(n)), np.ones(len(n))
            parts = [(each, self.columns.of(i).p(entry.table[n], x), ones) for i in self.agents]
            self.rows.add(("budget", -1, e), goal, places, parts, cost[x, d], equal=balanced)

    def _per_period(self, e: int, goal: int, balanced: bool, done: list[IntArray]) -> None:
        del done
        entry = self.nodes.entries[e]
        nodes = np.flatnonzero(self.path[e].sum(axis=1) > 0)
        law = self.path[e][nodes]
        row, profile = np.nonzero(law)
        weight = law[row, profile]
        drawn, chance = self.rule.draws(e, entry.t, nodes[row], profile)
        expected = (self._cost(entry.t)[profile[:, None], drawn] * chance).sum(axis=1)
        limit: FloatArray = np.bincount(row, weight * expected, len(nodes)).astype(np.float64)
        table = entry.table[nodes[row]]
        parts = [(row, self.columns.of(i).p(table, profile), weight) for i in self.agents]
        self.rows.add(("budget period", -1, e), goal, nodes[:, None], parts, limit, equal=balanced)

    def _ex_ante(self, goal: int, balanced: bool) -> None:
        prior, limit = self.environment.prior.reshape(-1), np.zeros(1)
        some = np.flatnonzero(prior)
        zero = np.zeros(len(some), np.intp)
        parts = [(zero, self.columns.of(i).v(zero, some), -prior[some]) for i in self.agents]
        if self.rule.by_history:
            limit = limit - history_welfare(self.environment, self.rule, self.nodes)
        else:
            self.define_welfare()
            parts = [(zero, self.columns.welfare[0] + some, prior[some]), *parts]
        self.rows.add(("budget ex ante", -1, 0), goal, np.zeros((1, 1), np.intp), parts, limit, equal=balanced)

    def define_welfare(self) -> None:
        """Add the rows of W, stage by stage."""
        stages, horizon = self.environment.table_stages, self.environment.horizon
        for t in stages:
            stage, k = self.environment.stage(t), self.rule.at(t)
            drawn, chance = self.rule.drawn[k], self.rule.chance[k]
            welfare = np.broadcast_to(stage.welfare, (len(stage.decisions), *stage.axes)).reshape(
                len(stage.decisions), -1
            )
            flow = (np.take_along_axis(welfare.T, drawn, axis=1) * chance).sum(axis=1)
            each = np.arange(stage.size)
            parts = [(each, self.columns.welfare[t] + each, np.ones(stage.size))]
            last = horizon is not None and t == horizon - 1
            if not last:
                law = self._moves(t)
                row, following = np.nonzero(law)
                start = self.columns.welfare[t if horizon is None else t + 1]
                parts.append((row, start + following, -self.environment.discount * law[row, following]))
            self.rows.add(("welfare", -1, t), DEFINITION, each[:, None], parts, flow, equal=True)

    def _moves(self, t: int) -> FloatArray:
        """Return the law of the next profile under the rule, `(S, S')`."""
        return moves(self.environment, self.rule, t)

    def _cost(self, t: int) -> FloatArray:
        """Return the cost of every decision, `(S, D)`."""
        return costs(self.environment, t)


def moves(environment: TableEnvironment, rule: DecisionRule, t: int) -> FloatArray:
    """Return the law of the next profile under the rule, `(S, S')`."""
    rows, k = next_law(environment, t), rule.at(t)
    drawn, chance = rule.drawn[k], rule.chance[k]
    each = np.arange(rows.shape[1])
    total = np.zeros(rows.shape[1:])
    for draw in range(drawn.shape[1]):
        total += chance[:, draw, None] * rows[drawn[:, draw], each]
    return total


def costs(environment: TableEnvironment, t: int) -> FloatArray:
    """Return the cost of every decision by profile, `(S, D)`."""
    stage = environment.stage(t)
    full = np.broadcast_to(stage.spread_cost, (len(stage.decisions), *stage.axes))
    return np.ascontiguousarray(full.reshape(len(stage.decisions), -1).T)


def bound_rows(rows: Rows, used: IntArray, bound: int, centre: FloatArray) -> None:
    """Add −B <= p − centre <= B for transfers that some row reads."""
    each = np.arange(len(used))
    for sign in (1.0, -1.0):
        parts = [(each, used, np.full(len(used), -sign)), (each, np.full(len(used), bound), np.ones(len(used)))]
        rows.add(("bound", -1, 0), DEFINITION, used[:, None], parts, -sign * centre)
