"""States in words: signals, public states, what a deviator knows."""

from typing import Any

import numpy as np

from dynmech.agents.oracle.gains import Place
from dynmech.agents.oracle.problem import Problem
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import labels_text


def profile_text(environment: TableEnvironment, t: int, profile: int) -> str:
    """Signals of a profile, with a public state first."""
    return labels_text(environment.stage(t).labelled_axes, profile)


def shown_period(environment: TableEnvironment, t: int) -> int | str:
    """A period; of a repeated one, that it may be any later one."""
    return t if environment.horizon is not None or t == 0 else "1 or later"


def own_text(environment: TableEnvironment, t: int, deviator: tuple[int, ...], own: int) -> str:
    """What a deviator sees: a public state and its own signals."""
    stage = environment.stage(t)
    return labels_text(([stage.public] if stage.public else []) + [stage.signals[i] for i in deviator], own)


def place_text(
    environment: TableEnvironment, place: Place | None, deviator: tuple[int, ...], *, ex_post: bool
) -> dict[str, Any]:
    """A place in words: period, signals, and what happened before."""
    if place is None:
        return {}
    t = place.period
    if ex_post:
        return {"period": shown_period(environment, t), "profile": profile_text(environment, t, place.profile)}
    where: dict[str, Any] = {
        "period": shown_period(environment, t),
        "signal": own_text(environment, t, deviator, place.profile),
    }
    if place.before is not None and place.decision is not None:
        before = max(t - 1, 0)
        where["last decision"] = environment.stage(before).decisions[place.decision]
        where["last signals"] = profile_text(environment, before, place.before)
    return where


def message_text(problem: Problem, t: int, message: int) -> str:
    """A deviator's message by its labels; `leave` for the one behind the last."""
    spaces = [problem.mechanism.messages(t, i) for i in problem.deviator]
    sizes = tuple(getattr(space, "size", 1) for space in spaces)
    if message >= np.prod(sizes):
        return "leave"
    index = np.unravel_index(message, sizes)
    return ", ".join(str(getattr(space, "labels", ("?",))[int(k)]) for space, k in zip(spaces, index, strict=True))
