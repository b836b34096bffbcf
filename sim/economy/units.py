"""Money and its unit: the scale of an environment, and the same economy with its money in another unit."""

from dataclasses import replace

import numpy as np

from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.stage import Stage


def money_scale(environment: Environment) -> float:
    """Return what amounts of money are measured against: the spread of a finite environment's utilities and costs.

    Of an environment that is not finite, its bound on utilities; 1 if that is 0.
    """
    if isinstance(environment, TableEnvironment):
        return environment.scale
    return scale_of(environment.utility_bound())


def in_units(environment: TableEnvironment, unit: float) -> TableEnvironment:
    """Return the finite environment with every utility and cost times `unit`; laws, labels and decisions stay.

    >>> from dynmech.sim.economy.builders import single_object
    >>> one = single_object([[0.0, 0.5]], [np.eye(2)], np.array([0.5, 0.5]), 0.9)
    >>> in_units(one, 100.0).scale, one.scale
    (50.0, 0.5)
    """
    return TableEnvironment(
        environment.name,
        environment.agents,
        environment.prior,
        tuple(stage_in_units(stage, unit) for stage in environment.stages),
        environment.discount,
        environment.horizon,
    )


def stage_in_units(stage: Stage, unit: float) -> Stage:
    """Return the stage with every utility and cost times `unit`."""
    cost = None if stage.cost is None else np.asarray(stage.cost) * unit
    return replace(stage, utility=stage.utility * unit, cost=cost)
