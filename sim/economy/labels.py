"""Profiles, periods and what an agent knows, in words: by the labels of the economy."""

from collections.abc import Sequence

from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import labels_text


def profile_text(environment: TableEnvironment, t: int, profile: int) -> str:
    """Return the labels of a profile, the public state first."""
    return labels_text(environment.stage(t).labelled_axes, profile)


def shown_period(environment: TableEnvironment, t: int) -> int | str:
    """Return the period, or "1 or later" for a repeated one."""
    return t if environment.horizon is not None or t == 0 else "1 or later"


def own_text(environment: TableEnvironment, t: int, who: Sequence[int], own: int) -> str:
    """Return the labels of what some agents see: the public state and their own signals."""
    stage = environment.stage(t)
    return labels_text(([stage.public] if stage.public else []) + [stage.signals[i] for i in who], own)
