"""Money and its unit: the scale of an environment, and the same economy with its money in another unit."""

from dataclasses import replace

import numpy as np

from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment
from dynmech.sim.economy.stage import Stage

STEP = 2.0**-34
"""What amounts are rounded to, in units of the scale: below what a solver is asked for, far above the last bit."""


def money_scale(environment: Environment) -> float:
    """Return what amounts of money are measured against: the spread of a finite environment's utilities and costs.

    Of an environment that is not finite, its bound on utilities; 1 if that is 0.
    """
    if isinstance(environment, TableEnvironment | ExchangeableEnvironment):
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
        outside=tuple(unit * flow for flow in environment.outside),
    )


def in_units_of_scale(environment: TableEnvironment) -> tuple[TableEnvironment, float]:
    """Return the finite environment in units of its scale, and the unit; amounts are rounded to `STEP`.

    So what is asked of a solver, whose tolerances are absolute and whose choice among optima depends on the last bit,
    is the very same whatever the unit of money is.

    >>> from dynmech.sim.economy.builders import single_object
    >>> one = single_object([[0.0, 0.1]], [np.eye(2)], np.array([0.5, 0.5]), 0.9)
    >>> other, unit = in_units_of_scale(in_units(one, 3e9))
    >>> unit, bool((other.stage(0).utility == in_units_of_scale(one)[0].stage(0).utility).all())
    (300000000.0, True)
    """
    unit = environment.scale
    inside = in_units(environment, 1 / unit)
    return replace(inside, stages=tuple(_rounded(stage) for stage in inside.stages)), unit


def _rounded(stage: Stage) -> Stage:
    """Return the stage with its amounts rounded to `STEP`."""
    cost = None if stage.cost is None else np.round(np.asarray(stage.cost) / STEP) * STEP
    return replace(stage, utility=np.round(stage.utility / STEP) * STEP, cost=cost)


def stage_in_units(stage: Stage, unit: float) -> Stage:
    """Return the stage with every utility and cost times `unit`."""
    cost = None if stage.cost is None else np.asarray(stage.cost) * unit
    return replace(stage, utility=stage.utility * unit, cost=cost)
