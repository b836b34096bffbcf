"""Builders of finite environments; each returns a checked `TableEnvironment`."""

from collections.abc import Sequence
from math import log, prod

import numpy as np
from numpy.random import Generator

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

LARGEST = 50_000_000
"""Numbers that one array of an environment made here may hold."""

TOO_LARGE = f"agents, signals, decisions: utilities would hold more than {LARGEST:,} numbers"

AXES = 64
"""Axes that an array may have."""


def from_arrays(
    utility: FloatArray,
    kernel: FloatArray | Sequence[FloatArray],
    prior: FloatArray,
    discount: float,
    *,
    horizon: int | None = None,
    name: str = "arrays",
) -> TableEnvironment:
    """Return an environment with one repeated stage from plain arrays, with numbered labels.

    Parameters
    ----------
    utility : float array, shape (N, D, K_1, …, K_N)
        Flow utilities before transfers, of N agents, D decisions and K_i signals of agent i.
    kernel : float array, or sequence of float arrays
        The law of the next signals: joint, shape (D, K_1, …, K_N, K_1, …, K_N); or one array of shape (D, K_i, K_i)
        per agent, if signals move independently.
    prior : float array, shape (K_1, …, K_N)
        Probabilities of the first signals.
    discount : float
        The discount factor δ.
    horizon : int or None
        The number of periods; None for infinitely many.
    name : str
        The environment's name.

    Returns
    -------
    TableEnvironment
        Agents are called "agent 1", …, signals "0", …, decisions "d0", ….

    Raises
    ------
    InputError
        An array has the wrong shape, or is no law.

    Examples
    --------
    >>> u = np.zeros((2, 1, 2, 2)); flat = np.full((1, 2, 2), 0.5)
    >>> from_arrays(u, [flat, flat], np.full((2, 2), 0.25), 0.9).stage(5).size
    4
    """
    utility = np.asarray(utility, dtype=np.float64)
    if utility.ndim < 3:
        raise InputError(f"utility: shape {list(utility.shape)}, expected (agents, decisions, signals of each agent)")
    axes = utility.shape[2:]
    laws: JointKernel | IndependentKernel
    if isinstance(kernel, np.ndarray):
        laws = JointKernel(np.asarray(kernel, dtype=np.float64), axes, axes)
    else:
        laws = IndependentKernel(tuple(np.asarray(f, dtype=np.float64) for f in kernel))
    stage = Stage(
        signals=tuple(tuple(str(k) for k in range(width)) for width in axes),
        decisions=tuple(f"d{d}" for d in range(utility.shape[1])),
        utility=utility,
        kernel=laws,
    )
    agents = tuple(f"agent {i + 1}" for i in range(utility.shape[0]))
    return TableEnvironment(name, agents, np.asarray(prior, dtype=np.float64), (stage,), discount, horizon)


def single_object(
    values: Sequence[Sequence[float]],
    kernels: Sequence[FloatArray],
    prior: FloatArray,
    discount: float,
    *,
    horizon: int | None = None,
    reserve: bool = True,
    name: str = "single-object",
) -> TableEnvironment:
    """Return an environment in which one good goes to one agent in each period; values are private.

    Parameters
    ----------
    values : sequence of sequences of float
        Agent i's value in each of its K_i signals; the labels show them.
    kernels : sequence of float arrays
        Agent i's law of motion, shape (D, K_i, K_i), or (K_i, K_i) if decisions do not move signals.
    prior : float array, shape (K_1, …, K_N)
        Probabilities of the first signals.
    discount : float
        The discount factor δ.
    horizon : int or None
        The number of periods; None for infinitely many.
    reserve : bool
        Whether the designer may keep the good (decision "none", the first one).
    name : str
        The environment's name.

    Returns
    -------
    TableEnvironment
        Agents are called "bidder 1", …, decisions "none", "1", ….

    Raises
    ------
    InputError
        An array has the wrong shape or is no law, or utilities would hold too many numbers.

    Examples
    --------
    >>> still = np.eye(2)
    >>> environment = single_object([[1, 2], [0, 3]], [still, still], np.full((2, 2), 0.25), 0.9)
    >>> environment.stage(0).decisions
    ('none', '1', '2')
    """
    count = len(values)
    decisions = (*(("none",) if reserve else ()), *(str(i + 1) for i in range(count)))
    shift = 1 if reserve else 0
    axes = tuple(len(v) for v in values)
    require_tables(count, len(decisions), axes)
    utility = np.zeros((count, len(decisions), *axes))
    for i, own in enumerate(values):
        utility[i, i + shift] = _along(own, i, count)
    stage = Stage(
        signals=tuple(_labels(own) for own in values),
        decisions=decisions,
        utility=utility,
        kernel=_own_kernels(kernels, len(decisions)),
    )
    agents = tuple(f"bidder {i + 1}" for i in range(count))
    return TableEnvironment(name, agents, np.asarray(prior, dtype=np.float64), (stage,), discount, horizon)


