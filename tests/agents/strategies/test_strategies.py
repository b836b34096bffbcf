"""Every shipped strategy on scripted signals, its menu, its words, and the small languages of maps and conditions."""

from typing import Any

import numpy as np
import pytest

from dynmech.agents.learners.exp3 import Exp3
from dynmech.agents.learners.fictitious_play import FictitiousPlay
from dynmech.agents.learners.q_learning import QLearning
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.belief_manipulation import BeliefManipulation
from dynmech.agents.strategies.contingent import Contingent
from dynmech.agents.strategies.default import Default
from dynmech.agents.strategies.delayed import Delayed
from dynmech.agents.strategies.disobedience import Disobedience
from dynmech.agents.strategies.eager_seller import EagerSeller
from dynmech.agents.strategies.informed_buyer import InformedBuyer
from dynmech.agents.strategies.initial_misreport import InitialMisreport
from dynmech.agents.strategies.late import Late
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.one_shot import OneShot
from dynmech.agents.strategies.per_episode import EpisodeStrategy, EpisodeView
from dynmech.agents.strategies.quitting import Quitting
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import make_strategy
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.play.game import make_game
from dynmech.sim.play.roles import View
from tests.builders.strategy_games import SHIPPED, Echo, follows, oil, play, said


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
        Default,
        Late,
    }  # tests of payments, of the trading game, of actions, of quitting, of frozen audits, of learners
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


def test_a_wrapped_strategy_must_fit_as_well() -> None:
    environment = OilLeasesPrior().build()
    context = AgentContext.of(make_game(environment, Linked(environment)), 0)
    with pytest.raises(InputError, match="period: 99"):
        Delayed(OneShot(99), 1).validate(context)
