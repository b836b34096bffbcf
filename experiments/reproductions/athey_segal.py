"""Athey and Segal, "An Efficient Dynamic Mechanism" (draft of February 2007): its examples in numbers.

The paper prints formulas and statements, few numbers; `expected` is then the closed form that follows from them. Where
one of its statements is wrong as printed, the row says so and shows the corrected number.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TypedDict

import numpy as np

from dynmech.agents.oracle.gains import ex_ante_gain, worst_gain
from dynmech.agents.oracle.patience_thresholds import Level, least_patience, sufficient
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.restricted import obedient, truthful
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.disobedience import Disobedience
from dynmech.agents.strategies.eager_seller import EagerSeller
from dynmech.agents.strategies.informed_buyer import InformedBuyer
from dynmech.agents.strategies.trade_formulas import best_buyer_report, best_seller_report, buyer_worth, seller_worth
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.balanced.balanced_base import Balanced
from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.balanced.blackwell import long_run
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.values_of_truth import truthful_values
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard

PAPER = "athey-segal"
TITLE = "Athey and Segal, An Efficient Dynamic Mechanism (2007)"

SELLER, BUYER = 0, 1
EPISODES = 100_000
POINTS = 1200
"""Midpoints per axis of the quadrature; its error is below 1e-6."""


def claims() -> Iterator[Claim]:
    """Example 1, the mechanisms of §§4–5, the variations, hidden actions, §6."""
    yield from example_1()
    yield from balanced_example_1()
    yield from theorems()
    yield from variations()
    yield from hidden_actions()
    yield from limits_of_balancing()
    yield from enforcement()


# Tools


def table(text: str) -> TableEnvironment:
    """A scenario's finite economy."""
    env = load(text)
    assert isinstance(env, TableEnvironment)
    return env


def problem(text: str, mechanism: str, agent: int) -> Problem:
    """An agent's problem under a mechanism by name."""
    env = table(text)
    return build_problem(env, make_mechanism(mechanism, env), (agent,))


def gain(of: Problem, information: Information = Information.INTERIM, *, worst: bool = False) -> float:
    """The most that any deviation gains, ex ante or at the worst state."""
    best, truth = (solve(of, family, information) for family in (Family.CONTINGENT, Family.PRESCRIBED))
    return (worst_gain(of, best, truth) if worst else ex_ante_gain(best, truth)).gain


class Played(TypedDict):
    """A simulated figure: the mean over episodes, and its standard error."""

    simulated: float
    error: float


def played(environment: str, mechanism: str, agent: int, strategy: Strategy) -> Played:
    """The gain of a strategy on the event loop, paired."""
    env = load(environment)
    game = make_game(env, make_mechanism(mechanism, env))
    streams = Streams(2007, "reproduce", 0, EPISODES, game.periods + game.closing)
    profile: list[Strategy] = [Truthful() for _ in env.agents]
    honest = play_shard(game, profile, streams).payoffs[agent]
    profile[agent] = strategy
    moments = Moments.of(play_shard(game, profile, streams).payoffs[agent] - honest)
    return {"simulated": float(moments.mean), "error": float(moments.error)}


def midpoints() -> tuple[FloatArray, FloatArray]:
    """θ_1 and θ_2 on a fine grid, `(POINTS²,)` each."""
    k = (np.arange(POINTS) + 0.5) / POINTS
    one, two = np.meshgrid(k, 2 * k, indexing="ij")
    return one.reshape(-1), two.reshape(-1)


# §2, Example 1


