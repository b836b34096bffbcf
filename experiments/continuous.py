"""Continuous signals: how far from incentive compatible contingent transfers are, where that comes from, what it costs.

A `DensityEnvironment` is played as such; what is exact is said about its version on a grid of Gauss–Legendre nodes that
are none of the mechanism's own. With p the transfers, v their target, and everything taken over all decisions and all
profiles of the grid,

    over  = max δ E[p at a true report] − v,      under = max v − δ E[p at any report],
    gain of any deviation  ≤  (over + under + what decisions fall short) / (1 − δ).

The miss ε = max(over, under) is at most the sum of: the *approximation* at the mechanism's nodes (too few brackets, too
small a bound), what interpolation between these *reports* adds, and the *quadrature* error of the grid's expectations
(next to none where brackets are whole cells of the grid).

Source: Liu 2014, §5; "never gains more than ε" is printed there, without the factor.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agents.figures import worst_gain
from agents.oracle import Family, Information, solve
from agents.problem import build_problem
from mechanisms.base import LastPeriodMechanism
from mechanisms.contingent_density import ContingentDensity, Method
from mechanisms.ex_post import own_last
from mechanisms.planner import plan
from sim.arrays import Array, FloatArray, IntArray
from sim.beliefs import belief_matrices
from sim.density_environment import DensityEnvironment, gauss_legendre
from sim.environment import TableEnvironment
from sim.roles import Promises, Situation


class OnGrid(LastPeriodMechanism):
    """The rules of a mechanism for continuous signals, asked at a grid's nodes only."""

    name = "contingent-density on a grid"
    source = ContingentDensity.source
    promises = Promises()

    def __init__(self, environment: TableEnvironment, mechanism: ContingentDensity, cells: int, per_cell: int) -> None:
        super().__init__(environment)
        self.mechanism = mechanism
        self.nodes, _ = gauss_legendre(cells, per_cell)
        self.brackets = np.minimum((self.nodes * mechanism.brackets).astype(np.intp), mechanism.brackets - 1)

    @cached_property
    def signals(self) -> FloatArray:
        """Every profile's signals, `(S, N)`."""
        count = len(self.environment.agents)
        return self.nodes[np.indices((len(self.nodes),) * count).reshape(count, -1).T]

    @cached_property
    def decisions(self) -> IntArray:
        """The decision at every reported profile, `(S,)`."""
        now = Situation(1, np.zeros(len(self.signals), np.intp), np.zeros(len(self.signals), np.intp))
        return self.mechanism.decide(now, self.signals).astype(np.intp)

    @cached_property
    def transfers(self) -> list[FloatArray]:
        """p^i by decision, reported profile and box of the rivals' next reports, `(D, S, Y)` per agent."""
        return [self._transfers(i) for i in range(len(self.environment.agents))]

    def _transfers(self, agent: int) -> FloatArray:
        count, brackets, size = len(self.environment.agents), self.mechanism.brackets, len(self.signals)
        out = np.empty((self.mechanism.decisions, size, brackets ** (count - 1)))
        for box in np.ndindex(*(brackets,) * (count - 1)):
            middle = np.insert((np.array(box) + 0.5) / brackets, agent, 0.5)
            said = np.broadcast_to(middle, (size, count))
            column = int(np.ravel_multi_index(box, (brackets,) * (count - 1)))
            for d in range(self.mechanism.decisions):
                out[d, :, column] = self.mechanism.transfer(agent, np.full(size, d), self.signals, said)
        return out

    @property
    def lags(self) -> int:
        """As the mechanism's."""
        return self.mechanism.lags

    def decide(self, now: Situation, messages: Array) -> Array:
        """The mechanism's decision at the nodes."""
        return self.decisions[self.profile(now, messages)]

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """The mechanism's transfers at the nodes."""
        out = np.zeros(messages.shape)
        before = np.maximum(now.memory - 1, 0)
        for i, table in enumerate(self.transfers):
            owed = table.reshape(-1, table.shape[2])[before, self.boxes(i, messages)]
            out[:, i] = np.where(now.memory > 0, owed, 0.0)
        return out

    def boxes(self, agent: int, messages: Array) -> IntArray:
        """The box of the rivals' reports, `(n,)`."""
        box = np.zeros(len(messages), np.intp)
        for j in range(messages.shape[1]):
            if j != agent:
                box = box * self.mechanism.brackets + self.brackets[messages[:, j]]
        return box

    def transfer_bound(self) -> float:
        """As the mechanism's."""
        return self.mechanism.transfer_bound()


