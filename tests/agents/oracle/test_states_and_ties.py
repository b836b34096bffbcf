"""Maxima run over the states that some play leads to, and what is told of them does not hang on the last bits."""

from dataclasses import replace

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.oracle.gains import participation, ties, worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, Value, solve
from dynmech.agents.oracle.story import find_story
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.builders import from_arrays, random_environment, single_object
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.units import in_units
from dynmech.sim.play.roles import Situation
from tests.builders.generators import generator

NEVER = 2
"""The signal that nobody ever has."""


def auction(horizon: int | None) -> TableEnvironment:
    """Two bidders worth 1 or 2, drawn anew; or 10 by a signal that never comes, and would never go."""
    values, law = [[1.0, 2.0, 10.0]] * 2, np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    base = single_object(values, [law, law], np.outer(law[0], law[0]), 0.5)
    return TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.5, horizon)


@pytest.mark.parametrize("horizon", [None, 3])
@pytest.mark.parametrize("information", list(Information))
def test_a_signal_that_never_comes_is_no_state(horizon: int | None, information: Information) -> None:
    """Who pays its report gains value less the least winning report: 1 of 2 a period, and of 10 more than 7."""
    environment = auction(horizon)
    posed = build_problem(FiniteGame(environment, PayYourReport(environment)), (0,))
    best, truth = (solve(posed, family, information) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    reached, every = (worst_gain(posed, best, truth, all_states=every) for every in (False, True))
    assert reached.gain < 2 < 7 < every.gain
    assert reached.state is not None
    for t, (states, _) in enumerate(posed.reachable):
        stage = environment.stage(t)
        never = np.array([NEVER in profile for profile in np.ndindex(*stage.axes)])
        assert not states[:, never].any()
        assert states[:, ~never].any(axis=0).all()


def test_an_audit_says_which_states_its_maxima_are_over() -> None:
    environment = auction(None)
    gains = {
        every: dm.audit(environment, "pay-your-report", all_states=every).gains.query(
            "family == 'best_response' and information == 'ex_post'"
        )
        for every in (False, True)
    }
    assert (gains[False]["gain"] < 2).all()
    assert (gains[True]["gain"] > 7).all()
    assert [frame["states"].unique().tolist() for frame in gains.values()] == [["reachable"], ["all"]]


def shifted(value: Value, period: int, place: tuple[int, int], message: int, by: float) -> Value:
    """The same values with one message at one state worth a little more."""
    choices = [table.copy() for table in value.choices]
    choices[period][(*place, message)] += by
    return replace(value, choices=tuple(choices))


def test_of_messages_that_tie_the_story_tells_the_prescribed_one_else_the_lowest() -> None:
    environment = auction(None)
    posed = build_problem(FiniteGame(environment, PayYourReport(environment)), (0,))
    best, truth = (solve(posed, f, Information.EX_POST) for f in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    gain = worst_gain(posed, best, truth)
    assert gain.state is not None
    period, place = gain.state.period, (gain.state.memory, gain.state.profile)
    story = find_story(posed, best, truth, gain)
    assert story is not None
    assert story.message != story.prescribed
    worth = best.choices[period][place]
    others = [r for r in range(len(worth)) if r not in (story.message, story.prescribed)]

    def told(message: int, by: float) -> int:
        again = find_story(posed, shifted(best, period, place, message, worth.max() - worth[message] + by), truth, gain)
        assert again is not None
        return again.message

    for other in others:
        assert told(other, 1e-12) == min(other, story.message)
        assert told(other, -1e-12) == min(other, story.message)
        assert told(other, 1e-6) == other
        assert told(other, -1e-6) == story.message
    assert told(story.prescribed, -1e-12) == story.prescribed
    assert told(story.prescribed, -1e-6) == story.message


def test_ties_are_counted_and_the_same_in_any_unit_of_money() -> None:
    """One period of the first-price rule: a bidder worth 1 earns nothing by 1, and as much by what loses to all."""
    environment = auction(2)
    counted = []
    for unit in (1.0, 1e-9, 1e9):
        game = FiniteGame(in_units(environment, unit), PayYourReport(in_units(environment, unit)))
        posed = build_problem(game, (0,))
        counted.append(ties(posed, solve(posed, Family.PRESCRIBED, Information.EX_POST)))
    assert counted[0] == counted[1] == counted[2]
    assert counted[0] == by_hand(environment)


def test_a_tie_is_one_of_worth_that_is_kept_and_not_one_of_its_size() -> None:
    """Signal 0: decisions 0 and 1 are worth 1; signal 1: they are worth −1 and 2. Only the former ties."""
    environment = from_arrays(
        np.array([[[1.0, -1.0], [1.0, 2.0]]]), [np.full((2, 2, 2), 0.5)], np.array([0.5, 0.5]), 0.5, horizon=1
    )
    posed = build_problem(FiniteGame(environment, Team(environment)), (0,))
    assert ties(posed, solve(posed, Family.PRESCRIBED, Information.EX_POST)) == (1, 2)


def by_hand(environment: TableEnvironment) -> tuple[int, int]:
    """Two periods; bids 1, 2, 10, highest wins, the first bidder in a tie, and pays: own payoffs by profile and bid.

    Truth earns nothing in any case, so a bid ties where it earns nothing; it matters where who wins changes.
    """
    bids = (1.0, 2.0, 10.0)
    rules = PayYourReport(environment)
    tied = total = 0
    for own, other in ((a, b) for a in (0, 1) for b in (0, 1)):
        total += 1
        wins = [
            int(rules.decide(Situation(0, np.zeros(1, np.intp), np.zeros(1, np.intp)), np.array([[bid, other]]))[0])
            for bid in range(3)
        ]
        mine = 1 + 0 if len(environment.stage(0).decisions) == 3 else 0
        earns = [(bids[own] - bids[bid]) * (wins[bid] == mine) for bid in range(3)]
        tied += any(bid != own and earns[bid] == earns[own] and (wins[bid] != wins[own]) for bid in range(3))
    return 2 * tied, 2 * total


@pytest.mark.parametrize("horizon", [None, 3])
def test_the_worst_stays_are_the_least_values_of_truth(horizon: int | None) -> None:
    """Against recursion over profiles: values of truthful play by profile, and their means given the own signal."""
    environment = random_environment(generator(3), agents=2, signals=2, decisions=2, discount=0.6)
    environment = replace(environment, horizon=horizon)
    mechanism = Team(environment)
    game = FiniteGame(environment, mechanism)
    found = participation(game)
    dates = 60 if horizon is None else horizon
    stage, law = environment.stage(0), environment.kernel(0).rows()
    decide = mechanism.plan.policy[0].reshape(-1)
    for i in range(2):
        flow = stage.utility.sum(axis=0).reshape(len(stage.decisions), -1)[decide, np.arange(stage.size)]
        value = np.zeros((dates + 1, stage.size))
        if horizon is None:
            move = law[decide, np.arange(stage.size)]
            value[:] = np.linalg.solve(np.eye(stage.size) - environment.discount * move, flow)
        else:
            for t in reversed(range(dates)):
                policy = mechanism.plan.policy[t].reshape(-1)
                now = stage.utility.sum(axis=0).reshape(len(stage.decisions), -1)[policy, np.arange(stage.size)]
                value[t] = now + environment.discount * law[policy, np.arange(stage.size)] @ value[t + 1]
        reached = value[:1] if horizon is None else value[:dates]
        assert found["ex_post"][i].value == pytest.approx(reached.min(), abs=1e-9)
        own = np.array([profile[i] for profile in np.ndindex(*stage.axes)])
        prior = environment.prior.reshape(-1)
        first = min(value[0][own == k] @ prior[own == k] / prior[own == k].sum() for k in range(2))
        assert found["at_the_start"][i].value == pytest.approx(first, abs=1e-9)
