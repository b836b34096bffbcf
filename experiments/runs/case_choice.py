"""The case of a finished run that is worth looking at first: the worst lie, by the figures that the run left.

Of a stress test it is the lie that its sentence tells: that of a broken promise first (`stress_result.first_told`),
then under the mechanism whose worst gain is largest: by the exact gain where it was searched, else by the simulated
one. Mechanisms that tie come in the order of the result, lies of one mechanism that tie simplest first (see
`stress_result.headline`). Of a tournament it is the deviation from truth by all that earns most. Where nothing gains,
it is what comes nearest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.results import Run, open_runs, read_result
from dynmech.experiments.runs.simulation import PRESCRIBED, slug
from dynmech.experiments.runs.stress_result import StressResult, first_told, headline
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name
from dynmech.sim.core.ties import first_of

DEVIATION = "deviation"
"""The case of `run` in which somebody deviates."""


@dataclass(frozen=True)
class Chosen:
    """A case, and why it was chosen.

    Attributes:
        run: the run folder that holds it.
        mechanism, case: as folders of the log are called.
        why: in words.
    """

    run: Run
    mechanism: str
    case: str
    why: str


def worst_case(folder: str | Path, mechanism: str | None = None) -> Chosen:
    """Return the worst lie of a run folder, under one mechanism if it is named.

    Raises:
        InputError: it is no finished run, or the mechanism was not played.
    """
    runs = open_runs(folder)
    results = [read_result(run.folder) for run in runs]
    kind = results[0]["kind"]
    if kind == "tournament":
        return _of_tournament(runs, results, mechanism)
    if kind == "run":
        return _of_run_itself(runs[0], results[0]["mechanism"], mechanism)
    return _of_stress(runs[0], results[0], mechanism)


def _of_run_itself(run: Run, played: str, mechanism: str | None) -> Chosen:
    """Return the deviation of a run, or prescribed play if nobody deviates."""
    _require(run, [played], mechanism)
    case = DEVIATION if any(case == DEVIATION for _, case in run.places("outcomes")) else PRESCRIBED
    return Chosen(run, slug(played), case, "")


def _require(run: Run, played: list[str], mechanism: str | None) -> None:
    if mechanism is not None and slug(mechanism) not in map(slug, played):
        names = list(dict.fromkeys(played))
        hint = near_name(mechanism, names)
        raise InputError(f"{run.folder}: {mechanism!r} was not played; mechanisms: {', '.join(names)}{hint}")


def _asked(name: str, mechanism: str | None) -> bool:
    return mechanism is None or slug(name) == slug(mechanism)


def _of_stress(run: Run, data: Mapping[str, Any], mechanism: str | None) -> Chosen:
    """Return the lie that the sentence of a stress test tells, or the one that comes nearest to a gain."""
    result = StressResult.from_data(data)
    _require(run, result.mechanisms["mechanism"].tolist(), mechanism)
    names = [name for name in result.mechanisms["mechanism"] if _asked(name, mechanism)]
    told = first_told(result.mechanisms[result.mechanisms["mechanism"].isin(names)])
    for name in [*([] if told is None else [told]), *names]:
        worst = headline(result.gains, name, result.scale)
        if worst is not None:
            exact = worst["exact"] == worst["exact"]
            gain = f"{amount(worst['exact'] if exact else worst['gain'])} ({'exact' if exact else 'simulated'})"
            return Chosen(run, slug(name), worst["case"], f"the worst lie{_of_run(mechanism)}, by the gain: {gain}")
    gains = result.gains[result.gains["mechanism"].isin(names)]
    if gains.empty:
        return Chosen(run, slug(names[0]), PRESCRIBED, "prescribed play; no lie was played")
    nearest = gains.iloc[0]
    gain = f"{amount(nearest['gain'])} (simulated)"
    why = f"nothing gains{_of_run(mechanism)}; of what was tried this comes nearest: {gain}"
    return Chosen(run, slug(nearest["mechanism"]), nearest["case"], why)


def _of_tournament(runs: list[Run], results: list[dict[str, Any]], mechanism: str | None) -> Chosen:
    """Return the deviation from truth by all that earns most, on any economy of the study."""
    games = [(run, game) for run, result in zip(runs, results, strict=True) for game in result["games"]]
    _require(runs[0], [game["mechanism"] for _, game in games], mechanism)
    games = [(run, game) for run, game in games if _asked(game["mechanism"], mechanism)]
    losing = [(run, game) for run, game in games if game["truth"] and game["truth"]["deviation"]]
    if not losing:
        run, game = games[0]
        return Chosen(
            run, slug(game["mechanism"]), PRESCRIBED, "prescribed play; no deviation from truth by all earns more"
        )
    run, game = first_of(losing, lambda pair: pair[1]["truth"]["value"])
    move, value = game["truth"]["deviation"], amount(game["truth"]["value"], 3)
    why = (
        f"the deviation from truth by all that earns most{_of_run(mechanism)}: {move['role']} plays {move['new']} "
        f"on {game['environment']} and earns {value} more (simulated)"
    )
    return Chosen(run, slug(game["mechanism"]), move["to"], why)


def _of_run(mechanism: str | None) -> str:
    return f" under {mechanism}" if mechanism else " of this run"