def example_1() -> Iterator[Claim]:
    """Contingent deviations from expected and from actual externalities."""
    for reach, clipped, expected, how in (
        (2.0, False, 1 / 9, "any report"),
        (1.0, False, np.log(2) / 6 - 1 / 36, "reports in [0, 2]"),
        (1.0, True, 0.0851331, "quantities in [0, 1]"),
    ):
        one, two = midpoints()
        best = best_buyer_report(one, two, 2 * reach, clipped=clipped)
        exact = (buyer_worth(one, two, best, clipped=clipped) - buyer_worth(one, two, two, clipped=clipped)).mean()
        yield Claim(
            PAPER,
            f"§2 AGV: the buyer, knowing θ_1, misreports θ_2; {how}",
            None,
            float(exact),
            expected,
            tolerance=2e-6,
            **played(
                f"trading-game-continuous:clipped={clipped}",
                f"continuous-trade:transfers=expected-externality,reach={reach}",
                BUYER,
                InformedBuyer(clipped),
            ),
        )
    for reach, clipped, expected, how in (
        (2.0, False, 7 / 48, "any report"),
        (1.0, False, 7 / 3 * (1 / 4 - np.log(1.5) / 2), "reports in [0, 1]"),
        (1.0, True, 0.0513022, "quantities in [0, 1]"),
    ):
        one = (np.arange(POINTS * 4) + 0.5) / (POINTS * 4)
        best = best_seller_report(one, reach, clipped=clipped)
        exact = (seller_worth(one, best, clipped=clipped) - seller_worth(one, one, clipped=clipped)).mean()
        yield Claim(
            PAPER,
            f"§2 actual externality: the seller misreports θ_1; {how}",
            None,
            float(exact),
            expected,
            tolerance=2e-6,
            **played(
                f"trading-game-continuous:clipped={clipped}",
                f"continuous-trade:transfers=actual-externality,reach={reach}",
                SELLER,
                EagerSeller(clipped),
            ),
        )
    yield from _on_midpoints()
    best = best_seller_report(np.array([0.5]), 2.0, clipped=False)
    yield Claim(
        PAPER,
        "§2 the seller 'over-reports his cost θ_1': its unit cost x/θ_1 at the best report, relative to the true one",
        None,
        float(0.5 / best[0]),
        2 / 3,
    )
    yield Claim(
        PAPER,
        "§2 x_t ∈ [0, 1]: the largest efficient quantity θ_1 θ_2",
        1.0,
        2.0,
        2.0,
        "θ_1 θ_2 reaches 2; the quantity must be clipped, which changes all gains, or admitted up to 2",
    )
    yield _concave()


def _on_midpoints() -> Iterator[Claim]:
    """The same by exact search on five midpoints per type, and the witness in play."""
    for mechanism, agent, expected in (
        ("once:base=expected-externality", BUYER, 0.07232),
        # At θ_1 = .3, .5 and .7 the next report is best: S (−r²/(2 θ_1) + 1.5 r − θ_1), S = 2.32.
        ("once:base=actual-externality", SELLER, 2.32 / 5 * (1 / 30 + 3 / 50 + 1 / 14)),
        ("once:base=balanced-team", BUYER, 0.0),
        ("once:base=balanced-team", SELLER, 0.0),
    ):
        of = problem("trading-game", mechanism, agent)
        name = of.environment.agents[agent]
        yield Claim(
            PAPER,
            f"§2 five midpoints per type, {mechanism.partition('=')[2]}: all that the {name} can gain",
            None,
            gain(of),
            expected,
            **played("trading-game", mechanism, agent, Witness(of, Family.CONTINGENT)),
        )


def _concave() -> Claim:
    """Clipped, the price of a report above 1 is concave: its best report is a corner, not where the slope vanishes."""
    one, two = midpoints()
    naive = buyer_worth(one, two, np.minimum(2 * one * two, 2), clipped=True)
    return Claim(
        PAPER,
        "§2 quantities in [0, 1]: the unclipped best report 2 θ_1 θ_2 gains only",
        None,
        float((naive - buyer_worth(one, two, two, clipped=True)).mean()),
        0.0092,
        tolerance=5e-5,
    )


