"""The lines that play what an audit found: the worst deviation, and prescribed play where it breaks a promise."""

import shlex
from collections.abc import Iterator, Sequence

from dynmech.agents.oracle.best_response import called, joint_response
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.worst_deviation import largest_ex_ante
from dynmech.experiments.runs.rerun_command import payment_options
from dynmech.experiments.runs.verdicts import BREAKS, OUTSIDE_ASSUMPTIONS
from dynmech.sim.core.ties import first_of

PRESCRIBED = ("budget", "participation", "efficien")
"""How the promises about prescribed play begin."""


def lines_to_play(audit: Audit) -> Iterator[tuple[str, str]]:
    """Yield words and a command for whatever breaks; none where the command line does not know what was audited.

    Leaving is no act of the protocol, so that `run` cannot play it: the line writes that deviation out instead.
    """
    if audit.request.typed is None:
        return
    if audit.request.exit:
        if largest_ex_ante(audit) is not None:
            coalitions = [word for who in audit.request.coalitions for word in ("--coalition", _members(audit, who))]
            options = (*coalitions, "--exit", "--policy", "worst.csv")
            yield "To write out the worst deviation (leaving cannot be played)", _line(audit, "audit", *options)
    elif strategies := _strategies(audit):
        options = tuple(word for strategy in strategies for word in ("--strategy", strategy))
        paying = [] if audit.request.terms is None else payment_options(audit.request.terms)
        yield "To play the worst deviation", _line(audit, "run", *options, *paying)
    broken = [verdict.promise for verdict in audit.verdicts if verdict.status in (BREAKS, OUTSIDE_ASSUMPTIONS)]
    if any(promise.startswith(PRESCRIBED) for promise in broken):
        yield "To see what breaks in prescribed play", _line(audit, "run")


def _line(audit: Audit, command: str, *options: str) -> str:
    files = [word for plugin in audit.request.plugin_files for word in ("--plugin", str(plugin))]
    return shlex.join(["dynmech", command, *(audit.request.typed or ()), *options, *files])


def _strategies(audit: Audit) -> list[str]:
    """Return AGENT=STRATEGY for everybody who takes part in the deviation that gains most; nothing where none does."""
    tried = [best for best in audit.details.get("tried", ()) if best["at_least"] > audit.tolerance]
    if tried:
        best = first_of(tried, lambda one: one["at_least"])
        return [f"{best['agent']}={best['strategy']}"]
    search = largest_ex_ante(audit)
    return joint_response(audit.environment.agents, search.who) if search is not None else _ex_post(audit)


def _members(audit: Audit, who: Sequence[int]) -> str:
    return "+".join(called(audit.environment.agents, i) for i in who)


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
    return joint_response(audit.environment.agents, members[worst.agent], "ex_post")
