"""What a stress test tries of a strategy: every member is different, fits, and can be typed."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from dynmech import run
from dynmech.agents.strategies.base import AgentContext
from dynmech.agents.strategies.belief_manipulation import BeliefManipulation
from dynmech.agents.strategies.contingent import Contingent
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.one_shot import OneShot
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import STRATEGIES, make_strategy
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.play.game import make_game
from dynmech.sim.play.roles import GameSpaces, StrategyProtocol
from tests.builders.strategy_games import ABC, SHIPPED, oil, play


def test_the_menu_has_the_members_that_counting_gives() -> None:
    """With two messages there are 3 lies. one-shot: 2 dates × 3; belief-manipulation: 3 × 3 at the one date that has a
    next; misreport, as its message sets differ: 3 words (flip, up, down); contingent: 3 words after each of firm 1's
    reports of period 0 (after period 1 it has no choice left), 3 × 2."""
    sizes = {name: len(list(cls.candidates(oil()[1]))) for name, cls in SHIPPED.items()}
    expected = {"truthful": 0, "scripted": 0, "random": 1, "one-shot": 6, "belief-manipulation": 9, "misreport": 3}
    none = dict.fromkeys(("informed-buyer", "eager-seller", "disobedience", "quitting", "initial-misreport"), 0)
    none |= dict.fromkeys(("q-learning", "exp3", "fictitious-play"), 0)  # slow: only on request
    none |= dict.fromkeys(("default", "late"), 0)  # payments are enforced
    assert sizes == {**expected, **none, "contingent": 6}


def test_the_menu_of_a_larger_set_is_bounded() -> None:
    """K = 3 over many periods: one-shot has all 26 lies at each of 3 dates; the others 5 words (none equal)."""
    environment = RepeatedAuction(bidders=2, values=3).build()
    context = AgentContext.of(make_game(environment, Team(environment)), 1)
    assert context.periods > 6
    sizes = {name: len(list(cls.candidates(context))) for name, cls in SHIPPED.items()}
    assert sizes["one-shot"] == 3 * 26
    assert sizes["misreport"] == 26
    assert sizes["belief-manipulation"] == 2 * 5 * 5
    assert sizes["contingent"] == 5 * (3 + 3 + 3)  # decisions none, 1, 2; two bidders with three reports
    hidden = replace(context, disclosure="decisions")
    assert len(list(Contingent.candidates(hidden))) == 5 * 3  # reports that are not shown are no condition


def test_an_agent_without_a_choice_has_nothing_to_try() -> None:
    game_spaces = GameSpaces(("Ann",), (Finite(("-",)),) * 2, ((Finite(("-",)),),) * 2, (Finite(("-",)),) * 2)
    for cls in (OneShot, BeliefManipulation, Contingent, Misreport):
        assert list(cls.candidates(AgentContext(0, game_spaces))) == []


def test_lies_that_fit_a_number_and_a_choice_are_tried_where_both_are_sent() -> None:
    """A price in period 0, three words after: up and down would fail on the price."""
    spaces: tuple[Space, ...] = (Interval(0, 1), Finite(ABC), Interval(0, 1))
    game_spaces = GameSpaces(("Ann",), (Finite(("no", "yes")),) * 3, tuple((s,) for s in spaces), (Finite(("-",)),) * 3)
    context = AgentContext(0, game_spaces)
    assert [s.key() for s in Misreport.candidates(context)] == [f"misreport:map={w}" for w in ("flip", "low", "high")]
    assert {s.map.text for s in Contingent.candidates(context)} == {"flip", "low", "high"}
    assert len(list(OneShot.candidates(context))) == 3 + 26 + 3


def test_names_that_would_not_read_back_are_left_out_of_the_menu() -> None:
    labels = Finite(("plain", "a&b", "a,b", "a]b"))
    game_spaces = GameSpaces(("A&B", "Ann"), (labels,) * 2, ((labels, labels),) * 2, (Finite(("-",)),) * 2)
    conditions = {s.options()["when"] for s in Contingent.candidates(AgentContext(1, game_spaces))}
    assert conditions == {"decision==plain", "decision==a]b", "report[Ann]==plain"}


@pytest.mark.parametrize("agent", [0, 1])
@pytest.mark.parametrize("name", SHIPPED)
def test_no_member_is_the_truth_or_there_twice_and_each_can_be_typed(name: str, agent: int) -> None:
    game, context = oil(agent)
    others: list[StrategyProtocol] = [Truthful(), Truthful()]
    truth = play(game, *others, episodes=40).report
    plays, words = [], []
    for member in STRATEGIES.get(name).candidates(context):
        again = make_strategy(member.key())
        assert type(again) is type(member)
        assert again.key() == member.key()
        records = []
        for strategy in (member, again):
            others[agent] = strategy
            records.append(play(game, *others, episodes=40).report)
        assert np.array_equal(records[0], records[1])
        plays.append(records[0].tobytes())
        words.append((member.key(), member.describe(context)))
    keys, shown = [key for key, _ in words], [text for _, text in words]
    assert len(set(keys)) == len(keys)
    assert all(shown)
    if name != "contingent":  # some of whose conditions come true only when no choice is left
        assert truth.tobytes() not in plays
        assert len(set(plays)) == len(plays)
        assert len(set(shown)) == len(shown)


# Settings


@pytest.mark.parametrize(
    ("sizes", "dates"),
    [
        ([2, 2, 2], [0, 1, 2]),
        ([1, 2, 1, 3], [1, 3]),
        ([2] * 6, [0, 1, 2, 3, 4, 5]),
        ([2] * 7, [0, 1, 2]),
        ([1, 1, 2, 2, 2, 2, 2, 2], [2, 3, 4]),
        ([1] * 3, []),
    ],
)
def test_dates_are_the_periods_with_a_choice_the_first_three_of_a_long_game(
    sizes: Sequence[int], dates: list[int]
) -> None:
    messages = tuple((Finite(ABC[:k]),) for k in sizes)
    game_spaces = GameSpaces(("Ann",), (Finite(("-",)),) * len(sizes), messages, (Finite(("-",)),) * len(sizes))
    assert AgentContext(0, game_spaces).dates() == dates


# Options that mean nothing in a game are refused before it is played


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("misreport:map=foo", "map: 'foo' is none of flip, up, down, low, high, nor a list of 2 images"),
        ("misreport:map=4/6", "map '4/6': '4' is none of 0..1: '0', '1'"),
        ("one-shot:period=99", "period: 99 is none of 0 … 2, which are played"),
        ("one-shot:period=-1", "period: -1 is none of 0 … 2, which are played"),
        ("one-shot:period=1,map=0/1/1", "map '0/1/1' has 3 images for 2 messages"),
        ("belief-manipulation:period=2", "period: 3 is none of 0 … 2"),
        ("contingent:when=report[firm 3]==6", "no agent 'firm 3'; agents: firm 1, firm 2"),
        ("contingent:when=report[firm 2]==5", "'5' is none of"),
        ("contingent:when=decision==zz", "condition 'decision==zz': 'zz' is none of"),
        ("contingent:when=period>=7", "condition 'period>=7': the periods are 0 … 2"),
        ("contingent:map=foo", "map: 'foo' is none of"),
        ("scripted:messages=1/5/*", "script entry 1: '5' is none of"),
        ("quitting:when=9", "period: 9 is none of 0 … 2"),
    ],
)
def test_an_option_without_meaning_is_one_line_before_anything_is_played(key: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        run("oil-leases-prior", "linked", {"0": key}, episodes=20, out=tmp_path / "run")
    assert str(error.value).startswith("strategy '")
    assert "of agent 'firm 1': " in str(error.value)
    assert said in str(error.value)
    assert not (tmp_path / "run").exists(), "nothing was begun"


def test_what_a_stress_test_tries_and_what_conditions_allow_fits(tmp_path: Path) -> None:
    environment = OilLeasesPrior().build()
    game = make_game(environment, Linked(environment))
    for agent, family in product(range(2), STRATEGIES.all().values()):
        for member in family.candidates(AgentContext.of(game, agent)):
            member.validate(AgentContext.of(game, agent))
    # The map fits neither the first period's labels nor the last; the condition picks the one that it fits.
    key = "contingent:when=report[firm 2]==6&period==1,map=6/4"
    assert run("oil-leases-prior", "linked", {"firm 1": key}, episodes=20, out=tmp_path / "run").agents.shape[0] == 2
