"""The revenue program: known optima, brute-force deviations, other mechanisms below it, constraints left out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.scenarios.two_period_sale import grid_economy
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.revenue import revenue_program
from dynmech.mechanisms.revenue.discrete_virtual import discrete_virtual_values
from dynmech.mechanisms.revenue.revenue_lp import RevenueOptimum, revenue_optimum
from dynmech.mechanisms.revenue.revenue_optimal import RevenueOptimal
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.core.ties import TIE
from dynmech.sim.economy.builders import single_object
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.economy.units import STEP, in_units, in_units_of_scale
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from tests.builders.generators import generator
from tests.builders.trades import market

seeds = st.integers(0, 10_000)


def sale(options: str) -> TableEnvironment:
    environment = load(f"two-period-sale:{options}")
    assert isinstance(environment, TableEnvironment)
    return environment


def random_economy(seed: int, agents: int = 2, *, moves: bool = True) -> TableEnvironment:
    """Two periods, private values, two decisions each; with `moves` the first decision moves signals."""
    draws = generator(seed)
    sizes = [int(k) for k in draws.integers(2, 4, agents)]
    factors = tuple(draws.dirichlet(np.ones(3), (2, size)) for size in sizes)
    if not moves:
        factors = tuple(np.stack([f[0], f[0]]) for f in factors)
    one = _private(draws, sizes)
    two = _private(draws, [3] * agents)
    stages = (
        Stage(
            tuple(tuple("abc"[:k]) for k in sizes),
            ("x", "y"),
            one,
            IndependentKernel(factors),
            cost=np.array([0.0, 0.1]),
        ),
        Stage((tuple("abc"),) * agents, ("x", "y"), two),
    )
    prior = np.ones(())
    for size in sizes:
        prior = np.multiply.outer(prior, draws.dirichlet(np.ones(size)))
    return TableEnvironment("two", tuple(f"agent {i + 1}" for i in range(agents)), prior, stages, 0.9, 2)


def _private(draws: np.random.Generator, sizes: list[int]) -> FloatArray:
    out = np.zeros((len(sizes), 2, *sizes))
    for i, size in enumerate(sizes):
        shape = [1] * len(sizes)
        shape[i] = size
        out[i] += draws.uniform(-1, 1, (2, *shape))
    return out


def best_deviation(environment: TableEnvironment, optimum: RevenueOptimum, agent: int) -> tuple[float, float]:
    """The most that any plan of lies gains, and the least payoff of a truthful first type: sums over profiles.

    Second reports are chosen knowing own signal, own first report, the others' first reports and the history.
    """
    one, two = environment.stage(0), environment.stage(1)
    laws = environment.kernel(0).rows()
    firsts, seconds = list(np.ndindex(*one.axes)), list(np.ndindex(*two.axes))
    histories = optimum.second.shape[1]

    def put(profile: tuple[int, ...], own: int) -> tuple[int, ...]:
        return (*profile[:agent], own, *profile[agent + 1 :])

    def later(true: int, r: int, h: int) -> tuple[float, float]:
        """Truth and best response in the second period, first signal `true`, first reports `r`, history h."""
        k = one.axes and int(np.ravel_multi_index(put(firsts[r], true), one.axes))
        law = laws[h, k]
        truth = best = 0.0
        for own in range(two.axes[agent]):
            worth = np.zeros(two.axes[agent])
            for s, profile in enumerate(seconds):
                if profile[agent] != own:
                    continue
                for report in range(two.axes[agent]):
                    said = int(np.ravel_multi_index(put(profile, report), two.axes))
                    use = optimum.second[r, h, said] @ two.utility[agent].reshape(2, -1)[:, s]
                    worth[report] += law[s] * (use - optimum.pay_second[agent][r, h, report])
            truth, best = truth + worth[own], best + worth.max()
        return truth, best

    others = np.moveaxis(environment.prior, agent, 0).reshape(one.axes[agent], -1).sum(axis=0)
    places = [[k for k, p in enumerate(firsts) if p[agent] == own] for own in range(one.axes[agent])]
    gain, least = 0.0, np.inf
    for true in range(one.axes[agent]):
        values = []
        for report in range(one.axes[agent]):
            value = -optimum.pay_first[agent][report]
            honest = value
            for weight, r, k in zip(others, places[report], places[true], strict=True):
                now = optimum.first[r] @ one.utility[agent].reshape(2, -1)[:, k]
                ahead = [later(true, r, h) for h in range(histories)]
                mix = optimum.first[r] if histories > 1 else np.ones(1)
                value += weight * (now + environment.discount * float(mix @ [best for _, best in ahead]))
                honest += weight * (now + environment.discount * float(mix @ [truth for truth, _ in ahead]))
            values.append(value)
            if report == true:
                told = honest
        gain, least = max(gain, max(values) - told), min(least, told)
    return gain, least


# Known optima


def test_eleven_midpoints() -> None:
    environment = sale("grid=11")
    optimum = revenue_optimum(environment)
    # ψ_1 = (2k − 9.5)/11, ψ_2 = (2k + l − 9)/22 on midpoints, each with its probability.
    one = sum(max(0.0, (2 * k - 9.5) / 121) for k in range(11))
    two = sum(max(0.0, (2 * k + j - 9) / 2662) for k, j in product(range(11), repeat=2))
    assert round(optimum.net_revenue, 8) == 0.58114200
    assert optimum.net_revenue == pytest.approx(one + two, abs=1e-9)
    assert discrete_virtual_values(environment).bound == pytest.approx(one + two, abs=1e-12)
    assert revenue_optimum(sale("grid=5")).net_revenue == pytest.approx(0.628, abs=1e-9)


@pytest.mark.parametrize(
    "options", ["grid=4,rho=0.25", "grid=6,kernel=power,rho=2", "grid=5,kernel=normal", "grid=4,discount=0.5"]
)
def test_where_virtual_values_are_regular_their_positive_parts_are_the_optimum(options: str) -> None:
    environment = sale(options)
    assert revenue_optimum(environment).net_revenue == pytest.approx(
        discrete_virtual_values(environment).bound, abs=1e-9
    )


def test_grids_close_in_on_the_continuum() -> None:
    """13/24, from above: a grid's midpoints leave less to know."""
    revenues = [discrete_virtual_values(sale(f"grid={m}")).bound for m in (10, 20, 40, 80)]
    errors = np.array(revenues) - 13 / 24
    assert (errors > 0).all()
    np.testing.assert_allclose(errors[1:] / errors[:-1], 0.5, atol=0.05)


