"""A gain between two bounds, in words and as plain data."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dynmech.agents.bounds.bracket import WORST_STATE, Bracket
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.sim.core.ties import figure, first_of

CONFIDENCE = 0.95
"""Of all ex ante bounds at once, whoever deviates."""


def sentence(request: AuditRequest, found: Sequence[tuple[str, Bracket]]) -> str:
    """Return who gains, and between what; or the most that anybody gains."""
    tolerance, scale = request.relative_tolerance * request.scale, request.scale
    name, best = first_of(found, lambda pair: pair[1].lower, scale)
    if best.lower > tolerance:
        low, high = figure(best.lower, 4, scale=scale), figure(best.upper, 4, scale=scale)
        return f"{name} gains {low} … {high} (95 %), before anything is known."
    name, best = first_of(found, lambda pair: pair[1].upper, scale)
    if best.upper <= tolerance:
        return "no deviation gains anything, before anything is known (95 %)."
    high = figure(best.upper, 4, scale=scale)
    return f"no deviation gains more than {high} (95 %), before anything is known; none was found that surely gains."


def ended(found: Sequence[tuple[str, Bracket]]) -> str:
    """Return why play was stopped, in words."""
    missing = [(name, bracket) for name, bracket in found if not bracket.enough]
    if not missing:
        return " All bounds are as close as was asked."
    rest = [
        f"{name}, where " + ("another penalty" if bracket.further is None else f"some {bracket.further:,} more paths")
        for name, bracket in missing
    ]
    return f" The budget was spent before bounds were as close as was asked for {'; '.join(rest)} would help."


def ways(brackets: Sequence[dict[str, Any]]) -> list[str]:
    """Return in words how gains were bounded: a line for all deviators of whom the same is to be said.

    >>> ways([{"agent": "a", "policy": "V", "penalty": "V"}, {"agent": "b", "policy": "V", "penalty": "V"}])
    ['a, b: from below by the policy greedy in the value of V; from above with the penalty of the same value.']
    >>> ways([{"agent": "a", "policy": "V", "penalty": "(worst state)"}])
    ['a: from below by the policy greedy in the value of V; from above by what is gained at the worst state.']
    """
    agents: dict[tuple[str, str], list[str]] = {}
    for one in brackets:
        agents.setdefault((one["policy"], one["penalty"]), []).append(one["agent"])
    above = {WORST_STATE: "by what is gained at the worst state"}
    return [
        f"{', '.join(names)}: from below by the policy greedy in the value of {policy}; from above "
        + above.get(
            penalty, f"with the penalty of {'the same value' if policy == penalty else f'the value of {penalty}'}"
        )
        + "."
        for (policy, penalty), names in agents.items()
    ]


def bracket_data(name: str, bracket: Bracket, spy: Bracket | None, messages: str = "all") -> dict[str, Any]:
    """Return a bracket as plain data; `messages` says which ones of an interval the upper bound holds for."""
    apart = None if spy is None else {"lower": spy.lower, "upper": spy.upper}
    return {"agent": name, **asdict(bracket), "tried": list(bracket.tried), "spy": apart, "messages": messages}
