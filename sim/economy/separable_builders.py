"""Builders of separable economies: goods sold to agents with Markov states, and arms that are learned about."""

from collections.abc import Sequence

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.separable import Economy, FirstSignal, Later, Power


def beta_signal(a: float = 1.0, b: float = 1.0, *, base: float = 0.0, power: float = 1.0) -> FirstSignal:
    """x from a Beta law (1, 1: uniform), A(x) = base + x^power."""
    from scipy.stats import beta as beta_law

    if not (a > 0 and b > 0):
        raise InputError(f"law: Beta({a:g}, {b:g}) needs positive parameters")
    return FirstSignal(beta_law(a, b), Power(base=base, power=power))


def items(
    values: Sequence[FloatArray],
    kernels: Sequence[FloatArray],
    initial: Sequence[FloatArray],
    first: Sequence[FirstSignal],
    discount: float,
    *,
    cost: float = 0.0,
    together: bool = False,
    name: str = "items",
) -> Economy:
    """One item a period for one agent (or, `together`, an item for each that is served), multiplicative values.

    Args:
        values: B_i by state, `(K_i,)`.
        kernels: `(K_i, K_i)`, or `(D, K_i, K_i)` where decisions move states.
        cost: of each item sold.
    """
    served = _served(len(values), together)
    decisions, slope, kernel = len(served), [], []
    for i, (own, law) in enumerate(zip(values, kernels, strict=True)):
        slope.append(np.outer(served[:, i], np.asarray(own, dtype=np.float64)))
        kernel.append(np.stack([law] * decisions) if np.ndim(law) == 2 else np.asarray(law))
    period = Later(
        states=tuple(state_labels(own) for own in values),
        slope=tuple(slope),
        intercept=tuple(np.zeros_like(table) for table in slope),
        cost=cost * served.sum(axis=1),
        kernel=tuple(kernel),
    )
    agents = tuple(f"buyer {i + 1}" for i in range(len(values)))
    return Economy(
        name, agents, "multiplicative", tuple(first), served_labels(served), tuple(initial), (period,), discount
    )


def _served(count: int, together: bool) -> FloatArray:
    """Who is served by each decision, `(D, N)`; the first one serves nobody."""
    if not together:
        return np.concatenate([np.zeros((1, count)), np.eye(count)])
    return np.array(list(np.ndindex(*(2,) * count)), dtype=np.float64)


def served_labels(served: FloatArray) -> tuple[str, ...]:
    """`none`, `1`, `1+2`, …"""
    return tuple("+".join(str(i + 1) for i in np.flatnonzero(row)) or "none" for row in served)


def state_labels(values: Sequence[float] | FloatArray) -> tuple[str, ...]:
    """Values as labels; numbered where two read the same."""
    shown = [f"{float(v):.6g}" for v in values]
    return tuple(s if shown.count(s) == 1 else f"{s} ({k})" for k, s in enumerate(shown))


def beta_states(a: float, b: float, depth: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Beta–Bernoulli learning cut after `depth` observations: nothing is learned after that.

    Returns:
        (successes, failures) `(K, 2)`; posterior means `(K,)`; the kernel of one observation `(K, K)`.

    >>> places, means, kernel = beta_states(1, 1, 1)
    >>> places.tolist(), means.round(3).tolist(), kernel[0].tolist()
    ([[0, 0], [0, 1], [1, 0]], [0.5, 0.333, 0.667], [0.0, 0.5, 0.5])
    """
    if depth < 0 or not (a > 0 and b > 0):
        raise InputError(f"learning: Beta({a:g}, {b:g}) cut after {depth} observations makes no sense")
    places = np.array([(s, n - s) for n in range(depth + 1) for s in range(n + 1)])
    number = {tuple(place): k for k, place in enumerate(places.tolist())}
    means = (a + places[:, 0]) / (a + b + places.sum(axis=1))
    kernel = np.zeros((len(places), len(places)))
    for k, (s, f) in enumerate(places.tolist()):
        if s + f == depth:
            kernel[k, k] = 1.0
        else:
            kernel[k, number[s + 1, f]], kernel[k, number[s, f + 1]] = means[k], 1 - means[k]
    return places, means, kernel


def arms(
    first: Sequence[FirstSignal],
    discount: float,
    *,
    depth: int,
    priors: Sequence[tuple[float, float]] | None = None,
    name: str = "arms",
    who: str = "arm",
) -> Economy:
    """One agent is served each period, or nobody; only who is served learns: B is its posterior mean.

    The state of an agent is (successes, failures) after the first signal; the chain starts at the prior.
    """
    count = len(first)
    decisions = count + 1
    slope, kernel, labels, initial = [], [], [], []
    for i, (a, b) in enumerate(priors or [(1.0, 1.0)] * count):
        places, means, law = beta_states(a, b, depth)
        slope.append(np.outer(np.arange(decisions) == i + 1, means))
        kernel.append(np.stack([law if d == i + 1 else np.eye(len(law)) for d in range(decisions)]))
        labels.append(tuple(f"{s}-{f}" for s, f in places.tolist()))
        initial.append(np.eye(len(places))[0])
    nothing = tuple(np.zeros_like(table) for table in slope)
    period = Later(tuple(labels), tuple(slope), nothing, np.zeros(decisions), tuple(kernel))
    agents = tuple(f"{who} {i + 1}" for i in range(count))
    decision_labels = ("none", *(str(i + 1) for i in range(count)))
    return Economy(name, agents, "multiplicative", tuple(first), decision_labels, tuple(initial), (period,), discount)
