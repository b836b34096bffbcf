"""The worst deviation that an audit found, as data and as one sentence."""

from typing import Any

import numpy as np

from dynmech.agents.oracle.gains import Gain, Search
from dynmech.agents.oracle.search import Family, Information
from dynmech.agents.oracle.story import Story, past_lies, story_of
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.payment_details import payment_there
from dynmech.experiments.audits.promise_verdicts import state_text
from dynmech.experiments.runs.verdicts import HOLDS
from dynmech.sim.core.ties import figure as figure_text, first_of
from dynmech.sim.economy.labels import own_text, profile_text

WorstCase = tuple[Search, Information, Gain, Story]


def worst_case(audit: Audit) -> WorstCase | None:
    """The smallest case of the gain that matters: of the failing incentive promise, else the worst interim gain."""
    ex_post = audit.mechanism.promises.incentive == "periodic ex post"
    order = [Information.EX_POST] if ex_post else [Information.INTERIM, Information.EX_POST]
    for information in order:
        search, figure = audit.worst(
            Family.BEST_RESPONSE, "ex_post" if information is Information.EX_POST else "interim"
        )
        if figure.gain > audit.tolerance + figure.bound and (story := story_of(search, information)):
            return search, information, figure, story
    return None


def witness_data(audit: Audit) -> dict[str, Any] | None:
    """The witness as data; None where nothing gains."""
    witness = audit.worst_case
    if witness is None:
        return None
    search, information, figure, story = witness
    problem = search.problem
    environment = problem.environment
    ex_post = information is Information.EX_POST
    return {
        "agent": audit.name(search),
        "information": information.value,
        "gain": figure.gain,
        "bound": figure.bound,
        **state_text(environment, figure.state, search.who, ex_post=ex_post),
        "period": len(story.history),
        "history": [
            {
                "period": step.period,
                "signals": profile_text(environment, step.period, step.profile),
                "report": problem.message_text(step.period, step.message),
                "prescribed": problem.message_text(step.period, step.prescribed),
                "decision": environment.stage(step.period).decisions[step.decision],
                "obeyed": step.obeyed,
            }
            for step in story.history
        ],
        "report": problem.message_text(story.state.period, story.message),
        "prescribed": problem.message_text(story.state.period, story.prescribed),
        "lie": story.lie,
        "truth": story.truth,
    }


def story_text(audit: Audit) -> str:
    """The witness in one sentence: who lies, when, and what it earns; or that nobody gains; or what is undecided."""
    witness = audit.worst_case
    if witness is None:
        return f"{_not_promised(audit)}{_without_witness(audit)}"
    search, information, gain, story = witness
    scale = audit.request.scale
    ex_ante = search.figures[Family.BEST_RESPONSE]["ex_ante"].gain
    ante = f"{figure_text(ex_ante, scale=scale)} ex ante, " if ex_ante > audit.tolerance else ""
    counted_when_due = audit.request.exit or audit.request.terms
    aside = ", what it owes already aside" if story.history and not counted_when_due else ""
    return (
        f"{_beyond_promise(audit, information)}"
        f"{audit.name(search)} gains {ante}{figure_text(gain.gain, scale=scale)} {information.value} "
        f"(± {gain.bound:.1g}): "
        f"in period {len(story.history)}, {_knowing(search, information, story)}, "
        f"it {_act(search, information, story)}: {figure_text(story.lie, scale=scale)} from there on, "
        f"against {figure_text(story.truth, scale=scale)}{aside}."
    )


def _knowing(search: Search, information: Information, story: Story) -> str:
    """What the deviator knows, and the lies that it has told before."""
    t, profile = story.state.period, story.state.profile
    environment = search.problem.environment
    knowing = (
        f"knowing the signals ({profile_text(environment, t, profile)})"
        if information is Information.EX_POST
        else f"with signal {own_text(environment, t, search.who, profile)}"
    )
    return knowing + "".join(f", {lie}" for lie in past_lies(search.problem, story))


def _act(search: Search, information: Information, story: Story) -> str:
    """What the deviator does."""
    t = story.state.period
    sent = search.problem.message_text(t, story.message)
    paying = payment_there(search, information, story)
    if story.message == story.prescribed:
        return f"sends the prescribed message and {paying or 'deviates after it'}"
    if sent == "leave":
        return "leaves"
    reports = f"reports {sent} instead of {search.problem.message_text(t, story.prescribed)}"
    return f"{reports} and {paying}" if paying else reports


def _beyond_promise(audit: Audit, information: Information) -> str:
    """What to say before a gain that no promise rules out."""
    incentive = audit.mechanism.promises.incentive
    if incentive == "bayesian" and information is Information.EX_POST and audit.verdicts[0].status == HOLDS:
        return "nobody gains knowing its own signal only; beyond what is promised, "
    return "truth is not promised to be best, and " if incentive == "none" else ""


def _not_promised(audit: Audit) -> str:
    """What to say where nobody gains, but truth is not promised to be best."""
    return "truth is not promised to be best. " if audit.mechanism.promises.incentive == "none" else ""


def _without_witness(audit: Audit) -> str:
    gains = {
        (audit.name(search), kind): gain
        for search in audit.searches
        for kind, gain in search.figures[Family.BEST_RESPONSE].items()
    }
    if all(gain.gain + gain.bound <= audit.tolerance for gain in gains.values()):
        return "No deviation of anybody gains anything."
    known = {key: gain for key, gain in gains.items() if not np.isnan(gain.gain)}
    (who, kind), worst = first_of(known.items(), lambda item: item[1].gain, audit.scale)
    if worst.gain - worst.bound > audit.tolerance:
        most = figure_text(worst.gain, scale=audit.request.scale)
        return f"{who} gains up to {most} (± {worst.bound:.1g}) {kind.replace('_', ' ')}."
    return f"{who} may gain {worst.gain:.3g} ± {worst.bound:.1g} {kind.replace('_', ' ')}."
