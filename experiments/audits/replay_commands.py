"""The lines that play what an audit found: the worst deviation, and prescribed play where it breaks a promise."""

import shlex
from collections.abc import Iterator
from os import PathLike

from dynmech.agents.oracle.best_response import joint_response
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.worst_deviation import largest_ex_ante
from dynmech.experiments.catalog.names import PROFILE
from dynmech.experiments.runs.rerun_command import payment_options
from dynmech.experiments.runs.verdicts import BREAKS, OUTSIDE_ASSUMPTIONS
from dynmech.sim.core.ties import first_of

PRESCRIBED = ("budget", "participation", "efficien")
"""How the promises about prescribed play begin."""


def lines_to_play(audit: Audit) -> Iterator[tuple[str, str]]:
    """Yield words and a command for whatever breaks; none where the command line does not know what was audited."""
    if audit.request.typed is None:
        return
    if strategies := _strategies(audit):
        options = tuple(word for strategy in strategies for word in ("--strategy", strategy))
        paying = [] if audit.request.terms is None else payment_options(audit.request.terms)
        disclosure = audit.request.disclosure
        shown = [] if disclosure == "everything" else ["--disclosure", disclosure]
        yield "To play the worst deviation", _line(audit, "run", *options, *shown, *paying)
    broken = [verdict.promise for verdict in audit.verdicts if verdict.status in (BREAKS, OUTSIDE_ASSUMPTIONS)]
    if any(promise.startswith(PRESCRIBED) for promise in broken):
        yield "To see what breaks in prescribed play", _line(audit, "run")


def _line(audit: Audit, command: str, *options: str) -> str:
    files = [word for plugin in audit.request.plugin_files for word in ("--plugin", str(plugin))]
    return shlex.join(["dynmech", command, *(audit.request.typed or ()), *options, *files])


def _strategies(audit: Audit) -> list[str]:
    """Return AGENT=STRATEGY for everybody who takes part in the deviation that gains most; nothing where none does."""
    if audit.backend == "beliefs":
        return _from_beliefs(audit)
    tried = [best for best in audit.details.get("tried", ()) if best["at_least"] > audit.tolerance]
    if tried:
        best = first_of(tried, lambda one: one["at_least"])
        return [f"{best['agent']}={best['strategy']}"]
    search = largest_ex_ante(audit)
    if search is None:
        return _ex_post(audit)
    return joint_response(audit.environment.agents, search.who, exit=audit.request.exit)


def _from_beliefs(audit: Audit) -> list[str]:
    """Return everybody's part of a profile that is given as a file, and the best deviation of who gains most from it.

    Without a profile the others do what they are asked.
    """
    agents, profile = audit.environment.agents, audit.request.profile
    gains = {
        gain.agent: gain.lower
        for gain in audit.figures
        if (gain.family, gain.information) == ("best_response", "ex_ante")
    }
    if not isinstance(profile, str | PathLike | None) or not gains or set(gains) - set(agents):
        return []  # an object has no file, and a coalition's plan is not played
    worst = first_of(gains.items(), lambda one: one[1])
    if not worst[1] > audit.tolerance:
        return []
    if profile is None:
        return [f"{worst[0]}={PROFILE}:deviate=true"]
    return [f"{name}={PROFILE}:file={profile}{',deviate=true' if name == worst[0] else ''}" for name in agents]


def _ex_post(audit: Audit) -> list[str]:
    """Return the deviation of whoever gains only because it sees the others' signals."""
    members = {audit.request.name(search.who): search.who for search in audit.searches}
    gaining = [
        gain
        for gain in audit.figures
        if (gain.family, gain.information, gain.kind) == ("best_response", "ex_post", "exact")
        and gain.gain - gain.bound > audit.tolerance
        and gain.agent in members
    ]
    if not gaining:
        return []
    worst = first_of(gaining, lambda gain: gain.gain)
    return joint_response(audit.environment.agents, members[worst.agent], "ex_post", exit=audit.request.exit)
