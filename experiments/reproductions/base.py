"""A claim of a paper, held against what is computed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

SIGMAS = 4.0
"""A simulated figure agrees if it is within so many standard errors of the exact one."""

ROUNDING = 1e-6
"""Relative to the figure (at least 1): up to so much a tolerance is for rounding, and shows no effect."""

SHARE = 4.0
"""A tolerance is at most the effect over this."""

VERDICTS = ("fails", "slip", "derived", "agrees")
"""The verdicts, the most serious first."""


@dataclass(frozen=True)
class Claim:
    """One worked example or number.

    A row that could not fail is no evidence. So a tolerance beyond rounding must say what effect it is up against,
    and be a quarter of it at most; that of a slip is the distance between what is printed and what is right. And a
    simulated interval must be narrower than the effect.

    Attributes:
        paper: its module's `PAPER`.
        claim: what is claimed, where (section, equation), in a line.
        printed: the number in the paper: printed there, a printed formula at these parameters, or what a printed
            statement comes to (of a theorem that truth is best: a largest gain of 0). None: the paper says nothing.
        exact: computed by the laboratory, to `tolerance`.
        derived: ours, worked out another way than `exact`; None: there is none.
        way: by which way, in words; with `derived` always.
        slip: what is wrong with the print, in words; only with `printed` and `derived`.
        simulated: mean over episodes, if it was simulated.
        error: its standard error.
        tolerance: up to which exact figures agree.
        effect: how far off the figure would be if what is shown were not so; needed where the tolerance is more than
            rounding.

    Raises:
        ValueError: the claim is not fit to be shown, for one of the reasons above.
    """

    paper: str
    claim: str
    printed: float | None
    exact: float
    derived: float | None = None
    way: str = ""
    slip: str = ""
    simulated: float | None = None
    error: float = 0.0
    tolerance: float = 1e-9
    effect: float | None = None

    def __post_init__(self) -> None:
        unfit = self._unfit()
        if unfit:
            raise ValueError(f"claim {self.claim!r}: {unfit}")

    def _unfit(self) -> str:
        """Return what makes the claim no evidence; empty: nothing."""
        if (self.derived is None) != (not self.way):
            return "a derived number and the way to it go together"
        if self.slip and (self.printed is None or self.derived is None):
            return "a slip needs the printed number and the derived one"
        shown = self.shown
        if shown is None:
            right = abs(self.right or 0.0)
            if self.tolerance > ROUNDING * max(1.0, right):
                return f"the tolerance {self.tolerance:g} is more than rounding, and no effect is stated"
        elif self.tolerance > shown / SHARE:
            return f"the tolerance {self.tolerance:g} is more than a quarter of the effect {shown:g}"
        spread, least = SIGMAS * self.error, abs(self.right or 0.0) if shown is None else shown
        if self.simulated is not None and spread > least:
            return f"{SIGMAS:g} standard errors of the simulation, {spread:g}, are more than the effect {least:g}"
        return ""

    @property
    def shown(self) -> float | None:
        """The effect: as stated, or what a slip is off by."""
        if self.effect is None and self.slip and self.printed is not None and self.derived is not None:
            return abs(self.printed - self.derived)
        return self.effect

    @property
    def right(self) -> float | None:
        """The number that should come out."""
        return self.printed if self.derived is None else self.derived

    @property
    def verdict(self) -> str:
        """`agrees` (with the print), `slip` (of the print; what should stand there comes out), `derived` or `fails`.

        `derived`: the paper prints nothing of the kind; two ways of ours come to the same.
        """
        right = self.right
        if right is None or not abs(self.exact - right) <= self.tolerance or not self._simulation_agrees():
            return "fails"
        if self.printed is None:
            return "derived"
        if self.derived is None:
            return "agrees"
        differs = abs(self.printed - self.derived) > self.tolerance
        if bool(self.slip) != differs:
            return "fails"
        return "slip" if differs else "agrees"

    def _simulation_agrees(self) -> bool:
        return self.simulated is None or abs(self.simulated - self.exact) <= SIGMAS * self.error + self.tolerance

    @property
    def note(self) -> str:
        """What is wrong with the print, and the way to what was derived."""
        way = f"second way: {self.way}" if self.way else ""
        return f"{self.slip}; {way}" if self.slip else way

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
            "derived": self.derived,
            "exact": self.exact,
            "simulated": self.simulated,
            "interval": list(interval) if interval else None,
            "tolerance": self.tolerance,
            "verdict": self.verdict,
            "note": self.note,
        }


class Reproduction(Protocol):
    """A module of this package."""

    PAPER: str
    TITLE: str

    @staticmethod
    def claims() -> Iterator[Claim]:
        """The paper's claims, one after the other."""
        ...
