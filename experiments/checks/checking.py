"""Checks of what users write: each raises an error that names agent and period, or returns what was checked.

>>> from dynmech.agents.strategies.one_shot import OneShot
>>> check_strategy(OneShot(period=1), "oil-leases-prior", "linked")
strategy 'one-shot': holds on oil-leases-prior (linked)
>>> check_mechanism("team", "repeated-auction:horizon=3")
mechanism 'team': holds on repeated-auction:horizon=3
>>> check_environment("oil-leases")
scenario 'oil-leases': holds

Stress tests and runs make the same checks of users' strategies and mechanisms before they play.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import dynmech.agents.conformance.strategy_check
import dynmech.sim.conformance.environment_check
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.accepted import as_environment, described
from dynmech.experiments.catalog.names import (
    MECHANISMS,
    SCENARIOS,
    STRATEGIES,
    make_mechanism,
    make_strategy,
    mechanism_class,
    names_file,
)
from dynmech.experiments.catalog.options import construct, explained, options_of
from dynmech.experiments.checks.check_result import CheckResult, Finding
from dynmech.experiments.checks.trials import places, try_where_it_fits
from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.experiments.workers.plugin_opening import beside_plugins, with_plugins
from dynmech.experiments.workers.sandbox import Limits
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import FalseDeclaration, InputError, Refusal
from dynmech.sim.core.plugin_files import load_plugin
from dynmech.sim.core.registry import NAME, Registry
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.roles import Promises

GAMES = (("oil-leases-prior", "linked"), ("repeated-auction:horizon=4", "pivot"))
"""The games in which strategies are checked by default."""

LONGEST = 10_000
"""Candidates that a strategy may offer."""

TAIL = 0.5
"""Share of all discounted weight that a check leaves out of an infinite horizon."""


@checked_arguments
def check_strategy(
    strategy: Strategy | str,
    environment: Environment | str | None = None,
    mechanism: Mechanism | str = "team",
    *,
    agent: int | str | None = None,
    protocol: ProtocolOptions | None = None,
    episodes: int = 24,
) -> CheckResult:
    """Check that a strategy does what it declares, while the other agents play as prescribed.

    What it sends must depend on its view alone, episode by episode, and it must not change global state. It must be
    made again from its `options()`, and its `candidates` and `describe` must be usable.

    Parameters
    ----------
    strategy : Strategy or str
        A strategy, or its name, or `name:key=value,…`.
    environment : Environment or str, optional
        The economy; without one the strategy is checked in two games of dynmech's own.
    mechanism : Mechanism or str
        The mechanism on that economy.
    agent : int or str, optional
        The agent that plays it, by name or by number from 0; every agent in turn, if none is named.
    protocol : ProtocolOptions, optional
        Deadline and latency of messages, in periods, and what the designer discloses.
    episodes : int
        Plays of the game per agent.

    Returns
    -------
    CheckResult
        One finding: it holds, and in which games it was tried.

    Raises
    ------
    InputError, PlayError
        One line about the first thing that is wrong.

    Examples
    --------
    >>> check_strategy("misreport:map=flip", "oil-leases", "linked", agent="firm 1")
    strategy 'misreport': holds on oil-leases (linked)
    """
    checked = make_strategy(strategy) if isinstance(strategy, str) else strategy
    _check_name(checked, "strategy")
    _check_options(checked)
    games = GAMES if environment is None else ((environment, mechanism),)
    tried = []
    for economy, rules in games:
        game = _game(economy, rules, protocol)
        tried.append(f"{described(economy, game.environment.name)} ({described(rules, game.mechanism.name)})")
        names = game.environment.agents
        for i in range(len(names)) if agent is None else [agent_index(names, str(agent))]:
            _check_candidates(checked, AgentContext.of(game, i))
            dynmech.agents.conformance.strategy_check.check_strategy(
                checked, i, game, [Truthful()] * len(names), episodes=episodes
            )
    return _held(f"strategy {checked.name!r}", tried)


@checked_arguments
def check_mechanism(
    mechanism: Mechanism | str,
    environment: Environment | str | None = None,
    *,
    protocol: ProtocolOptions | None = None,
    episodes: int = 24,
) -> CheckResult:
    """Check that a mechanism does what it declares: rules depend on what they are shown, transfers keep the bound.

    Parameters
    ----------
    mechanism : Mechanism or str
        A mechanism that was made for its economy, or a name, or `name:key=value,…`.
    environment : Environment or str, optional
        The economy of a mechanism by name; without one it is checked on the first two shipped ones that it fits.
    protocol : ProtocolOptions, optional
        Deadline and latency of messages, in periods, and what the designer discloses.
    episodes : int
        Plays of the game.

    Returns
    -------
    CheckResult
        One finding: it holds, and on which economies it was tried.

    Raises
    ------
    InputError, PlayError
        One line about the first thing that is wrong.
    Refusal
        It fits none of the economies.

    Examples
    --------
    >>> check_mechanism("pivot", "oil-leases")
    mechanism 'pivot': holds on oil-leases
    """
    if isinstance(mechanism, Mechanism):
        _check_game(_game(mechanism.environment, mechanism, protocol), episodes)
        return _held(f"mechanism {mechanism.name!r}", [mechanism.environment.name])

    def check(economy: Environment) -> None:
        _check_game(_game(economy, mechanism, protocol), episodes)

    tried: Sequence[str]
    if environment is None:
        tried = try_where_it_fits(places((), None), check)
    else:
        economy = _economy(environment)
        check(economy)
        tried = [described(environment, economy.name)]
    return _held(f"mechanism {mechanism_class(mechanism).name!r}", tried)


@checked_arguments
def check_environment(environment: Environment | str, table: TableEnvironment | str | None = None) -> CheckResult:
    """Check that an economy can be played, see `dynmech.sim.conformance.environment_check`.

    Parameters
    ----------
    environment : Environment or str
        An economy, or its name, `name:key=value,…` or file.
    table : TableEnvironment or str, optional
        The finite economy of which it is another form: its utilities must be the same, its draws must follow that law.

    Returns
    -------
    CheckResult
        One finding: it holds.

    Raises
    ------
    InputError, PlayError
        One line about the first thing that is wrong.

    Examples
    --------
    >>> check_environment("bilateral-trade-continuous")
    scenario 'bilateral-trade-continuous': holds
    """
    economy = _economy(environment)
    finite = None if table is None else _economy(table)
    if finite is not None and not isinstance(finite, TableEnvironment):
        raise InputError(f"table: environment {finite.name!r} is not a finite one")
    dynmech.sim.conformance.environment_check.check_environment(economy, finite)
    kind = "scenario" if isinstance(environment, str) and not names_file(environment) else "environment"
    return _held(f"{kind} {described(environment, economy.name)!r}", [])


def _held(what: str, where: Sequence[str]) -> CheckResult:
    """Return the result of a check that found nothing wrong."""
    return CheckResult([Finding(what, "holds", where=tuple(where))])


@checked_arguments
def check_plugins(
    paths: str | PathLike[str] | Iterable[str | PathLike[str]],
    environment: Environment | str | None = None,
    *,
    limits: Limits | None = None,
    begin: Callable[[str], None] = lambda _: None,
) -> CheckResult:
    """Check every class that plug-in files define, with default options, each in a process of its own.

    Parameters
    ----------
    paths : str or Path, or an iterable of these
        A Python file, or several.
    environment : Environment or str, optional
        The economy on which mechanisms and strategies are checked. Without one a mechanism is checked on the first two
        economies that it fits, those of the files first and then shipped ones, where an error does not count once it
        holds on one of the files'; a strategy in two shipped games.
    limits : Limits, optional
        Seconds and bytes that each check may take.
    begin : callable
        Is called with the name of what is checked next.

    Returns
    -------
    CheckResult
        What was checked, whether it holds, what is wrong, and on which economies it was tried.

    Raises
    ------
    InputError, PlayError
        A file cannot be imported.

    Examples
    --------
    >>> check_plugins([])
    nothing was checked
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, str | PathLike) else paths)]
    return CheckResult([*plugin_findings(files, environment, limits, begin)])


