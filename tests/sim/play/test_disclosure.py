"""What agents are shown, what they are not, and that they can change none of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import PlayError, Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.play.disclosure import POLICIES
from dynmech.sim.play.game import ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.roles import View
from tests.builders.generators import generator
from tests.builders.watched_play import EPISODES, Watcher, auction, play, reachable, watched

# The three policies


@pytest.mark.parametrize("policy", POLICIES)
def test_own_past_is_shown_under_every_policy(policy: str) -> None:
    record, views = watched(policy)
    assert [view.t for view in views] == [0, 1, 2, 3]
    for view in views:
        assert view.signal.tolist() == record.signal[view.t, 1].tolist()
        assert [past.t for past in view.past] == list(range(view.t))
        for past in view.past:
            assert past.signal.tolist() == record.signal[past.t, 1].tolist()  # the true one
            assert past.message.tolist() == record.report[past.t, 1].tolist()  # the one it sent
            assert past.transfer.tolist() == record.transfer[past.t, 1].tolist()
            assert past.public.tolist() == record.public[past.t].tolist()
    assert not np.array_equal(record.signal[:, 1], record.report[:, 1])


def test_everything_shows_all_reports_transfers_and_the_decision() -> None:
    record, views = watched("everything")
    for past in views[-1].past:
        assert past.decision is not None
        assert past.reports is not None
        assert past.transfers is not None
        assert past.decision.tolist() == record.decision[past.t].tolist()
        assert past.reports.tolist() == record.counted[past.t].T.tolist()
        assert past.transfers.tolist() == record.transfer[past.t].T.tolist()


def test_decisions_shows_the_decision_and_hides_what_the_others_said_and_paid() -> None:
    record, views = watched("decisions")
    for past in views[-1].past:
        assert past.decision is not None
        assert past.decision.tolist() == record.decision[past.t].tolist()
    assert [(past.reports, past.transfers) for past in views[-1].past] == [(None, None)] * 3


def test_announced_shows_the_decision_and_the_winning_bid() -> None:
    record, views = watched("announced")
    for past in views[-1].past:
        decision, counted = record.decision[past.t], record.counted[past.t]
        won = [0 if d == 0 else 1 + counted[d - 1, k] for k, d in enumerate(decision)]
        assert past.announced is not None
        assert past.decision is not None
        assert past.announced.tolist() == won
        assert past.decision.tolist() == decision.tolist()
    assert [(past.reports, past.transfers) for past in views[-1].past] == [(None, None)] * 3
    assert len({int(k) for past in views[-1].past for k in past.announced}) > 1  # type: ignore[union-attr]


def test_where_no_decision_serves_one_agent_alone_nothing_is_announced() -> None:
    base = random_environment(generator(3), agents=2, signals=2, decisions=2)
    environment = replace(base, horizon=2)
    with pytest.raises(
        Refusal, match="where no decision serves one agent alone; disclosure 'decisions' shows the rest"
    ):
        dm.audit(environment, "team", disclosure="announced")


def test_own_shows_only_whether_one_won() -> None:
    """To bidder 2 decisions none, 1 and 3 are alike; they share the name of the first of them."""
    record, views = watched("own")
    assert {1, 2, 3} <= set(record.decision[:3].ravel().tolist())
    for past in views[-1].past:
        assert past.decision is not None
        assert past.decision.tolist() == np.where(record.decision[past.t] == 2, 2, 0).tolist()
    assert [(past.reports, past.transfers) for past in views[-1].past] == [(None, None)] * 3


@pytest.mark.parametrize(("agent", "classes"), [(0, [0, 1, 0, 0]), (1, [0, 0, 2, 0]), (2, [0, 0, 0, 3])])
def test_classes_of_outcomes_that_are_alike_for_an_agent(agent: int, classes: list[int]) -> None:
    environment = RepeatedAuction(bidders=3, values=2).build()
    assert environment.outcome_classes(0)[agent].tolist() == classes


@pytest.mark.parametrize(("policy", "shown"), [("everything", True), ("decisions", False), ("own", False)])
def test_the_memory_of_the_mechanism_is_shown_only_with_everything(policy: str, shown: bool) -> None:
    environment = OilLeasesPrior().build()
    watcher = Watcher()
    record = play(
        make_game(environment, CremerMcLean(environment), ProtocolOptions(disclosure=policy)), watcher, Truthful()
    )
    memories = [view.memory for view in watcher.views]
    if not shown:
        assert memories == [None, None, None]
        return
    # Memory is 1 + decision × S + profile of last period's reports; period 0 has one decision, two profiles.
    assert memories[0] is not None
    assert memories[1] is not None
    assert memories[0].tolist() == [0] * EPISODES
    assert memories[1].tolist() == (1 + record.counted[0, 0]).tolist()


def test_hiding_changes_no_play_of_those_who_do_not_look() -> None:
    records = [watched(policy)[0] for policy in POLICIES]
    assert all(np.array_equal(records[0].payoffs, other.payoffs) for other in records[1:])


def test_an_agent_remembers_what_it_sent_and_is_shown_what_counted() -> None:
    """Whose letter was late had its report replaced by the default, 0; it still knows what it wrote."""
    environment = RepeatedAuction(bidders=2, values=3, horizon=4).build()
    protocol = ProtocolOptions(0.5, (Latency("uniform", 1.0), Latency()))
    watcher = Watcher()
    record = play(make_game(environment, PayYourReport(environment), protocol), watcher, Truthful())
    assert (record.late[:3, 0] & (record.report[:3, 0] != 0)).any()
    for past in watcher.views[-1].past:
        assert past.message.tolist() == record.report[past.t, 0].tolist()
        assert past.reports is not None
        late = record.late[past.t, 0]
        assert past.reports[:, 0].tolist() == np.where(late, 0, record.report[past.t, 0]).tolist()


# How far back


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 5, 9, None])
def test_the_past_is_as_deep_as_declared(depth: int | None) -> None:
    watcher, other = Watcher(depth), Watcher(1)
    play(auction("everything", horizon=7), watcher, other, Truthful())
    for view in watcher.views:
        first = 0 if depth is None else max(0, view.t - depth)
        assert [past.t for past in view.past] == list(range(first, view.t))
    assert [len(view.past) for view in other.views] == [0, 1, 1, 1, 1, 1, 1]  # whatever its neighbour declares


# Nobody else's signals


class Peeker(Strategy):
    """Looks at the others' signals; says so or not."""

    name = "peeker"
    source = "a test double"

    def __init__(self, spies: bool) -> None:
        self.spies = spies
        self.seen: list[Array] = []

    def message(self, view: View) -> Array:
        self.seen.append(view.others)
        return view.prescribed


def test_the_others_signals_are_refused_to_who_has_not_declared_to_spy() -> None:
    with pytest.raises(PlayError) as caught:
        play(auction("everything"), Truthful(), Peeker(spies=False), Truthful())
    assert str(caught.value) == (
        "strategy 'peeker' of agent 'bidder 2' in period 0: "
        "it looked at the others' signals without declaring spies = True"
    )


def test_a_declared_spy_sees_the_others_current_signals() -> None:
    spy = Peeker(spies=True)
    record = play(auction("own"), Truthful(), spy, RandomReport())
    assert [seen.tolist() for seen in spy.seen] == [record.signal[t].T.tolist() for t in range(4)]


@pytest.mark.parametrize("policy", POLICIES)
def test_no_array_of_a_view_stands_on_memory_that_holds_the_others_signals(policy: str) -> None:
    """All that an array and its bases hold is the array itself: there is nothing beside it to slice out."""
    _, views = watched(policy)
    for view in views:
        for name, array in reachable(view):
            base: Any = array
            while isinstance(base, np.ndarray):
                assert base.nbytes == array.nbytes, name
                base = base.base
            assert isinstance(base, bytes), name
            assert base == array.tobytes(), name
    assert all(view.spied is None for view in views)
