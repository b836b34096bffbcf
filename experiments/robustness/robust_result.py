"""What a comparison of estimates found, and how it is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.robustness.ball_work import TOLERANCE
from dynmech.experiments.robustness.robust_figures import needed, row, slope
from dynmech.experiments.robustness.robust_lines import told_lines
from dynmech.experiments.robustness.robust_plan import RobustPlan
from dynmech.experiments.runs.execution import Outcome
from dynmech.experiments.runs.shown_result import DrawnResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TABLES = ("rows", "slopes", "ball", "robustness_radius", "needed")


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured: of mechanisms by number of draws, and of mechanisms by radius (None: the radius sought)."""

    drawn: dict[str, dict[int, list[dict[str, Any]]]] = field(default_factory=dict)
    bounds: dict[str, list[tuple[float | str | None, dict[str, Any]]]] = field(default_factory=dict)


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
    utility_error, discount_error : float
        By how much utilities and the discount factor may be off, where worst laws are asked for.
    tolerance : float
        Up to which a gain is none.
    figures : dict of str to list of dict
        `rows`, per mechanism and number of draws; `slopes`; `needed`; `ball`, per mechanism and radius;
        `robustness_radius`. The properties make DataFrames of them.
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
    utility_error: float
    discount_error: float
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
    def of(cls, plan: RobustPlan, measured: Measured, outcome: Outcome) -> "RobustResult":
        """Sum up what was measured."""
        tolerance = TOLERANCE * plan.environment.scale
        figures: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        refusals: dict[str, str] = {}
        for text, by_draws in measured.drawn.items():
            figures["rows"] += [row(text, n, found, tolerance) for n, found in by_draws.items()]
            figures["slopes"].append(slope(text, by_draws, tolerance, plan.seed))
            if plan.target is not None:
                figures["needed"].append(needed(text, by_draws, plan.target, tolerance))
            reasons = [entry["refused"] for found in by_draws.values() for entry in found if entry["refused"]]
            refusals |= {text: reasons[0]} if reasons else {}
        for text, found in measured.bounds.items():
            for radius, entry in found:
                bounds = {"mechanism": text, "lower": entry.get("lower"), "upper": entry.get("upper")}
                if entry["refused"]:
                    refusals.setdefault(text, entry["refused"])
                if radius is None:
                    figures["robustness_radius"].append(bounds)
                else:
                    figures["ball"].append({**bounds, "radius": entry.get("radius", radius)})
        told: dict[str, Any] = {"environment": plan.typed, "by": plan.by, "smoothing": plan.smoothing}
        told |= {"seed": plan.seed, "utility_error": plan.utility_error, "discount_error": plan.discount_error}
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

    @property
    def ball(self) -> "pd.DataFrame":
        """Bounds of the largest gain under any law near the economy's own: `mechanism`, `radius`, `lower`, `upper`."""
        return self._frame("ball")

    @property
    def robustness_radius(self) -> "pd.DataFrame":
        """Radius up to which no law lets anybody gain (`lower`), from which on a law that does was found (`upper`)."""
        return self._frame("robustness_radius")

    def _frame(self, name: str) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame(self.figures[name])

    @property
    def complete(self) -> bool:
        """Whether every mechanism could be built on some estimate, and nothing failed."""
        never = [row for row in self.figures["rows"] if row["refused"] == row["replications"]]
        never += [row for row in self.figures["ball"] if row["upper"] is None]
        return not self.failures and not never

    def data(self) -> dict[str, Any]:
        """Return all of it as plain data: what `dynmech robust --json` prints."""
        known = {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}
        figures = known.pop("figures")
        return {**known, **figures}

    def lines(self) -> list[str]:
        """Return what was compared, and a line per mechanism, of three at most."""
        told = self.told()
        how = f", estimated {self.way}" if self.figures["rows"] else ""
        return [f"robust: {self.environment}{how}", *told[:3], *(["…"] if len(told) > 3 else [])]

    @property
    def way(self) -> str:
        """How is estimated, in words."""
        return "profile by profile" if self.by == "joint" else "agent by agent"

    def told(self) -> list[str]:
        """Return a line per mechanism: what a liar gains at the fewest and at the most draws, and in balls."""
        return told_lines(self.figures, self.refusals, self.tolerance)

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the tables that hold something."""
        return {name: self._frame(name) for name in TABLES if self.figures[name]}

    def draw(self) -> "Figure":
        """Return the picture: gain, truthfulness, welfare lost, largest transfer by draws; bounds by radius."""
        from dynmech.experiments.robustness.robust_plots import draw_robust

        return draw_robust(self)

    @property
    def provenance(self) -> Provenance:
        """What makes it again, for the picture's metadata."""
        return Provenance.of_folder(self.folder, self.command)
