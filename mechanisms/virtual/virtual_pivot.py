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

from collections.abc import Iterator
from functools import cached_property
from math import prod

import numpy as np

from dynmech.mechanisms.planning.batch_plan import Plans, follow
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.virtual.frozen_plans import (
    AffineWeights,
    continuation,
    discounted_slope,
    include_all,
    own_flow,
    plans,
    transfers,
)
from dynmech.mechanisms.virtual.rents import Opening, Worth, binding_rents, cell_sums, exact_rents, left_sums
from dynmech.mechanisms.virtual.virtual_values import NodeValues, continuum_virtual, grid_virtual, node_values
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation

READINGS = ("continuum", "grid", "grid-binding", "left-sums", "cells")
CONTINUATIONS = ("taken", "others")

PIECE = 6_000_000
"""Numbers that one table of a batch of plans may hold."""

ENUMERATED = 400_000
"""Cases (frozen weights × re-reports × states) up to which the bound on transfers is found by looking at all."""

ASSUMPTIONS = ("separable values", "monotone virtual values", "everybody can be left out")


class SeparableMechanism(Mechanism):
    """A direct mechanism for a separable economy: whole types are reported, first reports are remembered.

    Raises:
        Refusal: the environment is not a separable one.
    """

    environment: SeparableEnvironment

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if not isinstance(environment, SeparableEnvironment):
            raise self.refuse("it needs a separable economy, with the law of the first signals and their scale")
        self.economy = environment.economy
        self.count = len(environment.agents)
        self.nodes = environment.nodes
        self.profiles = prod(self.nodes)

    def messages(self, t: int, agent: int) -> Finite:
        """The agent's types."""
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """The truth."""
        return signal

    def memory_size(self, t: int) -> int:
        """The first reports, once they are in."""
        return 1 if t == 0 else self.profiles

    def width(self, t: int, agent: int) -> int:
        """States that a report of period t carries: with `-` in an endless economy, none at the start of another."""
        if self.economy.endless:
            return self.economy.later[0].axes[agent] + 1
        return 1 if t == 0 else self.economy.later[t - 1].axes[agent]

    def split(self, t: int, messages: Array) -> tuple[IntArray, IntArray]:
        """Profiles of reported nodes and of reported states, `(n,)` each; `-` after period 0 counts as the first."""
        nodes, states = np.zeros(len(messages), np.intp), np.zeros(len(messages), np.intp)
        for i in range(self.count):
            node, state = np.divmod(messages[:, i], self.width(t, i))
            nodes = nodes * self.nodes[i] + node
            if t > 0:
                state = np.maximum(state - 1, 0) if self.economy.endless else state
                states = states * self.economy.later[self.at(t)].axes[i] + state
        return nodes, states

    def at(self, t: int) -> int:
        """Where period t ≥ 1 stands in the later periods."""
        return 0 if self.economy.endless else t - 1

    def default(self, now: Situation, agent: int) -> Array:
        """Late: the lowest first signal; later the one reported first, in the first state."""
        if now.t == 0:
            return np.zeros(len(now.memory), np.intp)
        node = self.node_of(np.asarray(now.memory), agent)
        return node * self.width(now.t, agent) + (1 if self.economy.endless else 0)

    def node_of(self, profile: IntArray, agent: int) -> IntArray:
        """Agent i's node in a profile of nodes."""
        return profile // prod(self.nodes[agent + 1 :]) % self.nodes[agent]

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """The first reports, for good."""
        return self.split(0, messages)[0] if now.t == 0 else now.memory


