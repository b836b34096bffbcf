"""The audit where less is disclosed, or the others play another profile than the truth: a search over beliefs."""

from dataclasses import asdict

import numpy as np

from dynmech.agents.beliefs.belief_gains import BeliefSearch, BoundedGain, search_beliefs
from dynmech.agents.beliefs.belief_story import first_difference
from dynmech.agents.beliefs.period_outcomes import Shown
from dynmech.agents.beliefs.played_profile import PlayedProfile
from dynmech.agents.beliefs.profiles import Profile, prescribed_profile
from dynmech.agents.oracle.gains import FAMILIES, KINDS
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import UNKNOWN, Audit, AuditedGain, Truth, least_of
from dynmech.experiments.audits.exact_search import prescribed_play
from dynmech.experiments.audits.opened_profile import opened_profile
from dynmech.experiments.runs.simulation import Progress
from dynmech.experiments.runs.verdicts import (
    BREAKS,
    HOLDS,
    NOT_PROMISED,
    UNDECIDED,
    Verdict,
    excused,
    status,
    together,
    violated,
)
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import Least, budget, largest_transfer
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import figure, first_largest, rounded_up
from dynmech.sim.economy.environment import TableEnvironment

EQUILIBRIUM = "equilibrium"
"""What the verdict on a profile is about: no agent gains anything ex ante."""

LOOSER = (
    "the lower one of a search that goes on as the profile from some beliefs on, the upper one of a deviator to whom "
    "everything is shown from there on"
)
"""What the two bounds are, where not every belief is followed."""


def audit_beliefs(request: AuditRequest, progress: Progress) -> Audit:
    """Search every deviator's deviations over what it can come to believe.

    Raises:
        Refusal: the environment or the mechanism is not finite or too large; the size is given.
        InputError: the profile does not fit.
    """
    environment, mechanism = request.environment, request.mechanism
    if not isinstance(environment, TableEnvironment):
        raise Refusal(f"audit: environment {environment.name!r} is not finite; it can be simulated only")
    game = FiniteGame(environment, mechanism)
    profile = prescribed_profile(game) if request.profile is None else opened_profile(request.profile, game)
    advance = progress("searching", 2 * len(request.deviators))
    searches = [search_beliefs(Shown(profile, who, request.disclosure), advance=advance) for who in request.deviators]
    conditions = all_conditions(environment, mechanism.sees)
    own: list[Condition] = list(mechanism.conditions())
    played = None if request.profile is None else PlayedProfile.of(profile)
    result = Audit(
        request=request,
        backend="beliefs",
        method=_method(request, searches),
        reason="",
        figures=[_gain(request, search, family, kind) for family in FAMILIES for search in searches for kind in KINDS],
        truth=prescribed_play(game, lambda _: None),
        verdicts=[],
        conditions=[*conditions, *own],
        own=[condition.name for condition in own],
        said=_sentence(request, searches),
        budget=_budget(game),
        participation=_participation(game, searches) if played is None and not request.coalitions else {},
        largest_transfer=largest_transfer(environment, game.truthful),
        verified=game.tables[0 if environment.horizon == 1 else 1].verified,
        game=game,
        details={"profile": None if played is None else profile_data(profile, played)},
    )
    result.verdicts.extend(_verdicts(result, searches))
    return result


def _method(request: AuditRequest, searches: list[BeliefSearch]) -> str:
    """Return what the figures are."""
    others = "the profile" if request.profile is not None else "prescribed play"
    shown = {
        "everything": "everything public once a period is over",
        "announced": "the decisions public, and what the mechanism announces of the reports (unless it says otherwise, "
        "the winning bid); other reports, memory and others' payments not",
        "decisions": "the decisions public, reports, memory and others' payments not",
        "own": "nothing public; who deviates sees what concerns it of the decision, its own payments and utilities",
    }[request.disclosure]
    text = f"Largest gains against {others} at the same beliefs; {shown}. Best response: any deviation at all."
    if any(search.graph.leaves.any() for search in searches):
        text += f" Beliefs are endless here; where two bounds stand, {LOOSER}."
    return text


def _gain(request: AuditRequest, search: BeliefSearch, family: Family, kind: str) -> AuditedGain:
    """Return one figure, exact or between its bounds."""
    name, gain = request.name(search.who), search.figures[family][kind]
    if gain.exact:
        return AuditedGain.exact(name, family, kind, gain.lower, gain.error, "reachable")
    lower, upper = max(0.0, gain.lower - gain.error), gain.upper + gain.error
    return AuditedGain.between(name, family, kind, lower, upper, "reachable")


def _budget(game: FiniteGame) -> dict[str, Least]:
    """Return what the designer takes in under prescribed play; what is expected depends on what is public."""
    least = budget(game.environment, game.truthful, silent=game.silence)
    unknown = {"refused": "what was public before a period depends on what is disclosed"}
    return {**least, "expected_period": Least(UNKNOWN, unknown)}


def _participation(game: FiniteGame, searches: list[BeliefSearch]) -> dict[str, list[Least]]:
    """Return the least that prescribed play is worth to every agent, at what it is shown."""
    values = game.truthful
    out = {"ex_ante": [Least(float(payoff), {}) for payoff in values.utility - values.transfer]}
    agents = game.environment.agents
    for kind in ("at_the_start", "interim", "ex_post"):
        out[kind] = [Least(search.least[kind], {"agent": agents[search.who[0]]}) for search in searches]
    return out


