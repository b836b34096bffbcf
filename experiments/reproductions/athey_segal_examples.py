"""Athey and Segal 2007, §2: the trading game, the transfers of Example 1, and the variations of Examples 2 to 6."""

from collections.abc import Iterator

import numpy as np

from dynmech.agents.oracle.restricted import obedient, truthful
from dynmech.agents.oracle.search import Family, Information
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.disobedience import Disobedience
from dynmech.agents.strategies.eager_seller import EagerSeller
from dynmech.agents.strategies.informed_buyer import InformedBuyer
from dynmech.agents.strategies.trade_formulas import best_buyer_report, best_seller_report, buyer_worth, seller_worth
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.experiments.reproductions.athey_segal_enumeration import (
    buyer_gain,
    clipped_buyer_gain,
    clipped_first_order_gain,
    clipped_seller_gain,
    first_best,
)
from dynmech.experiments.reproductions.athey_segal_figures import (
    BUYER,
    POINTS,
    SELLER,
    claim,
    gain,
    midpoints,
    played,
    problem,
    table,
)
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.scenarios.trading_game import NUMBERS, variation
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame

BY_HAND = "integration, or sums, by hand"

TRIED = "many reports tried on many midpoints"


def example_1() -> Iterator[Claim]:
    """Contingent deviations from expected and from actual externalities."""
    yield from _informed_buyer()
    yield from _eager_seller()
    yield from _on_midpoints()
    yield from _quantities()
    yield _concave()


def _informed_buyer() -> Iterator[Claim]:
    """What a buyer who knows θ_1 gains under expected externalities, for three ranges of reports and quantities."""
    one, two = midpoints()
    for reach, clipped, expected, how in (
        (2.0, False, 1 / 9, "any report"),
        (1.0, False, np.log(2) / 6 - 1 / 36, "reports in [0, 2]"),
        (1.0, True, clipped_buyer_gain(), "quantities in [0, 1]"),
    ):
        best = best_buyer_report(one, two, 2 * reach, clipped=clipped)
        exact = (buyer_worth(one, two, best, clipped=clipped) - buyer_worth(one, two, two, clipped=clipped)).mean()
        rules = f"continuous-trade:transfers=expected-externality,reach={reach}"
        yield claim(
            f"§2 AGV: the buyer, knowing θ_1, misreports θ_2; {how}",
            None,
            float(exact),
            expected,
            TRIED if clipped else BY_HAND,
            tolerance=1e-4 if clipped else 2e-6,
            effect=expected,
            **played(f"trading-game-continuous:clipped={clipped}", rules, BUYER, InformedBuyer(clipped)),
        )


def _eager_seller() -> Iterator[Claim]:
    """What the seller gains under actual externalities, for three ranges of reports and quantities."""
    one = (np.arange(POINTS * 4) + 0.5) / (POINTS * 4)
    for reach, clipped, expected, how in (
        (2.0, False, 7 / 48, "any report"),
        (1.0, False, 7 / 3 * (1 / 4 - np.log(1.5) / 2), "reports in [0, 1]"),
        (1.0, True, clipped_seller_gain(), "quantities in [0, 1]"),
    ):
        best = best_seller_report(one, reach, clipped=clipped)
        exact = (seller_worth(one, best, clipped=clipped) - seller_worth(one, one, clipped=clipped)).mean()
        rules = f"continuous-trade:transfers=actual-externality,reach={reach}"
        yield claim(
            f"§2 actual externality: the seller misreports θ_1; {how}",
            None,
            float(exact),
            expected,
            TRIED if clipped else BY_HAND,
            tolerance=1e-4 if clipped else 2e-6,
            effect=expected,
            **played(f"trading-game-continuous:clipped={clipped}", rules, SELLER, EagerSeller(clipped)),
        )


def _quantities() -> Iterator[Claim]:
    """In which direction the seller lies, and the range of quantities."""
    best = best_seller_report(np.array([0.5]), 2.0, clipped=False)
    text = "§2 the seller 'over-reports his cost θ_1': its unit cost x/θ_1 at the best report, relative to the true one"
    yield claim(text, None, float(0.5 / best[0]), 2 / 3, "the slope of the seller's payoff, 0 at r = 3 θ_1/2")
    slip = "θ_1 θ_2 reaches 2; the quantity must be clipped, which changes all gains, or admitted up to 2"
    exact = float(np.multiply.outer(np.linspace(0, 1, 3), np.linspace(0, 2, 3)).max())
    way = "the ends of the two intervals"
    yield claim("§2 x_t ∈ [0, 1]: the largest efficient quantity θ_1 θ_2", 1.0, exact, 2.0, way, slip)


def _on_midpoints() -> Iterator[Claim]:
    """The same by exact search on five midpoints per type, and the witness in play."""
    for mechanism, agent, printed, derived, way in (
        (
            "once:base=expected-externality",
            BUYER,
            None,
            buyer_gain(5),
            "the best of five reports to each pair of types",
        ),
        # At θ_1 = .3, .5 and .7 the next report is best: S (−r²/(2 θ_1) + 1.5 r − θ_1), S = 2.32.
        ("once:base=actual-externality", SELLER, None, 2.32 / 5 * (1 / 30 + 3 / 50 + 1 / 14), BY_HAND),
        ("once:base=balanced-team", BUYER, 0.0, None, ""),
        ("once:base=balanced-team", SELLER, 0.0, None, ""),
    ):
        of = problem("trading-game", mechanism, agent)
        name = of.environment.agents[agent]
        yield claim(
            f"§2 five midpoints per type, {mechanism.partition('=')[2]}: all that the {name} can gain",
            printed,
            gain(of),
            derived,
            way,
            **played("trading-game", mechanism, agent, Witness(of, Family.BEST_RESPONSE)),
        )