def trade(
    costs: Sequence[float],
    values: Sequence[Sequence[float]],
    kernels: Sequence[FloatArray],
    prior: FloatArray,
    discount: float,
    *,
    horizon: int | None = None,
    name: str = "trade",
) -> TableEnvironment:
    """Return an environment in which a seller's good goes to one buyer or stays, in each period.

    Parameters
    ----------
    costs : sequence of float
        The seller's cost of parting with the good, by its signal.
    values : sequence of sequences of float
        Each buyer's value, by its signal.
    kernels : sequence of float arrays
        Laws of motion, the seller's first, shape (D, K, K), or (K, K) if decisions do not move signals.
    prior : float array, shape (K_1, …, K_N)
        Probabilities of the first signals, the seller's axis first.
    discount : float
        The discount factor δ.
    horizon : int or None
        The number of periods; None for infinitely many.
    name : str
        The environment's name.

    Returns
    -------
    TableEnvironment
        Agents are called "seller", "buyer 1", …, decisions "no trade", "buyer 1", ….

    Raises
    ------
    InputError
        An array has the wrong shape or is no law, or utilities would hold too many numbers.

    Examples
    --------
    >>> still = np.eye(2)
    >>> environment = trade([1, 3], [[2, 4]], [still, still], np.full((2, 2), 0.25), 0.9)
    >>> environment.stage(0).utility[:, 1].tolist()
    [[[-1.0, -1.0], [-3.0, -3.0]], [[2.0, 4.0], [2.0, 4.0]]]
    """
    sides = [costs, *values]
    axes = tuple(len(side) for side in sides)
    decisions = ("no trade", *(f"buyer {j + 1}" for j in range(len(values))))
    require_tables(len(sides), len(decisions), axes)
    utility = np.zeros((len(sides), len(decisions), *axes))
    for i, side in enumerate(sides):
        if i == 0:
            utility[i, 1:] = -_along(side, i, len(sides))
        else:
            utility[i, i] = _along(side, i, len(sides))
    stage = Stage(
        signals=tuple(_labels(side) for side in sides),
        decisions=decisions,
        utility=utility,
        kernel=_own_kernels(kernels, len(decisions)),
    )
    agents = ("seller", *(f"buyer {j + 1}" for j in range(len(values))))
    return TableEnvironment(name, agents, np.asarray(prior, dtype=np.float64), (stage,), discount, horizon)


def random_environment(
    generator: Generator,
    *,
    agents: int = 2,
    signals: int = 3,
    decisions: int = 2,
    discount: float = 0.9,
    horizon: int | None = None,
    correlation: float = 1.0,
    interdependence: float = 1.0,
    singular_value: float = 0.0,
    independent: bool = False,
    name: str = "random",
) -> TableEnvironment:
    """Return a random environment with one repeated stage.

    Parameters
    ----------
    generator : numpy.random.Generator
        Where the numbers are drawn from.
    agents, signals, decisions : int
        Number of agents, of signals per agent, and of decisions.
    discount : float
        The discount factor δ.
    horizon : int or None
        The number of periods; None for infinitely many.
    correlation : float
        Weight in [0, 1] of a joint random kernel and prior beside a product of the agents' own; 0 gives signals that
        move independently (in a joint table).
    interdependence : float
        Weight in [0, 1] of a utility that depends on the whole profile beside one that depends on the own signal
        only; 0 gives private values.
    singular_value : float
        The smallest singular value of every belief matrix M^i(a, θ_{−i}) is at least this.
    independent : bool
        Whether to make an independent kernel (one table per agent); needs `correlation=0`.
    name : str
        The environment's name.

    Returns
    -------
    TableEnvironment
        As `from_arrays` makes it.

    Raises
    ------
    InputError
        An argument is out of range, or no draw out of 200 reaches `singular_value`.

    Examples
    --------
    >>> random_environment(np.random.default_rng(0), agents=2, signals=3).prior.shape
    (3, 3)
    """
    _check_random(agents, signals, decisions, correlation, interdependence, singular_value, independent)
    axes = (signals,) * agents
    private = np.stack([_own_values(generator, axes, decisions, i) for i in range(agents)])
    common = generator.uniform(-1, 1, (agents, decisions, *axes))
    utility = (1 - interdependence) * private + interdependence * common
    prior = _random_prior(generator, axes, correlation)
    factors = tuple(generator.dirichlet(np.ones(signals), (decisions, signals)) for _ in range(agents))
    if independent:
        return from_arrays(utility, factors, prior, discount, horizon=horizon, name=name)
    product = IndependentKernel(factors).rows()
    for _ in range(200):
        joint = generator.dirichlet(np.full(signals**agents, 0.3), product.shape[:2])
        rows = (1 - correlation) * product + correlation * joint
        table = (rows / rows.sum(axis=-1, keepdims=True)).reshape(decisions, *axes, *axes)
        if singular_value <= 0 or _least_singular_value(table, agents, signals) >= singular_value:
            return from_arrays(utility, table, prior, discount, horizon=horizon, name=name)
    raise InputError(
        f"singular_value: no draw out of 200 reached {singular_value:g} with {agents} agents and {signals} signals"
    )


