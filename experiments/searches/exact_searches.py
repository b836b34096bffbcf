"""The exact searches of a stress test: one per mechanism, on the workers, told as they arrive, before play.

A worker gets a mechanism's game and returns its figures with the best responses that attain them.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from dynmech.agents.oracle.search import Family
from dynmech.experiments.figures.amounts import amount
from dynmech.experiments.searches.exact import Exact, exact_gains
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pieces import attribute_error
from dynmech.experiments.workers.pool import Call, Done, Workers
from dynmech.sim.core.errors import WorkerDied
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.game import Game

PHASE = "searching exactly"

Progress = Callable[[str, int], Callable[[int], None]]
"""Opens a phase of so many pieces of work, as `dynmech.experiments.runs.simulation.Progress`."""


def telling(progress: Progress) -> Callable[[str], None]:
    """Return what shows a line of a progress that can show one; else what shows nothing."""
    say: Callable[[str], None] = getattr(progress, "say", lambda _line: None)
    return say


def search_games(
    games: Mapping[str, Game], users: Callable[[Game], list[str]], workers: Workers, progress: Progress
) -> dict[str, Exact]:
    """Search every mechanism's deviations exactly, a user's mechanism in a process of its own.

    Args:
        users: the parts of a game that users wrote.

    Raises:
        DynmechError: a search of dynmech's own fails otherwise than by a refusal.
    """
    found: dict[str, Exact] = {}
    advance, say = progress(PHASE, len(games)), telling(progress)
    for result in workers.run(_calls(games, users)):
        name = result.key
        found[name] = _exact(users(games[name]), result)
        say(f"{PHASE}: {exact_line(name, games[name], found[name])}")
        advance(1)
    return {name: found[name] for name in games}


def _calls(games: Mapping[str, Game], users: Callable[[Game], list[str]]) -> Iterator[Call]:
    for name, game in games.items():
        yield Call(name, _searched, game, partial(Parcel.of, game), users=bool(users(game)))


def _searched(game: Game) -> Exact:
    return exact_gains(game)


def _exact(users: list[str], result: Done) -> Exact:
    """Return what was found, or why a user's mechanism could not be searched.

    Raises:
        WorkerDied: its process was ended from outside again and again; the same call tries it again.
    """
    error = result.answer.error
    if isinstance(error, WorkerDied):  # a result without its figures would be kept as if it were whole
        raise WorkerDied(f"{result.key}: searching for the best response: {error}")
    if error is None:
        exact: Exact = result.answer.value
        return exact
    if not users and not result.answer.bare:
        raise error
    return Exact({}, {}, attribute_error(users, result))


def exact_line(name: str, game: Game, exact: Exact) -> str:
    """Return what is known of a mechanism before it is played, as one line.

    `linked: no deviation gains anything`, `team: the best response gains firm 1 2.50, firm 2 1.00 ex ante`.
    """
    if exact.refused:
        return f"{name}: not searched: {exact.refused}"
    environment = game.environment
    scale = money_scale(environment)
    gains = ", ".join(
        f"{environment.agents[agent]} {amount(exact.gains[agent, Family.BEST_RESPONSE].gain, scale=scale)}"
        for agent in exact.witnesses
    )
    if gains:
        return f"{name}: the best response gains {gains} ex ante"
    sure = "no deviation gains anything" if exact.holds() else "no deviation is sure to gain anything"
    return f"{name}: {sure}"
