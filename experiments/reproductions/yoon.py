"""Yoon (2021), "Dynamic Mechanism Design: An Elementary Introduction": numbers and theorems.

What the paper says nothing of is derived twice. Where the print is wrong, `derived` is what should stand there.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import sampled
from dynmech.experiments.reproductions.yoon_more import further
from dynmech.experiments.scenarios.bilateral_trade import BilateralTrade, environment_of
from dynmech.mechanisms.conditions.trade_budget import Trade
from dynmech.mechanisms.conditions.yoon_property_a import property_a
from dynmech.mechanisms.groves.groves import Groves
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.revenue.cutoff_rule import CutoffRule, optimal_rule
from dynmech.mechanisms.revenue.discrete_virtual import discrete_virtual_values
from dynmech.mechanisms.revenue.revenue_lp import revenue_optimum
from dynmech.mechanisms.revenue.revenue_optimal import RevenueOptimal
from dynmech.mechanisms.revenue.two_period_types import family
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Acts, Situation

PAPER = "yoon"
TITLE = "Yoon (2021), Dynamic Mechanism Design: An Elementary Introduction"

EPISODES = 40_000
"""Episodes of each simulation."""

ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Persistences of the two-value chain that are looked at."""

POINTS = np.array([0.0, 1.0])
EVEN = np.array([0.5, 0.5])


def claims() -> Iterator[Claim]:
    """All of them."""
    yield from _optimal()
    yield from _best_of_all()
    yield from _groves()
    yield from _continuous_trade()
    yield from _two_period_trade()
    yield from _endless_trade()
    yield from further()


_claim = partial(Claim, PAPER)


# Play


def _play(environment: Environment, mechanism: Mechanism, episodes: int = EPISODES) -> Record:
    """Prescribed play of a finite game, on draws of its own."""
    game = make_game(environment, mechanism)
    streams = Streams(2021, "reproduce", 0, episodes, game.periods + game.closing)
    return play_shard(game, [Truthful()] * len(environment.agents), streams, episodes=episodes)


def _worst_gain(environment: TableEnvironment, mechanism: Mechanism) -> float:
    """The most that anybody gains by any deviation, knowing everybody's signals."""
    gains = []
    for agent in range(len(environment.agents)):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        truth, best = (solve(problem, f, Information.EX_POST) for f in (Family.PRESCRIBED, Family.BEST_RESPONSE))
        gains.append(worst_gain(problem, best, truth).gain)
    return max(gains)


# §2: optimal mechanisms


def _optimal() -> Iterator[Claim]:
    where = "§2.2, θ_1 uniform, θ_2 = ½θ_1 + ½ε"
    environment = load("two-period-sale")
    mechanism = make_mechanism("optimal-two-period", environment)
    rule = optimal_rule(family("ar1", 0.5), 1.0)
    record = _play(environment, mechanism)
    paid = record.transfer[:, 0]
    today, tomorrow = rule.virtual_surplus()
    sums = (("E ψ_1 q_1", today, 1 / 4), ("E ψ_2 q_2", tomorrow, 7 / 24), ("rent E U_1", rule.rent(), 13 / 48))
    for name, exact, expected in sums:
        yield _claim(f"{name} of the optimal mechanism ({where})", None, exact, expected, "integration by hand")
    for name, exact, expected, samples in (
        ("revenue", rule.revenue(), 13 / 24, paid.sum(axis=0)),
        ("mean payment tomorrow", rule.mean_price(), 7 / 48, paid[1]),
        ("mean payment today", rule.mean_upfront(), 19 / 48, paid[0]),
    ):
        text = f"{name} of the optimal mechanism ({where})"
        yield _claim(text, None, exact, expected, "integration by hand", **sampled(samples))
    yield _claim(f"Theorems 1 and 2: the best lie under it gains nothing ({where})", 0.0, rule.worst_lie()[0])
    rising = CutoffRule(rule.types, 1.0, 0.5, lambda s: 0.2 + 0.3 * s)
    yield _claim(
        "Theorem 2: with prices that rise in θ_1 the best lie gains what integral monotonicity (8) is missed by",
        None,
        rising.worst_lie(65)[0],
        -rising.integral_monotonicity(65)[0],
        "the integral of (8)",
    )