def _check_random(
    agents: int,
    signals: int,
    decisions: int,
    correlation: float,
    interdependence: float,
    singular_value: float,
    independent: bool,
) -> None:
    """Raise InputError if an argument of `random_environment` is out of range."""
    for label, value in (("correlation", correlation), ("interdependence", interdependence)):
        if not 0 <= value <= 1:
            raise InputError(f"{label}: {value:g} is not in [0, 1]")
    if min(agents, signals, decisions) < 1:
        raise InputError("agents, signals and decisions: each must be at least 1")
    if independent and (correlation or singular_value):
        raise InputError("independent: an independent kernel needs correlation=0 and singular_value=0")
    if not independent and log(decisions) + 2 * agents * log(signals) > log(LARGEST):
        raise InputError(
            f"agents, signals, decisions: a joint kernel would hold more than {LARGEST:,} numbers; "
            "use independent=true or smaller ones"
        )
    if log(agents * decisions) + agents * log(signals) > log(LARGEST):
        raise InputError(TOO_LARGE)
    most = AXES - 2 if independent else (AXES - 1) // 2
    if agents > most:
        raise InputError(f"agents: {agents} are more than the {most} that an array has axes for")


def _random_prior(generator: Generator, axes: tuple[int, ...], correlation: float) -> FloatArray:
    """A random law of the first signals, `(*K)`: a product mixed with a joint law."""
    own_prior = [generator.dirichlet(np.ones(width)) for width in axes]
    prior = np.ones(())
    for law in own_prior:
        prior = np.multiply.outer(prior, law)
    mixed = generator.dirichlet(np.ones(prod(axes))).reshape(axes)
    prior = (1 - correlation) * prior + correlation * mixed
    return prior / prior.sum()


def too_large(agents: int, decisions: int, axes: Sequence[int]) -> bool:
    """Return whether utilities `(N, D, *K)` would be too large an array."""
    return 2 + len(axes) > AXES or agents * decisions * prod(axes) > LARGEST


def require_tables(agents: int, decisions: int, axes: Sequence[int]) -> None:
    """Raise InputError if utilities `(N, D, *K)` would be too large an array."""
    if too_large(agents, decisions, axes):
        raise InputError(TOO_LARGE)


def _labels(values: Sequence[float]) -> tuple[str, ...]:
    """The values as text, numbered where two read the same."""
    shown = [f"{v:g}" for v in values]
    return tuple(text if shown.count(text) == 1 else f"{text} ({k})" for k, text in enumerate(shown))


def _along(values: Sequence[float], agent: int, count: int) -> FloatArray:
    """Values of the agent's own signal, shaped to broadcast over profiles."""
    shape = [1] * count
    shape[agent] = len(values)
    return np.asarray(values, dtype=np.float64).reshape(shape)


def _own_kernels(kernels: Sequence[FloatArray], decisions: int) -> IndependentKernel:
    """One `(D, K, K)` table per agent, from `(D, K, K)` or `(K, K)`."""
    tables = [np.asarray(k, dtype=np.float64) for k in kernels]
    return IndependentKernel(tuple(np.stack([k] * decisions) if k.ndim == 2 else k for k in tables))


def _own_values(generator: Generator, axes: tuple[int, ...], decisions: int, agent: int) -> FloatArray:
    """A random utility of one agent that depends on its own signal only, `(D, *K)`."""
    shape = [1] * len(axes)
    shape[agent] = axes[agent]
    own = generator.uniform(-1, 1, (decisions, *shape))
    return np.array(np.broadcast_to(own, (decisions, *axes)))


def _least_singular_value(table: FloatArray, agents: int, signals: int) -> float:
    """The smallest singular value of all belief matrices of a joint kernel; 0 where they cannot have full rank."""
    least = np.inf
    for i in range(agents):
        law = table.sum(axis=1 + agents + i)
        law = np.moveaxis(law, 1 + i, -1).reshape(table.shape[0], signals ** (agents - 1), -1, signals)
        if law.shape[2] < signals:
            return 0.0
        least = min(least, float(np.linalg.svd(law, compute_uv=False)[..., -1].min()))
    return least
