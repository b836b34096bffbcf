"""Figures of an audit."""

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.first_report_audit import audit_by_first_report
from dynmech.experiments.runs.simulation import silent
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot


def gains(found: Audit, family: Family, kind: str) -> list[float]:
    return [search.figures[family][kind].gain for search in found.searches]


def by_first_report(mechanism: VirtualPivot) -> Audit:
    """Audit a mechanism first report by first report, however small it is."""
    request = AuditRequest.of(mechanism.environment, mechanism)
    return audit_by_first_report(request, silent)


def first_reports(found: Audit, what: str) -> float:
    """The largest gain at the first report, or `later`."""
    return max(part[what] for part in found.details["first_reports"])
