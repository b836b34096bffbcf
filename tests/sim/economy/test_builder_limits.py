"""Economies that no machine could hold are refused before anything is laid out."""

import numpy as np
import pytest

from dynmech.experiments.catalog.names import load
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import random_environment, single_object, trade

TOO_LARGE = "agents, signals, decisions: utilities would hold more than 50,000,000 numbers"
EVEN = np.full((3, 3), 1 / 3)


def test_what_would_be_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=TOO_LARGE):
        single_object([[0, 1, 2]] * 16, [EVEN] * 16, np.ones(1), 0.9)
    with pytest.raises(InputError, match=TOO_LARGE):
        trade([0, 1, 2], [[0, 1, 2]] * 15, [EVEN] * 16, np.ones(1), 0.9)
    with pytest.raises(InputError, match=TOO_LARGE):
        single_object([[0]] * 63, [np.ones((1, 1))] * 63, np.ones(1), 0.9)


@pytest.mark.parametrize(("independent", "most"), [(False, 31), (True, 62)])
def test_an_array_has_only_so_many_axes(independent: bool, most: int) -> None:
    generator = np.random.default_rng(0)

    def environment(agents: int) -> int:
        return (
            random_environment(generator, agents=agents, signals=1, correlation=0.0, independent=independent)
            .stage(0)
            .size
        )

    assert environment(most) == 1
    with pytest.raises(InputError, match=f"agents: {most + 1} are more than the {most} that an array has axes for"):
        environment(most + 1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("repeated-auction:bidders=2,values=4000", f"scenario 'repeated-auction': {TOO_LARGE}"),
        ("random:agents=1000000000,signals=1", "scenario 'random': agents, signals, decisions: utilities would hold"),
        ("random:signals=1000000", "scenario 'random': agents, signals, decisions: a joint kernel would hold more"),
    ],
)
def test_scenarios_say_so_in_one_line(text: str, line: str) -> None:
    with pytest.raises(InputError) as caught:
        load(text)
    assert str(caught.value).startswith(line)
