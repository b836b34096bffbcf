"""Every shipped strategy on scripted signals, its menu, its words, and the small languages of maps and conditions."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech import run
from dynmech.agents.learners.exp3 import Exp3
from dynmech.agents.learners.fictitious_play import FictitiousPlay
from dynmech.agents.learners.q_learning import QLearning
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.belief_manipulation import BeliefManipulation
from dynmech.agents.strategies.contingent import Contingent
from dynmech.agents.strategies.delayed import Delayed
from dynmech.agents.strategies.disobedience import Disobedience
from dynmech.agents.strategies.eager_seller import EagerSeller
from dynmech.agents.strategies.history_conditions import Condition
from dynmech.agents.strategies.informed_buyer import InformedBuyer
from dynmech.agents.strategies.initial_misreport import InitialMisreport
from dynmech.agents.strategies.maps import WORDS, MessageMap, lies
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.one_shot import OneShot
from dynmech.agents.strategies.per_episode import EpisodeStrategy, EpisodeView
from dynmech.agents.strategies.quitting import Quitting
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import STRATEGIES, make_strategy
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import GameSpaces, Situation, StrategyProtocol, View

ABC = ("a", "b", "c")
SHIPPED = {name: cls for name, cls in STRATEGIES.all().items() if cls.__module__.startswith("dynmech.agents.")}
"""Ours, without what plug-ins may have added."""


# An economy that follows a script


def follows(ann: str, bob: str, *, public: str = "") -> TableEnvironment:
    """Signals of Ann and Bob, a, b or c, period by period; the public state (d or w) likewise."""
    pasts = [[ABC.index(x) for x in ann], [ABC.index(x) for x in bob]]
    axes: tuple[int, ...] = (3, 3)
    if public:
        pasts, axes = [["dw".index(x) for x in public], *pasts], (2, 3, 3)

    def sure(t: int) -> Array:
        law = np.zeros(axes)
        law[tuple(past[t] for past in pasts)] = 1
        return law

    stages = tuple(
        Stage(
            signals=(ABC, ABC),
            decisions=("left", "right"),
            utility=np.zeros((2, 2, *axes)),
            kernel=JointKernel(np.broadcast_to(sure(t + 1), (2, *axes, *axes)).copy(), axes, axes)
            if t + 1 < len(ann)
            else None,
            public=("dry", "wet") if public else (),
        )
        for t in range(len(ann))
    )
    return TableEnvironment("script", ("Ann", "Bob"), sure(0), stages, 1.0, len(ann))


class Echo(DirectMechanism):
    """Decides right where Bob reports anything but a."""

    name = "echo"
    source = "a test double"

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.minimum(messages[:, 1], 1)

    def transfer_bound(self) -> float:
        return 0.0


def play(game: Game, *strategies: StrategyProtocol, episodes: int = 3, block: int = 4096) -> Record:
    streams = Streams(0, "test", 0, episodes, game.periods + game.closing)
    return play_shard(game, list(strategies), streams, episodes=episodes, block=block)


def said(
    strategy: StrategyProtocol,
    signals: str,
    bob: str | None = None,
    *,
    public: str = "",
    disclosure: str = "everything",
) -> str:
    """What Ann reports over the periods when her signals, and Bob's, are these."""
    environment = follows(signals, bob or "a" * len(signals), public=public)
    record = play(
        make_game(environment, Echo(environment), ProtocolOptions(disclosure=disclosure)), strategy, Truthful()
    )
    assert (record.report == record.report[..., :1]).all()
    return "".join(ABC[k] for k in record.report[:, 0, 0])


@pytest.mark.parametrize(
    ("strategy", "signals", "reports"),
    [
        (Truthful(), "abcab", "abcab"),
        (Misreport(), "abcab", "cbacb"),  # flip: a ↔ c
        (Misreport("up"), "abcab", "bccbc"),
        (Misreport("down"), "abcab", "aabaa"),
        (Misreport("low"), "abcab", "aaaaa"),
        (Misreport("b/c/a"), "abcab", "bcabc"),
        (OneShot(2), "abcab", "abaab"),
        (OneShot(0, "high"), "abcab", "cbcab"),
        (OneShot(9), "abcab", "abcab"),
        (BeliefManipulation(), "aacab", "cccab"),
        (BeliefManipulation(1, "up", "low"), "aacab", "abaab"),
        (Scripted("c/*/b"), "abcab", "cbbab"),
        (Scripted("2/a"), "abcab", "cacab"),
        (Scripted(), "abcab", "abcab"),
    ],
)
def test_what_a_strategy_says_over_the_periods(strategy: Strategy, signals: str, reports: str) -> None:
    assert said(strategy, signals) == reports


