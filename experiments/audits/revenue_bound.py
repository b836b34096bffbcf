"""The most that any mechanism earns in a two-period economy, and what stands in the way of more.

A yardstick for a mechanism of one's own: `bound(environment).data()` beside the net revenue that an audit shows.
"""

from dataclasses import dataclass, fields
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from dynmech.experiments.catalog.accepted import as_environment
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.experiments.runs.tally import first_best
from dynmech.mechanisms.revenue.revenue_lp import Binding, RevenueOptimum, revenue_optimum
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import figure
from dynmech.sim.economy.environment import TableEnvironment

SHOWN = 12
"""Binding constraints on the screen."""


@dataclass(frozen=True, eq=False, repr=False)
class RevenueBound(ShownResult):
    """An economy's revenue optimum beside its first best."""

    environment: TableEnvironment
    optimum: RevenueOptimum
    first_best: float

    def data(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        optimum = self.optimum
        return {
            "environment": self.environment.name,
            "revenue": optimum.revenue,
            "net_revenue": optimum.net_revenue,
            "first_best": self.first_best,
            "lotteries": not optimum.certain,
            "constraints": optimum.constraints,
            "variables": optimum.variables,
            "binding": [vars(one) for one in optimum.binding],
        }

    @property
    def sentence(self) -> str:
        """The most that any mechanism earns, in words."""
        net = self.optimum.net_revenue
        share = f", {net / self.first_best:.1%} of the first best" if self.first_best > 0 else ""
        return f"{self.environment.name}: no mechanism earns more than {net:.8g}{net_text(self.environment)}{share}."

    def lines(self) -> list[str]:
        """Return the sentence, and what binds most."""
        most = [f"binds: {one}" for one in self.optimum.binding[:1]]
        return [self.sentence, *most]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the table of what binds."""
        return {"binding": self.binding}

    @property
    def binding(self) -> pd.DataFrame:
        """A row per constraint that binds, and what a unit of slack would add."""
        names = [field.name for field in fields(Binding)]
        return pd.DataFrame([vars(one) for one in self.optimum.binding], columns=names)

    def show(self, console: Console) -> None:
        """On the terminal."""
        optimum = self.optimum
        console.print(Text(self.sentence, "bold"))
        if bears_costs(self.environment):
            console.print(Text(costs_text(optimum.revenue, optimum.net_revenue)))
        lotteries = "it needs lotteries" if not optimum.certain else "no lotteries"
        console.print(
            Text(f"{optimum.variables:,} variables, {optimum.constraints:,} constraints, {lotteries}.", "dim")
        )
        console.print()
        console.print(Text("What binds, and what a unit of slack would add:"))
        for one in optimum.binding[:SHOWN]:
            console.print(Text(f"  {one}"))
        if len(optimum.binding) > SHOWN:
            console.print(Text(f"  and {len(optimum.binding) - SHOWN} more", "dim"))


def bears_costs(environment: TableEnvironment) -> bool:
    """Return whether the designer has a cost in some period of an economy."""
    return any(bool(stage.cost_table.any()) for stage in environment.stages)


def net_text(environment: TableEnvironment) -> str:
    """Return in words that a figure is net revenue, where that is another figure than revenue."""
    return " after the designer's costs" if bears_costs(environment) else ""


def costs_text(revenue: float, net_revenue: float) -> str:
    """Return in words what the mechanism that earns the most takes in, and what its decisions cost the designer."""
    costs = revenue - net_revenue
    return (
        f"The mechanism found that earns it takes in a revenue of {figure(revenue, 8)} and bears costs of "
        f"{figure(costs, 8)}: net revenue {figure(net_revenue, 8)}."
    )


def bound(environment: object, *, leave: bool = False) -> RevenueBound:
    """Return the most that any mechanism earns in a finite economy of two periods.

    Parameters
    ----------
    environment : str, path or Environment
        A finite economy of two periods with independent types.
    leave : bool
        Whether agents may leave in the second period too.

    Returns
    -------
    RevenueBound
        The optimum, in expected discounted units of utility, before and after the designer's costs, the constraints
        that bind, and the first best.

    Raises
    ------
    Refusal
        It is no finite economy of two periods with independent types, or too large.

    Examples
    --------
    >>> import dynmech as dm
    >>> result = dm.bound("two-period-sale:grid=3")
    >>> result.optimum.net_revenue <= result.first_best
    True
    """
    environment = as_environment(environment)
    if not isinstance(environment, TableEnvironment):
        raise Refusal(f"yardstick: environment {environment.name!r} is not finite; give a grid of it")
    return RevenueBound(environment, revenue_optimum(environment, each_period=leave), first_best(environment))
