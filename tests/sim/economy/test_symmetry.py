"""Agents that are alike are known to be; what tells them apart is named."""

from dataclasses import replace

import pytest

from dynmech.experiments.catalog.names import load
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.symmetry import asymmetry
from tests.builders.small_economies import independent


def environment(text: str) -> TableEnvironment:
    made = load(text)
    assert isinstance(made, TableEnvironment)
    return made


@pytest.mark.parametrize(
    "text",
    [
        "repeated-auction:bidders=3,values=3,horizon=3",
        "repeated-auction:bidders=2,fatigue=0.3",
        "spectrum:asymmetry=0",
        "spectrum:asymmetry=0,carriers=4",
        "spectrum:asymmetry=0,horizon=3,interdependence=0",
    ],
)
def test_symmetric_economies_pass(text: str) -> None:
    made = environment(text)
    assert asymmetry(made, range(len(made.agents))) == ""


@pytest.mark.parametrize("text", ["spectrum", "oil-leases-prior", "bilateral-trade"])
def test_scenarios_whose_agents_differ_do_not(text: str) -> None:
    made = environment(text)
    assert asymmetry(made, range(len(made.agents))) != ""


def symmetric() -> TableEnvironment:
    return environment("spectrum:asymmetry=0")


def only_stage(made: TableEnvironment, **changes: object) -> TableEnvironment:
    return replace(made, stages=(replace(made.stages[0], **changes),))  # type: ignore[arg-type]


def test_a_planted_asymmetry_of_the_prior_is_named() -> None:
    made = symmetric()
    prior = made.prior.copy()
    prior[0, 0, 1] += 1e-3
    prior[0, 0, 0] -= 1e-3
    found = asymmetry(replace(made, prior=prior), range(3))
    assert found == "the prior tells 'carrier 2' and 'carrier 3' apart"
    assert asymmetry(replace(made, prior=prior), (0, 1)) == ""


@pytest.mark.parametrize("agent", range(3))
def test_a_planted_asymmetry_of_a_utility_is_named(agent: int) -> None:
    made = symmetric()
    utility = made.stages[0].utility.copy()
    utility[agent, agent + 1, 1, 1, 1] += 1e-3
    found = asymmetry(only_stage(made, utility=utility), range(3))
    assert found.startswith("period 0: utilities or kernel tell")
    others = [i for i in range(3) if i != agent]
    assert asymmetry(only_stage(made, utility=utility), others) == ""


@pytest.mark.parametrize("where", [(1, 0, 1, 0), (0, 1, 1, 0), (3, 0, 0, 1)])
def test_a_planted_asymmetry_of_a_joint_kernel_is_named(where: tuple[int, ...]) -> None:
    made = symmetric()
    kernel = made.stages[0].kernel
    assert isinstance(kernel, JointKernel)
    table = kernel.table.reshape(4, 2, 2, 2, 2, 2, 2).copy()
    table[(*where, 0, 0, 1)] += 1e-3
    table[(*where, 0, 0, 0)] -= 1e-3
    changed = only_stage(made, kernel=JointKernel(table, (2, 2, 2), (2, 2, 2)))
    assert "utilities or kernel tell" in asymmetry(changed, range(3))


def test_a_planted_asymmetry_of_an_independent_kernel_is_named() -> None:
    assert asymmetry(independent((0.8, 0.8)), (0, 1)) == ""
    assert asymmetry(independent((0.8, 0.81)), (0, 1)) == "period 0: utilities or kernel tell 'a' and 'b' apart"


def test_other_labels_tell_agents_apart() -> None:
    made = independent((0.8, 0.8))
    changed = only_stage(made, signals=(("low", "high"), ("few", "many")))
    assert "have other signals" in asymmetry(changed, (0, 1))


def test_a_later_period_is_looked_at_too() -> None:
    made = environment("spectrum:asymmetry=0,horizon=3")
    stages = list(made.stages)
    utility = stages[-1].utility.copy()
    utility[1] *= 2
    stages[-1] = replace(stages[-1], utility=utility)
    found = asymmetry(replace(made, stages=tuple(stages)), range(3))
    assert found.startswith(f"period {len(stages) - 1}: utilities or kernel tell")
