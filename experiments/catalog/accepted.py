"""Texts, classes and objects: whatever a user may give where an economy, a mechanism or a strategy is meant."""

import inspect
from collections.abc import Iterable
from os import PathLike

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.names import load, make_mechanism, make_strategy
from dynmech.experiments.catalog.options import construct, options_of, shown
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.tables.tabulated_mechanism import TabulatedMechanism
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.economy.hashing import environment_hash

MechanismLike = str | type[Mechanism] | Mechanism
"""A name with options, a class, or a mechanism."""

StrategyLike = str | type[Strategy] | Strategy
"""A name with options, a class, or a strategy."""


def as_environment(given: object) -> Environment:
    """Return the economy that is meant by a name, a path or an economy.

    Raises:
        InputError: it is none of these, or there is no such name or file.
    """
    if isinstance(given, TableEnvironment | FunctionEnvironment):
        return given
    if isinstance(given, str | PathLike):
        return load(str(given))
    raise InputError(f"environment: {_kind(given)} is neither a name, nor a path, nor an environment")


def as_mechanism(given: object, environment: Environment) -> Mechanism:
    """Return the mechanism for an economy that is meant by a name, a class or a mechanism.

    A mechanism's own economy is the one to go on with: it is the same, but may be another object.

    Raises:
        InputError: it is none of these, or a mechanism made for another economy.
        Refusal: it does not fit the economy.
    """
    if isinstance(given, str):
        return make_mechanism(given, environment)
    if inspect.isclass(given) and issubclass(given, Mechanism):
        return construct(given, "mechanism", getattr(given, "name", given.__name__), {}, environment)
    if isinstance(given, Mechanism):
        if given.environment is not environment and not _alike(given.environment, environment):
            raise InputError(
                f"mechanism {given.name!r}: it was made for another environment, {given.environment.name!r}"
            )
        return given
    raise InputError(f"mechanism: {_kind(given)} is neither a name, nor a class of mechanisms, nor a mechanism")


def mechanism_list(given: object) -> list[MechanismLike]:
    """Return the mechanisms that a user named, one or several.

    Raises:
        InputError: neither one mechanism nor a list.
    """
    if isinstance(given, str | type | Mechanism):
        return [given]
    if not isinstance(given, Iterable):
        raise InputError(f"mechanism: {_kind(given)} is neither a name, nor a class of mechanisms, nor a mechanism")
    return list(given)


def _alike(one: Environment, other: Environment) -> bool:
    """Return whether two finite economies are the same; of functions nobody can say."""
    both = isinstance(one, TableEnvironment) and isinstance(other, TableEnvironment)
    return both and environment_hash(one) == environment_hash(other)


def as_strategy(given: object) -> Strategy:
    """Return the strategy that is meant by a name, a class or a strategy.

    Raises:
        InputError: it is none of these, or there is no such name.
    """
    if isinstance(given, str):
        return make_strategy(given)
    if inspect.isclass(given) and issubclass(given, Strategy):
        return construct(given, "strategy", getattr(given, "name", given.__name__), {})
    if isinstance(given, Strategy):
        return given
    raise InputError(f"strategy: {_kind(given)} is neither a name, nor a class of strategies, nor a strategy")


def mechanism_text(given: MechanismLike) -> str:
    """Return a mechanism as it is typed: the text itself, or the name with the options that are not the default.

    Raises:
        InputError: an option is no text, so that the mechanism has no such name.
    """
    if isinstance(given, str):
        return given
    if isinstance(given, TabulatedMechanism):
        if not given.path:
            raise InputError(
                f"mechanism {given.name!r}: tables have no name to be typed; save_mechanism, and give the file"
            )
        return given.path
    cls = given if inspect.isclass(given) else type(given)
    name = str(getattr(cls, "name", cls.__name__))
    if given is cls:
        return name
    typed = []
    for option, parameter in options_of(cls).items():
        value = getattr(given, option, parameter.default)
        if not isinstance(value, str | int | float | None):
            raise InputError(f"mechanism {name!r}: option {option!r} is no text; give the mechanism by its name")
        if value != parameter.default:
            typed.append(f"{option}={shown(value)}")
    return f"{name}:{','.join(typed)}" if typed else name


def described(given: object, name: str) -> str:
    """Return what was given as a text, else the name of what it stands for."""
    return str(given) if isinstance(given, str | PathLike) else name


def _kind(given: object) -> str:
    return f"class {given.__name__}" if inspect.isclass(given) else f"an object of type {type(given).__name__}"
