"""What a stress test found, and how its gains are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dynmech.experiments.figures.comparisons import TOLERANCE, Farthest, beside, farthest
from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.runs.moments import ZERO, amount
from dynmech.experiments.runs.shown_result import DrawnResult
from dynmech.experiments.runs.verdicts import BREAKS, NOT_PROMISED, OUTSIDE_ASSUMPTIONS
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.ties import descending

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BEST = "best-response"
"""Family name of the exact best response in play."""

EXACT = ("one-shot", "belief-manipulation", BEST)
"""Families whose exact gain is a figure of their own; that of any other is bounded by the best response."""


UNDER = "under the same draws as prescribed play"
"""What simulated gains are compared with."""

MAYBE_UNKNOWN = ("gain", "half_width", "exact", "exact_bound", "apart", "given_gain", "given_half_width")
"""Columns of gains whose figures may be unknown, all of them."""


@dataclass(frozen=True, eq=False, repr=False)
class StressResult(DrawnResult):
    """What a stress test found.

    Attributes:
        gains: a row per mechanism, family and agent: gain, 95 % interval, exact gain of the family (NaN: not searched),
            how many standard errors `apart` the two are and whether they agree, words, the own signal at which it is
            largest.
        mechanisms: a row per mechanism, worst first: verdict (`holds`, `breaks`, `not_refuted`, `outside_assumptions`,
            `not_promised`), whether some deviation gains (`breaks`), the assumptions that are then shown not to hold
            (`violated`), whether exactly none gains (`exact`), worst gain
            (exact where it is searched, else the largest that was found), welfare, revenue before and after the
            designer's costs (simulated; `_exact` at the end of a name: exactly, NaN where not searched), deficit,
            participation.
        refusals: mechanisms that do not fit the environment, with the reason.
        environment: what it was called.
        folder: where the log lies.
        comparisons: number of gains looked at.
        scale: of the economy's money, which every tolerance is relative to.
        reused: whether the run was there already and nothing was played.
        untried: families that offer nothing to try, with the reason.
        failures: what could not be played: `key`, `failed` (the reason), `tries`.
        remarks: what was played, but wrote where it should not: `key`, `remark`.
        damaged: files that were found damaged and made again.
        stories: per mechanism that breaks, its worst lie in one episode, period by period
        (`dynmech.experiments.runs.episode_trace`). command: the line that makes it again; None where the economy was
            given as an object.
        asked: the mechanisms that were named; empty: all that there are.
    """

    gains: pd.DataFrame
    mechanisms: pd.DataFrame
    refusals: dict[str, str]
    environment: str
    folder: Path
    comparisons: int
    reused: bool
    scale: float = 1.0
    untried: dict[str, str] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    stories: dict[str, dict[str, Any]] = field(default_factory=dict)
    command: str | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all that was named, or that fits, was played."""
        return not self.failures and not set(self.asked) & set(self.refusals)

    def data(self) -> dict[str, Any]:
        """Everything, for `--json` and the page."""
        apart = self.farthest
        return {"sentence": self.sentence, **vars(self), "farthest": None if apart is None else apart.data()}

    @property
    def farthest(self) -> Farthest | None:
        """Where a simulated gain lies farthest from its exact one; None where there is no exact figure."""
        return farthest(self.gains.to_dict("records"), ("mechanism", "family", "agent"))  # type: ignore[arg-type]

    @classmethod
    def from_data(cls, data: Mapping[str, Any], folder: Path = Path()) -> Self:
        """From what `save_result` has kept of `data`; `folder`: where it lies."""
        optional = {key: data[key] for key in ("untried", "failures", "remarks", "stories", "command") if key in data}
        return cls(
            gains=_frame(data["gains"]).astype(dict.fromkeys(MAYBE_UNKNOWN, "float64")),
            mechanisms=_frame(data["mechanisms"]),
            refusals=data["refusals"],
            environment=data["environment"],
            folder=folder,
            comparisons=data["comparisons"],
            reused=True,
            scale=float(data.get("scale", 1.0)),
            asked=data.get("asked", []),
            **optional,
        )

    @checked_arguments
    def excuse(self, mechanism: str) -> str:
        """What is said of a mechanism before its worst lie, where that breaks no promise; empty where it does."""
        row = self.mechanisms.set_index("mechanism").loc[mechanism]
        if row["verdict"] == NOT_PROMISED:
            return "truth is not promised to be best; "
        if row["verdict"] == OUTSIDE_ASSUMPTIONS:
            return f"outside its assumptions (not so here: {', '.join(row['violated'])}); "
        return ""

    def lines(self) -> list[str]:
        """Return the sentence, and where the log is."""
        return [self.sentence, f"run: {self.folder}"]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the tables of mechanisms and of gains."""
        return {"mechanisms": self.mechanisms, "gains": self.gains}

    @property
    def provenance(self) -> Provenance:
        """Seed, configuration and command, for files that leave the run folder."""
        return Provenance.of_folder(self.folder, self.command)

    def draw(self) -> Figure:
        """Return the heat map of gains as a figure of matplotlib."""
        from dynmech.experiments.figures.heat_map import draw_gains

        title = f"{self.environment}: what the best lie of each family gains, ex ante"
        exact = gain_table(self, "exact")
        exact = exact[[family for family in exact.columns if family in EXACT]]
        if self.gains["exact"].isna().all():
            note = f"Simulated, {UNDER}, with 95 % intervals; no exact search. –: none."
            return draw_gains(gain_table(self), title, note, halves=_halves(self))
        note = f"Exact; in brackets simulated, {UNDER}, with 95 % intervals. –: none."
        return draw_gains(gain_table(self), title, note, exact, _halves(self))

    @property
    def sentence(self) -> str:
        """The mechanisms by verdict; and who lies, when, and what it earns, where it is worst."""
        names = {word: self.mechanisms[self.mechanisms["verdict"] == word]["mechanism"].tolist() for word in TOLD}
        groups = "; ".join(_listed(names[word], *predicate) for word, predicate in TOLD.items() if names[word])
        gaining = first_told(self.mechanisms)
        if gaining is None:
            exact = set(self.mechanisms["verdict"]) == {"holds"}
            end = "no deviation gains anything (exact)" if exact else "nothing that was tried gains anything"
            return f"On {self.environment}, {groups}: {end}."
        first = headline(self.gains, gaining, self.scale)
        told = "" if first is None else describe_gain(first, self.scale)
        worst = f"; the worst lie, under {gaining}: {told}" if told else ""
        return f"On {self.environment}, {groups}{worst}."


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a table of rows in which what is no number is null."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    unknown = [name for name in frame.columns if frame[name].isna().any()]
    return frame.astype(dict.fromkeys(unknown, "float64"))


def first_told(mechanisms: pd.DataFrame) -> str | None:
    """The mechanism whose worst lie is told first; None where nothing gains.

    A broken promise comes before what an assumption excuses, and that before what nobody promises; else the worst.
    """
    gaining = mechanisms[mechanisms["breaks"]]
    for verdict in (BREAKS, OUTSIDE_ASSUMPTIONS, NOT_PROMISED):
        names: list[str] = gaining[gaining["verdict"] == verdict]["mechanism"].tolist()
        if names:
            return names[0]
    return None


TOLD = {
    "holds": ("holds", "hold"),
    "not_refuted": ("is not refuted", "are not refuted"),
    "outside_assumptions": ("is outside its assumptions", "are outside their assumptions"),
    "not_promised": ("does not promise that truth is best", "do not promise that truth is best"),
    "breaks": ("breaks", "break"),
}
"""How mechanisms of one verdict are told of."""


def _listed(names: Sequence[str], one: str, many: str) -> str:
    """`a, b and c hold`."""
    if len(names) == 1:
        return f"{names[0]} {one}"
    return f"{', '.join(names[:-1])} and {names[-1]} {many}"


def headline(gains: pd.DataFrame, mechanism: str, scale: float) -> pd.Series[Any] | None:
    """The gain to tell first of a mechanism that breaks: that of the agent whose best response gains most, exactly.

    Told is its simplest deviation that earned what the best response did under the same draws. `exact` is then what
    that one gains. Where no best response was played it is NaN, and the simplest is told of what no interval tells
    apart from the largest simulated gain. `scale`: the economy's.
    """
    mine = gains[gains["mechanism"] == mechanism]
    best = mine[mine["family"] == BEST]
    if best.empty:
        found = mine[mine["found"]]
        if found.empty:
            return None
        most = found.iloc[0]
        alike = found[found["gain"] + found["half_width"] >= most["gain"] - most["half_width"]].assign(
            exact=np.nan, apart=np.nan
        )
    else:
        most = best[best["exact"] >= best["exact"].max() - TOLERANCE * scale].iloc[0]
        both = ["gain", "half_width"]
        same = np.isclose(mine[both], most[both].to_list(), ZERO, ZERO * scale).all(axis=1)
        alike = mine[same & (mine["agent"] == most["agent"])].assign(exact=most["exact"], apart=most["apart"])
    simplest: pd.Series[Any] = alike.sort_values("complexity", kind="stable").iloc[0]
    return simplest


def describe_gain(row: pd.Series[Any], scale: float = 1.0) -> str:
    """One gain in words, as `headline` gives it; `scale`: the economy's."""
    import pandas as pd

    shown = {key: amount(row[key], scale=scale) for key in ("gain", "half_width", "exact")}
    simulated = f"{shown['gain']} ± {shown['half_width']}"
    exact = f"{shown['exact']} ex ante (exact; simulated {simulated}{_off(row)})"
    text = f"{row['agent']} {row['words']}: it gains {exact if pd.notna(row['exact']) else f'{simulated} ex ante'}"
    if row["given"] and row["given_gain"] > row["gain"]:
        given = [amount(row[key], scale=scale) for key in ("given_gain", "given_half_width")]
        text += f", {' ± '.join(given)} {row['given']}"
    return text


