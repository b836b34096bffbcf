"""Everything that has a name: scenarios, mechanisms and strategies, shipped or from plug-ins."""

from collections.abc import Iterable
from pathlib import Path

from agents.base import BaseStrategy
from experiments.options import construct, split
from experiments.scenarios.base import Scenario
from mechanisms.base import BaseMechanism
from sim.environment import Environment
from sim.environment_file import load_environment
from sim.errors import InputError, Refusal
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
        if not sum([SCENARIOS.add(module, where), MECHANISMS.add(module, where), STRATEGIES.add(module, where)]):
            raise InputError(f"{where}: it defines no named strategy, mechanism or scenario")


def make_environment(text: str) -> Environment:
    """From a scenario's name, `name:key=value,…`, or the path of an environment file."""
    if text.endswith(".json") or "/" in text.partition(":")[0] or Path(text).is_file():
        return load_environment(text)
    name, options = split(text, "scenario")
    return construct(SCENARIOS.get(name), "scenario", name, options).build()


def make_mechanism(text: str, environment: Environment) -> BaseMechanism:
    """From `name` or `name:key=value,…`; raises Refusal where it does not fit the environment."""
    name, options = split(text, "mechanism")
    try:
        return construct(MECHANISMS.get(name), "mechanism", name, options, environment)
    except (InputError, Refusal):
        raise
    except Exception as error:
        shown = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"mechanism {text!r}: {shown}") from error


def make_strategy(text: str) -> BaseStrategy:
    """From `name` or `name:key=value,…`."""
    name, options = split(text, "strategy")
    try:
        return construct(STRATEGIES.get(name), "strategy", name, options)
    except InputError:
        raise
    except Exception as error:
        shown = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"strategy {text!r}: {shown}") from error


def is_shipped(strategy: BaseStrategy) -> bool:
    """Whether it is one of ours; a user's own is held to what it declares before it plays."""
    return type(strategy).__module__.startswith("agents.")
