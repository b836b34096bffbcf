"""No strategy can write to what it is shown or change an answer that it gave."""

import gc
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.game import make_game
from dynmech.sim.play.roles import View
from tests.builders.watched_play import EPISODES, Watcher, auction, play, reachable, watched

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