@given(seeds, st.integers(2, 5))
def test_one_period_of_news_is_a_posted_price(seed: int, count: int) -> None:
    """A second period in which nothing is at stake leaves Myerson's problem: max_p p P(θ ≥ p)."""
    draws = generator(seed)
    values, law = np.sort(draws.uniform(0, 1, count)), draws.dirichlet(np.ones(count))
    one = Stage(
        (tuple(f"{v:.6f}" for v in values),),
        ("keep", "sell"),
        np.stack([np.zeros(count), values])[None],
        IndependentKernel((np.ones((2, count, 1)),)),
    )
    environment = TableEnvironment(
        "price", ("buyer",), law, (one, Stage((("-",),), ("none",), np.zeros((1, 1, 1)))), 1.0, 2
    )
    best = max(value * float(law[k:].sum()) for k, value in enumerate(values))
    assert revenue_optimum(environment).net_revenue == pytest.approx(best, abs=1e-9)


def test_two_bidders_myersons_auction_today_and_all_of_the_surplus_tomorrow() -> None:
    """Values 1 or 2 evenly, anew each period: virtual values 0 and 2 today, E max θ = 1.75 tomorrow."""
    environment = grid_economy(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.full((2, 2), 0.5), 1.0, buyers=2)
    optimum = revenue_optimum(environment)
    assert optimum.net_revenue == pytest.approx(2 * 0.75 + 1.75, abs=1e-9)
    assert audit(environment, RevenueOptimal(environment)).holds
    # If values stay, the same auction twice.
    stays = grid_economy(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.eye(2), 1.0, buyers=2)
    assert revenue_optimum(stays).net_revenue == pytest.approx(3.0, abs=1e-9)


# Against brute force


@given(seeds, st.booleans())
def test_truth_withstands_every_plan_of_lies(seed: int, moves: bool) -> None:
    """Lotteries and decisions that move signals included; participation holds, and revenue is what is paid."""
    environment = random_economy(seed, moves=moves)
    optimum = revenue_optimum(environment)
    for i in range(2):
        gain, least = best_deviation(environment, optimum, i)
        assert gain < 1e-7
        assert least > -1e-7
    assert optimum.net_revenue <= float((plan(environment).value[0] * environment.prior).sum()) + 1e-9


