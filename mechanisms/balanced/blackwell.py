"""The Blackwell policy (efficient at all discount factors close to 1) and its long run.

A Blackwell policy is efficient for every discount factor close enough to 1. Here it is the planner's policy at discount
factors 1 − 10^−k; it must have stopped changing. It makes the profiles a Markov chain; where that has a single ergodic
set, it has one invariant distribution λ, and ū_i = E_λ u_i is what agent i earns per period in the long run.

Source: Athey–Segal 2007, §6, Definitions 5 and 6, Lemma 1.
"""

from dataclasses import dataclass, replace

import numpy as np

from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.economy.laws_of_motion import laws

PATIENCE = (1e-3, 1e-4, 1e-5)
"""1 − δ at which policies are compared."""


@dataclass(frozen=True, eq=False)
class LongRun:
    """What happens in the long run under the Blackwell policy.

    Attributes:
        policy: the decision at every profile, `(S,)`.
        chain: P(θ′ | θ), `(S, S)`.
        invariant: λ, `(S,)`.
        utility: flow utilities on the way, `(N, S)`.
    """

    policy: IntArray
    chain: FloatArray
    invariant: FloatArray
    utility: FloatArray

    @property
    def average(self) -> FloatArray:
        """Average utility ū per period, `(N,)`."""
        return self.utility @ self.invariant

    def excess(self, discount: float) -> FloatArray:
        """Return E[Σ_t δ^t (u_i − ū_i)] from every profile, `(N, S)`; at δ = 1 the limit, which exists."""
        size = len(self.invariant)
        centred = self.utility - self.average[:, None]
        # At δ = 1 the deviation matrix (I − P + 1λ)^−1 − 1λ; λ of the centred flow is 0.
        matrix = np.eye(size) - discount * self.chain + (self.invariant if discount == 1 else 0.0)
        return np.asarray(np.linalg.solve(matrix, centred.T).T, dtype=np.float64)


_KEPT: dict[str, LongRun] = {}
"""The last long runs, by economy whatever its discount factor."""

MOST = 8
"""How many are kept."""


def long_run(environment: TableEnvironment) -> LongRun:
    """Return the long run of an environment, worked out once for all discount factors.

    Raises:
        Refusal: the horizon is finite, the policy still changes, or there are several ergodic sets.
    """
    key = environment_hash(replace(environment, discount=1 - PATIENCE[0]))
    if key not in _KEPT:
        run = _work_out(environment)
        if len(_KEPT) >= MOST:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[key] = run
    return _KEPT[key]


def _work_out(environment: TableEnvironment) -> LongRun:
    """Return the Blackwell policy, its chain and its invariant law."""
    from scipy.sparse.csgraph import connected_components

    where = f"environment {environment.name!r}"
    if not environment.stationary:
        raise Refusal(f"{where}: the long run needs an infinite horizon")
    policies = [plan(replace(environment, discount=1 - short)).policy[0].reshape(-1) for short in PATIENCE]
    if any((policy != policies[-1]).any() for policy in policies):
        raise Refusal(f"{where}: the efficient decisions still change at discount factors above {1 - PATIENCE[0]:g}")
    stage, states = environment.stage(0), np.arange(environment.stage(0).size)
    chain = laws(environment, 0)[policies[-1], states]
    _, member = connected_components((chain > 0).astype(np.int8), connection="strong")
    closed = [k for k in np.unique(member) if not chain[member == k][:, member != k].any()]
    if len(closed) > 1:
        raise Refusal(f"{where}: {len(closed)} ergodic sets under the efficient decisions, one is needed")
    size = len(chain)
    system = np.vstack([chain.T - np.eye(size), np.ones((1, size))])
    invariant = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]
    utility = stage.utility.reshape(len(environment.agents), -1)[:, policies[-1] * size + states]
    return LongRun(policies[-1], chain, np.where(member == closed[0], invariant, 0.0), utility)
