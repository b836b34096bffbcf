"""Contingent mechanisms with a planted fault each: the variants that are printed wrong, and easy slips."""

import numpy as np

from dynmech.experiments.reproductions.liu_misprints import (
    FlippedStep as FlippedStep,
    OpenLoop as OpenLoop,
    PrintedFee as PrintedFee,
    UndiscountedTarget as UndiscountedTarget,
    Untransposed as Untransposed,
)
from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.numerics.solvers import Convex, Systems
from dynmech.mechanisms.numerics.targets import convex_solution
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Situation


class OwnReportLeft(ContingentSpanning):
    """Last period's own report left in the next transfer."""

    def due(self, now: Situation, messages: Array) -> FloatArray:
        own = np.maximum(self.recall(now, 1), 0) // 2
        return super().due(now, messages) + 0.5 * own[:, None]

    def transfer_bound(self) -> float:
        return super().transfer_bound() + 0.5


class PlusSign(ContingentSpanning):
    """Equation (3) as printed: everybody pays the others' utilities instead of getting them."""

    def target(self, t: int, agent: int) -> FloatArray:
        stage = self.environment.stage(t)
        return stage.welfare - stage.utility[agent]


class NoCorrection(ContingentSpanning):
    """The period before the last is not told what the last leaves the agent."""

    def target(self, t: int, agent: int) -> FloatArray:
        stage = self.environment.stage(t)
        return stage.utility[agent] - stage.welfare


class AccompliceSolver(Convex):
    """A lottery per report that deters only the signals that lead to the same decision."""

    def solve(self, systems: Systems) -> FloatArray:
        paid = np.empty((len(systems.cell), systems.matrices.shape[1]))
        for s, (cell, report) in enumerate(zip(systems.cell, systems.own, strict=True)):
            there = np.unique(systems.own[systems.cell == cell])
            found = convex_solution(
                systems.matrices[[cell]][:, :, there],
                systems.target[[cell]][:, there],
                np.flatnonzero(there == report),
            )
            paid[s] = found.transfers[0]
        return paid


class OnlyAccomplices(ContingentConvex):
    """Signals that would bring about another decision are forgotten: the rows of all types matter."""

    def __init__(self, environment: TableEnvironment) -> None:
        ContingentMechanism.__init__(self, environment, AccompliceSolver(), 1.0)
        self.balanced = False


class NoFees(ContingentMechanism):
    """Proposition 4.1 before its fees: each pays its flow utility one period later, on average."""

    name = "no-fees"
    promises = SurplusExtraction.promises

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment, Convex(), 0.0)


class UndiscountedFee(SurplusExtraction):
    """The entrance fee is the bonus's cover K itself, not δ K."""

    def delayed(self, t: int, agent: int) -> list[FloatArray]:
        lotteries = super().delayed(t, agent)
        self.entrance[t, agent] = self.entrance[t, agent] / self.environment.discount
        return lotteries


class WrongDecision(SurplusExtraction):
    """Takes the decision that is not efficient (of two)."""

    def policy(self, t: int) -> IntArray:
        return 1 - super().policy(t)