def plugin_findings(
    paths: Iterable[Path], environment: Environment | str | None, limits: Limits | None, begin: Callable[[str], None]
) -> Iterator[Finding]:
    """Yield what `check_plugins` returns, one by one."""
    files, limits = list(paths), limits or Limits()
    offered: list[_Offer] = beside_plugins(files, partial(_offers, files), limits)
    own = [offer.name for offer in offered if offer.kind == SCENARIOS.kind and not offer.needs]
    checks: dict[str, Callable[[str], tuple[str, ...]]] = {
        SCENARIOS.kind: _try_scenario,
        MECHANISMS.kind: partial(_try_mechanism, own, environment),
        STRATEGIES.kind: partial(_try_strategy, environment),
    }
    for offer in offered:
        begin(offer.what)
        yield _finding(offer, partial(checks[offer.kind], offer.name), files, limits)


@dataclass(frozen=True)
class _Offer:
    """What a plug-in offers under a name, and the options that it has no default for."""

    kind: str
    name: str
    needs: tuple[str, ...]

    @property
    def what(self) -> str:
        return f"{self.kind} {self.name!r}"


def _offers(paths: Sequence[Path]) -> list[_Offer]:
    """Return what plug-ins that have been taken in offer."""
    modules = {load_plugin(path).__name__ for path in paths}
    registries: tuple[Registry[Any], ...] = (SCENARIOS, MECHANISMS, STRATEGIES)
    return [
        _Offer(registry.kind, name, tuple(_needs(cls)))
        for registry in registries
        for name, cls in registry.all().items()
        if cls.__module__ in modules
    ]


