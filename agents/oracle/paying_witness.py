"""The best plan of lies and payments as a strategy that plays on the event loop.

Its state is where it stands as well: it notes after every payment which state of the problem follows.
"""

import numpy as np

from dynmech.agents.oracle.payments import PaymentPeriod, PaymentProblem
from dynmech.agents.oracle.search import Family, Information, Value
from dynmech.agents.oracle.witness import Witness
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.roles import View


class PayingWitness(Witness):
    """The best response of an agent that pays as it likes, against prescribed play by the others.

    Args:
        problem: the agent's, with the deposit that it has put down.
        words: what it does, as words that follow the agent's name.
        information: what it knows when it reports.
        value: what the best response is worth, where that has been worked out.
    """

    def __init__(
        self,
        problem: PaymentProblem,
        words: str = "plays its best response",
        information: Information = Information.INTERIM,
        value: Value | None = None,
    ) -> None:
        super().__init__(problem, Family.BEST_RESPONSE, words, information, value)

    def _state(self, view: View) -> IntArray:
        """Return the state of the problem: at first by the memory, then as noted when it last paid."""
        noted: IntArray | None = view.private.get("place")
        return super()._state(view) if noted is None or view.t == 0 else noted

    def _acts(self, t: int) -> list[int]:
        """Return how many actions and replies there are, and how many ways to treat the bill."""
        return [*super()._acts(t), self._period(t).ways]

    def pay(self, view: View, bill: Bill) -> FloatArray:
        """Return the best payment, shape `(n,)`: all that is owed, what is due, or nothing."""
        if view.decision is None:
            return bill.owed  # in a closing period, which the problem does not have
        period = self._period(view.t)
        act = np.ravel_multi_index(self._act(view), self._acts(view.t))
        state, profile, report, draw = self._case(view)
        view.private["place"] = period.following[state, profile, report, draw * period.acts + act]
        stands = period.standing.good[state]  # who has defaulted pays no more
        way = np.where(stands, act % period.ways, period.ways - 1)
        return np.where(way == 0, bill.owed, np.where(way == period.ways - 1, 0.0, bill.due))

    def _period(self, t: int) -> PaymentPeriod:
        """Return the entry of period t."""
        period = self._problem.periods[self._entry(t)]
        assert isinstance(period, PaymentPeriod)
        return period
