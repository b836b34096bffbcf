"""Flows that recur at every date, and their discounted sums over endless dates.

The sum of δ^t P^t x over all dates takes few products with a matrix:

    (1 + δ P) (1 + δ² P²) (1 + δ⁴ P⁴) … x,

and a power of P is the same kind of product as P, by the power of the chains. After T dates what is left is δ^T P^T
times the sum, and lies between δ^T/(1 − δ^{T/2}) times the least and the largest entry of P^{T/2} times the first half.

A flow of few classes of crowds' vectors need not be doubled whole: the probabilities of the classes are, which are thin
matrices, and flow and probabilities are put together at the end.
"""

from collections.abc import Sequence

import numpy as np

from dynmech.agents.crowds.crowd_problem import CrowdProblem, contract
from dynmech.agents.crowds.crowd_values import CrowdLaws, power
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal

PRECISION = 1e-13
"""What may be left out of a sum, relative to the economy's scale."""

LEVELS = 40
"""Doublings of the number of dates."""


class Outlook:
    """Probabilities of the classes of a problem's crowds, date by date.

    Attributes:
        ahead: per crowd, `(C, dates, c)`, by the numbers at date 0.
    """

    def __init__(self, problem: CrowdProblem) -> None:
        self.problem = problem
        self.ahead = [at[:, None] for at in problem.earned.indicators]

    @property
    def dates(self) -> int:
        """How many dates there are."""
        return int(self.ahead[0].shape[1]) if self.ahead else 1

    def double(self, laws: CrowdLaws) -> None:
        """Add as many dates again."""
        for j, (crowd, now) in enumerate(zip(self.problem.crowds, self.ahead, strict=True)):
            then = (laws.of(crowd) @ now.reshape(len(now), -1)).reshape(now.shape)
            self.ahead[j] = np.concatenate([now, then], axis=1)


class LumpedStream:
    """A flow `(K, *c)` by classes; the deviator's signal is that of the date, the numbers are known with a lag.

    Args:
        outlook: of the problem.
        flow: by own signal and classes.
        lag: dates by which the numbers that are known lie back.
    """

    def __init__(self, outlook: Outlook, flow: FloatArray, lag: int) -> None:
        self.outlook, self.flow, self.lag = outlook, flow, lag
        self.problem = outlook.problem

    @property
    def nothing(self) -> bool:
        """Whether the flow is 0 everywhere."""
        return not self.flow.any()

    @property
    def _zeros(self) -> FloatArray:
        return np.zeros((len(self.problem.prior), *(crowd.states for crowd in self.problem.crowds)))

    def after(self, dates: int) -> FloatArray:
        """Return what is expected of the flow after some dates, `(K, *C)`."""
        if self.nothing:
            return self._zeros
        flow = np.tensordot(power(self.problem.chain, dates), self.flow, axes=1)
        return contract(flow, [part[:, dates + self.lag] for part in self.outlook.ahead])

    def left(self) -> float:
        """Return a bound of what the sum leaves out, by the dates that the outlook has."""
        low, high = self._rest()
        return (high - low) / 2

    def _rest(self) -> tuple[float, float]:
        """Return between what the rest of the sum lies."""
        dates, discount = self.outlook.dates - self.lag, self.problem.discount
        if self.nothing or dates < 1:
            return 0.0, 0.0 if self.nothing else np.inf
        last = self.after(dates - 1)
        weight = discount**dates / (1 - discount)
        return weight * float(last.min()), weight * float(last.max())

    def total(self) -> FloatArray:
        """Return Σ_t δ^t E[flow], `(K, *C)`."""
        size, ahead = len(self.problem.prior), self.outlook.ahead
        if self.nothing:
            return self._zeros
        dates, flow, parts = self.outlook.dates - self.lag, self.flow, []
        for t in range(dates):
            parts.append(contract(flow, [part[:, t + self.lag] for part in ahead[1:]]))
            flow = self.problem.discount * np.tensordot(self.problem.chain, flow, axes=1)
        stacked = np.stack(parts, axis=1)  # (K, dates, c, *C after the first crowd)
        first = ahead[0][:, self.lag :].reshape(len(ahead[0]), -1)
        whole = (first @ stacked.reshape(size, first.shape[1], -1)).reshape(size, len(first), *stacked.shape[3:])
        return np.asarray(whole + sum(self._rest()) / 2)


class DenseStream:
    """A flow `(K, *C)` by the crowds' vectors."""

    def __init__(self, problem: CrowdProblem, flow: FloatArray, laws: CrowdLaws) -> None:
        self.problem, self.flow, self.first = problem, flow, laws
        self.sum, self.width, self.shift, self.dates = flow, 0.0 if self.nothing else np.inf, 0.0, 1

    @property
    def nothing(self) -> bool:
        """Whether the flow is 0 everywhere."""
        return not self.flow.any()

    def double(self, laws: CrowdLaws) -> None:
        """Add as many dates again."""
        self.dates *= 2
        weight = self.problem.discount**laws.dates
        ahead = laws.expect(self.problem, self.sum)
        low, high = (weight**2 / (1 - weight) * float(side) for side in (ahead.min(), ahead.max()))
        self.width, self.shift = (high - low) / 2, (low + high) / 2
        ahead *= weight
        self.sum = self.sum + ahead

    def after(self, dates: int) -> FloatArray:
        """Return what is expected of the flow after no date, or one, `(K, *C)`."""
        return self.first.expect(self.problem, self.flow) if dates and not self.nothing else self.flow

    def left(self) -> float:
        """Return a bound of what the sum leaves out."""
        return self.width

    def total(self) -> FloatArray:
        """Return Σ_t δ^t E[flow], `(K, *C)`."""
        return self.sum + self.shift


Stream = LumpedStream | DenseStream


def double_all(streams: Sequence[Stream], scale: float) -> None:
    """Double the dates of all streams until next to nothing is left out of a sum."""
    busy = [stream for stream in streams if not stream.nothing]
    growing = list({id(part): part for part in (_growing(stream) for stream in busy)}.values())
    dates = 1
    while busy and (dates <= 2 or max(stream.left() for stream in busy) > PRECISION * scale):
        if dates > 2**LEVELS:
            raise Refusal(
                f"audit: a discount factor of {busy[0].problem.discount:g} takes more than 2^{LEVELS} periods"
            )
        due = [part for part in growing if part.dates == dates]
        laws = CrowdLaws([part.problem for part in due], dates) if due else None
        for part in due:
            assert laws is not None
            part.double(laws)
        dates *= 2


def _growing(stream: Stream) -> Outlook | DenseStream:
    return stream.outlook if isinstance(stream, LumpedStream) else stream
