"""Self-enforcement beyond the market of the paper: larger payments, clubs, hidden actions, chains."""

from itertools import product

import numpy as np
import pytest

from dynmech.agents.oracle.patience_thresholds import Level, least_patience, sufficient, worst_exit
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.quitting import Quitting
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.balanced.blackwell import long_run
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.balanced.with_enforcement import enforced, parts
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.economy.units import in_units
from dynmech.sim.play.game import make_game
from tests.builders.repeated_market import BUYER, SELLER, market, played, threshold


def test_with_larger_payments_every_threshold_moves() -> None:
    """K = 10 instead of 3.5: there is more to run away with."""
    environment = market()
    for level in Level:
        assert threshold(level, 10.0) > threshold(level) + 0.01
    more = SelfEnforcing(environment, 10.0)
    failing = [c for c in audit(environment, more).conditions if "level" in c.name]
    assert [c.value for c in failing] == pytest.approx([worst_exit(environment, level, 10.0).amount for level in Level])
    assert not any(c.holds for c in failing)


# What it rests on


def test_where_it_does_not_fit_it_says_why() -> None:
    for text, why in (
        ("repeated-trade:persistence=1", "4 ergodic sets under the efficient decisions"),
        ("repeated-trade:low_value=0,high_value=0.5", "the long-run surplus 0 is not positive"),
        ("repeated-trade:enforced=true", "every decision must be the agents' own actions"),
        ("trading-game", "the horizon must be infinite"),
    ):
        with pytest.raises(Refusal, match=why):
            make_mechanism("self-enforcing", load(text))
    with pytest.raises(Refusal, match="with K = 1 a payment is negative"):
        make_mechanism("self-enforcing:constant=1", market())
    assert make_mechanism("self-enforcing:constant=20", market()).transfer_bound() > 20


def test_enforced_the_same_market_is_the_balanced_mechanisms() -> None:
    environment = load("repeated-trade:enforced=true")
    assert audit(environment, make_mechanism("balanced-team", environment)).holds
    (only,) = audit(environment, make_mechanism("pay-your-report", environment)).verdicts
    assert only.status == "not_promised"


