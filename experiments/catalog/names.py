"""Scenarios, mechanisms and strategies by name: those of dynmech, of plug-in files and of installed packages."""

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from dynmech.agents.oracle.best_response import NAME, BestResponse
from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.options import construct, explained, split
from dynmech.experiments.scenarios.base import Scenario
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.tables.tabulated_mechanism import TabulatedMechanism
from dynmech.sim.conformance.environment_check import check_environment
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import DynmechError, InputError
from dynmech.sim.core.plugin_files import load_plugin
from dynmech.sim.core.registry import SHIPPED, Registry, format_exception
from dynmech.sim.core.source_index import modules_by_name
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment

SCENARIOS: Registry[Scenario] = Registry("scenario", Scenario, "dynmech.experiments.scenarios", "dynmech.scenarios")  # type: ignore[type-abstract]
MECHANISMS: Registry[Mechanism] = Registry("mechanism", Mechanism, "dynmech.mechanisms", "dynmech.mechanisms")  # type: ignore[type-abstract]
STRATEGIES: Registry[Strategy] = Registry("strategy", Strategy, "dynmech.agents", "dynmech.strategies")  # type: ignore[type-abstract]

PROFILE = "profile"
"""The strategy that plays a part of a profile file; like the best response it is made for a game."""


def take_in_plugins(paths: Iterable[Path]) -> None:
    """Import users' files here and now; their strategies, mechanisms and scenarios can then be used by name.

    Raises
    ------
        InputError: a file cannot be imported, defines nothing that has a name, or defines a name that exists already.
    """
    for path in paths:
        module, where = load_plugin(path), f"plug-in {path}"
        try:
            _take_in(module, where)
        except (DynmechError, KeyboardInterrupt):
            raise
        except BaseException as error:  # a module can hold anything
            raise InputError(f"{where}: {format_exception(error)}") from error


def index_shipped_names() -> None:
    """Read what our own classes are called, as taking in a plug-in does, so that children of this process need not."""
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        modules_by_name(registry.package)


def _take_in(module: ModuleType, where: str) -> None:
    registries: list[Registry[Any]] = [SCENARIOS, MECHANISMS, STRATEGIES]
    for problem in (problem for registry in registries for problem in registry.unfinished(module)):
        raise InputError(f"{where}: {problem}")
    if not sum([registry.add(module, where) for registry in registries]):
        raise InputError(f"{where}: it defines no named strategy, mechanism or scenario")


def in_use(module: str) -> bool:
    """Whether a plug-in's module has been taken in for its names, and not only imported by another one."""
    registries: tuple[Registry[Any], ...] = (SCENARIOS, MECHANISMS, STRATEGIES)
    return any(registry.has_taken_in(module) for registry in registries)


@checked_arguments
def load(text: str | PathLike[str] | Environment) -> Environment:
    """Load an economy by name or from a file; an economy is returned as it is.

    Parameters
    ----------
    text : str, path or Environment
        A scenario's name, `name:key=value,…`, or the path of an environment file (`.json`).

    Returns
    -------
    Environment
        The economy. One that a user's scenario gives by functions has been checked against what the simulation needs.

    Raises
    ------
    InputError, PlayError
        One line: no such name, option or file, or an economy that breaks what it declares.

    Examples
    --------
    >>> load("repeated-auction:bidders=3,horizon=4").agents
    ('bidder 1', 'bidder 2', 'bidder 3')
    """
    if isinstance(text, TableEnvironment | FunctionEnvironment):
        return text
    if not isinstance(text, str | PathLike):
        raise InputError(
            f"environment: an object of type {type(text).__name__} is neither a name, nor a path, nor an environment"
        )
    text = str(text)
    if text.endswith(".toml"):
        raise InputError(
            f"{text}: a study is for `run`; an economy is a scenario's name or an environment file (.json)"
        )
    if names_file(text):
        from dynmech.sim.economy.files import load_environment  # it needs pydantic, which takes a while

        return load_environment(text)
    name, options = split(text, "scenario")
    cls = SCENARIOS.get(name)
    base = [load(AND.sub(",", options.pop(key))) for key in _built_on(cls, options)]
    scenario = construct(cls, "scenario", name, options, *base)
    with explained(f"scenario {name!r}"):
        built: object = scenario.build()
    if not isinstance(built, TableEnvironment | FunctionEnvironment):
        raise InputError(f"scenario {name!r}: build() returned {type(built).__name__}, expected an environment")
    if type(built) is not TableEnvironment and not is_shipped(scenario):
        check_environment(built)
    return built


