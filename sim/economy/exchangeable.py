"""Economies of many agents who are alike: one agent's law and utilities, whatever the number of agents.

Every agent has the same signals, which move by one chain each, whatever is decided. A decision either means the same
for everybody, or serves one agent and means the same for all others. So exchanging two agents exchanges their signals
and the two decisions that serve them, and changes nothing else: that follows from how the economy is written, and needs
no table over profiles, of which 60 agents with 3 signals have 4e28.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray, IntArray, readonly
from dynmech.sim.core.checks import check_finite, check_law, check_shape
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.draws import Inverse
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.kernels import cumulate


@dataclass(frozen=True, eq=False, kw_only=True)
class ExchangeableEnvironment(FunctionEnvironment):
    """An economy of agents who are alike, by one agent's tables; `exchangeable_environment` makes one.

    Parameters
    ----------
    name, agents, discount, horizon, signals, decisions, law, payoff, bound, grid
        As in `FunctionEnvironment`; decisions that mean the same for everybody come first, then one per agent.
    prior : float array, shape (K,)
        Probabilities of an agent's first signal.
    chain : float array, shape (K, K)
        P(next | present) of an agent's signal.
    flow : float array, shape (C + 2, K)
        An agent's utility by its signal: under each of the C decisions that mean the same for everybody, where it is
        the one that is served, and where another one is.
    """

    prior: FloatArray
    chain: FloatArray
    flow: FloatArray

    @property
    def common(self) -> int:
        """C, the number of decisions that mean the same for everybody; decision C + i serves agent i."""
        return len(self.flow) - 2

    @cached_property
    def scale(self) -> float:
        """Largest minus least flow utility, 1 if all are equal."""
        return float(self.flow.max() - self.flow.min()) or 1.0

    @property
    def worth(self) -> FloatArray:
        """What it adds to welfare that an agent is served, by its signal, `(K,)`."""
        return np.asarray(self.flow[-2] - self.flow[-1])


def exchangeable_environment(
    agents: tuple[str, ...],
    signals: tuple[str, ...],
    decisions: tuple[str, ...],
    *,
    prior: FloatArray,
    chain: FloatArray,
    flow: FloatArray,
    discount: float,
    horizon: int | None = None,
    name: str = "interchangeable agents",
) -> ExchangeableEnvironment:
    """Return an economy of agents who are alike.

    Args:
        agents: names of the N agents.
        signals: labels of an agent's K signals.
        decisions: labels of the C decisions that mean the same for everybody, then of those that serve one agent, N.
        prior: an agent's first signal, `(K,)`.
        chain: P(next | present) of an agent's signal, `(K, K)`; decisions do not move it.
        flow: an agent's utility, `(C + 2, K)`: under the common decisions, if served, if another one is served.

    Raises:
        InputError: a shape does not fit, or a row is no law.
    """
    where, count, size = f"environment {name!r}", len(agents), len(signals)
    prior, chain, flow = (readonly(np.asarray(table, dtype=np.float64)) for table in (prior, chain, flow))
    check_shape(prior, (size,), f"{where}: prior")
    check_shape(chain, (size, size), f"{where}: chain")
    check_law(prior, f"{where}: prior", 1)
    check_law(chain, f"{where}: chain", 1)
    if flow.ndim != 2 or flow.shape[1] != size or len(flow) != len(decisions) - count + 2:
        raise InputError(
            f"{where}: flow: shape {list(flow.shape)}, expected {[len(decisions) - count + 2, size]}: the decisions "
            "that mean the same for everybody, being served, and another one being served, by signals"
        )
    check_finite(flow, f"{where}: flow")
    first, moves = Inverse([cumulate(prior[None])]), Inverse([cumulate(chain)])

    def law(_t: int, last: Array | None, _decision: Array | None, uniforms: FloatArray) -> IntArray:
        drawn = uniforms.reshape(1, -1)
        rows = np.zeros(drawn.shape, np.intp) if last is None else last.reshape(1, -1)
        return (first if last is None else moves)(rows, drawn).reshape(uniforms.shape)

    def payoff(_t: int, held: Array, decision: Array) -> FloatArray:
        served = decision[:, None] == len(flow) - 2 + np.arange(count)
        role = np.where(decision[:, None] < len(flow) - 2, decision[:, None], len(flow) - 1 - served)
        return np.asarray(flow[role, held])

    return ExchangeableEnvironment(
        name=name,
        agents=agents,
        discount=discount,
        horizon=horizon,
        signals=(Finite(signals),) * count,
        decisions=Finite(decisions),
        law=law,
        payoff=payoff,
        bound=float(np.abs(flow).max()),
        prior=prior,
        chain=chain,
        flow=flow,
    )


def interchangeable_bidders(
    values: Sequence[float],
    prior: FloatArray,
    chain: FloatArray,
    bidders: int,
    discount: float,
    horizon: int | None,
    name: str,
) -> ExchangeableEnvironment:
    """Return the auction of one good in every period among bidders who are alike, as `single_object` would."""
    own = np.asarray(values, dtype=np.float64)
    return exchangeable_environment(
        tuple(f"bidder {i + 1}" for i in range(bidders)),
        tuple(f"{value:g}" for value in values),
        ("none", *(str(i + 1) for i in range(bidders))),
        prior=prior,
        chain=chain,
        flow=np.stack([np.zeros(len(own)), own, np.zeros(len(own))]),
        discount=discount,
        horizon=horizon,
        name=name,
    )