@dataclass(frozen=True)
class Miss:
    """How far a mechanism is from what it aims at, and what that is worth to a liar.

    Attributes:
        method: how its transfers were chosen.
        size: the largest |p|.
        approximation: largest miss at the mechanism's own nodes.
        reports: what is added between its nodes.
        quadrature: largest error of an expected transfer on the grid.
        decisions: what a decision falls short of the best one, at most.
        over, under: see the module.
        gain_one_shot, gain: the most that one lie, and any deviation, gains ex post, on the grid.
        bound: of the numerical error of the gains.
        limit: (over + under + decisions) / (1 − δ), which no gain may exceed.
    """

    method: str
    size: float
    approximation: float
    reports: float
    quadrature: float
    decisions: float
    over: float
    under: float
    gain_one_shot: float
    gain: float
    bound: float
    limit: float

    @property
    def epsilon(self) -> float:
        """max(over, under)."""
        return max(self.over, self.under)

    def data(self) -> dict[str, Any]:
        """Plain data, ε included."""
        return {**asdict(self), "epsilon": self.epsilon}


def measure(mechanism: ContingentDensity, cells: int = 0, per_cell: int = 2) -> Miss:
    """Measure a mechanism on a grid.

    Args:
        cells: of the grid; 0: one per bracket, so that a bracket's probability is a sum over whole cells.
    """
    environment = mechanism.environment
    cells = cells or mechanism.brackets
    grid = environment.on_grid(cells, per_cell)
    rules = OnGrid(grid, mechanism, cells, per_cell)
    agents = range(len(environment.agents))
    at_nodes = max(_at_nodes(mechanism, i) for i in agents)
    exact = [_misses(rules, i, _true_law(rules, i)) for i in agents]
    summed = [_misses(rules, i, _grid_law(rules, i)) for i in agents]
    truthful, any_report = max(m[0] for m in exact), max(m[1] for m in exact)
    over, under = max(m[0] for m in summed), max(m[1] for m in summed)
    quality = plan(grid).quality[0].reshape(mechanism.decisions, -1)
    short = float((quality.max(axis=0) - quality[rules.decisions, np.arange(quality.shape[1])]).max())
    problems = [build_problem(grid, rules, (i,)) for i in agents]
    gains = {
        family: [_gain(problem, family) for problem in problems] for family in (Family.ONE_SHOT, Family.CONTINGENT)
    }
    return Miss(
        method=mechanism.method,
        size=mechanism.transfer_bound(),
        approximation=at_nodes,
        reports=max(0.0, max(truthful, any_report) - at_nodes),
        quadrature=max(_quadrature(rules, i) for i in agents),
        decisions=short,
        over=over,
        under=under,
        gain_one_shot=max(gain for gain, _ in gains[Family.ONE_SHOT]),
        gain=max(gain for gain, _ in gains[Family.CONTINGENT]),
        bound=max(bound for found in gains.values() for _, bound in found),
        limit=(max(over, 0.0) + max(under, 0.0) + short) / (1 - environment.discount),
    )


def _gain(problem: Any, family: Family) -> tuple[float, float]:
    truth = solve(problem, Family.PRESCRIBED, Information.EX_POST)
    figure = worst_gain(problem, solve(problem, family, Information.EX_POST), truth)
    return figure.gain, figure.bound


def _at_nodes(mechanism: ContingentDensity, agent: int) -> float:
    """Largest miss of the target where the transfers were chosen, a report being true where they depend on it."""
    table, worst = mechanism.tables[agent], 0.0
    count, own = len(mechanism.environment.agents), mechanism.own
    for place in np.ndindex(*table.shape[:count]):
        others = mechanism.nodes[list(place[1:])]
        signals = np.insert(np.tile(others, (len(own), 1)), agent, own, axis=1)
        taken = np.full(len(own), place[0])
        paid = (mechanism.probabilities(agent, taken, signals) * table[place]).sum(axis=1)
        missed = np.abs(mechanism.environment.discount * paid - mechanism.target(agent, taken, signals))
        worst = max(worst, float(missed.max()))
    return worst


