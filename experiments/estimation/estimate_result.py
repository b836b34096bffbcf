"""What an estimate found, and how it is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.ties import figure
from dynmech.sim.economy.counts import radii
from dynmech.sim.economy.estimated import EstimatedEnvironment
from dynmech.sim.economy.files import save_environment
from dynmech.sim.economy.stage import labels_text

if TYPE_CHECKING:
    import pandas as pd

ASSUMED = "Reports were taken for signals: that every agent told the truth, and obeyed, is assumed, not seen."

NAMED = 4
"""Agents that stand by name over the labels of a profile, at most."""

COLUMNS = ("period", "whose", "decision", "profile", "observed", "radius")


@dataclass(frozen=True, eq=False, repr=False)
class Estimate(ShownResult):
    """An economy from data.

    Attributes
    ----------
    environment : EstimatedEnvironment
        The economy, with its counts.
    log : str
        What was read.
    markets : int
        Episodes.
    transitions : int
        Pairs of consecutive periods that were counted.
    dropped : int
        Pairs in which something is missing.
    confidence : float
        That all laws lie within their radii.
    """

    environment: EstimatedEnvironment
    log: str
    markets: int
    transitions: int
    dropped: int
    confidence: float

    @property
    def by(self) -> str:
        """`joint` or `agent`."""
        return "joint" if self.environment.counts.joint else "agent"

    @cached_property
    def rows(self) -> "pd.DataFrame":
        """A row per law: how often it was seen, and its radius.

        Columns: `period` (None where one stage repeats), `whose` (`all`, `public`, or an agent), `decision`, `profile`,
        `observed`, `radius`.
        """
        import pandas as pd

        return pd.DataFrame(list(self._rows()), columns=pd.Index(COLUMNS))

    @property
    def unseen(self) -> "pd.DataFrame":
        """The rows that were never seen."""
        return self.rows[self.rows["observed"] == 0].reset_index(drop=True)

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        environment, counts = self.environment, self.environment.counts
        for s, stage in enumerate(environment.stages):
            labelled = stage.labelled_axes
            owners = [*(["public"] * stage.offset), *environment.agents]
            period = s if len(environment.stages) > 1 else None
            for j, (table, radius) in enumerate(zip(counts.tables(s), radii(counts, s, self.confidence), strict=True)):
                axes = labelled if counts.joint else [labelled[j]]
                whose, observed = "all" if counts.joint else owners[j], table.sum(axis=-1)
                for d, decision in enumerate(stage.decisions):
                    for k in range(table.shape[1]):
                        seen = int(observed[d, k])
                        yield period, whose, decision, labels_text(axes, k), seen, float(radius[d, k])

    @checked_arguments
    def save(self, path: str | Path) -> Path:
        """Write the environment file, counts included, and return it.

        Parameters
        ----------
        path : str or Path
            The JSON file; if it exists, it is replaced.

        Raises
        ------
        InputError
            It cannot be written.
        """
        save_environment(self.environment, path)
        return Path(path)

    def data(self) -> dict[str, Any]:
        """Return the estimate as plain data: what `dynmech estimate --json` prints."""
        return {
            "environment": self.environment.name,
            "log": self.log,
            "by": self.by,
            "markets": self.markets,
            "transitions": self.transitions,
            "dropped": self.dropped,
            "smoothing": self.environment.counts.smoothing,
            "confidence": self.confidence,
            "assumed": ASSUMED,
            "rows": self.rows.astype(object).where(self.rows.notna(), None).to_dict("records"),
            "unseen": len(self.unseen),
        }

    def lines(self) -> list[str]:
        """Return what was seen, what was not, and what is assumed."""
        return [self.headline, self.unseen_line, ASSUMED]

    @property
    def headline(self) -> str:
        """How much was seen, and how sure one can be."""
        laws = len(self.rows)
        each = "profile by profile" if self.by == "joint" else "agent by agent"
        worst, median = self.rows["radius"].max(), self.rows["radius"].median()
        gaps = f"; {self.dropped:,} left out, something is missing there" if self.dropped else ""
        return (
            f"{self.environment.name}: {laws:,} {'law' if laws == 1 else 'laws'}, {each}, from {self.transitions:,} "
            f"transitions of {self.markets:,} {'market' if self.markets == 1 else 'markets'}{gaps}; with "
            f"{100 * self.confidence:g} % confidence each lies within {figure(median)} (median) to {figure(worst)} "
            "(the worst) of its estimate, in L1."
        )

    @property
    def order(self) -> str:
        """What the labels of a profile are, in their order; `signals` where that says enough."""
        public = any(stage.public for stage in self.environment.stages)
        if self.by == "joint" and len(self.environment.agents) <= NAMED:
            return ", ".join([*(["public"] if public else []), *self.environment.agents])
        return "public, signals" if public else "signals"

    @property
    def unseen_line(self) -> str:
        """What was never seen, the first three."""
        never = self.unseen
        if never.empty:
            return "Every law was seen."
        named = [
            f"{'' if row['whose'] == 'all' else row['whose'] + ' at '}{row['profile']} after decision {row['decision']}"
            + ("" if row["period"] is None else f" in period {row['period']}")
            for row in never.head(3).astype(object).where(never.head(3).notna(), None).to_dict("records")
        ]
        more = f", and {len(never) - 3:,} more" if len(never) > 3 else ""
        order = "" if self.order == "signals" else f" ({self.order})"
        count = f"({len(never):,} of {len(self.rows):,})"
        return f"Never seen, and taken to be uniform{order}: {'; '.join(named)}{more} {count}."

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the rows."""
        return {"rows": self.rows}
