"""Separable economies: a first signal on [0, 1] that scales or shifts what later signals are worth.

Timing. t = 0: agent i privately sees x_i, with distribution function F_i; nothing is allocated. t ≥ 1: it sees a state
s_{i,t} of a finite chain that starts from a given law and moves with decisions, whatever x_i is; then a decision d is
taken at cost c(d), and agent i enjoys

    v_{i,t} = A_i(x_i) · slope_i(d, s_{i,t}) + intercept_i(d, s_{i,t}).

*Multiplicative* (the value is A_i(x) B_{i,t}): slope B ≥ 0, no intercept. *Additive* (A_i(x) C_{i,t} + B_{i,t}): the
slope C ≥ 0 depends on the decision only. Virtual values: with h = (1 − F)/f and θ = A − h A′, the agent's virtual flow
is θ · slope + intercept in either case, which is α v + β with

    multiplicative  α = θ/A,  β = 0;        additive  α = 1,  β(d) = (θ − A) C(d).

`separable_environment` puts x on a grid. The finite environment's signals are (node, state), and never the history:
state `-` stands before the first period in which anything is worth something.

Source: Kakade, Lobel and Nazerzadeh 2011, §2.1, §4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np

from dynmech.sim.core.arrays import BoolArray, FloatArray, readonly
from dynmech.sim.core.checks import check_law, check_shape
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

KINDS = ("multiplicative", "additive")

MOVED = 1e-12
"""Change of a probability up to which a decision moves nothing."""


class Law(Protocol):
    """A continuous distribution on [0, 1], as SciPy's frozen ones are."""

    def cdf(self, x: FloatArray) -> FloatArray: ...
    def sf(self, x: FloatArray) -> FloatArray: ...
    def pdf(self, x: FloatArray) -> FloatArray: ...
    def ppf(self, q: FloatArray) -> FloatArray: ...


@dataclass(frozen=True)
class Power:
    """A(x) = base + rate · x^power, and its derivative.

    >>> float(Power(base=1.0)(np.array(0.5))), float(Power(power=0.5).derivative(np.array(0.25)))
    (1.5, 1.0)
    """

    base: float = 0.0
    rate: float = 1.0
    power: float = 1.0

    def __call__(self, x: FloatArray) -> FloatArray:
        """A(x)."""
        return self.base + self.rate * np.asarray(x, dtype=np.float64) ** self.power

    def derivative(self, x: FloatArray) -> FloatArray:
        """A′(x)."""
        with np.errstate(divide="ignore"):  # unbounded at 0 below power 1
            return self.rate * self.power * np.asarray(x, dtype=np.float64) ** (self.power - 1)


class Scale(Protocol):
    """How the first signal enters: A and A′, vectorised."""

    def __call__(self, x: FloatArray) -> FloatArray: ...
    def derivative(self, x: FloatArray) -> FloatArray: ...


