"""The lines that play what an audit found: the worst deviation, and prescribed play where it breaks a promise."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.worst_deviation import largest_ex_ante
from dynmech.experiments.runs.verdicts import BREAKS, OUTSIDE_ASSUMPTIONS
from dynmech.sim.core.ties import first_of

PRESCRIBED = ("budget", "participation", "efficien")
"""How the promises about prescribed play begin."""


def lines_to_play(audit: Audit, plugins: Sequence[Path] = ()) -> Iterator[tuple[str, str]]:
    """Yield words and a command for whatever breaks; nothing of coalitions and of leaving, which `run` cannot play."""
    strategy = _strategy(audit)
    if strategy is not None:
        yield "To play the worst deviation", _run(audit, plugins, "--strategy", strategy)
    broken = [verdict.promise for verdict in audit.verdicts if verdict.status in (BREAKS, OUTSIDE_ASSUMPTIONS)]
    if any(promise.startswith(PRESCRIBED) for promise in broken):
        yield "To see what breaks in prescribed play", _run(audit, plugins)


def _run(audit: Audit, plugins: Sequence[Path], *options: str) -> str:
    files = [word for plugin in plugins for word in ("--plugin", str(plugin))]
    return shlex.join(["dynmech", "run", *audit.request.names, *options, *files])


def _strategy(audit: Audit) -> str | None:
    """Return AGENT=STRATEGY for the deviation that gains most; None where none does, or `run` cannot play it."""
    if audit.request.exit or audit.request.terms:
        return None
    tried = [best for best in audit.details.get("tried", ()) if best["at_least"] > audit.tolerance]
    if tried:
        best = first_of(tried, lambda one: one["at_least"])
        return f"{best['agent']}={best['strategy']}"
    search = largest_ex_ante(audit)
    if search is not None:
        return f"{audit.name(search)}=best-response" if len(search.who) == 1 else None
    return _ex_post(audit)


def _ex_post(audit: Audit) -> str | None:
    """Return the deviation of whoever gains only because it sees the others' signals."""
    gaining = [
        gain
        for gain in audit.figures
        if (gain.family, gain.information, gain.kind) == ("best_response", "ex_post", "exact")
        and gain.gain - gain.bound > audit.tolerance
        and gain.agent in audit.environment.agents
    ]
    if not audit.searches or not gaining:
        return None
    return f"{first_of(gaining, lambda gain: gain.gain).agent}=best-response:information=ex_post"
