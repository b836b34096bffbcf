"""The simplest case that shows a gain: a shortest history that leads to the state, the lie there, and its worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dynmech.agents.oracle.gains import Gain, InformationState, Search, worth_at
from dynmech.agents.oracle.payments import PaymentPeriod
from dynmech.agents.oracle.problem import Period, Problem
from dynmech.agents.oracle.search import Family, Information, Value
from dynmech.sim.core.ties import TIE, scale_of


@dataclass(frozen=True)
class Step:
    """One period of a history.

    Attributes:
        period, profile: when, and the profile of signals.
        message, prescribed: the deviator's message and the prescribed one (flat indices).
        decision: the decision taken.
        obeyed: whether the deviator's private action was the recommended one.
        way: what became of its bill, where it is free to pay: `pay`, `late` or `default`.
    """

    period: int
    profile: int
    message: int
    prescribed: int
    decision: int
    obeyed: bool
    way: str = "pay"


@dataclass(frozen=True, eq=False)
class Story:
    """How a gain arises.

    Attributes:
        history: the periods before, oldest first.
        state: the state of the lie.
        message, prescribed: the deviator's message there and the prescribed one (flat indices).
        lie, truth: what each is worth from there on, without what is already owed.
    """

    history: list[Step]
    state: InformationState
    message: int
    prescribed: int
    lie: float
    truth: float


def find_story(problem: Problem, best: Value, truth: Value, gain: Gain) -> Story | None:
    """Return how a gain arises; None for ex ante gains, and where no history leads to the state."""
    state = gain.state
    if state is None:
        return None
    history = _history(problem, state, best.information)
    if history is None:
        return None
    worth, honest, prescribed = worth_at(problem, state, best, truth)
    tied = worth >= worth.max() - TIE * scale_of(best.scale, *best.choices)
    message = prescribed if tied[prescribed] else int(np.argmax(tied))
    return Story(history, state, message, prescribed, float(worth.max()), honest)


def story_of(search: Search, information: Information) -> Story | None:
    """Return the smallest case in which a best response gains most; None where nothing gains, or was not searched."""
    best, truth = (search.values.get((family, information)) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    if best is None or truth is None:
        return None
    kind = "ex_post" if information is Information.EX_POST else "interim"
    return find_story(search.problem, best, truth, search.figures[Family.BEST_RESPONSE][kind])


Node = tuple[int, int]
"""(merged memory, profile)."""


def _history(problem: Problem, state: InformationState, information: Information) -> list[Step] | None:
    """Return a shortest play of the deviator that leads to the state with positive probability, breadth first."""
    first = problem.periods[0]
    start = int(first.merged[0])
    layer: dict[Node, list[Step]] = {(start, int(k)): [] for k in np.flatnonzero(problem.prior > 0)}
    spying = information is Information.EX_POST
    if state.period == 0:
        return [] if state.memory == start else None
    seen: set[Node] = set()
    longest = repeated_nodes(problem) if problem.stationary else state.period
    for t in range(longest):
        period = problem.periods[min(t, 1) if problem.stationary else t]
        arrived: dict[Node, list[Step]] = {}
        arrives = problem.stationary or t + 1 == state.period
        for (memory, profile), past in layer.items():
            for step, following in _moves(period, t, memory, profile):
                reaches = (following, step.decision, profile) == (state.memory, state.decision, state.before)
                if arrives and not spying and reaches:
                    return [*past, step]
                assert period.law is not None
                for k in np.flatnonzero(period.law.row(step.decision, profile) > 0):
                    node = (following, int(k))
                    if arrives and spying and node == (state.memory, state.profile):
                        return [*past, step]
                    if node not in arrived and not (problem.stationary and node in seen):
                        arrived[node] = [*past, step]
        if problem.stationary:
            seen |= set(arrived)
        if not arrived:
            return None
        layer = arrived
    return None


def repeated_nodes(problem: Problem) -> int:
    """Return an upper bound of the length of a shortest history: the number of (memory, profile) pairs, plus 1."""
    period = problem.periods[1]
    return period.states * period.flow.shape[1] + 1


def _moves(period: Period, t: int, memory: int, profile: int) -> list[tuple[Step, int]]:
    """Return the deviator's moves at a state with the next memory, the prescribed message and obedience first."""
    prescribed = int(period.truth[memory, profile])
    out = []
    for r in sorted(range(period.flow.shape[2]), key=lambda r: r != prescribed):
        for draw, obey in enumerate(period.obey[memory, profile, r].tolist()):
            for action in [obey, *(other for other in range(period.acts) if other != obey)]:
                choice = draw * period.acts + action
                decision = int(period.decision[memory, profile, r, choice])
                step = Step(t, profile, r, prescribed, decision, *_act(period, action, obey))
                out.append((step, int(period.following[memory, profile, r, choice])))
    return out


def _act(period: Period, action: int, obey: int) -> tuple[bool, str]:
    """Return whether an act is the prescribed one, and what it does with the bill."""
    if not isinstance(period, PaymentPeriod):
        return action == obey, "pay"
    return action // period.ways == obey // period.ways, period.way(action)


def past_lies(problem: Problem, story: Story) -> list[str]:
    """Return the lies and acts of disobedience in a history, in words, each once with its periods."""
    told: dict[str, list[int]] = {}
    for step in story.history:
        for deed in _deeds(problem, step):
            told.setdefault(deed, []).append(step.period)
    return [f"{deed} {periods_text(periods)}" for deed, periods in told.items()]


def _deeds(problem: Problem, step: Step) -> list[str]:
    """Return what the deviator does in a period that is not prescribed, in words."""
    out = []
    if step.message != step.prescribed:
        sent, asked = (problem.message_text(step.period, m) for m in (step.message, step.prescribed))
        out.append(f"having reported {sent} for {asked}")
    if not step.obeyed:
        out.append("having disobeyed")
    if step.way != "pay":
        out.append("having put off what it owed")
    return out


def periods_text(periods: Sequence[int]) -> str:
    """Return in which periods something happens; a run of three or more by its ends.

    Args:
        periods: in rising order, one at least.

    >>> periods_text([4]), periods_text([0, 1]), periods_text([0, 1, 2, 5])
    ('in period 4', 'in periods 0 and 1', 'in periods 0 to 2 and 5')
    """
    runs: list[list[int]] = []
    for period in periods:
        if runs and period == runs[-1][-1] + 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    parts = [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"in period{'s' if len(periods) > 1 else ''} {listed}"
