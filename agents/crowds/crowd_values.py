"""Expectations over crowds, discounted sums of them, and what may be reached.

The law of own signal and crowds is a product, K by its chain and each crowd by the symmetric power of its own, so that
an expectation is a product with one matrix after the other.
"""

from collections.abc import Sequence

import numpy as np

from dynmech.agents.crowds.crowd_problem import Crowd, CrowdProblem, contract
from dynmech.sim.core.arrays import BoolArray, FloatArray
from dynmech.sim.economy.chains import count_vectors, crowd_laws


class CrowdLaws:
    """Laws of all crowds of a list of problems after a number of dates.

    Args:
        problems: of one economy.
        dates: after how many dates.
    """

    def __init__(self, problems: Sequence[CrowdProblem], dates: int = 1) -> None:
        most: dict[bytes, tuple[FloatArray, int]] = {}
        for crowd in {id(c): c for p in problems for c in p.crowds}.values():
            key = crowd.chain.tobytes()
            most[key] = crowd.chain, max(crowd.size, most[key][1] if key in most else 0)
        self.dates = dates
        self._laws = {key: crowd_laws(power(chain, dates), size) for key, (chain, size) in most.items()}

    def of(self, crowd: Crowd) -> FloatArray:
        """P(numbers after these dates | numbers now), `(C, C)`."""
        return self._laws[crowd.chain.tobytes()][crowd.size]

    def expect(self, problem: CrowdProblem, table: FloatArray) -> FloatArray:
        """Return E of a table `(K, *C)` after these dates, by what is known now, `(K, *C)`."""
        table = np.tensordot(power(problem.chain, self.dates), table, axes=1)
        return contract(table, [self.of(crowd) for crowd in problem.crowds])


def power(chain: FloatArray, dates: int) -> FloatArray:
    """Return the law after a number of dates."""
    return np.linalg.matrix_power(chain, dates)


class CrowdPriors:
    """Laws of own signal and crowds at a date, seen from before the first one."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, int], FloatArray] = {}

    def of(self, crowd: Crowd, t: int) -> FloatArray:
        """P(numbers at date t), `(C,)`."""
        law = crowd.prior @ power(crowd.chain, t)
        key = law.tobytes(), crowd.chain.tobytes(), crowd.size
        if key not in self._known:
            for n, table in enumerate(crowd_laws(law[None], crowd.size)):
                self._known[(*key[:2], n)] = table[0]
        return self._known[key]

    def own(self, problem: CrowdProblem, t: int) -> FloatArray:
        """P(own signal at date t), `(K,)`."""
        return np.asarray(problem.prior @ power(problem.chain, t))


def occupied(crowd: Crowd, held: BoolArray) -> BoolArray:
    """Return which of a crowd's vectors have nobody at a signal that is not held, `(C,)`."""
    return count_vectors(crowd.size, len(crowd.prior))[:, ~held].sum(axis=1) == 0


Support = tuple[BoolArray, tuple[BoolArray, ...]]
"""Own signals, and vectors of numbers per crowd, that are possible."""


def supports(problem: CrowdProblem, dates: int | None) -> list[tuple[Support, Support | None]]:
    """Return what is possible by date: now, and own signals beside the crowds' last numbers (None at first).

    Endless dates: until it repeats.
    """
    own, held = problem.prior > 0, [crowd.prior > 0 for crowd in problem.crowds]
    out: list[tuple[Support, Support | None]] = []
    seen: set[bytes] = set()
    last: tuple[BoolArray, ...] | None = None
    while dates is None or len(out) < dates:
        now = tuple(occupied(crowd, h) for crowd, h in zip(problem.crowds, held, strict=True))
        out.append(((own, now), None if last is None else (own, last)))
        key = b"".join(part.tobytes() for part in (own, *held, *(last or ())))
        if dates is None and key in seen:
            return out
        seen.add(key)
        last = now
        own = problem.chain[own].sum(axis=0) > 0
        held = [crowd.chain[h].sum(axis=0) > 0 for crowd, h in zip(problem.crowds, held, strict=True)]
    return out


def largest(table: FloatArray, possible: Support) -> float:
    """Return the largest entry of a table `(K, *C)` at what is possible."""
    own, crowds = possible
    if own.all() and all(part.all() for part in crowds):
        return float(table.max())
    return float(table[np.ix_(own, *crowds)].max())
