"""Read one logged episode back, period by period, beside prescribed play under the same draws of nature."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.runs.results import Run, read_run
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import first_largest

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ["period", "agent", "signal", "report", "counted", "decision", "utility", "transfer"]


@dataclass(frozen=True, eq=False)
class Replay:
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
    """

    mechanism: str
    case: str
    episode: int
    deviators: dict[str, str]
    played: "pd.DataFrame"
    gains: dict[str, tuple[float, float]]

    def data(self) -> dict[str, Any]:
        """Return the episode as plain data, for `--json`."""
        gains = {agent: {"episode": here, "mean": mean} for agent, (here, mean) in self.gains.items()}
        return {**vars(self), "gains": gains}


def replay(folder: str | Path, case: str, *, mechanism: str | None = None, episode: int | None = None) -> Replay:
    """Read an episode of a run back.

    Parameters
    ----------
    folder : str or Path
        A run folder with a full log.
    case : str
        Which strategies were played: the name of a folder `case=…`, such as `deviation` or `firm-1.one-shot`.
    mechanism : str, optional
        Needed where the case was played under several mechanisms.
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
    run = read_run(folder)
    run.require("outcomes")
    where = _partition(run, case, mechanism)
    gains = run.gains(**where)
    compared = gains[gains["deviates"]] if gains["deviates"].any() else gains
    if episode is None:
        episode = int(compared["episode"].iloc[first_largest(compared["gain"].to_numpy())])
    elif episode not in set(gains["episode"]):
        raise InputError(f"{run.folder}: no episode {episode}; there are 0 to {int(gains['episode'].max())}")
    lying = _episode(run, where, episode)
    honest = _episode(run, {**where, "case": "prescribed"}, episode)
    played = lying.merge(honest, on=["period", "agent"], suffixes=("", " truth"))
    chosen = gains[(gains["episode"] == episode) & gains["deviates"]]
    return Replay(
        mechanism=where["mechanism"],
        case=case,
        episode=episode,
        deviators=dict(zip(chosen["agent"].astype(str), chosen["strategy"].astype(str), strict=True)),
        played=played.rename(columns={f"{name} truth": f"truth {name}" for name in SHOWN}),
        gains={
            str(agent): (float(rows["gain"].iloc[0]), float(compared.loc[compared["agent"] == agent, "gain"].mean()))
            for agent, rows in chosen.groupby("agent", observed=True)
        },
    )


def _partition(run: Run, case: str, mechanism: str | None) -> dict[str, str]:
    """Return mechanism and case, as the folders of the log are called."""
    mechanisms = sorted(
        path.parent.name.partition("=")[2] for path in run.folder.glob(f"outcomes/mechanism=*/case={case}")
    )
    cases = sorted({path.name.partition("=")[2] for path in run.folder.glob("outcomes/mechanism=*/case=*")})
    if case not in cases:
        raise InputError(f"{run.folder}: no case {case!r}; cases: {', '.join(cases)}")
    if mechanism is None and len(mechanisms) > 1:
        raise InputError(
            f"{run.folder}: case {case!r} was played under {', '.join(mechanisms)}; choose one with --mechanism"
        )
    if mechanism is not None and mechanism not in mechanisms:
        raise InputError(
            f"{run.folder}: case {case!r} was not played under {mechanism!r}, but under {', '.join(mechanisms)}"
        )
    return {"mechanism": mechanism or mechanisms[0], "case": case}


def _episode(run: Run, where: dict[str, str], episode: int) -> "pd.DataFrame":
    outcomes = run.outcomes(**where)
    return outcomes[outcomes["episode"] == episode][SHOWN]
