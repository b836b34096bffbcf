"""Liu's contingent mechanisms: no lie gains, payoffs are exactly what the theorems say, and the printed slips show."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.figures import worst_gain
from agents.oracle import Family, Information, solve
from agents.problem import build_problem
from experiments.auditing import audit
from experiments.catalog import make_mechanism
from experiments.scenarios.oil_leases import OilLeases
from experiments.scenarios.oil_leases_prior import OilLeasesPrior
from mechanisms.average_externality import AverageExternality
from mechanisms.base import BaseMechanism
from mechanisms.conditions import ex_post_implementable
from mechanisms.contingent import ContingentMechanism
from mechanisms.contingent_convex import ContingentConvex
from mechanisms.contingent_spanning import ContingentSpanning
from mechanisms.cremer_mclean import CremerMcLean
from mechanisms.ledger import Page, keep_ledger
from mechanisms.pay_your_report import PayYourReport
from mechanisms.pivot import Pivot
from mechanisms.planner import plan
from mechanisms.surplus_extraction import SurplusExtraction
from mechanisms.team import Team
from mechanisms.truthful_play import expected_utilities
from sim.arrays import FloatArray
from sim.builders import from_arrays
from sim.environment import TableEnvironment
from sim.errors import InputError, Refusal
from sim.roles import Situation
from tests import faults
from tests.economies import (
    endless,
    generator,
    least_distance,
    least_singular_value,
    more_signals,
    unfolding,
    weather,
)
from tests.exact import tree_payoffs

seeds = st.integers(0, 10_000)
sizes = st.sampled_from([(2, 2), (2, 3), (2, 4), (3, 2), (3, 3), (3, 4)])
FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.CONTINGENT)

Rule = Callable[[TableEnvironment], ContingentMechanism]
RULES: dict[str, tuple[Rule, Callable[[int], float]]] = {
    "spanning": (ContingentSpanning, lambda _: 1.0),
    "convex": (ContingentConvex, lambda _: 1.0),
    "convex, smallest": (lambda env: ContingentConvex(env, transfers="smallest"), lambda _: 1.0),
    "average, spanning": (AverageExternality, lambda n: 1 / n),
    "average, convex": (lambda env: AverageExternality(env, solver="convex"), lambda n: 1 / n),
    "extraction, spanning": (lambda env: SurplusExtraction(env, solver="spanning"), lambda _: 0.0),
    "extraction, convex": (SurplusExtraction, lambda _: 0.0),
}
"""Every mechanism with the share of the surplus that it leaves each of n agents."""


def rounding(env: TableEnvironment, mechanism: BaseMechanism) -> float:
    """What rounding may do to a payoff: transfers are solved to about 1e-10 of their size."""
    horizon = 1 / (1 - env.discount) if env.horizon is None else env.horizon
    return 1e-10 * horizon * max(1.0, mechanism.transfer_bound())


def largest_gain(env: TableEnvironment, mechanism: BaseMechanism) -> float:
    """The largest gain of any agent by any family under either information, over all states; its bound added."""
    worst = -np.inf
    problems = [build_problem(env, mechanism, (agent,)) for agent in range(len(env.agents))]
    for problem, information in product(problems, Information):
        truth = solve(problem, Family.PRESCRIBED, information)
        for family in FAMILIES:
            found = worst_gain(problem, solve(problem, family, information), truth, all_states=True)
            worst = max(worst, found.gain + found.bound)
    return worst


def due_under_truth(env: TableEnvironment, mechanism: BaseMechanism, t: int) -> FloatArray:
    """What falls due in period t at every memory and true profile, `(N, M, S)`."""
    stage, memories = env.stage(t), mechanism.memory_size(t)
    assert memories is not None
    profile = np.array(np.unravel_index(np.tile(np.arange(stage.size), memories), stage.axes))
    memory = np.repeat(np.arange(memories), stage.size)
    public = profile[0] if stage.public else np.zeros_like(memory)
    due = mechanism.due(Situation(t, memory, public), profile[stage.offset :].T)
    return due.T.reshape(len(env.agents), memories, stage.size)


def pages(env: TableEnvironment, mechanism: BaseMechanism) -> list[tuple[int, Page]]:
    """Periods with their pages of the ledger."""
    return list(enumerate(keep_ledger(env, mechanism).pages))


@pytest.mark.parametrize("name", RULES)
@given(seed=seeds, size=sizes)
def test_endless_economies(name: str, seed: int, size: tuple[int, int]) -> None:
    """V_t^i = λ W(θ_t) − what is due, after every history, and nobody gains, whatever it knows and however it lies."""
    env = endless(seed, *size)
    assert least_singular_value(env) >= 0.02 - 1e-12
    rule, share = RULES[name]
    mechanism = rule(env)
    close = rounding(env, mechanism)
    for t, page in pages(env, mechanism):
        ahead = share(size[0]) * plan(env).value[0].reshape(-1) - due_under_truth(env, mechanism, t)
        np.testing.assert_allclose(page.stay, ahead, atol=close)
    assert largest_gain(env, mechanism) <= close


@pytest.mark.parametrize("name", RULES)
@given(seed=seeds, agents=st.sampled_from([2, 2, 3]))
def test_unfolding_economies(name: str, seed: int, agents: int) -> None:
    """Four different periods; the last leaves V_T^i = u^i − p_T^i."""
    env = unfolding(seed, agents)
    rule, share = RULES[name]
    mechanism = rule(env)
    close = rounding(env, mechanism)
    for t, page in pages(env, mechanism):
        last = np.stack([mechanism.last_value(i) for i in range(agents)])[:, None, :]
        value = last if t == 3 else share(agents) * plan(env).value[t].reshape(-1)
        np.testing.assert_allclose(page.stay, value - due_under_truth(env, mechanism, t), atol=close)
    assert largest_gain(env, mechanism) <= close


@pytest.mark.parametrize("rule", [ContingentSpanning, ContingentConvex])
@given(seed=seeds)
def test_a_constant_last_decision(rule: Callable[..., ContingentMechanism], seed: int) -> None:
    """Nothing need be implementable in the last period; earlier decisions stay efficient, and still V_0 = W_0."""
    env = unfolding(seed, private_end=False)
    if not ex_post_implementable(env).holds:
        with pytest.raises(Refusal, match=r"gains .* around the cycle of reports s. → .*last=DECISION"):
            rule(env)
    mechanism = rule(env, last="d1")
    close = rounding(env, mechanism)
    for t, page in pages(env, mechanism):
        last = env.stage(3).utility[:, 1].reshape(2, 1, -1)
        value = last if t == 3 else plan(env).value[t].reshape(-1)
        np.testing.assert_allclose(page.stay, value - due_under_truth(env, mechanism, t), atol=close)
    assert largest_gain(env, mechanism) <= close
    found = audit(env, mechanism)
    assert found.holds
    assert not mechanism.promises.efficient
    assert found.ledger.welfare < (plan(env).value[0] * env.prior).sum() - 0.01  # surplus is lost; the designer pays


def test_interdependent_last_periods_are_seldom_implementable() -> None:
    refused = sum(not ex_post_implementable(unfolding(seed, private_end=False)).holds for seed in range(20))
    assert 12 <= refused < 20


@given(seed=seeds, size=sizes)
@settings(max_examples=12)
def test_expected_transfers_are_minus_the_surplus_of_the_others(seed: int, size: tuple[int, int]) -> None:
    """−(N − 1) E[W] whatever solution is chosen, and 0 with participation fees; nobody's incentives change."""
    env = endless(seed, *size)
    surplus = float((plan(env).value[0] * env.prior).sum())
    for rule in (ContingentSpanning, ContingentConvex):
        plain, balanced = rule(env), rule(env, budget="ex-ante")
        close = size[0] * rounding(env, balanced)
        assert keep_ledger(env, plain).transfer.sum() == pytest.approx(-(size[0] - 1) * surplus, abs=close)
        assert keep_ledger(env, balanced).transfer.sum() == pytest.approx(0, abs=close)
        assert largest_gain(env, balanced) <= close
    found = audit(env, balanced)
    assert found.holds
    assert "budget: ex ante" in [verdict.promise for verdict in found.promises]


