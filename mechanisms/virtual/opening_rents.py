"""What the first payment is made of: what truth is worth from period 1 on, and the rent that must be left.

With w_i = δ E[(W − W_{−i})(s_1)] at the frozen weights, agent i pays at the start

    p_{i,0} = w_i/α̂_i − U_i,

U_i its rent, by the reading of the grid (see `rents`). Expected payments in all are p*_i = V_i − U_i, V_i its expected
value, and profit is E[Σ_i p*_i − Σ_{t≥1} δ^t c].

Source: Kakade, Lobel and Nazerzadeh 2011, §5.2 (24)–(25), Lemma 5.1.
"""

from collections.abc import Iterator
from functools import cached_property
from math import prod

import numpy as np

from dynmech.mechanisms.planning.batch_plan import follow
from dynmech.mechanisms.virtual.frozen_plans import discounted_slope, own_flow, plans, plans_at_once
from dynmech.mechanisms.virtual.rents import Opening, Worth, binding_rents, cell_sums, exact_rents, left_sums
from dynmech.mechanisms.virtual.weights import AffineWeights, FrozenWeights, include_all, node_of, with_others
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.separable import SeparableEnvironment

READINGS = ("continuum", "grid", "grid-binding", "left-sums", "cells")
"""How a grid of first signals may be read."""


class OpeningRents:
    """Rents, first payments and expected profit by first profile, each worked out when first asked for.

    Args:
        weights: the frozen weights of every first profile.
        reading: one of `READINGS`.
    """

    def __init__(self, environment: SeparableEnvironment, weights: FrozenWeights, reading: str) -> None:
        self.economy, self.grids, self.nodes = environment.economy, environment.grids, environment.nodes
        self.count, self.profiles = len(environment.agents), prod(environment.nodes)
        self.weights, self.reading = weights, reading
        self.batch = plans_at_once(self.economy)

    @cached_property
    def opening(self) -> Opening:
        """w, rents and first payments by first profile."""
        worth = np.concatenate([self._worths(counted) for counted in self._truthful()])
        rent = np.stack([self._rents(i, worth[:, i]) for i in range(self.count)], axis=1)
        rent = np.where(self.weights.included, rent, 0.0)
        return Opening(worth, rent, worth / self.weights.alpha - rent)

    @cached_property
    def slopes(self) -> FloatArray:
        """b = E Σ_{t≥1} δ^t slope_i by first profile and agent, `(X, N)`."""
        pieces = []
        for counted in self._truthful():
            efficient = plans(self.economy, counted)
            own = [discounted_slope(self.economy, counted, i, efficient) for i in range(self.count)]
            pieces.append(np.stack(own, axis=1))
        return np.concatenate(pieces)

    @cached_property
    def expected_payment(self) -> FloatArray:
        """p* = V − U, what every agent is expected to pay in all, by first profile, `(X, N)`."""
        every, value = np.arange(self.profiles), np.zeros((self.profiles, self.count))
        counted = self.weights.counted(every, every)
        efficient = plans(self.economy, counted)
        for i, values in enumerate(self.weights.values):
            scale = values.scale[node_of(self.nodes, every, i)]
            flows = [own_flow(self.economy, t, i, scale) for t in range(len(self.economy.later))]
            value[:, i] = self.economy.discount * self.economy.start(follow(self.economy, efficient.policy, flows)[0])
        return np.where(counted.included, value, 0.0) - self.opening.rent

    @cached_property
    def profit(self) -> float:
        """What truthful play earns: E[Σ p* − Σ_{t≥1} δ^t c], before first signals are known."""
        every = np.arange(self.profiles)
        efficient = plans(self.economy, self.weights.counted(every, every))
        flows = []
        for period in self.economy.later:
            spread = np.broadcast_to(period.cost[:, None], (len(period.cost), period.size))
            flows.append(np.broadcast_to(spread, (self.profiles, *spread.shape)))
        cost = self.economy.discount * self.economy.start(follow(self.economy, efficient.policy, flows)[0])
        probability = np.ones(())
        for grid in self.grids:
            probability = np.multiply.outer(probability, grid.masses)
        return float(probability.reshape(-1) @ (self.expected_payment.sum(axis=1) - cost))

    def worth_of(self, agent: int) -> Worth:
        """Return w and b of agent i as functions of its multiplier and the others' first profile."""

        def worth(own: FloatArray, others: IntArray) -> tuple[FloatArray, FloatArray]:
            return self._worth_at(agent, own, others)

        return worth

    def _truthful(self) -> Iterator[AffineWeights]:
        """Yield the weights of all first profiles, reported again, a batch at a time."""
        every = np.arange(self.profiles)
        for a in range(0, self.profiles, self.batch):
            yield self.weights.counted(every[a : a + self.batch], every[a : a + self.batch])

    def _worths(self, counted: AffineWeights) -> FloatArray:
        """Return w of every agent, `(n, N)`; 0 where excluded."""
        everybody = plans(self.economy, counted).value[0]
        worth = np.zeros(counted.multiplier.shape)
        for i in range(self.count):
            alone = plans(self.economy, counted.without(i)).value[0]
            worth[:, i] = self.economy.discount * self.economy.start(everybody - alone)
        return np.where(counted.included, worth, 0.0)

    def _worth_at(self, agent: int, own: FloatArray, others: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return w and b, `(n,)` each, with agent i's multiplier replaced by `own`, `(n,)`."""
        profile = with_others(self.nodes, agent, others)
        counted = self.weights.counted(profile, profile)
        included, multiplier = counted.included.copy(), counted.multiplier.copy()
        included[:, agent], multiplier[:, agent] = True, own
        w, b = np.empty(len(own)), np.empty(len(own))
        for a in range(0, len(own), self.batch):
            some = slice(a, a + self.batch)
            weights = include_all(multiplier[some], included[some])
            efficient, alone = plans(self.economy, weights), plans(self.economy, weights.without(agent))
            w[some] = self.economy.discount * self.economy.start(efficient.value[0] - alone.value[0])
            b[some] = discounted_slope(self.economy, weights, agent, efficient)
        return w, b

    def _rents(self, agent: int, worth: FloatArray) -> FloatArray:
        """Return U_i by first profile, `(X,)`; `worth`: w by first profile, `(X,)`."""
        first, grid, values = self.economy.first[agent], self.grids[agent], self.weights.values[agent]
        others = self.profiles // self.nodes[agent]
        match self.reading:
            case "continuum":
                at_nodes = self._own_last(agent, worth)
                additive = self.economy.kind == "additive"
                rents = exact_rents(first, grid.points, self.worth_of(agent), at_nodes, additive=additive)
            case "grid-binding":
                rents = binding_rents(values, self.worth_of(agent), others)
            case "cells":
                rents = cell_sums(first, grid, self._own_last(agent, self.slopes[:, agent]))
            case _:
                rents = left_sums(values, self._own_last(agent, self.slopes[:, agent]))
        shape = [m for j, m in enumerate(self.nodes) if j != agent]
        return np.moveaxis(rents.reshape(*shape, -1), -1, agent).reshape(-1)

    def _own_last(self, agent: int, table: FloatArray) -> FloatArray:
        """Reshape `(X,)` to `(others' profiles, own nodes)`."""
        by_node = np.moveaxis(table.reshape(self.nodes), agent, -1)
        return by_node.reshape(self.profiles // self.nodes[agent], -1)
