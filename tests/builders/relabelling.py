"""The same economy with agents, signals and decisions listed in another order, or with something listed twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage


@dataclass(frozen=True, eq=False)
class Listing:
    """What stands at each new place: an agent, by (old) agent a signal, a decision."""

    agents: IntArray
    signals: tuple[IntArray, ...]
    decisions: IntArray


def as_listed(environment: TableEnvironment) -> Listing:
    """The listing that changes nothing."""
    stage = environment.stage(0)
    return Listing(
        np.arange(len(stage.signals)),
        tuple(np.arange(len(labels)) for labels in stage.signals),
        np.arange(len(stage.decisions)),
    )


def shuffled(rng: np.random.Generator, environment: TableEnvironment, *, signals: bool = True) -> Listing:
    """A random listing of everything; `signals`: of signals, too."""
    plain = as_listed(environment)
    order = tuple(rng.permutation(own) if signals else own for own in plain.signals)
    return Listing(rng.permutation(plain.agents), order, rng.permutation(plain.decisions))


def relisted(environment: TableEnvironment, listing: Listing) -> TableEnvironment:
    """The same economy, listed anew; nothing public, no private actions, every period the same sets."""
    agents = [environment.agents[i] for i in listing.agents]
    stages = tuple(_stage(stage, listing) for stage in environment.stages)
    prior = _profiles(environment.prior, 0, listing)
    return replace(environment, agents=tuple(agents), stages=stages, prior=prior)


def with_decision_twice(environment: TableEnvironment, decision: int) -> TableEnvironment:
    """The same economy with a decision that stands once more at the end."""
    plain = as_listed(environment)
    return relisted(environment, replace(plain, decisions=np.append(plain.decisions, decision)))


def with_signal_twice(environment: TableEnvironment, agent: int, signal: int) -> TableEnvironment:
    """The same economy with a signal that stands once more at the end, each of the two half as likely; joint laws."""
    stage = environment.stage(0)
    order = [np.arange(len(labels)) for labels in stage.signals]
    order[agent] = np.append(order[agent], signal)
    listing = replace(as_listed(environment), signals=tuple(order))
    kernel = stage.kernel
    assert isinstance(kernel, JointKernel)
    share = np.ones(len(order[agent]))
    share[[signal, -1]] = 0.5
    count = len(order)
    spread = share.reshape([-1 if i == agent else 1 for i in range(count)])
    table = _profiles(_profiles(kernel.table, 1, listing), 1 + count, listing) * spread
    again = replace(
        stage,
        signals=tuple(_labels(own, order[i]) for i, own in enumerate(stage.signals)),
        utility=_profiles(stage.utility, 2, listing),
        kernel=JointKernel(table, table.shape[1 : 1 + count], table.shape[1 + count :]),
    )
    return replace(environment, stages=(again,), prior=_profiles(environment.prior, 0, listing) * spread)


def _stage(stage: Stage, listing: Listing) -> Stage:
    utility = _profiles(stage.utility[listing.agents][:, listing.decisions], 2, listing)
    return Stage(
        tuple(_labels(stage.signals[i], listing.signals[i]) for i in listing.agents),
        _labels(stage.decisions, listing.decisions),
        utility,
        _kernel(stage.kernel, listing),
        cost=None if stage.cost is None else stage.cost[listing.decisions],
    )


def _labels(labels: tuple[str, ...], order: IntArray) -> tuple[str, ...]:
    chosen = [labels[k] for k in order]
    return tuple(label + " again" * chosen[:k].count(label) for k, label in enumerate(chosen))


def _kernel(kernel: JointKernel | IndependentKernel | None, listing: Listing) -> JointKernel | IndependentKernel | None:
    if kernel is None:
        return None
    if isinstance(kernel, IndependentKernel):
        return IndependentKernel(
            tuple(
                kernel.factors[i][listing.decisions][:, listing.signals[i]][:, :, listing.signals[i]]
                for i in listing.agents
            )
        )
    now = _profiles(kernel.table[listing.decisions], 1, listing)
    table = _profiles(now, 1 + len(listing.agents), listing)
    count = len(listing.agents)
    return JointKernel(table, table.shape[1 : 1 + count], table.shape[1 + count :])


def _profiles(table: FloatArray, first: int, listing: Listing) -> FloatArray:
    """Put the agents' axes, from `first` on, in the new order."""
    count = len(listing.agents)
    order: Sequence[int] = [
        *range(first),
        *(first + int(i) for i in listing.agents),
        *range(first + count, table.ndim),
    ]
    out = np.transpose(table, order)
    for place, i in enumerate(listing.agents):
        out = np.take(out, listing.signals[i], axis=first + place)
    return np.ascontiguousarray(out)
