"""The values of prescribed play, exactly: utilities, transfers and costs from every state on.

State: (memory m, profile θ). With x the prescribed messages,

    V(m, θ) = flow(m, θ) + δ E[V(m′, θ′) | a, θ],   a = decide(m, x),  m′ = remember(m, x),

for flow = u^i and flow = charge^i + due^i, all agents at once. Finite horizons by backward induction, infinite ones by
iteration to the span bounds. Values are for every (m, θ), whether prescribed play leads there or not. Where the
decision is drawn from a lottery, flows and what follows are expectations over its L draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from dynmech.mechanisms.rules.actions import Settled, settle
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import RuleTables
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray, expected
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import Best, first_largest, largest_place, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.labels import profile_text, shown_period
from dynmech.sim.economy.laws_of_motion import FactoredLaw, LawOfMotion
from dynmech.sim.play.roles import Situation

PRECISION = 1e-12
"""Residual bound aimed at, relative to the largest value (at least the economy's scale)."""

SWEEPS = 300_000
"""Iterations before giving up; the bound says how far it came."""


@dataclass(frozen=True, eq=False)
class PeriodValues:
    """One period of prescribed play; axes N agents, M memories, S profiles, L draws (see `RuleTables`).

    Attributes:
        decision, following, chance: by draw, `(M, S, L)`.
        paid: transfers by draw, `(N, M, S, L)`.
        utility, transfer: expected flows, `(N, M, S)`.
        law: of the next profile, None in the last period.
        occurs: which (m, θ) prescribed play leads to with positive probability, `(M, S)`.
        utility_ahead, transfer_ahead: values from this period on, `(N, M, S)`.
        cost_ahead: the designer's costs from this period on, `(M, S)`.
        stay: continuation payoff of prescribed play, this period's payment included, `(N, M, S)`.
    """

    decision: IntArray
    following: IntArray
    chance: FloatArray
    paid: FloatArray
    utility: FloatArray
    transfer: FloatArray
    law: LawOfMotion | None
    occurs: BoolArray
    utility_ahead: FloatArray
    transfer_ahead: FloatArray
    cost_ahead: FloatArray
    stay: FloatArray


@dataclass(frozen=True, eq=False)
class TruthfulValues:
    """The values of prescribed play of a mechanism.

    Attributes:
        periods: one per period (finite), or the first and the repeated one.
        prior: law of the first profile.
        bound: every value is within this of the truth.
        scale: the largest utility or transfer in absolute value, by which differences are measured.
    """

    periods: tuple[PeriodValues, ...]
    prior: FloatArray
    bound: float
    stationary: bool
    scale: float

    @cached_property
    def utility(self) -> FloatArray:
        """Expected discounted utility, `(N,)`."""
        return self.periods[0].utility_ahead[:, 0] @ self.prior

    @cached_property
    def transfer(self) -> FloatArray:
        """Expected discounted transfers, `(N,)`."""
        return self.periods[0].transfer_ahead[:, 0] @ self.prior

    @cached_property
    def welfare(self) -> float:
        """Expected discounted utilities minus the designer's costs."""
        return float(self.utility.sum() - self.periods[0].cost_ahead[0] @ self.prior)


def truthful_values(
    environment: TableEnvironment,
    mechanism: Mechanism,
    tables: Sequence[RuleTables],
    laws: Sequence[LawOfMotion | None],
) -> TruthfulValues:
    """Return the values of prescribed play, from the rules and the laws of motion of every distinct period."""
    _require_room(environment, mechanism, tables, laws)
    written_out = zip(tables, laws, strict=True)
    raw = [_raw(environment, mechanism, t, rules, law) for t, (rules, law) in enumerate(written_out)]
    occurs = _occurs(environment, raw)
    prior = environment.prior.reshape(-1)
    if environment.horizon is None:
        value, bound = _iterate(environment, raw[1])
        values = [_back(environment.discount, raw[0], value), value]
    else:
        values, bound = [], 0.0
        for period in reversed(raw):
            values.insert(0, _back(environment.discount, period, values[0] if values else None))
    scale = scale_of(environment.scale, *values)
    periods = tuple(_period_values(r, o, v) for r, o, v in zip(raw, occurs, values, strict=True))
    flows = scale_of(*(table for period in periods for table in (period.utility_ahead, period.transfer_ahead)))
    return TruthfulValues(periods, prior, bound + 1e-13 * scale, environment.horizon is None, flows)


def _require_room(
    environment: TableEnvironment,
    mechanism: Mechanism,
    tables: Sequence[RuleTables],
    laws: Sequence[LawOfMotion | None],
) -> None:
    """Refuse values that do not fit: those of every state, their next ones, and expectations at every event."""
    flows, numbers = 2 * len(environment.agents) + 1, 0.0
    for t, (rules, law) in enumerate(zip(tables, laws, strict=True)):
        numbers += flows * 2.0 * rules.memories * environment.stage(t).size
        if isinstance(law, FactoredLaw):
            numbers += flows * 2.0 * law.events + law.room(flows)
    require_room(f"the values of prescribed play under mechanism {mechanism.name!r}", numbers)


@dataclass(frozen=True, eq=False)
class _Raw:
    """One period of prescribed play before values are known; flows are utilities, transfers, cost: `(2N + 1, M, S)`."""

    decision: IntArray
    following: IntArray
    chance: FloatArray
    paid: FloatArray
    flows: FloatArray
    law: LawOfMotion | None

    @cached_property
    def moves(self) -> tuple[IntArray, IntArray, IntArray]:
        """Next memory and event of the distinct moves, `(k,)` each, and which of them every case makes, `(M, S, L)`."""
        assert self.law is not None
        profile = np.arange(self.law.size)[:, None]
        codes = (self.following * self.law.decisions + self.decision) * self.law.size + profile
        distinct, where = np.unique(codes, return_inverse=True)
        memory, event = np.divmod(distinct, self.law.events)
        return memory, event, where.reshape(self.decision.shape)


def _period_values(raw: _Raw, occurs: BoolArray, value: FloatArray) -> PeriodValues:
    """Return a period's flows and values by kind; `value` `(2N + 1, M, S)`."""
    agents = len(value) // 2
    return PeriodValues(
        decision=raw.decision,
        following=raw.following,
        chance=raw.chance,
        paid=raw.paid,
        utility=raw.flows[:agents],
        transfer=raw.flows[agents:-1],
        law=raw.law,
        occurs=occurs,
        utility_ahead=value[:agents],
        transfer_ahead=value[agents:-1],
        cost_ahead=value[-1],
        stay=value[:agents] - value[agents:-1],
    )


def _raw(
    environment: TableEnvironment, mechanism: Mechanism, t: int, tables: RuleTables, law: LawOfMotion | None
) -> _Raw:
    """Return what prescribed play does in period t."""
    stage = environment.stage(t)
    strides = [prod(tables.shape[k + 1 :]) for k in range(len(tables.shape))]
    profile = np.array(np.unravel_index(np.arange(stage.size), stage.axes))
    public = profile[0] if stage.public else np.zeros(stage.size, np.intp)
    signals = profile[stage.offset :]
    x = public * strides[0] + sum(
        table[:, public, signals[j]] * strides[j + 1] for j, table in enumerate(tables.prescribed)
    )
    memory = np.arange(tables.memories)[:, None]
    decision = tables.decide[memory, x]
    chance, event = tables.chance[memory, x], decision * stage.size + np.arange(stage.size)[:, None]
    utility = expected(stage.utility.reshape(len(environment.agents), -1)[:, event], chance)
    due = tables.due[:, memory, x][..., None]
    paid, following = tables.charge[:, memory, x] + due, tables.remember[memory, x]
    if tables.acts:
        messages = [x // stride % width for stride, width in zip(strides[1:], tables.shape[1:], strict=True)]
        draws = np.moveaxis(decision, 2, 0)
        settled = [_settled(mechanism, t, public, signals, np.array(messages), one, tables.bound) for one in draws]
        paid = np.stack([one.charge.T.reshape(utility.shape) for one in settled], axis=-1) + due
        following = np.stack([one.memory.reshape(x.shape) for one in settled], axis=-1)
    cost = expected(stage.cost_table[decision, public[:, None]], chance)
    flows = np.concatenate([utility, expected(paid, chance), cost[None]])
    return _Raw(decision, following, chance, paid, flows, law)


def _settled(
    mechanism: Mechanism,
    t: int,
    public: IntArray,
    signals: IntArray,
    messages: IntArray,
    decision: IntArray,
    bound: float,
) -> Settled:
    """Return charges and memories when all act and reply as prescribed, by flat (m, θ); messages `(N, M, S)`."""
    memories, size = decision.shape
    now = Situation(t, np.repeat(np.arange(memories), size), np.tile(public, memories))
    sent = messages.reshape(len(messages), -1).T
    return settle(mechanism, now, np.tile(signals, memories).T, sent, decision.reshape(-1), bound=bound)


def _back(discount: float, period: _Raw, value: FloatArray | None) -> FloatArray:
    """Return flows + δ E[value(m′, θ′) | a, θ], `(2N + 1, M, S)`."""
    if value is None or period.law is None:
        return period.flows
    memory, event, where = period.moves
    ahead = period.law.expect_at(value, memory, event)
    return period.flows + discount * expected(ahead[:, where], period.chance)


def _iterate(environment: TableEnvironment, period: _Raw) -> tuple[FloatArray, float]:
    """Return the fixed point of `_back`, centred flow by flow with the span bounds, and its error bound."""
    discount = environment.discount
    weight = discount / (1 - discount)
    value = period.flows / (1 - discount)
    best, idle, half = np.inf, 0, np.inf
    for _ in range(SWEEPS):
        better = _back(discount, period, value)
        step = (better - value).reshape(len(value), -1)
        low, high = step.min(axis=1), step.max(axis=1)
        half = float(weight * (high - low).max() / 2)
        value = better + (weight * (low + high) / 2)[:, None, None]
        idle = 0 if half < (1 + discount) / 2 * best else idle + 1  # it contracts by δ until only rounding is left
        best = min(best, half)
        if half <= PRECISION * scale_of(environment.scale, value) or idle >= 40:
            break
    return value, max(half, PRECISION * scale_of(environment.scale, value))  # the same on every processor


def _occurs(environment: TableEnvironment, raw: list[_Raw]) -> list[BoolArray]:
    """Return which (m, θ) prescribed play leads to, per period; in a repeated period, at any later date."""
    first = np.zeros(raw[0].decision.shape[:2], np.bool_)
    first[0] = environment.prior.reshape(-1) > 0
    out = [first]
    if environment.horizon is not None:
        for period, after in pairwise(raw):
            out.append(_next(period, out[-1], len(after.decision)))
        return out
    later = _next(raw[0], first, len(raw[1].decision))
    while True:
        more = later | _next(raw[1], later, len(raw[1].decision))
        if (more == later).all():
            return [first, later]
        later = more


def _next(period: _Raw, occurs: BoolArray, memories: int) -> BoolArray:
    """Return which (m′, θ′) may follow those that occur, `(M', S')`."""
    law = period.law
    assert law is not None
    _, profile = np.nonzero(occurs)
    event = period.decision[occurs] * law.size + profile[:, None]
    out = np.zeros((memories, law.following), np.bool_)
    codes = np.unique(period.following[occurs] * law.events + event)
    following, events = np.divmod(codes, law.events)
    starts = np.flatnonzero(np.diff(following, prepend=-1))
    for some in np.split(np.arange(len(codes)), starts[1:]):
        out[following[some[0]]] = law.leads_to(events[some])
    return out


@dataclass(frozen=True)
class Least:
    """The least value of a quantity, and the state at which it is attained."""

    value: float
    where: dict[str, Any]


def budget(environment: TableEnvironment, truthful: TruthfulValues, *, silent: str) -> dict[str, Least]:
    """Return the least Σ_i p^i by kind: ex ante (discounted, expected), expected in a period, and ex post.

    A period's sum is expected given what was public before it. Where prescribed messages do not reveal signals, the
    whole past tells about them, in endlessly many ways: it is NaN then, and `refused` in its place says why.

    Args:
        silent: whose messages do not reveal signals, in words; empty: nobody's.
    """
    totals = [page.transfer.sum(axis=0) for page in truthful.periods]
    scale = scale_of(*(page.paid for page in truthful.periods))
    period, ex_post = Best[dict[str, Any]](scale), Best[dict[str, Any]](scale)
    if not silent:
        period.offer(-float(totals[0][0] @ truthful.prior), {"period": 0})
    for t, page in enumerate(truthful.periods):
        memories, profiles = np.nonzero(page.occurs)
        decisions = page.decision[memories, profiles]
        ex_post.offer_all(
            -page.paid.sum(axis=0)[memories, profiles], _named(environment, t, "profile", profiles, decisions)
        )
        after = t if truthful.stationary and t else t + 1
        if page.law is None or silent:
            continue
        following, event = page.following[memories, profiles], decisions * page.law.size + profiles[:, None]
        distinct, where = np.unique(following * page.law.events + event, return_inverse=True)
        due = page.law.sum_at(totals[after], *np.divmod(distinct, page.law.events))[where.reshape(event.shape)]
        period.offer_all(-due, _named(environment, t + 1, "last signals", profiles, decisions))
    return {
        "ex_ante": Least(float(truthful.transfer.sum()), {}),
        "expected_period": Least(float("nan"), {"refused": silent}) if silent else _least(period),
        "ex_post": _least(ex_post),
    }


def _named(
    environment: TableEnvironment, period: int, what: str, profiles: IntArray, decisions: IntArray
) -> Callable[[int], dict[str, Any]]:
    """Return how to name a case `(n, L)` by its flat index: the profile and, where it was drawn, the decision."""
    draws, t = decisions.shape[1], period - 1 if what == "last signals" else period

    def name(k: int) -> dict[str, Any]:
        profile, draw = divmod(k, draws)
        where = {
            "period": shown_period(environment, period),
            what: profile_text(environment, t, int(profiles[profile])),
        }
        drawn = environment.stage(t).decisions[int(decisions[profile, draw])]
        return where if draws == 1 else {**where, "drawn decision": drawn}

    return name


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
    sizes = [np.where(page.occurs[..., None], np.abs(page.paid), -np.inf) for page in truthful.periods]
    scale = scale_of(*sizes)
    t = first_largest([size.max() for size in sizes], scale)
    agent, *place = largest_place(sizes[t], scale)
    page, profile = truthful.periods[t], np.array(place[1:2])
    where = _named(environment, t, "profile", profile, page.decision[place[0], profile])(place[2])
    return Largest(float(page.paid[agent, *place]), environment.agents[agent], where)
