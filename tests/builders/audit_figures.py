"""Figures of an audit."""

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_result import Audit


def gains(found: Audit, family: Family, kind: str) -> list[float]:
    return [search.figures[family][kind].gain for search in found.searches]
