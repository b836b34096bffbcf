"""Who plays what in a study, on an economy: roles of agents that are alike."""

from collections.abc import Iterator

from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.experiments.tournament.profiles import Role
from dynmech.experiments.tournament.study import RoleEntry, Study
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.symmetry import asymmetry


def make_roles(study: Study, environment: Environment) -> tuple[tuple[Role, ...], list[str]]:
    """Return the study's roles on an economy, and the names of those that are taken as symmetric without proof.

    Agents of a role that is not symmetric get a role each.

    Raises:
        InputError: an agent in no role or in two, or agents of a symmetric role that are not alike.
    """
    wrong = [f"{'.'.join(map(str, place))}: {text}" for place, text in role_problems(study, environment)]
    if wrong:
        raise InputError("; ".join(wrong))
    roles: list[Role] = []
    assumed = []
    for name, entry in _entries(study, environment).items():
        agents = tuple(agent_index(environment.agents, who) for who in entry.agents)
        strategies = tuple(entry.strategies or study.strategies)
        if entry.symmetric:
            roles.append(Role(name, agents, strategies))
            assumed += [name] if len(agents) > 1 and not isinstance(environment, TableEnvironment) else []
        else:
            roles += [Role(environment.agents[agent], (agent,), strategies) for agent in agents]
    return tuple(roles), assumed


def _entries(study: Study, environment: Environment) -> dict[str, RoleEntry]:
    """Return the study's roles; without any, agents that are alike share one (`agent` if it is the only one)."""
    if study.roles or not isinstance(environment, TableEnvironment):
        return study.roles or {"agent": RoleEntry(agents=list(environment.agents))}
    groups: list[list[int]] = []
    for agent in range(len(environment.agents)):
        alike = next((group for group in groups if not asymmetry(environment, [group[-1], agent])), None)
        if alike is None:
            groups.append([agent])
        else:
            alike.append(agent)
    names = [[environment.agents[agent] for agent in group] for group in groups]
    return {"agent" if len(names) == 1 else " + ".join(group): RoleEntry(agents=group) for group in names}


def role_problems(study: Study, environment: Environment) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what does not fit the economy: place, words."""
    places: dict[int, list[str]] = {agent: [] for agent in range(len(environment.agents))}
    for name, entry in _entries(study, environment).items():
        known = True
        for who in entry.agents:
            try:
                places[agent_index(environment.agents, who)].append(name)
            except InputError as error:
                known = False
                yield ("roles", name, "agents"), str(error)
        if known and entry.symmetric and isinstance(environment, TableEnvironment):
            agents = list(dict.fromkeys(agent_index(environment.agents, who) for who in entry.agents))
            if wrong := asymmetry(environment, agents):
                yield ("roles", name), f"not symmetric, {wrong}; give them roles of their own, or symmetric = false"
    yield from _coalition_problems(study, environment)
    for agent, names in places.items():
        if len(names) != 1:
            where = f"in more than one place ({', '.join(names)})" if names else "in no role"
            yield ("roles",), f"agent {environment.agents[agent]!r} is {where}; each agent has one"


def _coalition_problems(study: Study, environment: Environment) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, members in study.coalitions.items():
        known: list[int] = []
        for who in members:
            try:
                known.append(agent_index(environment.agents, who))
            except InputError as error:
                yield ("coalitions", name), str(error)
        if len(set(known)) < len(known):
            yield ("coalitions", name), "an agent is named twice"
