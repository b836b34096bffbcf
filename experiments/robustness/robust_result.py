"""What a comparison of estimates found, and how it is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.robustness.robust_figures import needed, row, slope
from dynmech.experiments.robustness.robust_plan import RobustPlan
from dynmech.experiments.runs.execution import Outcome
from dynmech.experiments.runs.shown_result import DrawnResult
from dynmech.sim.core.ties import figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TOLERANCE = 1e-6
"""Up to which a gain is none, relative to the economy's scale."""

TABLES = ("rows", "slopes", "needed")


@dataclass(frozen=True, eq=False, repr=False)
class RobustResult(DrawnResult):
    """What mechanisms that are built on estimates do under the truth.

    Attributes
    ----------
    environment : str
        The economy, as it was typed.
    by : str
        How is estimated: `joint` or `agent`.
    smoothing : float
        Added to every count.
    seed : int
        Of all draws.
    tolerance : float
        Up to which a gain is none.
    figures : dict of str to list of dict
        `rows`, per mechanism and number of draws; `slopes`; `needed`. The properties make DataFrames of them.
    refusals : dict of str to str
        Mechanisms that could not be built on some estimate, and the first reason.
    failures, remarks : list of dict
        What could not be worked out, and what users' code wrote where it should not.
    folder : Path
        Where all of it lies; the same call resumes it.
    reused : bool
        Whether it was there already.
    damaged : list of str
        Files that were found damaged and made again.
    command : str or None
        The line that makes it again; None where something was given as an object.
    """

    environment: str
    by: str
    smoothing: float
    seed: int
    tolerance: float
    figures: dict[str, list[dict[str, Any]]]
    refusals: dict[str, str]
    failures: list[dict[str, Any]]
    remarks: list[dict[str, Any]]
    folder: Path
    reused: bool = False
    damaged: list[str] = field(default_factory=list)
    command: str | None = None

    @classmethod
    def of(
        cls, plan: RobustPlan, measured: dict[str, dict[int, list[dict[str, Any]]]], outcome: Outcome
    ) -> "RobustResult":
        """Sum up what was measured."""
        tolerance = TOLERANCE * plan.environment.scale
        figures: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        refusals: dict[str, str] = {}
        for text, by_draws in measured.items():
            figures["rows"] += [row(text, n, found, tolerance) for n, found in by_draws.items()]
            figures["slopes"].append(slope(text, by_draws, tolerance, plan.seed))
            if plan.target is not None:
                figures["needed"].append(needed(text, by_draws, plan.target, tolerance))
            reasons = [entry["refused"] for found in by_draws.values() for entry in found if entry["refused"]]
            refusals |= {text: reasons[0]} if reasons else {}
        told: dict[str, Any] = {
            "environment": plan.typed,
            "by": plan.by,
            "smoothing": plan.smoothing,
            "seed": plan.seed,
        }
        return cls(**told, tolerance=tolerance, figures=figures, refusals=refusals, **vars(outcome))

    @property
    def rows(self) -> "pd.DataFrame":
        """A row per mechanism and number of draws.

        Columns: `mechanism`, `draws`; `gain_median`, `gain_90` (the 90 % quantile), ex post; `gain_ex_ante_median`,
        `gain_ex_ante_90`; `truthful`, the share of estimates whose mechanism nobody gains from lying to; medians of
        `welfare_lost`, `deficit`, `largest_transfer`; `replications`, and how many of them were `refused`.
        """
        return self._frame("rows")

    @property
    def slopes(self) -> "pd.DataFrame":
        """How the median gain falls with the draws, on log–log scales: `mechanism`, `slope`, `low`, `high` (95 %)."""
        return self._frame("slopes")

    @property
    def needed(self) -> "pd.DataFrame":
        """From how many draws on 95 % of estimates keep to the target: `mechanism`, `target`, `draws`."""
        return self._frame("needed")

    def _frame(self, name: str) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame(self.figures[name])

    @property
    def complete(self) -> bool:
        """Whether every mechanism could be built on some estimate, and nothing failed."""
        never = [row for row in self.figures["rows"] if row["refused"] == row["replications"]]
        return not self.failures and not never

    def data(self) -> dict[str, Any]:
        """Return all of it as plain data: what `dynmech robust --json` prints."""
        known = {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}
        figures = known.pop("figures")
        return {**known, **figures, "ball": [], "robustness_radius": []}

    def lines(self) -> list[str]:
        """Return what was compared, and a line per mechanism, of three at most."""
        told = self.told()
        return [f"robust: {self.environment}, estimated {self.way}", *told[:3], *(["…"] if len(told) > 3 else [])]

    @property
    def way(self) -> str:
        """How is estimated, in words."""
        return "profile by profile" if self.by == "joint" else "agent by agent"

    def told(self) -> list[str]:
        """Return a line per mechanism: what a liar gains at the fewest and at the most draws."""
        mechanisms = dict.fromkeys(row["mechanism"] for row in self.figures["rows"])
        return [f"{name}: {self._line(name)}" for name in mechanisms]

    def _line(self, name: str) -> str:
        """Return a mechanism's line."""
        own = [row for row in self.figures["rows"] if row["mechanism"] == name and row["gain_median"] is not None]
        if not own:
            return f"could not be built on any estimate: {self.refusals.get(name, '')}"
        if all(row["truthful"] == 1 for row in own):
            return "no lie gains anything, whatever was estimated"
        ends = [own[0], own[-1]] if len(own) > 1 else own
        gains = ", ".join(f"{figure(row['gain_median'])} at {row['draws']:,} draws" for row in ends)
        shares = ", ".join(f"{row['truthful']:.0%} at {row['draws']:,}" for row in ends)
        fall = next(entry for entry in self.figures["slopes"] if entry["mechanism"] == name)
        slope = f"; slope {fall['slope']:.2f} ({fall['low']:.2f} to {fall['high']:.2f})" if fall["slope"] else ""
        return f"a lie gains {gains} (median){slope}; exactly truthful in {shares}"

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the tables that hold something."""
        return {name: self._frame(name) for name in TABLES if self.figures[name]}

    def draw(self) -> "Figure":
        """Return the picture: gain, truthfulness, welfare lost and largest transfer by number of draws."""
        from dynmech.experiments.robustness.robust_plots import draw_robust

        return draw_robust(self)

    @property
    def provenance(self) -> Provenance:
        """What makes it again, for the picture's metadata."""
        return Provenance.of_folder(self.folder, self.command)
