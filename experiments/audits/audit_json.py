"""An audit as one JSON object, schema 2; `audit_schema` says what it must look like."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.worst_deviation import deviation_rows
from dynmech.experiments.runs.verdicts import verdict_data
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.errors import Refusal

SCHEMA = 2

ROWS = 2_000
"""Situations of the worst deviation up to which it stands in the JSON."""


def audit_data(audit: Audit) -> dict[str, Any]:
    """Return an audit as plain data, for JSON; what is not known is None.

    Parameters
    ----------
    audit : Audit
        What `dynmech.audit` has returned.

    Returns
    -------
    dict
        Figures, verdicts, conditions and the worst deviation.

    Examples
    --------
    >>> import dynmech as dm
    >>> data = dm.audit("oil-leases-prior", "linked").to_dict()
    >>> [promise["status"] for promise in data["promises"]]
    ['holds', 'holds']
    """
    request, environment = audit.request, audit.environment
    largest = audit.largest_transfer
    return {
        "schema": SCHEMA,
        "environment": request.names[0],
        "mechanism": request.names[1],
        "options": request.to_dict(),
        "agents": list(environment.agents),
        "deviators": audit.deviators,
        "discount": environment.discount,
        "horizon": environment.horizon,
        "scale": request.scale,
        "tolerance": request.relative_tolerance,
        "backend": audit.backend,
        "reason": audit.reason or None,
        "verdict": audit.verdict,
        "sentence": audit.sentence,
        "truth": asdict(audit.truth),
        "gains": gain_rows(audit),
        "budget": _budget(audit),
        "budget_refused": {
            kind: least.where["refused"] for kind, least in audit.budget.items() if "refused" in least.where
        },
        "largest_transfer": {**asdict(largest), "declared": audit.mechanism.transfer_bound()} if largest else None,
        "participation": _participation(audit),
        "proved": audit.proved or None,
        "deposit": [_number(search.deposit) for search in audit.searches] if request.exit or request.terms else None,
        "promises": [verdict_data(verdict) for verdict in audit.verdicts],
        "assumptions": list(audit.mechanism.promises.assumptions),
        "violated_assumptions": audit.violated,
        "conditions": condition_data(audit.conditions),
        "verified": audit.verified,
        "ties": [{"states": search.ties[0], "of": search.ties[1]} for search in audit.searches],
        "policy": _policy(audit),
        "witness": audit.story,
        "sensitivity": None,
        **audit.details,
    }


def gain_rows(audit: Audit) -> list[dict[str, Any]]:
    """Return every gain as plain data."""
    return [
        {
            **asdict(gain),
            "gain": _number(gain.gain),
            "bound": _number(gain.bound),
            "lower": None if gain.kind == "refused" else _number(gain.lower),
            "upper": None if gain.kind == "refused" else _number(gain.upper),
        }
        for gain in audit.figures
    ]


def condition_data(conditions: Sequence[Condition]) -> dict[str, dict[str, Any]]:
    """Return conditions by name, as plain data."""
    return {
        condition.name: {
            "holds": condition.holds,
            "value": condition.value,
            "where": condition.where,
            "note": condition.note,
        }
        for condition in conditions
    }


def _budget(audit: Audit) -> dict[str, float | None]:
    """Return the least that the designer takes in, by kind."""
    kinds = ("ex_ante", "expected_period", "ex_post")
    return {kind: _number(audit.budget[kind].value) if kind in audit.budget else None for kind in kinds}


def _participation(audit: Audit) -> dict[str, list[float | None] | None]:
    """Return the worst continuation payoffs, by kind and agent."""
    kinds = dict.fromkeys(("ex_ante", "interim", "ex_post", *audit.participation))
    return {
        kind: [_number(least.value) for least in audit.participation[kind]] if kind in audit.participation else None
        for kind in kinds
    }


def _policy(audit: Audit) -> list[dict[str, Any]] | None:
    """Return the whole worst deviation where it is known, gains, and is not too long."""
    try:
        rows = deviation_rows(audit) if audit.searches else []
    except Refusal:
        return None
    return rows if 0 < len(rows) <= ROWS else None


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
