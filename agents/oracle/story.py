"""The smallest case that shows a gain: a shortest history that leads to the state, the lie there, and its worth."""

from dataclasses import dataclass

import numpy as np

from dynmech.agents.oracle.gains import Gain, Place, worth_at
from dynmech.agents.oracle.problem import Period, Problem
from dynmech.agents.oracle.search import Information, Value
from dynmech.agents.oracle.state_labels import message_text
from dynmech.sim.core.ties import TIE, scale_of


@dataclass(frozen=True)
class Step:
    """One period of a history: the profile, the deviator's message and the prescribed one (flat), what was done.

    `obeyed` says whether the deviator's private action was the recommended one.
    """

    period: int
    profile: int
    message: int
    prescribed: int
    decision: int
    obeyed: bool


@dataclass(frozen=True, eq=False)
class Story:
    """How a gain comes about.

    Attributes:
        history: what happened before, oldest first.
        place: the state of the lie.
        message, prescribed: what the deviator sends there and what it is asked for (flat).
        lie, truth: what each is worth from there on, what is already owed aside.
    """

    history: list[Step]
    place: Place
    message: int
    prescribed: int
    lie: float
    truth: float


def tell(problem: Problem, best: Value, truth: Value, figure: Gain) -> Story | None:
    """The story behind a figure; None where there is no place (ex ante figures) or no history is short enough."""
    place = figure.place
    if place is None:
        return None
    history = _history(problem, place, best.information)
    if history is None:
        return None
    worth, honest, prescribed = worth_at(problem, place, best, truth)
    tied = worth >= worth.max() - TIE * scale_of(*best.choices)
    message = prescribed if tied[prescribed] else int(np.argmax(tied))
    return Story(history, place, message, prescribed, float(worth.max()), honest)


Node = tuple[int, int]
"""(merged memory, profile)."""


def _history(problem: Problem, place: Place, information: Information) -> list[Step] | None:
    """Breadth-first: a shortest play of the deviator that leads to the place with positive probability."""
    first = problem.periods[0]
    start = int(first.merged[0])
    layer: dict[Node, list[Step]] = {(start, int(k)): [] for k in np.flatnonzero(problem.prior > 0)}
    spying = information is Information.EX_POST
    if place.period == 0:
        return [] if place.memory == start else None
    seen: set[Node] = set()
    longest = repeated_nodes(problem) if problem.stationary else place.period
    for t in range(longest):
        period = problem.periods[min(t, 1) if problem.stationary else t]
        arrived: dict[Node, list[Step]] = {}
        arrives = t + 1 >= 1 if problem.stationary else t + 1 == place.period
        for (memory, profile), past in layer.items():
            for step, following in _moves(period, t, memory, profile):
                here = (following, step.decision, profile) == (place.memory, place.decision, place.before)
                if arrives and not spying and here:
                    return [*past, step]
                assert period.rows is not None
                for k in np.flatnonzero(period.rows[step.decision, profile] > 0):
                    node = (following, int(k))
                    if arrives and spying and node == (place.memory, place.profile):
                        return [*past, step]
                    if node not in arrived and not (problem.stationary and node in seen):
                        arrived[node] = [*past, step]
        if problem.stationary:
            seen |= set(arrived)
        if not arrived or (not problem.stationary and t + 1 >= place.period):
            return None
        layer = arrived
    return None


def repeated_nodes(problem: Problem) -> int:
    """How many (memory, profile) there are in the repeated period: no shortest history is longer."""
    period = problem.periods[1]
    return period.states * period.flow.shape[1] + 1


def _moves(period: Period, t: int, memory: int, profile: int) -> list[tuple[Step, int]]:
    """What the deviator can do at a state, the prescribed message and obedience first."""
    prescribed = int(period.truth[memory, profile])
    out = []
    for r in sorted(range(period.flow.shape[2]), key=lambda r: r != prescribed):
        obey = int(period.obey[memory, profile, r])
        for action in sorted(range(period.flow.shape[3]), key=lambda b: b != obey):
            decision = int(period.decision[memory, profile, r, action])
            step = Step(t, profile, r, prescribed, decision, action == obey)
            out.append((step, int(period.following[memory, profile, r, action])))
    return out


def past_lies(problem: Problem, story: Story) -> list[str]:
    """The lies and disobedience of a history, in words."""
    out = []
    for step in story.history:
        if step.message != step.prescribed:
            sent, asked = (message_text(problem, step.period, m) for m in (step.message, step.prescribed))
            out.append(f"having reported {sent} for {asked} in period {step.period}")
        if not step.obeyed:
            out.append(f"having disobeyed in period {step.period}")
    return out