def _concave() -> Claim:
    """Clipped, the price of a report above 1 is concave: its best report is a corner, not where the slope vanishes."""
    one, two = midpoints()
    naive = buyer_worth(one, two, np.minimum(2 * one * two, 2), clipped=True)
    return claim(
        "§2 quantities in [0, 1]: the unclipped best report 2 θ_1 θ_2 gains only",
        None,
        float((naive - buyer_worth(one, two, two, clipped=True)).mean()),
        clipped_first_order_gain(),
        "Gauss–Legendre quadrature",
        tolerance=1e-5,
        effect=0.0851331 - 0.0091511,  # what the corner gains beyond it
    )


def balanced_example_1() -> Iterator[Claim]:
    """The balanced transfers of the trading game."""
    env = table("trading-game")
    rules = make_mechanism("once:base=balanced-team", env)
    pages = FiniteGame(env, rules).truthful.periods
    one, two = (2 * np.arange(5) + 1) / 10, (2 * np.arange(5) + 1) / 5
    paid = np.array(
        [pages[1].transfer[BUYER][int(m)].reshape(5, 5)[k] for k, m in enumerate(pages[0].following[0, :, 0])]
    )
    printed = one[:, None] / 2 * (two**2 - (two**2).mean())
    yield claim("§2 γ_2 = −½ θ_1 (θ_2² − E θ_2²): largest difference", 0.0, float(np.abs(paid - printed).max()))
    yield claim("§2 E[γ_2 | θ_1] = 0: largest", 0.0, float(np.abs(paid.mean(axis=1)).max()))
    yield claim(
        "§2 the budget balances: largest |Σ p|",
        0.0,
        max(float(np.abs(p.transfer.sum(axis=0)).max()) for p in pages),
    )
    square = 1 + float((two**2).mean())
    yield claim(
        f"§2 E γ_1 by (5.2), on five midpoints; the example's γ_1 = θ_1 (1 + E θ_2²) has {square / 2:g} more",
        None,
        float(-pages[0].transfer[SELLER][0].mean()),
        0.0,
        "what (5.2) is: the change of an expectation",
    )
    yield from _knowing_more()


def _knowing_more() -> Iterator[Claim]:
    """Gains of agents that know of others' types: within a period none, ahead of time one."""
    worst = max(
        gain(problem("trading-game", "once:base=balanced-team", i), Information.EX_POST, worst=True) for i in (0, 1)
    )
    text = "§2 one newly informed agent per period: within-period ex post gain"
    yield claim(text, None, worst, 0.0, "Proposition 2: nobody else learns anything in the period")
    reports = np.linspace(0, 2, 200_001)
    # Foreseeing θ_2 = 0: −r²/(2 θ_1) + r S − r E[θ_2²]/2 at θ_1 = ½.
    best = reports[int(np.argmax(-(reports**2) + reports * 7 / 3 - reports * 2 / 3))]
    yield claim(
        "§2 a seller who foresees θ_2 = 0 reports r/θ_1 (no 'true' ex post)",
        None,
        float(best / 0.5),
        5 / 3,
        "the slope of its payoff, 0 at r = θ_1 (S − E θ_2²/2)",
        tolerance=2e-5,
        effect=2 / 3,  # beyond the truth
    )


def variations() -> Iterator[Claim]:
    """First-best values, and that nothing gains under the balanced team, misreports and disobedience together."""
    for number, variant in enumerate(NUMBERS, start=2):
        text = f"trading-game:variant={variant}"
        env = table(text)
        planned = float((plan(env).value[0] * env.prior).sum())
        way = "every quantity and action tried"
        yield claim(f"Example {number}: first best (numbers ours)", None, planned, first_best(variation(variant)), way)
        for mechanism in ("team", "balanced-team"):
            most = max(gain(problem(text, mechanism, i), worst=True) for i in (SELLER, BUYER))
            yield claim(f"Example {number}, {mechanism}: the largest gain of anybody", 0.0, most)


def hidden_actions() -> Iterator[Claim]:
    """Example 5: what ignoring the investment costs."""
    text = "trading-game:variant=hidden-investment"
    whole = problem(text, "minimum-rent", BUYER)
    yield claim(
        "Example 5, least rents: misreports alone",
        None,
        gain(obedient(whole)),
        0.0,
        "the definition: the rents are the least that deter them",
    )
    yield claim(
        "Example 5, least rents: disobedience alone",
        None,
        gain(truthful(whole)),
        (0.5 - 0.9 * (0.8 - 0.3) * 1.0) / 2,
        "the cost saved where θ_1 = 1, less the rent x_1 = 1 that is less likely",
        **played(text, "minimum-rent", BUYER, Disobedience("low")),
    )
    whole = problem(text, "pay-your-report", BUYER)
    yield claim(
        "Example 5, pay your report: disobedience alone",
        None,
        gain(truthful(whole)),
        0.5 / 2,
        "the cost of ½ saved where θ_1 = 1",
        **played(text, "pay-your-report", BUYER, Disobedience("low")),
    )
    yield claim(
        "Example 5, pay your report: misreports and disobedience",
        None,
        gain(whole),
        0.5 / 2 + 0.5 * 0.9 * 0.3 * (0.5 + 1.0),
        "that, and x_1 = ½ or 1 had for 1 instead of 2 where the value is high after all",
        **played(text, "pay-your-report", BUYER, Witness(whole, Family.BEST_RESPONSE)),
    )
    for agent in (SELLER, BUYER):
        of = problem(text, "team:reports=payoffs", agent)
        yield claim(f"§4 team by realised payoffs, agent {agent + 1}: the largest gain", 0.0, gain(of, worst=True))