def _best_of_all() -> Iterator[Claim]:
    """Optimal mechanisms on a grid, by linear program."""
    grid = load("two-period-sale:grid=11")
    assert isinstance(grid, TableEnvironment)
    optimum = revenue_optimum(grid)
    yield _claim(
        "the best of all mechanisms on 11 × 11 midpoints earns Σ (discrete virtual values)⁺",
        None,
        optimum.revenue,
        discrete_virtual_values(grid).bound,
        "the sum of virtual values, without a program",
    )
    truth = "the constraints of the linear program"
    yield _claim("and truth is best under it, exactly", None, _worst_gain(grid, RevenueOptimal(grid)), 0.0, truth)
    loose = RevenueOptimal(grid, constraints="reachable")
    yield _claim(
        "(IC_2) asked only of types that the first report leaves possible: revenue is all of welfare",
        None,
        loose.optimum.revenue,
        float((plan(grid).value[0] * grid.prior).sum()),
        "the planner",
    )
    yield _claim(
        "but a second lie after the first then gains more than 0.1 (1: it does)",
        None,
        float(_worst_gain(grid, loose) > 0.1),
        1.0,
        "the optimum above, which is less: more than that cannot be earned from the truth",
    )


# §3.2: Groves mechanisms


def _groves() -> Iterator[Claim]:
    draws = np.random.Generator(np.random.Philox(key=3))
    environment = random_environment(draws, agents=3, signals=2, decisions=3, correlation=0, interdependence=0)
    tables = [draws.uniform(-1, 1, (2, 2)) for _ in environment.agents]
    groves = Groves.with_terms(environment, lambda _t, i: tables[i])
    yield _claim(
        "Theorem 3: any deviation under a Groves mechanism with random Φ gains nothing",
        0.0,
        _worst_gain(environment, groves),
    )
    yield _claim("Lemma 1: its Property A residual", 0.0, property_a(FiniteGame(environment, groves)).value)
    draws, surcharge = np.random.Generator(np.random.Philox(key=8)), 0.5
    small = random_environment(draws, agents=2, signals=2, decisions=3, discount=0.8, correlation=0, interdependence=0)
    taxed = Groves(small, phi="zero", surcharge=surcharge)
    yield _claim(
        "Theorem 4 needs its rich domain: on four profiles a surcharge of ½ on one decision leaves truth optimal",
        None,
        _worst_gain(small, taxed),
        _best_map_gain(small, taxed),
        "trying every map from true to sent signals",
    )
    yield _claim(
        "though its Property A residual is the surcharge × the spread of that decision's discounted frequency",
        None,
        property_a(FiniteGame(small, taxed)).value,
        surcharge * _spread_of_frequency(small),
        "a linear solve for that frequency",
    )


def _best_map_gain(environment: TableEnvironment, mechanism: Groves) -> float:
    """The most that a map from all true signals to an own report gains, used for ever, at any profile."""
    stage, policy = environment.stage(0), plan(environment).policy[0].reshape(-1)
    signals, rows = np.indices(stage.axes).reshape(len(stage.axes), -1), environment.kernel(0).rows()
    profiles, best = np.arange(stage.size), 0.0
    transfers = mechanism.charge(
        Situation(1, np.zeros(stage.size, np.intp), np.zeros(stage.size, np.intp)),
        signals.T,
        policy,
        Acts(np.zeros(signals.T.shape, np.intp), np.zeros(signals.T.shape)),
    )
    for i in range(len(environment.agents)):
        utility = stage.utility[i].reshape(len(stage.decisions), -1)
        worth = []
        for sent in product(range(stage.axes[i]), repeat=stage.size):
            said = signals.copy()
            said[i] = sent
            place = np.ravel_multi_index(said, stage.axes)
            flow = utility[policy[place], profiles] - transfers[place, i]
            law = rows[policy[place], profiles]
            worth.append(np.linalg.solve(np.eye(stage.size) - environment.discount * law, flow))
        truth = worth[list(product(range(stage.axes[i]), repeat=stage.size)).index(tuple(signals[i]))]
        best = max(best, float((np.max(worth, axis=0) - truth).max()))
    return best


