"""Builders of separable economies: goods sold to agents with Markov states, and arms that are learned about."""

from collections.abc import Sequence

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.bounded_laws import BetaLaw, UniformLaw
from dynmech.sim.economy.separable import Economy, FirstSignal, Later, Power


def beta_signal(a: float = 1.0, b: float = 1.0, *, base: float = 0.0, power: float = 1.0) -> FirstSignal:
    """Return a first signal x from a Beta law, with A(x) = base + x^power.

    Parameters
    ----------
    a, b : float
        The law's parameters, positive; 1 and 1 give the uniform law.
    base, power : float
        Of the scale A.

    Returns
    -------
    FirstSignal
        The law F and the scale A.

    Raises
    ------
    InputError
        A parameter is not positive.

    Examples
    --------
    >>> signal = beta_signal(base=1.0)  # uniform on [0, 1]
    >>> float(signal.law.cdf(0.25)), float(signal.scale(np.array(0.25)))
    (0.25, 1.25)
    """
    if not (a > 0 and b > 0):
        raise InputError(f"law: Beta({a:g}, {b:g}) needs positive parameters")
    return FirstSignal(UniformLaw() if a == b == 1 else BetaLaw(a, b), Power(base=base, power=power))


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
    """Return an economy that sells one item in each period, with multiplicative values A_i(x_i) B_i(s_i).

    Parameters
    ----------
    values : sequence of float arrays, shape (K_i,)
        Agent i's B_i by state.
    kernels : sequence of float arrays
        Agent i's law of motion, shape (K_i, K_i), or (D, K_i, K_i) where decisions move states.
    initial : sequence of float arrays, shape (K_i,)
        Probabilities of agent i's first later state.
    first : sequence of FirstSignal
        The agents' first signals.
    discount : float
        The discount factor δ in (0, 1).
    cost : float
        The designer's cost of each item sold.
    together : bool
        Whether any set of agents can be served, an item each; else one agent or nobody.
    name : str
        The economy's name.

    Returns
    -------
    Economy
        Without end; agents are called "buyer 1", ….

    Raises
    ------
    InputError
        An array has the wrong shape or is no law.
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
    """Labels of decisions by who is served, `(D, N)`: `none`, `1`, `1+2`, …"""
    return tuple("+".join(str(i + 1) for i in np.flatnonzero(row)) or "none" for row in served)


def state_labels(values: Sequence[float] | FloatArray) -> tuple[str, ...]:
    """Values as labels; numbered where two read the same."""
    shown = [f"{float(v):.6g}" for v in values]
    return tuple(s if shown.count(s) == 1 else f"{s} ({k})" for k, s in enumerate(shown))


def beta_states(a: float, b: float, depth: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the states of Beta–Bernoulli learning, cut after `depth` observations: nothing is learned after that.

    Parameters
    ----------
    a, b : float
        Parameters of the Beta prior, positive.
    depth : int
        Observations after which learning stops, at least 0.

    Returns
    -------
    counts : int array, shape (K, 2)
        Successes and failures in each state.
    means : float array, shape (K,)
        Posterior means.
    kernel : float array, shape (K, K)
        The law of the state after one more observation.

    Raises
    ------
    InputError
        A parameter is out of range.

    Examples
    --------
    >>> counts, means, kernel = beta_states(1, 1, 1)
    >>> counts.tolist(), means.round(3).tolist(), kernel[0].tolist()
    ([[0, 0], [0, 1], [1, 0]], [0.5, 0.333, 0.667], [0.0, 0.5, 0.5])
    """
    if depth < 0 or not (a > 0 and b > 0):
        raise InputError(f"learning: Beta({a:g}, {b:g}) cut after {depth} observations makes no sense")
    counts = np.array([(s, n - s) for n in range(depth + 1) for s in range(n + 1)])
    number = {tuple(pair): k for k, pair in enumerate(counts.tolist())}
    means = (a + counts[:, 0]) / (a + b + counts.sum(axis=1))
    kernel = np.zeros((len(counts), len(counts)))
    for k, (s, f) in enumerate(counts.tolist()):
        if s + f == depth:
            kernel[k, k] = 1.0
        else:
            kernel[k, number[s + 1, f]], kernel[k, number[s, f + 1]] = means[k], 1 - means[k]
    return counts, means, kernel


def arms(
    first: Sequence[FirstSignal],
    discount: float,
    *,
    depth: int,
    priors: Sequence[tuple[float, float]] | None = None,
    name: str = "arms",
    who: str = "arm",
) -> Economy:
    """Return an economy in which one agent or nobody is served in each period, and who is served learns its value.

    Agent i's value is A_i(x_i) times its posterior mean; its state is (successes, failures), (0, 0) at first.

    Parameters
    ----------
    first : sequence of FirstSignal
        The agents' first signals.
    discount : float
        The discount factor δ in (0, 1).
    depth : int
        Observations after which an agent's learning stops.
    priors : sequence of pairs of float, or None
        Parameters of each agent's Beta prior; None: uniform priors.
    name : str
        The economy's name.
    who : str
        What agents are called, before their number.

    Returns
    -------
    Economy
        Without end, multiplicative, at no cost.

    Raises
    ------
    InputError
        A parameter is out of range.
    """
    count = len(first)
    decisions = count + 1
    slope, kernel, labels, initial = [], [], [], []
    for i, (a, b) in enumerate(priors or [(1.0, 1.0)] * count):
        counts, means, law = beta_states(a, b, depth)
        slope.append(np.outer(np.arange(decisions) == i + 1, means))
        kernel.append(np.stack([law if d == i + 1 else np.eye(len(law)) for d in range(decisions)]))
        labels.append(tuple(f"{s}-{f}" for s, f in counts.tolist()))
        initial.append(np.eye(len(counts))[0])
    nothing = tuple(np.zeros_like(table) for table in slope)
    period = Later(tuple(labels), tuple(slope), nothing, np.zeros(decisions), tuple(kernel))
    agents = tuple(f"{who} {i + 1}" for i in range(count))
    decision_labels = ("none", *(str(i + 1) for i in range(count)))
    return Economy(name, agents, "multiplicative", tuple(first), decision_labels, tuple(initial), (period,), discount)
