"""What a sweep found, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.sim.core.arguments import checked_arguments

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(ShownResult):
    """What a sweep found: mechanisms on an economy while options vary.

    Attributes
    ----------
    environment : str
        The economy, as it was typed.
    varied : dict of str to list of str
        Every option that varied, with its values: `discount`, or `balanced:base` of a mechanism.
    cells : list of dict
        One per economy and mechanism, as plain data: `values` (of all options), `group` (the mechanism as it was
        given), `mechanism` (with the options that vary), `refused`, `verdict`, `gains`, `figures`, `half_widths`.
        `figures` and `gains` make DataFrames of them.
    named : bool
        Whether mechanisms were named, or all that fit were played.
    failures : list of dict
        What could not be worked out: `key`, `failed` (the reason), `tries`.
    remarks : list of dict
        What users' code wrote where it should not: `key`, `remark`.
    folder : Path
        Where the sweep lies; the same call resumes it.
    reused : bool
        Whether it was there already.
    damaged : list of str
        Files that were found damaged and made again.
    command : str or None
        The line that makes the sweep again; None where something was given as an object.
    """

    environment: str
    varied: dict[str, list[str]]
    cells: list[dict[str, Any]]
    named: bool
    failures: list[dict[str, Any]]
    remarks: list[dict[str, Any]]
    folder: Path
    reused: bool = False
    damaged: list[str] = field(default_factory=list)
    command: str | None = None

    @cached_property
    def gains(self) -> "pd.DataFrame":
        """A row per economy, mechanism, agent, family and information.

        Columns: the options that varied, `mechanism`, and those of `audit(…).gains`; `half_width` of a simulated gain.
        """
        from dynmech.experiments.sweeps.sweep_frames import gains_frame

        return gains_frame(self)

    @cached_property
    def figures(self) -> "pd.DataFrame":
        """A row per economy and mechanism, largest gains of any agent ex ante; see `table`."""
        return self.table("ex_ante")

    @checked_arguments
    def table(self, information: str = "ex_ante") -> "pd.DataFrame":
        """Return a row per economy and mechanism.

        Parameters
        ----------
        information : str
            Of the gains: `ex_ante`, `on_path`, `interim` or `ex_post`.

        Returns
        -------
        DataFrame
            The options that varied; `mechanism`; `backend` (`simulated` where no exact audit fits); `verdict`;
            `one_shot`, `belief_manipulation`, `best_response`, the largest gain of any agent by family; `welfare`,
            `revenue`, `net_revenue`; `budget`, the least that a period's payments add up to; `largest_transfer`; with a
            column `…_half_width` each, NaN where the figure is exact; `first_best`; `budget_ex_ante`,
            `budget_expected_period`; `transfer_bound`, what the mechanism declares; `singular_value` and
            `hull_distance`, how much the others' reports tell; `epsilon` and `epsilon_everywhere`, by how much
            transfers that are right up to ε miss their target; `refused`, why a mechanism does not fit.

        Raises
        ------
        InputError
            No such information.
        """
        from dynmech.experiments.sweeps.sweep_frames import figures_frame

        return figures_frame(self, information)

    @property
    def groups(self) -> dict[str, list[dict[str, Any]]]:
        """The cells by mechanism as it was given, without those that nobody named and that fit nowhere."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for cell in self.shown:
            groups.setdefault(cell["group"], []).append(cell)
        return groups

    @property
    def unfit(self) -> dict[str, str]:
        """Mechanisms that nobody named and that fit nowhere, each with its first reason."""
        fitting = {cell["group"] for cell in self.cells if self.named or not cell["refused"]}
        reasons: dict[str, str] = {}
        for cell in self.cells:
            if cell["group"] not in fitting:
                reasons.setdefault(cell["group"], cell["refused"])
        return reasons

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The cells without those of `unfit` mechanisms."""
        unfit = set(self.unfit)
        return [cell for cell in self.cells if cell["group"] not in unfit]

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The cells whose mechanism does not fit; `refused` says why."""
        return [cell for cell in self.shown if cell["refused"]]

    @property
    def complete(self) -> bool:
        """Whether everything that was named, or that fits, could be worked out."""
        return not self.failures and not (self.named and self.refused)

    @property
    def information(self) -> str:
        """What gains are shown at: `ex_ante`, or `ex_post` where no gain is known ex ante."""
        from dynmech.experiments.sweeps.sweep_frames import best_information

        return best_information(self)

    @property
    def told_by_mechanism(self) -> dict[str, str]:
        """Of each mechanism that was played, in one line where it gains most."""
        from dynmech.experiments.sweeps.sweep_frames import mechanism_lines

        return mechanism_lines(self)

    @checked_arguments
    def told(self, information: str) -> list[str]:
        """Return a line per mechanism, of gains at an information."""
        from dynmech.experiments.sweeps.sweep_frames import mechanism_lines

        return [f"{name}: {line}" for name, line in mechanism_lines(self, information).items()]

    @checked_arguments
    def plot(self, path: Path | str | None = None, against: str = "", panels: Sequence[str] = ()) -> "Path | Figure":
        """Draw gain, welfare, revenue, budget and largest transfer against an option that varies.

        Parameters
        ----------
        path : Path or str, optional
            The PDF, SVG or PNG file to write; without one, the figure is returned.
        against : str
            What the horizontal axis has: an option that varies, or a figure such as `singular_value`; empty: the first
            option.
        panels : sequence of str
            Which figures are drawn, such as `["best_response"]`, by their columns; empty: all.

        Returns
        -------
        Path or Figure
            The file, or the figure.

        Raises
        ------
        InputError
            Nothing could be played, there is no such column or panel, or the file cannot be written.
        """
        from dynmech.experiments.sweeps.sweep_plots import draw_sweep, plot_sweep

        if path is None:
            return draw_sweep(self, against, panels)
        return plot_sweep(self, Path(path), against, panels)

    def data(self) -> dict[str, Any]:
        """Return the sweep as plain data: what `dynmech sweep --json` prints."""
        return {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}

    def lines(self) -> list[str]:
        """Return what varied, and a line per mechanism, of three at most."""
        varied = ", ".join(f"{name} ({len(values)} values)" for name, values in self.varied.items())
        told = [f"{name}: {line}" for name, line in self.told_by_mechanism.items()]
        more = [f"and {len(told) - 2} mechanisms more; see .figures"] if len(told) > 3 else []
        return [f"sweep of {self.environment}: {varied}", *(told[:2] if more else told), *more]

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the table of figures."""
        return {"figures": self.figures}
