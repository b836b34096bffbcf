"""Each promise of a mechanism against the figure that decides it."""

from dataclasses import replace
from typing import Any

import numpy as np

from dynmech.agents.oracle.gains import InformationState
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_result import Audit, least_of
from dynmech.experiments.runs.verdicts import NOT_PROMISED, Verdict, excused, status, together, violated
from dynmech.mechanisms.rules.values_of_truth import Least
from dynmech.sim.core.ties import first_largest, largest_place, rounded_up
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.labels import own_text, profile_text, shown_period


def judge_promises(audit: Audit) -> list[Verdict]:
    """A verdict per promise; one on incentives also where truth is not promised to be best."""
    verdicts = [_incentive(audit), *judge_prescribed_play(audit)]
    return excused(verdicts, violated(audit.mechanism.promises.assumptions, audit.conditions))


def judge_prescribed_play(audit: Audit) -> list[Verdict]:
    """A verdict per promise that is about prescribed play alone, which is exact."""
    return [*_budget(audit), *_participation(audit), *_efficient(audit)]


def _economy(audit: Audit) -> TableEnvironment:
    """Return the economy, which is finite where there is an exact search."""
    assert isinstance(audit.environment, TableEnvironment)
    return audit.environment


def _judge(audit: Audit, promise: str, worst: float, bound: float, where: dict[str, Any]) -> Verdict:
    bound = rounded_up(bound, audit.request.scale)
    return Verdict(promise, status(worst, bound, audit.tolerance), worst, bound, where)


def _incentive(audit: Audit) -> Verdict:
    """The largest gain of any deviation, at the information of the promise; interim where there is none."""
    promised = audit.mechanism.promises.incentive
    kind = "ex_post" if promised == "periodic ex post" else "interim"
    search, worst = audit.worst(Family.BEST_RESPONSE, kind)
    place = state_text(_economy(audit), worst.state, search.who, ex_post=kind == "ex_post")
    name = "incentive" if promised == "none" else f"incentive: {promised}{_extended(audit)}"
    verdict = _judge(audit, name, worst.gain, worst.bound, {"agent": audit.name(search), **place})
    if promised == "none":
        return replace(verdict, status=NOT_PROMISED)
    gains = [search.figures[Family.BEST_RESPONSE][kind] for search in audit.searches]
    return replace(verdict, status=together(status(gain.gain, gain.bound, audit.tolerance) for gain in gains))


def _extended(audit: Audit) -> str:
    """What was tried beyond what the promise speaks of."""
    alone = all(len(search.who) == 1 for search in audit.searches)
    beyond = ", leaving included" if audit.request.exit else ", defaults included" if audit.request.terms else ""
    return ("" if alone else ", against coalitions") + beyond


def _budget(audit: Audit) -> list[Verdict]:
    promised = audit.mechanism.promises.budget
    if promised == "none":
        return []
    bound = len(audit.environment.agents) * audit.truthful.bound
    if promised == "ex post":
        imbalance = _imbalance(audit)
        return [_judge(audit, "budget: ex post", imbalance.value, bound, imbalance.where)]
    least = audit.budget["ex_post" if promised == "no deficit" else promised.replace(" ", "_")]
    return [_judge(audit, f"budget: {promised}", -least.value, bound, least.where)]


def _imbalance(audit: Audit) -> Least:
    """The largest |Σ_i p_t^i| under prescribed play, and where."""
    totals = [np.where(page.occurs[..., None], page.paid.sum(axis=0), 0.0) for page in audit.truthful.periods]
    t = first_largest([np.abs(total).max() for total in totals], audit.scale)
    _, profile, _ = largest_place(np.abs(totals[t]), audit.scale)
    where = {"period": t, "profile": profile_text(_economy(audit), t, profile)}
    return Least(max(float(np.abs(total).max()) for total in totals), where)


def _participation(audit: Audit) -> list[Verdict]:
    promised = audit.mechanism.promises.participation
    if promised == "none":
        return []
    least = least_of(audit.participation[promised.replace(" ", "_")], audit.scale)
    return [_judge(audit, f"participation: {promised}", -least.value, 2 * audit.truthful.bound, least.where)]


def _efficient(audit: Audit) -> list[Verdict]:
    if not audit.mechanism.promises.efficient:
        return []
    game = audit.game
    assert game is not None
    missing = game.first_best - game.truthful.welfare
    bound = (len(audit.environment.agents) + 1) * game.truthful.bound + game.plan.bound
    return [_judge(audit, "efficient", missing, bound, {})]


def state_text(
    environment: TableEnvironment, state: InformationState | None, deviator: tuple[int, ...], *, ex_post: bool
) -> dict[str, Any]:
    """Return a state as labels by name: period, signals, last decision and last signals; empty for None."""
    if state is None:
        return {}
    t = state.period
    if ex_post:
        return {"period": shown_period(environment, t), "profile": profile_text(environment, t, state.profile)}
    where: dict[str, Any] = {
        "period": shown_period(environment, t),
        "signal": own_text(environment, t, deviator, state.profile),
    }
    if state.before is not None and state.decision is not None:
        before = max(t - 1, 0)
        where["last decision"] = environment.stage(before).decisions[state.decision]
        where["last signals"] = profile_text(environment, before, state.before)
    return where
