"""The largest gain under any law in a ball, bounded from below: laws that are found, then searched exactly.

From a state and a first choice there, the gain Q(s, r) − V(s) is a function of the law μ. Its derivative in the row of
an event e is

    δ Σ_k [x_l(k) W(m_k, ·) − x_h(k) V(m_k, ·)],   k the post-decision states on e,

with x_l and x_h how often, discounted, the lie (the best response after it) and truth pass through k. The best law in
the ball along that derivative is tried, then a quarter of the way there; the lie answers; and again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import Problem
from dynmech.agents.oracle.search import Family, Information, Value, solve, worth_of_actions
from dynmech.agents.robustness.balls import Ball, highest_law
from dynmech.agents.robustness.robust_values import Walk
from dynmech.sim.core.arrays import BoolArray, FloatArray, IntArray
from dynmech.sim.economy.laws_of_motion import WrittenLaw

STARTS = 4
"""First lies that are tried."""

STEPS = 8
"""Times that law and lie answer each other."""

SHORTER = (1.0, 0.25)

LARGEST = 3000
"""States up to which visits are worked out."""

Rows = tuple[FloatArray | None, ...]


@dataclass(frozen=True, eq=False)
class Solved:
    """A law, and what it gives.

    Attributes:
        gain: of a best response, largest over states that some play leads to.
    """

    rows: Rows
    problem: Problem
    best: Value
    truth: Value
    gain: float


def solve_under(walk: Walk, rows: Rows) -> Solved:
    """Search exactly under a law: rules and transfers stay."""
    problem = walk.problem
    periods = tuple(
        period if period.law is None else replace(period, law=_written(period.law.decisions, rows[walk.stage[t]]))
        for t, period in enumerate(problem.periods)
    )
    own = replace(problem, periods=periods)
    best, truth = (solve(own, family, Information.EX_POST) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    return Solved(rows, own, best, truth, worst_gain(own, best, truth).gain)


def _written(decisions: int, rows: FloatArray | None) -> WrittenLaw:
    assert rows is not None
    return WrittenLaw(rows.reshape(decisions, -1, rows.shape[1]))


def largest_found(walk: Walk, ball: Ball, *, enough: float = np.inf) -> float:
    """Return the largest gain of a best response under the laws in a ball that were found; at least the nominal one.

    Args:
        enough: the search may stop when a gain is above this.
    """
    nominal = solve_under(walk, ball.rows)
    most = nominal.gain
    if max(len(walk.flow(t)) for t in range(len(walk.problem.periods))) > LARGEST:
        return most
    for first in first_lies(walk, nominal):
        if most > enough:
            break
        now = nominal
        for _ in range(STEPS):
            better = _answer(walk, ball, now, first, most)
            if better is None:
                break
            now, most = better, max(most, better.gain)
    return most


def first_lies(walk: Walk, solved: Solved) -> Iterator[tuple[int, int, int]]:
    """Yield entries, states and choices: the first lies that lose least under a law, one for each state."""
    found = []
    for t in range(len(walk.problem.periods)):
        worth = _worth(walk, solved, t)
        honest = walk.honest(t)[:, None]
        lies = worth - np.take_along_axis(worth, honest, 1)
        np.put_along_axis(lies, honest, -np.inf, 1)
        lies[_changes_nothing(walk, t)] = -np.inf
        occurs = walk.problem.reachable[t][0].reshape(-1)
        best = np.where(occurs, lies.max(axis=1), -np.inf)
        for state in np.argsort(-best, kind="stable")[:STARTS]:
            if np.isfinite(best[state]):
                found.append((float(best[state]), t, int(state), int(lies[state].argmax())))
    found.sort(key=lambda start: -start[0])
    return ((t, state, choice) for _, t, state, choice in found[:STARTS])


def _changes_nothing(walk: Walk, t: int) -> BoolArray:
    """Return which choices have the flow and the consequences of the prescribed one, `(n, Q)`."""
    honest, flow = walk.honest(t)[:, None], walk.flow(t)
    same = np.asarray(flow == np.take_along_axis(flow, honest, 1))
    if walk.problem.after(t) is not None:
        leads = walk.leads(t)
        same &= leads == np.take_along_axis(leads, honest, 1)
    return same


def _worth(walk: Walk, solved: Solved, t: int) -> FloatArray:
    """Return what choices are worth with a best response after them, `(n, Q)`."""
    worth = worth_of_actions(solved.problem.periods[t], solved.best.ahead[t], solved.problem.discount)
    return worth.reshape(len(walk.flow(t)), -1)


def _answer(walk: Walk, ball: Ball, now: Solved, first: tuple[int, int, int], most: float) -> Solved | None:
    """Return a law under which the gain from a first lie is larger, searched; None if none is found."""
    target = _towards(walk, ball, now, first)
    before = _gain_from(walk, now, first)
    for share in SHORTER:
        rows = tuple(
            None if new is None or old is None else old + share * (new - old)
            for new, old in zip(target, now.rows, strict=True)
        )
        tried = solve_under(walk, rows)
        scale = walk.money * 1e-12
        if _gain_from(walk, tried, first) > before + scale or tried.gain > most + scale:
            return tried
    return None


def _gain_from(walk: Walk, solved: Solved, first: tuple[int, int, int]) -> float:
    """Return what a first lie gains, a best response after it."""
    t, state, choice = first
    honest = solved.truth.choices[t][..., 0].reshape(-1)[state]
    return float(_worth(walk, solved, t)[state, choice] - honest)


def _towards(walk: Walk, ball: Ball, solved: Solved, first: tuple[int, int, int]) -> list[FloatArray | None]:
    """Return the law in the ball that is best along the derivative of the gain from a first lie."""
    t, state, choice = first
    policy = [_worth(walk, solved, e).argmax(axis=1) for e in range(len(walk.problem.periods))]
    truth = [walk.honest(e) for e in range(len(policy))]
    slopes: list[FloatArray | None] = [None if rows is None else np.zeros(rows.shape) for rows in ball.rows]
    for choices, start, value, sign in (
        (policy, choice, solved.best, 1.0),
        (truth, int(truth[t][state]), solved.truth, -1.0),
    ):
        for entry, visits in _visits(walk, solved, choices, (t, state, start)):
            after = walk.problem.after(entry)
            slope = slopes[walk.stage[entry]]
            if after is None or slope is None:
                continue
            worth = value.choices[after].max(axis=2)  # of truth there is one choice
            origins = walk.origins(entry)
            np.add.at(slope, origins.event, sign * visits[:, None] * worth[origins.memory])
    return [
        None if slope is None or rows is None or radii is None else highest_law(slope, rows, radii)
        for slope, rows, radii in zip(slopes, ball.rows, ball.radii, strict=True)
    ]


def _visits(
    walk: Walk, solved: Solved, policy: list[IntArray], first: tuple[int, int, int]
) -> Iterator[tuple[int, FloatArray]]:
    """Yield, per entry, how often post-decision states are passed, discounted, `(P,)`."""
    t, state, choice = first
    if walk.problem.after(t) is None:
        return
    post: FloatArray = np.zeros(len(walk.origins(t)))
    post[walk.leads(t)[state, choice]] = walk.problem.discount
    yield t, post
    entry = walk.problem.after(t)
    arrived = _arrive(walk, solved, t, post)
    if not walk.problem.stationary:
        while entry is not None and walk.problem.after(entry) is not None:
            leads = np.take_along_axis(walk.leads(entry), policy[entry][:, None], 1)[:, 0]
            post = _counted(leads, walk.problem.discount * arrived, len(walk.origins(entry)))
            yield entry, post
            arrived, entry = _arrive(walk, solved, entry, post), walk.problem.after(entry)
        return
    leads = np.take_along_axis(walk.leads(1), policy[1][:, None], 1)[:, 0]
    origins, rows = walk.origins(1), solved.rows[0]
    assert rows is not None
    size, profiles = len(leads), rows.shape[1]
    moves = np.zeros((size, size // profiles, profiles))
    moves[np.arange(size), origins.memory[leads]] = rows[origins.event[leads]]
    system = np.eye(size) - walk.problem.discount * moves.reshape(size, size)
    present = np.asarray(np.linalg.solve(system.T, arrived), np.float64)
    yield 1, _counted(leads, walk.problem.discount * present, len(origins))


def _counted(places: IntArray, weights: FloatArray, size: int) -> FloatArray:
    """Return the sum of weights by place."""
    out = np.zeros(size)
    np.add.at(out, places, weights)
    return out


def _arrive(walk: Walk, solved: Solved, t: int, post: FloatArray) -> FloatArray:
    """Return how often the next entry's states are reached from post-decision states, `(n,)`."""
    origins, rows, after = walk.origins(t), solved.rows[walk.stage[t]], walk.problem.after(t)
    assert rows is not None
    assert after is not None
    out = np.zeros((walk.problem.periods[after].states, rows.shape[1]))
    np.add.at(out, origins.memory, post[:, None] * rows[origins.event])
    return out.reshape(-1)