def names_file(text: str) -> bool:
    """Whether the text of an environment or a mechanism is the path of a file, and not a name."""
    head = text.partition(":")[0]  # an option may be a path too
    try:
        return head.endswith(".json") or "/" in head or Path(text).is_file()
    except OSError:  # too long to be a path
        return False


def _built_on(cls: type, options: Mapping[str, str]) -> list[str]:
    """Return the options that are given and mean another mechanism or economy: `base`, and after it `also`."""
    if not {"base", "also"} & set(options):
        return []
    with explained(f"{getattr(cls, 'name', cls.__name__)!r}"):
        hints = get_type_hints(cls.__init__)  # type: ignore[misc] # as in `options`
    meant = [key for key in ("base", "also") if {Mechanism, Environment} & set(get_args(hints.get(key)))]
    if "also" in options and "also" in meant and "base" not in options:
        raise InputError(f"mechanism {getattr(cls, 'name', '')!r}: also: give base=MECHANISM, too")
    return [key for key in meant if key in options]


AND = re.compile(r"\+(?=\w+=)")
"""Between the options of a base mechanism."""


def mechanism_class(text: str) -> type[Mechanism]:
    """Return the class of a mechanism by its text: a registered one, or that of mechanism files."""
    return TabulatedMechanism if names_file(text) else MECHANISMS.get(split(text, "mechanism")[0])


def mechanism_classes(text: str) -> list[type[Mechanism]]:
    """Return the class of a mechanism, and those of the mechanisms that it builds on."""
    if names_file(text):
        return [TabulatedMechanism]
    name, options = split(text, "mechanism")
    cls = MECHANISMS.get(name)
    return [cls, *(one for key in _built_on(cls, options) for one in mechanism_classes(AND.sub(",", options[key])))]


@checked_arguments
def make_mechanism(text: str, environment: Environment) -> Mechanism:
    """Make a mechanism for an economy.

    Parameters
    ----------
    text : str
        `name` or `name:key=value,…`, or the path of a mechanism file (`.json`). A mechanism that builds on another
        takes that as `base=NAME`, with options as `base=NAME:key=value+key=value`.
    environment : Environment
        The economy.

    Returns
    -------
    Mechanism
        The mechanism; its tables may be computed when they are first needed.

    Raises
    ------
    InputError
        No such mechanism or option.
    Refusal
        It does not fit the economy; the message says why.

    Examples
    --------
    >>> make_mechanism("once:base=team", load("oil-leases")).name
    'once'
    """
    if names_file(text):
        from dynmech.mechanisms.tables.mechanism_files import load_mechanism  # here for the same reason

        return load_mechanism(text, environment)
    name, options = split(text, "mechanism")
    cls = MECHANISMS.get(name)
    below = getattr(cls, "base_environment", lambda given: given)(environment)
    base = [make_mechanism(AND.sub(",", options.pop(key)), below) for key in _built_on(cls, options)]
    mechanism = construct(cls, "mechanism", name, options, environment, *base)
    with explained(f"mechanism {name!r}"):
        complete = hasattr(mechanism, "environment")
    if not complete:
        raise InputError(f"mechanism {name!r}: its __init__ must call super().__init__(environment)")
    return mechanism


@checked_arguments
def make_strategy(text: str) -> Strategy:
    """Make a strategy.

    Parameters
    ----------
    text : str
        `name` or `name:key=value,…`.

    Returns
    -------
    Strategy
        The strategy; any agent can play it.

    Raises
    ------
    InputError
        No such strategy or option.

    Examples
    --------
    >>> make_strategy("one-shot:period=1,map=flip").key()
    'one-shot:period=1,map=flip'
    """
    name, options = split(text, "strategy")
    return construct(strategy_class(name), "strategy", name, options)


def strategy_class(name: str) -> type[Strategy]:
    """Return the class of a strategy by name: a registered one, or one that is made for a game.

    Raises
    ------
        InputError: there is none.
    """
    if name == PROFILE:
        from dynmech.experiments.catalog.profile_play import ProfilePlay  # here, as it opens strategies by name

        return ProfilePlay
    return BestResponse if name == NAME else STRATEGIES.get(name)


def is_shipped(thing: object) -> bool:
    """Whether an object, or a class, is defined in dynmech; users' own are checked before they play.

    It is defined there if its module is one of ours and holds it under its name.
    """
    cls = thing if inspect.isclass(thing) else type(thing)
    module = str(cls.__module__)
    held: object = sys.modules.get(module) if module.partition(".")[0] == SHIPPED else None
    for part in cls.__qualname__.split("."):
        held = getattr(held, part, None)
    registries: tuple[Registry[Any], ...] = (SCENARIOS, MECHANISMS, STRATEGIES)
    return held is cls and not any(registry.package_of(cls) for registry in registries)
