"""Read one logged episode back, period by period, beside prescribed play under the same draws of nature."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.runs.case_choice import Chosen, worst_case
from dynmech.experiments.runs.foreign_folders import reading
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.results import Run, open_runs, read_run, refuse_sweep
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.experiments.runs.simulation import PRESCRIBED, slug
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name
from dynmech.sim.core.ties import first_largest

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ["period", "agent", "signal", "report", "counted", "decision", "utility", "transfer"]

IN_SWEEPS = "draw it by `dynmech sweep … --plot FILE`, or replay one of its mechanisms after `dynmech run`"
"""What would be right of a sweep."""


@dataclass(frozen=True, eq=False, repr=False)
class Replay(ShownResult):
    """One episode of a run.

    Attributes
    ----------
    mechanism, case, episode
        Which episode it is.
    deviators
        Strategies of the agents whose play is not prescribed, by agent.
    played
        A row per (period, agent); columns `truth …` hold prescribed play.
    gains
        By deviator, its gain in this episode and its mean gain over all episodes, discounted.
    chosen
        Why this case was chosen, in words; empty where it was asked for, or is the only one.
    """

    mechanism: str
    case: str
    episode: int
    deviators: dict[str, str]
    played: "pd.DataFrame"
    gains: dict[str, tuple[float, float]]
    chosen: str = ""

    def data(self) -> dict[str, Any]:
        """Return the episode as plain data, for `--json`."""
        gains = {agent: {"episode": here, "mean": mean} for agent, (here, mean) in self.gains.items()}
        return {**vars(self), "gains": gains}

    def lines(self) -> list[str]:
        """Return which episode it is, and who gained what in it."""
        gained = [
            f"{who} ({self.deviators[who]}) {amount(here)}, {amount(mean)} on average"
            for who, (here, mean) in self.gains.items()
        ]
        what = f"{self.case} under {self.mechanism}, episode {self.episode}"
        return [what, f"gains against prescribed play: {'; '.join(gained) or 'nobody deviates'}"]

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the table of what was played."""
        return {"played": self.played}


@checked_arguments
def replay(
    folder: str | Path, case: str | None = None, *, mechanism: str | None = None, episode: int | None = None
) -> Replay:
    """Read an episode of a run back.

    Parameters
    ----------
    folder : str or Path
        A run folder with a full log; without a case also of a tournament on several economies.
    case : str, optional
        Which strategies were played: the name of a folder `case=…`, such as `deviation` or `firm-1.one-shot`. By
        default the worst lie of the run: by exact gain where it was searched, else by the simulated one.
    mechanism : str, optional
        Needed where a case that is named was played under several mechanisms.
    episode : int, optional
        Its number from 0; by default one in which the deviator gains most.

    Returns
    -------
    Replay
        The episode as it was played, and as prescribed play goes under the same draws of nature.

    Raises
    ------
    InputError
        No such run, case, mechanism or episode; the message names those that exist.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from dynmech.experiments.runs.running import run
    >>> with TemporaryDirectory() as folder:
    ...     result = run("oil-leases", "linked", {"firm 1": "misreport:map=flip"}, episodes=50, out=f"{folder}/oil")
    ...     episode = replay(result.folder, "deviation")
    >>> episode.deviators
    {'firm 1': 'misreport:map=flip'}
    """
    with reading(folder):
        return _replayed(folder, case, mechanism, episode)


def _replayed(folder: str | Path, case: str | None, mechanism: str | None, episode: int | None) -> Replay:
    """As `replay`."""
    refuse_sweep(open_runs(folder)[0], IN_SWEEPS)
    chosen = worst_case(folder, mechanism) if case is None else _named(read_run(folder), case, mechanism)
    run, where = chosen.run, {"mechanism": chosen.mechanism, "case": chosen.case}
    run.require("outcomes")
    gains, comparable = run.gains(**where), {**where, "case": PRESCRIBED}
    if episode is None:
        episode = _largest(gains, set(run.gains(**comparable)["episode"]))
    elif episode not in set(gains["episode"]):
        raise InputError(f"{run.folder}: no episode {episode}; there are 0 to {int(gains['episode'].max())}")
    lying, honest = _episode(run, where, episode), _episode(run, comparable, episode)
    played = lying.merge(honest, on=["period", "agent"], suffixes=("", " truth"))
    own = gains[gains["deviates"]]
    here = own[own["episode"] == episode]
    return Replay(
        mechanism=chosen.mechanism,
        case=chosen.case,
        episode=episode,
        deviators=dict(zip(here["agent"].astype(str), here["strategy"].astype(str), strict=True)),
        played=played.rename(columns={f"{name} truth": f"truth {name}" for name in SHOWN}),
        gains={
            str(agent): (float(rows["gain"].iloc[0]), float(own.loc[own["agent"] == agent, "gain"].mean()))
            for agent, rows in here.groupby("agent", observed=True)
        },
        chosen=chosen.why,
    )


def _largest(gains: "pd.DataFrame", comparable: set[int]) -> int:
    """Return the episode in which a deviator gains most, of those in which prescribed play was logged as well."""
    rows = gains[gains["deviates"]] if gains["deviates"].any() else gains
    rows = rows[rows["episode"].isin(comparable)]
    return int(rows["episode"].iloc[first_largest(rows["gain"].to_numpy())])


def _named(run: Run, case: str, mechanism: str | None) -> Chosen:
    """Return the case that was asked for, called as the folders of the log are."""
    run.require("outcomes")
    places = run.places("outcomes")
    mechanisms = [name for name, played in places if played == case]
    mechanism = None if mechanism is None else slug(mechanism)
    cases = sorted({played for _, played in places})
    if case not in cases:
        raise InputError(f"{run.folder}: no case {case!r}; cases: {', '.join(cases)}{near_name(case, cases)}")
    if mechanism is None and len(mechanisms) > 1:
        raise InputError(
            f"{run.folder}: case {case!r} was played under {', '.join(mechanisms)}; choose one with --mechanism"
        )
    if mechanism is not None and mechanism not in mechanisms:
        raise InputError(
            f"{run.folder}: case {case!r} was not played under {mechanism!r}, but under {', '.join(mechanisms)}"
        )
    return Chosen(run, mechanism or mechanisms[0], case, "")


def _episode(run: Run, where: dict[str, str], episode: int) -> "pd.DataFrame":
    outcomes = run.outcomes(**where)
    return outcomes[outcomes["episode"] == episode][SHOWN]
