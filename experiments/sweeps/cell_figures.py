"""One mechanism on one economy: what an audit says of it, and by simulation what an audit does not say."""

from typing import Any

import numpy as np

from dynmech.agents.conformance.strategy_check import check_mechanism
from dynmech.experiments.audits.audit_json import gain_rows
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.auditing import fitting
from dynmech.experiments.catalog.accepted import as_environment
from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.runs.deposits import with_deposits
from dynmech.experiments.runs.simulation import blaming, silent
from dynmech.experiments.sweeps.simulated_play import (
    FIGURES,
    gains_verdict,
    simulated_figures,
    simulated_gains,
)
from dynmech.experiments.sweeps.sweep_plan import Cell
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import FalseDeclaration, InputError, Refusal
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.game import Game, ProtocolOptions, make_game

CONDITIONS = {"singular_value": "spanning", "hull_distance": "convex independence"}
"""Figures that are the value of a condition."""

EPSILON = ("epsilon", "epsilon_everywhere")
"""Figures of transfers that are right up to ε only."""

BUDGETS = ("budget_ex_ante", "budget_expected_period")

EXACTLY = (*FIGURES, "first_best", *BUDGETS, "transfer_bound", *CONDITIONS, *EPSILON)
"""Figures of a cell, in their order; those of `FIGURES` have half-widths where they are simulated."""


def measured_entry(work: tuple[Cell, tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return what is known of a cell, which comes with users' classes, as an entry of the journal."""
    cell, _ = work
    return [{"key": cell.key, "files": {}, "summary": measure_cell(cell)}]


def measure_cell(cell: Cell) -> dict[str, Any]:
    """Return what is known of one mechanism on one economy, as plain data; what is not known is None.

    Keys: `refused`, why it does not fit, or empty; `backend`; `reason`, why there is no exact search; `verdict`;
    `gains`, rows as of an audit, with `half_width`; `tolerance`, up to which a gain is none; `figures` and
    `half_widths` by name.
    """
    try:
        environment = as_environment(cell.environment)
        mechanism = cell.contender.build(environment)
        return {"refused": "", **_measured(cell, mechanism)}
    except (Refusal, InputError) as error:
        return {"refused": str(error)}


def _measured(cell: Cell, mechanism: Mechanism) -> dict[str, Any]:
    """Audit, and simulate what the audit does not say."""
    game = _game(mechanism.environment, mechanism, cell)
    audit, reason = _audit(cell, mechanism)
    figures = _exact_figures(audit) if audit is not None else dict.fromkeys(EXACTLY)
    missing = [name for name in FIGURES if figures[name] is None]
    simulated = simulated_figures(game, cell.sampling) if missing else {}
    figures |= {name: simulated[name][0] for name in missing}
    if audit is not None:
        gains, verdict, backend = (
            [{**row, "half_width": None} for row in gain_rows(audit)],
            audit.verdict,
            audit.backend,
        )
    else:
        gains, backend = simulated_gains(game, cell.sampling), "simulated"
        verdict = gains_verdict(mechanism, gains)
    return {
        "backend": backend,
        "reason": reason,
        "verdict": verdict,
        "gains": gains,
        "figures": figures,
        "tolerance": audit.tolerance if audit is not None else 0.0,
        "half_widths": {name: simulated[name][1] for name in missing},
    }


def _game(environment: Environment, mechanism: Mechanism, cell: Cell) -> Game:
    """Return the game; a user's mechanism is held to what it declares."""
    with blaming(f"mechanism {mechanism.name!r}"):
        game = make_game(environment, mechanism, ProtocolOptions(payments=cell.terms), tail=cell.tail)
        if not is_shipped(mechanism):
            check_mechanism(game)
    return with_deposits(game)


def _audit(cell: Cell, mechanism: Mechanism) -> tuple[Audit | None, str]:
    """Return the audit; or None, and why there is none."""
    typed = cell.environment if isinstance(cell.environment, str) else mechanism.environment.name
    request = AuditRequest(mechanism.environment, mechanism, (typed, cell.contender.text), cell.contender.options())
    request = request.with_options(terms=cell.terms)
    try:
        offer = fitting(request)
        request.require_only(offer.honours, offer.name)
        return offer.audit(request, silent), ""
    except FalseDeclaration:
        raise
    except Refusal as error:
        return None, str(error)


def _exact_figures(audit: Audit) -> dict[str, float | None]:
    """Return what an audit knows; None for the rest."""
    truth, values = audit.truth, {condition.name: condition.value for condition in audit.conditions}
    approximate = audit.details.get("approximate", {})
    largest = approximate.get("size") if audit.largest_transfer is None else abs(audit.largest_transfer.value)
    budget = {kind: least.value for kind, least in audit.budget.items()}
    known = {
        "welfare": truth.welfare,
        "revenue": truth.revenue,
        "net_revenue": truth.net_revenue,
        "budget": budget.get("ex_post"),
        "largest_transfer": largest,
        "first_best": truth.first_best,
        "budget_ex_ante": budget.get("ex_ante"),
        "budget_expected_period": budget.get("expected_period"),
        "transfer_bound": float(audit.mechanism.transfer_bound()),
        **{name: values.get(condition) for name, condition in CONDITIONS.items()},
        **{name: approximate.get(name) for name in EPSILON},
    }
    return {name: _number(known[name]) for name in EXACTLY}


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