@pytest.mark.parametrize(
    ("when", "reports"),
    # Ann sees a all along and lies c; Bob says a b a c, so the decisions are left, right, left, right.
    [
        ("period>=2", "aacc"),
        ("period<=1", "ccaa"),
        ("period==3", "aaac"),
        ("period!=0", "accc"),
        ("decision==left", "acac"),
        ("decision==0", "acac"),
        ("decision!=left", "aaca"),
        ("report[Bob]==b", "aaca"),
        ("report[Bob]!=a", "aaca"),
        ("report[Bob]==c", "aaaa"),  # Bob says c in the last period, and no period follows
        ("report[Ann]==a", "acac"),  # she lies once, has then said c, is back at the truth, and so on
        ("public==wet", "caca"),
        ("public!=1", "acac"),
        ("period>=1 & public==wet", "aaca"),
        ("decision==left&report[Bob]==a&period<=1", "acaa"),
        ("decision==up", "aaaa"),  # what does not exist equals nothing
        ("report[Bob]!=z", "accc"),
    ],
)
def test_a_condition_holds_where_it_says(when: str, reports: str) -> None:
    assert said(Contingent(when, "high"), "aaaa", "abac", public="wdwd") == reports


def test_a_condition_looks_at_the_last_period_however_far_the_strategy_remembers() -> None:
    class Elephant(Contingent):
        """Remembers everything."""

        memory_periods = None

    assert said(Elephant("report[Bob]==b", "high"), "aaaa", "abac") == "aaca"


def test_a_condition_may_be_a_function() -> None:
    assert said(Contingent(lambda view: view.signal == 1, "low"), "abcb") == "aaca"


@pytest.mark.parametrize(
    ("when", "disclosure", "what"),
    [
        ("report[Bob]==a", "decisions", "condition 'report[Bob]==a': the disclosure policy hides the reports"),
        ("report[Bob]==a", "own", "condition 'report[Bob]==a': the disclosure policy hides the reports"),
        ("report[Eve]==a", "everything", "condition 'report[Eve]==a': no agent 'Eve'; agents: Ann, Bob"),
    ],
)
def test_a_condition_on_what_is_hidden_or_absent_is_stopped(when: str, disclosure: str, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        said(Contingent(when), "aba", disclosure=disclosure)
    assert str(caught.value) == f"strategy 'contingent' of agent 'Ann' in period 1: {what}"


def test_under_own_outcomes_decisions_that_are_alike_cannot_be_told_apart() -> None:
    """Nobody cares for left or right here, so Ann is told the first of both."""
    assert said(Contingent("decision==left", "high"), "aaa", "aba", disclosure="own") == "acc"
    assert said(Contingent("decision==right", "high"), "aaa", "aba", disclosure="own") == "aaa"


FORM = "is not of the form period>=1, decision==x, report[agent]==x or public==x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"condition '' {FORM}"),
        ("weather==wet", f"condition 'weather==wet' {FORM}"),
        ("decision=left", f"condition 'decision=left' {FORM}"),
        ("decision>=left", f"condition 'decision>=left' {FORM}"),
        ("report==a", f"condition 'report==a' {FORM}"),
        ("report[]==a", f"condition 'report[]==a' {FORM}"),
        ("period>=1&", f"condition '' {FORM}"),
        ("period>=soon", "condition 'period>=soon': 'soon' is not a period"),
        ("period>=-1", "condition 'period>=-1': '-1' is not a period"),
    ],
)
def test_a_condition_that_is_no_condition_gets_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Condition(text)
    assert str(caught.value) == message


# Noise


def test_random_reports_are_even_and_do_not_follow_the_signal() -> None:
    environment = follows("aab", "aaa")
    record = play(make_game(environment, Echo(environment)), RandomReport(), Truthful(), episodes=6000)
    for t in range(3):
        share = np.bincount(record.report[t, 0], minlength=3) / 6000
        assert (np.abs(share - 1 / 3) <= 5 * np.sqrt(2 / 9 / 6000)).all()
    together = np.corrcoef(record.report[:, 0])
    assert (np.abs(together[np.triu_indices(3, 1)]) <= 5 / np.sqrt(6000)).all()  # anew in each period


