"""An audit's figures, promises and worst deviation as DataFrames, and its deviations as strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynmech.agents.oracle.gains import FAMILIES, Search
from dynmech.agents.oracle.paying_witness import PayingWitness
from dynmech.agents.oracle.payment_search import PaymentSearch
from dynmech.agents.oracle.payments import PaymentProblem
from dynmech.agents.oracle.search import Family, Information
from dynmech.agents.oracle.witness import Witness
from dynmech.experiments.audits.audit_json import gain_rows
from dynmech.experiments.audits.audit_result import Audit, no_search
from dynmech.experiments.audits.worst_deviation import POLICY, deviation_rows, largest_ex_ante
from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.experiments.runs.verdicts import verdict_data
from dynmech.sim.core.errors import InputError, Refusal

if TYPE_CHECKING:
    import pandas as pd

PROMISES = ["promise", "status", "worst", "bound", "where"]


def gains_frame(audit: Audit) -> pd.DataFrame:
    """Return a row per gain; what is not known is NaN."""
    import pandas as pd  # here, as the screen wants none

    return pd.DataFrame(gain_rows(audit)).astype(dict.fromkeys(("gain", "bound", "lower", "upper"), float))


def promises_frame(audit: Audit) -> pd.DataFrame:
    """Return a row per promise."""
    import pandas as pd

    rows = [verdict_data(verdict) for verdict in audit.verdicts]
    return pd.DataFrame(rows, columns=PROMISES).astype({"worst": float, "bound": float})


def policy_frame(audit: Audit) -> pd.DataFrame:
    """Return the whole worst deviation ex ante; empty where nobody gains.

    Raises:
        Refusal: as `deviation_rows`.
    """
    import pandas as pd

    return pd.DataFrame(deviation_rows(audit), columns=POLICY)


def sensitivity_frame(audit: Audit) -> pd.DataFrame:
    """Return a row per input on which the largest gain hangs.

    Raises:
        InputError, Refusal: as `sensitivity_rows`.
    """
    import pandas as pd

    from dynmech.experiments.audits.sensitivity import COLUMNS, sensitivity_rows

    return pd.DataFrame(sensitivity_rows(audit), columns=pd.Index(COLUMNS))


def best_deviation(audit: Audit) -> Witness:
    """Return the worst deviation ex ante as a strategy; a best response that tells the truth where nobody gains."""
    if not audit.searches:
        raise no_search(audit)
    return _strategy(largest_ex_ante(audit) or audit.searches[0], Family.BEST_RESPONSE, Information.INTERIM)


def deviation_of(audit: Audit, agent: int | str, information: str, family: str) -> Witness:
    """Return one agent's best deviation at an information as a strategy."""
    families = {known.value: known for known in (*FAMILIES, *([Family.LIES] if audit.request.terms else []))}
    kinds = {"interim": Information.INTERIM, "ex_post": Information.EX_POST}
    for what, said, known in (("family", family, families), ("information", information, kinds)):
        if said not in known:
            raise InputError(f"{what} {said!r}: one of {', '.join(known)}")
    if not audit.searches:
        raise no_search(audit)
    index = agent_index(audit.environment.agents, str(agent))
    search = next((search for search in audit.searches if search.who[0] == index), None)
    if search is None:
        raise InputError(f"agent {agent!r}: it was not searched; deviators are {', '.join(audit.deviators)}")
    return _strategy(search, families[family], kinds[information])


def _strategy(search: Search, family: Family, information: Information) -> Witness:
    """Return a deviation as a strategy."""
    problem, value = search.problem, search.values.get((family, information))
    if isinstance(search, PaymentSearch) and family is Family.LIES:
        return Witness(search.lies, Family.BEST_RESPONSE, information=information, value=value)
    if isinstance(problem, PaymentProblem):
        if family is not Family.BEST_RESPONSE:
            raise Refusal(
                "deviation: where payments are voluntary, only the best response and the best lies are played"
            )
        return PayingWitness(problem, information=information, value=value)
    return Witness(problem, family, information=information, value=value)
