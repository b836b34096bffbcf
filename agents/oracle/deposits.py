"""The deposit with which no default gains, and the state that needs it.

Nothing that an agent puts down changes what it gains by lies, so the least deposit follows from the best plan of lies
in one pass. With W what that plan is worth from the next period on, and o what follows a default is worth (under
`exclude` its outside option, 0 unless the economy names one; under `ignore` the best plan of lies of who pays no bill
any more),

    D = max over payment states that some play in good standing leads to, where something is due, of
        (what is owed now + δ E[o] − δ E[W])⁺.

In a smaller deposit's place, who is in that state defaults. The *ex ante* deposit is the least with which no plan made
before anything is known gains by a default; it may leave some states in which default pays.
"""

from dataclasses import dataclass

import numpy as np

from dynmech.agents.oracle.payments import PaymentProblem, outside_flow, standing_of, unpaid
from dynmech.agents.oracle.problem import Problem
from dynmech.agents.oracle.search import Family, Information, Value, solve
from dynmech.sim.core.arrays import BoolArray, FloatArray
from dynmech.sim.core.ties import TIE, first_largest, scale_of

ROUNDS = 80
"""Steps up to which the ex ante deposit is looked for; some ten are the rule."""

SLACK = 1e-9
"""Gain by defaults that counts as none, relative to the scale."""


@dataclass(frozen=True)
class PaymentState:
    """A payment stage at which a default pays most.

    Attributes:
        period: entry of the problem's periods.
        profile: the profile of signals.
        message: the agent's own, a flat index.
        decision: what was done.
        bill, arrears: this period's bill, and what is owed from before.
        staying, after: δ E[W], and δ E[o].
    """

    period: int
    profile: int
    message: int
    decision: int
    bill: float
    arrears: float
    staying: float
    after: float


@dataclass(frozen=True)
class Deposit:
    """What an agent must put down, ex post, and ex ante; the state that needs the first (None: no state does)."""

    amount: float
    state: PaymentState | None
    ex_ante: float


def find_deposit(problem: PaymentProblem) -> Deposit:
    """Return the least deposit after which no default gains at any payment state that play in good standing leads to.

    Raises:
        Refusal: the others' messages do not reveal their signals.
    """
    staying = solve(problem.lies, Family.BEST_RESPONSE, Information.INTERIM)
    out = None if problem.terms.excludes else solve(unpaid(problem.gone), Family.BEST_RESPONSE, Information.INTERIM)
    states = [_worst(problem, t, staying, out) for t in range(len(problem.periods))]
    shortfalls = [state.bill + state.arrears + state.after - state.staying if state else 0.0 for state in states]
    k = first_largest(shortfalls, scale_of(problem.environment.scale, *shortfalls))
    amount = max(0.0, *shortfalls)
    if amount <= TIE * scale_of(problem.environment.scale, *staying.choices):
        return Deposit(0.0, None, 0.0)
    return Deposit(amount, states[k], _ex_ante(problem.with_deposit(0.0), staying.ex_ante, amount))


def _worst(problem: PaymentProblem, t: int, staying: Value, out: Value | None) -> PaymentState | None:
    """Return the payment stage of entry t at which a default pays most; None where nothing is ever due."""
    period, standing = problem.lies.periods[t], standing_of(problem.periods[t])
    stay = _ahead(problem.lies, t, staying)
    gone = np.full_like(stay, _outside(problem, t)) if out is None else _ahead(problem.gone, t, out)
    excess = standing.owed + (gone - stay)[standing.base]
    excess = np.where(_possible(problem, t) & (standing.due > 0), excess, -np.inf)
    k = first_largest(excess.reshape(-1), scale_of(problem.environment.scale, staying.choices[t]))
    if not np.isfinite(excess.reshape(-1)[k]):
        return None
    state, profile, message, act = np.unravel_index(k, excess.shape)
    base, bill = standing.base[state], float(standing.bill[state, profile, message, act])
    return PaymentState(
        t,
        int(profile),
        int(message),
        int(period.decision[base, profile, message, act]),
        bill,
        float(standing.owed[state, profile, message, act]) - bill,
        float(stay[base, profile, message, act]),
        float(gone[base, profile, message, act]),
    )


def _possible(problem: PaymentProblem, t: int) -> BoolArray:
    """Return which payment stages some play in good standing leads to, `(n, S, 1, K)` or `(n, S, R, K)`."""
    period = problem.periods[t]
    acts = standing_of(period).due.shape[3] // period.draws
    drawn: BoolArray = np.repeat(period.chance > 0, acts, axis=3) & problem.reachable[t][0][:, :, None, None]
    return drawn


def _outside(problem: PaymentProblem, t: int) -> float:
    """Return what being out is worth after entry t, discounted to it."""
    flow, discount = outside_flow(problem.lies), problem.discount
    if problem.stationary:
        return flow * discount / (1 - discount)
    return flow * sum(discount**k for k in range(1, len(problem.periods) - t))


def _ahead(problem: Problem, t: int, value: Value) -> FloatArray:
    """Return δ E of what follows each choice of a problem of lies, `(C, S, R, K)`; 0 of nothing."""
    period = problem.periods[t]
    ahead = value.ahead[t]
    if ahead is None or period.post_decision is None:
        return np.zeros(period.flow.shape)
    following: FloatArray = problem.discount * ahead[period.post_decision]
    return following


def _ex_ante(free: PaymentProblem, lies: float, enough: float) -> float:
    """Return the least deposit at which the best plan of lies and defaults is worth, ex ante, what lies are.

    What such a plan is worth falls in the deposit, ever less steeply, and is a maximum of straight lines: a secant
    through two points to the left of the root meets the axis to the left of it too, and on the last line at the root.
    """

    def excess(deposit: float) -> float:
        return solve(free.with_deposit(deposit), Family.BEST_RESPONSE, Information.INTERIM).ex_ante - lies

    slack = SLACK * scale_of(free.environment.scale, lies)
    low, high, above = 0.0, enough, excess(0.0)
    if above <= slack:
        return 0.0
    trial, on_line = enough / 64, False
    for _ in range(ROUNDS):
        value = excess(trial)
        if value <= slack:
            if on_line or trial - low <= SLACK * enough:
                return trial
            high, trial = trial, (low + trial) / 2
            continue
        root = trial + value * (trial - low) / (above - value) if above > value else high
        low, above = trial, value
        on_line = low < root < high
        trial = root if on_line else (low + high) / 2
    return high
