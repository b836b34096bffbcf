"""Tells the truth, takes what is decided, and does not pay."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.roles import View


class Default(Strategy):
    """Sends the prescribed messages and from some period on pays nothing of what it owes, if it is large enough.

    Args:
        start: the first period in which it does not pay.
        least: it pays what it owes below that.
        share: of what is owed, what it pays all the same.

    Raises:
        InputError: `least` is below 0, or `share` is not from 0 to below 1.
    """

    name = "default"
    source = "hit and run: a contingent payment that falls due and is not made"
    complexity = 1

    def __init__(self, start: int = 0, least: float = 0.0, share: float = 0.0) -> None:
        if not least >= 0:
            raise InputError(f"least: {least:g} is below 0")
        if not 0 <= share < 1:
            raise InputError(f"share: {share:g} is not in [0, 1)")
        self.start, self.least, self.share = start, float(least), float(share)

    def message(self, view: View) -> Array:
        """Return the prescribed message, shape `(n,)`."""
        return view.prescribed

    def message_map(self, t: int, space: Finite) -> IntArray:  # noqa: ARG002
        """Return every message for itself."""
        return np.arange(space.size)

    def pay(self, view: View, bill: Bill) -> FloatArray:
        """Return all that is owed before it stops and where that is little, else the share, shape `(n,)`."""
        stops = (view.t >= self.start) & (bill.owed > 0) & (bill.owed >= self.least)
        return np.where(stops, self.share * bill.owed, bill.owed)

    def options(self) -> dict[str, str]:
        """Return the options as text."""
        return {"start": str(self.start), "least": f"{self.least:g}", "share": f"{self.share:g}"}

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return when it does not pay, in words."""
        when = f"from period {self.start} on" if self.start else "from the beginning"
        most = f" of {self.least:g} or more" if self.least else ""
        part = f" but a share {self.share:g}" if self.share else ""
        return f"tells the truth and does not pay bills{most}{part}, {when}"

    def validate(self, context: AgentContext) -> None:
        """Check that the period is played, and that agents are free not to pay."""
        context.require_period(self.start)
        require_voluntary(context)

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield, where bills are paid voluntarily, a default from every date on."""
        yield from (cls(start) for start in payment_dates(context) if context.payments is not None)


def require_voluntary(context: AgentContext) -> None:
    """Raise where bills are always paid.

    Raises:
        InputError: payments are enforced.
    """
    if context.payments is None:
        raise InputError("it takes payments=voluntary; where payments are enforced, every bill is paid")


def payment_dates(context: AgentContext) -> range:
    """Return the first periods: all of a short game, the first three of a long one."""
    return range(context.periods if context.periods <= 6 else 3)
