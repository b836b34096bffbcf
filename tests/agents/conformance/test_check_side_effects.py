"""A strategy changes nothing of the world, and what it declares makes sense."""

import gc
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dynmech.agents.conformance.strategy_check import check_strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import View
from tests.builders.strategies_to_check import HONEST, Planted, games

# Traits, and the world around

TRAITS: list[tuple[str, Any, str]] = [
    ("width", -1, "width is -1, expected a whole number from 0 to 1024"),
    ("width", 10**9, "width is 1000000000, expected a whole number from 0 to 1024"),
    ("width", 1.0, "width is 1.0, expected a whole number"),
    ("width", True, "width is True, expected a whole number"),
    ("width", None, "width is None, expected a whole number"),
    ("memory_periods", -1, "memory_periods is -1, expected a whole number from 0 on, or None"),
    ("memory_periods", "all", "memory_periods is 'all', expected a whole number from 0 on, or None"),
    ("spies", 1, "spies is 1, expected True or False"),
    ("silent", None, "silent is None, expected True or False"),
]


@pytest.mark.parametrize(("name", "value", "what"), TRAITS)
def test_what_is_declared_must_make_sense(name: str, value: Any, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        check_strategy(type("Odd", (Truthful,), {"name": "odd", name: value})(), 0, games()["oil"], HONEST)
    assert str(caught.value).startswith(f"strategy 'odd' of agent 'firm 1': {what}")


def widens(view: View) -> None:
    """Makes room for a third signal, for all to see."""
    object.__setattr__(view.game_spaces, "messages", tuple((Finite(("4", "5", "6")),) * 2 for _ in range(3)))


def relabels(view: View) -> None:
    """Takes a label away."""
    object.__setattr__(view.space, "labels", ("4",))


def moves(_view: View) -> None:
    os.chdir("/")


def seeds(_view: View) -> None:
    np.random.seed(1)  # noqa: NPY002 - the planted violation


def lets_pass(_view: View) -> None:
    np.seterr(all="ignore")


def rewrites_the_rules(view: View) -> None:
    """Reaches the game by way of whoever holds what it is shown, and with it the economy's numbers."""
    for holder in gc.get_referrers(view.game_spaces):
        environment = holder.get("environment") if isinstance(holder, dict) else getattr(holder, "environment", None)
        if isinstance(environment, TableEnvironment):
            utility = environment.stages[1].utility
            utility.flags.writeable = True
            utility += 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (widens, "it changes GameSpaces.messages"),
        (relabels, "it changes Finite.labels"),
        (moves, "it changes the working directory"),
        (seeds, "it changes np.random's generator"),
        (lets_pass, "it changes NumPy's handling of errors"),
        (rewrites_the_rules, "it changes numbers of Stage.utility"),
    ],
)
def test_a_strategy_changes_nothing_of_the_world(change: Callable[[View], None], what: str) -> None:
    class Changes(Truthful):
        """Tells the truth, and does something beside."""

        name = "changes"

        def message(self, view: View) -> Array:
            if view.t == 1:
                change(view)
            return view.prescribed

    here, labels = os.getcwd(), games()["oil"].game_spaces.messages
    with pytest.raises(PlayError) as caught:
        check_strategy(Changes(), 0, games()["oil"], HONEST)
    assert str(caught.value) == (f"strategy 'changes' of agent 'firm 1': {what}; it may only answer what it is asked")
    assert os.getcwd() == here
    assert games()["oil"].game_spaces.messages is labels
    check_strategy(Truthful(), 0, games()["oil"], HONEST)


def test_a_strategy_that_draws_from_a_seed_it_sets_is_caught() -> None:
    class Seeds(Planted):
        """A function of its view, and alike for one and many; but the generator is everybody's."""

        def heads(self, view: View) -> Any:
            np.random.seed(view.t)  # noqa: NPY002
            return np.random.rand() < 0.5  # noqa: NPY002

    with pytest.raises(PlayError, match=r"it changes np\.random's generator"):
        check_strategy(Seeds(), 0, games()["oil"], HONEST)