@given(seed=seeds, last=st.sampled_from([None, "d0"]))
@settings(max_examples=12)
def test_participation_fees_under_a_finite_horizon(seed: int, last: str | None) -> None:
    env = unfolding(seed, private_end=last is None)
    mechanism = ContingentConvex(env, budget="ex-ante", last=last)
    payoffs, revenue = tree_payoffs(env, mechanism)
    assert revenue == pytest.approx(0, abs=2 * rounding(env, mechanism))
    assert payoffs.sum() == pytest.approx(keep_ledger(env, mechanism).welfare, abs=1e-8)
    assert largest_gain(env, mechanism) <= rounding(env, mechanism)


def test_a_fee_depends_on_the_others_first_reports_only() -> None:
    env = unfolding(5)
    plain, balanced = ContingentSpanning(env), ContingentSpanning(env, budget="ex-ante")
    fees = balanced.upfront(0)
    assert fees is not None
    assert plain.upfront(0) is None
    first, second = fees.reshape(2, 2, 2)  # payer, reports
    assert (first[0] == first[1]).all()
    assert (second[:, 0] == second[:, 1]).all()
    assert np.ptp(first[0]) > 0.01


@given(seed=seeds, way=st.sampled_from(["spanning", "convex"]))
@settings(max_examples=12)
def test_average_externality_breaks_even_in_every_period_on_average(seed: int, way: str) -> None:
    """Given what was public before it, a period's transfers are expected to add up to 0, in the last period too."""
    for env in (endless(seed), unfolding(seed)):
        mechanism = make_mechanism(f"average-externality:solver={way}", env)
        ledger, close = keep_ledger(env, mechanism), rounding(env, mechanism)
        assert ledger.pages[0].transfer.sum(axis=0) == pytest.approx(0, abs=close)
        for t, page in enumerate(ledger.pages):
            if page.rows is None:
                continue
            after = ledger.pages[t if ledger.stationary and t else t + 1].transfer.sum(axis=0)
            memory, profile = np.nonzero(page.occurs)
            laws = page.rows[page.decision[memory, profile], profile]
            expected = (laws * after[page.following[memory, profile]]).sum(axis=1)
            np.testing.assert_allclose(expected, 0, atol=close)
        found = audit(env, mechanism)
        assert found.holds
        assert found.budget["ex_post"].value < -0.05  # not ex post, and the audit says by how much


