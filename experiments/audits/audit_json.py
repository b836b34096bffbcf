"""An audit as one JSON object."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_result import FAMILIES, KINDS, Audit
from dynmech.experiments.audits.witness_text import story_text, witness_data
from dynmech.experiments.runs.tally import first_best
from dynmech.experiments.runs.verdicts import verdict_data
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.sim.core.ties import rounded_up


def audit_data(audit: Audit) -> dict[str, Any]:
    """Return an audit as plain data, for JSON.

    Parameters
    ----------
    audit : Audit
        What `dynmech.audit` has returned.

    Returns
    -------
    dict
        Figures, verdicts, conditions and the worst deviation. Figures that are not known are None.

    Examples
    --------
    >>> import dynmech as dm
    >>> environment = dm.load("oil-leases-prior")
    >>> data = dm.audit_data(dm.audit(environment, dm.make_mechanism("linked", environment)))
    >>> [promise["status"] for promise in data["promises"]]
    ['holds', 'holds']
    """
    environment = audit.environment
    data: dict[str, Any] = {
        "schema": 1,
        "environment": environment.name,
        "mechanism": audit.mechanism.name,
        "agents": list(environment.agents),
        "deviators": [audit.name(search) for search in audit.searches],
        "discount": environment.discount,
        "horizon": environment.horizon,
        "tolerance": audit.tolerance,
        "all_states": audit.all_states,
        "exit_allowed": audit.exit,
        "verdict": audit.verdict,
        "sentence": story_text(audit),
        "error_bound": _error_bound(audit),
        "truth": _truth(audit),
        "gains": {family.value: _gains(audit, family) for family in FAMILIES},
        "budget": {kind: _number(least.value) for kind, least in audit.budget.items()},
        "largest_transfer": {**asdict(audit.largest_transfer), "declared": audit.mechanism.transfer_bound()},
        "participation": {
            kind: [_number(least.value) for least in by_agent] for kind, by_agent in audit.participation.items()
        },
        "promises": [verdict_data(verdict) for verdict in audit.promises],
        "assumptions": list(audit.mechanism.promises.assumptions),
        "violated_assumptions": audit.violated,
        "conditions": condition_data(audit.conditions),
        "verified": tabulate(audit.mechanism, 0 if environment.horizon == 1 else 1).verified,
        "ties": [{"states": search.ties[0], "of": search.ties[1]} for search in audit.searches],
        "witness": witness_data(audit),
    }
    if audit.exit:
        data["exit"] = {"deposit": [_number(search.deposit) for search in audit.searches]}
    return data


def condition_data(conditions: Sequence[Condition]) -> dict[str, dict[str, Any]]:
    """Conditions by name, as plain data."""
    return {
        condition.name: {
            "holds": condition.holds,
            "value": condition.value,
            "where": condition.where,
            "note": condition.note,
        }
        for condition in conditions
    }


def _error_bound(audit: Audit) -> float:
    """The largest bound on the numerical error of any figure."""
    gains = [gain for search in audit.searches for by_kind in search.figures.values() for gain in by_kind.values()]
    bounds = [gain.bound for gain in gains if not np.isnan(gain.bound)]
    return max([rounded_up(audit.truthful.bound, audit.environment.scale), *bounds])


def _truth(audit: Audit) -> dict[str, Any]:
    """What prescribed play is worth, ex ante."""
    truthful = audit.truthful
    return {
        "payoff": (truthful.utility - truthful.transfer).tolist(),
        "utility": truthful.utility.tolist(),
        "transfer": truthful.transfer.tolist(),
        "welfare": truthful.welfare,
        "first_best": first_best(audit.environment),
        "revenue": audit.revenue,
        "net_revenue": audit.revenue - audit.cost,
    }


def _gains(audit: Audit, family: Family) -> dict[str, Any]:
    """One family's gains by kind and deviator."""
    by_kind = {kind: [_number(search.figures[family][kind].gain) for search in audit.searches] for kind in KINDS}
    return {**by_kind, "kind": "refused" if any(search.refused for search in audit.searches) else "exact"}


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
