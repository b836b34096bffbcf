"""Kakade, Lobel and Nazerzadeh (2011), "Optimal Dynamic Mechanism Design and the Virtual Pivot Mechanism".

The paper prints formulas and few numbers. What is called printed is such a formula at the numbers of an example, or
what a statement comes to there; closed forms and numbers that are ours are derived twice.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.initial_misreport import InitialMisreport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import sampled
from dynmech.experiments.reproductions.kakade_lobel_nazerzadeh_examples import examples
from dynmech.mechanisms.planning.batch_plan import follow
from dynmech.mechanisms.planning.gittins import gittins_index, printed_index, restart_index
from dynmech.mechanisms.revenue.dynamic_program import dynamic_revenue, relaxed_revenue
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.virtual.frozen_plans import flow, plans
from dynmech.mechanisms.virtual.optimal_contract import OptimalContract
from dynmech.mechanisms.virtual.relaxed_bound import continuum_bound, grid_bound
from dynmech.mechanisms.virtual.tariffs import best_price, best_two_part, frequencies, menu_fee, menu_profit
from dynmech.mechanisms.virtual.virtual_index import VirtualIndex
from dynmech.mechanisms.virtual.virtual_myopic import VirtualMyopic
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.buyer_with_two_signals import TwoPeriodBuyer
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.economy.separable_builders import beta_states
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record

PAPER = "kakade-lobel-nazerzadeh"
TITLE = "Kakade, Lobel and Nazerzadeh (2011), Optimal Dynamic Mechanism Design and the Virtual Pivot Mechanism"

EPISODES = 10_000
"""Episodes of each simulation."""

SHARDS = 10
"""Simulations of that size of the revenue of sponsored search."""

COST = 0.3
"""Of an item sold to the single buyer."""

READINGS = ("continuum", "cells", "grid-binding")
"""Readings of a grid whose profit tends to the continuum's bound."""

COARSE, FINE = 5, 41
"""Nodes a buyer, between which it does."""


def claims() -> Iterator[Claim]:
    """All of them."""
    yield from _single_buyer()
    yield from _incentives()
    yield from _revenue()
    yield from _bandits()
    yield from _uncontrolled()
    yield from _limits()
    yield from examples()


_claim = partial(Claim, PAPER)


def _economy(text: str) -> TableEnvironment:
    made = load(text)
    assert isinstance(made, TableEnvironment)
    return made


def _separable(text: str) -> SeparableEnvironment:
    made = load(text)
    assert isinstance(made, SeparableEnvironment)
    return made


def _play(environment: TableEnvironment, mechanism: str, lie: InitialMisreport | None = None, shard: int = 0) -> Record:
    """The first agent's lie, or prescribed play."""
    game = make_game(environment, make_mechanism(mechanism, environment), tail=1e-4)
    streams = Streams(2011, "reproduce", shard, EPISODES, game.periods + game.closing)
    strategies = [lie or Truthful(), *[Truthful()] * (len(environment.agents) - 1)]
    return play_shard(game, strategies, streams, episodes=EPISODES)


def _single_buyer() -> Iterator[Claim]:
    """§6.1."""
    environment = _separable("single-buyer:nodes=21")
    economy, contract = environment.economy, OptimalContract(environment)
    value, often = frequencies(economy)
    formula = float((often * (value > COST) * (value - COST) ** 2 / (4 * value)).sum())
    bound = continuum_bound(economy).value
    profit = menu_profit(economy)
    text = "§6.1: fees and sales of the menu, uniform first signal, earn Σ μ_B (B − γ)²/(4B)"
    yield _claim(text, None, profit, formula, "the integral by hand")
    yield _claim("Corollary 6.1: the menu's profit is the relaxed bound", bound, profit)
    cutoff = (1 + COST / value.max()) / 2
    points, slopes = environment.grids[0].points, contract.direct.slopes[:, 0]
    wrong = float(((slopes > 0) != (points >= cutoff)).sum())
    text = f"§6.1: of 21 nodes, those sold to below the cutoff (1 + γ/B_max)/2 = {cutoff:g}, or not above it"
    yield _claim(text, None, wrong, 0.0, "the root of the virtual value at B_max")
    prices = contract.prices(0)[1:, 1]
    off = float(np.abs(contract.fees[1:] - menu_fee(economy, prices)).max())
    text = "§6.1: every fee is M(p) = Σ μ_B ((B + γ)/2 − p)^+; the largest difference"
    yield _claim(text, None, off, 0.0, "the integral of the envelope by hand")
    text = "§6.1: a price γ/α(s_0) is at least the cost, since α ≤ 1: prices of the menu below γ"
    yield _claim(text, 0.0, float((prices < COST).sum()))
    lost = [profit - tariff.profit for tariff in (best_price(economy), best_two_part(economy))]
    text = "Corollary 6.1: tariffs, of the best single price and the best two-part one, that earn more than the menu"
    yield _claim(text, 0.0, float(sum(x < 0 for x in lost)))
    found = FiniteGame(environment, contract).truthful
    record = _play(environment, "optimal-contract")
    revenue = float(found.transfer.sum())
    yield _claim(
        "§6.1: payments in the menu on 21 nodes",
        None,
        revenue,
        contract.direct.profit + float(found.utility.sum()) - found.welfare,
        "the profit of the direct mechanism and the costs of what is sold",
        **sampled(record.discounted_transfer[0]),
    )


