"""Certify what an audit found: write the proof, have it checked, and mark the figures that it proves."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, AuditedGain
from dynmech.experiments.certificates import verify_promises
from dynmech.experiments.certificates.certifying import certificate, save_certificate
from dynmech.experiments.certificates.sharp_claims import sharpened
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, Refusal


@checked_arguments
def certify(result: Audit, path: str | Path) -> Audit:
    """Write a certificate of what an audit found; the separate checker has agreed before it is written.

    What the best response and single lies gain is proved, the budget, and what taking part is worth to every agent.

    Parameters
    ----------
    result : Audit
        An exact audit, over reachable states.
    path : str or Path
        The file: JSON, packed where its name ends in `.gz`; if it exists, it is replaced.

    Returns
    -------
    Audit
        The same audit; figures that are proved are marked as certified, with the bounds that are; those of budget and
        participation are in `proved`.

    Raises
    ------
    Refusal
        The audit is not exact, or the mechanism is too large.
    InputError
        The file cannot be written, or the audit is of what a certificate does not speak of: all states, payments that
        are not enforced, less disclosure, another profile than the truth.

    Examples
    --------
    >>> import dynmech as dm
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     result = certify(dm.audit("oil-leases-prior", "cremer-mclean"), f"{folder}/proof.json")
    ...     said = dm.verify(f"{folder}/proof.json").said
    >>> said[0].partition(" gains ")[0]
    'proved: claims[0], firm 1, ex_ante: the best response'
    >>> int(result.gains["certified"].sum())
    24
    >>> round(result.proved["budget"]["ex_ante"]["lower"], 9)
    9.0
    """
    if not isinstance(result, Audit):
        raise InputError(f"certify: an object of type {type(result).__name__} is no audit; give what `audit` returned")
    request = result.request
    require_certifiable(request)
    if not any(gain.kind == "exact" for gain in result.figures):
        raise Refusal(
            f"certificate: only of an exact audit; this one is not{f': {result.reason}' if result.reason else ''}"
        )
    data = certificate(request.mechanism, request.deviators, exit=request.exit, searches=result.searches)
    data = sharpened(json.loads(json.dumps(data)))
    verify_promises.check(data)
    save_certificate(data, Path(path))
    claimed = {
        (" + ".join(claim["agents"]), claim.get("family") or claim["what"], claim["information"]): claim
        for claim in (*data["claims"], *data["promises"])
        if "agents" in claim
    }
    figures = [_marked(gain, claimed) for gain in result.figures]
    return replace(result, figures=figures, proved=_proved(result, data["promises"]))


def require_certifiable(request: AuditRequest) -> None:
    """Raise `InputError`, with the option and why, where an audit is of what a certificate does not speak of."""
    if request.all_states:
        raise InputError("certificate: it speaks of reachable states; leave --all-states out")
    if request.terms:
        raise InputError("certificate: it speaks of payments that are enforced; leave --payments out")
    if request.profile is not None:
        raise InputError("certificate: it speaks of gains while the others tell the truth; leave --profile out")
    if request.disclosure != "everything":
        raise InputError("certificate: it speaks of gains where everything is disclosed; leave --disclosure out")


def _marked(gain: AuditedGain, claimed: dict[tuple[str, str, str], dict[str, Any]]) -> AuditedGain:
    """Return a figure as it is proved; as it was where no claim is about it."""
    claim = claimed.get((gain.agent, gain.family, gain.information))
    if claim is None or gain.kind != "exact":
        return gain
    return replace(gain, lower=claim["lower"], upper=claim["upper"], certified=True)


def _proved(result: Audit, promises: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the bounds that are proved of the budget, by kind, and of participation, by kind and agent."""
    budget: dict[str, Any] = {}
    participation: dict[str, Any] = {}
    for claim in promises:
        ends = {"lower": claim["lower"], "upper": claim["upper"]}
        if claim["what"] == "budget":
            budget[claim["information"]] = ends
        elif claim["what"] == "participation":
            by_agent = participation.setdefault(claim["information"], dict.fromkeys(result.environment.agents))
            by_agent[claim["agents"][0]] = ends
    return {"budget": budget, "participation": {kind: list(known.values()) for kind, known in participation.items()}}
