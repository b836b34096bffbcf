"""Liu 2014, §3.4, §5 and Appendix B; Liu 2025, the auction and Corollary 3.3."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from dynmech.agents.oracle.search import Family
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import largest_gain, mean, play
from dynmech.experiments.reproductions.liu_misprints import (
    FirstPrice,
    HighestRival,
    NoSecondInstalment,
    OffByEpsilon,
    OwnBid,
)
from dynmech.experiments.reproductions.liu_standard_auctions import standard_auctions
from dynmech.experiments.scenarios.lowest_bid_auction import LowestBidAuction
from dynmech.experiments.scenarios.public_good import PublicGood
from dynmech.mechanisms.auctions.generalized_vcg import GeneralizedVCG
from dynmech.mechanisms.auctions.lowest_bid import LowestBid
from dynmech.mechanisms.conditions.correlation import convex_independence, spanning
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.numerics.brackets import one_sided
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.builders import from_arrays, single_object
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation

claim = partial(Claim, "liu")

CLOSE = 1e-7
"""Up to which gains and levels count as what they should be."""


# One-dimensional signals


def one_dimension() -> Iterator[Claim]:
    """Theorem 3.8 and Remark 3.9."""
    scenario = PublicGood(persistence=0.68, habit=0)
    environment = scenario.build()
    printed, clipped = GeneralizedVCG(environment, "printed"), GeneralizedVCG(environment)
    step = scenario.interdependence / (scenario.nodes - 1)
    # The theorem is about an interval of signals. On a grid (4) undercharges by what one more node is worth to others.
    text = "2014 eq. (4) read on five nodes (Theorem 3.8 is for an interval)"
    exact = largest_gain(environment, printed, Family.ONE_SHOT)
    way = "what one more node is worth to the others"
    yield claim(f"{text}: one lie gains", None, exact, step, way, tolerance=CLOSE)
    exact = largest_gain(environment, printed)
    way = "the best lie of every period, summed by a linear solve"
    yield claim(f"{text}: the best deviation gains", None, exact, _repeated(environment, printed), way, tolerance=CLOSE)
    for where, economy, mechanism in (
        ("increments kept between own differences", environment, clipped),
        ("the same, decisions moving signals", PublicGood().build(), None),
    ):
        gain = largest_gain(economy, mechanism or GeneralizedVCG(economy))
        yield claim(f"2014 Theorem 3.8, {where}: the best deviation gains", 0.0, gain, tolerance=CLOSE)
    yield from _pivot()


def _repeated(environment: TableEnvironment, mechanism: GeneralizedVCG) -> float:
    """What the best lie of every period is worth in sum, where decisions and lies move no signal."""
    stage = environment.stage(0)
    chain = environment.kernel(0).rows()[0]
    policy, signals = mechanism.plan.policy[0].reshape(-1), np.indices(stage.axes).reshape(len(stage.axes), -1)
    worst = 0.0
    for i in range(len(environment.agents)):
        worth = np.empty((stage.axes[i], stage.size))
        for report in range(stage.axes[i]):
            said = signals.copy()
            said[i] = report
            place = np.ravel_multi_index(said, stage.axes)
            utility = stage.utility[i].reshape(len(stage.decisions), -1)[policy[place], np.arange(stage.size)]
            worth[report] = utility - mechanism.tables[0][i][place]
        flow = worth.max(axis=0) - worth[signals[i], np.arange(stage.size)]
        worst = max(worst, float(np.linalg.solve(np.eye(stage.size) - environment.discount * chain, flow).max()))
    return worst


def _auction_of_two(absorbing: bool) -> TableEnvironment:
    """Winning moves values; the value 0 stays 0, or not."""
    stay = np.array([[1.0, 0, 0], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]])
    tired = np.array([[1.0, 0, 0], [0.6, 0.3, 0.1], [0.5, 0.3, 0.2]])
    if not absorbing:
        stay[0], tired[0] = [0.3, 0.3, 0.4], [0.9, 0.1, 0]
    kernels = [np.stack([tired if d == i else stay for d in range(2)]) for i in range(2)]
    return single_object([[0, 1, 2]] * 2, kernels, np.full((3, 3), 1 / 9), 0.9, reserve=False)


def _pivot() -> Iterator[Claim]:
    slip = "the lowest signal's decision must be best for the others; the value 0 must stay 0"
    same = [
        bool(np.abs(GeneralizedVCG(environment).tables[0] - Pivot(environment).tables[0]).max() < CLOSE)
        for environment in (_auction_of_two(True), _auction_of_two(False))
    ]
    text = "2014 Remark 3.9: private-value auctions of 2 on which eq. (4) is the dynamic pivot"
    way = "the condition: the value 0 stays 0 in one of the two"
    yield claim(text, 2.0, float(sum(same)), 1.0, way, slip)


# The auction


def auction() -> Iterator[Claim]:
    """The second instalment, its misreadings, and the condition behind it."""
    environment = LowestBidAuction().build()
    mechanism = LowestBid(environment)
    yield claim(
        "2025, the auction: the best deviation gains", 0.0, largest_gain(environment, mechanism), tolerance=CLOSE
    )
    off, extra = _winning(environment, mechanism)
    yield claim("2025, the auction: winning is off (γ − 1)(θ^m − θ^i), whatever the winner bids, by", 0.0, off)
    yield claim("2025, the auction: both instalments together are off v^m in expectation by", 0.0, extra)
    truthful, record = FiniteGame(environment, mechanism).truthful, play(environment, mechanism, episodes=4000)
    values = np.sort(mechanism.linear.values(), axis=0)[-2]  # the second highest value is the next in line's
    paid = float((np.linalg.solve(_still(environment), values.reshape(-1)) * environment.prior.reshape(-1)).sum())
    simulated, error = mean(record.discounted(record.transfer).sum(axis=0))
    text = "2025, the auction: revenue (v^m the value of the next in line)"
    exact = float(truthful.transfer.sum())
    way = "E Σ δ^t v^m by a linear solve"
    yield claim(text, None, exact, paid, way, simulated=simulated, error=error, tolerance=CLOSE)
    gamma, weight = mechanism.linear.gamma, len(environment.agents) * mechanism.linear.gamma
    # The slides say "the second lowest bid" and define b_t^j as the least of the rivals' bids; other readings lose.
    # Signals are 0, ½, 1. All 0 but one's own ½ or 1; rivals (0, 1); all 1; own 1, rivals (0, 1), ties to the first.
    for wrong, what, expected in (
        (OwnBid, "b_t^j misread as the winner's own bid", weight),
        (HighestRival, "b_t^j misread as the highest rival bid", weight - (gamma - 1) / 2),
        (FirstPrice, "the price misread as the winner's own bid", mechanism.linear.scale),
        (NoSecondInstalment, "no second instalment", 1 + gamma),
    ):
        exact = largest_gain(environment, wrong(environment), Family.ONE_SHOT)
        text = f"2025, the auction with {what}: one lie gains"
        yield claim(text, None, exact, expected, "the worst profile by hand", tolerance=CLOSE)
    yield from standard_auctions()
    yield from _weaker()


def _still(environment: TableEnvironment) -> FloatArray:
    """I − δ P, for a law that no decision moves, `(S, S)`."""
    return np.eye(environment.stage(0).size) - environment.discount * environment.kernel(0).rows()[0]


def _winning(environment: TableEnvironment, mechanism: LowestBid) -> tuple[float, float]:
    """By how much the winner's payoff and its payments are off, at any profile and winning bid."""
    stage, linear = environment.stage(0), mechanism.linear
    values, law = linear.values(), environment.kernel(0).rows()[0]
    following = np.indices(stage.axes).reshape(len(stage.axes), -1).T
    told = np.stack([mechanism.prescribed_bids[j][following[:, j]] for j in range(len(stage.axes))], axis=1)
    nobody = Acts(np.zeros((1, len(stage.axes)), np.intp), np.zeros((1, len(stage.axes))))
    off = extra = 0.0
    for number, profile in enumerate(np.ndindex(*stage.axes)):
        theta = np.array([linear.signals[j][k] for j, k in enumerate(profile)])
        for i in range(len(profile)):
            m = min((j for j in range(len(profile)) if j != i), key=lambda j: theta[j])
            for bid in range(len(mechanism.grid)):
                bids = np.array([[mechanism.prescribed_bids[j][k] if j != i else bid for j, k in enumerate(profile)]])
                if mechanism.winner(bids)[0] != i:
                    continue
                now = Situation(1, np.zeros(1, np.intp), np.zeros(1, np.intp))
                memory = mechanism.remember(now, bids, mechanism.decide(now, bids), nobody)
                later = Situation(2, np.repeat(memory, len(told)), np.zeros(len(told), np.intp))
                paid = mechanism.charge(now, bids, mechanism.decide(now, bids), nobody)[0, i]
                paid += environment.discount * law[number] @ mechanism.due(later, told)[:, i]
                extra = max(extra, abs(float(paid - values[(m, *profile)])))
                earned = values[(i, *profile)] - paid
                off = max(off, abs(float(earned - (linear.gamma - 1) * (theta[m] - theta[i]))))
    return off, extra


