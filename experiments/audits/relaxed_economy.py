"""What private later signals cost a designer: the relaxed bound beside the best dynamic revenue.

If only first signals were private, no mechanism would earn more than the *relaxed bound*; the *best dynamic revenue*,
over all direct mechanisms, is what is really within reach. In separable economies that are regular they are the same;
where first signals tell about later ones, or values are not separable, there is a gap. The bound holds whether or not
everybody can be left out; mechanisms that exclude agents by their virtual values need that they can, so it is said.

Source: Kakade, Lobel and Nazerzadeh 2011, Corollary 4.1, (16); §7.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from dynmech.experiments.audits.revenue_bound import bears_costs, costs_text, net_text
from dynmech.experiments.catalog.accepted import as_environment
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.experiments.runs.tally import first_best
from dynmech.mechanisms.conditions.separable import everybody_can_be_left_out
from dynmech.mechanisms.revenue.dynamic_program import DynamicOptimum, dynamic_revenue, relaxed_revenue
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.virtual.relaxed_bound import Bound, continuum_bound, grid_bound
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment


@dataclass(frozen=True, eq=False, repr=False)
class Relaxation(ShownResult):
    """An economy's bounds; what could not be worked out is None.

    Attributes
    ----------
    continuum
        The relaxed bound of the continuous separable economy.
    grid
        That of the grid as the true type space.
    left_out
        Whether everybody can be left out of every decision, of a separable economy.
    relaxed, dynamic
        By linear programs over all direct mechanisms, first signals private or all of them.
    refused
        Why there are no programs.
    """

    environment: TableEnvironment
    continuum: Bound | None
    grid: float | None
    left_out: Condition | None
    relaxed: DynamicOptimum | None
    dynamic: DynamicOptimum | None
    refused: str

    @property
    def gap(self) -> float | None:
        """What private later signals cost."""
        if self.relaxed is None or self.dynamic is None:
            return None
        return self.relaxed.net_revenue - self.dynamic.net_revenue

    def data(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "environment": self.environment.name,
            "relaxed_continuum": None if self.continuum is None else vars(self.continuum),
            "relaxed_grid": self.grid,
            "everybody_can_be_left_out": None
            if self.left_out is None
            else {"holds": bool(self.left_out.holds), "where": self.left_out.where},
            "relaxed": None if self.relaxed is None else self.relaxed.net_revenue,
            "dynamic": None if self.dynamic is None else self.dynamic.net_revenue,
            "revenue": None if self.dynamic is None else self.dynamic.revenue,
            "net_revenue": None if self.dynamic is None else self.dynamic.net_revenue,
            "gap": self.gap,
            "constraints": None if self.dynamic is None else self.dynamic.constraints,
            "variables": None if self.dynamic is None else self.dynamic.variables,
            "refused": self.refused,
        }

    def lines(self) -> list[str]:
        """Return the sentence, and why there is no more."""
        return [self.sentence, *([f"no program over all mechanisms: {self.refused}"] if self.refused else [])]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the table of bounds."""
        return {"bounds": self.bounds}

    @property
    def bounds(self) -> pd.DataFrame:
        """A row per bound that was worked out: `bound` and its `value`."""
        data = self.data()
        known = {"relaxed_continuum": None if self.continuum is None else self.continuum.value}
        known |= {key: data[key] for key in ("relaxed_grid", "relaxed", "dynamic", "gap")}
        return pd.DataFrame([{"bound": key, "value": value} for key, value in known.items() if value is not None])

    def show(self, console: Console) -> None:
        """On the terminal."""
        console.print(Text(self.sentence, "bold"))
        console.print()
        if self.continuum is not None:
            _line(
                console, "relaxed bound", f"{self.continuum.value:.8g} ± {self.continuum.error:.1g}, of the continuum"
            )
        if self.grid is not None:
            _line(console, "", f"{self.grid:.8g}, of the grid as the type space")
        if self.left_out is not None:
            _line(console, "left out", _left_out_text(self.left_out))
        if self.relaxed is not None and self.dynamic is not None:
            _line(console, "relaxed program", f"{self.relaxed.net_revenue:.8g}, first signals private")
            size = f"{self.dynamic.variables:,} variables, {self.dynamic.constraints:,} constraints"
            _line(console, "dynamic program", f"{self.dynamic.net_revenue:.8g}, all signals private ({size})")
            if bears_costs(self.environment):
                _line(console, "net revenue", costs_text(self.dynamic.revenue, self.dynamic.net_revenue))
            _line(console, "gap", f"{max(self.gap or 0.0, 0.0):.6g}")
            _line(console, "first best", f"{first_best(self.environment):.8g}, what there is to be earned")
        if self.refused:
            console.print(Text(f"No program over all mechanisms: {self.refused}.", "yellow"))

    @property
    def sentence(self) -> str:
        """The most that any mechanism earns, in words."""
        return f"{self.environment.name}: {self._most()}."

    def _most(self) -> str:
        gap, net = self.gap, net_text(self.environment)
        if self.dynamic is not None and gap is not None:
            some = gap > 1e-7 * self.environment.scale
            cost = f"private later signals cost {gap:.6g}" if some else "private later signals cost nothing"
            return f"no mechanism earns more than {self.dynamic.net_revenue:.8g}{net}; {cost}"
        value = self.grid if self.grid is not None else float("nan")
        return f"on this grid no mechanism earns more than {value:.8g}{net}, the relaxed bound"