class VirtualPivot(SeparableMechanism):
    """Frozen weights, affine welfare, flow marginal contributions, a subscription at the start.

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
        self._found: dict[int, int] = {}
        self._policy: list[IntArray] = []
        self._transfer: list[FloatArray] = []

    # Weights

    @cached_property
    def values(self) -> tuple[NodeValues, ...]:
        """Virtual values at the nodes, per agent."""
        virtual = grid_virtual if self.reading.startswith("grid") else continuum_virtual
        out = []
        for first, grid in zip(self.economy.first, self.environment.grids, strict=True):
            out.append(node_values(self.economy, first.scale(grid.points), virtual(first, grid)))
        return tuple(out)

    @cached_property
    def _frozen(self) -> tuple[FloatArray, BoolArray, FloatArray]:
        """α̂, whether included, and β̂ per unit of C, by first profile `(X, N)`; α̂ is 1 where excluded."""
        place = np.array(np.unravel_index(np.arange(self.profiles), self.nodes))
        included = np.stack([v.included[k] for v, k in zip(self.values, place, strict=True)], axis=1)
        alpha = np.stack([v.alpha[k] for v, k in zip(self.values, place, strict=True)], axis=1)
        shift = np.stack([v.shift[k] for v, k in zip(self.values, place, strict=True)], axis=1)
        return np.where(included, alpha, 1.0), included, shift

    def counted(self, frozen: IntArray, nodes: IntArray) -> AffineWeights:
        """Who counts with which multiplier, given first and current reports, profiles `(n,)` each."""
        multiplier = np.stack(
            [v.multiplier()[self.node_of(frozen, i), self.node_of(nodes, i)] for i, v in enumerate(self.values)], axis=1
        )
        return include_all(multiplier, self._frozen[1][frozen])

    # Rules

    def decide(self, now: Situation, messages: Array) -> Array:
        """Nothing at first; then the best decision for the affine welfare."""
        if now.t == 0:
            return np.zeros(len(messages), np.intp)
        row, states = self._rows(now, messages)
        return self.policy_at(self.at(now.t), row, states)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """The subscription; then (T_i − β̂_i)/α̂_i."""
        if now.t == 0:
            return self.opening.fee[self.split(0, messages)[0]]
        row, states = self._rows(now, messages)
        return self.payment(self.at(now.t), np.asarray(now.memory), row, states, decision)

    def policy_at(self, t: int, row: IntArray, states: IntArray) -> IntArray:
        """Decisions `(n,)` in the t-th later period."""
        return self._policy[t][row, states]

    def payment(self, t: int, frozen: IntArray, row: IntArray, states: IntArray, decision: IntArray) -> FloatArray:
        """Payments `(n, N)` in the t-th later period."""
        alpha, included, shift = self._frozen
        beta = np.stack([table[decision, 0] for table in self.economy.later[t].slope], axis=1) * shift[frozen]
        return np.where(included[frozen], (self._transfer[t][row, :, states] - beta) / alpha[frozen], 0.0)

    def transfer_bound(self) -> float:
        """The largest payment: looked up where there are few cases, else bounded by a one-step loss."""
        fee = float(np.abs(self.opening.fee).max())
        size = max(period.size for period in self.economy.later)
        if self.profiles**2 * size * self.count > ENUMERATED:
            return max(fee, self._loose_bound())
        codes = np.arange(self.profiles**2)
        rows, most = self.known(codes), 0.0
        for t, period in enumerate(self.economy.later):
            states = np.tile(np.arange(period.size), len(codes))
            row, frozen = np.repeat(rows, period.size), np.repeat(codes // self.profiles, period.size)
            paid = self.payment(t, frozen, row, states, self._policy[t][row, states])
            most = max(most, float(np.abs(paid).max()))
        return max(fee, most) * (1 + 1e-12)

    def _loose_bound(self) -> float:
        """|T| ≤ (max − min of the others' flows) times the number of periods, discounted."""
        alpha, included, shift = self._frozen
        left = 1 / (1 - self.economy.discount) if self.economy.endless else float(len(self.economy.later))
        flows = []
        for i, values in enumerate(self.values):
            most = float(np.abs(values.multiplier()).max())
            own = [most * np.abs(p.slope[i]) + np.abs(p.intercept[i]) for p in self.economy.later]
            flows.append(max(float(table.max()) for table in own))
        cost = max(float(np.abs(p.cost).max()) for p in self.economy.later)
        unit = max(float(np.abs(p.slope[i]).max()) for p in self.economy.later for i in range(self.count))
        weight = 1 / float(alpha[included].min(initial=1.0))
        return weight * (2 * left * (sum(flows) + cost) + unit * float(np.abs(shift[included]).max(initial=0.0)))

    # Plans, as they are wanted

    def _rows(self, now: Situation, messages: Array) -> tuple[IntArray, IntArray]:
        nodes, states = self.split(now.t, messages)
        return self.known(np.asarray(now.memory) * self.profiles + nodes), states

    def known(self, codes: IntArray) -> IntArray:
        """The rows of the tables for codes (first profile · X + current profile), solved where they are new."""
        distinct, where = np.unique(codes, return_inverse=True)
        new = np.array([code for code in distinct.tolist() if code not in self._found], np.intp)
        if len(new):
            self._solve(new)
        rows = np.array([self._found[code] for code in distinct.tolist()], np.intp)
        return rows[where.reshape(-1)]

    def _solve(self, codes: IntArray) -> None:
        size = max(period.size for period in self.economy.later)
        require_room(f"the plans of mechanism {self.name!r}", float(len(codes)) * size * (self.count + 1) * 2)
        pieces = [self._tables(codes[a : a + self._step]) for a in range(0, len(codes), self._step)]
        for t in range(len(self.economy.later)):
            policy = np.concatenate([piece[0][t] for piece in pieces])
            transfer = np.concatenate([piece[1][t] for piece in pieces])
            if self._found:
                policy = np.concatenate([self._policy[t], policy])
                transfer = np.concatenate([self._transfer[t], transfer])
            self._policy[t : t + 1], self._transfer[t : t + 1] = [policy], [transfer]
        start = len(self._found)
        self._found.update({int(code): start + k for k, code in enumerate(codes)})

    def _tables(self, codes: IntArray) -> tuple[list[IntArray], list[FloatArray]]:
        """Policies `(n, S)` and pivot transfers T `(n, N, S)` under them, per later period."""
        counted = self.counted(*np.divmod(codes, self.profiles))
        policy = self.allocation(counted)
        out = []
        alone = [plans(self.economy, counted.without(i)) for i in range(self.count)]
        for t in range(len(self.economy.later)):
            rows = []
            for i in range(self.count):
                after = self._after_others(t, alone[i]) if self.continuation == "others" else None
                table = transfers(self.economy, t, counted, i, alone[i], after)
                rows.append(np.take_along_axis(table, policy[t][:, None], axis=1)[:, 0])
            out.append(np.stack(rows, axis=1))
        return policy, out

    def allocation(self, counted: AffineWeights) -> list[IntArray]:
        """The decision rule, per later period `(n, S)`."""
        return list(plans(self.economy, counted).policy)

    def _after_others(self, t: int, alone: Plans) -> FloatArray:
        """δ E[W_{−i}] after the decision that is best without i, whatever is taken, `(n, D, S)`."""
        ahead = continuation(self.economy, t, alone)
        kept = np.take_along_axis(ahead, alone.policy[t][:, None], axis=1)
        return np.broadcast_to(kept, ahead.shape)

    # The first period

    @cached_property
    def opening(self) -> Opening:
        """Rents and subscriptions by first profile."""
        alpha, included, _ = self._frozen
        worth = np.concatenate([self._worths(counted) for counted in self._truthful])
        rent = np.stack([self._rents(i, worth[:, i]) for i in range(self.count)], axis=1)
        rent = np.where(included, rent, 0.0)
        return Opening(worth, rent, worth / alpha - rent)

    @property
    def _truthful(self) -> Iterator[AffineWeights]:
        """All first profiles, reported again, some at a time."""
        every = np.arange(self.profiles)
        for a in range(0, self.profiles, self._step):
            yield self.counted(every[a : a + self._step], every[a : a + self._step])

    @property
    def _step(self) -> int:
        """Plans at a time."""
        return max(1, PIECE // (max(p.size for p in self.economy.later) * len(self.economy.decisions)))

    def _worths(self, counted: AffineWeights) -> FloatArray:
        """w of every agent, `(n, N)`."""
        both = plans(self.economy, counted).value[0]
        worth = np.zeros(counted.multiplier.shape)
        for i in range(self.count):
            alone = plans(self.economy, counted.without(i)).value[0]
            worth[:, i] = self.economy.discount * self.economy.start(both - alone)
        return np.where(counted.included, worth, 0.0)

    @cached_property
    def slopes(self) -> FloatArray:
        """b = E Σ_{t≥1} δ^t slope_i by first profile and agent, `(X, N)`."""
        pieces = []
        for counted in self._truthful:
            both = plans(self.economy, counted)
            own = [discounted_slope(self.economy, counted, i, both) for i in range(self.count)]
            pieces.append(np.stack(own, axis=1))
        return np.concatenate(pieces)

    @cached_property
    def expected_payment(self) -> FloatArray:
        """p* = V − U, what every agent is expected to pay in all, by first profile, `(X, N)`."""
        every, value = np.arange(self.profiles), np.zeros((self.profiles, self.count))
        counted = self.counted(every, every)
        both = plans(self.economy, counted)
        for i, values in enumerate(self.values):
            scale = values.scale[self.node_of(every, i)]
            flows = [own_flow(self.economy, t, i, scale) for t in range(len(self.economy.later))]
            value[:, i] = self.economy.discount * self.economy.start(follow(self.economy, both.policy, flows)[0])
        return np.where(counted.included, value, 0.0) - self.opening.rent

    @cached_property
    def profit(self) -> float:
        """What truthful play earns: E[Σ p* − Σ_{t≥1} δ^t c], before first signals are known."""
        every = np.arange(self.profiles)
        both = plans(self.economy, self.counted(every, every))
        flows = []
        for period in self.economy.later:
            spread = np.broadcast_to(period.cost[:, None], (len(period.cost), period.size))
            flows.append(np.broadcast_to(spread, (self.profiles, *spread.shape)))
        cost = self.economy.discount * self.economy.start(follow(self.economy, both.policy, flows)[0])
        weights = np.ones(())
        for grid in self.environment.grids:
            weights = np.multiply.outer(weights, grid.masses)
        return float(weights.reshape(-1) @ (self.expected_payment.sum(axis=1) - cost))

    def _rents(self, agent: int, worth: FloatArray) -> FloatArray:
        """U_i by first profile, `(X,)`; `worth`: w by first profile."""
        first, grid, values = self.economy.first[agent], self.environment.grids[agent], self.values[agent]
        others = self.profiles // self.nodes[agent]

        def own_last(table: FloatArray) -> FloatArray:
            return np.moveaxis(table.reshape(self.nodes), agent, -1).reshape(others, -1)

        match self.reading:
            case "continuum":
                additive = self.economy.kind == "additive"
                found = exact_rents(first, grid.points, self.worth_of(agent), own_last(worth), additive=additive)
            case "grid-binding":
                found = binding_rents(values, self.worth_of(agent), others)
            case "cells":
                found = cell_sums(first, grid, own_last(self.slopes[:, agent]))
            case _:
                found = left_sums(values, own_last(self.slopes[:, agent]))
        shape = [m for j, m in enumerate(self.nodes) if j != agent]
        return np.moveaxis(found.reshape(*shape, -1), -1, agent).reshape(-1)

    def worth_of(self, agent: int) -> Worth:
        """w and b of agent i as functions of its multiplier and the others' first profile."""

        def worth(own: FloatArray, others: IntArray) -> tuple[FloatArray, FloatArray]:
            return self._worth_at(agent, own, others)

        return worth

    def _worth_at(self, agent: int, own: FloatArray, others: IntArray) -> tuple[FloatArray, FloatArray]:
        profile = self.with_others(agent, others)
        counted = self.counted(profile, profile)
        included, multiplier = counted.included.copy(), counted.multiplier.copy()
        included[:, agent], multiplier[:, agent] = True, own
        w, b = np.empty(len(own)), np.empty(len(own))
        for a in range(0, len(own), self._step):
            some = slice(a, a + self._step)
            here = include_all(multiplier[some], included[some])
            both, alone = plans(self.economy, here), plans(self.economy, here.without(agent))
            w[some] = self.economy.discount * self.economy.start(both.value[0] - alone.value[0])
            b[some] = discounted_slope(self.economy, here, agent, both)
        return w, b

    def with_others(self, agent: int, others: IntArray) -> IntArray:
        """The first profile in which agent i has node 0 and the others their profile."""
        below = prod(self.nodes[agent + 1 :])
        high, low = np.divmod(others, below)
        return high * self.nodes[agent] * below + low
