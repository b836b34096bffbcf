"""Decisions and pivot transfers by frozen weights and current reports, solved when they are first wanted.

A *code* is (first profile · X + current profile of nodes). Each code that was asked for has a row in the tables; rows
stand in the order in which codes were first asked for.
"""

from collections.abc import Callable

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray

Solve = Callable[[IntArray], tuple[list[IntArray], list[FloatArray]]]
"""Codes `(n,)` to policies `(n, S)` and transfers `(n, N, S)`, one each per later period."""


class PlanTables:
    """The tables of all codes asked for so far.

    Attributes:
        policy: per later period, the decision by row and profile of states, `(rows, S)`.
        transfer: per later period, the pivot transfer T, `(rows, N, S)`.
    """

    def __init__(self, solve: Solve) -> None:
        self._solve = solve
        self._row_of: dict[int, int] = {}
        self.policy: list[IntArray] = []
        self.transfer: list[FloatArray] = []

    def rows(self, codes: IntArray) -> IntArray:
        """Return the row of every code, `(n,)`; what is new is solved first."""
        distinct, where = np.unique(codes, return_inverse=True)
        new = np.array([code for code in distinct.tolist() if code not in self._row_of], np.intp)
        if len(new):
            self._append(new)
        rows = np.array([self._row_of[code] for code in distinct.tolist()], np.intp)
        return rows[where.reshape(-1)]

    def _append(self, codes: IntArray) -> None:
        """Solve new codes and append their rows."""
        policy, transfer = self._solve(codes)
        if self._row_of:
            policy = [np.concatenate(pair) for pair in zip(self.policy, policy, strict=True)]
            transfer = [np.concatenate(pair) for pair in zip(self.transfer, transfer, strict=True)]
        self.policy, self.transfer = policy, transfer
        start = len(self._row_of)
        self._row_of.update({int(code): start + k for k, code in enumerate(codes)})
