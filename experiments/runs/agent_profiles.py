"""Agents by name, and a strategy for each of them."""

from collections.abc import Callable, Mapping, Sequence

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.accepted import StrategyLike
from dynmech.experiments.runs.simulation import slug
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name


def strategy_profile(
    agents: Sequence[str], strategies: Mapping[str, StrategyLike], opened: Callable[[StrategyLike], Strategy]
) -> tuple[Strategy, ...]:
    """Return a strategy per agent, prescribed play for those that are not named; `opened` makes one of what is given.

    Raises:
        InputError: there is no such agent, or one is given twice.
    """
    profile: list[Strategy] = [Truthful()] * len(agents)
    named: set[int] = set()
    for who, strategy in strategies.items():
        i = agent_index(agents, str(who))
        if i in named:
            raise InputError(f"strategy: agent {agents[i]!r} is given twice")
        named.add(i)
        profile[i] = opened(strategy)
    return tuple(profile)


def agent_index(agents: Sequence[str], who: str) -> int:
    """Return the number of an agent, given its name (spaces may be hyphens) or its number from 0.

    Raises:
        InputError: there is no such agent.
    """
    for i, name in enumerate(agents):
        if who in (name, slug(name)):
            return i
    if who.isdecimal() and int(who) < len(agents):
        return int(who)
    raise InputError(f"no agent {who!r}; agents: {', '.join(agents)}{near_name(who, agents)}")
