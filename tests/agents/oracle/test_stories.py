"""What a story tells has happened: it can happen, it ends at the state, and nothing shorter does."""

from itertools import product

import numpy as np
import pytest

from dynmech.agents.oracle.gains import Gain, InformationState, worst_gain
from dynmech.agents.oracle.problem import Period, Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.story import Step, Story, find_story, past_lies
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.random_economies import working

GAMES = {
    "repeated-auction:values=2": "balanced",
    "repeated-auction:values=2,horizon=3": "balanced",
    "oil-leases-prior": "cremer-mclean",
    "lowest-bid-auction": "lowest-bid",
    "working, endless": "expected-externality",
    "working, to an end": "expected-externality",
}


def posed(name: str, merge: bool = True) -> Problem:
    """The problem of the first agent; memories are merged, or not."""
    environment = working(3, 3 if name.endswith("end") else None) if name.startswith("working") else load(name)
    assert isinstance(environment, TableEnvironment)
    return build_problem(FiniteGame(environment, make_mechanism(GAMES[name], environment)), (0,), merge=merge)


def moves(period: Period, memory: int, profile: int) -> list[tuple[int, int, int, bool]]:
    """Message, decision, next memory and obedience, for everything that may be done and drawn."""
    out = []
    for r, choice in product(range(period.flow.shape[2]), range(period.flow.shape[3])):
        place = (memory, profile, r, choice)
        obeyed = choice % period.acts == int(period.obey[memory, profile, r][choice // period.acts])
        out.append((r, int(period.decision[place]), int(period.following[place]), obeyed))
    return out


def entry(problem: Problem, t: int) -> Period:
    return problem.periods[min(t, 1) if problem.stationary else t]


def after(problem: Problem, t: int, decision: int, profile: int) -> list[int]:
    law = entry(problem, t).law
    assert law is not None
    return [int(k) for k in np.flatnonzero(law.row(decision, profile) > 0)]


def shortest(problem: Problem, state: InformationState, spying: bool) -> int | None:
    """Of all plays, the fewest periods to the state, by sets of what can have come about."""
    start = int(problem.periods[0].merged[0])
    now = {(start, int(k)) for k in np.flatnonzero(problem.prior > 0)}
    if state.period == 0:
        return 0 if state.memory == start else None
    for t in range(40 if problem.stationary else state.period):
        due = problem.stationary or t + 1 == state.period
        following = set()
        for memory, profile in now:
            for _, decision, then, _ in moves(entry(problem, t), memory, profile):
                if due and not spying and (then, decision, profile) == (state.memory, state.decision, state.before):
                    return t + 1
                following |= {(then, k) for k in after(problem, t, decision, profile)}
        if due and spying and (state.memory, state.profile) in following:
            return t + 1
        now = following
    return None


def happens(problem: Problem, story: Story, spying: bool) -> bool:
    """Whether the history can happen and ends at the state."""
    may = {(int(problem.periods[0].merged[0]), int(k)) for k in np.flatnonzero(problem.prior > 0)}
    state, done = story.state, set[tuple[int, int]]()
    for t, step in enumerate(story.history):
        done = {
            (memory, then)
            for memory, profile in may
            for r, decision, then, obeyed in moves(entry(problem, t), memory, profile)
            if (profile, r, decision, obeyed) == (step.profile, step.message, step.decision, step.obeyed)
            and step.prescribed == int(entry(problem, t).truth[memory, profile])
            and step.period == t
        }
        may = {(then, k) for _, then in done for k in after(problem, t, step.decision, step.profile)}
    if spying or not story.history:
        return (state.memory, state.profile) in may or not spying
    last = story.history[-1]
    return (last.decision, last.profile) == (state.decision, state.before) and state.memory in {n for _, n in done}


@pytest.mark.parametrize("name", GAMES)
def test_every_state_has_a_shortest_history_that_leads_to_it(name: str) -> None:
    """Knowing everything, over all states that some play leads to; of those that none leads to nothing is told."""
    problem = posed(name)
    best, truth = (solve(problem, family, Information.EX_POST) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    told = 0
    for period, (states, _) in enumerate(problem.reachable):
        for memory, profile in list(np.ndindex(*states.shape))[:40] if period else []:
            state = InformationState(period, memory, profile)
            story = find_story(problem, best, truth, Gain(0.0, 0.0, state))
            wanted = shortest(problem, state, spying=True)
            assert (story is not None) == (wanted is not None) == bool(states[memory, profile])
            if story is not None:
                assert len(story.history) == wanted
                assert happens(problem, story, spying=True)
                told += 1
    assert told


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("name", GAMES)
def test_where_only_the_own_past_is_known_the_history_is_one_of_those_that_look_alike(name: str, merge: bool) -> None:
    problem = posed(name, merge)
    best, truth = (solve(problem, family, Information.INTERIM) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    gain = worst_gain(problem, best, truth)
    story = find_story(problem, best, truth, gain)
    assert gain.state is not None
    assert story is not None
    assert story.lie - story.truth == pytest.approx(gain.gain, abs=1e-8 * problem.environment.scale)
    if gain.state.period > 0:
        assert len(story.history) == shortest(problem, gain.state, spying=False)
        assert happens(problem, story, spying=False)


def test_a_state_that_only_disobedience_leads_to() -> None:
    """One agent, who is better off resting, and has worked the day before where its signal is 1; δ = ½."""
    utility = np.array([[[0.0, 1.0], [-1.0, 0.0]]])
    law = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    stage = Stage(
        (("0", "1"),), ("rest", "work"), utility, JointKernel(law, (2,), (2,)), private_actions=(("rest", "work"),)
    )
    environment = TableEnvironment("days", ("Ann",), np.array([1.0, 0.0]), (stage,), 0.5, None)
    problem = build_problem(FiniteGame(environment, Team(environment)), (0,))
    best, truth = (solve(problem, family, Information.EX_POST) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    story = find_story(problem, best, truth, Gain(0.0, 0.0, InformationState(1, 0, 1)))
    assert story is not None
    assert happens(problem, story, spying=True)
    assert past_lies(problem, story) == ["having disobeyed in period 0"]


def test_a_message_that_is_repeated_is_told_once() -> None:
    """Equal lies with the periods they are told in, runs by their ends; another lie apart, in the order they begin."""
    problem = posed("repeated-auction:values=2")
    sent = [(1, 0), (1, 0), (1, 0), (0, 1), (1, 0), (0, 0), (1, 0)]
    steps = [Step(t, 0, message, prescribed, 0, obeyed=t != 5) for t, (message, prescribed) in enumerate(sent)]
    state = InformationState(len(steps), 0, 0)
    assert past_lies(problem, Story(steps, state, 0, 0, 0.0, 0.0)) == [
        "having reported 1 for 0 in periods 0 to 2, 4 and 6",
        "having reported 0 for 1 in period 3",
        "having disobeyed in period 5",
    ]
    assert past_lies(problem, Story([], state, 0, 0, 0.0, 0.0)) == []
