"""Exact search where weights are frozen at the first report: the gains of lies for every first report.

The first signals never change, and once reported nobody's report of period 0 matters but for the weights. So with the
others truthful, agent i that reported x̂_i, is x_i, and knows the others' x_{−i}, faces for every triple a small
decision problem over profiles of *states*. Whatever it reports (any type, however inconsistent with the past), it
gets a decision d at a price that depends on the others' reports; only the cheapest report for each d matters:

    V(x̂_i, x_i, x_{−i}; s) = max over attainable d of v_i(d, s_i) − p_i(d; x̂_i, x_{−i}, s_{−i}) + δ E[V(s′) | d, s],

and truth-telling from now on is worth V⁰. Later gains V − V⁰ are periodic ex post, over *all* states, those included
that no play leads to. At t = 0 reporting x̂_i is worth −p_{i,0} + δ E[V(s_1)], best responses after it (or truth: the
lies x̂ → x); *ex post* with the others' first reports known, *interim* on average over them.

Source: Kakade, Lobel and Nazerzadeh 2011, §3.2: incentive compatibility at t = 0 given that of later periods.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.planning.batch_plan import FORBIDDEN, follow, solve_plans
from dynmech.mechanisms.virtual.frozen_plans import require_plan
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arrays import FloatArray, IntArray

CASES = 8_000_000
"""Largest number of entries in the work on a batch of triples."""


@dataclass(frozen=True, eq=False)
class FrozenSearch:
    """One agent's gains and payoffs; axes O others' first profiles, m reported nodes, m true nodes.

    Attributes:
        later: max over states of V − V⁰ at t ≥ 1, `(O, m, m)`; lies in any period from 1 on.
        least: min over states of V⁰, `(O, m, m)`: what staying is worth.
        fee: p_{i,0}, `(O, m)`.
        honest: E[V⁰(s_1)] δ − fee, `(O, m, m)`: report x̂, truth afterwards.
        best: the same with best responses afterwards.
        weights: probabilities of the others' first profiles, `(O,)`.
        masses: of the agent's own nodes, `(m,)`.
    """

    agent: int
    later: FloatArray
    least: FloatArray
    fee: FloatArray
    honest: FloatArray
    best: FloatArray
    weights: FloatArray
    masses: FloatArray

    @property
    def truth(self) -> FloatArray:
        """U_i(x_i; x_{−i}), `(O, m)`."""
        return np.diagonal(self.honest, axis1=1, axis2=2)

    @property
    def first_gain(self) -> float:
        """The largest gain at t = 0, ex post, whatever follows."""
        return float((self.best - self.truth[:, None]).max())

    @property
    def later_gain(self) -> float:
        """The largest gain at t ≥ 1, ex post, for any frozen first reports."""
        return float(self.later.max())

    @property
    def ex_ante_gain(self) -> float:
        """The largest expected gain before anything is known, from the best first report for every node."""
        mean = np.tensordot(self.weights, self.best - self.truth[:, None], axes=1)
        return float(mean.max(axis=0) @ self.masses)

    @property
    def payoff(self) -> float:
        """Expected payoff of truth."""
        return float(self.weights @ self.truth @ self.masses)

    @property
    def least_stay(self) -> float:
        """The worst continuation payoff of truth, at any state, first report and date."""
        return float(min(self.least.min(), self.truth.min()))

    @property
    def least_interim(self) -> float:
        """The worst expected payoff at the start, knowing one's own first signal."""
        return float((self.weights @ self.truth).min())


