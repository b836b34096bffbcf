"""The decisions that can be taken without an agent, for the value W_{−i} that the others reach alone.

An agent takes no part in a decision if its utility there is 0 whatever the signals: in an auction the good goes to
somebody else or is kept, in trade without the seller there is none. `pivot:without=feasible` lets the others choose
from these decisions only; `without=all` from all (a good could then be "sold" to the buyer without the seller's loss
being counted); decisions may also be named, joined by `+`.
"""

from collections.abc import Sequence

import numpy as np

from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

NOTHING = 1e-12
"""Utilities up to this, relative to the economy's scale, are 0."""


def decisions_without(environment: TableEnvironment, agent: int, without: str) -> list[IntArray] | None:
    """Return per stage the decisions that may be taken without the agent; None: all.

    Args:
        without: `all`, `feasible` (see the module), or names of decisions joined by `+`.

    Raises:
        Refusal: the agent takes part in every decision of a stage.
        InputError: a named decision does not exist, or a stage has none of them.
    """
    if without == "all":
        return None
    return [_of_stage(environment, t, agent, without) for t in environment.table_stages]


def _of_stage(environment: TableEnvironment, t: int, agent: int, without: str) -> IntArray:
    """Return the decisions of period t that may be taken without the agent."""
    stage, who = environment.stage(t), environment.agents[agent]
    if without == "feasible":
        own = np.abs(stage.utility[agent]).reshape(len(stage.decisions), -1).max(axis=1)
        allowed = np.flatnonzero(own <= NOTHING * environment.scale)
        if not len(allowed):
            raise Refusal(
                f"environment {environment.name!r}: without=feasible: in period {t} agent {who!r} takes part in every "
                f"decision ({', '.join(stage.decisions)}); use without=all or name decisions"
            )
        return allowed
    names = without.split("+")
    known = {name for s in environment.table_stages for name in environment.stage(s).decisions}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"without: {unknown[0]!r} is none of all, feasible, {', '.join(stage.decisions)}")
    allowed = np.array([d for d, name in enumerate(stage.decisions) if name in names], np.intp)
    if not len(allowed):
        listed = ", ".join(names)
        raise InputError(f"without: none of {listed} is a decision of period {t}: {', '.join(stage.decisions)}")
    return allowed


def restricted(environment: TableEnvironment, keep: Sequence[IntArray]) -> TableEnvironment:
    """Return the economy with only these decisions, one array per stage; private actions become part of decisions."""
    stages = tuple(_restricted_stage(environment.stage(t), keep[t]) for t in environment.table_stages)
    return TableEnvironment(
        environment.name, environment.agents, environment.prior, stages, environment.discount, environment.horizon
    )


def _restricted_stage(stage: Stage, keep: IntArray) -> Stage:
    """Return the stage with only these decisions."""
    kernel = stage.kernel
    if isinstance(kernel, JointKernel):
        kernel = JointKernel(kernel.table[keep], kernel.axes, kernel.next_axes)
    elif isinstance(kernel, IndependentKernel):
        kernel = IndependentKernel(tuple(factor[keep] for factor in kernel.factors))
    return Stage(
        signals=stage.signals,
        decisions=tuple(stage.decisions[int(d)] for d in keep),
        utility=stage.utility[:, keep],
        kernel=kernel,
        public=stage.public,
        cost=None if stage.cost is None else stage.cost[keep],
    )
