"""The most that any mechanism earns in a finite two-period economy: a linear program with every incentive constraint.

Types are independent over agents. A direct mechanism is, with r first reports, h what the first decision left behind
(the decision itself where signals move with it, else nothing) and s second reports,

    x(d|r)                 lottery over first decisions,
    y(e|r, h, s) x(h|r)    lottery over second decisions, times the weight of h,
    p^i(r^i), m^i(r, h, s^i)   expected payments, the second ones times the weight of h.

*Second period*: for every history (r, h), true second signal and report, knowing the others' first reports,

    E[u^i(y(r, h, θ_2), θ_2) | r^{−i}, h] − m^i(r, h, θ_2^i) ≥ the same with report s^i.

As types are independent, what agent i was in the first period does not enter; imposed at *all* second signals, those
too that its first report rules out, they make truth best after any first lie, and *first period* constraints need only
compare a first report with the truth, truth in the second period following either. Left out at unreachable signals
(`unreachable=False`), the program earns more, with a mechanism that a double deviation beats. (Not where the first
decision moves signals: there money after a decision of probability 0 would be a threat.)

*Participation*: every first type at the start; with `each_period` also in the second, at all signals, so that nobody
lies in order to leave.

A constraint's multiplier is what a unit of slack in it would add to revenue: those that are positive bind.

Source: Yoon 2021, §2.2, on a grid; his (IC_1), (IC_2).
"""

from dataclasses import dataclass

import numpy as np

from dynmech.mechanisms.revenue.revenue_program import Program
from dynmech.sim.core.arrays import BoolArray, FloatArray
from dynmech.sim.core.ties import descending
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import labels_text
from dynmech.sim.economy.units import in_units_of_scale

LEAN = 1e-5
"""Weight on welfare that picks, among mechanisms that earn the most, one that trades where it may as well."""

SURE = 1e-7
"""Lotteries this close to certainty are certain."""

BINDS = 1e-9
"""Multipliers above this bind."""


@dataclass(frozen=True)
class Binding:
    """A constraint that binds.

    Attributes:
        kind: "truth, period 0", "truth, period 1", "participation" or "participation, period 1".
        agent: whose.
        history: first reports and decision, for the second period.
        type, report: its signal, and the report that it is as content with.
        multiplier: what a unit of slack would add to revenue.
    """

    kind: str
    agent: str
    history: str
    type: str
    report: str
    multiplier: float

    def __str__(self) -> str:
        after = f" after {self.history}" if self.history else ""
        lie = f" would report {self.report}" if self.report else " would stay away"
        return f"{self.kind}: {self.agent} with signal {self.type}{lie}{after} ({self.multiplier:.4g})"


@dataclass(frozen=True, eq=False)
class RevenueOptimum:
    """A solved program; axes S_1, S_2 profiles, H histories of the first decision, D_1, D_2 decisions.

    Attributes:
        net_revenue: the most that can be earned, in present value, the designer's costs deducted.
        revenue: what this mechanism takes in before the costs; another that earns as much may take in more or less.
        first: lotteries `(S_1, D_1)`.
        pay_first: per agent `(K_1i,)`.
        second: lotteries `(S_1, H, S_2, D_2)`; the first decision where a history has weight 0.
        pay_second: per agent, payments given the history, `(S_1, H, K_2i)`.
        binding: constraints that bind, those with the largest multipliers first.
        constraints, variables: the program's size.
    """

    net_revenue: float
    revenue: float
    first: FloatArray
    pay_first: tuple[FloatArray, ...]
    second: FloatArray
    pay_second: tuple[FloatArray, ...]
    binding: tuple[Binding, ...]
    constraints: int
    variables: int

    @property
    def certain(self) -> bool:
        """Whether no decision is a lottery."""
        return bool((self.first.max(axis=-1) > 1 - SURE).all() and (self.second.max(axis=-1) > 1 - SURE).all())


def revenue_optimum(
    environment: TableEnvironment, *, unreachable: bool = True, each_period: bool = False
) -> RevenueOptimum:
    """Solve the program.

    Args:
        unreachable: whether truth must be best in the second period at signals that the first report rules out.
        each_period: whether agents may leave in the second period.

    Raises:
        Refusal: not two periods, private actions or a public state, dependent types, or too large (the size is said).
    """
    inside, unit = in_units_of_scale(environment)
    program = Program(inside, unreachable, each_period)
    best = program.solve(0.0)
    leaning = program.solve(LEAN)
    net = float(program.net_revenue @ best[0])
    chosen = leaning[0] if program.net_revenue @ leaning[0] >= net - 1e-8 * max(1.0, abs(net)) else best[0]
    return _read(program, unit, net, chosen, best[1])


def _read(
    program: Program, unit: float, net_revenue: float, solution: FloatArray, multipliers: FloatArray
) -> RevenueOptimum:
    """The solution in the mechanism's terms; `unit`: what the program's money is worth."""
    first = solution[program.x]
    weight = first if program.histories > 1 else np.ones((program.one.size, 1))
    some = weight > SURE
    joint = np.where(some[..., None, None], solution[program.y], np.eye(len(program.two.decisions))[0])
    share = np.where(some, weight, 1.0)
    order = descending(multipliers)
    binding = tuple(_in_words(program, int(k), float(multipliers[k])) for k in order if multipliers[k] > BINDS)
    return RevenueOptimum(
        net_revenue=net_revenue * unit,
        revenue=(net_revenue + float(program.costs @ solution)) * unit,
        first=np.clip(first, 0, 1),
        pay_first=tuple(
            (solution[program.p[i]] + _never_due(program, i, solution, some)) * unit for i in program.agents
        ),
        second=np.clip(joint / share[..., None, None], 0, 1),
        pay_second=tuple(np.where(some[..., None], solution[m] / share[..., None], 0.0) * unit for m in program.m),
        binding=binding,
        constraints=len(program.limits.limit),
        variables=program.count,
    )


def _never_due(program: Program, agent: int, solution: FloatArray, some: BoolArray) -> FloatArray:
    """Return payments m after histories of weight 0, by first report, which belong to p as they are constant."""
    idle = np.where(some, 0.0, solution[program.m[agent]].mean(axis=-1)).sum(axis=1)
    weights = program.others_first(agent)
    profiles = [program.with_own(0, agent, k) for k in range(len(program.one.signals[agent]))]
    return np.array([program.environment.discount * float(weights @ idle[profile]) for profile in profiles])


def _in_words(program: Program, row: int, multiplier: float) -> Binding:
    """Return a binding constraint in words."""
    kind, agent, r, h, signal, report = program.limits.meaning[row]
    history = ""
    if r >= 0:
        history = f"reports {labels_text(program.one.signals, r)}"
        history += f" and {program.one.decisions[h]}" if program.histories > 1 else ""
    labels = (program.two if kind.endswith("period 1") else program.one).signals[agent]
    reported = labels[report] if report >= 0 else ""
    return Binding(kind, program.environment.agents[agent], history, labels[signal], reported, multiplier)
