"""Gittins indices of a finite Markov chain with rewards, by two methods; and the printed formula, which is no index.

    g(s) = sup_τ E[Σ_{t=0}^{τ} δ^t r(s_t)] / E[Σ_{t=0}^{τ} δ^t],   τ + 1 a stopping time of the chain from s:

whether to go on after period t is chosen when s_{t+1} is seen.

*Largest remaining index*: the best state's index is its reward; given the states of higher index, the index of any
other state stops on leaving them; the largest is next. *Restart*: g(s) = (1 − δ) V, V the value at s of a problem in
which one may at any time start again from s. Both are exact up to linear solves.

Source: Kakade, Lobel and Nazerzadeh 2011, §6.2.2 (26), corrected: a quotient of expectations, not the expectation of
the quotient (`printed_index`). Methods: Varaiya, Walrand and Buyukkoc 1985; Katehakis and Veinott 1987.
"""

from functools import cache

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import first_largest, scale_of

ROUNDS = 500
"""Rounds of policy iteration in the restart problem."""


def gittins_index(reward: FloatArray, kernel: FloatArray, discount: float) -> FloatArray:
    """Return the Gittins index by largest remaining index, `(K,)`.

    >>> gittins_index(np.array([0.0, 1.0]), np.array([[0.0, 1.0], [0.0, 1.0]]), 0.5).tolist()
    [0.5, 1.0]
    """
    count = len(reward)
    index, left = np.full(count, -np.inf), np.ones(count, np.bool_)
    earned, time = np.array(reward, dtype=np.float64), np.ones(count)
    while left.any():
        quotient = np.where(left, earned / time, -np.inf)
        best = first_largest(quotient)
        index[best], left[best] = quotient[best], False
        above = ~left
        # Stop on leaving the states of higher index: a state's own period, then theirs for as long as it stays there.
        inner = np.linalg.solve(
            np.eye(above.sum()) - discount * kernel[np.ix_(above, above)],
            np.stack([reward[above], np.ones(above.sum())], axis=1),
        )
        ahead = discount * kernel[:, above] @ inner
        earned, time = reward + ahead[:, 0], 1 + ahead[:, 1]
    return index


def restart_index(reward: FloatArray, kernel: FloatArray, discount: float) -> FloatArray:
    """Return the Gittins index by restart problems, `(K,)`, one decision problem per state."""
    return np.array([_restart(reward, kernel, discount, s) for s in range(len(reward))])


def _restart(reward: FloatArray, kernel: FloatArray, discount: float, state: int) -> float:
    """Return one state's index: (1 − δ) times the value of its restart problem."""
    count = len(reward)
    again = np.zeros(count, np.bool_)
    for _ in range(ROUNDS):
        law = np.where(again[:, None], kernel[state], kernel)
        flow = np.where(again, reward[state], reward)
        value = np.linalg.solve(np.eye(count) - discount * law, flow)
        better = value[state] > reward + discount * kernel @ value + 1e-13 * scale_of(value)
        if np.array_equal(better, again):
            return float((1 - discount) * value[state])
        again = better
    raise Refusal(f"the restart problem of state {state} did not settle in {ROUNDS} rounds")


def printed_index(successes: float, failures: float, depth: int, discount: float) -> float:
    """Return (26) as printed, sup_τ E[Σ δ^t r / Σ δ^t], for a Beta prior and at most `depth` observations.

    The same stopping times as of the index: what was observed in period t is known when it is chosen whether to go on.
    A path's quotient depends on all that was earned: the search is over paths. After the last observation the mean
    stays, so that one goes on for ever or stops at once.

    >>> round(printed_index(1, 1, 1, 0.5), 6)  # after a success for ever, ½ (½ + ⅔); after none no more, ½
    0.541667
    """

    @cache
    def best(wins: int, losses: int, earned: float) -> float:
        """Return the best quotient from here on."""
        steps = wins + losses
        mean = (successes + wins) / (successes + failures + steps)
        now = earned + discount**steps * mean
        quotient = now / sum(discount**k for k in range(steps + 1))
        if steps == depth:
            return max(quotient, (earned + discount**steps * mean / (1 - discount)) * (1 - discount))
        after = (best(wins + 1, losses, now), best(wins, losses + 1, now))
        return mean * max(quotient, after[0]) + (1 - mean) * max(quotient, after[1])

    return best(0, 0, 0.0)