def profile_data(profile: Profile, played: PlayedProfile) -> dict[str, object]:
    """Return a profile and what it is worth, as plain data."""
    return {
        "strategies": dict(zip(profile.game.environment.agents, profile.names, strict=True)),
        "recall": profile.recall,
        **asdict(worth_of(played)),
    }


def worth_of(played: PlayedProfile) -> Truth:
    """Return what a profile is worth."""
    return Truth(
        payoff=played.payoff.tolist(),
        utility=played.utility.tolist(),
        transfer=played.transfer.tolist(),
        welfare=played.welfare,
        first_best=played.profile.game.first_best,
        revenue=played.revenue,
        net_revenue=played.net_revenue,
    )


def judged(gain: BoundedGain, tolerance: float) -> str:
    """Return whether a gain is below the tolerance, above it, or neither for sure."""
    if gain.exact:
        return status(gain.lower, gain.error, tolerance)
    low, high = gain.lower - gain.error, gain.upper + gain.error
    return BREAKS if low > tolerance else HOLDS if high <= tolerance else UNDECIDED


def _verdicts(audit: Audit, searches: list[BeliefSearch]) -> list[Verdict]:
    """A verdict on the profile, where there is one; else one per promise."""
    promises = audit.mechanism.promises
    if audit.request.profile is not None:
        return [_incentive(audit, searches, EQUILIBRIUM, "ex_ante")]
    kind = "ex_post" if promises.incentive == "periodic ex post" else "interim"
    name = "incentive" if promises.incentive == "none" else f"incentive: {promises.incentive}"
    verdicts = [_incentive(audit, searches, name, kind)]
    bound = (len(audit.environment.agents) + 1) * audit.truthful.bound
    if promises.budget != "none":
        verdicts.append(_budget_verdict(audit, promises.budget, bound))
    if promises.participation != "none" and audit.participation:
        least = least_of(audit.participation[promises.participation.replace(" ", "_")], audit.scale)
        verdicts.append(_judged(audit, f"participation: {promises.participation}", -least.value, bound, least))
    if promises.efficient:
        assert audit.truth.first_best is not None
        assert audit.truth.welfare is not None
        missing = audit.truth.first_best - audit.truth.welfare
        verdicts.append(_judged(audit, "efficient", missing, bound, Least(missing, {})))
    return excused(verdicts, violated(promises.assumptions, audit.conditions))


def _incentive(audit: Audit, searches: list[BeliefSearch], name: str, kind: str) -> Verdict:
    gains = [search.figures[Family.BEST_RESPONSE][kind] for search in searches]
    k = first_largest([gain.upper for gain in gains], audit.scale)
    word = together(judged(gain, audit.tolerance) for gain in gains)
    if name == "incentive":
        word = NOT_PROMISED
    where = {"agent": audit.request.name(searches[k].who)}
    return Verdict(name, word, gains[k].upper, rounded_up(gains[k].error, audit.request.scale), where)


def _budget_verdict(audit: Audit, promised: str, bound: float) -> Verdict:
    if promised == "ex post":
        totals = [np.where(p.occurs[..., None], p.paid.sum(axis=0), 0.0) for p in audit.truthful.periods]
        worst = max(float(np.abs(total).max()) for total in totals)
        return _judged(audit, "budget: ex post", worst, bound, Least(worst, {}))
    least = audit.budget["ex_post" if promised == "no deficit" else promised.replace(" ", "_")]
    return _judged(audit, f"budget: {promised}", -least.value, bound, least)


def _judged(audit: Audit, promise: str, worst: float, bound: float, least: Least) -> Verdict:
    bound = rounded_up(bound, audit.request.scale)
    return Verdict(promise, status(worst, bound, audit.tolerance), worst, bound, least.where)


def _sentence(request: AuditRequest, searches: list[BeliefSearch]) -> str:
    """Return who gains most, by the figure that decides, and where it departs from what it is asked."""
    alone = request.profile is not None
    ex_post = request.mechanism.promises.incentive == "periodic ex post"
    kind = "ex_ante" if alone else "ex_post" if ex_post else "interim"
    gains = [search.figures[Family.BEST_RESPONSE][kind] for search in searches]
    tolerance = request.relative_tolerance * request.scale
    search = searches[first_largest([gain.lower for gain in gains])]
    gain = search.figures[Family.BEST_RESPONSE][kind]
    name = request.name(search.who)
    words = {"ex_ante": "ex ante", "interim": "at some belief", "ex_post": "seeing the others' signals"}[kind]
    if gain.lower - gain.error > tolerance:
        most = "" if gain.exact else "at least "
        where = first_difference(search.values) if kind != "ex_post" else ""
        return f"{name} gains {most}{figure(gain.lower, scale=request.scale)} {words}{where and ': ' + where}."
    most_of_all = max(one.upper + one.error for one in gains)
    if most_of_all > tolerance:
        return f"no deviation is sure to gain anything {words}; none gains more than {figure(most_of_all, 4)}."
    return f"No deviation from {'the profile' if alone else 'what is asked'} gains anything {words}."
