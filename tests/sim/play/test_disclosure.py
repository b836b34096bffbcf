"""What agents are shown, what they are not, and that they can change none of it."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.disclosure import POLICIES
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Past, StrategyProtocol, View

EPISODES = 12


class Watcher(RandomReport):
    """Keeps its views, and reports at random, so that reports differ from signals."""

    name = "watcher"

    def __init__(self, memory_periods: int | None = None, spies: bool = False) -> None:
        self.memory_periods, self.spies = memory_periods, spies
        self.views: list[View] = []

    def message(self, view: View) -> Array:
        self.views.append(view)
        return super().message(view)


def play(game: Game, *strategies: StrategyProtocol, block: int = EPISODES) -> Record:
    streams = Streams(0, "test", 0, EPISODES, game.periods + game.closing)
    return play_shard(game, list(strategies), streams, episodes=EPISODES, block=block)


def auction(policy: str, horizon: int = 4) -> Game:
    """Three bidders, a good that may be kept: decisions none, 1, 2, 3."""
    environment = RepeatedAuction(bidders=3, values=3, horizon=horizon).build()
    return make_game(environment, PayYourReport(environment), ProtocolOptions(disclosure=policy))


def watched(policy: str) -> tuple[Record, list[View]]:
    """Bidder 2's views, the others also reporting at random."""
    watcher = Watcher()
    return play(auction(policy), Watcher(), watcher, RandomReport()), watcher.views


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


def reachable(view: View) -> Iterator[tuple[str, Array]]:
    """Every array in a view, its past and what they stand on."""
    for field in fields(view):
        value = getattr(view, field.name)
        if isinstance(value, np.ndarray):
            yield field.name, value
    for past in view.past:
        for name, value in zip(Past._fields, past, strict=True):
            if isinstance(value, np.ndarray):
                yield f"past {past.t} {name}", value


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


# Nothing can be changed


def writes() -> dict[str, Callable[[Array], object]]:
    """Ways to write to an array, or to make it writeable first."""

    def assign(array: Array) -> None:
        array[...] = 1

    def by_flags(array: Array) -> None:
        array.flags.writeable = True

    def by_setflags(array: Array) -> None:
        array.setflags(write=True)

    def by_base(array: Array) -> None:
        base: Any = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        base.flags.writeable = True

    def by_view(array: Array) -> None:
        array.view().setflags(write=True)

    def by_buffer(array: Array) -> None:
        array.data.cast("B")[0] = 1

    def in_place(array: Array) -> None:
        np.add(array, 1, out=array)

    def sort(array: Array) -> None:
        array.sort(axis=0)

    return {f.__name__: f for f in (assign, by_flags, by_setflags, by_base, by_view, by_buffer, in_place, sort)}


@pytest.mark.parametrize("way", writes())
def test_no_array_of_a_view_can_be_written_to(way: str) -> None:
    environment = OilLeasesPrior().build()
    watcher = Watcher(spies=True)
    play(make_game(environment, Linked(environment)), watcher, Truthful())
    names = set()
    for view in watcher.views:
        for name, array in reachable(view):
            before = array.tobytes()
            with pytest.raises((ValueError, TypeError), match=r"read-only|WRITEABLE|readonly|cannot modify"):
                writes()[way](array)
            assert array.tobytes() == before
            names.add(name.split()[-1])
    everything = {"signal", "public", "memory", "prescribed", "uniforms", "spied", "message", "decision", "reports"}
    assert names == everything | {"transfer", "transfers", "utility"}


class Vandal(Strategy):
    """Applies a given attack to its view, then tells the truth."""

    name = "vandal"
    source = "a test double"
    memory_periods = 1

    def __init__(self, attack: Callable[[View], object]) -> None:
        self.attack = attack

    def message(self, view: View) -> Array:
        if view.t == 1:
            self.attack(view)
        return view.prescribed


def scribble(view: View) -> None:
    view.signal[:] = 0


def rename(view: View) -> None:
    view.t = 5  # type: ignore[misc]


def edit_history(view: View) -> None:
    view.past[0].message[:] = 0


def swap_history(view: View) -> None:
    view.past[0] = None  # type: ignore[index]


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        (scribble, "ValueError: assignment destination is read-only"),
        (rename, "FrozenInstanceError: cannot assign to field 't'"),
        (edit_history, "ValueError: assignment destination is read-only"),
        (swap_history, "TypeError: 'tuple' object does not support item assignment"),
    ],
)
def test_an_attempt_fails_inside_the_strategy_and_is_told_in_one_line(attack: Any, why: str) -> None:
    with pytest.raises(PlayError) as caught:
        play(auction("everything"), Truthful(), Vandal(attack), Truthful())
    assert str(caught.value) == f"strategy 'vandal' of agent 'bidder 2' in period 1: message raised {why}"


def test_attributes_of_a_view_are_fixed() -> None:
    _, views = watched("everything")
    for field in fields(View):
        with pytest.raises(FrozenInstanceError):
            setattr(views[0], field.name, None)
        with pytest.raises(FrozenInstanceError):
            delattr(views[0], field.name)
    assert not hasattr(views[0], "__dict__")


