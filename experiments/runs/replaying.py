"""Replay: one logged episode, period by period, beside the same draws of nature under prescribed play."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dynmech.experiments.runs.results import Run, read_run
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import first_largest

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ["period", "agent", "signal", "report", "counted", "decision", "utility", "transfer"]


@dataclass(frozen=True, eq=False)
class Replay:
    """One episode.

    Attributes:
        mechanism, case, episode: which.
        deviators: agents whose play is not prescribed, with their strategies.
        played: a row per (period, agent); `truth …` columns hold prescribed play.
        gains: per deviator, the episode's gain, and the case's mean.
    """

    mechanism: str
    case: str
    episode: int
    deviators: dict[str, str]
    played: "pd.DataFrame"
    gains: dict[str, tuple[float, float]]


def replay(folder: str | Path, case: str, *, mechanism: str | None = None, episode: int | None = None) -> Replay:
    """Read an episode back; by default one in which the deviator gains most.

    Raises:
        InputError: no such run, case, mechanism or episode; what there is, is named.
    """
    run = read_run(folder)
    run.require("outcomes")
    where = _partition(run, case, mechanism)
    gains = run.gains(**where)
    mine = gains[gains["deviates"]] if gains["deviates"].any() else gains
    if episode is None:
        episode = int(mine["episode"].iloc[first_largest(mine["gain"].to_numpy())])
    elif episode not in set(gains["episode"]):
        raise InputError(f"{run.folder}: no episode {episode}; there are 0 to {int(gains['episode'].max())}")
    lying = _episode(run, where, episode)
    honest = _episode(run, {**where, "case": "prescribed"}, episode)
    played = lying.merge(honest, on=["period", "agent"], suffixes=("", " truth"))
    here = gains[(gains["episode"] == episode) & gains["deviates"]]
    return Replay(
        mechanism=where["mechanism"],
        case=case,
        episode=episode,
        deviators=dict(zip(here["agent"].astype(str), here["strategy"].astype(str), strict=True)),
        played=played.rename(columns={f"{name} truth": f"truth {name}" for name in SHOWN}),
        gains={
            str(agent): (float(one["gain"].iloc[0]), float(mine.loc[mine["agent"] == agent, "gain"].mean()))
            for agent, one in here.groupby("agent", observed=True)
        },
    )


def _partition(run: Run, case: str, mechanism: str | None) -> dict[str, str]:
    """The partition that holds the case; it must be one."""
    there = sorted(path.parent.name.partition("=")[2] for path in run.folder.glob(f"outcomes/mechanism=*/case={case}"))
    cases = sorted({path.name.partition("=")[2] for path in run.folder.glob("outcomes/mechanism=*/case=*")})
    if case not in cases:
        raise InputError(f"{run.folder}: no case {case!r}; cases: {', '.join(cases)}")
    if mechanism is None and len(there) > 1:
        raise InputError(f"{run.folder}: case {case!r} is there under {', '.join(there)}; choose one with --mechanism")
    if mechanism is not None and mechanism not in there:
        raise InputError(
            f"{run.folder}: case {case!r} is not there under {mechanism!r}; it is under {', '.join(there)}"
        )
    return {"mechanism": mechanism or there[0], "case": case}


def _episode(run: Run, where: dict[str, str], episode: int) -> "pd.DataFrame":
    outcomes = run.outcomes(**where)
    return outcomes[outcomes["episode"] == episode][SHOWN]
