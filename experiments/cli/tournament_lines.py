"""The line that plays the deviation by which truth loses in a tournament."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from dynmech.experiments.cli.replay_line import is_logged, replay_line
from dynmech.experiments.tournament.empirical import Regret
from dynmech.experiments.tournament.found import Part
from dynmech.experiments.tournament.study import StrategyEntry, Study


def line_to_play(part: Part, regret: Regret, study: Study, typed: Sequence[str] = ()) -> tuple[str, str] | None:
    """Return words and a command that plays the most profitable deviation; None where there is none.

    Args:
        regret: of truth by all.
        typed: the words after `dynmech tournament` that say what is played.
    """
    if regret.move is None:
        return None
    if is_logged(part.folder):
        return "To see it", replay_line(part.folder, part.mechanism)
    entry = study.strategies[regret.move.new]
    if entry == StrategyEntry(use=entry.use):
        agent = part.agents[part.game.roles[regret.move.role].agents[0]]
        words = [part.environment, part.mechanism, "--strategy", f"{agent}={entry.use}", "--seed", str(study.seed)]
        plugins = [word for plugin in study.plugins for word in ("--plugin", plugin)]
        return "To play it", shlex.join(["dynmech", "run", *words, *plugins])
    if not typed:
        return None
    return "To log it for replay", shlex.join(["dynmech", "tournament", *typed, *_logged(part.folder)])


def _logged(folder: Path) -> list[str]:
    """Return the options of a full log, beside the one that is there."""
    return ["--set", "log=full", "--out", f"{folder}-full"]
