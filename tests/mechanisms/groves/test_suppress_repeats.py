"""Who is not asked again pays and gets what it would if it were, and memory keeps to its size."""

import numpy as np
import pytest

from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.groves.suppress_repeats import SuppressRepeats
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.exact import Past, tree_payoffs

BASES = ["balanced-team", "expected-externality", "pivot"]


@pytest.mark.parametrize("name", BASES)
def test_truth_told_once_is_worth_what_it_is_told_again_and_again(name: str) -> None:
    """Over every path of nature: payoffs and revenue of the base."""
    environment = load("trading-game")
    assert isinstance(environment, TableEnvironment)
    base = make_mechanism(name, environment)
    once = SuppressRepeats(environment, base)

    def told(t: int, agent: int, signals: Past, _reports: Past) -> int:
        return signals[-1] if once.standing(t, agent) is None else 0

    assert any(once.standing(t, i) is not None for t in range(environment.horizon or 0) for i in range(2))
    payoffs, revenue = tree_payoffs(environment, once, told)
    wanted, taken = tree_payoffs(environment, base)
    np.testing.assert_allclose(payoffs, wanted, atol=1e-12)
    assert revenue == pytest.approx(taken, abs=1e-12)


@pytest.mark.parametrize("name", BASES)
def test_what_is_remembered_is_below_the_size_of_memory(name: str) -> None:
    """After the last period, too, when there is nothing left to complete."""
    environment = load("trading-game")
    assert isinstance(environment, TableEnvironment)
    assert environment.horizon is not None
    once = SuppressRepeats(environment, name)
    memory = np.zeros(1, np.intp)
    for t in range(environment.horizon):
        last = np.array([[len(once.messages(t, i).labels) - 1 for i in range(2)]])
        now = Situation(t, memory, np.zeros(1, np.intp))
        decision = once.decide(now, last)
        memory = np.asarray(once.remember(now, last, decision, Acts(np.zeros((1, 2), np.intp), np.zeros((1, 2)))))
        size = once.memory_size(t + 1)
        assert size is not None
        assert 0 <= memory[0] < size
