"""The deviation that an audit's largest gain is made of, as choices that derivatives can be taken of."""

from dataclasses import dataclass

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.search import (
    Family,
    Information,
    Value,
    best_actions,
    best_messages,
    best_messages_spying,
    solve,
    worth_of_actions,
)
from dynmech.agents.robustness.balls import Ball
from dynmech.agents.robustness.derivatives import Derivatives, Policy, Start, derivatives_of
from dynmech.agents.robustness.found_laws import first_lies, solve_under
from dynmech.agents.robustness.robust_values import Walk
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.core.ties import TIE, scale_of


@dataclass(frozen=True, eq=False)
class Hinges:
    """On what a gain hangs.

    Attributes:
        information: `ex_ante` or `ex_post`.
        derivatives: of the gain; its value is the gain.
        unique: whether no other deviation does as well, so that they are exact for small changes either way.
        start: the state at which an ex post gain is attained.
    """

    information: str
    derivatives: Derivatives
    unique: bool
    start: Start


def ex_ante_hinges(walk: Walk) -> Hinges:
    """Return on what the gain of a best response hangs, before anything is known.

    Raises:
        Refusal: interim search is refused, or the problem is too large.
    """
    rows = Ball.around(walk.problem.environment, 0.0).rows
    value = solve(walk.problem, Family.BEST_RESPONSE, Information.INTERIM)
    messages, acts = best_messages(walk.problem, value), best_actions(walk.problem, value)
    policy = Policy(tuple(_interim(walk, t, messages[t], acts[t]) for t in range(len(messages))))
    own = derivatives_of(walk, rows, policy, None)
    gain = own.less(derivatives_of(walk, rows, truthful_policy(walk), None))
    return Hinges("ex_ante", gain, _unique_interim(walk, value, acts), None)


def ex_post_hinges(walk: Walk, tolerance: float) -> Hinges:
    """Return on what the largest gain ex post hangs; where nobody gains, what a lie gains that loses least.

    Args:
        tolerance: gains up to this are none.
    """
    rows = Ball.around(walk.problem.environment, 0.0).rows
    solved = solve_under(walk, rows)
    worst = worst_gain(solved.problem, solved.best, solved.truth)
    spying, acts = best_messages_spying(solved.problem, solved.best), best_actions(solved.problem, solved.best)
    flat = [_flat(walk, t, spying[t], acts[t]) for t in range(len(spying))]
    if worst.gain > tolerance and worst.state is not None:
        t = worst.state.period
        state = worst.state.memory * walk.problem.periods[t].flow.shape[1] + worst.state.profile
        first = (t, state, int(flat[t][state]))
    else:
        first = next(first_lies(walk, solved), (0, 0, int(walk.honest(0)[0])))
        t, state, _ = first
    lie = Policy(tuple(_spread(walk, e, flat[e]) for e in range(len(flat))))
    own = derivatives_of(walk, rows, lie, first)
    truth = derivatives_of(walk, rows, truthful_policy(walk), (t, state, int(walk.honest(t)[state])))
    return Hinges("ex_post", own.less(truth), _unique(walk, solved.best), first)


def truthful_policy(walk: Walk) -> Policy:
    """Return prescribed play."""
    return Policy(tuple(_spread(walk, t, walk.honest(t)) for t in range(len(walk.problem.periods))))


def _origins(walk: Walk, t: int) -> tuple[IntArray, IntArray]:
    """Return memory and event of what leads to an entry."""
    if t == 0:
        return walk.problem.periods[0].merged[:1], np.zeros(1, np.intp)
    states = walk.origins(1 if walk.problem.stationary else t - 1)
    return states.memory, states.event


def _spread(walk: Walk, t: int, choice: IntArray) -> IntArray:
    """Return choices by state, `(n,)`, by what leads there and profile, `(P, S)`."""
    memory, _ = _origins(walk, t)
    return choice.reshape(-1, walk.problem.periods[t].flow.shape[1])[memory]