def _true_law(rules: OnGrid, agent: int) -> FloatArray:
    """P(box | a, θ) by the densities, `(D, S, Y)`."""
    mechanism = rules.mechanism
    return np.stack(
        [
            mechanism.probabilities(agent, np.full(len(rules.signals), d), rules.signals)
            for d in range(mechanism.decisions)
        ]
    )


def _grid_law(rules: OnGrid, agent: int) -> FloatArray:
    """P(box | a, θ) as the grid has it, `(D, S, Y)`."""
    environment = rules.environment
    stage = environment.stage(0)
    matrices = belief_matrices(environment, 0, agent)  # (D, O, O', K)
    others = tuple(width for j, width in enumerate(stage.axes) if j != agent)
    places = np.indices(others).reshape(len(others), -1)
    box = np.zeros(places.shape[1], np.intp)
    for place in places:
        box = box * rules.mechanism.brackets + rules.brackets[place]
    into = np.eye(rules.mechanism.brackets ** len(others))[box]
    law = np.einsum("doyk,yb->dobk", matrices, into)
    spread = np.moveaxis(law, 2, -1).reshape(len(matrices), *others, stage.axes[agent], -1)
    return np.moveaxis(spread, 1 + len(others), 1 + agent).reshape(len(matrices), stage.size, -1)


def _paid(rules: OnGrid, agent: int, law: FloatArray) -> FloatArray:
    """δ E[p | a, (k, o)] after report r, `(D, O, K true, K report)`."""
    stage = rules.environment.stage(0)
    by_own = [
        own_last(stage, agent, np.moveaxis(table, -1, 0).reshape(-1, len(law), *stage.axes))
        for table in (law, rules.transfers[agent])
    ]
    return rules.environment.discount * np.einsum("ydok,ydor->dokr", *by_own)


def _misses(rules: OnGrid, agent: int, law: FloatArray) -> tuple[float, float]:
    """over and under."""
    stage = rules.environment.stage(0)
    target = own_last(stage, agent, stage.utility[agent] - stage.welfare)
    excess = _paid(rules, agent, law) - target[..., None]
    return float(np.diagonal(excess, axis1=2, axis2=3).max()), float(-excess.min())


def _quadrature(rules: OnGrid, agent: int) -> float:
    off = _grid_law(rules, agent) - _true_law(rules, agent)
    return float(np.abs(_paid(rules, agent, off)).max())


def epsilon_curve(
    environment: DensityEnvironment,
    bounds: Sequence[float] = (8.0, 12.0, 16.0, 24.0, 48.0),
    ridges: Sequence[float] = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5),
    methods: Sequence[Method] = ("ridge", "bounded", "one-sided"),
    **options: Any,
) -> pd.DataFrame:
    """ε against the size of transfers: a row per method and parameter, columns as `Miss` and `parameter`.

    Args:
        bounds: B for `bounded` and `one-sided`.
        ridges: λ for `ridge`.
        options: more options of `ContingentDensity`.
    """
    rows = []
    for method in methods:
        for parameter in ridges if method == "ridge" else bounds:
            size = {"ridge" if method == "ridge" else "bound": parameter}
            mechanism = ContingentDensity(environment, method=method, **{**options, **size})
            rows.append({"parameter": parameter, **measure(mechanism).data()})
    return pd.DataFrame(rows)


def plot_epsilon(frame: pd.DataFrame, path: Path) -> Path:
    """ε (solid) and the largest gain (dashed) against the largest |p|, on logarithmic axes; one marker per method."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    for (method, rows), marker, grey in zip(
        frame.groupby("method", sort=False), "os^D", ("0", "0.35", "0.6"), strict=False
    ):
        line = rows.sort_values("size")
        axes.loglog(line["size"], line["epsilon"], marker=marker, color=grey, label=f"{method}: ε")
        axes.loglog(line["size"], line["gain"].clip(lower=1e-12), marker=marker, color=grey, ls="--", mfc="white")
    axes.set_xlabel("largest transfer")
    axes.set_ylabel("ε: largest miss of the target (dashed: largest gain)")
    axes.legend(frameon=False)
    partial = path.with_name(f".{path.name}.partial")
    figure.savefig(partial, format="png", metadata={"Software": None})
    os.replace(partial, path)
    return path
