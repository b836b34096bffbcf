"""A promise and what became of it, in the words that every command uses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynmech.mechanisms.rules.condition import Condition

HOLDS = "holds"
BREAKS = "breaks"
UNDECIDED = "undecided"
NOT_REFUTED = "not_refuted"
OUTSIDE_ASSUMPTIONS = "outside_assumptions"
NOT_PROMISED = "not_promised"

WORDS = {
    BREAKS: "breaks",
    UNDECIDED: "undecided",
    NOT_REFUTED: "not refuted",
    OUTSIDE_ASSUMPTIONS: "outside its assumptions",
    NOT_PROMISED: "not promised",
    HOLDS: "holds",
}
"""What each status is called on the screen, the most serious first."""

OPEN = (BREAKS, UNDECIDED, NOT_REFUTED)
"""Statuses that one must look at: the exit code is 1."""

ASSUMED = {
    "private values": ("private values",),
    "independent types": ("independent types",),
    "spanning": ("spanning",),
    "convex independence": ("convex independence",),
    "spanning or convex independence": ("spanning", "convex independence"),
    "finite horizon: last decision ex post implementable": ("last period ex post implementable",),
    "single crossing": ("single crossing of the surplus",),
    "increasing differences": ("increasing differences of own values",),
    "monotone virtual values": ("monotone virtual weight",),
    "everybody can be left out": ("everybody can be left out",),
    "γ at most 1": ("γ at most 1",),
    "awards that do not move signals": ("awards that do not move signals",),
    "signals that nothing tells about": ("signals that nothing tells about",),
}
"""By assumption (`Promises.assumptions`), the conditions of which at least one must hold."""


@dataclass(frozen=True)
class Verdict:
    """A promise and what became of it.

    Attributes:
        promise: the promise, such as `incentive: bayesian`.
        status: `holds`, `breaks`, `undecided`, `not_refuted`, `outside_assumptions` or `not_promised`.
        worst: the figure that decides it; above the tolerance the promise does not hold.
        bound: on the numerical error of `worst`.
        where: the agent and the state at which it is worst.
    """

    promise: str
    status: str
    worst: float
    bound: float
    where: dict[str, Any]


def status(worst: float, bound: float, tolerance: float) -> str:
    """`holds` up to the tolerance, `breaks` above it, `undecided` within the figure's own bound of it.

    >>> status(0.0, 1e-9, 1e-6), status(2.0, 1e-9, 1e-6), status(1e-6, 1e-9, 1e-6)
    ('holds', 'breaks', 'undecided')
    """
    if np.isnan(worst) or abs(worst - tolerance) <= bound:
        return UNDECIDED
    return HOLDS if worst <= tolerance else BREAKS


def together(statuses: Iterable[str]) -> str:
    """The most serious status of several, in the order of `WORDS`; `holds` if there is none.

    >>> together(["holds", "undecided", "breaks"]), together([])
    ('breaks', 'holds')
    """
    present = set(statuses)
    return next((word for word in WORDS if word in present), HOLDS)


def violated(assumptions: Iterable[str], conditions: Sequence[Condition]) -> list[str]:
    """The assumptions that are shown not to hold: every condition that would do is known and fails."""
    answers = {condition.name: condition.holds for condition in conditions}
    return [
        assumption
        for assumption in assumptions
        if assumption in ASSUMED and all(answers.get(name) is False for name in ASSUMED[assumption])
    ]


def excused(verdicts: Sequence[Verdict], violations: Sequence[str]) -> list[Verdict]:
    """The verdicts, a promise that breaks being outside its assumptions where one of these is violated."""
    if not violations:
        return list(verdicts)
    return [
        replace(verdict, status=OUTSIDE_ASSUMPTIONS) if verdict.status == BREAKS else verdict for verdict in verdicts
    ]


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain data; a figure that is not known is None."""
    worst = float(verdict.worst) if np.isfinite(verdict.worst) else None
    bound = float(verdict.bound) if np.isfinite(verdict.bound) else None
    return {**vars(verdict), "worst": worst, "bound": bound}
