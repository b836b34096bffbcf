"""Answers known without the program: bilateral trade (Yoon 2021) and single crossing, each with its derivation."""

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array, hstack, vstack

import dynmech as dm
from dynmech.experiments.designs.designing import design
from dynmech.experiments.scenarios.bilateral_trade import environment_of
from dynmech.mechanisms.conditions.trade_budget import Trade
from dynmech.mechanisms.design.decision_rule import efficient_rule
from dynmech.mechanisms.design.goals import Goals, Memory
from dynmech.mechanisms.design.program import Program
from dynmech.mechanisms.design.rule_welfare import expected_welfare
from dynmech.mechanisms.design.seeking import task
from dynmech.mechanisms.design.solving import solve
from dynmech.sim.core.errors import Refusal

SURPLUS = Goals(Memory.read("last"), "ex-post", "interim", objective="revenue")


def most_surplus(chains: Trade, discount: float, horizon: int | None) -> float:
    """The most that efficient trade leaves: truth ex post optimal, being inside worth it at every first signal."""
    env = environment_of(chains, discount, horizon)
    asked = task(env, efficient_rule(env), SURPLUS)
    found = Program(asked.problem, asked.inside, (0, 1), start_only=True).solve()
    assert found.status == "optimal"
    return (expected_welfare(asked.problem) - found.value) * asked.unit


def chains(seed: int, types: int) -> Trade:
    """Two random chains."""
    rng = np.random.default_rng(seed)
    costs, values = np.sort(rng.uniform(0, 1, (2, types)), axis=1)
    seller, buyer = rng.dirichlet(np.ones(types), (2, types))
    first = rng.dirichlet(np.full(types, 3.0), 2)
    return Trade(costs, values, seller, buyer, first[0], first[1])


@pytest.mark.parametrize("horizon", [None, 1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_fees_are_a_feasible_point(seed: int, horizon: int | None) -> None:
    """Yoon's (∗): the pivot mechanism is periodic ex post incentive compatible, and gives a seller of first type k
    (Gy)_k, a buyer of first type l (xᵀG)_l, at a deficit of xᵀGy. Fees min_k (Gy)_k and min_l (xᵀG)_l at the start
    leave everybody willing. So min + min − xᵀGy can be had, and the program's best is at least that; where it is not
    negative, a balanced budget is possible.
    """
    two = chains(seed, 3)
    discount = 0.7
    slack = two.budget(discount, horizon).slack
    assert most_surplus(two, discount, horizon) >= slack - 1e-7


def most_with_fees(chains: Trade, discount: float, horizon: int | None) -> float:
    """The same where every agent pays what trade costs the other (less than nothing), and a fee at the start."""
    env = environment_of(chains, discount, horizon)
    asked = task(env, efficient_rule(env), SURPLUS)
    program, economy = Program(asked.problem, asked.inside, (0, 1), start_only=True), asked.problem.environment
    width, rows, column = program.width, list[int](), list[int]()
    weight, limit = list[float](), list[float]()
    for e, entry in enumerate(asked.problem.nodes.entries):
        stage = economy.stage(entry.t)
        decided = asked.problem.rule.table(entry.t, len(stage.decisions)).argmax(axis=1)
        utility = stage.utility.reshape(2, len(stage.decisions), -1)
        for i in range(2):
            for node, profile in np.ndindex(len(entry.keys), stage.size):
                place = int(program.columns.of(i).p(entry.table[[node]], np.array([profile]))[0])
                if place in program.transfers:
                    rows += [len(limit)] * (2 if e == 0 else 1)
                    column += [place, width + i] if e == 0 else [place]
                    weight += [1.0, -1.0] if e == 0 else [1.0]
                    limit.append(-utility[1 - i, decided[profile], profile])
    held = coo_array((weight, (rows, column)), shape=(len(limit), width + 2))
    found = solve(
        np.append(program.cost, [0.0, 0.0]),
        csr_array(vstack([hstack([program.matrix, coo_array((len(program.limit), 2))]), held])),
        np.append(program.limit, limit),
        np.append(program.equal, np.ones(len(limit), np.bool_)),
        np.vstack([program.bounds, np.full((2, 2), [-np.inf, np.inf])]),
    )
    assert found.status == "optimal"
    return (expected_welfare(asked.problem) - found.value) * asked.unit


@pytest.mark.parametrize("horizon", [None, 1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_with_no_more_than_fees_the_program_is_at_the_condition(seed: int, horizon: int | None) -> None:
    """Nobody trades alone, so pivot pays each the other's utility; fees up to what the worst first type gets are left.

    Then the program has two unknowns, and its best is min + min − xᵀGy: Yoon's (∗) with equality, by another way.
    """
    two = chains(seed, 3)
    assert most_with_fees(two, 0.7, horizon) == pytest.approx(two.budget(0.7, horizon).slack, abs=1e-7)


def test_with_two_types_and_one_period_the_program_finds_more_than_fees() -> None:
    """Cost and value 0 or 1, each half the time. Trade is efficient at (0, 1) alone, worth 1 with chance 1/4.

    Pivot gives that to both: a deficit of 1/4, and types that never trade pay no fee: −1/4. But on two types a price of
    1 for the buyer and 0 for the seller is ex post incentive compatible too (a buyer of value 0 would not pay 1): +1/4.
    """
    even = np.array([0.5, 0.5])
    two = Trade(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.eye(2), np.eye(2), even, even)
    assert two.budget(0.9, 1).slack == pytest.approx(-0.25)
    assert most_with_fees(two, 0.9, 1) == pytest.approx(-0.25, abs=1e-8)
    assert most_surplus(two, 0.9, 1) == pytest.approx(0.25, abs=1e-8)


@pytest.mark.parametrize("name", ["repeated-auction:values=2", "repeated-auction:values=3"])
def test_single_crossing_needs_no_memory(name: str) -> None:
    """Where `generalized-vcg` fits, it is ex post incentive compatible in every period and remembers nothing.

    So the program is feasible without memory, and its largest transfer bounds the least one from above.
    """
    env = dm.load(name)
    mechanism = dm.make_mechanism("generalized-vcg", env)
    found = design(env, memory="none")
    assert found.objective is not None
    assert found.objective <= mechanism.transfer_bound() + 1e-8


def test_where_single_crossing_fails_memory_may_be_needed() -> None:
    """Oil leases: `generalized-vcg` is refused, and nothing without memory does it."""
    with pytest.raises(Refusal):
        dm.make_mechanism("generalized-vcg", dm.load("oil-leases-prior"))
    assert not design("oil-leases-prior", memory="none").possible