def test_two_random_agents_have_luck_of_their_own() -> None:
    environment = follows("aab", "aaa")
    record = play(make_game(environment, Echo(environment)), RandomReport(), RandomReport(), episodes=500)
    assert 0.2 < (record.report[:, 0] == record.report[:, 1]).mean() < 0.5


# Maps

four = Finite(("w", "x", "y", "z"))


@pytest.mark.parametrize(
    ("text", "image", "words"),
    [
        ("flip", [3, 2, 1, 0], "w→z, x→y, y→x, z→w"),
        ("up", [1, 2, 3, 3], "w→x, x→y, y→z"),
        ("down", [0, 0, 1, 2], "x→w, y→x, z→y"),
        ("low", [0, 0, 0, 0], "always w"),
        ("high", [3, 3, 3, 3], "always z"),
        ("w/x/y/z", [0, 1, 2, 3], ""),
        ("w/x/z/y", [0, 1, 3, 2], "y→z, z→y"),
        ("0/1/2/0", [0, 1, 2, 0], "z→w"),
        ("x/x/x/x", [1, 1, 1, 1], "always x"),
    ],
)
def test_maps_do_what_their_words_say(text: str, image: list[int], words: str) -> None:
    lie = MessageMap(text)
    assert lie.image(four).tolist() == image
    assert lie(np.array([3, 0, 0]), four).tolist() == [image[3], image[0], image[0]]
    assert lie.words(four) == words


def test_labels_come_before_numbers() -> None:
    assert MessageMap("1/0").image(Finite(("1", "0"))).tolist() == [0, 1]


@pytest.mark.parametrize(("text", "image"), [("flip", [1.0, 0.75, 0.0]), ("low", [-1] * 3), ("high", [1] * 3)])
def test_maps_on_an_interval(text: str, image: list[float]) -> None:
    assert MessageMap(text)(np.array([-1.0, -0.75, 0.0]), Interval(-1, 1)).tolist() == image
    assert MessageMap(text).words(Interval(-1, 1)) == text


@pytest.mark.parametrize(
    ("text", "space", "message"),
    [
        ("up", Interval(0, 1), "map 'up' is for finite message sets; on an interval use flip, low or high"),
        ("sideways", four, "map: 'sideways' is none of flip, up, down, low, high, nor a list of 4 images"),
        ("w/x", four, "map 'w/x' has 2 images for 4 messages 0..3: 'w', 'x', 'y', 'z'"),
        ("w/x/y/q", four, "map 'w/x/y/q': 'q' is none of 0..3: 'w', 'x', 'y', 'z'"),
        ("0/1/2/4", four, "map '0/1/2/4': '4' is none of 0..3: 'w', 'x', 'y', 'z'"),
    ],
)
def test_a_map_that_does_not_fit_is_stopped(text: str, space: Space, message: str) -> None:
    with pytest.raises(PlayError) as caught:
        MessageMap(text)(np.zeros(2, np.intp), space)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", "/", "a/", "/a", "a//b"])
def test_a_map_with_a_hole_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        MessageMap(text)
    assert str(caught.value) == f"map: {text!r} is neither one of {', '.join(WORDS)} nor images such as 1/0"


@given(size=st.integers(1, 6), limit=st.sampled_from([0, 8, 30]))
def test_lies_are_all_the_maps_or_each_word_once_and_never_the_truth(size: int, limit: int) -> None:
    space = Finite(tuple("abcdef"[:size]))
    images = [tuple(lie.image(space).tolist()) for lie in lies(space, limit)]
    assert tuple(range(size)) not in images
    assert len(set(images)) == len(images)
    if size**size - 1 <= limit:
        assert len(images) == size**size - 1
    else:
        assert set(images) | {tuple(range(size))} == {
            tuple(MessageMap(word).image(space).tolist()) for word in WORDS
        } | {tuple(range(size))}


# Menus


def oil(agent: int = 0) -> tuple[Game, AgentContext]:
    """The oil leases with a private prior: firm 1 chooses in periods 0 and 1, firm 2 in periods 1 and 2."""
    environment = OilLeasesPrior().build()
    game = make_game(environment, Linked(environment))
    return game, AgentContext.of(game, agent)


