"""Which of many deviators the screen shows, and figures of many agents in a line."""

from collections.abc import Sequence

from dynmech.agents.oracle.gains import KINDS
from dynmech.experiments.audits.audit_result import Audit

ALL = 24
"""Deviators up to which the table of gains has all; of more, those that gain most."""

FEW = 6
"""How many these are, and after how many agents a line of figures is cut."""


def shown_deviators(audit: Audit) -> list[str]:
    """Return the deviators in the table of gains; of many, those that gain most, ex ante first."""
    names = audit.deviators
    if len(names) <= ALL:
        return names
    best = {(gain.agent, gain.information): gain.lower for gain in audit.figures if gain.family == "best_response"}
    digits = 1e-9 * audit.request.scale
    ranked = sorted(names, key=lambda name: [-round(best.get((name, kind), 0.0) / digits) for kind in KINDS])
    kept = set(ranked[:FEW])
    return [name for name in names if name in kept]


def by_agent(names: Sequence[str], figures: Sequence[str]) -> str:
    """Return every agent's figure in a line; of many, the first ones.

    >>> by_agent(["a", "b"], ["1", "2"])
    'a 1, b 2'
    """
    pairs = [f"{name} {value}" for name, value in zip(names, figures, strict=True)]
    if len(pairs) <= ALL:
        return ", ".join(pairs)
    return f"{', '.join(pairs[:FEW])}, … ({len(pairs) - FEW} more)"