def _flat(walk: Walk, t: int, messages: IntArray, acts: IntArray) -> IntArray:
    """Return messages `(C, S)` with the best acts after them as choices, `(n,)`."""
    act = np.take_along_axis(acts[..., 0], messages[..., None], axis=2)[..., 0]
    return np.asarray(messages * walk.problem.periods[t].acts + act).reshape(-1)


def _interim(walk: Walk, t: int, messages: IntArray, acts: IntArray) -> IntArray:
    """Return interim messages as choices, `(P, S)`."""
    period = walk.problem.periods[t]
    memory, event = _origins(walk, t)
    table = messages[:, None] if t == 0 else messages.reshape(len(messages), -1, period.width)
    sent = table[memory, event][:, period.own]
    act = acts[memory[:, None], np.arange(len(period.own)), sent, 0]
    return np.asarray(sent * period.acts + act)


def _unique(walk: Walk, best: Value) -> bool:
    """Return whether at every state that some play leads to no two choices that differ do equally well."""
    problem = walk.problem
    for t, period in enumerate(problem.periods):
        worth = worth_of_actions(period, best.ahead[t], problem.discount).reshape(len(walk.flow(t)), -1)
        if _tied(walk, t, worth, problem.reachable[t][0].reshape(-1)):
            return False
    return True


def _unique_interim(walk: Walk, value: Value, acts: list[IntArray]) -> bool:
    """Return whether at every interim state no two messages that differ do equally well."""
    problem = walk.problem
    for t in range(len(problem.periods)):
        kinds = _kinds(walk, t, acts[t])
        slack = TIE * scale_of(problem.environment.scale, value.choices[t])
        memory = _origins(walk, t)[0]
        for part, mass, worth in problem.expectations(t).by_own(value.choices[t]):
            level = worth >= worth.max(axis=2, keepdims=True) - slack
            own = kinds[memory[part]]
            best = np.take_along_axis(own, worth.argmax(axis=2)[..., None], 2)
            if ((level & (own != best)).any(axis=2) & (mass > 0)).any():
                return False
    return True


def _kinds(walk: Walk, t: int, acts: IntArray) -> IntArray:
    """Return a number per message that is the same for messages of the same flow and consequences, `(C, W, R)`.

    W counts what the deviator knows: two messages are the same if they are at every profile that it holds possible.
    """
    period = walk.problem.periods[t]
    shape = period.flow.shape[:3]
    choice = (np.arange(shape[2]) * period.acts + acts[..., 0]).reshape(-1, shape[2])
    tables = [walk.flow(t)] + ([walk.leads(t)] if walk.problem.after(t) is not None else [])
    signs = np.stack([np.take_along_axis(table, choice, 1) for table in tables], axis=-1).reshape(*shape, -1)
    out = np.empty((shape[0], period.width, shape[2]), np.intp)
    for c in range(shape[0]):
        for w in range(period.width):
            rows = signs[c, period.own == w].transpose(1, 0, 2).reshape(shape[2], -1)
            out[c, w] = [next(k for k in range(r + 1) if np.array_equal(rows[k], rows[r])) for r in range(shape[2])]
    return out


def _tied(walk: Walk, t: int, worth: FloatArray, counts: BoolArray) -> bool:
    """Return whether two choices that differ in flow or consequence do equally well somewhere that counts."""
    slack = TIE * scale_of(walk.problem.environment.scale, worth)
    best = worth.argmax(axis=1)[:, None]
    level = worth >= np.take_along_axis(worth, best, 1) - slack
    flow = walk.flow(t)
    differs = np.abs(flow - np.take_along_axis(flow, best, 1)) > slack
    if walk.problem.after(t) is not None:
        leads = walk.leads(t)
        differs |= leads != np.take_along_axis(leads, best, 1)
    return bool((level & differs)[counts].any())
