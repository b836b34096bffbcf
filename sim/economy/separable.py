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
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.bounded_laws import Law
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.separable_tables import repeated_stage, stages_with_horizon

KINDS = ("multiplicative", "additive")

MOVED = 1e-12
"""Change of a probability up to which a decision moves nothing."""


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
    """One later period, with D decisions, K_i states of agent i, and K_i′ states in the period after.

    Parameters
    ----------
    states : tuple of tuples of str
        Labels of each agent's states.
    slope, intercept : tuple of float arrays, shape (D, K_i)
        Agent i's flow utility is A_i(x_i) · slope + intercept.
    cost : float array, shape (D,)
        The designer's cost.
    kernel : tuple of float arrays, shape (D, K_i, K_i′)
        The law of agent i's next state; empty in the last period.
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
    """A separable economy with continuous first signals; `separable_environment` puts them on grids.

    Parameters
    ----------
    name : str
        The economy's name.
    agents : tuple of str
        Names of the N agents.
    kind : {"multiplicative", "additive"}
        How the first signal enters values.
    first : tuple of FirstSignal
        The agents' first signals.
    decisions : tuple of str
        Labels of the decisions of later periods.
    initial : tuple of float arrays, shape (K_i,)
        The law of each agent's first later state.
    later : tuple of Later
        The one later period that repeats for ever, or periods 1 to T − 1 of a horizon T.
    discount : float
        The discount factor δ.
    horizon : int or None
        T; None for infinitely many periods.

    Raises
    ------
    InputError
        A field is wrong; the message names it.

    Notes
    -----
    The docstring of `dynmech.sim.economy.separable` gives timing and formulas. Source: Kakade, Lobel and Nazerzadeh
    2011, §2.1, §4.
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

    @cached_property
    def scale(self) -> float:
        """The largest flow utility or cost in absolute value, over first signals 0 and 1; 1 if all are 0."""
        ends = [np.asarray(first.scale(np.array([0.0, 1.0])))[:, None, None] for first in self.first]
        flows = [
            ends[i] * period.slope[i] + period.intercept[i] for period in self.later for i in range(len(self.agents))
        ]
        return scale_of(*flows, *(period.cost for period in self.later))

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
    """Raise InputError at the first bad field."""
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
    """Raise InputError at the first bad field of a later period, but for its kernel."""
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
    """Return the middles of equal cells of [0, 1], each with its cell's probability.

    Parameters
    ----------
    first : FirstSignal
        Whose law is put on the grid.
    nodes : int
        The number of cells.

    Returns
    -------
    Grid
        Nodes and their probabilities.

    Examples
    --------
    >>> from dynmech.sim.economy.separable_builders import beta_signal
    >>> grid = midpoints(beta_signal(), 2)
    >>> grid.points.tolist(), grid.masses.tolist()
    ([0.25, 0.75], [0.5, 0.5])
    """
    edges = np.linspace(0, 1, nodes + 1)
    masses = np.diff(first.law.cdf(edges))
    return Grid((edges[1:] + edges[:-1]) / 2, masses / masses.sum())


def quantiles(first: FirstSignal, nodes: int) -> Grid:
    """Return equally likely quantiles from the lowest signal to the highest: k/(m − 1) if the law is uniform."""
    if nodes < 2:
        raise InputError(f"nodes: {nodes}; quantiles need at least 2")
    return Grid(np.asarray(first.law.ppf(np.linspace(0, 1, nodes))), np.full(nodes, 1 / nodes))


GRIDS = {"midpoints": midpoints, "quantiles": quantiles}


@dataclass(frozen=True, eq=False)
class SeparableEnvironment(TableEnvironment):
    """The finite form of a separable economy: signals (node, state), node slowest.

    Parameters
    ----------
    name, agents, prior, stages, discount, horizon
        As in `TableEnvironment`.
    economy : Economy
        What it is the finite form of.
    grids : tuple of Grid
        The nodes of each agent's first signal.
    """

    economy: Economy
    grids: tuple[Grid, ...]

    @property
    def nodes(self) -> tuple[int, ...]:
        """Nodes per agent."""
        return tuple(len(grid.points) for grid in self.grids)


def separable_environment(economy: Economy, grids: Sequence[Grid]) -> SeparableEnvironment:
    """Return the finite form of a separable economy, with its first signals on grids.

    An economy without end has one repeated stage, whose signals are (node, `-`) before the first later period and
    (node, state) from then on; with a horizon, period 0 has the nodes alone and a single decision.

    Parameters
    ----------
    economy : Economy
        The economy.
    grids : sequence of Grid
        One per agent; `midpoints` makes them.

    Returns
    -------
    SeparableEnvironment
        The finite form.

    Raises
    ------
    Refusal
        The tables do not fit into memory; the message gives their size.

    Examples
    --------
    >>> from dynmech.sim.economy.separable_builders import arms, beta_signal
    >>> economy = arms([beta_signal()] * 2, 0.5, depth=1)
    >>> environment = separable_environment(economy, [midpoints(first, 2) for first in economy.first])
    >>> environment.nodes, environment.stage(0).signals[0][:2]
    ((2, 2), ('0.25 -', '0.25 0-0'))
    """
    grids = tuple(grids)
    before = int(economy.endless)
    widths = [prod(len(g.points) * (k + before) for g, k in zip(grids, p.axes, strict=True)) for p in economy.later]
    tables = 2.5 * len(economy.agents) * len(economy.decisions) * max(widths)
    require_room(f"environment {economy.name!r}, with {max(widths):,} profiles of types,", tables)
    stages = (repeated_stage(economy, grids),) if economy.endless else stages_with_horizon(economy, grids)
    prior = np.ones(())
    for i, grid in enumerate(grids):
        width = economy.later[0].axes[i] + 1 if economy.endless else 1
        prior = np.multiply.outer(prior, np.kron(grid.masses, np.eye(width)[0]))
    prior = prior / prior.sum()
    return SeparableEnvironment(
        economy.name, economy.agents, prior, stages, economy.discount, economy.horizon, economy, grids
    )