def balanced_example_1() -> Iterator[Claim]:
    """The balanced transfers of the trading game."""
    env = table("trading-game")
    rules = make_mechanism("once:base=balanced-team", env)
    pages = truthful_values(env, rules).pages
    one, two = (2 * np.arange(5) + 1) / 10, (2 * np.arange(5) + 1) / 5
    paid = np.array([pages[1].transfer[BUYER][int(m)].reshape(5, 5)[k] for k, m in enumerate(pages[0].following[0])])
    printed = one[:, None] / 2 * (two**2 - (two**2).mean())
    yield Claim(PAPER, "§2 γ_2 = −½ θ_1 (θ_2² − E θ_2²): largest difference", 0.0, float(np.abs(paid - printed).max()))
    yield Claim(PAPER, "§2 E[γ_2 | θ_1] = 0: largest", 0.0, float(np.abs(paid.mean(axis=1)).max()))
    yield Claim(
        PAPER,
        "§2 the budget balances: largest |Σ p|",
        0.0,
        max(float(np.abs(p.transfer.sum(axis=0)).max()) for p in pages),
    )
    square = 1 + float((two**2).mean())
    yield Claim(
        PAPER,
        "§2 E γ_1 of the printed γ_1 = θ_1 (1 + E θ_2²), which is said to be (5.2); on five midpoints",
        square / 2,
        float(-pages[0].transfer[SELLER][0].mean()),
        0.0,
        "the example leaves out the constant E γ_1 that (5.2) subtracts",
    )
    worst = max(
        gain(problem("trading-game", "once:base=balanced-team", i), Information.EX_POST, worst=True) for i in (0, 1)
    )
    yield Claim(PAPER, "§2 one newly informed agent per period: within-period ex post gain", None, worst, 0.0)
    reports = np.linspace(0, 2, 200_001)
    # Foreseeing θ_2 = 0: −r²/(2 θ_1) + r S − r E[θ_2²]/2 at θ_1 = ½.
    best = reports[int(np.argmax(-(reports**2) + reports * 7 / 3 - reports * 2 / 3))]
    yield Claim(
        PAPER, "§2 a seller who foresees θ_2 = 0 reports r/θ_1 (no 'true' ex post)", None, float(best / 0.5), 5 / 3,
        tolerance=2e-5,
    )  # fmt: skip


# §§4 and 5


def theorems() -> Iterator[Claim]:
    """Propositions 1 and 2 on economies with independent private values."""
    for text in (
        "random:agents=3,signals=2,correlation=0,interdependence=0,seed=3",
        "renewable-resource",
        "power-plants",
    ):
        env = table(text)
        surplus = float((plan(env).value[0] * env.prior).sum())
        truthful = truthful_values(env, make_mechanism("team", env))
        off = float(np.abs(truthful.utility - truthful.transfer - surplus).max())
        yield Claim(PAPER, f"Proposition 1 on {env.name}: payoffs less the total surplus", 0.0, off, tolerance=1e-8)
        rules = BalancedTeam(env)
        truthful = truthful_values(env, rules)
        every = range(len(env.agents))
        yield Claim(
            PAPER,
            f"Proposition 2 on {env.name}: the largest Bayesian gain, own past lies included",
            0.0,
            max(gain(build_problem(env, rules, (i,)), worst=True) for i in every),
            tolerance=1e-8,
        )
        other = Balanced(env, "pivot")
        apart = max(
            float(np.abs(a - b).max())
            for mine, theirs in zip(rules.tables, other.tables, strict=True)
            for a, b in zip(mine, theirs, strict=True)
        )
        yield Claim(
            PAPER, f"§5 on {env.name}: γ from the pivot as base less γ from the team mechanism, largest", 0.0, apart,
            tolerance=1e-8,
        )  # fmt: skip
        residual = max(float(np.abs(page.transfer.sum(axis=0)).max()) for page in truthful.pages)
        yield Claim(PAPER, f"(5.1) on {env.name}: the largest |Σ p| of any period", 0.0, residual)
        yield Claim(
            PAPER, f"(5.2) on {env.name}: the largest expected transfer", 0.0, float(np.abs(truthful.transfer).max()),
            tolerance=1e-8,
        )  # fmt: skip
    yield constant_of_claim_1()


