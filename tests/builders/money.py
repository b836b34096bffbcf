"""The same economy with its money in another unit."""

from dataclasses import replace

from dynmech.sim.economy.buyer_with_two_signals import TwoPeriodBuyer
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import Economy, SeparableEnvironment
from dynmech.sim.economy.stage import Stage


def in_units(environment: TableEnvironment, unit: float) -> TableEnvironment:
    """The economy with every utility and cost times `unit`; laws, labels and decisions stay."""
    stages = tuple(_stage(stage, unit) for stage in environment.stages)
    if isinstance(environment, SeparableEnvironment):
        return replace(environment, stages=stages, economy=_economy(environment.economy, unit))
    if isinstance(environment, TwoPeriodBuyer):
        return replace(environment, stages=stages, value=environment.value * unit)
    return replace(environment, stages=stages)


def _stage(stage: Stage, unit: float) -> Stage:
    return replace(stage, utility=stage.utility * unit, cost=None if stage.cost is None else stage.cost * unit)


def _economy(economy: Economy, unit: float) -> Economy:
    later = tuple(
        replace(
            period,
            slope=tuple(table * unit for table in period.slope),
            intercept=tuple(table * unit for table in period.intercept),
            cost=period.cost * unit,
        )
        for period in economy.later
    )
    return replace(economy, later=later)
