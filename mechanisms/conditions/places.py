"""Where a condition is worst, in words, and the periods over which it is looked at."""

from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage, labels_text

NamedPlace = tuple[dict[str, str | int], str]
"""A place by name (period, agent, decision, others' profile), and a note."""


def others_text(stage: Stage, agent: int, others: int) -> str:
    """Return the labels of the others' profile with index `others`, public state included."""
    labels = ([stage.public] if stage.public else []) + [own for j, own in enumerate(stage.signals) if j != agent]
    return labels_text(labels, others)


def place_of(
    environment: TableEnvironment, t: int, agent: int, decision: int | None, others: int | None
) -> dict[str, str | int]:
    """Return period, agent, decision and others' profile by name; what is None is left out."""
    stage = environment.stage(t)
    place: dict[str, str | int] = {"period": t, "agent": environment.agents[agent]}
    if decision is not None:
        place["decision"] = stage.decisions[decision]
    if others is not None:
        place["others"] = others_text(stage, agent, others)
    return place


def distinct_periods(environment: TableEnvironment, *, with_next: bool = False) -> range:
    """Return one period per distinct table; `with_next`: only those that another period follows."""
    count = len(environment.stages)
    if with_next and environment.horizon is not None:
        return range(min(count, environment.horizon - 1))
    return range(count)
