"""A tournament in words: whether truth by all is best under each mechanism, exactly where that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.verdicts import BREAKS, HOLDS, NOT_PROMISED, NOT_REFUTED, OUTSIDE_ASSUMPTIONS, UNDECIDED
from dynmech.sim.core.ties import first_of

if TYPE_CHECKING:
    from dynmech.experiments.tournament.empirical import Regret
    from dynmech.experiments.tournament.found import Part, Tournament
    from dynmech.experiments.tournament.truth import TruthSearch

PREDICATES = {
    BREAKS: "breaks",
    UNDECIDED: "is undecided",
    NOT_REFUTED: "is not refuted",
    OUTSIDE_ASSUMPTIONS: "is outside its assumptions",
    NOT_PROMISED: "is not promised",
    HOLDS: "holds",
}
"""What is said of truth by all, the most serious first."""

NAMED = 3
"""Games of one verdict that are named in the first sentence; more are counted."""


def headline(found: Tournament) -> str:
    """Return in words the number of profiles, and what truth by all is under each mechanism."""
    size = (
        f"{found.profiles} profiles"
        if not found.sampled
        else f"a sample of {found.profiles} of {found.possible} profiles"
    )
    under: dict[str, list[str]] = {status: [] for status in PREDICATES}
    for part in found.parts:
        if part.verdict:
            under[part.verdict].append(f"{_where(part, found)} ({reason(part.search, part.regret, part.game.scale)})")
    told = [f"{PREDICATES[status]} under {_listed(games)}" for status, games in under.items() if games]
    said = f"truth by all {'; it '.join(told)}" if told else "truth by all was not among the profiles"
    return f"{size[0].upper()}{size[1:]}: {said}.{_colluding(found)}"


def _listed(games: Sequence[str]) -> str:
    more = f" and {len(games) - NAMED} more" if len(games) > NAMED else ""
    return f"{', '.join(games[:NAMED])}{more}"


def reason(search: TruthSearch, regret: Regret | None, scale: float) -> str:
    """Return in a few words what a verdict on truth by all rests on."""
    missing = f"; not so here: {', '.join(search.violated)}" if search.violated else ""
    if search.found == BREAKS:
        return f"{search.agent} gains {amount(search.most)}, exact{missing}"
    if search.found == HOLDS:
        return "exact: no deviation gains"
    if search.found == UNDECIDED:
        return f"exact: {amount(search.most)} ± {search.bound:.1g}"
    if regret is None:
        return "not played"
    low, high = (amount(end, 3) for end in regret.interval)
    match regret.verdict(scale):
        case "breaks":
            return f"{amount(regret.value, 3)} is gained, 95 % [{low}, {high}]{missing}"
        case "not_refuted":
            return f"within ±{high} at 95 %, of what was tried"
        case _ if not regret.known:
            return "not every deviation was played"
        case _:
            return f"up to {high} may be gained, 95 %"


def truth_text(part: Part) -> str:
    """Return two sentences on one game: what truth by all is, exactly where that is known; and the regret in play."""
    search, regret = part.search, part.regret
    said = f"Truth by all {PREDICATES[part.verdict]}" if part.verdict else "Truth by all was not played"
    if search.found == BREAKS:
        exactly = f": {search.agent} gains {amount(search.most)} ex ante by a best response (exact); it {search.words}"
    elif search.found == HOLDS:
        exactly = ": no deviation of anybody gains anything (exact)"
    elif search.known:
        exactly = f": the most that is gained is {amount(search.most)} ± {search.bound:.1g} (exact)"
    else:
        exactly = "" if regret is None else f": {reason(search, regret, part.game.scale)}"
    missing = f" Not so here: {', '.join(search.violated)}." if search.violated and search.known else ""
    return f"{said}{exactly}.{missing}"


def _colluding(found: Tournament) -> str:
    """Return in words the coalition that gains most; empty if none gains."""
    gains = [(one.exact, one, part) for part in found.parts for one in part.coalitions if one.exact is not None]
    exact, one, part = first_of(gains, lambda entry: entry[0]) if gains else (0.0, None, None)
    if one is None or part is None or not one.gains:
        return ""
    return f" Together {' and '.join(one.members)} gain {amount(exact)} under {_where(part, found)} (exact)."


def _where(part: Part, found: Tournament) -> str:
    several = len({one.environment for one in found.parts}) > 1
    return f"{part.mechanism} on {part.environment}" if several else part.mechanism
