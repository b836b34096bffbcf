"""Continuous signals: how far from incentive compatible contingent transfers are, where that comes from, what it costs.

A `DensityEnvironment` is played as such; what is exact is said about its version on a grid of Gauss–Legendre nodes that
are none of the mechanism's own. With p the transfers, v their target, and everything taken over all decisions and all
profiles of the grid,

    over  = max δ E[p at a true report] − v,      under = max v − δ E[p at any report],
    gain of any deviation  ≤  (over + under + what decisions fall short) / (1 − δ).

The miss ε = max(over, under) is at most the sum of: the *approximation* at the mechanism's nodes (too few brackets, too
small a bound), what interpolation between these *reports* adds, and the *quadrature* error of the grid's expectations
(next to none where brackets are whole cells of the grid).

A grid on which deviations can be searched is coarse, and its nodes stay away from 0 and 1, where the miss is often
largest. So the miss is worked out once more, by the true densities, at even points of [0, 1] that contain all of the
mechanism's own and, with two agents, three more between them: ε everywhere, as far as points can tell.

Source: Liu 2014, §5; "never gains more than ε" is printed there, without the factor.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity
from dynmech.mechanisms.numerics.ex_post import own_last
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.density import gauss_legendre
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises, Situation


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
        decided = np.asarray(self.mechanism.decide(now, self.signals))
        if decided.ndim != 1:
            raise self.mechanism.refuse("it decides by lottery; transfers that are right up to ε follow one decision")
        return decided.astype(np.intp)

    @cached_property
    def transfers(self) -> list[FloatArray]:
        """p^i by decision, reported profile and box of the rivals' next reports, `(D, S, Y)` per agent."""
        return [transfers_after(self.mechanism, i, self.signals) for i in range(len(self.environment.agents))]

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


def transfers_after(mechanism: ContingentDensity, agent: int, signals: FloatArray) -> FloatArray:
    """p^i by decision, reported profile `(n, N)` and box of the rivals' next reports, `(D, n, Y)`."""
    count, brackets, size = signals.shape[1], mechanism.brackets, len(signals)
    out = np.empty((mechanism.decisions, size, brackets ** (count - 1)))
    for box in np.ndindex(*(brackets,) * (count - 1)):
        middle = np.insert((np.array(box) + 0.5) / brackets, agent, 0.5)
        said = np.broadcast_to(middle, (size, count))
        column = int(np.ravel_multi_index(box, (brackets,) * (count - 1)))
        for d in range(mechanism.decisions):
            out[d, :, column] = mechanism.transfer(agent, np.full(size, d), signals, said)
    return out


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
        nodes: of the grid, per agent.
        points: at which over and under were worked out once more, per agent.
        over_everywhere, under_everywhere: at those points.
        limit_everywhere: the limit that they make, with `decisions` as on the grid.
        by_agent: the gains of one lie, and of any deviation, by agent.
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
    nodes: int
    points: int
    over_everywhere: float
    under_everywhere: float
    limit_everywhere: float
    by_agent: dict[str, list[float]]

    @property
    def epsilon(self) -> float:
        """max(over, under)."""
        return max(self.over, self.under)

    @property
    def epsilon_everywhere(self) -> float:
        """max(over, under) at all points."""
        return max(self.over_everywhere, self.under_everywhere)

    def data(self) -> dict[str, Any]:
        """Return plain data, ε included, without gains by agent."""
        plain = {name: value for name, value in asdict(self).items() if name != "by_agent"}
        return {**plain, "epsilon": self.epsilon, "epsilon_everywhere": self.epsilon_everywhere}


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
    points = even_points(mechanism)
    fine = [misses_everywhere(mechanism, i, points) for i in agents]
    over_fine, under_fine = max(m[0] for m in fine), max(m[1] for m in fine)
    game = FiniteGame(grid, rules)
    problems = [build_problem(game, (i,)) for i in agents]
    gains = {
        family: [_gain(problem, family) for problem in problems] for family in (Family.ONE_SHOT, Family.BEST_RESPONSE)
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
        gain=max(gain for gain, _ in gains[Family.BEST_RESPONSE]),
        bound=max(bound for found in gains.values() for _, bound in found),
        limit=(max(over, 0.0) + max(under, 0.0) + short) / (1 - environment.discount),
        nodes=len(rules.nodes),
        points=points,
        over_everywhere=over_fine,
        under_everywhere=under_fine,
        limit_everywhere=(max(over_fine, 0.0) + max(under_fine, 0.0) + short) / (1 - environment.discount),
        by_agent={family.value: [gain for gain, _ in found] for family, found in gains.items()},
    )


MOST = 40_000
"""Profiles at which the miss is worked out once more, if as many as the mechanism's own reports take no more."""


def even_points(mechanism: ContingentDensity) -> int:
    """How many even points of [0, 1] per agent: those between own reports too, those, or those of the others' nodes."""
    agents, own, nodes = len(mechanism.environment.agents), len(mechanism.own), len(mechanism.nodes)
    return next((n for n in (4 * (own - 1) + 1, own) if n**agents <= MOST), nodes)


def misses_everywhere(mechanism: ContingentDensity, agent: int, points: int) -> tuple[float, float]:
    """over and under at even points, by the true densities."""
    count, over, under = len(mechanism.environment.agents), -np.inf, -np.inf
    signals = np.linspace(0, 1, points)[np.indices((points,) * count).reshape(count, -1).T]
    transfers = transfers_after(mechanism, agent, signals)
    for d, table in enumerate(transfers):
        taken = np.full(len(signals), d)
        law = _by_own(mechanism.probabilities(agent, taken, signals), agent, points)
        target = _by_own(mechanism.target(agent, taken, signals)[:, None], agent, points)
        for chances, paid, wanted in zip(law, _by_own(table, agent, points), target, strict=True):
            excess = mechanism.environment.discount * chances @ paid.T - wanted  # (K true, K report)
            over, under = max(over, float(np.diagonal(excess).max())), max(under, float(-excess.min()))
    return over, under


def _by_own(table: FloatArray, agent: int, points: int) -> FloatArray:
    """`(S, Y)` as `(O, K, Y)`."""
    count = round(np.log(len(table)) / np.log(points))
    spread = np.moveaxis(table.reshape(*(points,) * count, -1), agent, -2)
    return spread.reshape(-1, points, table.shape[1])


def _gain(problem: Any, family: Family) -> tuple[float, float]:
    truth = solve(problem, Family.PRESCRIBED, Information.EX_POST)
    figure = worst_gain(problem, solve(problem, family, Information.EX_POST), truth)
    return figure.gain, figure.bound


def _at_nodes(mechanism: ContingentDensity, agent: int) -> float:
    """Largest miss where the transfers were chosen: at true reports, and what false ones pay too little."""
    table, worst = mechanism.tables[agent], 0.0
    count, own = len(mechanism.environment.agents), mechanism.own
    for place in np.ndindex(*table.shape[:count]):
        others = mechanism.nodes[list(place[1:])]
        signals = np.insert(np.tile(others, (len(own), 1)), agent, own, axis=1)
        taken = np.full(len(own), place[0])
        by_report = np.atleast_2d(table[place])  # one row for all reports where they do not matter
        paid = mechanism.environment.discount * mechanism.probabilities(agent, taken, signals) @ by_report.T
        excess = paid - mechanism.target(agent, taken, signals)[:, None]
        truthful = excess if len(by_report) == 1 else np.diagonal(excess)
        worst = max(worst, float(np.abs(truthful).max()), float(-excess.min()))
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