@given(seeds)
def test_without_the_constraints_at_unreachable_signals_it_earns_no_less(seed: int) -> None:
    environment = random_economy(seed, 1, moves=False)
    assert (
        revenue_optimum(environment, unreachable=False).net_revenue >= revenue_optimum(environment).net_revenue - 1e-9
    )
    assert revenue_optimum(environment, each_period=True).net_revenue <= revenue_optimum(environment).net_revenue + 1e-9


@given(seeds)
def test_no_other_mechanism_earns_more(seed: int) -> None:
    """The pivot with the largest fees is incentive compatible and joined: its revenue is below the yardstick."""
    base = market(seed)
    one = Stage(base.stage(0).signals, base.stage(0).decisions, base.stage(0).utility, base.stage(0).kernel)
    two = Stage(base.stage(0).signals, base.stage(0).decisions, base.stage(0).utility)
    environment = TableEnvironment("market", base.agents, base.prior, (one, two), 0.9, 2)
    earned = float(FiniteGame(environment, PivotWithFees(environment)).truthful.transfer.sum())
    assert earned <= revenue_optimum(environment).net_revenue + 1e-8


# As a mechanism


def test_on_a_grid_the_oracle_finds_nothing_and_play_earns_it() -> None:
    environment = sale("grid=11")
    mechanism = make_mechanism("revenue-optimal", environment)
    assert isinstance(mechanism, RevenueOptimal)
    assert mechanism.optimum.certain
    found = audit(environment, mechanism)
    assert found.holds
    assert found.searches[0].figures[list(found.searches[0].figures)[-1]]["ex_post"].gain < 1e-9
    assert float(found.truthful.transfer.sum()) == pytest.approx(mechanism.optimum.revenue, abs=1e-8)
    game = make_game(environment, mechanism)
    record = play_shard(game, [Truthful()], Streams(2, "lp", 0, 20_000, 2), episodes=20_000)
    paid = Moments.of(record.transfer.sum(axis=(0, 1)))
    assert abs(float(paid.mean) - mechanism.optimum.revenue) < 4 * float(paid.error) < 0.02


def test_without_them_a_second_lie_after_the_first_gains() -> None:
    """All of welfare on paper; the witness lies in period 0 and again at a signal that the first report rules out."""
    environment = sale("grid=5")
    mechanism = RevenueOptimal(environment, constraints="reachable")
    assert mechanism.optimum.net_revenue == pytest.approx(1.0, abs=1e-9)
    found = audit(environment, mechanism)
    assert not found.holds
    figures = {family.value: mine for family, mine in found.searches[0].figures.items()}
    assert figures["one_shot"]["on_path"].gain < 1e-9  # one lie, truth after it: what was asked for
    assert figures["belief_manipulation"]["on_path"].gain > 0.3  # a lie and a second one
    assert figures["best_response"]["ex_ante"].gain > 0.1


def test_lotteries_are_audited_and_played() -> None:
    """The program's own revenue by the exact audit, and by simulation."""
    for seed in range(40):
        environment = random_economy(seed, 1)
        mechanism = RevenueOptimal(environment)
        if not mechanism.optimum.certain:
            break
    assert not mechanism.optimum.certain
    found = audit(environment, mechanism)
    assert (found.backend, found.verdict) == ("exact", "holds")
    assert found.truth.net_revenue == pytest.approx(mechanism.optimum.net_revenue, abs=1e-8)
    assert found.truth.revenue == pytest.approx(mechanism.optimum.revenue, abs=1e-8)
    record = play_shard(
        make_game(environment, mechanism), [Truthful()], Streams(2, "lp", 0, 20_000, 2), episodes=20_000
    )
    left = Moments.of(record.discounted(record.transfer)[0] - record.discounted(record.cost[:, None])[0])
    assert abs(float(left.mean) - mechanism.optimum.net_revenue) < 4 * float(left.error) < 0.05


def test_leaving_in_the_second_period_costs_revenue_or_nothing() -> None:
    environment = sale("grid=3")
    mechanism = RevenueOptimal(environment, leave=True)
    found = audit(environment, mechanism)
    assert found.holds
    assert {v.promise for v in found.verdicts} == {"incentive: bayesian", "participation: interim"}


# Multipliers


@given(seeds)
def test_multipliers_are_what_slack_is_worth(seed: int) -> None:
    """Paying agent i one unit more whatever it says loosens its participation alone: those multipliers sum to 1."""
    environment = random_economy(seed)
    optimum = revenue_optimum(environment)
    for agent in environment.agents:
        kept = [b.multiplier for b in optimum.binding if b.kind == "participation" and b.agent == agent]
        assert sum(kept) == pytest.approx(1, abs=1e-7)
    tie = TIE * max(b.multiplier for b in optimum.binding)  # those that tie stand in the program's order
    assert all(a.multiplier >= b.multiplier - tie for a, b in zip(optimum.binding, optimum.binding[1:], strict=False))


