"""What an audit says of voluntary payments: the deposits as data and in words, and what becomes of a bill."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dynmech.agents.oracle.deposits import PaymentState
from dynmech.agents.oracle.gains import Search
from dynmech.agents.oracle.payment_search import PaymentSearch
from dynmech.agents.oracle.payments import PaymentPeriod, payment_text
from dynmech.agents.oracle.search import Family, Information, best_actions
from dynmech.agents.oracle.story import Story
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit
from dynmech.sim.core.ties import figure
from dynmech.sim.economy.labels import profile_text, shown_period

CONSEQUENCES = {
    "exclude": "who is in default is out, and worth its outside option (0 unless the economy names one) from the next "
    "period on",
    "ignore": "nothing else follows a default, and who is in default pays nothing more",
}


def payment_method(request: AuditRequest) -> str:
    """Return what voluntary payments are, as sentences; empty where payments are enforced."""
    terms = request.terms
    if terms is None:
        return ""
    periods = f"{terms.grace} period{'s' if terms.grace > 1 else ''}"
    grace = f"within {periods} (with interest) " if terms.grace else ""
    return (
        f" Bills are paid voluntarily: who does not pay {grace}is in default and loses its deposit; "
        f"{CONSEQUENCES[terms.default]}. Lies: the same search with every bill paid."
    )


def payment_details(request: AuditRequest, searches: Sequence[Search]) -> dict[str, Any]:
    """Return the terms, and the deposits by agent, as plain data; nothing where payments are enforced."""
    terms, paying = request.terms, [search for search in searches if isinstance(search, PaymentSearch)]
    if terms is None:
        return {}
    needed = [search.needed for search in paying]
    return {
        "payments": {
            **terms.data(),
            "held": [search.held for search in paying],
            "needed_ex_ante": [None if one is None else one.ex_ante for one in needed],
            "states": [
                None if one is None or one.state is None else _state(search, one.state)
                for search, one in zip(paying, needed, strict=True)
            ],
        }
    }


def _state(search: PaymentSearch, state: PaymentState) -> dict[str, Any]:
    """Return a payment stage in labels."""
    problem, t = search.problem, state.period
    environment = problem.environment
    return asdict(state) | {
        "period": shown_period(environment, t),
        "profile": profile_text(environment, t, state.profile),
        "message": problem.message_text(t, state.message),
        "decision": environment.stage(t).decisions[state.decision],
    }


def deposit_lines(audit: Audit) -> list[tuple[str, str]]:
    """Return a line per agent: the deposit that it needs, and where."""
    scale, details = audit.request.scale, audit.details["payments"]
    put_down = ", ".join(
        f"{name} {figure(held, scale=scale)}" for name, held in zip(audit.deviators, details["held"], strict=True)
    )
    lines = [("put down", put_down)] if any(details["held"]) else []
    for search, ante, state in zip(audit.searches, details["needed_ex_ante"], details["states"], strict=True):
        name, amount = audit.name(search), search.deposit
        if amount is None:
            lines.append(("deposit", f"{name}: not known"))
        elif state is None:
            lines.append(("deposit", f"{name}: none is needed, as no default gains"))
        else:
            owes = figure(state["bill"] + state["arrears"], scale=scale)
            stay, gone = (figure(state[key], scale=scale) for key in ("staying", "after"))
            lines.append(
                (
                    "deposit",
                    f"{name}: with {figure(amount, scale=scale)} no default gains, ex ante with "
                    f"{figure(ante, scale=scale)}; the most in period {state['period']}, signals ({state['profile']}), "
                    f"having reported {state['message']}, decision {state['decision']}: it owes {owes}, and what "
                    f"follows is worth {stay} if it pays, else {gone}",
                )
            )
    return lines


def payment_there(search: Search, information: Information, story: Story) -> str:
    """Return what the deviator does with its bill after the message of a story; empty where it just pays."""
    problem, t = search.problem, story.state.period
    period, value = problem.periods[t], search.values[Family.BEST_RESPONSE, information]
    if not isinstance(period, PaymentPeriod) or story.message >= period.flow.shape[2]:
        return ""
    state = story.state
    if information is Information.EX_POST:
        possible = np.array([state.profile])
    else:
        law = problem.prior if state.before is None else problem.law_into(t).row(int(state.decision or 0), state.before)
        possible = np.flatnonzero((period.own == state.profile) & (law > 0))
    acts = best_actions(problem, value)[t][state.memory, possible, story.message]
    text = payment_text({period.way(int(act)) for act in acts.flat})
    return "" if text == "pays" else text