def _incentives() -> Iterator[Claim]:
    """Theorem 5.1 on grids."""
    environment = _separable("single-buyer:buyers=2,nodes=11")
    searches = [search_frozen(VirtualPivot(environment), i) for i in range(2)]
    gain = max(0.0, *(s.later_gain for s in searches))
    yield _claim("Lemma 5.2: gain at t ≥ 1, two buyers, every frozen weight", 0.0, gain, tolerance=1e-10)
    gain = max(0.0, *(s.first_gain for s in searches))
    yield _claim("Lemma 5.3: gain of any first lie with exact rents", 0.0, gain, tolerance=1e-10)
    least = min(s.least_stay for s in searches)
    yield _claim("Theorem 5.1: the least that staying is worth", 0.0, min(least, 0.0), tolerance=1e-10)
    arms = _separable("sponsored-search:advertisers=3,margins=0.95+0.85+0.9")
    wrong, right = (VirtualPivot(arms, continuation=reading) for reading in ("others", "taken"))
    gains = [max(0.0, *(search_frozen(m, i).later_gain for i in range(3))) for m in (wrong, right)]
    plain = [_plain_gain(arms, wrong, agent) for agent in range(3)]
    yield _claim(
        "(20), (21): gain at t ≥ 1 with three arms if W_{−i} is continued after a*_{−i}",
        0.0,
        gains[0],
        max(plain),
        "the plain search, which knows nothing of frozen weights",
        "the continuation of W_{−i} must follow a*, as in the proof; then the gain is "
        f"{gains[1]:.1g}, not {gains[0]:.4g}",
        tolerance=1e-9,
    )


def _plain_gain(environment: TableEnvironment, mechanism: VirtualPivot, agent: int) -> float:
    """The most that any deviation gains after period 0, by the search that knows nothing of frozen weights."""
    problem = build_problem(FiniteGame(environment, mechanism), (agent,))
    truth, best = (solve(problem, f, Information.EX_POST) for f in (Family.PRESCRIBED, Family.BEST_RESPONSE))
    return worst_gain(problem, best, truth, all_states=True).gain


def _revenue() -> Iterator[Claim]:
    """Corollary 4.1 and Theorem 5.1: revenue and the bound."""
    bound = continuum_bound(_separable("single-buyer:buyers=2,nodes=3").economy)
    economies = {nodes: _separable(f"single-buyer:buyers=2,nodes={nodes}") for nodes in (COARSE, 11, FINE)}
    off = {r: [abs(VirtualPivot(economies[m], r).profit - bound.value) for m in (COARSE, FINE)] for r in READINGS}
    text = (
        f"Theorem 5.1: of 3 readings of a grid, those nearer to the bound with {FINE} nodes a buyer than with {COARSE}"
    )
    yield _claim(text, None, float(sum(fine < coarse for coarse, fine in off.values())), 3.0, "errors of order 1/m")
    # A grid that is the type space is another economy: its bound is as far from the continuum's as rents are coarse.
    yield _claim(
        f"Theorem 5.1: profit is the bound of the continuum (cells read at their middle, {FINE} nodes a buyer)",
        bound.value,
        VirtualPivot(economies[FINE], "cells").profit,
        tolerance=3 / FINE**2 + bound.error,
        effect=grid_bound(economies[FINE]) - bound.value,
    )
    for nodes, environment in economies.items():
        text = f"Theorem 5.1, the grid as the type space ({nodes} nodes): profit is the grid's bound"
        yield _claim(text, grid_bound(environment), VirtualPivot(environment, "grid").profit)
    environment = _separable("sponsored-search")
    shards = [_play(environment, "virtual-pivot", shard=k).discounted_transfer.sum(axis=0) for k in range(SHARDS)]
    revenue = float(FiniteGame(environment, VirtualPivot(environment)).truthful.transfer.sum())
    yield _claim(
        f"§4.1 sponsored search: revenue, two advertisers (simulated: {SHARDS * EPISODES:,} episodes)",
        None,
        revenue,
        VirtualPivot(environment).profit,
        "the profit by first reports, without play",
        **sampled(np.concatenate(shards)),
    )


