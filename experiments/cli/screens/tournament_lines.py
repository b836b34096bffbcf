"""The line that plays the deviation by which truth loses in a tournament."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from dynmech.agents.oracle.best_response import NAME, joint_response
from dynmech.experiments.cli.screens.replay_line import is_logged, replay_line
from dynmech.experiments.runs.verdicts import BREAKS
from dynmech.experiments.tournament.coalitions import CoalitionGain
from dynmech.experiments.tournament.empirical import Regret
from dynmech.experiments.tournament.found import Part
from dynmech.experiments.tournament.study import StrategyEntry, Study


def line_to_play(part: Part, study: Study, typed: Sequence[str] = ()) -> tuple[str, str] | None:
    """Return words and a command that plays a deviation by which truth loses; None where none is known.

    It is the most profitable one of those played, where its gain is sure, else that of the exact search.

    Args:
        typed: the words after `dynmech tournament` that say what is played.
    """
    if part.regret is not None and part.regret.verdict(part.game.scale) == BREAKS:
        return _line_of_regret(part, part.regret, study, typed)
    if part.search.agent and part.search.found == BREAKS:
        return "To play it", _run(part, study, f"{part.search.agent}={NAME}")
    return None


def coalition_line(part: Part, study: Study, one: CoalitionGain) -> str | None:
    """Return the line that plays what a coalition gains by; None where it gains nothing."""
    if not one.gains:
        return None
    return _run(part, study, *joint_response(part.agents, [part.agents.index(name) for name in one.members]))


def _line_of_regret(part: Part, regret: Regret, study: Study, typed: Sequence[str]) -> tuple[str, str] | None:
    """Return the line for the move of a regret, in the log or played again."""
    if regret.move is None:
        return None
    if is_logged(part.folder):
        return "To see it", replay_line(part.folder, part.mechanism)
    entry = study.strategies[regret.move.new]
    if entry == StrategyEntry(use=entry.use):
        agent = part.agents[part.game.roles[regret.move.role].agents[0]]
        return "To play it", _run(part, study, f"{agent}={entry.use}")
    if not typed:
        return None
    return "To log it for replay", shlex.join(["dynmech", "tournament", *typed, *_logged(part.folder)])


def _run(part: Part, study: Study, *strategies: str) -> str:
    played = [word for strategy in strategies for word in ("--strategy", strategy)]
    words = [part.environment, part.mechanism, *played, "--seed", str(study.seed)]
    plugins = [word for plugin in study.plugins for word in ("--plugin", plugin)]
    return shlex.join(["dynmech", "run", *words, *plugins])


def _logged(folder: Path) -> list[str]:
    """Return the options of a full log, beside the one that is there."""
    return ["--set", "log=full", "--out", f"{folder}-full"]
