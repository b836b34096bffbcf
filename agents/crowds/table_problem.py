"""The deviator's problem against crowds, from tables: who can be exchanged is proved by exchanging.

Two of the others that come one after the other (the deviator left out) belong to one crowd where they have the same
signals, law and prior, and where exchanging their reports changes neither the deviator's utility nor what it pays, at
any of all reported profiles and any true signal of the deviator. All exchanges of a crowd follow from these. Where no
exchange works, crowds of one agent are left, and the search is the full one.
"""

from itertools import pairwise

import numpy as np

from dynmech.agents.crowds.crowd_problem import Crowd, CrowdProblem, lump
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import RuleTables, tabulate
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import FLOOR, scale_of
from dynmech.sim.economy.chains import count_vectors
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel


def crowd_problems(environment: TableEnvironment, mechanism: Mechanism, deviators: list[int]) -> list[CrowdProblem]:
    """Return what each of some deviators faces.

    Raises:
        Refusal: decisions move signals, agents' signals are drawn together, or the mechanism remembers, asks, or
            prescribes anything but the truth; the first reason.
    """
    priors, chains = _independent_laws(environment)
    rules = _rules(environment, mechanism)
    return [_problem(environment, rules, i, priors, chains) for i in deviators]


def _independent_laws(environment: TableEnvironment) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return every agent's prior and chain.

    Raises:
        Refusal: there is no such thing.
    """
    stage, kernel = environment.stage(0), environment.stage(0).kernel
    if len(environment.stages) > 1 or stage.public or stage.private_actions:
        raise Refusal("crowds: periods differ, or there are public states or private actions")
    count, prior = len(environment.agents), environment.prior
    priors = [prior.sum(axis=tuple(j for j in range(count) if j != i)) for i in range(count)]
    product = priors[0]
    for one in priors[1:]:
        product = np.multiply.outer(product, one)
    if np.abs(product - prior).max() > FLOOR:
        raise Refusal("crowds: the first signals of agents are drawn together")
    if kernel is None:
        return priors, [np.eye(len(one)) for one in priors]
    if not isinstance(kernel, IndependentKernel):
        raise Refusal("crowds: the next signals of agents are drawn together")
    for name, factor in zip(environment.agents, kernel.factors, strict=True):
        if (factor != factor[:1]).any():
            raise Refusal(f"crowds: decisions move the signal of agent {name!r}")
    return priors, [factor[0] for factor in kernel.factors]


def _rules(environment: TableEnvironment, mechanism: Mechanism) -> RuleTables:
    """Return the rules of the period that repeats.

    Raises:
        Refusal: the mechanism remembers, asks, or prescribes anything but the truth, or periods differ.
    """
    entries = range(2 if environment.horizon is None else environment.horizon)
    tables = [tabulate(mechanism, t) for t in entries]
    first, name = tables[0], mechanism.name
    if mechanism.lags or any(one.memories > 1 or one.acts for one in tables):
        raise Refusal(f"crowds: mechanism {name!r} remembers, or looks at acts")
    slack = FLOOR * scale_of(environment.scale, first.charge)
    for one in tables:
        asked = zip(one.prescribed, one.shape[1:], strict=True)
        if any(sent.shape[2] != k or (sent != np.arange(k)).any() for sent, k in asked):
            raise Refusal(f"crowds: mechanism {name!r} does not ask for signals")
        if not _alike(one, first, slack):
            raise Refusal(f"crowds: the rules of mechanism {name!r} change from period to period")
    return first


def _alike(one: RuleTables, other: RuleTables, slack: float) -> bool:
    """Return whether two periods have the same rules."""
    if one.draws != other.draws or (one.decide != other.decide).any():
        return False
    parts = ((one.chance, other.chance), (one.charge, other.charge), (one.due, other.due))
    return all(np.abs(here - there).max() <= slack for here, there in parts)


def _problem(
    environment: TableEnvironment, rules: RuleTables, agent: int, priors: list[FloatArray], chains: list[FloatArray]
) -> CrowdProblem:
    """Return what one agent faces."""
    earned, slack = _earned(environment, rules, agent), FLOOR * scale_of(environment.scale, rules.charge)
    others = [j for j in range(len(priors)) if j != agent]
    groups = [[others[0]]] if others else []
    for place, (i, j) in enumerate(pairwise(others)):
        alike = _same(priors[i], priors[j]) and _same(chains[i], chains[j])
        if alike and np.abs(earned - np.swapaxes(earned, 3 + place, 4 + place)).max() <= slack:
            groups[-1].append(j)
        else:
            groups.append([j])
    crowds = tuple(Crowd(len(group), priors[group[0]], chains[group[0]]) for group in groups)
    for axis, crowd in enumerate(crowds, 3):
        earned = _counted(earned, axis, crowd)
    return CrowdProblem(
        agent,
        priors[agent],
        chains[agent],
        crowds,
        lump(earned, len(crowds)),
        environment.discount,
        environment.horizon,
    )


def _earned(environment: TableEnvironment, rules: RuleTables, agent: int) -> FloatArray:
    """Return expected utility and charge by true signal, report and the others' signals, `(2, K, K, *others)`."""
    stage = environment.stage(0)
    size, step = stage.axes[agent], int(np.prod(stage.axes[agent + 1 :]))
    place = np.arange(stage.size)
    report = place // step % size
    chance, decide = rules.chance[0], rules.decide[0]
    table = stage.utility[agent].reshape(len(stage.decisions), -1)
    utility = [(chance * table[decide, (place + (k - report) * step)[:, None]]).sum(axis=1) for k in range(size)]
    paid = (chance * rules.charge[agent, 0]).sum(axis=1) + rules.due[agent, 0]
    both = np.stack([np.stack(utility), np.broadcast_to(paid, (size, stage.size))])
    return np.moveaxis(both.reshape(2, size, *stage.axes), 2 + agent, 2)


def _counted(earned: FloatArray, axis: int, crowd: Crowd) -> FloatArray:
    """Return the table with the axes of a crowd's agents, from `axis` on, replaced by one of its numbers."""
    size = len(crowd.prior)
    profiles = [np.repeat(np.arange(size), numbers) for numbers in count_vectors(crowd.size, size)]
    flat = np.ravel_multi_index(tuple(np.array(profiles).T), (size,) * crowd.size)
    shape = earned.shape
    whole = earned.reshape(*shape[:axis], size**crowd.size, *shape[axis + crowd.size :])
    return whole.take(flat, axis=axis)


def _same(one: FloatArray, other: FloatArray) -> bool:
    return one.shape == other.shape and bool(np.abs(one - other).max() <= FLOOR)
