"""A claim of a paper, held against what is computed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

SIGMAS = 4.0
"""A simulated figure agrees if it is within so many standard errors of the exact one."""


@dataclass(frozen=True)
class Claim:
    """One worked example or number.

    Attributes:
        paper: its module's `PAPER`.
        claim: what is claimed, where (section, equation), in a line.
        printed: the number in print; None where it prints none, only a statement that `exact` makes a number of.
        exact: computed by the laboratory, to `tolerance`.
        expected: what is right where the print is wrong; None: what is printed.
        slip: what is wrong with the print, in words; only where `expected` is given.
        simulated: mean over episodes, if it was simulated.
        error: its standard error.
        tolerance: up to which exact figures agree (the print's rounding, if it is rounded).
    """

    paper: str
    claim: str
    printed: float | None
    exact: float
    expected: float | None = None
    slip: str = ""
    simulated: float | None = None
    error: float = 0.0
    tolerance: float = 1e-9

    @property
    def right(self) -> float | None:
        """The number that should come out."""
        return self.printed if self.expected is None else self.expected

    @property
    def verdict(self) -> str:
        """`agrees`, `slip: …` (the print is wrong in the stated way, the corrected value comes out) or `fails`."""
        right = self.right
        if right is None or not abs(self.exact - right) <= self.tolerance or not self._simulation_agrees():
            return "fails"
        if self.expected is None or self.printed is None:
            return "agrees"
        differs = abs(self.printed - self.expected) > self.tolerance
        return f"slip: {self.slip}" if differs and self.slip else "fails"

    def _simulation_agrees(self) -> bool:
        return self.simulated is None or abs(self.simulated - self.exact) <= SIGMAS * self.error + self.tolerance

    @property
    def interval(self) -> tuple[float, float] | None:
        """The simulated figure's 95 % interval."""
        if self.simulated is None:
            return None
        return self.simulated - 1.96 * self.error, self.simulated + 1.96 * self.error

    def data(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        interval = self.interval
        return {
            "paper": self.paper,
            "claim": self.claim,
            "printed": self.printed,
            "exact": self.exact,
            "simulated": self.simulated,
            "interval": list(interval) if interval else None,
            "verdict": self.verdict,
        }


class Reproduction(Protocol):
    """A module of this package."""

    PAPER: str
    TITLE: str

    @staticmethod
    def claims() -> Iterator[Claim]:
        """The paper's claims, one after the other."""
        ...
