"""The stages of a separable economy whose first signals are on grids; see `separable`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

if TYPE_CHECKING:
    from dynmech.sim.economy.separable import Economy, Grid, Later


def _utility(economy: "Economy", period: "Later", grids: Sequence["Grid"], before: int) -> FloatArray:
    """`(N, D, *signals)`, with `before` worthless states in front."""
    count, decisions = len(economy.agents), len(economy.decisions)
    axes = tuple(len(g.points) * (k + before) for g, k in zip(grids, period.axes, strict=True))
    utility = np.zeros((count, decisions, *axes))
    for i, grid in enumerate(grids):
        scale = economy.first[i].scale(grid.points)[:, None]
        own = scale * period.slope[i][:, None, :] + period.intercept[i][:, None, :]
        own = np.concatenate([np.zeros((decisions, len(grid.points), before)), own], axis=2)
        shape = [decisions] + [axes[i] if j == i else 1 for j in range(count)]
        utility[i] = own.reshape(shape)
    return utility


def _labels(grid: "Grid", states: Sequence[str]) -> tuple[str, ...]:
    """`0.25` alone, or `0.25 high`."""
    nodes = [f"{x:.6g}" for x in grid.points]
    return tuple(f"{x} {s}".strip() for x in nodes for s in states)


def repeated_stage(economy: "Economy", grids: Sequence["Grid"]) -> Stage:
    """The one stage of an economy without end."""
    period = economy.later[0]
    factors = []
    for i, grid in enumerate(grids):
        own = np.zeros((len(economy.decisions), period.axes[i] + 1, period.axes[i] + 1))
        own[:, 0, 1:] = economy.initial[i]
        own[:, 1:, 1:] = period.kernel[i]
        factors.append(_per_node(own, len(grid.points)))
    return Stage(
        signals=tuple(_labels(g, ("-", *labels)) for g, labels in zip(grids, period.states, strict=True)),
        decisions=economy.decisions,
        utility=_utility(economy, period, grids, 1),
        kernel=IndependentKernel(tuple(factors)),
        cost=period.cost,
    )


def _per_node(table: FloatArray, nodes: int) -> FloatArray:
    """The states' kernel `(D, K, K′)`, the node kept: `(D, m K, m K′)`."""
    return np.stack([np.kron(np.eye(nodes), own) for own in table])


def stages_with_horizon(economy: "Economy", grids: Sequence["Grid"]) -> tuple[Stage, ...]:
    """The stages of an economy with a horizon, the first one with nodes alone."""
    start: tuple[FloatArray, ...] = tuple(
        np.asarray(np.kron(np.eye(len(g.points)), law)[None], dtype=np.float64)
        for g, law in zip(grids, economy.initial, strict=True)
    )
    nodes = tuple(_labels(grid, ("",)) for grid in grids)
    count = len(economy.agents)
    opening = Stage(
        nodes, ("-",), np.zeros((count, 1, *(len(g.points) for g in grids))), kernel=IndependentKernel(start)
    )
    stages = [opening]
    for period in economy.later:
        kernel = tuple(_per_node(f, len(g.points)) for f, g in zip(period.kernel, grids, strict=False)) or None
        stages.append(
            Stage(
                signals=tuple(_labels(g, labels) for g, labels in zip(grids, period.states, strict=True)),
                decisions=economy.decisions,
                utility=_utility(economy, period, grids, 0),
                kernel=IndependentKernel(kernel) if kernel else None,
                cost=period.cost,
            )
        )
    return tuple(stages)