@checked_arguments
def relaxation(environment: object) -> Relaxation:
    """Work out the relaxed bound of an economy, and the best dynamic revenue beside it.

    Parameters
    ----------
    environment : str, path or Environment
        A finite economy; a grid of a continuous one.

    Returns
    -------
    Relaxation
        Both bounds and their gap, in expected discounted units of utility; what could not be worked out is None.

    Raises
    ------
    Refusal
        The economy is not finite, or neither separable nor one of the programs; the reason is said.

    Notes
    -----
    Kakade, Lobel and Nazerzadeh 2011, Corollary 4.1, (16); §7.

    Examples
    --------
    >>> import dynmech as dm
    >>> result = dm.relaxation("two-period-sale:grid=3")
    >>> result.gap >= -1e-9
    True
    """
    environment = as_environment(environment)
    if not isinstance(environment, TableEnvironment):
        raise Refusal(f"bound: environment {environment.name!r} is not finite; give a grid of it")
    continuum, grid, left_out = None, None, None
    if isinstance(environment, SeparableEnvironment):
        continuum, grid = continuum_bound(environment.economy), grid_bound(environment)
        left_out = everybody_can_be_left_out(environment.economy)
    dynamic, refused = _solved(dynamic_revenue, environment)
    relaxed, also = _solved(relaxed_revenue, environment) if dynamic is not None else (None, refused)
    if grid is None and (dynamic is None or relaxed is None):
        raise Refusal(refused or also)
    return Relaxation(environment, continuum, grid, left_out, relaxed, dynamic, refused or also)


def _solved(
    program: Callable[[TableEnvironment], DynamicOptimum], environment: TableEnvironment
) -> tuple[DynamicOptimum | None, str]:
    try:
        return program(environment), ""
    except Refusal as error:
        return None, str(error)


def _left_out_text(condition: Condition) -> str:
    """Return in words whether everybody can be left out, and where not."""
    if condition.holds:
        return "everybody can be left out of every decision"
    where = condition.where
    return (
        f"not everybody can: in period {where['period']} no decision stands in for {where['decision']!r} without "
        f"{where['agent']}; virtual values are added up over all whom a decision serves"
    )


def _line(console: Console, key: str, fact: str) -> None:
    console.print(Text.assemble((f"{key:17}", "bold"), fact))