def _weaker() -> Iterator[Claim]:
    """An economy with an unbiased estimate, and beliefs on a line."""
    average = np.add.outer(np.arange(3), np.arange(3)) / 4
    law = np.zeros((3, 3, 3, 3))
    for profile in np.ndindex(3, 3):
        up = 0.2 + 0.6 * average[profile]
        law[profile][np.ix_([0, 2], [0, 2])] = np.outer([1 - up, up], [1 - up, up])
    theta = np.array(np.meshgrid(*[np.linspace(0, 1, 3)] * 2, indexing="ij"))
    utility = np.zeros((2, 2, 3, 3))
    for i in range(2):
        utility[i, i] = theta[i] + 2 * theta[1 - i]
    environment = from_arrays(
        utility, np.repeat(law[None], 2, axis=0), np.full((3, 3), 1 / 9), 0.9, name="beliefs on a line"
    )
    neither = not spanning(environment).holds and not convex_independence(environment).holds
    found = neither and largest_gain(environment, LowestBid(environment)) <= CLOSE
    slip = "condition (2) is not stronger than Assumption 3: it can hold where beliefs are mixtures"
    text = "2025, the auction: economies, of 1, that satisfy condition (2), but neither Assumption 2 nor 3"
    yield claim(text, 0.0, float(found), 1.0, "an economy made so", slip)