def _bandits() -> Iterator[Claim]:
    """§6.2.2."""
    places, means, kernel = beta_states(1, 1, 6)
    index = gittins_index(means, kernel, 0.9)
    printed = np.array([printed_index(1 + s, 1 + f, 6 - s - f, 0.9) for s, f in places.tolist()])
    yield _claim(
        "(26): the index at Beta(1, 1), six observations, δ = 0.9",
        float(printed[0]),
        float(index[0]),
        float(restart_index(means, kernel, 0.9)[0]),
        "the restart problem",
        "the quotient is of expectations, not the expectation of the quotient",
    )
    mechanism = VirtualIndex(_separable("sponsored-search:depth=6,margins=0.95+0.85"))
    zero = np.zeros(1, np.intp)
    counted = mechanism.counted(zero, zero)
    best = plans(mechanism.economy, counted).value[0]
    worth = []
    for indices in (index, printed):
        mechanism.indices = [indices, indices]
        policy = mechanism.allocation(counted)
        worth.append(follow(mechanism.economy, policy, [flow(mechanism.economy, 0, counted)])[0])
    off = float(np.abs(best - worth[0]).max())
    yield _claim("Corollary 6.3: what index play loses to the joint optimum", 0.0, off, tolerance=1e-10)
    lost = float((best - worth[1]).max())
    solved = float(
        (_solved(mechanism, plans(mechanism.economy, counted).policy[0][0]) - _solved(mechanism, policy[0][0])).max()
    )
    yield _claim(
        "(26) as an index: the most that it loses", 0.0, lost, solved, "one linear solve", "as above: it is no index"
    )


def _solved(mechanism: VirtualIndex, policy: IntArray) -> FloatArray:
    """What a policy is worth by state profile, by one linear solve."""
    economy, places = mechanism.economy, np.arange(len(policy))
    zero = np.zeros(1, np.intp)
    reward = flow(economy, 0, mechanism.counted(zero, zero))[0][policy, places]
    law = economy.law(0).rows()[policy, places]
    return np.asarray(np.linalg.solve(np.eye(len(policy)) - economy.discount * law, reward))


def _uncontrolled() -> Iterator[Claim]:
    """§6.2.1."""
    environment = _separable("single-buyer:buyers=2,nodes=5")
    profits = [made.profit for made in (VirtualMyopic(environment), VirtualPivot(environment))]
    yield _claim("§6.2.1: myopic allocation earns what planning ahead does", profits[1], profits[0])


def _limits() -> Iterator[Claim]:
    """§7."""
    yield from _correlated()
    yield from _lies()
    made = _buyer("non-separable:grid=midpoints")
    yield _claim(
        "§7, c_× = 10 on 11 midpoints: relaxed revenue",
        None,
        relaxed_revenue(made).revenue,
        sum(_posted(made.value[:, k]) for k in range(2)) / 2,
        "the best posted price for + and for ×",
        tolerance=1e-8,
    )
    yield _claim(
        "§7, the same: best dynamic revenue",
        None,
        dynamic_revenue(made).revenue,
        _posted(made.value.mean(axis=1)),
        "the best price at once for the item whatever its value, 7/2 to six of eleven",
        tolerance=1e-8,
    )
    reached = []
    for times in THRESHOLDS:
        made = _buyer(f"non-separable:times={times},grid=midpoints")
        if relaxed_revenue(made).revenue - dynamic_revenue(made).revenue <= 1e-7:
            reached.append(times)
    yield _claim(
        f"§7: the largest c_× of {', '.join(f'{x:g}' for x in THRESHOLDS)} for which the relaxed optimum can be had",
        None,
        max(reached),
        3.0,
        "2 c_+, from which the lie 0, then always + gains; the printed lie, enough for large c_×, gains from 4",
    )


THRESHOLDS = (2.9, 3.0, 3.1, 4.0)
"""Values of c_×."""


