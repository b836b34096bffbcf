"""Markov chains of one agent's type."""

import numpy as np

from dynmech.sim.core.arrays import FloatArray


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