def test_binding_constraints_are_named() -> None:
    optimum = revenue_optimum(sale("grid=3"))
    said = [str(binding) for binding in optimum.binding]
    assert said[0] == "participation: buyer with signal 0.166667 would stay away (1)"
    assert "truth, period 0: buyer with signal 0.5 would report 0.166667 (0.6667)" in said
    assert any(text.startswith("truth, period 1: buyer with signal") and "after reports 0." in text for text in said)


# Units of money


@pytest.mark.parametrize("each_period", [False, True])
@pytest.mark.parametrize("moves", [False, True])
def test_of_several_optima_it_is_the_same_one_in_any_unit(moves: bool, each_period: bool) -> None:
    """Degenerate programs: unrounded, 12 of 108 such pairs end at another vertex."""
    for seed in range(8):
        environment = random_economy(seed, moves=moves)
        wanted = revenue_optimum(environment, each_period=each_period)
        for unit in (2.0**30, 1e9, 1e-9):
            found = revenue_optimum(in_units(environment, unit), each_period=each_period)
            np.testing.assert_allclose(found.second, wanted.second, rtol=0, atol=1e-12)
            for one, other in zip(
                found.pay_first + found.pay_second, wanted.pay_first + wanted.pay_second, strict=True
            ):
                np.testing.assert_allclose(one / unit, other, rtol=0, atol=1e-12)


def test_amounts_are_rounded_below_what_the_solver_is_asked_for() -> None:
    environment = random_economy(3)
    inside, unit = in_units_of_scale(environment)
    assert unit == environment.scale
    for t in range(2):
        stage, other = environment.stage(t), inside.stage(t)
        assert 0 < np.abs(other.utility * unit - stage.utility).max() <= STEP / 2 * unit * 1.001
        assert np.array_equal(other.utility / STEP, np.round(other.utility / STEP))
        np.testing.assert_allclose(other.cost_table * unit, stage.cost_table, rtol=0, atol=STEP * unit)
    assert STEP < revenue_program.PRECISION


# What it is not for


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ("repeated-auction", "two periods, here are infinitely many"),
        ("oil-leases-prior", "two periods, here are 3"),
        ("oil-leases", "needs independent types: an agent's next signal is moved|depends on the others'"),
    ],
)
def test_other_economies_are_refused(environment: str, told: str) -> None:
    with pytest.raises(Refusal, match=told):
        make_mechanism("revenue-optimal", load(environment))


def test_size_is_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revenue_program, "LARGEST", 100)
    with pytest.raises(Refusal, match="430 incentive constraints, more than 100"):
        revenue_optimum(sale("grid=5"))


def test_virtual_values_are_for_a_sale() -> None:
    moved = random_economy(0, 1)
    with pytest.raises(Refusal, match="is no sale"):
        discrete_virtual_values(moved)
    learns = single_object([[0.5, 1]], [np.stack([np.eye(2), np.full((2, 2), 0.5)])], np.full(2, 0.5), 1.0, horizon=2)
    with pytest.raises(Refusal, match="selling moves the second type"):
        discrete_virtual_values(learns)
    with pytest.raises(Refusal, match="one buyer and two periods"):
        discrete_virtual_values(sale("grid=3,buyers=2"))


def test_where_selling_moves_the_type_the_pointwise_rule_is_not_the_optimum() -> None:
    """Yoon's pointwise maximisation needs a law of motion that q_1 leaves alone: here a sale today makes θ_2 = 1."""
    values = np.array([0.0, 1.0])
    taught = np.stack([np.array([[1.0, 0], [1, 0]]), np.array([[0, 1.0], [0, 1]])])
    environment = single_object([values.tolist()], [taught], np.full(2, 0.5), 1.0, horizon=2)
    # ψ_1(0) = −1 says keep; but a free sale today is worth 1 tomorrow to both types, and all of it can be charged.
    assert revenue_optimum(environment).net_revenue == pytest.approx(1.0, abs=1e-9)


def test_bad_options_get_one_line() -> None:
    with pytest.raises(Refusal, match="only where the first decision leaves signals alone"):
        RevenueOptimal(random_economy(1), constraints="reachable")
    with pytest.raises(InputError, match="'some' is none of all, reachable"):
        RevenueOptimal(sale("grid=3"), constraints="some")
