"""Liu 2014, §3.1: two oil leases, and the same with a private signal about how signals are correlated."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from dynmech.agents.oracle.gains import ex_ante_gain, ties
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.belief_manipulation import BeliefManipulation
from dynmech.agents.strategies.one_shot import OneShot
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import largest_gain, mean, payoffs, play
from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.numerics.ex_post import ex_post_payments
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation

claim = partial(Claim, "liu")

GAIN = 1e-7
"""Gains up to this are none."""


def leases() -> Iterator[Claim]:
    """The two auctions."""
    environment = OilLeases().build()
    yield from _single_auctions(environment)
    yield from _link(environment)
    yield from _levels(environment)
    yield from _bonuses(environment)
    yield from _misprints(environment)


def _single_auctions(environment: TableEnvironment) -> Iterator[Claim]:
    first, second = (environment.stage(t).utility for t in (0, 1))
    wants = first[0, 0, :, 0] - first[0, 1, :, 0]
    yield claim("2014 §3.1: one auction alone: type 4 needs p(4) − p(6) of at most", 7.0, float(wants[0]))
    yield claim("2014 §3.1: one auction alone: type 6 needs p(4) − p(6) of at least", 11.0, float(wants[1]))
    price = ex_post_payments(environment.stage(1), 1, plan(environment).policy[1])
    assert price is not None
    yield claim("2014 §3.1: generalised VCG price of the second lease for firm 2", 11.0, float(price[0, 1]))
    wants = second[1, 1, 0] - second[1, 0, 0]
    way = "firm 2's two constraints by hand"
    yield claim("2014 §3.1: least price of the second lease that works", None, float(wants[0]), 6.0, way)
    yield claim("2014 §3.1: largest price of the second lease that works", None, float(wants[1]), 12.0, way)


def _transfers(environment: TableEnvironment, mechanism: Linked) -> Iterator[Claim]:
    """What is paid in the second auction, by decisions and firm 2's report there."""
    nobody = Acts(np.zeros((1, 2), np.intp), np.zeros((1, 2)))
    for won, report, printed in ((2, 4, -4.0), (2, 6, -16.0), (1, 4, 0.0), (1, 6, 0.0)):
        memory = np.array([1 + (won - 1) * environment.stage(0).size])
        said = np.array([[0, (report - 4) // 2]])
        due = mechanism.due(Situation(1, memory, np.zeros(1, np.intp)), said)[0, 0]
        yield claim(f"2014 §3.1: p_2^1 after a_1 = {won}, firm 2 reporting {report}", printed, float(due))
    for report, printed in ((4, 0.0), (6, 11.0)):
        now, said = Situation(1, np.ones(1, np.intp), np.zeros(1, np.intp)), np.array([[0, (report - 4) // 2]])
        price = mechanism.charge(now, said, mechanism.decide(now, said), nobody)[0, 1]
        yield claim(f"2014 §3.1: p_2^2, firm 2 reporting {report}", printed, float(price))
    worth = build_problem(FiniteGame(environment, mechanism), (1,)).periods[1].flow[0, :, :, 0]
    for (signal, report), expected in {(4, 4): 0.0, (4, 6): -5.0, (6, 6): 1.0, (6, 4): 0.0}.items():
        exact = float(worth[(signal - 4) // 2, (report - 4) // 2])
        text = f"2014 §3.1: firm 2's second auction, signal {signal}, report {report}"
        yield claim(text, None, exact, expected, "its value of the lease less 11, by hand")


def first_auction(environment: TableEnvironment, mechanism: Linked) -> FloatArray:
    """What the first auction with its link is worth to firm 1, by signal and report, `(2, 2)`."""
    return build_problem(FiniteGame(environment, mechanism), (0,)).periods[0].flow[0, :, :, 0]


def _link(environment: TableEnvironment) -> Iterator[Claim]:
    mechanism = Linked(environment)
    yield from _transfers(environment, mechanism)
    exact = first_auction(environment, mechanism)
    printed = {(0, 0): 7.0, (0, 1): 7.0, (1, 1): 13.0, (1, 0): 11.0}
    for (signal, report), number in printed.items():
        known = replace(environment, prior=np.eye(2)[:, [signal]])
        record = play(known, mechanism, {0: OneShot(0, "flip")} if report != signal else None)
        earned = record.utility[0, 0] - record.transfer[0, 0] - record.transfer[1, 0]
        simulated, error = mean(earned)
        yield claim(
            f"2014 §3.1: firm 1's first auction under Γ^link, signal {4 + 2 * signal}, report {4 + 2 * report}",
            number,
            float(exact[signal, report]),
            simulated=simulated,
            error=error,
        )


def _levels(environment: TableEnvironment) -> Iterator[Claim]:
    mechanism = Linked(environment)
    truthful, record = FiniteGame(environment, mechanism).truthful, play(environment, mechanism)
    revenue = record.transfer.sum(axis=(0, 1))
    figures = (
        ("firm 1's payoff", float(payoffs(truthful)[0]), 13.5, record.payoffs[0]),
        ("firm 2's payoff", float(payoffs(truthful)[1]), 6.5, record.payoffs[1]),
        ("revenue", float(truthful.transfer.sum()), -1.0, revenue),
        ("payoffs and revenue together", truthful.welfare, 19.0, record.payoffs.sum(axis=0) + revenue),
    )
    for name, exact, expected, samples in figures:
        simulated, error = mean(samples)
        text, way = f"2014 §3.1: Γ^link under truth: {name}", "the four profiles by hand"
        yield claim(text, None, exact, expected, way, simulated=simulated, error=error)


def _bonuses(environment: TableEnvironment) -> Iterator[Claim]:
    surplus = environment.stage(0).welfare.max(axis=0)[:, 0]
    for signal, slip in ((0, ""), (1, "bonuses (4, 16) leave firm 1 13, the surplus is 12; (3, 15) leave it that")):
        exact = float(first_auction(environment, Linked(environment))[signal, signal])
        yield claim(
            f"2014 §3.1: truth earns firm 1 the surplus of the first auction, signal {4 + 2 * signal}",
            float(surplus[signal]),
            exact,
            13.0 if slip else None,
            "4/4 + 3 · 16/4" if slip else "",
            slip,
        )
    claimant = first_auction(environment, Linked(environment, 3.0, 15.0))
    text = "2014 §3.1: the same with bonuses (3, 15), signal 6"
    yield claim(text, None, float(claimant[1, 1]), 12.0, "3/4 + 3 · 15/4")
    law, pairs = belief_matrices(environment, 0, 0)[1, 0], np.array(list(product(range(-10, 31), repeat=2)), np.float64)
    bonus = pairs @ law  # expected, by true signal
    holds = (bonus[:, 0] <= 7) & (bonus[:, 1] >= 11)
    stated = (3 * pairs[:, 0] + pairs[:, 1] <= 28) & (pairs[:, 0] + 3 * pairs[:, 1] >= 44)
    yield claim(
        "2014 §3.1: of 1681 pairs of bonuses (x, y), those on which 3x + y ≤ 28, x + 3y ≥ 44 and truth disagree",
        None,
        float((holds != stated).sum()),
        0.0,
        "the two constraints by hand",
    )


def _misprints(environment: TableEnvironment) -> Iterator[Claim]:
    mechanism = Linked(environment)
    yield claim("2014 §3.1: the best lie under Γ^link gains", 0.0, largest_gain(environment, mechanism), tolerance=GAIN)
    never = Linked(environment, 0.0, 0.0)
    slip = "a_1 = 0 never happens; the bonus is for losing, a_1 = 2"
    exact = largest_gain(environment, never)
    text = "2014 §3.1: the same with the bonus for a_1 = 0, as printed"
    yield claim(text, 0.0, exact, 11.0, "no bonus at all: signal 6 gets the lease for 2 · 6 − 1", slip)
    problem = build_problem(FiniteGame(environment, mechanism), (0,))
    tied, _ = ties(problem, solve(problem, Family.PRESCRIBED, Information.INTERIM))
    slip = "with signal 4 firm 1 is indifferent between its reports"
    text = "2014 §1.1: signals at which firm 1 is indifferent under Γ^link"
    yield claim(text, 0.0, float(tied), 1.0, "3 · 4/4 + 16/4 = 2 · 4 − 1", slip)


def leases_with_a_prior() -> Iterator[Claim]:
    """The augmented example."""
    environment = OilLeasesPrior().build()
    mechanism = CremerMcLean(environment)
    printed = {(0, 0): 13.0, (0, 1): 5.0, (1, 0): 5.0, (1, 1): 13.0}
    for (before, other), number in printed.items():
        exact = float(mechanism.tables[1][0][before, other])
        yield claim(f"2014 §3.1: p(4, {4 + 2 * other}; {before}) of the Crémer–McLean prices", number, exact)
    lost = float(np.abs(mechanism.tables[1][0][:, 2:]).max())
    yield claim("2014 §3.1: largest |p(6, ·; ·)| of the Crémer–McLean prices", 0.0, lost)
    yield from _believed(environment, mechanism)
    yield from _manipulated(environment, mechanism)
    gain = largest_gain(environment, Linked(environment), information=Information.INTERIM)
    yield claim("2014 §3.1: the best lie under Γ^link gains, with θ_0", 0.0, gain, tolerance=GAIN)


def lottery(problem: Problem, before: int, reported: int, signal: int, report: int) -> float:
    """What the first auction is expected to earn firm 1: θ_0 and its report, θ_1 and its report."""
    environment, period = problem.environment, problem.periods[1]
    joint = environment.kernel(0).row(0, before)[signal]
    state = period.merged[1 + reported]
    return float(joint / joint.sum() @ period.flow[state, 2 * signal : 2 * signal + 2, report, 0])


def _believed(environment: TableEnvironment, mechanism: CremerMcLean) -> Iterator[Claim]:
    problem = build_problem(FiniteGame(environment, mechanism), (0,))
    worth = [lottery(problem, b, b, s, r) for b, s, r in product(range(2), repeat=3)]
    text = "2014 §3.1: Crémer–McLean, θ_0 told truly: largest |surplus| of any report in the first auction"
    yield claim(text, 0.0, max(map(abs, worth)))
    record = play(environment, mechanism)
    simulated, error = mean(record.utility[1, 0] - record.transfer[1, 0])
    truth = [lottery(problem, b, b, s, s) for b, s in product(range(2), repeat=2)]
    text = "2014 §3.1: Crémer–McLean: surplus of truth in the first auction"
    yield claim(text, 0.0, float(np.mean(truth)), simulated=simulated, error=error, effect=4.0)  # what the lie earns
    gain = largest_gain(environment, mechanism, Family.ONE_SHOT, Information.INTERIM, on_path=True)
    yield claim("2014 §3.1: Crémer–McLean: one lie of firm 1 on the path of truth gains", 0.0, gain, tolerance=GAIN)
    period = problem.periods[1]
    seen = [period.flow[period.merged[1 + b], 2 * s + o, :, 0] for b, s, o in product(range(2), repeat=3)]
    honest = [table[s] for table, (_, s, _) in zip(seen, product(range(2), repeat=3), strict=True)]
    gains = [float(table.max() - own) for table, own in zip(seen, honest, strict=True)]
    text = "2014 §3.1: Crémer–McLean: a lie in the first auction gains, if firm 2's signal were seen"
    yield claim(text, None, max(gains), 6.0, "the prices by hand")


def _manipulated(environment: TableEnvironment, mechanism: CremerMcLean) -> Iterator[Claim]:
    problem, lie = build_problem(FiniteGame(environment, mechanism), (0,)), BeliefManipulation(0, "flip", "flip")
    for before in range(2):
        known = replace(environment, prior=np.eye(2)[:, [before]])
        lied, honest = play(known, mechanism, {0: lie}), play(known, mechanism)
        earned = lied.utility[1, 0] - lied.transfer[1, 0]
        for signal, printed in ((0, 0.0), (1, 4.0)):
            simulated, error = mean(earned[lied.signal[1, 0] == signal])
            yield claim(
                f"2014 §3.1: Crémer–McLean, θ_0 = {before} misreported, signal {4 + 2 * signal}: the opposite earns",
                None if before else printed,
                lottery(problem, before, 1 - before, signal, 1 - signal),
                printed if before else None,
                "symmetry with θ_0 = 0" if before else "",
                simulated=simulated,
                error=error,
            )
        here = build_problem(FiniteGame(known, mechanism), (0,))
        truth, best = (solve(here, f, Information.INTERIM) for f in (Family.PRESCRIBED, Family.BEST_RESPONSE))
        simulated, error = mean(lied.payoffs[0] - honest.payoffs[0])
        yield claim(
            f"2014 §3.1: Crémer–McLean, θ_0 = {before}: the best deviation gains ex ante",
            None,
            ex_ante_gain(best, truth).gain,
            2.0,
            "4 where the signal is 6, half of the time",
            simulated=simulated,
            error=error,
            tolerance=GAIN,
        )
