"""The virtual pivot mechanism: the most profitable one in a separable economy.

Timing. t = 0: everybody reports its first signal x̂_i; weights α̂_i, β̂_i are frozen for good, whoever has α̂_i ≤ 0 is
excluded, and i pays p_{i,0}. t ≥ 1: everybody reports its *whole* type (x, s_i) again; d* maximises the affine welfare
Σ (α̂_j v_j + β̂_j) − c of the reports from now on, and with the flow marginal contribution

    m_i = Σ_j (α̂_j v̂_j + β̂_j)(d*) − c(d*) − W_{−i}(ŝ) + δ E[W_{−i}(s′) | d*, ŝ],      p_i = v̂_i − m_i/α̂_i.

As p_i is T_i/α̂_i − β̂_i(d*)/α̂_i (T: see `frozen_plans`), it is a price for d* that others' reports set; truth from
t on is worth (W − W_{−i})/α̂_i. At the start i pays p_{i,0} = δ E[(W − W_{−i})(s_1)]/α̂_i − U_i, its rent U_i by the
envelope.

Guarantee. At t ≥ 1 no lie gains, whatever the frozen positive weights, and nobody wants to leave. At t = 0:
`reading=continuum` (weights of the continuous economy read at the nodes, rents exact over [0, x]): no lie gains,
revenue tends to the relaxed bound as the grid refines. `grid` (the grid as the true type space, rents by left sums):
revenue *is* the grid's relaxed bound, first lies gain up to the order of a step. `grid-binding`: those weights, rents
by binding differences: no lie gains, revenue a little under the bound. `cells` (continuous weights, every cell at its
middle's slope) has the node-sampled virtual welfare as revenue and small gains; `left-sums` (continuous weights with
left sums) has neither. Assumes separable values, α (or −h A′) increasing, B and C not negative, and that everybody
can be left out.

`continuation=others` takes W_{−i} after the decision that would be best *without* i, as (20) and (21) of the paper are
printed; with three agents whose states decisions move, lies then gain.

Source: Kakade, Lobel and Nazerzadeh 2011, Theorem 5.1 and Lemmas 5.1, 5.2 and 5.3, with δ^{τ−t} for
δ^τ and + for − before β̂ in (18).
"""

from functools import cached_property

import numpy as np

from dynmech.mechanisms.planning.batch_plan import Plans
from dynmech.mechanisms.virtual.frozen_plans import continuation, plans, plans_at_once, transfers
from dynmech.mechanisms.virtual.opening_rents import READINGS, OpeningRents
from dynmech.mechanisms.virtual.plan_tables import PlanTables
from dynmech.mechanisms.virtual.rents import Opening, Worth
from dynmech.mechanisms.virtual.separable_mechanism import ASSUMPTIONS, SeparableMechanism
from dynmech.mechanisms.virtual.virtual_values import NodeValues
from dynmech.mechanisms.virtual.weights import AffineWeights, FrozenWeights, frozen_weights
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.roles import Acts, Promises, Situation

CONTINUATIONS = ("taken", "others")

ENUMERATED = 400_000
"""Cases (frozen weights × re-reports × states) up to which the bound on transfers is found by looking at all."""