def constant_of_claim_1() -> Claim:
    """(5.6): under any deviation Σ γ_i differs from Ψ_i by a constant, which the print lets depend on the deviation."""
    env, agent = table("repeated-auction:fatigue=0.5"), 0
    values = []
    for rules in (make_mechanism("balanced-team", env), make_mechanism("team", env)):
        of = build_problem(env, rules, (agent,))
        low = replace(of, periods=tuple(replace(p, truth=np.zeros_like(p.truth)) for p in of.periods))
        values.append(solve(low, Family.PRESCRIBED, Information.INTERIM).ex_ante)  # reports the lowest value always
    stage, policy = env.stage(0), plan(env).policy[0]
    others = stage.utility.sum(axis=0) - stage.utility[agent]
    flow = np.take_along_axis(others, policy[None], axis=0).reshape(-1)
    lied = np.broadcast_to(policy[:1], policy.shape).reshape(-1)
    rows, states = env.kernel(0).rows(), np.arange(stage.size)
    worth = [
        float(env.prior.reshape(-1) @ np.linalg.solve(np.eye(stage.size) - env.discount * rows[rule, states], flow))
        for rule in (lied, policy.reshape(-1))
    ]
    return Claim(
        PAPER,
        "(5.6): balanced less team payoff when agent 1 always reports the lowest value",
        -worth[0],
        values[0] - values[1],
        -worth[1],
        "the constant is the expectation under μ[χ], not under the deviation's μ[χ̂]",
        tolerance=1e-8,
    )


# §2, Examples 2 to 6


FIRST_BEST = {
    "correlated-values": 1.831875,
    "decisions-move-values": 1.85546875,
    "decisions-move-information": 0.825,
    "hidden-investment": 1.10375,
    "hidden-information": 0.815,
}


def variations() -> Iterator[Claim]:
    """First-best values, and that nothing gains under the balanced team, misreports and disobedience together."""
    for number, (variant, value) in enumerate(FIRST_BEST.items(), start=2):
        text = f"trading-game:variant={variant}"
        env = table(text)
        yield Claim(PAPER, f"Example {number}: first best", None, float((plan(env).value[0] * env.prior).sum()), value)
        for mechanism in ("team", "balanced-team"):
            most = max(gain(problem(text, mechanism, i), worst=True) for i in (SELLER, BUYER))
            yield Claim(PAPER, f"Example {number}, {mechanism}: the largest gain of anybody", 0.0, most)


def hidden_actions() -> Iterator[Claim]:
    """Example 5: what ignoring the investment costs."""
    text = "trading-game:variant=hidden-investment"
    whole = problem(text, "minimum-rent", BUYER)
    yield Claim(PAPER, "Example 5, least rents: misreports alone", None, gain(obedient(whole)), 0.0)
    yield Claim(
        PAPER, "Example 5, least rents: disobedience alone", None, gain(truthful(whole)), 1 / 40,
        **played(text, "minimum-rent", BUYER, Disobedience("low")),
    )  # fmt: skip
    whole = problem(text, "pay-your-report", BUYER)
    yield Claim(
        PAPER, "Example 5, pay your report: disobedience alone", None, gain(truthful(whole)), 0.25,
        **played(text, "pay-your-report", BUYER, Disobedience("low")),
    )  # fmt: skip
    yield Claim(
        PAPER, "Example 5, pay your report: misreports and disobedience", None, gain(whole), 0.4525,
        **played(text, "pay-your-report", BUYER, Witness(whole, Family.CONTINGENT)),
    )  # fmt: skip
    for agent in (SELLER, BUYER):
        of = problem(text, "team:reports=payoffs", agent)
        yield Claim(
            PAPER, f"§4 team by realised payoffs, agent {agent + 1}: the largest gain", 0.0, gain(of, worst=True)
        )


def limits_of_balancing() -> Iterator[Claim]:
    """One period, v_i = (θ_i − 1) a, θ_i ∈ {0, 3}: not ex post, and not Bayesian with correlated types."""
    utility = np.zeros((2, 2, 2, 2))
    utility[0, 1], utility[1, 1] = np.array([[-1.0], [2.0]]), np.array([[-1.0, 2.0]])
    stage = Stage((("0", "3"), ("0", "3")), ("no", "yes"), utility)
    for prior, information, expected, what in (
        (np.full((2, 2), 0.25), Information.INTERIM, 0.0, "independent types: Bayesian gain"),
        (np.full((2, 2), 0.25), Information.EX_POST, 0.5, "independent types: gain knowing the other's report"),
        (np.array([[0.4, 0.1], [0.1, 0.4]]), Information.INTERIM, 0.2, "correlated types, forced: Bayesian gain"),
    ):
        env = TableEnvironment("one shot", ("Ann", "Bob"), prior, (stage,), 1.0, 1)
        of = build_problem(env, BalancedTeam(env, force=True), (0,))
        yield Claim(PAPER, f"§5 one shot, {what}", None, gain(of, information, worst=True), expected)


