"""States in words, by their labels: signals, public states, what a deviator knows."""

from typing import Any

import numpy as np

from dynmech.agents.oracle.gains import InformationState
from dynmech.agents.oracle.problem import Problem
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import labels_text


def profile_text(environment: TableEnvironment, t: int, profile: int) -> str:
    """Return the labels of a profile, the public state first."""
    return labels_text(environment.stage(t).labelled_axes, profile)


def shown_period(environment: TableEnvironment, t: int) -> int | str:
    """Return the period, or "1 or later" for a repeated one."""
    return t if environment.horizon is not None or t == 0 else "1 or later"


def own_text(environment: TableEnvironment, t: int, deviator: tuple[int, ...], own: int) -> str:
    """Return the labels of what a deviator sees: the public state and its own signals."""
    stage = environment.stage(t)
    return labels_text(([stage.public] if stage.public else []) + [stage.signals[i] for i in deviator], own)


def state_text(
    environment: TableEnvironment, state: InformationState | None, deviator: tuple[int, ...], *, ex_post: bool
) -> dict[str, Any]:
    """Return a state as labels by name: period, signals, last decision and last signals; empty for None."""
    if state is None:
        return {}
    t = state.period
    if ex_post:
        return {"period": shown_period(environment, t), "profile": profile_text(environment, t, state.profile)}
    where: dict[str, Any] = {
        "period": shown_period(environment, t),
        "signal": own_text(environment, t, deviator, state.profile),
    }
    if state.before is not None and state.decision is not None:
        before = max(t - 1, 0)
        where["last decision"] = environment.stage(before).decisions[state.decision]
        where["last signals"] = profile_text(environment, before, state.before)
    return where


def message_text(problem: Problem, t: int, message: int) -> str:
    """Return the labels of a deviator's message; `leave` for the index behind the last."""
    spaces = [problem.mechanism.messages(t, i) for i in problem.deviator]
    sizes = tuple(getattr(space, "size", 1) for space in spaces)
    if message >= np.prod(sizes):
        return "leave"
    index = np.unravel_index(message, sizes)
    return ", ".join(str(getattr(space, "labels", ("?",))[int(k)]) for space, k in zip(spaces, index, strict=True))