def _off(row: pd.Series[Any]) -> str:
    """How far the simulated gain that is told lies from the exact one."""
    import pandas as pd

    return f", {beside(row['apart'])}" if pd.notna(row["apart"]) else ""


def gain_table(result: StressResult, column: str = "gain", agent: str | None = None) -> pd.DataFrame:
    """Mechanism × family, worst mechanism first: the largest figure of any agent, or of one; NaN where none was found.

    Args:
        column: `gain` (simulated) or `exact`.
    """
    shown = result.gains.assign(shown=result.gains[column].where(_there(result, column)))
    if agent is not None:
        shown["shown"] = shown["shown"].where(shown["agent"] == agent)
    table = shown.pivot_table(index="mechanism", columns="family", values="shown", aggfunc="max", dropna=False)
    return table.reindex(index=result.mechanisms["mechanism"], columns=families_shown(result))


def _halves(result: StressResult) -> pd.DataFrame | None:
    """Return half of the interval of each figure of `gain_table`; None where they were not kept."""
    if "half_width" not in result.gains:
        return None
    found = result.gains[_there(result, "gain")].sort_values("gain", ascending=False, kind="stable")
    first = found.drop_duplicates(["mechanism", "family"])
    table = first.pivot_table(index="mechanism", columns="family", values="half_width", dropna=False)
    return table.reindex(index=result.mechanisms["mechanism"], columns=families_shown(result))