# §6


def enforcement() -> Iterator[Claim]:
    """How patient two traders must be, and the paper's sufficient bound."""
    env = table("repeated-trade:persistence=0.5")
    for level, fraction in (
        (Level.TRUTHFUL, Fraction(5, 6)),
        (Level.BEST_RESPONSE, Fraction(28, 33)),
        (Level.AFTER_LIES, Fraction(36, 41)),
    ):
        yield Claim(
            PAPER,
            f"Proposition 3, types drawn anew: δ* at level {level.value} ({fraction})",
            None,
            least_patience(env, level),
            float(fraction),
            tolerance=1e-8,
        )
    env = table("repeated-trade")
    for level, expected in (
        (Level.TRUTHFUL, 0.9208521875),
        (Level.BEST_RESPONSE, 0.9289875038),
        (Level.AFTER_LIES, 0.9364960924),
    ):
        yield Claim(
            PAPER,
            f"Proposition 3, types that persist: δ* at level {level.value}",
            None,
            least_patience(env, level),
            expected,
            tolerance=1e-8,
        )
    # C = 14/3, M = 4, K = 2 C + M/2 = 34/3 and Σ ū = 5/4: δ/(1 − δ) = 2 (14/3 + 4 · 34/3 + 8)/(5/4) = 92.8.
    yield Claim(
        PAPER,
        "Proposition 3: the sufficient δ of the proof, for two agents as printed",
        92.8 / 93.8,
        sufficient(env, printed=True).discount,
        tolerance=1e-9,
    )
    yield from payments_after_a_lie()
    yield bound_on_incentives()


def payments_after_a_lie() -> Iterator[Claim]:
    """(6.3) takes the next balanced transfer to be expected to be 0 given the true signals; γ is centred on reports."""
    env = table("repeated-trade")
    chain, discount = persistent_chain(2, 0.75), env.discount
    correlation = chain[0, 0] - chain[0, 1]  # of a type and the next
    after = {"truth": 0.0, "lie": 0.0}
    for i, (_, later) in enumerate(SelfEnforcing(env).incentives):
        expected = later[:, 0] @ chain.T  # by last reports and true own signal
        for last, said in enumerate(np.unravel_index(np.arange(4), (2, 2))[i]):
            for true in range(2):
                key = "truth" if true == said else "lie"
                after[key] = max(after[key], abs(float(expected[last, true])))
    text = "(6.3): the largest |expected ψ_i of the next period| after"
    yield Claim(PAPER, f"{text} the truth", 0.0, after["truth"], tolerance=1e-8)
    # The buyer of value 4 instead of 2 makes the seller bear its cost of 3, where that is its cost.
    ahead = 1 / (1 - discount * correlation) + correlation / (1 - discount * correlation**2)
    yield Claim(
        PAPER,
        f"{text} a lie",
        0.0,
        after["lie"],
        1.5 * correlation * ahead,
        "given the true signals it is 0 only if the last report was the truth, so levels A, B and C differ",
        tolerance=1e-8,
    )


def bound_on_incentives() -> Claim:
    """|γ_j| ≤ 2 C: agent 1 draws θ ∈ {0, 1} anew, a = θ is efficient, three others earn a and agent 1 nothing."""
    utility = np.zeros((4, 2, 2, 1, 1, 1))
    utility[0, 1, 0] = -4.0
    utility[1:, 1] = 1.0
    one = np.ones((2, 1, 1))
    env = from_arrays(utility, [np.full((2, 2, 2), 0.5), one, one, one], np.full((2, 1, 1, 1), 0.5), 0.9)
    spread = max(float(np.abs(long_run(env).excess(discount)).max()) for discount in np.linspace(0, 1, 101))
    largest = max(float(np.abs(table).max()) for table in BalancedTeam(env).tables[1])
    return Claim(
        PAPER,
        "proof of Proposition 3, |γ_j| ≤ 2 C: the largest |γ_j| with four agents, C = ½",
        2 * spread,
        largest,
        1.5,
        "γ_j is about the N − 1 others' utilities: |γ_j| ≤ 2 (N − 1) C, so K = 2 C + M/N",
        tolerance=1e-9,
    )