def test_the_menu_has_the_members_that_counting_gives() -> None:
    """With two messages there are 3 lies. one-shot: 2 dates × 3; belief-manipulation: 3 × 3 at the one date that has a
    next; misreport, as its message sets differ: 3 words (flip, up, down); contingent: 3 words after each of firm 1's
    reports of period 0 (after period 1 it has no choice left), 3 × 2."""
    sizes = {name: len(list(cls.candidates(oil()[1]))) for name, cls in SHIPPED.items()}
    expected = {"truthful": 0, "scripted": 0, "random": 1, "one-shot": 6, "belief-manipulation": 9, "misreport": 3}
    none = dict.fromkeys(("informed-buyer", "eager-seller", "disobedience", "quitting", "initial-misreport"), 0)
    none |= dict.fromkeys(("q-learning", "exp3", "fictitious-play"), 0)  # slow: only on request
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


# Words


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (Truthful(), "plays truthful"),
        (RandomReport(), "reports at random"),
        (OneShot(1, "6/4"), "lies once, in period 1 (4→6, 6→4)"),
        (OneShot(0, "low"), "lies once, in period 0 (1→0)"),
        (Misreport("flip"), "misreports in every period (0: 0→1, 1→0; 1: 4→6, 6→4)"),
        (Scripted("1/6"), "sends 1, 6"),
        (Contingent("decision==2", "flip"), "lies wherever the last decision was 2 (4→6, 6→4)"),
        (
            Contingent(lambda view: view.signal == 1, "up"),
            "lies wherever tests.agents.strategies.test_strategies.<lambda> (4→6)",
        ),
        (
            BeliefManipulation(0, "1/0", "6/6"),
            "lies in period 0 (0→1, 1→0) and exploits it in period 1 (4→6)",
        ),
    ],
)
def test_a_deviation_is_told_in_words(strategy: Strategy, words: str) -> None:
    assert strategy.describe(oil()[1]) == words


def test_the_same_lie_in_every_period_is_told_once() -> None:
    environment = RepeatedAuction(bidders=2, values=3, horizon=3).build()
    assert Misreport("low").describe(AgentContext.of(make_game(environment, Team(environment)), 0)) == (
        "misreports in every period (always 0)"
    )


@pytest.mark.parametrize(
    ("strategy", "key"),
    [
        (Truthful(), "truthful"),
        (RandomReport(), "random"),
        (Misreport("high"), "misreport:map=high"),
        (OneShot(2, "up"), "one-shot:period=2,map=up"),
        (BeliefManipulation(1), "belief-manipulation:period=1,lie=flip,exploit=flip"),
        (Contingent("report[Bob]==c", "low"), "contingent:when=report[Bob]==c,map=low"),
        (Contingent("period>=1&decision!=left"), "contingent:when=period>=1&decision!=left,map=flip"),
        (Scripted("c/*/b"), "scripted:messages=c/*/b"),
    ],
)
def test_a_key_is_what_one_types(strategy: Strategy, key: str) -> None:
    assert strategy.key() == key
    environment = follows("abcab", "abcba")
    game = make_game(environment, Echo(environment))
    typed, built = (play(game, one, Truthful(), episodes=9).report for one in (make_strategy(key), strategy))
    assert typed.tolist() == built.tolist()


def test_every_shipped_strategy_is_held_here() -> None:
    tried = {Truthful, RandomReport, Misreport, OneShot, BeliefManipulation, Contingent, Scripted}
    elsewhere = {
        InformedBuyer,
        EagerSeller,
        Disobedience,
        Quitting,
        InitialMisreport,
        QLearning,
        Exp3,
        FictitiousPlay,
    }  # tests of the trading game, of actions, of quitting, of frozen audits, of learners
    assert set(SHIPPED.values()) == tried | elsewhere


# Errors in play