class VirtualPivot(SeparableMechanism):
    """The virtual pivot mechanism: frozen weights, affine welfare, flow marginal contributions, a first payment.

    Args:
        reading: how the grid is read: continuum, grid, grid-binding, left-sums or cells.
        continuation: W_{−i} after the decision `taken`, or after the one that is best for the `others`.
    """

    name = "virtual-pivot"
    source = "Kakade–Lobel–Nazerzadeh 2011 §5"

    def __init__(self, environment: Environment, reading: str = "continuum", continuation: str = "taken") -> None:
        super().__init__(environment)
        if reading not in READINGS:
            raise InputError(f"reading: {reading!r} is none of {', '.join(READINGS)}")
        if continuation not in CONTINUATIONS:
            raise InputError(f"continuation: {continuation!r} is none of {', '.join(CONTINUATIONS)}")
        self.reading, self.continuation = reading, continuation
        claims = "none" if reading in ("grid", "cells") else "periodic ex post"
        self.promises = Promises(incentive=claims, participation="ex post", assumptions=ASSUMPTIONS)
        self.solved = PlanTables(self._solve)

    # Rules

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the first decision at t = 0; then the best one for the affine welfare, `(n,)`."""
        if now.t == 0:
            return np.zeros(len(messages), np.intp)
        row, states = self._rows(now, messages)
        return self.policy_at(self.at(now.t), row, states)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the subscription p_{i,0} at t = 0; then (T_i − β̂_i)/α̂_i, `(n, N)`."""
        if now.t == 0:
            return self.opening.fee[self.split(0, messages)[0]]
        row, states = self._rows(now, messages)
        return self.payment(self.at(now.t), np.asarray(now.memory), row, states, decision)

    def policy_at(self, t: int, row: IntArray, states: IntArray) -> IntArray:
        """Return the decisions `(n,)` in the t-th later period, by row of `solved` and profile of states."""
        return self.solved.policy[t][row, states]

    def payment(self, t: int, frozen: IntArray, row: IntArray, states: IntArray, decision: IntArray) -> FloatArray:
        """Return the payments `(n, N)` in the t-th later period; `frozen`: first profiles `(n,)`."""
        weights = self.weights
        slopes = np.stack([table[decision, 0] for table in self.economy.later[t].slope], axis=1)
        beta = slopes * weights.shift[frozen]
        paid = (self.solved.transfer[t][row, :, states] - beta) / weights.alpha[frozen]
        return np.where(weights.included[frozen], paid, 0.0)

    def transfer_bound(self) -> float:
        """Return the largest payment: looked up where there are few cases, else bounded by a one-step loss."""
        fee = float(np.abs(self.opening.fee).max())
        size = max(period.size for period in self.economy.later)
        if self.profiles**2 * size * self.count > ENUMERATED:
            return max(fee, self._loose_bound())
        return max(fee, self._largest_payment()) * (1 + 1e-12)

    def _largest_payment(self) -> float:
        """Return the largest payment after period 0, over all frozen profiles, reports and states."""
        codes = np.arange(self.profiles**2)
        rows, largest = self.known(codes), 0.0
        for t, period in enumerate(self.economy.later):
            states = np.tile(np.arange(period.size), len(codes))
            row, frozen = np.repeat(rows, period.size), np.repeat(codes // self.profiles, period.size)
            paid = self.payment(t, frozen, row, states, self.policy_at(t, row, states))
            largest = max(largest, float(np.abs(paid).max()))
        return largest

    def _loose_bound(self) -> float:
        """Return (max − min of the others' flows) times the number of periods, discounted: at least |T|."""
        included, later = self.weights.included, self.economy.later
        periods = 1 / (1 - self.economy.discount) if self.economy.endless else float(len(later))
        flows = []
        for i, values in enumerate(self.values):
            most = float(np.abs(values.multiplier()).max())
            own = [most * np.abs(p.slope[i]) + np.abs(p.intercept[i]) for p in later]
            flows.append(max(float(table.max()) for table in own))
        cost = max(float(np.abs(p.cost).max()) for p in later)
        unit = max(float(np.abs(p.slope[i]).max()) for p in later for i in range(self.count))
        weight = 1 / float(self.weights.alpha[included].min(initial=1.0))
        shift = float(np.abs(self.weights.shift[included]).max(initial=0.0))
        return weight * (2 * periods * (sum(flows) + cost) + unit * shift)

    # Weights and first payments

    @cached_property
    def weights(self) -> FrozenWeights:
        """The weights that each profile of first reports freezes."""
        return frozen_weights(self.environment, grid=self.reading.startswith("grid"))

    @property
    def values(self) -> tuple[NodeValues, ...]:
        """Virtual values at the nodes, per agent."""
        return self.weights.values

    def counted(self, frozen: IntArray, nodes: IntArray) -> AffineWeights:
        """Return who counts with which multiplier, given first and current reports, profiles `(n,)` each."""
        return self.weights.counted(frozen, nodes)

    @cached_property
    def rents(self) -> OpeningRents:
        """Rents and first payments."""
        return OpeningRents(self.environment, self.weights, self.reading)

    @property
    def opening(self) -> Opening:
        """Rents and subscriptions by first profile."""
        return self.rents.opening

    @property
    def slopes(self) -> FloatArray:
        """b = E Σ_{t≥1} δ^t slope_i by first profile and agent, `(X, N)`."""
        return self.rents.slopes

    @property
    def profit(self) -> float:
        """What truthful play earns, before first signals are known."""
        return self.rents.profit

    def worth_of(self, agent: int) -> Worth:
        """Return w and b of agent i as functions of its multiplier and the others' first profile."""
        return self.rents.worth_of(agent)

    # Plans

    def known(self, codes: IntArray) -> IntArray:
        """Return rows of `solved` for codes (first profile · X + current profile), `(n,)`, solved where new."""
        return self.solved.rows(codes)

    def _rows(self, now: Situation, messages: Array) -> tuple[IntArray, IntArray]:
        """Return the rows of `solved` and the reported profiles of states, `(n,)` each."""
        nodes, states = self.split(now.t, messages)
        return self.known(np.asarray(now.memory) * self.profiles + nodes), states

    def _solve(self, codes: IntArray) -> tuple[list[IntArray], list[FloatArray]]:
        """Return `_tables` of all codes, worked out a batch at a time."""
        size, batch = max(period.size for period in self.economy.later), plans_at_once(self.economy)
        require_room(f"the plans of mechanism {self.name!r}", float(len(codes)) * size * (self.count + 1) * 2)
        pieces = [self._tables(codes[a : a + batch]) for a in range(0, len(codes), batch)]
        periods = range(len(self.economy.later))
        policy = [np.concatenate([piece[0][t] for piece in pieces]) for t in periods]
        return policy, [np.concatenate([piece[1][t] for piece in pieces]) for t in periods]

    def _tables(self, codes: IntArray) -> tuple[list[IntArray], list[FloatArray]]:
        """Return policies `(n, S)` and pivot transfers T `(n, N, S)` under them, per later period."""
        counted = self.counted(*np.divmod(codes, self.profiles))
        policy = self.allocation(counted)
        alone = [plans(self.economy, counted.without(i)) for i in range(self.count)]
        transfer = []
        for t in range(len(self.economy.later)):
            rows = []
            for i in range(self.count):
                after = self._after_others(t, alone[i]) if self.continuation == "others" else None
                table = transfers(self.economy, t, counted, i, alone[i], after)
                rows.append(np.take_along_axis(table, policy[t][:, None], axis=1)[:, 0])
            transfer.append(np.stack(rows, axis=1))
        return policy, transfer

    def allocation(self, counted: AffineWeights) -> list[IntArray]:
        """Return the decision rule, `(n, S)` per later period."""
        return list(plans(self.economy, counted).policy)

    def _after_others(self, t: int, alone: Plans) -> FloatArray:
        """Return δ E[W_{−i}] after the decision that is best without i, whatever is taken, `(n, D, S)`."""
        ahead = continuation(self.economy, t, alone)
        kept = np.take_along_axis(ahead, alone.policy[t][:, None], axis=1)
        return np.broadcast_to(kept, ahead.shape)
