"""What a run found: a row per agent, what prescribed play is worth, the folder with the log."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.results import Run, read_run
from dynmech.experiments.runs.shown_result import DrawnResult
from dynmech.experiments.runs.simulation import PRESCRIBED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class RunResult(DrawnResult):
    """The result of a run.

    Attributes
    ----------
        agents: a row per agent: strategy, payoff, gain against prescribed play by all, with 95 % intervals.
        summary: welfare beside the first best, revenue, worst deficit, participation, periods and tail.
        folder: the run folder.
        reused: whether the run was complete already.
        remarks: shards of users' code that wrote to standard output or error: `key`, `remark`.
        damaged: files that were found damaged and made again.
        story: one episode of the deviation, period by period (`dynmech.experiments.runs.episode_trace`); None if nobody
        deviates. learning: a row per agent and stretch of rounds: payoff while it was learned, and last what then was
        earned. command: the line that makes it again; None where the economy was given as an object.
    """

    agents: "pd.DataFrame"
    summary: dict[str, Any]
    folder: Path
    reused: bool
    remarks: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    story: dict[str, Any] | None = None
    learning: list[dict[str, Any]] = field(default_factory=list)
    command: str | None = None

    def data(self) -> dict[str, Any]:
        """Everything, for `--json` and the page."""
        rest = {key: value for key, value in vars(self).items() if key != "summary"}
        return {**self.summary, **rest}

    def lines(self) -> list[str]:
        """Return what was played, who gained what, and where the log is."""
        gains = [
            f"{row['agent']} ({row['strategy']}) {amount(row['gain'])} ± {amount(row['gain_half_width'])}"
            for row in self.agents.to_dict("records")
            if row["strategy"] != "truthful"
        ]
        what = f"{self.summary['mechanism']} on {self.summary['environment']}: {self.summary['episodes']} episodes"
        return [what, f"gains against prescribed play: {', '.join(gains) or 'nobody deviates'}", f"run: {self.folder}"]

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the table of agents."""
        return {"agents": self.agents}

    def outcomes(self) -> "pd.DataFrame":
        """Read a row per episode, period and agent of what was played, from the run folder (log `full`)."""
        return self._run.outcomes(case=self._case)

    def episodes(self) -> "pd.DataFrame":
        """Read a row per episode and agent: discounted utility, transfers, payoff (log `full` or `episodes`)."""
        return self._run.episodes(case=self._case)

    def gains(self) -> "pd.DataFrame":
        """Read a row per episode and agent: payoff, that of prescribed play, the difference (as `episodes`)."""
        return self._run.gains(case=self._case)

    @property
    def _run(self) -> Run:
        return read_run(self.folder)

    @property
    def _case(self) -> str:
        deviates = any(strategy != "truthful" for strategy in self.agents["strategy"])
        return "deviation" if deviates else PRESCRIBED

    def draw(self) -> "Figure":
        """Return payoffs and gains of all agents as a figure of matplotlib."""
        from dynmech.experiments.figures.columns import Column, draw_columns

        rows: list[dict[Any, Any]] = self.agents.to_dict("records")
        columns = [Column.even("payoff", rows, "payoff"), Column.even("gain against prescribed play", rows, "gain")]
        names = [f"{row['agent']}: {row['strategy']}" for row in rows]
        title = f"{self.summary['mechanism']} on {self.summary['environment']}"
        return draw_columns(names, columns, [row["strategy"] != "truthful" for row in rows], title)

    @property
    def provenance(self) -> Provenance:
        """What makes it again."""
        return Provenance.of_folder(self.folder, self.command)