@pytest.mark.parametrize(
    ("strategy", "what"),
    [
        (Scripted("a/z"), "period 1: script entry 1: 'z' is none of 0..2: 'a', 'b', 'c'"),
        (Misreport("a/b"), "period 0: map 'a/b' has 2 images for 3 messages 0..2: 'a', 'b', 'c'"),
        (OneShot(1, "x"), "period 1: map: 'x' is none of flip, up, down, low, high, nor a list of 3 images"),
    ],
)
def test_a_strategy_that_does_not_fit_the_messages_is_stopped(strategy: Strategy, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        said(strategy, "abc")
    assert str(caught.value) == f"strategy {strategy.name!r} of agent 'Ann' in {what}"


@pytest.mark.parametrize("text", ["", "a//b", "/"])
def test_a_script_with_a_hole_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Scripted(text)
    assert str(caught.value) == f"messages: {text!r} has an empty entry; write * for the prescribed message"


# One episode at a time


class Grudge(EpisodeStrategy):
    """Lies with chance ½, and always once Bob has said b; counts its lies in its notes."""

    name = "grudge"
    source = "a test double"
    width = 1
    memory_periods = 1

    def report(self, view: EpisodeView) -> float:
        angry = view.private.get("angry", False)
        if view.past and view.past[-1].reports is not None:
            angry = angry or view.past[-1].reports[1] == 1
        view.private["angry"] = angry
        return 2 - int(view.prescribed) if angry or view.uniforms[0] < 0.5 else int(view.prescribed)


class GrudgeOnArrays(Strategy):
    """The same, for a block at a time."""

    name = "grudge-on-arrays"
    source = "a test double"
    width = 1
    memory_periods = 1

    def message(self, view: View) -> Array:
        angry = view.private.get("angry", np.zeros(view.size, np.bool_))
        if view.past and view.past[-1].reports is not None:
            angry = angry | (view.past[-1].reports[:, 1] == 1)
        view.private["angry"] = angry
        lie = angry | (view.uniforms[:, 0] < 0.5)
        return np.where(lie, 2 - view.prescribed, view.prescribed)


@pytest.mark.parametrize("block", [1, 7, 40])
def test_a_function_of_one_episode_plays_like_one_of_arrays(block: int) -> None:
    environment = RepeatedAuction(bidders=2, values=3, horizon=5).build()
    game = make_game(environment, Team(environment))
    one = play(game, Grudge(), RandomReport(), episodes=40, block=block)
    many = play(game, GrudgeOnArrays(), RandomReport(), episodes=40, block=40)
    assert np.array_equal(one.report, many.report)
    assert np.array_equal(one.payoffs, many.payoffs)
    assert not np.array_equal(one.report[:, 0], one.signal[:, 0])


def test_one_episode_is_seen_as_plain_numbers() -> None:
    seen: list[EpisodeView] = []

    class Looks(EpisodeStrategy):
        name = "looks"
        source = "a test double"
        width = 2
        memory_periods = None

        def report(self, view: EpisodeView) -> float:
            seen.append(view)
            return int(view.prescribed)

    assert said(Looks(), "abc", "cab", public="wdw") == "abc"
    last = seen[-1]
    assert (last.t, last.agent, last.signal, last.public, last.prescribed) == (2, 0, 2, 1, 2)
    assert len(last.uniforms) == 2
    assert [past.t for past in last.past] == [0, 1]
    told = np.array([(past.signal, past.message, past.decision) for past in last.past])
    assert told.tolist() == [[0, 0, 1], [1, 1, 0]]
    assert [past.reports.tolist() for past in last.past if past.reports is not None] == [[0, 2], [1, 0]]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (0.5, "message returned type float64, first value 0.5, expected elements of 0..2: 'a', 'b', 'c'"),
        (7, "message returned 7 (row 0 of the block), outside 0..2: 'a', 'b', 'c'"),
        (None, "message returned type object, first value None, expected elements of 0..2: 'a', 'b', 'c'"),
        ("b", "message returned type <U1, first value 'b', expected elements of 0..2: 'a', 'b', 'c'"),
    ],
)
def test_a_wrong_answer_for_one_episode_is_stopped(answer: Any, what: str) -> None:
    class Wrong(EpisodeStrategy):
        name = "wrong"
        source = "a test double"

        def report(self, view: EpisodeView) -> float:
            return answer

    with pytest.raises(PlayError) as caught:
        said(Wrong(), "ab")
    assert str(caught.value) == f"strategy 'wrong' of agent 'Ann' in period 0: {what}"


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


def test_a_wrapped_strategy_must_fit_as_well() -> None:
    environment = OilLeasesPrior().build()
    context = AgentContext.of(make_game(environment, Linked(environment)), 0)
    with pytest.raises(InputError, match="period: 99"):
        Delayed(OneShot(99), 1).validate(context)