def _spread_of_frequency(environment: TableEnvironment) -> float:
    """Along agent 0's signals: the most by which E Σ δ^t 1{a_t = 0} changes under the efficient rule."""
    policy, size = plan(environment).policy[0].reshape(-1), environment.stage(0).size
    law = environment.kernel(0).rows()[policy, np.arange(size)]
    frequency = np.linalg.solve(np.eye(size) - environment.discount * law, (policy == 0).astype(float))
    return float(np.ptp(frequency.reshape(environment.stage(0).axes), axis=0).max())


# §3.3.1 A: two periods, values uniform on [0, 1]


def _uniform(function: str, persistence: float) -> float:
    """Integrals over 0 ≤ θ_s ≤ θ_b ≤ 1 by Gauss–Legendre (exact for polynomials): E z_s, E z_b, or the deficit."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    seller, first = (nodes + 1) / 2, weights / 2
    buyer = seller[:, None] + (1 - seller)[:, None] * (nodes + 1) / 2
    mass = first[:, None] * (1 - seller)[:, None] * weights / 2
    values = {"z_s": -buyer, "z_b": np.broadcast_to(seller[:, None], buyer.shape), "deficit": buyer - seller[:, None]}
    return float((values[function] * mass).sum()) * (2 if persistence else 1)


def _least_first_payoff() -> float:
    """Over first types of the seller (of the buyer it is the same): what both periods are worth, at the least."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    costs = np.linspace(0, 1, 101)[:, None]
    buyer = costs + (1 - costs) * (nodes + 1) / 2
    now = ((buyer - costs) * (1 - costs) * weights / 2).sum(axis=1)
    return float(now.min()) + _uniform("deficit", 0)


def _continuous_trade() -> Iterator[Claim]:
    environment = load("bilateral-trade-continuous")
    record = _play(environment, make_mechanism("trading-pivot", environment))
    where = "§3.3.1 A (1), independent values"
    yield _claim(f"E z_s in a period ({where})", -1 / 3, _uniform("z_s", 0), **sampled(record.transfer[1, 0]))
    yield _claim(f"E z_b in a period ({where})", 1 / 6, _uniform("z_b", 0), **sampled(record.transfer[1, 1]))
    for t in (0, 1):
        short = -record.transfer[t].sum(axis=0)
        yield _claim(f"expected deficit in period {t} ({where})", 1 / 6, _uniform("deficit", 0), **sampled(short))
    least = _least_first_payoff()
    worst = record.payoffs[0][record.signal[0, 0] > 0.98]
    yield _claim(
        f"largest fee of the seller, what θ_s = 1 expects ({where}; simulated: θ_s > 0.98)",
        1 / 6,
        least,
        **sampled(worst),
    )
    charged = make_mechanism(f"trading-pivot:seller_fee={1 / 6!r},buyer_fee={1 / 6!r}", environment)
    budget = _play(environment, charged).transfer.sum(axis=(0, 1))
    left = 2 * least - 2 * _uniform("deficit", 0)
    text = f"budget with the largest fees of both ({where})"
    yield _claim(text, 0.0, left, **sampled(budget), effect=1 / 3)  # the deficit without fees
    lasting = load("bilateral-trade-continuous:persistence=1")
    record = _play(lasting, make_mechanism("trading-pivot", lasting))
    short = -record.transfer.sum(axis=(0, 1))
    yield _claim("expected deficit, values that stay (§3.3.1 A (2))", 1 / 3, _uniform("deficit", 1), **sampled(short))


# §3.3.1 B: two periods, values 0 and 1


def _chain(alpha: float) -> Trade:
    chain = persistent_chain(2, alpha)
    return Trade(POINTS, POINTS, chain, chain, EVEN, EVEN)