def families_shown(result: StressResult) -> list[str]:
    """Return the families that were played, the simplest first."""
    gains = result.gains
    rows = {(row[0], row[1]) for row in zip(gains["complexity"], gains["family"], strict=True)}
    return list(dict.fromkeys(family for _, family in sorted(rows)))


def gain_cells(result: StressResult, column: str) -> dict[tuple[str, str, str], float]:
    """Return the figures of `gain_table` by mechanism, agent and family, those that are there."""
    gains = result.gains
    keys = zip(gains["mechanism"], gains["agent"], gains["family"], strict=True)
    cells: dict[tuple[str, str, str], float] = {}
    for key, figure, there in zip(keys, gains[column], _there(result, column), strict=True):
        if there:
            cells[key] = max(figure, cells.get(key, figure))
    return cells


def _there(result: StressResult, column: str) -> pd.Series[bool]:
    """Which figures are gains, and not noise."""
    gains = result.gains
    there: pd.Series[bool] = (
        gains["found"] if column == "gain" else gains["exact"] - gains["exact_bound"] > TOLERANCE * result.scale
    )
    return there


def gainers(result: StressResult, mechanism: str) -> list[str]:
    """The agents that gain something under a mechanism, the largest gain first."""
    return gainers_of_all(result).get(mechanism, [])


def gainers_of_all(result: StressResult) -> dict[str, list[str]]:
    """Return, per mechanism, the agents that gain something, the largest gain first."""
    gains = result.gains
    sizes = gains["exact"].fillna(gains["gain"])
    seen: dict[str, list[tuple[str, float]]] = {name: [] for name in result.mechanisms["mechanism"]}
    here = _there(result, "gain") | _there(result, "exact")
    for name, agent, size, there in zip(gains["mechanism"], gains["agent"], sizes, here, strict=True):
        if there:
            seen.setdefault(name, []).append((agent, float(size)))
    return {
        name: list(dict.fromkeys(rows[k][0] for k in descending(np.array([size for _, size in rows]))))
        for name, rows in seen.items()
    }


def ordered(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Largest first; those that tie (`dynmech.sim.core.ties`) in the order in which they come."""
    return rows.iloc[descending(rows[column].to_numpy())].reset_index(drop=True)
