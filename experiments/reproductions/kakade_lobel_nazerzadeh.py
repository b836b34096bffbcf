"""Kakade, Lobel and Nazerzadeh (2011), "Optimal Dynamic Mechanism Design and the Virtual Pivot Mechanism".

The paper prints formulas and few numbers; what is a number here is worked out of its formulas, printed and corrected.
"""

from collections.abc import Callable, Iterator

import numpy as np

from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.initial_misreport import InitialMisreport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.runs.moments import Moments
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
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.economy.separable_builders import beta_states
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

READINGS: tuple[tuple[str, Callable[[int], float], str], ...] = (
    ("continuum", lambda m: 2 / m, "2/m"),
    ("cells", lambda m: 3 / m**2, "3/m²"),
    ("grid-binding", lambda m: 2.5 / m, "2.5/m"),
)
"""Readings of a grid of m nodes, and how far their profit may be from the continuum's bound."""


def claims() -> Iterator[Claim]:
    """All of them."""
    yield from _single_buyer()
    yield from _incentives()
    yield from _revenue()
    yield from _bandits()
    yield from _uncontrolled()
    yield from _limits()


def _claim(claim: str, printed: float | None, exact: float, **rest: float | str | None) -> Claim:
    return Claim(PAPER, claim, printed, float(exact), **rest)  # type: ignore[arg-type] # names are checked by Claim


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


def _mean(samples: FloatArray) -> dict[str, float | str | None]:
    """Mean and standard error, as `Claim` takes them."""
    moments = Moments.of(samples)
    return {"simulated": float(moments.mean), "error": float(moments.error)}


def _single_buyer() -> Iterator[Claim]:
    """§6.1."""
    environment = _separable("single-buyer:nodes=21")
    economy, contract = environment.economy, OptimalContract(environment)
    value, often = frequencies(economy)
    formula = float((often * (value > COST) * (value - COST) ** 2 / (4 * value)).sum())
    bound = continuum_bound(economy).value
    profit = menu_profit(economy)
    yield _claim("§6.1: fees and sales of the menu, uniform first signal, earn Σ μ_B (B − γ)²/(4B)", formula, profit)
    yield _claim("§6.1: the menu's profit is the relaxed bound", bound, profit)
    cutoff = (1 + COST / value.max()) / 2
    buys = environment.grids[0].points[contract.direct.slopes[:, 0] > 0]
    yield _claim(
        "§6.1: the least first signal that is sold to, (1 + γ/B_max)/2, on 21 nodes",
        cutoff,
        buys.min(),
        tolerance=1 / 21,
    )
    prices = contract.prices(0)[1:, 1]
    off = float(np.abs(contract.fees[1:] - menu_fee(economy, prices)).max())
    yield _claim("§6.1: every fee is M(p) = Σ μ_B ((B + γ)/2 − p)^+; the largest difference", 0.0, off)
    yield _claim("§6.1: all prices of the menu exceed γ (share that do)", 1.0, float((prices > COST).mean()))
    lost = [profit - tariff.profit for tariff in (best_price(economy), best_two_part(economy))]
    yield _claim(
        "§6.1: the best single price and the best two-part tariff earn less (how many)", 2.0, sum(x > 0 for x in lost)
    )
    found = FiniteGame(environment, contract).truthful
    record = _play(environment, "optimal-contract")
    revenue = float(found.transfer.sum())
    yield _claim(
        "§6.1: payments in the menu on 21 nodes",
        None,
        revenue,
        expected=contract.direct.profit + float(found.utility.sum()) - found.welfare,
        **_mean(record.discounted_transfer[0]),
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
        expected=max(plain),
        slip="the continuation of W_{−i} must follow a*, as in the proof; then the gain is "
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
    for nodes in (5, 11, 21):
        environment = _separable(f"single-buyer:buyers=2,nodes={nodes}")
        for reading, off, rate in READINGS:
            yield _claim(
                f"Theorem 5.1: profit tends to the bound ({reading}, {nodes} nodes a buyer; off by at most {rate})",
                bound.value,
                VirtualPivot(environment, reading).profit,
                tolerance=off(nodes) + bound.error,
            )
        yield _claim(
            f"the same, grid as the type space ({nodes} nodes): profit is the grid's bound",
            grid_bound(environment),
            VirtualPivot(environment, "grid").profit,
        )
    environment = _separable("sponsored-search")
    shards = [_play(environment, "virtual-pivot", shard=k).discounted_transfer.sum(axis=0) for k in range(SHARDS)]
    revenue = float(FiniteGame(environment, VirtualPivot(environment)).truthful.transfer.sum())
    yield _claim(
        f"§4.1 sponsored search: revenue, two advertisers (simulated: {SHARDS * EPISODES:,} episodes)",
        VirtualPivot(environment).profit,
        revenue,
        **_mean(np.concatenate(shards)),
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
        expected=float(restart_index(means, kernel, 0.9)[0]),
        slip="the quotient is of expectations, not the expectation of the quotient",
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
        "(26) as an index: the most that it loses", 0.0, lost, expected=solved, slip="as above: it is no index"
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
    made = _economy("correlated-first-signal")
    relaxed, dynamic = relaxed_revenue(made).revenue, dynamic_revenue(made).revenue
    yield _claim("§7, correlated: the relaxed bound is E[s_1]", 1.5, relaxed, tolerance=1e-8)
    yield _claim("§7, correlated: the best dynamic revenue, inf E[s_1 | s_0]", 1.2, dynamic, tolerance=1e-8)
    for times in (5.0, 10.0, 20.0):
        made = _economy(f"non-separable:times={times},nodes=3")
        truth = _play(made, "relaxed-prices")
        half = truth.signal[0, 0] == 1
        for later, formula, name in (("swap", times / 2 - 2, "printed"), ("0", times / 2 - 1.5, "sharper")):
            lie = _play(made, "relaxed-prices", InitialMisreport(0, later))
            gain = (lie.payoffs[0] - truth.payoffs[0])[half]
            plus = truth.signal[1, 0][half] % 2 == 0
            exact = float(gain[plus].mean() + gain[~plus].mean()) / 2
            said, right = (formula / 2, None) if later == "swap" else (None, formula / 2)
            yield _claim(f"§7, c_× = {times:g}: the {name} lie at ½", said, exact, expected=right, **_mean(gain))
    made = _economy("non-separable:grid=midpoints")
    yield _claim(
        "§7, c_× = 10 on 11 midpoints: relaxed revenue", 47 / 22, relaxed_revenue(made).revenue, tolerance=1e-8
    )
    yield _claim("§7, the same: best dynamic revenue", 21 / 11, dynamic_revenue(made).revenue, tolerance=1e-8)
    gaps = []
    for times in (2.9, 3.0, 3.1):
        made = _economy(f"non-separable:times={times},grid=midpoints")
        gaps.append(relaxed_revenue(made).revenue - dynamic_revenue(made).revenue > 1e-7)
    first = (2.9, 3.0, 3.1)[gaps.index(True)]
    yield _claim(
        "§7: c_× from which the relaxed optimum fails (among 2.9, 3, 3.1)",
        4.0,
        first,
        expected=3.1,
        slip="the exchange of + and × needs c_× > 4; report 0 and then always + gains from 2 c_+ = 3 on",
    )