def _two_period_trade() -> Iterator[Claim]:
    for alpha in ALPHAS:
        environment = environment_of(_chain(alpha), 1.0, 2)
        mechanism = PivotWithFees(environment)
        record = _play(environment, Pivot(environment, "feasible"), EPISODES // 4)
        short = -record.transfer.sum(axis=(0, 1))
        where = f"§3.3.1 B, α = {alpha:g}"
        yield _claim(f"expected deficit ({where})", 0.5, mechanism.deficit, **sampled(short))
        yield _claim(f"largest fees together ({where})", 1 - alpha, float(mechanism.amounts.sum()))


# §3.3.2: for ever


def _endless_trade() -> Iterator[Claim]:
    for alpha in ALPHAS[:-1]:
        found = _chain(alpha).threshold()
        yield _claim(
            f"least δ with a balanced budget: 1/(3 − 2α), α = {alpha:g} (§3.3.2)", 1 / (3 - 2 * alpha), _number(found)
        )
    trade = BilateralTrade(values=4, chain="random", seed=4).chains()
    flat = np.full((4, 4), 0.25)
    iid = Trade(trade.costs, trade.values, flat, flat, trade.first_seller, trade.first_buyer)
    first, total = float(iid.first_seller @ iid.gains @ iid.first_buyer), float(iid.gains.sum())
    printed = 16 * first / (16 * first + total)
    yield _claim(
        "least δ with independent values, four values, random first laws (§3.3.2)", printed, _number(iid.threshold())
    )
    found = _number(trade.threshold())
    yield _claim(
        f"Theorem 5: four values, random chains: (∗) holds just above δ = {found:.4f} and fails just below (2: both)",
        None,
        float(trade.balances(found + 1e-6)) + float(not trade.balances(found - 1e-6)),
        2.0,
        "bisection for that δ",
    )
    yield _claim(
        "Theorem 5: at δ = 0.999 the fees leave something (1: they do)", 1.0, float(trade.budget(0.999).slack > 0)
    )
    absorbing = BilateralTrade(values=3, chain="absorbing").chains()
    yield _claim(
        "Theorem 6: largest fees with absorbing types, δ = 0.99", 0.0, sum(absorbing.budget(0.99).fees), tolerance=1e-9
    )
    yield from _errata()


def _errata() -> Iterator[Claim]:
    alpha, discount = 0.75, 0.9
    environment = environment_of(_chain(alpha), discount)
    yield _claim(
        "W_{−s} if the buyer could be served without the seller, which §3.3 rules out, α = ¾, δ = 0.9",
        None,
        float((Pivot(environment).alone(0).value[0] * environment.prior).sum()),
        0.5 / (1 - discount),
        "Σ δ^t E θ_b",
    )
    yield _claim(
        'W_{−s} is "always zero" (§3.3), since nobody trades alone',
        0.0,
        float((Pivot(environment, "feasible").alone(0).value[0] * environment.prior).sum()),
    )
    decay = 2 * alpha - 1
    stay = FiniteGame(environment, PivotWithFees(environment)).truthful.periods[0].stay[0, 0].reshape(2, 2)
    yield _claim(
        'with fees "periodic ex-post … individually rational" (after Theorem 5): seller at (1, 0), α = ¾, δ = 0.9',
        0.0,
        float(stay[1, 0]),
        (1 / (1 - discount * decay**2) - 1 / (1 - discount * decay)) / 4,
        "two geometric sums",
        "fees are paid once, knowing one's own first type only: ex post this seller loses",
        tolerance=1e-9,
    )
    swap = np.eye(2)[::-1]
    periodic = Trade(POINTS, POINTS, swap, swap, np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    yield _claim(
        "Theorem 5 needs aperiodic chains: values that swap, x = (1, 0), y = (0, 1), δ = 0.9: slack of (∗)",
        None,
        periodic.budget(discount).slack,
        -1 / (1 - discount**2),
        "trade every other period, and types that expect nothing",
    )
    text = "and no discount factor will do (number of switches)"
    yield _claim(text, None, float(len(periodic.switches())), 0.0, "the slack in closed form, negative for every δ")
    generator = np.random.Generator(np.random.Philox(key=11))
    chains = generator.dirichlet(np.ones(3), (2, 3))
    chains[:, 0] = np.eye(3)[0]
    literal = Trade(np.arange(3.0), np.arange(3.0), chains[0], chains[1], *generator.dirichlet(np.ones(3), 2))
    yield _claim(
        "Theorem 6 read literally (v(θ̲, ·) = 0 at value 0, so s_11 = b_11 = 1): (∗) at δ = 0.999 (1: it holds)",
        0.0,
        float(literal.balances(0.999)),
    )


def _number(found: float | None) -> float:
    return float("nan") if found is None else found