def test_payments_beyond_the_least_constant_ask_for_more_patience() -> None:
    environment = market(0.95)
    more = SelfEnforcing(environment, 10.0)
    problem = build_problem(FiniteGame(environment, more), (BUYER,))
    best, truth = (solve(problem, family, Information.INTERIM) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    assert best.ex_ante - truth.ex_ante > 0.1


def effort_market(discount: float) -> TableEnvironment:
    """The seller may work in secret (cost ½): its cost is then low next time. Actions are public/hidden."""
    seller, buyer = ("out/rest", "out/work", "in/rest", "in/work"), ("out", "in")
    utility, moves = np.zeros((2, 8, 2, 1)), np.zeros((8, 2, 2))
    for decision, (own, other) in enumerate(product(range(4), range(2))):
        trade, work = float(own >= 2 and other == 1), own % 2
        utility[0, decision, :, 0] = -trade * np.array([1.0, 3.0]) - 0.5 * work * trade  # work is for what is sold
        utility[1, decision] = 4 * trade
        moves[decision] = [0.9, 0.1] if work and trade else [0.5, 0.5]
    stage = Stage(
        (("low", "high"), ("-",)),
        tuple(f"{a}, {b}" for a in seller for b in buyer),
        utility,
        IndependentKernel((moves, np.ones((8, 1, 1)))),
        private_actions=(seller, buyer),
    )
    return TableEnvironment("effort market", ("seller", "buyer"), np.full((2, 1), 0.5), (stage,), discount, None)


def club(discount: float) -> TableEnvironment:
    """Three members, each out or in; together they pay 2 each for what is worth 1 or 4, types persisting by 0.3."""
    members = range(3)
    utility = np.zeros((3, 8, 2, 2, 2))
    for i in members:
        utility[i, 7] = np.moveaxis(np.array([1.0, 4.0]).reshape(2, 1, 1) - 2, 0, i)
    chain = np.stack([0.3 * np.eye(2) + 0.35] * 8)
    names = tuple(", ".join(acts) for acts in product(("out", "in"), repeat=3))
    stage = Stage(
        (("low", "high"),) * 3, names, utility, IndependentKernel((chain,) * 3), (), None, (("out", "in"),) * 3
    )
    return TableEnvironment("club", ("Ann", "Bob", "Cy"), np.full((2, 2, 2), 1 / 8), (stage,), discount, None)


def test_three_members_and_the_mended_bound() -> None:
    """Two agents hide it: with three, K = 2 C/(N − 1) + M/N asks for less patience than the mended K."""
    environment = club(0.85)
    found = audit(environment, SelfEnforcing(environment))
    assert found.holds, [(v.promise, v.status, v.worst) for v in found.verdicts]
    levels = [least_patience(environment, level) for level in (Level.TRUTHFUL, Level.BEST_RESPONSE, Level.AFTER_LIES)]
    assert levels[0] < levels[1] - 0.01 < levels[2]
    for level, delta in zip((Level.TRUTHFUL, Level.BEST_RESPONSE, Level.AFTER_LIES), levels, strict=True):
        assert worst_exit(club(delta - 1e-3), level).amount > 1e-3
        assert worst_exit(club(delta + 1e-3), level).amount < 1e-8
    printed, mended = (sufficient(environment, printed=kind).discount for kind in (True, False))
    assert levels[2] < printed < mended
    (last,) = [c.note for c in found.conditions if "level A" in c.name]
    assert last.endswith(f"from {printed:.6g} on, as printed, {mended:.6g} mended")


def test_hidden_parts_of_actions_stay_hidden() -> None:
    environment = effort_market(0.95)
    world, original = enforced(environment)
    assert world.stage(0).private_actions == (("rest", "work"), ("-",))
    assert [world.stage(0).decisions[k] for k in range(4)] == [
        "out/rest, out",
        "out/work, out",
        "out/rest, in",
        "out/work, in",
    ]
    assert sorted(original.tolist()) == list(range(8))
    rules = SelfEnforcing(environment)
    assert rules.sees(0, SELLER).tolist() == [0, 0, 2, 2]  # rest and work look alike
    working = environment.stage(0).decisions.index("in/work, in")
    assert (rules.original[rules.run.policy] == working).all()
    found = audit(environment, rules)
    assert found.holds, [(v.promise, v.status, v.worst) for v in found.verdicts]
    record = played(
        make_game(environment, rules, tail=1e-2), Quitting(1, "2/2/2/2", withhold=False), Truthful(), episodes=50
    )
    assert (record.action[1:, SELLER] == 2).all()  # in, at rest
    assert (record.decision == working).all()  # nobody noticed


def test_actions_must_be_all_combinations() -> None:
    with pytest.raises(Refusal, match="not all combinations"):
        parts(("out", "in/work", "in/rest"), "Ann")


def test_the_long_run_of_a_chain_with_a_transient_state() -> None:
    law = np.array([[[0.5, 0.5, 0.0], [0.0, 0.2, 0.8], [0.0, 0.6, 0.4]]])
    environment = from_arrays(np.array([[[9.0, 1.0, 2.0]]]), [law], np.array([1.0, 0, 0]), 0.9)
    run = long_run(environment)
    np.testing.assert_allclose(run.invariant, [0, 3 / 7, 4 / 7], atol=1e-12)
    assert run.average == pytest.approx([11 / 7])
    limit = run.excess(1.0)[0]
    near = run.excess(1 - 1e-7)[0]
    np.testing.assert_allclose(limit, near, atol=1e-4)
    assert limit @ run.invariant == pytest.approx(0)


def test_a_policy_that_still_changes_is_no_blackwell_policy() -> None:
    """Decision 1 costs 1 now and moves to a state better by 1.5e-4 for ever: worth it only when very patient."""
    utility = np.array([[[0.0, 1.5e-4], [-1.0, 1.5e-4]]])
    law = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    environment = from_arrays(utility, [law], np.array([1.0, 0.0]), 0.9)
    with pytest.raises(Refusal, match="still change"):
        long_run(environment)


def test_the_printed_constant_is_too_small_for_four_agents() -> None:
    """Erratum 8: agent 1 draws θ ∈ {0, 1} anew, a = θ is efficient, three others enjoy a: |γ_1| = 1.5 > 2C = 1."""
    utility = np.zeros((4, 2, 2, 1, 1, 1))
    utility[0, 1, 0] = -4.0
    utility[1:, 1] = 1.0
    flat = np.full((2, 2, 2), 0.5)
    one = np.ones((2, 1, 1))
    environment = from_arrays(utility, [flat, one, one, one], np.full((2, 1, 1, 1), 0.5), 0.9)
    run = long_run(environment)
    spread = max(float(np.abs(run.excess(d)).max()) for d in (0, 0.5, 0.9, 1))
    assert spread == pytest.approx(0.5)
    assert max(float(np.abs(table).max()) for table in BalancedTeam(environment).tables[1]) == pytest.approx(1.5)


def test_the_bound_is_met_by_the_largest_payment() -> None:
    """Of three members, whoever pays most pays each of the others its incentive over N − 1, plus A."""
    rules = SelfEnforcing(club(0.85))
    highest = max(float(table.max()) for pair in rules.incentives for table in pair)
    assert highest > 0.1
    assert rules.transfer_bound() == pytest.approx(highest + 2 * np.abs(rules.base_payments).max())


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_least_constant_is_held_up_to_rounding_in_any_unit_of_money(unit: float) -> None:
    environment = in_units(market(), unit)
    least = SelfEnforcing(environment).least_constant
    assert SelfEnforcing(environment, least - 1e-13 * environment.scale).constant < least
    with pytest.raises(Refusal, match="a payment is negative"):
        SelfEnforcing(environment, least - 1e-9 * environment.scale)
