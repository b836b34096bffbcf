"""Separable economies that tests share."""

import numpy as np

from dynmech.mechanisms.virtual.relaxed_bound import expected_virtual_welfare
from dynmech.mechanisms.virtual.virtual_values import continuum_virtual
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.separable import (
    Economy,
    FirstSignal,
    Grid,
    Later,
    SeparableEnvironment,
    midpoints,
    separable_environment,
)
from dynmech.sim.economy.separable_builders import arms, beta_signal, items

TASTES = np.array([0.5, 1.0, 1.5])
CHAIN = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]])
START = np.array([0.3, 0.4, 0.3])


def sale(buyers: int = 1, *, cost: float = 0.3, first: FirstSignal | None = None, discount: float = 0.9) -> Economy:
    """One item a period, tastes on a chain that nobody controls."""
    signals = [first or beta_signal()] * buyers
    return items([TASTES] * buyers, [CHAIN] * buyers, [START] * buyers, signals, discount, cost=cost)


def random_sale(rng: np.random.Generator, buyers: int, *, controlled: bool, together: bool = False) -> Economy:
    """Random tastes and laws; if `controlled`, every decision moves every buyer's state in its own way."""
    decisions = 2**buyers if together else buyers + 1
    shape = (decisions, 2, 2) if controlled else (2, 2)
    kernels = [rng.dirichlet(np.ones(2), shape[:-1]) for _ in range(buyers)]
    values = [rng.uniform(0, 1.5, 2) for _ in range(buyers)]
    initial = [rng.dirichlet(np.ones(2)) for _ in range(buyers)]
    signals = [beta_signal(1, float(rng.uniform(0.5, 2)), base=float(rng.uniform(0, 0.5))) for _ in range(buyers)]
    return items(
        values,
        kernels,
        initial,
        signals,
        float(rng.uniform(0.3, 0.9)),
        cost=float(rng.uniform(0, 0.3)),
        together=together,
    )


def shared(
    slopes: list[list[float]],
    cost: list[float],
    *,
    horizon: int | None,
    discount: float,
    first: FirstSignal | None = None,
) -> Economy:
    """Decisions worth x_i times a slope to each agent in every later period, a row of slopes per agent."""
    agents, decisions = len(slopes), len(cost)
    law = () if horizon == 2 else (np.ones((decisions, 1, 1)),) * agents
    tables = tuple(np.array(row, dtype=float)[:, None] for row in slopes)
    nothing = (np.zeros((decisions, 1)),) * agents
    period = Later((("only",),) * agents, tables, nothing, np.array(cost, dtype=float), law)
    later = (period,) * (1 if horizon is None else horizon - 1)
    names, labels = tuple(f"agent {i + 1}" for i in range(agents)), tuple(str(d) for d in range(decisions))
    signals, start = (first or beta_signal(),) * agents, (np.ones(1),) * agents
    return Economy("shared", names, "multiplicative", signals, labels, start, later, discount, horizon)


def random_decisions(rng: np.random.Generator, agents: int) -> Economy:
    """Two periods, decisions that serve anybody or nobody at random costs; often none leaves everybody out."""
    decisions, states = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    kind = str(rng.choice(["multiplicative", "additive"]))
    slope, intercept = [], []
    for _ in range(agents):
        serves = (rng.random(decisions) < 0.6)[:, None]
        own = rng.uniform(0, 1.5, (decisions, states if kind == "multiplicative" else 1)) * serves
        slope.append(np.broadcast_to(own, (decisions, states)))
        away = rng.uniform(-0.5, 0.5, (decisions, states)) * serves
        intercept.append(away if kind == "additive" else np.zeros((decisions, states)))
    cost = rng.uniform(-0.1, 0.4, decisions)
    labels = tuple(str(k) for k in range(states))
    period = Later((labels,) * agents, tuple(slope), tuple(intercept), cost)
    first = tuple(
        beta_signal(float(rng.uniform(0.6, 2)), float(rng.uniform(0.6, 2)), base=float(rng.uniform(0, 0.5)))
        for _ in range(agents)
    )
    start = tuple(rng.dirichlet(np.ones(states)) for _ in range(agents))
    names, choices = tuple(f"agent {i + 1}" for i in range(agents)), tuple(str(d) for d in range(decisions))
    return Economy("decisions", names, kind, first, choices, start, (period,), float(rng.uniform(0.5, 1)), 2)


def on_midpoints(economy: Economy, nodes: int) -> SeparableEnvironment:
    """All first signals on midpoints."""
    return separable_environment(economy, [midpoints(first, nodes) for first in economy.first])


def known(economy: Economy, points: list[float]) -> SeparableEnvironment:
    """First signals that everybody knows: one profile of weights."""
    return separable_environment(economy, [Grid(np.array([x]), np.ones(1)) for x in points])


def three_arms(depth: int, margins: tuple[float, ...] = (0.95, 0.85, 0.9)) -> SeparableEnvironment:
    """Arms that learn, margins known."""
    return known(arms([beta_signal()] * len(margins), 0.9, depth=depth), list(margins))


def frequency(economy: Economy) -> FloatArray:
    """μ_B, by adding up periods."""
    law, total = economy.initial[0], np.zeros(len(economy.initial[0]))
    for t in range(1, 600):
        total = total + economy.discount**t * law
        law = law @ economy.later[0].kernel[0][0]
    return total


def sampled_bound(environment: SeparableEnvironment) -> float:
    """Virtual welfare with the continuous economy's virtual values at the nodes: no bound, but it tends to one."""
    pairs = list(zip(environment.economy.first, environment.grids, strict=True))
    virtual = [continuum_virtual(first, grid) for first, grid in pairs]
    return expected_virtual_welfare(environment.economy, virtual, [grid.masses for _, grid in pairs])
