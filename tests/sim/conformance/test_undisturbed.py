"""Users' code changes nothing: whatever it changes all the same is named, and put back."""

import gc
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dynmech.sim.play.output_validation
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.sim.conformance.side_effects import no_side_effects
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.roles import View


def game() -> Game:
    environment = OilLeasesPrior().build()
    return make_game(environment, Linked(environment))


def scribble(array: Any) -> None:
    array.flags.writeable = True
    array[...] = 7


def prior_by_gc(_game: Game) -> None:
    """Without being shown the economy."""
    for thing in gc.get_objects():
        if type(thing) is TableEnvironment and thing is _game.environment:
            scribble(thing.prior)


def wait(stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    return thread


STOP = threading.Event()


def state() -> list[Any]:
    """What the changes below touch."""
    return [
        *(dict(os.environ), list(sys.path), sys.stdout, sys.stderr, sys.getrecursionlimit(), list(warnings.filters)),
        *(np.geterr(), np.get_printoptions(), random.getstate(), str(np.random.get_state())),  # noqa: NPY002
        *(sum, np.where, dynmech.sim.play.output_validation.checked_answer, View.others),
    ]


CHANGES: dict[str, Callable[[Game], Any]] = {
    "the working directory": lambda _: os.chdir("/"),
    "environment variables": lambda _: os.environ.update(NEW="1"),
    "sys.path": lambda _: sys.path.insert(0, "/nowhere"),
    "sys.stdout": lambda _: setattr(sys, "stdout", sys.stderr),
    "sys.stderr": lambda _: setattr(sys, "stderr", sys.stdout),
    "the recursion limit": lambda _: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "the filters of warnings": lambda _: warnings.simplefilter("ignore"),
    "NumPy's handling of errors": lambda _: np.seterr(all="ignore"),
    "how NumPy prints": lambda _: np.set_printoptions(precision=3),
    "random's generator": lambda _: random.random(),
    "np.random's generator": lambda _: np.random.seed(1),  # noqa: NPY002
    "the threads that run": lambda _: wait(STOP),
    "builtins": lambda _: setattr(__import__("builtins"), "sum", max),
    "numpy": lambda _: setattr(np, "where", np.add),
    "dynmech.sim.play.output_validation": lambda _: setattr(
        dynmech.sim.play.output_validation, "checked_answer", lambda *_a, **_k: None
    ),
    "dynmech.sim.play.roles.View": lambda _: setattr(View, "others", property(lambda self: self.signal)),
    "GameSpaces.messages": lambda g: object.__setattr__(g.game_spaces, "messages", ()),
    "Finite.labels": lambda g: object.__setattr__(g.game_spaces.messages[0][0], "labels", ("a", "b", "c")),
    "TableEnvironment.discount": lambda g: object.__setattr__(g.environment, "discount", 0.5),
    "ProtocolOptions.disclosure": lambda g: object.__setattr__(g.protocol, "disclosure", "own"),
    "numbers of TableEnvironment.prior": prior_by_gc,
    "numbers of Stage.utility": lambda g: scribble(g.environment.stages[2].utility),  # type: ignore[attr-defined]
    "numbers of JointKernel.table": lambda g: scribble(g.environment.stages[0].kernel.table),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_is_named_and_put_back(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    STOP.clear()
    played, global_state = game(), state()
    with (
        pytest.raises(PlayError) as caught,
        no_side_effects("she", played.environment, played.game_spaces, played.protocol),
    ):
        CHANGES[what](played)
    STOP.set()
    assert str(caught.value) == f"she: it changes {what}; it may only answer what it is asked"
    assert Path.cwd() == tmp_path
    fresh = game()
    assert isinstance(played.environment, TableEnvironment)
    assert isinstance(fresh.environment, TableEnvironment)
    assert played.environment.prior.tobytes() == fresh.environment.prior.tobytes()
    assert played.environment.stages[2].utility.tobytes() == fresh.environment.stages[2].utility.tobytes()
    assert not played.environment.prior.flags.writeable
    assert played.game_spaces == fresh.game_spaces
    assert state() == global_state


def test_what_is_raised_inside_goes_first_and_all_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    luck = random.getstate()

    def stumble() -> None:
        os.chdir("/")
        random.seed(3)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), no_side_effects("she"):
        stumble()
    assert Path.cwd() == tmp_path
    assert random.getstate() == luck


def test_a_deleted_working_directory_counts_as_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(PlayError, match="it changes the working directory"), no_side_effects("she"):
        here.rmdir()


@dataclass(frozen=True)
class Box:
    """Holds an array, and itself by way of another box."""

    inside: Any
    numbers: Any = None


def test_large_arrays_are_looked_at_here_and_there() -> None:
    large = np.zeros(1 << 20)
    with (
        pytest.raises(PlayError, match=r"it changes numbers of Box\.numbers"),
        no_side_effects("she", Box(None, large)),
    ):
        large += 1
    assert not large[:: 1 << 4].any()


def test_things_that_hold_each_other_are_looked_at_once() -> None:
    inner = Box(None)
    outer = Box(inner)
    object.__setattr__(inner, "inside", outer)
    with no_side_effects("she", inner):
        pass
    with pytest.raises(PlayError, match=r"it changes Box\.numbers"), no_side_effects("she", inner):
        object.__setattr__(outer, "numbers", 1)


def test_what_leaves_no_trace_passes() -> None:
    played = game()
    with no_side_effects("she", played.environment, played.game_spaces, Finite(("a",))):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.log(np.zeros(1))
        played.environment.outcome_classes(0)
        assert played.weights[0] == 1
        np.random.default_rng(0).random(3)
        random.Random(1).random()
        STOP.clear()
        thread = wait(STOP)
        STOP.set()
        thread.join()
