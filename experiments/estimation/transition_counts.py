"""Count (profile, decision) → next profile in a panel, jointly or axis by axis."""

import numpy as np

from dynmech.experiments.estimation.panel import ABSENT, Panel
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.economy.counts import Counts, Tables
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage


def count_transitions(
    panel: Panel, environment: TableEnvironment, *, joint: bool, smoothing: float = 0.0
) -> tuple[Counts, int]:
    """Return the counts, and how many transitions could not be counted since something is missing in them.

    Raises:
        Refusal: a joint table does not fit in memory.
    """
    before = np.flatnonzero(panel.follows)
    known = (panel.profile != ABSENT).all(axis=1)
    after = before + 1
    inside = np.array([stage.kernel is not None for stage in environment.stages])
    last = environment.horizon if len(environment.stages) > 1 else None
    usable = known[before] & known[after] & (panel.decision[before] != ABSENT)
    if last is not None:
        usable &= panel.period[after] < last
    closing = ~known[after] & (panel.decision[after] == ABSENT)  # nobody reports there
    dropped = int((~usable & ~closing).sum())
    before = before[usable]
    stages: list[Tables | None] = []
    for s, stage in enumerate(environment.stages):
        if not inside[s]:
            stages.append(None)
            continue
        following = environment.stages[s + 1] if s + 1 < len(environment.stages) else stage
        own = before[panel.stage[before] == s]
        stages.append(_tables(stage, following, panel, own, joint))
    return Counts(tuple(stages), joint, smoothing), dropped


def _tables(stage: Stage, following: Stage, panel: Panel, rows: IntArray, joint: bool) -> Tables:
    """Return the counts of one stage."""
    decisions, decided = len(stage.decisions), panel.decision[rows]
    start, arrived = panel.profile[rows].T, panel.profile[rows + 1].T
    if joint:
        require_room("counts of joint transitions", 3.0 * decisions * stage.size * following.size)
        origin = np.ravel_multi_index(tuple(start), stage.axes)
        goal = np.ravel_multi_index(tuple(arrived), following.axes)
        return (_counted((decided, origin, goal), (decisions, stage.size, following.size)),)
    widths = zip(stage.axes, following.axes, strict=True)
    return tuple(
        _counted((decided, start[j], arrived[j]), (decisions, width, then)) for j, (width, then) in enumerate(widths)
    )


def _counted(
    places: tuple[IntArray, ...], shape: tuple[int, ...]
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Return how often each place occurs."""
    flat = np.ravel_multi_index(places, shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
