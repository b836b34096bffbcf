"""Checkers for what users write, to be run on their own: each raises, naming agent and period, or passes in silence.

>>> from dynmech.agents.strategies.one_shot import OneShot
>>> check_strategy(OneShot(period=1), "oil-leases-prior", "linked")
>>> check_mechanism("team", "repeated-auction:horizon=3")
>>> check_environment("oil-leases")

Stress tests and runs hold users' strategies and mechanisms to the same before they play.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import dynmech.agents.conformance.strategy_check
import dynmech.sim.conformance.environment_check
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import (
    MECHANISMS,
    SCENARIOS,
    STRATEGIES,
    load,
    make_mechanism,
    make_strategy,
)
from dynmech.experiments.catalog.options import construct, explained, options_of
from dynmech.experiments.runs.loading import open_plugins
from dynmech.experiments.runs.running import agent_index
from dynmech.experiments.workers.pool import Workers
from dynmech.experiments.workers.sandbox import Limits, confined
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.registry import NAME, Registry, load_plugin
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.roles import Promises

GAMES = (("oil-leases-prior", "linked"), ("repeated-auction:horizon=4", "pivot"))
"""Where a strategy is tried, and on whose economies a mechanism, if nothing is said."""

LONGEST = 10_000
"""Members that a menu may have."""

TAIL = 0.5
"""What is left out of an endless game's payoffs while something is checked."""


def check_strategy(
    strategy: Strategy | str,
    environment: Environment | str | None = None,
    mechanism: Mechanism | str = "team",
    *,
    agent: int | str | None = None,
    protocol: ProtocolOptions | None = None,
    episodes: int = 24,
) -> None:
    """Hold a strategy to what it declares; the others play as prescribed.

    Its play must be a function of its view and of one episode at a time, and change nothing of the world; it must be
    made again from its options, and its menu and its words must be usable.

    Args:
        strategy: a strategy, or what the command line takes for one.
        environment: where it plays; without one it plays two shipped games.
        agent: in whose place (name, or number from 0); in every agent's, if none is given.

    Raises:
        InputError, PlayError: one line; the first thing that is wrong.
    """
    chosen = make_strategy(strategy) if isinstance(strategy, str) else strategy
    _check_name(chosen, "strategy")
    _check_options(chosen)
    games = GAMES if environment is None else ((environment, mechanism),)
    for economy, rules in games:
        game = _game(economy, rules, protocol)
        names = game.environment.agents
        for i in range(len(names)) if agent is None else [agent_index(names, str(agent))]:
            _check_menu(chosen, AgentContext.of(game, i))
            dynmech.agents.conformance.strategy_check.check_strategy(
                chosen, i, game, [Truthful()] * len(names), episodes=episodes
            )


def check_mechanism(
    mechanism: Mechanism | str,
    environment: Environment | str | None = None,
    *,
    protocol: ProtocolOptions | None = None,
    episodes: int = 24,
) -> None:
    """Hold a mechanism to what it declares: rules that are functions of what they see, transfers within its bound.

    Args:
        mechanism: one that has been made for its environment, or what the command line takes for one.
        environment: for a mechanism by name; without one it is tried on two shipped economies.

    Raises:
        InputError, PlayError: one line; the first thing that is wrong.
        Refusal: it fits none of the economies.
    """
    if isinstance(mechanism, Mechanism):
        games = [_game(mechanism.environment, mechanism, protocol)]
    else:
        economies = [economy for economy, _ in GAMES] if environment is None else [environment]
        games = _fitting(economies, mechanism, protocol)
    for game in games:
        _check_name(game.mechanism, "mechanism")
        if not isinstance(game.mechanism.promises, Promises):
            raise InputError(f"mechanism {game.mechanism.name!r}: promises are no dynmech.sim.play.roles.Promises")
        dynmech.agents.conformance.strategy_check.check_mechanism(game, episodes=episodes)


def check_environment(environment: Environment | str, table: TableEnvironment | str | None = None) -> None:
    """Hold an economy to what the protocol demands, see `dynmech.sim.conformance.environment_check`.

    Args:
        environment: an economy, or what the command line takes for one.
        table: the finite economy that it is another form of: utilities must be the same, draws must follow its law.

    Raises:
        InputError, PlayError: one line; the first thing that is wrong.
    """
    chosen = load(environment) if isinstance(environment, str) else environment
    finite = load(table) if isinstance(table, str) else table
    if finite is not None and not isinstance(finite, TableEnvironment):
        raise InputError(f"table: environment {finite.name!r} is not a finite one")
    dynmech.sim.conformance.environment_check.check_environment(chosen, finite)