@dataclass(frozen=True)
class FirstSignal:
    """The first signal of one agent: its law F and its scale A."""

    law: Law
    scale: Scale = Power()

    def inverse_hazard(self, x: FloatArray) -> FloatArray:
        """h = (1 − F)/f: 0 where nothing lies above, infinite where there is no density."""
        above, density = self.law.sf(x), self.law.pdf(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(above <= 0, 0.0, np.asarray(above / density, dtype=np.float64))

    def virtual(self, x: FloatArray) -> FloatArray:
        """θ = A − h A′; −∞ where h A′ is infinite."""
        h, rate = self.inverse_hazard(x), self.scale.derivative(x)
        with np.errstate(invalid="ignore"):
            return np.where(h == 0, self.scale(x), self.scale(x) - h * rate)


@dataclass(frozen=True, eq=False)
class Later:
    """One later period; axes D decisions, K_i states of agent i, K_i′ in the period after.

    Attributes:
        states: labels, per agent.
        slope, intercept: per agent `(D, K_i)`.
        cost: the designer's, `(D,)`.
        kernel: per agent `(D, K_i, K_i′)`; empty in the last period.
    """

    states: tuple[tuple[str, ...], ...]
    slope: tuple[FloatArray, ...]
    intercept: tuple[FloatArray, ...]
    cost: FloatArray
    kernel: tuple[FloatArray, ...] = ()

    def __post_init__(self) -> None:
        for name in ("slope", "intercept", "kernel"):
            tables = [readonly(np.asarray(a, dtype=np.float64)) for a in getattr(self, name)]
            object.__setattr__(self, name, tuple(tables))
        object.__setattr__(self, "cost", readonly(np.asarray(self.cost, dtype=np.float64)))

    @property
    def axes(self) -> tuple[int, ...]:
        """K_1, …, K_N."""
        return tuple(len(labels) for labels in self.states)

    @property
    def size(self) -> int:
        """Profiles of states."""
        return prod(self.axes)

    @cached_property
    def serves(self) -> BoolArray:
        """Whether a decision can be worth anything to an agent, `(N, D)`."""
        return np.array([((s != 0) | (b != 0)).any(axis=1) for s, b in zip(self.slope, self.intercept, strict=True)])

    @cached_property
    def controlled(self) -> BoolArray:
        """Whether decisions move an agent's states, `(N,)`."""
        return np.array([bool((np.abs(f - f[:1]) > MOVED).any()) for f in self.kernel] or [False] * len(self.states))


@dataclass(frozen=True, eq=False)
class Economy:
    """A separable economy with continuous first signals.

    Attributes:
        kind: "multiplicative" or "additive".
        initial: law of each agent's first later state, `(K_i,)`.
        later: the one later period that repeats for ever, or periods 1 to T − 1 of a horizon T.
        horizon: T; None: no end.

    Raises:
        InputError: a field is wrong; which, and where.
    """

    name: str
    agents: tuple[str, ...]
    kind: str
    first: tuple[FirstSignal, ...]
    decisions: tuple[str, ...]
    initial: tuple[FloatArray, ...]
    later: tuple[Later, ...]
    discount: float
    horizon: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", tuple(readonly(np.asarray(a, dtype=np.float64)) for a in self.initial))
        _check(self)

    @property
    def endless(self) -> bool:
        """Whether the later period repeats for ever."""
        return self.horizon is None

    def law(self, t: int) -> IndependentKernel:
        """The states' kernel out of the t-th of `later`."""
        return IndependentKernel(self.later[t].kernel)

    def start(self, value: FloatArray) -> FloatArray:
        """E[value(s_1)], for values `(…, S)`: `(…)`."""
        out = value.reshape(*value.shape[:-1], *self.later[0].axes)
        for law in reversed(self.initial):
            out = out @ law
        return out

    @property
    def controlled(self) -> bool:
        """Whether any decision ever moves any state."""
        return any(bool(period.controlled.any()) for period in self.later)


def _check(economy: Economy) -> None:
    where, count = f"environment {economy.name!r}", len(economy.agents)
    if economy.kind not in KINDS:
        raise InputError(f"{where}: kind: {economy.kind!r} is none of {', '.join(KINDS)}")
    if len(economy.first) != count or len(economy.initial) != count:
        raise InputError(f"{where}: first and initial: one entry per agent is needed, {count} in all")
    if economy.horizon is not None and len(economy.later) != economy.horizon - 1:
        raise InputError(f"{where}: later: {len(economy.later)} periods, horizon {economy.horizon} needs one less")
    if economy.horizon is None and len(economy.later) != 1:
        raise InputError(f"{where}: later: {len(economy.later)} periods; without a horizon one repeats")
    for t, period in enumerate(economy.later):
        _check_later(economy, period, f"{where}: later[{t}]")
        last = economy.horizon is not None and t == len(economy.later) - 1
        after = economy.later[min(t + 1, len(economy.later) - 1)]
        if last:
            continue
        if len(period.kernel) != count:
            raise InputError(f"{where}: later[{t}].kernel: {len(period.kernel)} tables, expected {count}")
        for i, table in enumerate(period.kernel):
            shape = (len(economy.decisions), period.axes[i], after.axes[i])
            check_shape(table, shape, f"{where}: later[{t}].kernel[{i}]")
            check_law(table, f"{where}: later[{t}].kernel[{i}]", 1)
    for i, law in enumerate(economy.initial):
        check_shape(law, economy.later[0].axes[i : i + 1], f"{where}: initial[{i}]")
        check_law(law, f"{where}: initial[{i}]", 1)
    if economy.endless and economy.later[0].cost[0] != 0:
        raise InputError(f"{where}: cost: decision {economy.decisions[0]!r} stands in period 0 and must cost nothing")


def _check_later(economy: Economy, period: Later, where: str) -> None:
    decisions, agents = len(economy.decisions), range(len(economy.agents))
    check_shape(period.cost, (decisions,), f"{where}.cost")
    for i in agents:
        for name, table in (("slope", period.slope[i]), ("intercept", period.intercept[i])):
            check_shape(table, (decisions, period.axes[i]), f"{where}.{name}[{i}]")
    if economy.kind == "multiplicative" and any(period.intercept[i].any() for i in agents):
        raise InputError(f"{where}.intercept: multiplicative values have none")
    if economy.kind == "additive" and any((period.slope[i] != period.slope[i][:, :1]).any() for i in agents):
        raise InputError(f"{where}.slope: additive values scale the first signal by decision only, not by state")


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes of one agent's first signal, `points` increasing, with their probabilities."""

    points: FloatArray
    masses: FloatArray


def midpoints(first: FirstSignal, nodes: int) -> Grid:
    """Middles of equal cells, each with its cell's probability."""
    edges = np.linspace(0, 1, nodes + 1)
    masses = np.diff(first.law.cdf(edges))
    return Grid((edges[1:] + edges[:-1]) / 2, masses / masses.sum())


def quantiles(first: FirstSignal, nodes: int) -> Grid:
    """Equally likely quantiles from the lowest signal to the highest: k/(m − 1) if they are uniform."""
    if nodes < 2:
        raise InputError(f"nodes: {nodes}; quantiles need at least 2")
    return Grid(np.asarray(first.law.ppf(np.linspace(0, 1, nodes))), np.full(nodes, 1 / nodes))


GRIDS = {"midpoints": midpoints, "quantiles": quantiles}


@dataclass(frozen=True, eq=False)
class SeparableEnvironment(TableEnvironment):
    """The finite form of a separable economy: signals (node, state), node slowest."""

    economy: Economy
    grids: tuple[Grid, ...]

    @property
    def nodes(self) -> tuple[int, ...]:
        """Nodes per agent."""
        return tuple(len(grid.points) for grid in self.grids)


def separable_environment(economy: Economy, grids: Sequence[Grid]) -> SeparableEnvironment:
    """Put the first signals on grids.

    An endless economy has one repeated stage, whose signals are (node, `-`) before the first later period and
    (node, state) from then on; with a horizon, period 0 has the nodes alone and a single decision.

    Raises:
        Refusal: its tables do not fit; the size is said.
    """
    grids = tuple(grids)
    before = int(economy.endless)
    widths = [prod(len(g.points) * (k + before) for g, k in zip(grids, p.axes, strict=True)) for p in economy.later]
    tables = 2.5 * len(economy.agents) * len(economy.decisions) * max(widths)
    require_room(f"environment {economy.name!r}, with {max(widths):,} profiles of types,", tables)
    stages = (_repeated(economy, grids),) if economy.endless else _stages(economy, grids)
    prior = np.ones(())
    for i, grid in enumerate(grids):
        width = economy.later[0].axes[i] + 1 if economy.endless else 1
        prior = np.multiply.outer(prior, np.kron(grid.masses, np.eye(width)[0]))
    prior = prior / prior.sum()
    return SeparableEnvironment(
        economy.name, economy.agents, prior, stages, economy.discount, economy.horizon, economy, grids
    )


def _utility(economy: Economy, period: Later, grids: Sequence[Grid], before: int) -> FloatArray:
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


def _labels(grid: Grid, states: Sequence[str]) -> tuple[str, ...]:
    """`0.25` alone, or `0.25 high`."""
    nodes = [f"{x:.6g}" for x in grid.points]
    return tuple(f"{x} {s}".strip() for x in nodes for s in states)


def _repeated(economy: Economy, grids: Sequence[Grid]) -> Stage:
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
    return np.stack([np.kron(np.eye(nodes), one) for one in table])


def _stages(economy: Economy, grids: Sequence[Grid]) -> tuple[Stage, ...]:
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