def search_frozen(mechanism: VirtualPivot, agent: int) -> FrozenSearch:
    """Search all frozen first reports of one agent and return its gains and payoffs.

    Raises:
        Refusal: it does not fit in memory; the size is said.
    """
    economy, nodes = mechanism.economy, mechanism.nodes[agent]
    others = mechanism.profiles // nodes
    size = max(period.size for period in economy.later)
    require_plan(economy)
    step = max(1, CASES // (nodes**2 * size * len(economy.decisions)))
    tables = [_search_batch(mechanism, agent, np.arange(a, min(a + step, others))) for a in range(0, others, step)]
    later, least, honest, best = (np.concatenate([t[k] for t in tables]) for k in range(4))
    profile = _first_profiles(mechanism, agent, np.arange(others))
    fee = mechanism.opening.fee[profile, agent]
    masses = [grid.masses for grid in mechanism.environment.grids]
    weights = np.ones(1)
    for j, law in enumerate(masses):
        weights = weights if j == agent else np.multiply.outer(weights, law).reshape(-1)
    return FrozenSearch(
        agent, later, least, fee, honest - fee[:, :, None], best - fee[:, :, None], weights, masses[agent]
    )


def _first_profiles(mechanism: VirtualPivot, agent: int, others: IntArray) -> IntArray:
    """Return first profiles by the others' and own node, `(O, m)`."""
    below = int(np.prod(mechanism.nodes[agent + 1 :], dtype=np.intp))
    return mechanism.with_others(agent, others)[:, None] + np.arange(mechanism.nodes[agent]) * below


def _search_batch(mechanism: VirtualPivot, agent: int, others: IntArray) -> tuple[FloatArray, ...]:
    """Return later gains, least stays, δ E[V⁰(s_1)] and δ E[V(s_1)] for some of the others' first profiles."""
    economy, nodes = mechanism.economy, mechanism.nodes[agent]
    profile = _first_profiles(mechanism, agent, others)
    frozen = np.broadcast_to(profile[:, :, None], (*profile.shape, nodes))
    codes = (frozen * mechanism.profiles + profile[:, None, :]).reshape(-1)
    rows = mechanism.known(codes)
    scale = np.broadcast_to(mechanism.values[agent].scale, frozen.shape)
    menus, kept, policies = [], [], []
    for t in range(len(economy.later)):
        decision, paid = _offers(mechanism, agent, t, rows, frozen.reshape(-1))
        candidates = _cheapest(
            mechanism, agent, t, decision.reshape(*frozen.shape, -1), paid.reshape(*frozen.shape, -1)
        )
        value = _value(mechanism, agent, t, scale)
        offered = np.isfinite(candidates)[:, :, None]
        menus.append(np.where(offered, value - np.where(offered, candidates[:, :, None], 0.0), FORBIDDEN))
        truthful = value - paid.reshape(*frozen.shape, 1, -1)
        kept.append(truthful.reshape(-1, *truthful.shape[3:]))
        policies.append(decision)
    flat = [np.ascontiguousarray(m.reshape(-1, *m.shape[3:])) for m in menus]
    best, honest = solve_plans(economy, flat).value, follow(economy, policies, kept)
    shape = frozen.shape
    later = np.max([(b - h).max(axis=1) for b, h in zip(best, honest, strict=True)], axis=0).reshape(shape)
    least = np.min([h.min(axis=1) for h in honest], axis=0).reshape(shape)
    start = [economy.discount * economy.start(v[0]).reshape(shape) for v in (honest, best)]
    return later, least, start[0], start[1]


def _offers(
    mechanism: VirtualPivot, agent: int, t: int, rows: IntArray, frozen: IntArray
) -> tuple[IntArray, FloatArray]:
    """Return decisions and own payments under truth about the states, `(n, S)` each, one row per weight vector."""
    size = mechanism.economy.later[t].size
    states = np.tile(np.arange(size), len(rows))
    row, first = np.repeat(rows, size), np.repeat(frozen, size)
    decision = mechanism.policy_at(t, row, states)
    paid = mechanism.payment(t, first, row, states, decision)[:, agent]
    return decision.reshape(len(rows), size), paid.reshape(len(rows), size)


def _cheapest(mechanism: VirtualPivot, agent: int, t: int, decision: IntArray, paid: FloatArray) -> FloatArray:
    """Return the least payment for every decision over own reports, `(O, m, D, S)`; infinite if unattainable.

    `decision` and `paid` `(O, m, m, S)`: by first node, reported node, and states as reported.
    """
    axes = mechanism.economy.later[t].axes
    shape = (*decision.shape[:3], *axes)
    out = []
    for d in range(len(mechanism.economy.decisions)):
        price = np.where(decision == d, paid, np.inf).reshape(shape)
        least = price.min(axis=(2, 3 + agent), keepdims=True)
        out.append(np.broadcast_to(least[:, :, 0], (*shape[:2], *axes)).reshape(*shape[:2], -1))
    return np.stack(out, axis=2)


def _value(mechanism: VirtualPivot, agent: int, t: int, scale: FloatArray) -> FloatArray:
    """Return v_i by decision and states for true nodes, `(O, m, m, D, S)`, as a view repeated over O and m."""
    period = mechanism.economy.later[t]
    table = scale[0, 0][:, None, None] * period.slope[agent] + period.intercept[agent]
    nodes, decisions = table.shape[:2]
    own = table.reshape(nodes, decisions, *(w if j == agent else 1 for j, w in enumerate(period.axes)))
    full = np.broadcast_to(own, (nodes, decisions, *period.axes)).reshape(nodes, decisions, -1)
    return np.broadcast_to(full, (*scale.shape, decisions, period.size))
