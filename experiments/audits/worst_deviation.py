"""Whose deviation an audit calls the worst, and all of it, situation by situation."""

from typing import Any

import numpy as np

from dynmech.agents.oracle.gains import Search
from dynmech.agents.oracle.policy import policy_rows
from dynmech.agents.oracle.search import Family, Information, Value
from dynmech.experiments.audits.audit_result import Audit, no_search
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import first_largest

POLICY = ["period", "agent", "signal", "last_signal", "reported", "public", "message", "prescribed", "act"]


def largest_ex_ante(audit: Audit) -> Search | None:
    """Return the search of the deviator that gains most ex ante; None where nobody gains, or that is not known."""
    gains = [search.figures[Family.BEST_RESPONSE]["ex_ante"] for search in audit.searches]
    known = [-np.inf if np.isnan(gain.gain) else gain.gain - gain.bound for gain in gains]
    if not known or max(known) <= audit.tolerance:
        return None
    return audit.searches[first_largest(known, audit.scale)]


def deviation_rows(audit: Audit) -> list[dict[str, Any]]:
    """Return a row per situation of the worst deviation ex ante; none where nobody gains.

    Raises:
        Refusal: there is no exact search, it does not cover what a deviator knows ex ante, or the deviation has too
            many situations.
    """
    if not audit.searches:
        raise no_search(audit)
    search = largest_ex_ante(audit)
    unknown = next((one.refused for one in audit.searches if one.refused), "")
    if search is None and unknown:
        raise Refusal(f"policy: {unknown}")
    rows = policy_rows(search.problem, _value(search)) if search else []
    return [{column: row[column] for column in POLICY} for row in rows]


def _value(search: Search) -> Value:
    """Return the values of the interim best response."""
    return search.values[Family.BEST_RESPONSE, Information.INTERIM]