@given(seed=seeds, way=st.sampled_from(["spanning", "convex"]))
@settings(max_examples=12)
def test_surplus_extraction_leaves_nothing_and_nobody_leaves(seed: int, way: str) -> None:
    """Share 1; first-period payoff 0 for every θ_0; never below 0 after any history, own lies included."""
    for env in (endless(seed, 2, 3), unfolding(seed)):
        mechanism = make_mechanism(f"surplus-extraction:solver={way}", env)
        assert isinstance(mechanism, SurplusExtraction)
        ledger, close = keep_ledger(env, mechanism), rounding(env, mechanism)
        assert ledger.transfer.sum() == pytest.approx(float((plan(env).value[0] * env.prior).sum()), abs=close)
        np.testing.assert_allclose(ledger.pages[0].stay, 0, atol=close)
        found = audit(env, mechanism, all_states=True)
        assert found.holds
        assert min(least.value for least in found.participation["ex_post"]) >= -close
        if env.horizon is None:
            assert max(float(table.max()) for tables in mechanism.tables[0] for table in tables) <= 0  # bonuses


def test_nobody_runs_from_surplus_extraction_as_from_others() -> None:
    """With leaving allowed: contingent transfers invite a hit and run, fees in advance do not."""
    env = endless(0)
    running = audit(env, ContingentSpanning(env), exit=True)
    assert running.worst(Family.CONTINGENT, "ex_post")[1].gain > 0.1
    for way in ("spanning", "convex"):
        mechanism = make_mechanism(f"surplus-extraction:solver={way}", env)
        staying = audit(env, mechanism, exit=True)
        assert staying.worst(Family.CONTINGENT, "ex_post")[1].gain <= rounding(env, mechanism)


@given(seed=seeds)
@settings(max_examples=12)
def test_convex_independence_without_spanning(seed: int) -> None:
    """Four signals, three things to say: no spanning, but every belief is a corner."""
    env = more_signals(seed)
    assert least_distance(env) > 0.05
    with pytest.raises(Refusal, match=r"no spanning for agent 'agent 1', .*missed by .*singular value 0; .*'s3'"):
        ContingentSpanning(env)
    for name, (rule, share) in RULES.items():
        if "spanning" in name:
            continue
        mechanism = rule(env)
        for t, page in pages(env, mechanism):
            ahead = share(2) * plan(env).value[0].reshape(-1) - due_under_truth(env, mechanism, t)
            np.testing.assert_allclose(page.stay, ahead, atol=rounding(env, mechanism))
        assert largest_gain(env, mechanism) <= rounding(env, mechanism)


