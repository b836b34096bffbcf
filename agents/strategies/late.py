"""Tells the truth, and puts off what it owes as long as it can."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.default import payment_dates, require_voluntary
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.roles import View


class Late(Strategy):
    """Sends the prescribed messages, and pays only what is due; from some period on, not even that.

    Args:
        stop: the first period in which it pays nothing; none: it always pays what is due.
    """

    name = "late"
    source = "deferred payment: arrears with interest, kept until there is more to keep"
    complexity = 2

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop

    def message(self, view: View) -> Array:
        """Return the prescribed message, shape `(n,)`."""
        return view.prescribed

    def message_map(self, t: int, space: Finite) -> IntArray:  # noqa: ARG002
        """Return every message for itself."""
        return np.arange(space.size)

    def pay(self, view: View, bill: Bill) -> FloatArray:
        """Return what is due now, shape `(n,)`; 0 once it has stopped."""
        return np.zeros(view.size) if self.stop is not None and view.t >= self.stop else bill.due

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return what it does with its bills, in words."""
        end = "" if self.stop is None else f", and pays nothing from period {self.stop} on"
        return f"tells the truth and pays its bills as late as it can{end}"

    def validate(self, context: AgentContext) -> None:
        """Check that the period is played, and that there is grace."""
        require_voluntary(context)
        if self.stop is not None:
            context.require_period(self.stop)
        if context.payments is not None and not context.payments.grace:
            raise InputError("there is no grace: what is late is not paid at all; give --grace, or play `default`")

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield, where there is grace, lateness alone, and with a default from every date on."""
        if context.payments is not None and context.payments.grace:
            yield cls()
            yield from (cls(stop) for stop in payment_dates(context))
