"""The same economy with public actions enforced: they become part of the public decision.

Where nobody enforces anything, an agent's action has a public part, which all see, and perhaps a hidden one; its label
is then `public/hidden`, and all combinations are there. An action without a slash is public as a whole.

Source: Athey–Segal 2007, §6: x_0 = (x_{0,1}, …, x_{0,N}) is what mechanisms with enforcement decide.
"""

from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage


class Enforced(NamedTuple):
    """The economy with public actions enforced, and the original decision behind each of its decisions, `(D,)`."""

    environment: TableEnvironment
    original: IntArray


def parts(labels: tuple[str, ...], agent: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the public and the hidden parts of an agent's actions.

    >>> parts(("out/-", "in/-"), "Ann"), parts(("out", "in"), "Ann")
    ((('out', 'in'), ('-',)), (('out', 'in'), ('-',)))
    """
    pairs = [label.partition("/") for label in labels]
    publics = tuple(dict.fromkeys(public for public, _, _ in pairs))
    hidden = tuple(dict.fromkeys(rest or "-" for _, _, rest in pairs))
    if [(public, rest or "-") for public, _, rest in pairs] != [(p, h) for p in publics for h in hidden]:
        raise Refusal(f"actions of agent {agent!r}: {', '.join(labels)} are not all combinations public/hidden")
    return publics, hidden


def enforced(environment: TableEnvironment) -> Enforced:
    """Return the economy with the public parts of actions moved into the decision.

    Raises:
        Refusal: a decision has a part that is no agent's, there are no actions, or labels do not fit.
    """
    stages = [_stage(environment, stage) for stage in environment.stages]
    original = stages[0][1]
    name = f"{environment.name}, enforced"
    return Enforced(replace(environment, name=name, stages=tuple(stage for stage, _ in stages)), original)


def _stage(environment: TableEnvironment, stage: Stage) -> tuple[Stage, IntArray]:
    """Return the enforced stage, and the original decision behind each of its decisions, `(D,)`."""
    split = [parts(labels, name) for labels, name in zip(stage.private_actions, environment.agents, strict=False)]
    sizes = [(len(public), len(hidden)) for public, hidden in split]
    if not sizes or prod(a * b for a, b in sizes) != len(stage.decisions):
        raise Refusal(f"environment {environment.name!r}: every decision must be the agents' own actions and no more")
    agents = len(sizes)
    by_part = np.arange(len(stage.decisions)).reshape([size for pair in sizes for size in pair])
    original = by_part.transpose([*range(0, 2 * agents, 2), *range(1, 2 * agents, 2)]).reshape(-1)
    secret = any(hidden > 1 for _, hidden in sizes)
    return (
        replace(
            stage,
            decisions=tuple(stage.decisions[k] for k in original),
            utility=stage.utility[:, original],
            kernel=_picked(stage.kernel, original),
            cost=None if stage.cost is None else stage.cost[original],
            private_actions=tuple(hidden for _, hidden in split) if secret else (),
        ),
        original,
    )


def _picked(kernel: JointKernel | IndependentKernel | None, order: IntArray) -> JointKernel | IndependentKernel | None:
    """Return a kernel with its decisions in another order."""

    def picked(table: FloatArray) -> FloatArray:
        return table[order]

    if isinstance(kernel, JointKernel):
        return replace(kernel, table=picked(kernel.table))
    return None if kernel is None else IndependentKernel(tuple(picked(factor) for factor in kernel.factors))
