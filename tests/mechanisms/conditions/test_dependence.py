"""Private values and independent types where the mechanism sees some of what agents do."""

import numpy as np
import pytest

from dynmech.mechanisms.balanced.with_enforcement import enforced
from dynmech.mechanisms.conditions.dependence import independent_types, private_values
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

LABELS = ("out/rest", "out/work", "in/rest", "in/work")


def public_part(t: int, agent: int) -> IntArray:  # noqa: ARG001 - as `Mechanism.sees`
    return np.array([0, 0, 1, 1])


def market(seed: int, hidden: float) -> TableEnvironment:
    """Two agents who come in public or not; work, which nobody sees, helps the other by up to `hidden`."""
    draws = np.random.Generator(np.random.Philox(key=seed))
    public = draws.uniform(-1, 1, (2, 2, 2))  # by agent, and by who comes
    own = draws.uniform(-1, 1, (2, 4, 2))  # by agent, own action and own signal
    helped = hidden * draws.uniform(0, 1, 2)
    utility, factors = np.zeros((2, 4, 4, 2, 2)), np.zeros((2, 4, 4, 2, 2))
    stays = draws.uniform(0.1, 0.9, (2, 2, 4, 2))  # by agent, whether the other comes, own action, own signal
    for first, second in np.ndindex(4, 4):
        acts = (first, second)
        for i in range(2):
            mine, others = acts[i], acts[1 - i]
            value = public[i, first // 2, second // 2] + own[i, mine] + helped[i] * (others % 2)
            utility[i, first, second] = value[:, None] if i == 0 else value[None, :]
            keep = stays[i, others // 2, mine] - 0.1 * hidden * (others % 2)
            factors[i, first, second] = np.where(np.eye(2) > 0, keep[:, None], 1 - keep[:, None])
    kernel = IndependentKernel(tuple(factor.reshape(16, 2, 2) for factor in factors))
    decisions = tuple(f"{a}, {b}" for a in LABELS for b in LABELS)
    signals = (("l", "h"), ("l", "h"))
    stage = Stage(signals, decisions, utility.reshape(2, 16, 2, 2), kernel, private_actions=(LABELS, LABELS))
    return TableEnvironment("market", ("Ann", "Bob"), np.full((2, 2), 0.25), (stage,), 0.9, None)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("hidden", [0.0, 0.7])
def test_what_is_seen_is_as_good_as_enforced(seed: int, hidden: float) -> None:
    """The conditions with `sees` are those of the economy in which the public parts are the designer's decision."""
    environment = market(seed, hidden)
    world = enforced(environment).environment
    for condition in (private_values, independent_types):
        seen, unseen, carried_out = condition(environment, public_part), condition(environment), condition(world)
        assert seen.holds is carried_out.holds is (hidden == 0)
        assert seen.value == pytest.approx(carried_out.value, abs=1e-12)
        assert not unseen.holds
        assert unseen.value > seen.value + 0.05


def test_the_hidden_part_that_breaks_them_is_named() -> None:
    answer = private_values(market(0, 0.7), public_part)
    assert answer.note == "moved by another agent's private action"
    high, low = str(answer.where["decisions"]).split(" and ")
    acting = 1 if answer.where["agent"] == "Ann" else 0
    assert high.split(", ")[1 - acting] == low.split(", ")[1 - acting]
    (come, worked), (also, rested) = (text.split(", ")[acting].split("/") for text in (high, low))
    assert (come, worked, rested) == (also, "work", "rest")


def test_all_conditions_hand_on_what_is_seen() -> None:
    environment = market(1, 0.0)
    assert [c.holds for c in all_conditions(environment, public_part)][:2] == [True, True]
    assert [c.holds for c in all_conditions(environment)][:2] == [False, False]