# Conditions, and ε


def conditions() -> Iterator[Claim]:
    """Corollary 3.3, Appendix B, §5."""
    environment = _four_against_three()
    slip = "it needs Assumption 3, or transfers that depend on the own report"
    exists = 1.0
    try:
        ContingentSpanning(environment, last="d0")
    except Refusal:
        exists = 0.0
    text = "2025 Corollary 3.3: economies, of 1, with convex independence only for which its transfers exist"
    yield claim(text, 1.0, exists, 0.0, "four beliefs about three signals, which depend on each other", slip)
    gain = largest_gain(environment, ContingentConvex(environment, last="d0"))
    text = "2025 Corollary 3.3: there, with transfers by the own report too, the best deviation gains"
    yield claim(text, 0.0, gain, tolerance=CLOSE)
    beliefs = np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]])
    bump = np.array([0.0, 1.0, 0.0])
    inside = sum(_implemented(beliefs, sign * bump) for sign in (1.0, -1.0))
    slip = "C(f) is a convex cone: the middle belief is a mixture, so only +v is in it"
    text = "2014 Appendix B, C(f) a linear subspace: of v and −v, in it are"
    yield claim(text, 2.0, float(inside), 1.0, "the mixture, by hand", slip)
    yield from _epsilon()


def _four_against_three() -> TableEnvironment:
    """Agent 1's four beliefs about three signals are corners of a quadrangle: no mixtures, but dependent."""
    corners = np.array([[0.7, 0.2, 0.1], [0.7, 0.1, 0.2], [0.1, 0.75, 0.15], [0.1, 0.15, 0.75]])
    law = np.empty((2, 4, 3, 4, 3))
    for d, k, o in np.ndindex(2, 4, 3):
        stays = 0.7 * np.eye(4)[o] + 0.3 * np.eye(4)[(k + d) % 4]
        law[d, k, o] = np.outer(stays, corners[k])
    rng = np.random.Generator(np.random.Philox(key=1))
    return from_arrays(rng.uniform(-1, 1, (2, 2, 4, 3)), law, np.full((4, 3), 1 / 12), 0.8, horizon=3, name="4 × 3")


def _implemented(beliefs: FloatArray, target: FloatArray) -> bool:
    """Whether lotteries by report hit the target and deter every lie."""
    paid = beliefs.T @ one_sided(beliefs, target, 1.0, 1e3)
    return bool(np.abs(np.diagonal(paid) - target).max() < CLOSE and (paid >= target[:, None] - CLOSE).all())


def _epsilon() -> Iterator[Claim]:
    """Everybody's utility is 0, and transfers miss that by ε."""
    law = np.repeat(np.eye(2).reshape(1, 2, 1, 2, 1), 2, axis=0)  # signals stay, so that the same lie always pays
    environment = from_arrays(np.zeros((2, 2, 2, 1)), law, np.full((2, 1), 0.5), 0.8, name="nothing at stake")
    mechanism = OffByEpsilon(environment)
    text = "2014 §5: transfers miss the target by ε everywhere"
    once = largest_gain(environment, mechanism, Family.ONE_SHOT) / mechanism.epsilon
    slip = "the bound is 2ε/(1 − δ), and 2ε already where nothing is at stake"
    way = "ε less too much before, ε too much after"
    yield claim(f"{text}: one lie gains, in ε", 1.0, once, 2.0, way, slip, tolerance=CLOSE)
    free = largest_gain(environment, mechanism) / mechanism.epsilon
    limit = 2 / (1 - environment.discount)
    yield claim(f"{text}: any deviation gains, in ε", None, free, limit, "2/(1 − δ)", tolerance=CLOSE)
