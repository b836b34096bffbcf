"""Make economies, games, strategies and workers from text; users' code is first tried in a process of its own."""

from collections.abc import Callable
from os import PathLike
from typing import Any

from dynmech.agents.conformance.strategy_check import check_mechanism, check_strategy
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.experiments.catalog.accepted import MechanismLike, as_environment, as_mechanism
from dynmech.experiments.catalog.names import (
    SCENARIOS,
    is_shipped,
    load,
    make_strategy,
    mechanism_classes,
    names_file,
    strategy_class,
)
from dynmech.experiments.catalog.options import explained, split
from dynmech.experiments.runs.deposits import with_deposits
from dynmech.experiments.runs.shards import users_code
from dynmech.experiments.runs.simulation import Case, blaming, make_game_of
from dynmech.experiments.workers.cluster import dask_crew
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pieces import attribute_error
from dynmech.experiments.workers.pool import Call, Workers
from dynmech.experiments.workers.sandbox import Limits
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.game import Game, ProtocolOptions, make_game


def run_isolated(workers: Workers, whose: list[str], function: Callable[..., Any], *args: Any) -> Any:
    """Call a function that runs users' code in a process of its own, and return its value.

    Raises:
        DynmechError: what went wrong, after two tries.
    """
    call = Call(None, _apply, (function, args), lambda: Parcel.of((function, args)), users=True)
    (result,) = workers.run([call])
    error = result.answer.error
    if error is not None:
        raise type(error)(attribute_error(whose, result))
    return result.answer.value


def _apply(work: tuple[Callable[..., Any], tuple[Any, ...]]) -> Any:
    function, args = work
    return function(*args)


def open_environment(text: str, workers: Workers) -> Environment:
    """`load`, a user's scenario being tried first."""
    name = text.partition(":")[0]
    if not names_file(text) and name in SCENARIOS.names() and not is_shipped(cls := SCENARIOS.get(name)):
        run_isolated(workers, [f"scenario {name!r}"], _environment, cls, text)
    return load(text)


def given_environment(given: object, typed: str, workers: Workers) -> tuple[Environment, str]:
    """Return an economy that is given as such, by name or by path, and what is typed for it.

    Raises:
        InputError: it is none of these, or there is no such name or file.
    """
    if isinstance(given, str | PathLike):
        return open_environment(str(given), workers), str(given)
    return as_environment(given), typed


def _environment(_: type, text: str) -> None:
    load(text)


def open_game(
    environment: Environment, mechanism: MechanismLike, protocol: ProtocolOptions | None, tail: float, workers: Workers
) -> Game:
    """Return the game of a mechanism; a user's own is tried first, and held to what it declares.

    Raises:
        InputError, Refusal: as `make_mechanism` and `make_game`.
        PlayError: a user's mechanism does not keep its word.
    """
    if not isinstance(mechanism, str):
        rules = as_mechanism(mechanism, environment)
        game = with_deposits(make_game(rules.environment, rules, protocol, tail=tail))
        if not is_shipped(rules):
            run_isolated(workers, [f"mechanism {rules.name!r}"], check_mechanism, game)
        return game
    theirs = [cls for cls in mechanism_classes(mechanism) if not is_shipped(cls)]
    if theirs:
        names = [f"mechanism {cls.name!r}" for cls in theirs]
        run_isolated(workers, names, _game, theirs[0], environment, mechanism, protocol, tail)
    return make_game_of(environment, mechanism, protocol, tail)


def open_rules(environment: Environment, mechanism: str, workers: Workers) -> Mechanism:
    """Return a mechanism by name; a user's own is tried first, and held to what it declares.

    Raises:
        InputError, Refusal: as `make_mechanism` and `make_game`.
        PlayError: a user's mechanism does not keep its word.
    """
    game = open_game(environment, mechanism, None, 1e-4, workers)
    assert isinstance(game.mechanism, Mechanism)
    return game.mechanism


def _game(_: type, environment: Environment, mechanism: str, protocol: ProtocolOptions | None, tail: float) -> None:
    game = make_game_of(environment, mechanism, protocol, tail)
    with blaming(f"mechanism {game.mechanism.name!r}"):
        check_mechanism(game)


def open_strategy(text: str, workers: Workers) -> Strategy:
    """`make_strategy`, a user's own being tried first."""
    cls = strategy_class(split(text, "strategy")[0])
    if not is_shipped(cls):
        run_isolated(workers, [f"strategy {cls.name!r}"], _strategy, cls, text)
    return make_strategy(text)


def _strategy(cls: type[Strategy], text: str) -> None:
    strategy = make_strategy(text)
    with blaming(f"strategy {cls.name!r}, options", sure=True):
        strategy.key()


def check_case(game: Game, case: Case, workers: Workers) -> None:
    """Check that users' own strategies do what they declare.

    Raises:
        PlayError: one does not.
    """
    if users_code(game, case):
        run_isolated(workers, users_code(game, case), hold_to_word, game, case)


def hold_to_word(game: Game, case: Case) -> None:
    """As `check_case`, in this process."""
    for agent, strategy in enumerate(case.strategies):
        if all(map(is_shipped, strategy.components())):
            continue
        require_fit(game, agent, strategy)
        with blaming(f"strategy {strategy.name!r}"):
            check_strategy(strategy, agent, game, case.strategies)


def require_fit(game: Game, agent: int, strategy: Strategy) -> None:
    """Raise if a strategy's options have no meaning for an agent in a game.

    Raises:
        InputError: whose, which, and what would be right.
    """
    name = game.environment.agents[agent]
    with explained(f"strategy {strategy.key()!r} of agent {name!r}"):
        strategy.validate(AgentContext.of(game, agent))


def as_workers(given: Workers | int | None) -> Workers:
    """Return workers that are given as such, by their number, or not at all.

    >>> as_workers(2).count
    2
    """
    if isinstance(given, Workers):
        return given
    if given is not None and (not isinstance(given, int) or isinstance(given, bool)):
        raise InputError(f"workers: {shown(given, 60)} is neither a whole number nor a Workers")
    return Workers() if given is None else Workers(given)


def make_workers(count: int, seconds: float, gigabytes: float, cluster: str = "") -> Workers:
    """Workers as the command line takes them.

    Args:
        count: processes on this machine; 0: as many as there are cores.
        seconds, gigabytes: what users' code may take for one piece of work.
        cluster: the address of a Dask scheduler, whose workers are used instead.

    Raises:
        InputError: a number is out of range, or nobody answers at the address.
    """
    from loky import cpu_count

    if count < 0:
        raise InputError(f"workers: {count} is below 0")
    if not 0 < gigabytes < 1e6:
        raise InputError(f"memory limit: {gigabytes:g} GB is not a positive size")
    limits = Limits(seconds, int(gigabytes * 2**30))
    return Workers(count or int(cpu_count()), limits, dask_crew(cluster) if cluster else None)