def _try_scenario(name: str) -> tuple[str, ...]:
    check_environment(name)
    return ()


def _try_mechanism(own: Sequence[str], environment: Environment | str | None, name: str) -> tuple[str, ...]:
    def check(economy: Environment) -> None:
        check_mechanism(name, economy)

    return try_where_it_fits(places(own, environment), check, own)


def _try_strategy(environment: Environment | str | None, name: str) -> tuple[str, ...]:
    if environment is not None:
        check_strategy(name, environment)
        return (environment if isinstance(environment, str) else environment.name,)
    for economy, mechanism in GAMES:
        check_strategy(name, economy, mechanism)
    return tuple(f"{economy} ({mechanism})" for economy, mechanism in GAMES)


def _needs(cls: type) -> list[str]:
    """Return the options that a class has no default for."""
    return [name for name, p in options_of(cls).items() if p.default is p.empty]


def _finding(offer: _Offer, check: Callable[[], tuple[str, ...]], paths: Sequence[Path], limits: Limits) -> Finding:
    if offer.needs:
        return Finding(offer.what, "not checked", f"it needs option {offer.needs[0]!r}; give it a default")
    answer = with_plugins(paths, check, limits)
    if isinstance(answer.error, Refusal) and not isinstance(answer.error, FalseDeclaration):
        return Finding(offer.what, "not checked", str(answer.error))
    if answer.error is not None:
        return Finding(offer.what, "fails", str(answer.error))
    return Finding(offer.what, "holds", answer.wrote, answer.value)


# Parts


def _game(environment: Environment | str, mechanism: Mechanism | str, protocol: ProtocolOptions | None) -> Game:
    economy = _economy(environment)
    rules = make_mechanism(mechanism, economy) if isinstance(mechanism, str) else mechanism
    _check_name(rules, "mechanism")
    with explained(f"mechanism {rules.name!r}"):
        return make_game(economy, rules, protocol, tail=TAIL)


def _check_game(game: Game, episodes: int) -> None:
    """Check a mechanism in a game of its own."""
    _check_name(game.mechanism, "mechanism")
    if not isinstance(game.mechanism.promises, Promises):
        raise InputError(f"mechanism {game.mechanism.name!r}: promises are no dynmech.sim.play.roles.Promises")
    dynmech.agents.conformance.strategy_check.check_mechanism(game, episodes=episodes)


def _economy(given: Any) -> Any:
    """Return the economy of a name or a path; what has agents is taken for one, and looked at by the checks."""
    return given if hasattr(given, "agents") else as_environment(given)


def _check_name(thing: Any, kind: str) -> None:
    if not hasattr(thing, "name"):
        raise InputError(f"{kind}: an object of type {type(thing).__name__} is no {kind}")
    if not isinstance(thing.name, str) or not NAME.fullmatch(thing.name):
        raise InputError(f"{kind} {thing.name!r}: a name is letters and digits with - . _ between")


def _check_options(strategy: Strategy) -> None:
    """Raise unless a strategy is made again from its options; it is logged under them."""
    with explained(f"strategy {strategy.name!r}, options"):
        options = strategy.options()
    remade = construct(type(strategy), "strategy", strategy.name, options)
    if remade.key() != strategy.key():
        raise InputError(
            f"strategy {strategy.name!r}: its options() do not make it again: {strategy.key()} becomes {remade.key()}"
        )


def _check_candidates(strategy: Strategy, context: AgentContext) -> None:
    """Raise unless the candidates are of the strategy's own class, and not too many."""
    with explained(f"strategy {strategy.name!r}, candidates"):
        members = list(islice(type(strategy).candidates(context), LONGEST))
    for member in members:
        if not isinstance(member, type(strategy)):
            raise InputError(
                f"strategy {strategy.name!r}: candidates yields {type(member).__name__}, expected its own kind"
            )
    if len(members) == LONGEST:
        raise InputError(f"strategy {strategy.name!r}: candidates yields {LONGEST:,} or more; offer fewer")
