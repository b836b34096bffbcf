"""The deviator's problem among agents who are alike, from rules that are written by counts.

Who is served is the first of those who are good to serve, so that the others are two crowds: those that come before
the deviator, and those that come after it. That exchanging two agents of a crowd changes nothing for the deviator
needs no trial: its case (`CountedCase`) holds numbers only. What needs to be looked at is that the charge does not
depend on *which* of several reports that are equally good to serve the served agent has made.
"""

from functools import cached_property

import numpy as np

from dynmech.agents.crowds.crowd_problem import Crowd, CrowdProblem, Lumped, lump
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.mechanisms.rules.by_counts import CountedCase, good_to_serve
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.chains import count_vectors
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment


class AlikeRules:
    """What every report earns, by how many of all others report each signal; the same for every deviator.

    Attributes:
        others: vectors of numbers of all others, `(S, K)`.
        good: from whom the served agent may be, `(R, S, K)`.
        alone: utility and charge where no agent before the deviator is good to serve, `(2, K, R, S)`.
        behind: the same where one is.
    """

    def __init__(self, environment: ExchangeableEnvironment, mechanism: DirectMechanism) -> None:
        self.environment, self.mechanism = environment, mechanism
        size, common = len(environment.prior), environment.common
        self.others = count_vectors(len(environment.agents) - 1, size)
        self.good = np.zeros((size, len(self.others), size), np.bool_)
        self.alone, self.behind = (np.zeros((2, size, size, len(self.others))) for _ in range(2))
        for r in range(size):
            decided, good = good_to_serve(environment, self.others + np.eye(size, dtype=np.intp)[r])
            self.good[r] = good
            mine = good[:, r]
            served = np.where(decided >= 0, decided, np.where(mine, common, common + 1))
            self.alone[:, :, r] = self._earns(r, served, good)
            self.behind[:, :, r] = self._earns(r, np.where(decided >= 0, decided, common + 1), good)

    def _earns(self, report: int, decision: IntArray, good: BoolArray) -> FloatArray:
        """Return utility by true signal, and the charge, `(2, K, S)`; 0 where nobody else is there to be served."""
        environment, common = self.environment, self.environment.common
        utility = environment.flow[decision].T
        reports = np.full(len(decision), report)
        charge, known = np.zeros(len(decision)), np.zeros(len(decision), np.bool_)
        for w in range(len(environment.prior)):
            other = (decision == common + 1) & good[:, w] & (self.others[:, w] > 0)
            fits = other | (decision <= common) if w == 0 else other
            chosen = np.where(decision == common + 1, w, np.where(decision == common, report, -1))
            case = CountedCase(reports[fits], self.others[fits], decision[fits], chosen[fits])
            paid = np.zeros(len(decision))
            paid[fits] = self.mechanism.charge_by_counts(environment, case)
            twice = fits & known
            if (np.abs(paid - charge)[twice] > TIE * environment.scale).any():
                raise Refusal(
                    f"audit: what mechanism {self.mechanism.name!r} charges depends on which of two equally good "
                    "reports the served agent has made; numbers alone do not tell it"
                )
            charge = np.where(fits & ~known, paid, charge)
            known |= fits
        return np.stack([utility, np.broadcast_to(charge, utility.shape)])

    @cached_property
    def lumped(self) -> tuple[Lumped, IntArray]:
        """Earnings by classes of numbers of all others, and from whom the served one may be, as bits, `(R, S)`.

        The last two axes of the table: whether an agent before the deviator is good to serve, and the class.
        """
        kinds = np.concatenate([self.alone, self.behind, np.moveaxis(self.good, -1, 0)[None].repeat(2, axis=0)], axis=1)
        lumped = lump(kinds, 1)
        first = np.unique(lumped.classes[0], return_index=True)[1]
        earned = np.stack([self.alone[..., first], self.behind[..., first]], axis=3)
        return Lumped(earned, lumped.classes), self.good @ (1 << np.arange(self.good.shape[2]))

    def problem(self, agent: int) -> CrowdProblem:
        """Return what one agent faces: those before it, and those after it."""
        environment, size = self.environment, len(self.environment.prior)
        sizes = (agent, len(environment.agents) - 1 - agent)
        before, after = (count_vectors(n, size) for n in sizes)
        total = self._places(before, after)
        table, bits = self.lumped
        held = (before > 0) @ (1 << np.arange(size))
        blocked = (bits[:, total] & held[:, None]) != 0  # (R, *C)
        situation = lump(2 * table.classes[0][total] + blocked, 2)
        kind, behind = divmod(situation.small, 2)
        report = np.arange(size).reshape(size, *(1,) * (kind.ndim - 1))
        earned = table.small[:, :, report, behind, kind]
        crowds = tuple(Crowd(n, environment.prior, environment.chain) for n in sizes)
        own = environment.prior, environment.chain
        spread = Lumped(earned, situation.classes)
        return CrowdProblem(agent, *own, crowds, spread, environment.discount, environment.horizon)

    def _places(self, before: IntArray, after: IntArray) -> IntArray:
        """Return the places of the sums of two crowds' vectors, `(C, C)`."""
        weights = (len(self.environment.agents)) ** np.arange(before.shape[1] - 1, -1, -1)
        order = -(self.others @ weights)
        return np.searchsorted(order, -((before @ weights)[:, None] + after @ weights))
