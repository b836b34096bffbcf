"""The two solvers of payment targets, spanning and convex, and their certificates where there is no solution."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from dynmech.mechanisms.numerics.min_max_lp import LARGEST
from dynmech.mechanisms.numerics.targets import RESIDUAL, convex_solution, spanning_solution
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import first_largest

Way = Literal["spanning", "convex"]
Size = Literal["explicit", "smallest"]


@dataclass(frozen=True, eq=False)
class Systems:
    """The equations that one agent's payments for the reports of one period must solve; see `numerics.targets`.

    Attributes:
        matrices: stacked beliefs, one per decision and others' profile that occur together, `(n, Y, K)`.
        target: v, `(n, K)`.
        cell: which of them each reported profile belongs to, `(S,)`.
        own: the own signal in each, `(S,)`.
        labels: the own signals.
        scale: of the economy's money.
    """

    matrices: FloatArray
    target: FloatArray
    cell: IntArray
    own: IntArray
    labels: tuple[str, ...]
    scale: float


class OutOfReachError(Exception):
    """No payments hit a target: which condition fails, in which cell, and the certificate in words."""

    def __init__(self, condition: str, cell: int, why: str) -> None:
        super().__init__(condition, cell, why)
        self.condition, self.cell, self.why = condition, cell, why


class Solver(Protocol):
    """A way to solve `Systems`."""

    def solve(self, systems: Systems) -> FloatArray:
        """Return payments by reported profile, `(S, Y)`; raise OutOfReachError where there are none."""
        ...


class Spanning:
    """Payments of least norm, which depend on the own report through the decision only."""

    def solve(self, systems: Systems) -> FloatArray:
        """Return (Mᵀ)⁺ v of the cell of every reported profile, `(S, Y)`."""
        solution = spanning_solution(systems.matrices, systems.target[..., None])
        if not solution.hits(systems.target, systems.scale):
            missed = solution.residual[:, 0]
            cell = first_largest(missed)
            left = systems.target[cell] - systems.matrices[cell].T @ solution.transfers[cell, :, 0]
            weights = mixture_text(left / np.abs(left).max(), systems.labels)
            raise OutOfReachError(
                "spanning",
                cell,
                f"the target is missed by {missed[cell]:.3g}, smallest singular value "
                f"{solution.singular_value[cell]:.3g}; what the others may say cancels over own signals: {weights}",
            )
        return solution.transfers[systems.cell, :, 0]


@dataclass(frozen=True)
class Convex:
    """One lottery per report: the explicit one, or the one with the smallest possible largest payment."""

    smallest: bool = False

    def solve(self, systems: Systems) -> FloatArray:
        """Return p(·, r) in the cell of every reported profile, `(S, Y)`."""
        solution = convex_solution(
            systems.matrices[systems.cell],
            systems.target[systems.cell],
            systems.own,
            scale=systems.scale,
            smallest=self.smallest,
        )
        if not solution.short.any():
            return solution.transfers
        worst = first_largest(solution.short)
        weights = mixture_text(solution.mixture[worst], systems.labels)
        if np.isinf(solution.short[worst]):
            so = f"so that no payments below {LARGEST:g} times its target do"
        else:
            so = f"and its target falls short of theirs by {solution.short[worst]:.6g}"
        raise OutOfReachError(
            "convex independence",
            int(systems.cell[worst]),
            f"what the others may say after {systems.labels[systems.own[worst]]!r} is a mixture of what they may say "
            f"after other signals ({weights}; distance {solution.distance[worst]:.3g}), {so}",
        )


def mixture_text(weights: FloatArray, labels: tuple[str, ...]) -> str:
    """Return the weights of signals in words; those of 0 are left out.

    >>> mixture_text(np.array([0.5, 0.0, 0.5]), ("low", "middle", "high"))
    "0.5 × 'low' + 0.5 × 'high'"
    """
    return " + ".join(f"{w:.4g} × {labels[k]!r}" for k, w in enumerate(weights) if abs(w) > RESIDUAL)


def make_solver(way: Way, size: Size) -> Solver:
    """Return the solver that the options name.

    Raises:
        InputError: `smallest` is asked of the spanning solver, which has one solution.
    """
    if way == "spanning" and size == "smallest":
        raise InputError("transfers: smallest is for solver=convex; the spanning solver takes the least norm")
    return Spanning() if way == "spanning" else Convex(size == "smallest")
