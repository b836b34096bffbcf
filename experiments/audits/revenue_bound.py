"""The most that any mechanism earns in a finite economy, and what stands in the way of more.

Two periods with independent types have a program of their own, which is smaller (payments need not depend on the
others' reports); everything else is a design with a free rule. An endless horizon is cut.

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
from dynmech.mechanisms.conditions.dependence import independent_types
from dynmech.mechanisms.design.free_revenue import FreeOptimum, cut_optimum, free_optimum
from dynmech.mechanisms.revenue.revenue_lp import Binding, RevenueOptimum, revenue_optimum
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.ties import figure
from dynmech.sim.economy.environment import TableEnvironment

SHOWN = 12
"""Binding constraints on the screen."""


@dataclass(frozen=True, eq=False, repr=False)
class RevenueBound(ShownResult):
    """An economy's revenue optimum beside its first best.

    Attributes
    ----------
    lower, upper
        What a mechanism earns, None where none was found, and what none exceeds; the same over a finite horizon.
    periods
        After how many periods the horizon ends, or was cut.
    """

    environment: TableEnvironment
    optimum: RevenueOptimum | FreeOptimum
    first_best: float
    lower: float | None
    upper: float
    periods: int

    def data(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        optimum = self.optimum
        return {
            "environment": self.environment.name,
            "revenue": optimum.revenue,
            "net_revenue": self.upper,
            "lower": self.lower,
            "upper": self.upper,
            "periods": self.periods,
            "first_best": self.first_best,
            "lotteries": not optimum.certain,
            "constraints": optimum.constraints,
            "variables": optimum.variables,
            "binding": [vars(one) for one in optimum.binding],
        }

    @property
    def sentence(self) -> str:
        """The most that any mechanism earns, in words."""
        net = self.upper
        share = f", {net / self.first_best:.1%} of the first best" if self.first_best > 0 else ""
        text = f"{self.environment.name}: no mechanism {self._bounded}earns more than {net:.8g}"
        return f"{text}{net_text(self.environment)}{share}{self._attained}."

    @property
    def _bounded(self) -> str:
        """The bound on transfers that stands behind the figure, in words."""
        largest = getattr(self.optimum, "largest", None)
        return "" if largest is None else f"with transfers up to {figure(largest, 6)} "

    @property
    def _attained(self) -> str:
        """How far the figure may be off, in words; empty over a finite horizon."""
        if self.environment.horizon is not None:
            return ""
        after = f"cut after {self.periods} period{'s' if self.periods > 1 else ''}"
        if self.lower is None:
            return f"; the horizon is {after}, and no mechanism is at hand that goes on for ever"
        error = self.upper - self.lower
        return f"; the horizon is {after}, and one earns {self.lower:.8g}: the bound is at most {error:.3g} too high"

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
        if bears_costs(self.environment) and self.environment.horizon is not None:
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


@checked_arguments
def bound(environment: object, *, leave: bool = False, periods: int | None = None) -> RevenueBound:
    """Return the most that any mechanism earns in a finite economy.

    Parameters
    ----------
    environment : str, path or Environment
        A finite economy.
    leave : bool
        Whether agents may leave in later periods too.
    periods : int, optional
        After how many periods an endless horizon is cut; by how much the bound may be too high is part of the result.

    Returns
    -------
    RevenueBound
        The optimum, in expected discounted units of utility, before and after the designer's costs, the constraints
        that bind, and the first best.

    Raises
    ------
    InputError
        `periods` of a horizon that ends by itself, or less than 1.
    Refusal
        It is not finite, has an endless horizon that is not cut, or is too large.

    Notes
    -----
    Truth is best for every agent after every history, knowing its own signals and all that was reported and decided
    before; being inside is worth at least 0 at every first signal (with `leave`, at every signal of every period).
    Under these constraints decisions, by lot where that pays, and payments are chosen together, by linear
    programming; `design` with a free rule gives the mechanism.

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
    if periods is not None and environment.horizon is not None:
        raise InputError(f"periods: environment {environment.name!r} ends by itself; leave it out")
    if periods is not None and periods < 1:
        raise InputError(f"periods: {periods} is no number of periods; give 1 or more")
    best = first_best(environment)
    if periods is not None:
        cut = cut_optimum(environment, periods, leave=leave)
        return RevenueBound(environment, cut.above, best, cut.lower, min(cut.upper, best), periods)
    if environment.horizon is None:
        raise Refusal(
            f"environment {environment.name!r}: the horizon has no end; --periods T (in Python periods=T) cuts it "
            "after T periods and says how far the bound may be off"
        )
    small = environment.horizon == 2 and fits_two_periods(environment)
    optimum = revenue_optimum(environment, each_period=leave) if small else free_optimum(environment, leave=leave)
    net = optimum.net_revenue
    return RevenueBound(environment, optimum, best, net, net, environment.horizon)


def fits_two_periods(environment: TableEnvironment) -> bool:
    """Return whether an economy of two periods has independent types, and nothing that the smaller program lacks."""
    stages = [environment.stage(t) for t in range(2)]
    plain = not any(stage.public or stage.private_actions for stage in stages)
    return plain and bool(independent_types(environment).holds)
