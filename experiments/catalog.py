"""Everything that has a name: scenarios, mechanisms and strategies, shipped or from plug-ins."""

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agents.base import BaseStrategy
from experiments.options import construct, explained, split
from experiments.scenarios.base import Scenario
from mechanisms.base import BaseMechanism
from sim.environment import Environment, TableEnvironment
from sim.environment_file import load_environment
from sim.errors import InputError
from sim.function_environment import FunctionEnvironment
from sim.registry import Registry, load_plugin

SCENARIOS: Registry[Scenario] = Registry("scenario", Scenario, "experiments.scenarios")  # type: ignore[type-abstract]
MECHANISMS: Registry[BaseMechanism] = Registry("mechanism", BaseMechanism, "mechanisms")  # type: ignore[type-abstract]
STRATEGIES: Registry[BaseStrategy] = Registry("strategy", BaseStrategy, "agents")  # type: ignore[type-abstract]


def use_plugins(paths: Iterable[Path]) -> None:
    """Take in users' files; their strategies, mechanisms and scenarios are then used by name.

    Raises:
        InputError: a file cannot be imported, offers nothing, or takes a name that is there already.
    """
    for path in paths:
        module = load_plugin(path)
        where = f"plug-in {path}"
        registries: list[Registry[Any]] = [SCENARIOS, MECHANISMS, STRATEGIES]
        for problem in (problem for registry in registries for problem in registry.unfinished(module)):
            raise InputError(f"{where}: {problem}")
        if not sum([registry.add(module, where) for registry in registries]):
            raise InputError(f"{where}: it defines no named strategy, mechanism or scenario")


def make_environment(text: str) -> Environment:
    """From a scenario's name, `name:key=value,…`, or the path of an environment file."""
    if text.endswith(".toml"):
        raise InputError(
            f"{text}: a study is for `run`; an economy is a scenario's name or an environment file (.json)"
        )
    head = text.partition(":")[0]  # an option may be a path too
    if head.endswith(".json") or "/" in head or _is_file(text):
        return load_environment(text)
    name, options = split(text, "scenario")
    scenario = construct(SCENARIOS.get(name), "scenario", name, options)
    with explained(f"scenario {name!r}"):
        built: object = scenario.build()
    if not isinstance(built, TableEnvironment | FunctionEnvironment):
        raise InputError(f"scenario {name!r}: build() returned {type(built).__name__}, expected an environment")
    return built


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # too long to be a path
        return False


def make_mechanism(text: str, environment: Environment) -> BaseMechanism:
    """From `name` or `name:key=value,…`; raises Refusal where it does not fit the environment."""
    name, options = split(text, "mechanism")
    mechanism = construct(MECHANISMS.get(name), "mechanism", name, options, environment)
    if not hasattr(mechanism, "environment"):
        raise InputError(f"mechanism {name!r}: its __init__ must call super().__init__(environment)")
    return mechanism


def make_strategy(text: str) -> BaseStrategy:
    """From `name` or `name:key=value,…`."""
    name, options = split(text, "strategy")
    return construct(STRATEGIES.get(name), "strategy", name, options)


def is_shipped(thing: object) -> bool:
    """Whether it is one of ours; a user's own strategy is held to what it declares before it plays."""
    module = thing.__module__ if inspect.isclass(thing) else type(thing).__module__
    return module.partition(".")[0] in ("sim", "mechanisms", "agents", "experiments")