@pytest.mark.parametrize("name", RULES)
@given(seed=st.integers(0, 50))
def test_public_states_and_costs(name: str, seed: int) -> None:
    """Others' profiles include the public state; welfare is net of cost, which average externality recovers."""
    env = weather(seed)
    rule, share = RULES[name]
    mechanism = rule(env)
    for t, page in pages(env, mechanism):
        ahead = share(2) * plan(env).value[0].reshape(-1) - due_under_truth(env, mechanism, t)
        np.testing.assert_allclose(page.stay, ahead, atol=rounding(env, mechanism))
    assert largest_gain(env, mechanism) <= rounding(env, mechanism)
    ledger = keep_ledger(env, mechanism)
    if "average" in name:
        costs = float(ledger.pages[0].cost_ahead[0] @ env.prior.reshape(-1))
        assert ledger.transfer.sum() == pytest.approx(costs, abs=2 * rounding(env, mechanism))
    if name == "spanning":
        balanced = ContingentSpanning(env, budget="ex-ante")
        assert keep_ledger(env, balanced).transfer.sum() == pytest.approx(0, abs=2 * rounding(env, balanced))
        assert largest_gain(env, balanced) <= rounding(env, balanced)


def test_a_constant_last_decision_takes_lotteries_or_spanning() -> None:
    """Convex independence alone, as printed, is not enough for transfers that do not know the own report."""
    base = more_signals(0)
    env = TableEnvironment("three periods", base.agents, base.prior, base.stages, 0.9, 3)
    with pytest.raises(Refusal, match=r"no spanning for agent 'agent 1', .*, period [01]: "):
        ContingentSpanning(env, last="d0")
    mechanism = ContingentConvex(env, last="d0")
    assert audit(env, mechanism).holds
    np.testing.assert_allclose(
        keep_ledger(env, mechanism).pages[0].stay[:, 0], [plan(env).value[0].reshape(-1)] * 2, atol=1e-8
    )


def test_without_fees_in_advance_extraction_drives_agents_out() -> None:
    """Lotteries alone extract the surplus too; but what is due one period later may be more than staying is worth."""
    env = endless(2)
    bare = faults.NoFees(env)
    found = audit(env, bare)
    surplus = float((plan(env).value[0] * env.prior).sum())
    assert found.ledger.transfer.sum() == pytest.approx(surplus, abs=1e-8)
    assert [v.status for v in found.promises] == ["holds", "fails", "holds"]
    assert min(least.value for least in found.participation["ex_post"]) < -0.5


def test_the_linear_program_never_pays_more_than_the_explicit_solution() -> None:
    smaller = 0
    for seed in range(8):
        env = endless(seed, 2, 3)
        explicit, smallest = ContingentConvex(env), ContingentConvex(env, transfers="smallest")
        assert smallest.transfer_bound() <= explicit.transfer_bound() + 1e-9
        smaller += smallest.transfer_bound() < 0.7 * explicit.transfer_bound()
        largest = max(float(np.abs(stage.welfare - u).max()) for stage in env.stages for u in stage.utility)
        bound = (1 + 4 / least_distance(env)) * largest / env.discount
        assert explicit.transfer_bound() <= bound * (1 + 1e-12)
    assert smaller >= 4


def test_the_oil_leases() -> None:
    """Liu's example, no discounting: −(N − 1) E[W] = −19, and everything promised holds; with the prior too."""
    for env in (OilLeases().build(), OilLeasesPrior().build()):
        for rule in (ContingentSpanning, ContingentConvex):
            found = audit(env, rule(env))
            assert found.holds
            assert found.ledger.transfer.sum() == pytest.approx(-19)
        assert audit(env, AverageExternality(env)).holds
        found = audit(env, SurplusExtraction(env))
        assert found.holds
        assert found.ledger.transfer.sum() == pytest.approx(19)


def test_a_due_transfer_reads_the_past_reports_as_it_should() -> None:
    """Spanning: the own last report counts through the decision only; convex: it counts; the own current one never."""
    env = endless(3)
    spanning, convex = ContingentSpanning(env), ContingentConvex(env)

    def due(mechanism: ContingentMechanism, memory: int, *reports: int) -> list[float]:
        now = Situation(4, np.array([memory]), np.zeros(1, np.intp))
        return mechanism.due(now, np.array([reports]))[0].tolist()

    def after(first: int, second: int) -> int:
        return 1 + 2 * first + second  # the documented code of the memory

    policy = spanning.policy(0).reshape(2, 2)
    compared = 0
    for mechanism, old, new in product((spanning, convex), range(2), range(2)):
        assert due(mechanism, 0, old, new) == [0, 0]  # no past, nothing due
        one, other = due(mechanism, after(0, old), 0, new)[0], due(mechanism, after(1, old), 1, new)[0]
        if mechanism is convex or policy[0, old] != policy[1, old]:
            assert one != other
        else:
            assert one == other
            compared += 1
        assert due(mechanism, after(0, old), 0, new)[0] == due(mechanism, after(0, old), 1, new)[0]
    assert compared


