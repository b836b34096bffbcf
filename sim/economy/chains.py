"""Markov chains of one agent's type, and of how many of many agents have each type.

n agents, each in one of J states, move independently by one chain to one of K states. How many are where, a vector of J
numbers that add up to n, then moves by the symmetric power of the chain. It is built agent by agent: take one agent
out of the first state that is occupied; where it goes is a row of the chain, where the others go is the law of n − 1.
"""

from functools import lru_cache
from math import comb

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray, frozen


def persistent_chain(types: int, persistence: float) -> FloatArray:
    """Return the chain in which a type stays with probability `persistence`, else becomes one of the others evenly.

    For two types this is Yoon's α-chain. To keep a type with probability k and else draw it anew, evenly from all K, is
    to stay with probability k + (1 − k) / K.

    Args:
        types: K.
        persistence: probability of staying, the diagonal of the matrix.

    Returns:
        P(next | present), `(K, K)`.

    >>> persistent_chain(2, 0.75).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    return persistence * np.eye(types) + (1 - persistence) / max(types - 1, 1) * (1 - np.eye(types))


def crowd_states(agents: int, states: int) -> int:
    """Return how many vectors of numbers there are: C(n + J − 1, J − 1).

    >>> crowd_states(59, 3)
    1830
    """
    return comb(agents + states - 1, states - 1)


@lru_cache(maxsize=1024)
def count_vectors(agents: int, states: int) -> IntArray:
    """Return every vector of numbers, the first state's falling first, `(C, J)`.

    >>> count_vectors(2, 2).tolist()
    [[2, 0], [1, 1], [0, 2]]
    """
    if states == 1:
        return frozen(np.array([[agents]], np.intp))
    parts = []
    for first in range(agents, -1, -1):
        rest = count_vectors(agents - first, states - 1)
        parts.append(np.hstack([np.full((len(rest), 1), first, np.intp), rest]))
    return frozen(np.concatenate(parts))


def places(vectors: IntArray, agents: int) -> IntArray:
    """Return the places of vectors `(..., J)` of n agents among `count_vectors`, `(...)`.

    >>> places(np.array([[1, 1], [0, 2]]), 2).tolist()
    [1, 2]
    """
    states = vectors.shape[-1]
    weights = (agents + 1) ** np.arange(states - 1, -1, -1)
    order = -(count_vectors(agents, states) @ weights)
    return np.searchsorted(order, -(vectors @ weights))


def crowd_laws(chain: FloatArray, most: int) -> list[FloatArray]:
    """Return the laws of the numbers of 0, …, n agents, `(C_J, C_K)` each, from one agent's chain `(J, K)`.

    >>> crowd_laws(np.array([[0.5, 0.5], [0.0, 1.0]]), 2)[2].tolist()
    [[0.25, 0.5, 0.25], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]]
    """
    now, then = chain.shape
    laws = [np.ones((1, 1))]  # transposed, so that whole rows are added
    for n in range(1, most + 1):
        rows, fewer = count_vectors(n, now), count_vectors(n - 1, then)
        occupied = (rows > 0).argmax(axis=1)
        without = places(rows - np.eye(now, dtype=np.intp)[occupied], n - 1)
        table = np.zeros((crowd_states(n, then), len(rows)))
        more = [places(fewer + one, n) for one in np.eye(then, dtype=np.intp)]
        for v in range(now):
            here = np.flatnonzero(occupied == v)  # in a row: numbers of the first states fall first
            part = slice(here[0], here[-1] + 1)
            before = np.ascontiguousarray(laws[-1][:, without[part]]) if v else laws[-1]
            for w in np.flatnonzero(chain[v]):
                table[slice(0, len(fewer)) if w == 0 else more[w], part] += chain[v, w] * before
        laws.append(table)
    return [table.T for table in laws]