def _lies() -> Iterator[Claim]:
    """Two lies of a first signal of ½ under the relaxed optimum."""
    for times in (5.0, 10.0, 20.0):
        made = _economy(f"non-separable:times={times},nodes=3")
        truth = _play(made, "relaxed-prices")
        half = truth.signal[0, 0] == 1
        for later, formula, name in (("swap", times / 2 - 2, "printed"), ("0", times / 2 - 1.5, "sharper")):
            lie = _play(made, "relaxed-prices", InitialMisreport(0, later))
            gain = (lie.payoffs[0] - truth.payoffs[0])[half]
            plus = truth.signal[1, 0][half] % 2 == 0
            exact = float(gain[plus].mean() + gain[~plus].mean()) / 2
            text = f"§7, c_× = {times:g}: the {name} lie at ½ gains"
            if later == "swap":
                yield _claim(text, formula / 2, exact, **sampled(gain))
            else:
                way = "½ (½ c_× − c_+), from report 0 and then always +"
                yield _claim(text, None, exact, formula / 2, way, **sampled(gain))


def _correlated() -> Iterator[Claim]:
    """A first signal that tells about the value."""
    options = ("", ":high=3", ":high=1.2", ":accuracy=0.55", ":accuracy=0.95")
    made = [_buyer(f"correlated-first-signal{text}") for text in options]
    expected = [float(one.masses @ (one.laws * one.value).sum(axis=1)) for one in made]
    off = max(abs(relaxed_revenue(one).revenue - mean) for one, mean in zip(made, expected, strict=True))
    yield _claim("§7, correlated: relaxed revenue is off E[s_1] by, on 5 economies", 0.0, off, tolerance=1e-8)
    best = [dynamic_revenue(one).revenue for one in made]
    below = float(sum(revenue < mean - 1e-6 for revenue, mean in zip(best, expected, strict=True)))
    yield _claim("§7, correlated: economies, of 5, whose best dynamic revenue is below E[s_1]", 5.0, below)
    off = max(abs(dynamic_revenue(_sold(one)).revenue - _least(one)) for one in made)
    yield _claim(
        "§7, correlated: what selling for sure earns at most is off inf E[s_1 | s_0] by, on 5 economies",
        0.0,
        off,
        tolerance=1e-8,
    )
    off = max(abs(revenue - _better_menu(one)) for revenue, one in zip(best, made, strict=True))
    yield _claim(
        "§7, correlated: the best dynamic revenue is off the better of two menus by, on 5 economies",
        None,
        off,
        0.0,
        "menus by hand: for sure at inf E[s_1 | s_0]; or the bad type at the high value only, the good one at all it "
        "expects",
        tolerance=1e-8,
    )
    beyond = float(sum(revenue > _least(one) + 1e-6 for revenue, one in zip(best, made, strict=True)))
    yield _claim(
        "§7, correlated: economies, of 5, whose best dynamic revenue is more than inf E[s_1 | s_0]",
        None,
        beyond,
        float(sum(_better_menu(one) > _least(one) + 1e-6 for one in made)),
        "the menus: it is not the bound where leaving somebody out is better",
    )


def _buyer(text: str) -> TwoPeriodBuyer:
    made = load(text)
    assert isinstance(made, TwoPeriodBuyer)
    return made


def _least(made: TwoPeriodBuyer) -> float:
    """inf E[s_1 | s_0]."""
    return float((made.laws * made.value).sum(axis=1).min())


def _sold(made: TwoPeriodBuyer) -> TableEnvironment:
    """The same with nothing to decide: the item is sold for sure."""
    opening, sale = made.stages
    return TableEnvironment("sold", made.agents, made.prior, (opening, _only(sale)), 1.0, 2)


def _only(sale: Stage) -> Stage:
    """The stage with its last decision alone."""
    return replace(sale, decisions=sale.decisions[-1:], utility=sale.utility[:, -1:])


def _better_menu(made: TwoPeriodBuyer) -> float:
    """Two types, two values: what the better of two menus earns."""
    means = (made.laws * made.value).sum(axis=1)
    left_out = float(made.masses[1] * means[1] + made.masses[0] * made.laws[0, 1] * made.value[0, 1])
    return max(_least(made), left_out)


def _posted(values: FloatArray) -> float:
    """The most that a posted price earns of values that are equally likely."""
    ordered = np.sort(values)
    return float((ordered * np.arange(len(ordered), 0, -1)).max()) / len(ordered)
