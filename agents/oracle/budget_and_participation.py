"""Budget and participation of prescribed play: the worst values, and where they are attained.

Budget: over the states that prescribed play leads to. Participation: continuation payoff at the report stage, this
period's payment included, over the states that some play of the agent leads to, its own past lies and what it then
owes included; interim (knowing its own signal; at the start: in period 0 only) and ex post (knowing the profile).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynmech.agents.oracle.problem import Problem, build_problem, reachable
from dynmech.agents.oracle.state_labels import own_text, profile_text, shown_period
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import silent_about
from dynmech.mechanisms.rules.values_of_truth import TruthfulValues
from dynmech.sim.core.ties import Best, first_largest, first_smallest, largest_place, scale_of
from dynmech.sim.economy.environment import TableEnvironment


@dataclass(frozen=True)
class Least:
    """The least value of a quantity, and the state at which it is attained."""

    value: float
    where: dict[str, Any]


def budget(environment: TableEnvironment, mechanism: Mechanism, truthful: TruthfulValues) -> dict[str, Least]:
    """Return the least Σ_i p^i by kind: ex ante (discounted, expected), expected in a period, and ex post.

    A period's sum is expected given what was public before it, and NaN where prescribed messages do not reveal signals,
    as what is public then leaves them open.
    """
    totals = [page.transfer.sum(axis=0) for page in truthful.periods]
    revealing = silent_about(environment, mechanism, ()) is None
    scale = scale_of(*(page.transfer for page in truthful.periods))
    period, ex_post = Best[dict[str, Any]](scale), Best[dict[str, Any]](scale)
    if revealing:
        period.offer(-float(totals[0][0] @ truthful.prior), {"period": 0})
    for t, (page, total) in enumerate(zip(truthful.periods, totals, strict=True)):
        memories, profiles = np.nonzero(page.occurs)
        seen = total[memories, profiles]
        shown = shown_period(environment, t)
        named = [{"period": shown, "profile": profile_text(environment, t, int(k))} for k in profiles]
        ex_post.offer_all(-seen, named.__getitem__)
        after = t if truthful.stationary and t else t + 1
        if page.rows is None or not revealing:
            continue
        laws = page.rows[page.decision[memories, profiles], profiles]
        expected = (laws * totals[after][page.following[memories, profiles]]).sum(axis=1)
        shown = shown_period(environment, t + 1)
        named = [{"period": shown, "last signals": profile_text(environment, t, int(k))} for k in profiles]
        period.offer_all(-expected, named.__getitem__)
    return {
        "ex_ante": Least(float(truthful.transfer.sum()), {}),
        "expected_period": _least(period) if revealing else Least(float("nan"), {"period": 0}),
        "ex_post": _least(ex_post),
    }


def _least(largest: Best[dict[str, Any]]) -> Least:
    """Return the least value and its state from the largest of the negatives."""
    return Least(0.0 - largest.value, largest.named or {})


@dataclass(frozen=True)
class Largest:
    """The largest transfer in absolute value: p (below 0: the agent is paid), the agent, and the state."""

    value: float
    agent: str
    where: dict[str, Any]


def largest_transfer(environment: TableEnvironment, truthful: TruthfulValues) -> Largest:
    """Return max |p_t^i| over the states that prescribed play leads to."""
    sizes = [np.where(page.occurs, np.abs(page.transfer), -1.0) for page in truthful.periods]
    scale = scale_of(*sizes)
    t = first_largest([size.max() for size in sizes], scale)
    agent, memory, profile = largest_place(sizes[t], scale)
    where = {"period": shown_period(environment, t), "profile": profile_text(environment, t, profile)}
    return Largest(float(truthful.periods[t].transfer[agent, memory, profile]), environment.agents[agent], where)


def participation(
    environment: TableEnvironment, mechanism: Mechanism, truthful: TruthfulValues, *, all_states: bool = False
) -> dict[str, list[Least]]:
    """Return the worst continuation payoff by kind (ex ante, at the start, interim, ex post) and agent.

    Raises:
        Refusal: the mechanism is not finite, or too large.
    """
    agents = range(len(environment.agents))
    payoff = truthful.utility - truthful.transfer
    out: dict[str, list[Least]] = {"ex_ante": [Least(float(p), {}) for p in payoff]}
    out |= {kind: [] for kind in ("at_the_start", "interim", "ex_post")}
    for i in agents:
        problem = build_problem(environment, mechanism, (i,), merge=False)
        scale = truthful.scale
        worst = {kind: Best[dict[str, Any]](scale) for kind in ("at_the_start", "interim", "ex_post")}
        for kind, value, where in _stays(problem, truthful, i, all_states, scale):
            worst[kind].offer(-value, {"agent": environment.agents[i], **where})
        for kind, least in worst.items():
            out[kind].append(_least(least) if least.named else Least(float("nan"), {}))
    return out


def _stays(
    problem: Problem, truthful: TruthfulValues, agent: int, all_states: bool, scale: float
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Yield (kind, worst continuation payoff, state) of one agent."""
    environment, states = problem.environment, reachable(problem)
    revealing = silent_about(environment, problem.mechanism, problem.deviator) is None
    for t, period in enumerate(problem.periods):
        occurs, led = states[t]
        stay = truthful.periods[t].stay[agent][: len(occurs)]
        worst = stay if all_states else np.where(occurs, stay, np.inf)
        k = first_smallest(worst, scale)
        state = {"period": shown_period(environment, t), "profile": profile_text(environment, t, k % stay.shape[1])}
        yield "ex_post", float(worst.min()), state
        for w in range(period.width if revealing else 0):
            own = period.own == w
            where = {"period": shown_period(environment, t), "signal": own_text(environment, t, (agent,), w)}
            if t == 0:
                mass = problem.prior[own].sum()
                if mass > 0:
                    value = float(stay[0][own] @ problem.prior[own] / mass)
                    yield "interim", value, where
                    yield "at_the_start", value, where
                continue
            rows = problem.periods[1 if problem.stationary else t - 1].rows
            assert rows is not None
            assert led is not None
            weight = rows[..., own].sum(axis=-1)
            expected = np.moveaxis(rows[..., own] @ stay[:, own].T, -1, 0)
            possible = (weight > 0) & (led | all_states)
            value = np.divide(expected, weight, out=np.full_like(expected, np.inf), where=possible)
            k = first_smallest(value, scale) % value.shape[-1]
            last = profile_text(environment, t if problem.stationary else t - 1, k)
            yield "interim", float(value.min()), {**where, "last signals": last}