class Forger(Strategy):
    """Goes behind the dataclass's back to widen its message set, be somebody else, and live in another period."""

    name = "forger"
    source = "a test double"

    def message(self, view: View) -> Array:
        object.__setattr__(view, "space", Finite(tuple("abcdefgh")))
        object.__setattr__(view, "agent", 0)
        object.__setattr__(view, "t", 3)
        return np.full(view.size, 7)


def test_an_answer_is_held_to_what_the_view_said_when_it_was_shown() -> None:
    with pytest.raises(PlayError) as caught:
        play(auction("everything"), Truthful(), Forger(), Truthful())
    assert str(caught.value) == (
        "strategy 'forger' of agent 'bidder 2' in period 0: "
        "message returned 7 (row 0 of the block), outside 0..2: '0', '1', '2'"
    )


class Swindler(Strategy):
    """Answers what it says was prescribed: it has put another array there."""

    name = "swindler"
    source = "a test double"

    def message(self, view: View) -> Array:
        object.__setattr__(view, "prescribed", np.full(view.size, 7))
        return view.prescribed


def test_only_what_was_really_prescribed_need_not_be_looked_at() -> None:
    with pytest.raises(PlayError, match=r"'swindler' of agent 'bidder 2' in period 0: message returned 7 \(row 0 of"):
        play(auction("everything"), Truthful(), Swindler(), Truthful())


class Copyist(Strategy):
    """Answers a copy of what was prescribed, which is looked at like any answer."""

    name = "copyist"
    source = "a test double"

    def message(self, view: View) -> Array:
        return view.prescribed.copy()


def test_the_prescribed_array_and_a_copy_of_it_are_the_same_answer() -> None:
    one, other = (play(auction("everything"), Truthful(), own(), RandomReport()) for own in (Truthful, Copyist))
    assert one.report.tobytes() == other.report.tobytes()
    assert one.payoffs.tobytes() == other.payoffs.tobytes()


def test_an_answer_changed_after_it_was_given_changes_nothing() -> None:
    class Fickle(RandomReport):
        """Sends an array and overwrites it next period."""

        def message(self, view: View) -> Array:
            for old in view.private.values():
                old[:] = 0
            view.private["sent"] = super().message(view)
            return view.private["sent"]

    plain = play(auction("everything"), RandomReport(), Truthful(), Truthful())
    fickle = play(auction("everything"), Fickle(), Truthful(), Truthful())
    assert np.array_equal(fickle.report, plain.report)
    assert np.array_equal(fickle.payoffs, plain.payoffs)
    assert fickle.report.any()


def test_one_array_used_again_and_again_is_not_mixed_up_between_agents() -> None:
    """The first agent's letter lies in the inbox while the second overwrites the array that it came in."""

    class OneArray(RandomReport):
        """Answers in the same array, whoever asks."""

        def __init__(self) -> None:
            self.sheet = np.zeros(EPISODES, np.intp)

        def message(self, view: View) -> Array:
            self.sheet[:] = super().message(view)
            return self.sheet

    plain = play(auction("everything"), *[RandomReport()] * 3)
    shared = play(auction("everything"), *[OneArray()] * 3)
    assert np.array_equal(shared.counted, plain.counted)
    assert not np.array_equal(plain.counted[:, 0], plain.counted[:, 2])


def test_notes_belong_to_one_agent_and_one_block() -> None:
    class Notes(Strategy):
        """Counts its own calls."""

        name = "notes"
        source = "a test double"

        def message(self, view: View) -> Array:
            view.private["calls"] = view.private.get("calls", np.zeros(view.size, np.intp)) + 1
            assert view.private["calls"].tolist() == [view.t + 1] * view.size
            return view.prescribed

    notes = Notes()  # one object in all three places
    record = play(auction("everything"), notes, notes, notes, block=5)
    assert (record.report == record.signal).all()


def test_views_do_not_keep_the_loop_alive() -> None:
    """Nothing in a view leads to the loop, the record or the mechanism."""
    _, views = watched("everything")
    seen: set[int] = set()
    queue: list[Any] = [views[-1]]
    kinds = set()
    while queue:
        thing = queue.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        kinds.add(type(thing).__name__)
        queue.extend(gc.get_referents(thing))
    assert not kinds & {
        "Record",
        "Block",
        "Agent",
        "Designer",
        "Game",
        "PayYourReport",
        "TableEnvironment",
        "generator",
    }
    assert "GameSpaces" in kinds


def test_a_view_after_the_decision_is_the_same_but_for_what_is_new() -> None:
    _, views = watched("own")
    later = views[1].after_decision(
        space=Finite(("rest", "work")), prescribed=np.ones(EPISODES, np.intp), decision=None, reports=None, utility=None
    )
    wanted = replace(views[1], space=later.space, prescribed=later.prescribed)
    assert all(getattr(later, field.name) is getattr(wanted, field.name) for field in fields(later))
    assert later.signal is views[1].signal