class Finding(NamedTuple):
    """What came of one check: `holds`, `fails` or `not checked`, and why."""

    what: str
    status: str
    why: str = ""


def check_plugins(
    paths: Iterable[Path],
    environment: Environment | str | None = None,
    *,
    limits: Limits | None = None,
    begin: Callable[[str], None] = lambda _: None,
) -> Iterator[Finding]:
    """Check everything that plug-in files offer, with the options' defaults, each in a process of its own.

    Args:
        environment: where mechanisms and strategies are tried; shipped economies, if none is given.
        limits: what each may take.
        begin: called with the name of what is about to be checked.

    Raises:
        InputError, PlayError: a file cannot be taken in.
    """
    paths, limits = list(paths), limits or Limits()
    open_plugins(paths, Workers(limits=limits))
    modules = {load_plugin(path).__name__ for path in paths}
    kinds: tuple[tuple[Registry[Any], Callable[[str], None]], ...] = (
        (SCENARIOS, check_environment),
        (MECHANISMS, lambda name: check_mechanism(name, environment)),
        (STRATEGIES, lambda name: check_strategy(name, environment)),
    )
    for registry, check in kinds:
        for name, cls in registry.all().items():
            if cls.__module__ in modules:
                what = f"{registry.kind} {name!r}"
                begin(what)
                yield _finding(what, cls, partial(check, name), limits)


def _finding(what: str, cls: type, check: Callable[[], None], limits: Limits) -> Finding:
    needs = [name for name, p in options_of(cls).items() if p.default is p.empty]
    if needs:
        return Finding(what, "not checked", f"it needs option {needs[0]!r}; give it a default")
    answer = confined(check, limits)
    if isinstance(answer.error, Refusal):
        return Finding(what, "not checked", str(answer.error))
    if answer.error is not None:
        return Finding(what, "fails", str(answer.error))
    return Finding(what, "holds", answer.wrote)


# Parts


def _game(environment: Environment | str, mechanism: Mechanism | str, protocol: ProtocolOptions | None) -> Game:
    economy = load(environment) if isinstance(environment, str) else environment
    rules = make_mechanism(mechanism, economy) if isinstance(mechanism, str) else mechanism
    with explained(f"mechanism {rules.name!r}"):
        return make_game(economy, rules, protocol, tail=TAIL)


def _fitting(economies: Sequence[Environment | str], mechanism: str, protocol: ProtocolOptions | None) -> list[Game]:
    """Games on the economies that a mechanism fits.

    Raises:
        Refusal: there are none; the last reason.
    """
    games, refusal = [], None
    for economy in economies:
        try:
            games.append(_game(economy, mechanism, protocol))
        except Refusal as error:
            refusal = error
    if refusal is not None and not games:
        raise refusal
    return games


def _check_name(thing: Any, kind: str) -> None:
    if not isinstance(thing.name, str) or not NAME.fullmatch(thing.name):
        raise InputError(f"{kind} {thing.name!r}: a name is letters and digits with - . _ between")


def _check_options(strategy: Strategy) -> None:
    """Raise unless a strategy is made again from its options, under which it is logged."""
    with explained(f"strategy {strategy.name!r}, options"):
        options = strategy.options()
    again = construct(type(strategy), "strategy", strategy.name, options)
    if again.key() != strategy.key():
        raise InputError(
            f"strategy {strategy.name!r}: its options() do not make it again: {strategy.key()} becomes {again.key()}"
        )


def _check_menu(strategy: Strategy, context: AgentContext) -> None:
    """Raise unless the menu holds members of its own kind, and not too many."""
    with explained(f"strategy {strategy.name!r}, menu"):
        members = list(islice(type(strategy).candidates(context), LONGEST))
    for member in members:
        if not isinstance(member, type(strategy)):
            raise InputError(f"strategy {strategy.name!r}: menu yields {type(member).__name__}, expected its own kind")
    if len(members) == LONGEST:
        raise InputError(f"strategy {strategy.name!r}: menu has {LONGEST:,} members or more; offer fewer")