# What does not fit is refused, with the reason.


def test_beliefs_that_do_not_tell_signals_apart_are_refused() -> None:
    """Agent 2's next signal does not depend on agent 1's: names agent, decision, the others' profile, and why."""
    rng = generator(1)
    joint = np.tile(rng.dirichlet(np.ones(4), (1, 2)).reshape(1, 1, 2, 2, 2), (1, 2, 1, 1, 1))
    env = from_arrays(rng.uniform(-1, 1, (2, 1, 2, 2)), joint.reshape(1, 2, 2, 2, 2), np.full((2, 2), 0.25), 0.9)
    where = r"agent 'agent 1', decision 'd0', others' profile \(.\)"
    with pytest.raises(Refusal, match=rf"no spanning for {where}: the target is missed by .*singular value .*e-"):
        ContingentSpanning(env)
    mixed = rf"no convex independence for {where}: .* mixture .*\(1 × '.'; distance .*\), .* short of theirs by"
    for transfers in ("explicit", "smallest"):
        with pytest.raises(Refusal, match=mixed):
            make_mechanism(f"contingent-convex:transfers={transfers}", env)


def test_a_target_within_reach_needs_no_independence() -> None:
    """Nothing tells agent 1's signals apart, but agent 2 does not care for them."""
    rng = generator(1)
    joint = np.tile(rng.dirichlet(np.ones(4), (1, 2)).reshape(1, 1, 2, 2, 2), (1, 2, 1, 1, 1)).reshape(1, 2, 2, 2, 2)
    utility = rng.uniform(-1, 1, (2, 1, 2, 2))
    utility[1] = utility[1, :, :1]
    env = from_arrays(utility, joint, np.full((2, 2), 0.25), 0.9)
    for rule in (ContingentSpanning, ContingentConvex, lambda e: ContingentConvex(e, transfers="smallest")):
        assert audit(env, rule(env)).holds


@pytest.mark.parametrize("seed", range(4))
def test_an_inner_belief_needs_a_higher_target(seed: int) -> None:
    """The middle one of three beliefs lies between the others: lotteries exist iff v_1 ≥ (v_0 + v_2)/2."""
    rng = generator(seed)
    beliefs = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    table = np.empty((1, 3, 2, 3, 2))
    for k, o in np.ndindex(3, 2):
        table[0, k, o] = np.outer(rng.dirichlet(np.ones(3)), beliefs[k])
    for bend in (0.3, -0.3):
        utility = np.zeros((2, 1, 3, 2))
        utility[0, 0] = rng.uniform(-1, 1, (1, 2))
        utility[1, 0] = np.array([0.0, -bend, 0.0])[:, None]  # v = −u^2
        env = from_arrays(utility, table, np.full((3, 2), 1 / 6), 0.9)
        with pytest.raises(Refusal, match="no spanning for agent 'agent 1'"):
            ContingentSpanning(env)
        if bend > 0:
            assert audit(env, ContingentConvex(env)).holds
        else:
            with pytest.raises(
                Refusal, match=r"after 's?1' is a mixture .*0\.5 × .* \+ 0\.5 × .*short of theirs by 0\.3"
            ):
                ContingentConvex(env)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("contingent-spanning:lags=0", "lags: 0 is below 1"),
        ("contingent-spanning:budget=weekly", "option budget='weekly': input should be 'none' or 'ex-ante'"),
        ("average-externality:transfers=smallest", "smallest is for solver=convex"),
        ("contingent-convex:last=d0", "last=d0: there is no last period"),
    ],
)
def test_wrong_options_are_refused(text: str, why: str) -> None:
    with pytest.raises((InputError, Refusal), match=why):
        make_mechanism(text, endless(0))


def test_an_unknown_last_decision_and_a_single_period() -> None:
    with pytest.raises(InputError, match="last: 'd9' is none of"):
        make_mechanism("contingent-convex:last=d9", unfolding(0))
    base = unfolding(0)
    alone = TableEnvironment("alone", base.agents, np.full((3, 3), 1 / 9), base.stages[3:], 0.9, 1)
    for name in ("average-externality", "surplus-extraction"):
        with pytest.raises(Refusal, match="its only period is the last"):
            make_mechanism(name, alone)
    mechanism = ContingentSpanning(alone, budget="ex-ante")  # a static mechanism, with fees
    found = audit(alone, mechanism)
    assert found.holds
    assert found.ledger.transfer.sum() == pytest.approx(0, abs=1e-9)


# The naive rules beside them, and the faults.


@pytest.mark.parametrize(("rule", "losing"), [(Team, 8), (PayYourReport, 8), (Pivot, 8), (CremerMcLean, 8)])
def test_naive_rules_lose_in_generic_interdependent_economies(
    rule: Callable[[TableEnvironment], BaseMechanism], losing: int
) -> None:
    """On every one of eight economies of three signals each; contingent transfers hold on them."""
    economies = [endless(seed, 2, 3) for seed in range(8)]
    assert sum(largest_gain(env, rule(env)) > 0.01 for env in economies) == losing
    assert max(largest_gain(env, ContingentSpanning(env)) for env in economies) < 1e-8


def level_error(env: TableEnvironment, mechanism: ContingentMechanism) -> float:
    """How far truthful payoffs at the start are from λ W."""
    surplus = mechanism.share * plan(env).value[0].reshape(-1)
    return float(np.abs(keep_ledger(env, mechanism).pages[0].stay[:, 0] - surplus).max())


@pytest.mark.parametrize(
    ("fault", "made", "gains", "off"),
    [
        (faults.PlusSign, endless, True, True),
        (faults.Untransposed, endless, True, True),
        (faults.OwnReportLeft, endless, True, True),
        (faults.UndiscountedTarget, endless, None, True),
        (faults.OnlyAccomplices, endless, True, False),
        (faults.UndiscountedFee, endless, True, True),
        (faults.FlippedStep, unfolding, True, True),
        (faults.NoCorrection, unfolding, True, True),
    ],
)
def test_planted_faults_show_in_gains_or_in_payoffs(
    fault: Rule, made: Callable[[int], TableEnvironment], gains: bool | None, off: bool
) -> None:
    """Somewhere among twelve economies a lie gains, and truth is worth something else than it should be.

    A forgotten discount factor may leave every gain at 0: it shows in what truth is worth.
    """
    economies = [made(seed) for seed in range(12)]
    largest = max(largest_gain(env, fault(env)) for env in economies)
    level = max(level_error(env, fault(env)) for env in economies)
    assert gains is None or largest > 0.03
    assert (level > 0.03) is off


def test_total_indifference_hides_a_wrong_decision_from_every_gain() -> None:
    """Extraction by spanning: each report is worth 0. Only the promise of efficiency can tell that a* is not taken."""
    env = endless(3)
    mechanism = faults.WrongDecision(env, solver="spanning")
    found = audit(env, mechanism)
    assert largest_gain(env, mechanism) <= rounding(env, mechanism)
    assert [verdict.promise for verdict in found.promises if verdict.status == "fails"] == ["efficient"]
    right = audit(env, SurplusExtraction(env, solver="spanning"))
    assert right.holds
    for search in right.searches:  # and where reports lead to different decisions, each of them ties with truth
        tied, states = search.ties
        assert 0 < tied <= states


def test_the_printed_fee_doubles_the_deficit() -> None:
    """Revenue −2 (N − 1) E[W] instead of 0; incentives cannot show it, the promise of a balanced budget does."""
    env = next(env for env in map(endless, range(20)) if (plan(env).value[0] * env.prior).sum() > 0.5)
    surplus = float((plan(env).value[0] * env.prior).sum())
    found = audit(env, faults.PrintedFee(env))
    assert found.ledger.transfer.sum() == pytest.approx(-2 * surplus)
    assert found.verdict == "fails"
    assert [verdict.promise for verdict in found.promises if verdict.status == "fails"] == ["budget: ex ante"]


def test_utilities_of_truth_by_simulating_the_chain() -> None:
    """Expected utilities by powers of the transition matrix."""
    env = endless(4, 2, 3)
    policy = plan(env).policy[0].reshape(-1)
    size = env.stage(0).size
    chain = env.kernel(0).rows()[policy, np.arange(size)]
    flow = env.stage(0).utility.reshape(2, -1, size)[:, policy, np.arange(size)]
    total, power = np.zeros_like(flow), np.eye(size)
    for t in range(400):
        total += env.discount**t * flow @ power.T
        power = power @ chain
    np.testing.assert_allclose(expected_utilities(env, lambda _t: policy), total, atol=1e-9)
